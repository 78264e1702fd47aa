//! Files that do not parse, mostly templates: a scan of lines, shown and never edited.

use super::file_scan::Scan;
use super::found::{DetectionRule, Found};
use super::output::MAX_FOUND;
use super::reference_text::{self, Parts};
use super::site::{Insert, Site};
use crate::domain::pin::Style;
use crate::domain::reference::Repository;

/// Characters of one line that are looked at.
const MAX_LINE: usize = 16 << 10;

/// Looks for references from byte `from` on.
pub(super) fn lines(text: &str, from: usize, document: u32, scan: &mut Scan) {
    let before = text[..from].bytes().filter(|&b| b == b'\n').count();
    let mut at = from;
    for (number, line) in (before + 1..).zip(text[from..].split_inclusive('\n')) {
        let start = at;
        at += line.len();
        // Most lines of a template name no image, and templates are long.
        if !line.contains("sha256:") && !line.contains("image:") {
            continue;
        }
        let body = line.trim_end();
        if body.len() > MAX_LINE || body.trim_start().starts_with('#') {
            continue;
        }
        if scan.found.len() >= MAX_FOUND {
            return;
        }
        let mut add = |parts: &Parts| {
            let name = &body[parts.name.clone()];
            scan.found.push(Found {
                style: Style::Unparsed,
                kind: "unparsed/line",
                rule: DetectionRule::UnparsedLine,
                written: name.to_owned(),
                repository: Repository::parse(name).ok(),
                tag: parts.tag.clone().map(|r| body[r].to_owned()),
                digest: parts.digest.clone().and_then(|r| reference_text::digest(&body[r])),
                line: u32::try_from(number).unwrap_or(u32::MAX),
                yaml_path: String::new(),
                digest_span: parts.digest.clone().map(|r| start + r.start..start + r.end),
                aliases: Vec::new(),
                read_only: Some("the file does not parse as YAML (a template?)".to_owned()),
                reason: None,
                uncertain: None,
                in_values_fields: false,
                site: Site {
                    document,
                    lines: Vec::new(),
                    digest: None,
                    tag: None,
                    insert: Insert::Refused("the file does not parse as YAML"),
                },
            });
        };
        let mentioned: Vec<Parts> = reference_text::mentions(body)
            .into_iter()
            .filter_map(|m| m.parts)
            .collect();
        mentioned.iter().for_each(&mut add);
        if mentioned.is_empty()
            && let Some(parts) = image_line(body)
        {
            add(&parts);
        }
    }
}

/// `image: name:tag`, alone on its line.
fn image_line(body: &str) -> Option<Parts> {
    let trimmed = body.trim_start();
    let rest = trimmed.strip_prefix("- ").unwrap_or(trimmed).trim_start();
    let value = rest.strip_prefix("image:")?;
    let value = value.split(" #").next().unwrap_or(value).trim();
    let value = value.trim_matches(['"', '\'']);
    let at = body.rfind(value)?;
    let parts = reference_text::parse(value)?;
    parts.tag.as_ref()?;
    let shift = |r: std::ops::Range<usize>| r.start + at..r.end + at;
    Some(Parts {
        name: shift(parts.name),
        tag: parts.tag.map(shift),
        digest: None,
    })
}
