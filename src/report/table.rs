//! Tables as kubectl prints them: columns without lines.

use comfy_table::{Table, presets};

/// A table without lines, as kubectl prints them.
pub(super) fn plain_table() -> Table {
    let mut table = Table::new();
    table.load_style(presets::NOTHING);
    table
}

/// The table as text without blanks at the ends of lines, with a final newline.
pub(super) fn finish(table: &Table) -> String {
    let text = table.to_string();
    let lines: Vec<&str> = text.lines().map(|line| line.strip_prefix(' ').unwrap_or(line).trim_end()).collect();
    format!("{}\n", lines.join("\n"))
}
