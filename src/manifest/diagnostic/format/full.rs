//! Findings for people: message, source line, caret and advice, as rustc shows them.

use std::ops::Range;

use annotate_snippets::{Annotation, AnnotationKind, Group, Level, Renderer, Snippet, normalize_untrusted_str};

use crate::manifest::diagnostic::{Diagnostic, Diagnostics, Severity};
use crate::manifest::source::{Place, SourceFile};

/// A source line that is longer is left out: a file of one long line is no source line to show.
const LONGEST_LINE: usize = 2000;

/// How far apart two places of one finding may be to be shown in one excerpt.
const WIDEST_EXCERPT: usize = 64 * 1024;

pub(super) fn render(findings: &Diagnostics, colour: bool) -> String {
    let renderer = if colour { Renderer::styled() } else { Renderer::plain() };
    let mut shown = String::new();
    for finding in findings.iter() {
        shown.push_str(&one(finding, &renderer));
        shown.push_str("\n\n");
    }
    if let Some(summary) = summary(findings) {
        shown.push_str(&summary);
        shown.push('\n');
    }
    shown
}

fn summary(findings: &Diagnostics) -> Option<String> {
    let count = |number: usize, what: &str| match number {
        0 => None,
        1 => Some(format!("1 {what}")),
        _ => Some(format!("{number} {what}s")),
    };
    let (errors, warnings) = findings.counts();
    let parts: Vec<_> = [count(errors, "error"), count(warnings, "warning")].into_iter().flatten().collect();
    (!parts.is_empty()).then(|| parts.join(", "))
}

fn one(finding: &Diagnostic, renderer: &Renderer) -> String {
    let level = match finding.severity {
        Severity::Error => Level::ERROR,
        Severity::Warning => Level::WARNING,
    };
    let title = level.primary_title(normalize_untrusted_str(&finding.message)).id(finding.code.as_str());
    let excerpts = excerpts(finding);
    let mut group = Group::with_title(title);
    for excerpt in &excerpts {
        group = group.element(excerpt.snippet());
    }
    if let Some(help) = &finding.help {
        group = group.element(Level::HELP.message(normalize_untrusted_str(help)));
    }
    renderer.render(&[group])
}

/// A stretch of whole lines of one file with everything that is marked in it.
struct Excerpt<'a> {
    file: &'a SourceFile,
    range: Range<usize>,
    text: String,
    marks: Vec<(AnnotationKind, Range<usize>, String)>,
}

impl Excerpt<'_> {
    fn snippet(&self) -> Snippet<'_, Annotation<'_>> {
        let marks = self.marks.iter().map(|(kind, range, label)| {
            let span = kind.span(range.start - self.range.start..range.end - self.range.start);
            span.label((!label.is_empty()).then_some(label.as_str()))
        });
        Snippet::source(self.text.as_str())
            .line_start(self.file.position(self.range.start).line)
            .path(self.file.name.as_str())
            .annotations(marks)
    }
}

fn excerpts(finding: &Diagnostic) -> Vec<Excerpt<'_>> {
    let mut excerpts: Vec<Excerpt<'_>> = Vec::new();
    let primary = finding.place.iter().map(|place| (AnnotationKind::Primary, place, &finding.label));
    let related = finding.related.iter().map(|(place, label)| (AnnotationKind::Context, place, label));
    for (kind, place, label) in primary.chain(related) {
        let lines = lines_of(place);
        let mark = (kind, visible_mark(place), normalize_untrusted_str(label));
        let near = excerpts.iter_mut().find(|excerpt| {
            let together = excerpt.range.start.min(lines.start)..excerpt.range.end.max(lines.end);
            excerpt.file == &*place.file && together.len() <= WIDEST_EXCERPT
        });
        match near {
            Some(excerpt) => {
                excerpt.range = excerpt.range.start.min(lines.start)..excerpt.range.end.max(lines.end);
                excerpt.marks.push(mark);
            }
            None => {
                excerpts.push(Excerpt { file: &place.file, range: lines, text: String::new(), marks: vec![mark] });
            }
        }
    }
    for excerpt in &mut excerpts {
        excerpt.text = excerpt.file.visible(excerpt.range.clone());
    }
    excerpts
}

/// The whole lines of a place, or only the start of it where they are too long to show.
fn lines_of(place: &Place) -> Range<usize> {
    let first = place.file.line(place.start().line);
    let last = place.file.line(place.end().line);
    let lines = first.start..last.end.max(first.start);
    if lines.len() <= LONGEST_LINE {
        return lines;
    }
    let around = Place::new(&place.file, place.range.start..place.range.end.min(place.range.start + 40));
    around.range
}

/// What the caret marks: the first line of the place, and at least one character where there is one.
fn visible_mark(place: &Place) -> Range<usize> {
    let range = place.first_line().range;
    range.start..range.end.min(lines_of(place).end)
}
