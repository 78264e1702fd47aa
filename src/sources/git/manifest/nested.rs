//! YAML inside a literal block scalar (`helm.values: |`): its offsets mapped back to the file.

use super::found::Found;
use super::site::{DigestSlot, Insert, Site, TagForm, TagSlot};
use super::tree::{Id, Kind, Tree};

/// How offsets and lines of a nested text become those of the file.
#[derive(Debug, Clone)]
pub(super) struct Mapping {
    /// Per line of the nested text: where it begins there, and in the file.
    lines: Vec<(usize, usize)>,
    /// File line of the nested text's first line.
    first_line: u32,
    /// Path of the scalar that contains it.
    path: String,
    /// The document that contains it.
    document: u32,
}

impl Mapping {
    /// The text of a block scalar, if every line stands verbatim in the file.
    pub(crate) fn of<'t>(tree: &'t Tree<'_>, id: Id) -> Option<(&'t str, Self)> {
        let id = tree.resolve(id);
        let node = tree.node(id);
        let Kind::Scalar(value, granit_parser::ScalarStyle::Literal) = &node.kind else {
            return None;
        };
        let raw = tree.text.get(node.span.clone())?;
        // The span begins at the first line's content: what is before it in the value are blank lines.
        let mut at = node.span.start;
        let mut raw_lines = raw.split_inclusive('\n');
        let mut lines = Vec::new();
        let mut offset = 0;
        for line in value.split_inclusive('\n') {
            let raw_line = raw_lines.next()?;
            let body = line.trim_end_matches('\n');
            let raw_body = raw_line.trim_end_matches(['\n', '\r']);
            let body = body.trim_end_matches('\r');
            if !raw_body.ends_with(body) {
                return None;
            }
            lines.push((offset, at + raw_body.len() - body.len()));
            offset += line.len();
            at += raw_line.len();
        }
        let mapping = Self {
            lines,
            first_line: node.line,
            path: tree.path(id),
            document: tree.document_of(id),
        };
        Some((value, mapping))
    }

    fn offset(&self, at: usize) -> usize {
        let line = self.lines.partition_point(|(start, _)| *start <= at).saturating_sub(1);
        self.lines.get(line).map_or(at, |(start, file)| at - start + file)
    }

    fn span(&self, span: &mut std::ops::Range<usize>) {
        // Spans never cross lines: what is edited stands verbatim in one line.
        let length = span.len();
        span.start = self.offset(span.start);
        span.end = span.start + length;
    }

    /// The line in the file.
    pub(crate) fn line(&self, line: u32) -> u32 {
        self.first_line + line.saturating_sub(1)
    }

    /// Makes a finding in the nested text one in the file.
    pub(crate) fn lift(&self, found: &mut Found) {
        found.line = self.line(found.line);
        let inner = found.yaml_path.strip_prefix("$[0]").unwrap_or(&found.yaml_path);
        found.yaml_path = format!("{}~{inner}", self.path);
        for used in &mut found.aliases {
            used.line = self.line(used.line);
            let inner = used.yaml_path.strip_prefix("$[0]").unwrap_or(&used.yaml_path);
            used.yaml_path = format!("{}~{inner}", self.path);
        }
        let Site {
            document,
            lines,
            digest,
            tag,
            insert,
        } = &mut found.site;
        *document = self.document;
        for line in lines {
            *line = self.line(*line);
        }
        if let Some(DigestSlot { span, .. }) = digest {
            self.span(span);
        }
        if let Some(TagSlot { span, form }) = tag {
            self.span(span);
            if let TagForm::Field {
                scalar, removable_from, ..
            } = form
            {
                self.span(scalar);
                *removable_from = removable_from.map(|at| self.offset(at));
            }
        }
        match insert {
            Insert::Refused(_) => {}
            Insert::Append(at) => *at = self.offset(at.saturating_sub(1)) + 1,
            Insert::Fill(span) => self.span(span),
            Insert::Entry { key_at, value_end, .. } => {
                *key_at = self.offset(*key_at);
                *value_end = self.offset(value_end.saturating_sub(1)) + 1;
            }
        }
    }
}
