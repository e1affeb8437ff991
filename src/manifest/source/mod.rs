//! A manifest file as it was read, and places in it.

pub(super) mod masks;

use std::cmp::Ordering;
use std::fmt;
use std::ops::Range;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use crate::model::text::cleaned;

/// Where a manifest stands: enough to find it again, and to edit it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Location {
    /// The file.
    pub path: PathBuf,
    /// The number of the document in the file, counted from 0.
    pub document: usize,
    /// The name in it.
    pub name: Place,
}

/// One file's text, with what is needed to point into it.
#[derive(Clone, PartialEq, Eq)]
pub struct SourceFile {
    /// The path as it is shown: what the user named, with `/` between its parts.
    pub name: String,
    /// The path as the operating system takes it.
    pub path: PathBuf,
    /// The whole text.
    pub text: String,
    /// The byte at which each line starts.
    lines: Vec<usize>,
    /// What is not to be shown.
    secrets: Vec<Range<usize>>,
}

impl SourceFile {
    /// The file at `path` with the content `text`.
    pub fn new(path: &Path, text: String) -> Self {
        let lines = std::iter::once(0).chain(text.match_indices('\n').map(|(at, _)| at + 1)).collect();
        let secrets = masks::secrets(&text);
        Self { name: shown(path), path: path.to_owned(), text, lines, secrets }
    }

    /// The same file where it is no YAML from these offsets on: what stands open there is not shown, either.
    pub fn broken_at(&self, offsets: &[usize]) -> Self {
        let mut file = self.clone();
        let open = offsets.iter().filter_map(|offset| masks::open_at(&self.text, &self.secrets, *offset));
        let mut secrets: Vec<Range<usize>> = open.chain(self.secrets.iter().cloned()).collect();
        secrets.sort_by_key(|secret| (secret.start, secret.end));
        file.secrets = Vec::new();
        for secret in secrets {
            match file.secrets.last_mut() {
                Some(last) if secret.start <= last.end => last.end = last.end.max(secret.end),
                _ => file.secrets.push(secret),
            }
        }
        file
    }

    /// The text of a stretch with every character of a secret as `*`, byte for byte, so that offsets stay true.
    pub fn visible(&self, range: Range<usize>) -> String {
        let mut text = String::with_capacity(range.len());
        for (at, c) in self.text[range.clone()].char_indices() {
            let at = range.start + at;
            let next = self.secrets.partition_point(|secret| secret.end <= at);
            let secret = !c.is_whitespace() && self.secrets.get(next).is_some_and(|secret| secret.contains(&at));
            if secret {
                text.extend(std::iter::repeat_n('*', c.len_utf8()));
            } else {
                text.push(c);
            }
        }
        text
    }

    /// Line and column of a byte offset, both counted from 1; the column in characters.
    pub fn position(&self, offset: usize) -> Position {
        let offset = self.boundary(offset);
        let line = self.lines.partition_point(|start| *start <= offset).max(1);
        let start = self.lines[line - 1];
        Position { line, column: self.text[start..offset].chars().count() + 1 }
    }

    /// The byte range of a line, counted from 1, without its line break.
    pub fn line(&self, line: usize) -> Range<usize> {
        let start = self.lines.get(line.saturating_sub(1)).copied().unwrap_or(self.text.len());
        let end = self.lines.get(line).copied().unwrap_or(self.text.len());
        start..start + self.text[start..end].trim_end_matches(['\n', '\r']).len()
    }

    /// The nearest character boundary at or before `offset`.
    fn boundary(&self, offset: usize) -> usize {
        let mut offset = offset.min(self.text.len());
        while !self.text.is_char_boundary(offset) {
            offset -= 1;
        }
        offset
    }
}

impl fmt::Debug for SourceFile {
    /// The name only: the text may hold user data.
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "SourceFile({})", self.name)
    }
}

/// A path for people, with `/` between its parts on every system. A file may be called anything: its name is cleaned.
pub fn shown(path: &Path) -> String {
    cleaned(&path.to_string_lossy().replace(std::path::MAIN_SEPARATOR, "/"))
}

/// A line and a column, both counted from 1.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Position {
    /// The line.
    pub line: usize,
    /// The column, in characters.
    pub column: usize,
}

/// A stretch of one file.
#[derive(Clone, PartialEq, Eq)]
pub struct Place {
    /// The file.
    pub file: Arc<SourceFile>,
    /// The bytes.
    pub range: Range<usize>,
}

impl Place {
    /// The stretch `range` of `file`, moved inwards where it would not be within the text or would cut a character.
    pub fn new(file: &Arc<SourceFile>, range: Range<usize>) -> Self {
        let start = file.boundary(range.start);
        let end = file.boundary(range.end).max(start);
        Self { file: Arc::clone(file), range: start..end }
    }

    /// Where it starts.
    pub fn start(&self) -> Position {
        self.file.position(self.range.start)
    }

    /// Where it ends.
    pub fn end(&self) -> Position {
        self.file.position(self.range.end)
    }

    /// The text there.
    pub fn text(&self) -> &str {
        &self.file.text[self.range.clone()]
    }

    /// Whether another place begins within this one.
    pub fn holds(&self, other: &Self) -> bool {
        self.file.path == other.file.path && (self.range.start..=self.range.end).contains(&other.range.start)
    }

    /// The same place without what follows on further lines.
    pub fn first_line(&self) -> Self {
        let line = self.file.line(self.start().line);
        let end = self.range.end.min(line.end.max(self.range.start));
        Self { file: Arc::clone(&self.file), range: self.range.start..end }
    }
}

impl fmt::Display for Place {
    /// `manifests/app.yaml:12`
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "{}:{}", self.file.name, self.start().line)
    }
}

impl fmt::Debug for Place {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, out)
    }
}

impl PartialOrd for Place {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for Place {
    fn cmp(&self, other: &Self) -> Ordering {
        let key = |place: &Self| (place.range.start, place.range.end);
        self.file.name.cmp(&other.file.name).then_with(|| key(self).cmp(&key(other)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn positions_count_characters_and_start_at_one() {
        let file = Arc::new(SourceFile::new(Path::new("a.yaml"), "é: 1\r\nb: ü2\n".into()));
        assert_eq!(file.position(0), Position { line: 1, column: 1 });
        assert_eq!(file.position(4), Position { line: 1, column: 4 });
        let two = file.text.find('2').unwrap();
        assert_eq!(file.position(two), Position { line: 2, column: 5 });
        assert_eq!(&file.text[file.line(1)], "é: 1");
        assert_eq!(&file.text[file.line(2)], "b: ü2");
    }

    #[test]
    fn user_data_is_masked_in_every_style_and_nothing_else_is() {
        let text = "spec:\n  launch:\n    userData: |\n      #!/bin/sh\n\n      PASSWORD=canary\n    keyName: ops\n  x: {\"userData\": canary}\nend: 1\n";
        let file = SourceFile::new(Path::new("a.yaml"), text.into());
        let visible = file.visible(0..text.len());
        assert!(!visible.contains("canary") && !visible.contains("bin/sh"), "{visible}");
        assert!(visible.contains("keyName: ops") && visible.contains("end: 1"), "{visible}");
        assert_eq!(visible.len(), text.len());
    }

    #[test]
    fn a_place_outside_of_the_text_is_moved_into_it() {
        let file = Arc::new(SourceFile::new(Path::new("a.yaml"), "é".into()));
        assert_eq!(Place::new(&file, 1..99).range, 0..2);
        assert_eq!(Place::new(&file, std::ops::Range { start: 7, end: 3 }).range, 2..2);
    }
}
