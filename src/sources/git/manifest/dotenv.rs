//! The lines of a `.env` file as Compose reads them: names, values, and the bytes that the values stand in.

use std::ops::Range;

/// Name of the file, beside the Compose file.
pub const FILE: &str = ".env";

/// An assignment as it is written.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct WrittenVariable {
    /// What is before the `=`.
    pub name: String,
    /// The value between its quotes, before anything is put in.
    pub raw: String,
    /// The bytes of the file that `raw` stands in.
    pub span: Range<usize>,
    /// Line of the name, from 1.
    pub line: u32,
    /// The value is what is written: one line `NAME=value` without escapes and variables.
    pub is_literal: bool,
    /// Variables are put into it, and nothing else is done to it.
    pub is_expanded: bool,
}

/// The assignments of a file, in order. What is none is skipped.
pub(crate) fn read(text: &str) -> Vec<WrittenVariable> {
    let mut out = Vec::new();
    let (mut at, mut line) = (0, 1u32);
    while at < text.len() {
        let rest = &text[at..];
        let own = &rest[..rest.find('\n').unwrap_or(rest.len())];
        let found = assignment(rest, own);
        let length = found.as_ref().map_or(own.len(), |(_, length)| (*length).max(own.len()));
        if let Some((mut variable, _)) = found {
            variable.span = variable.span.start + at..variable.span.end + at;
            variable.line = line;
            out.push(variable);
        }
        let consumed = &rest[..length];
        // What follows a closing quote on its line is a comment, or nothing.
        let end = rest[length..].find('\n').map_or(rest.len(), |next| length + next + 1);
        line += u32::try_from(consumed.matches('\n').count()).unwrap_or(0) + 1;
        at += end;
    }
    out
}

/// The assignment at the beginning of a text, whose first line is `own`, and how many bytes it takes. Only a value in
/// quotes goes over several lines.
fn assignment(text: &str, own: &str) -> Option<(WrittenVariable, usize)> {
    let mut name_at = own.len() - own.trim_start().len();
    if let Some(after) = own[name_at..]
        .strip_prefix("export")
        .filter(|after| after.starts_with([' ', '\t']))
    {
        name_at = own.len() - after.trim_start().len();
    }
    let separator = name_at + own[name_at..].find(['=', ':'])?;
    let name = own[name_at..separator].trim_end();
    let is_name = |c: char| c.is_alphanumeric() || matches!(c, '_' | '.' | '-' | '[' | ']');
    if name.is_empty() || !name.chars().all(is_name) {
        return None;
    }
    let after = &own[separator + 1..];
    let value_at = own.len() - after.trim_start_matches([' ', '\t']).len();
    let has_equals = own[separator..].starts_with('=');
    let written = |span: Range<usize>, is_literal: bool, is_expanded: bool| WrittenVariable {
        name: name.to_owned(),
        raw: text[span.clone()].to_owned(),
        span,
        line: 0,
        is_literal: is_literal && has_equals,
        is_expanded,
    };
    let quote = own[value_at..].chars().next().filter(|c| matches!(c, '"' | '\''));
    let Some(quote) = quote else {
        let value = &own[value_at..];
        let value = value.split_once(" #").map_or(value, |(value, _)| value).trim_end();
        let span = value_at..value_at + value.len();
        // A value that is only a comment is none.
        let has_variables = value.contains('$');
        return Some((written(span, !has_variables, true), own.len()));
    };
    let start = value_at + 1;
    let mut escaped = false;
    let close = text[start..].char_indices().find_map(|(at, c)| {
        let ends = c == quote && !escaped;
        escaped = c == '\\' && !escaped;
        ends.then_some(start + at)
    })?;
    let value = &text[start..close];
    let is_plain = !value.contains(['\n', '\\']);
    let has_variables = quote == '"' && value.contains('$');
    Some((written(start..close, is_plain && !has_variables, is_plain), close + 1))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_are_read_as_compose_reads_them() {
        let text = "\u{feff}# comment\nTAG=1.4.0\r\nexport NAME='r.example/app' # ours\nEMPTY=\nQUOTED = \"a b\"  \n\
                    MORE=\"one\nTAG=inside\" # end\nTAG=1.5.0 # newer\nno assignment\nWAY: yaml\nMADE=${TAG}-x\n\
                    ESCAPED=\"a\\\"b\"\nRAW='$TAG'\nOPEN=\"never\nLAST=z";
        let all = read(text);
        for one in &all {
            assert_eq!(text[one.span.clone()], one.raw, "{one:?}");
        }
        let said: Vec<(&str, &str, u32, bool)> = all
            .iter()
            .map(|one| (one.name.as_str(), one.raw.as_str(), one.line, one.is_literal))
            .collect();
        assert_eq!(
            said,
            [
                ("TAG", "1.4.0", 2, true),
                ("NAME", "r.example/app", 3, true),
                ("EMPTY", "", 4, true),
                ("QUOTED", "a b", 5, true),
                ("MORE", "one\nTAG=inside", 6, false),
                ("TAG", "1.5.0", 8, true),
                ("WAY", "yaml", 10, false),
                ("MADE", "${TAG}-x", 11, false),
                ("ESCAPED", "a\\\"b", 12, false),
                ("RAW", "$TAG", 13, true),
                ("LAST", "z", 15, true),
            ]
        );
    }

    #[test]
    fn every_text_is_read_to_its_end() {
        for text in [
            "",
            "\n",
            "=",
            "A",
            "A=",
            "A='",
            "A=\"\\",
            "é=1\né",
            "A=1\n\n\n",
            "export \nA=1",
            "export=1",
        ] {
            let all = read(text);
            assert!(all.iter().all(|one| text[one.span.clone()] == *one.raw), "{text:?}");
        }
    }
}
