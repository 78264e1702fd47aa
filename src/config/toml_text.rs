//! Texts as TOML strings that stay on one line: what stands in a comment must not go on below it.

use crate::domain::text::Clean;

/// A string of TOML on one line, in which everything that a reader would not see is escaped.
pub(super) fn quoted(text: &str) -> String {
    let is_hidden = |c: char| Clean::from_untrusted(c.encode_utf8(&mut [0; 4])).as_str() != c.encode_utf8(&mut [0; 4]);
    let plain = toml::Value::from(text).to_string();
    if !text.contains(is_hidden) && !plain.starts_with("\"\"\"") && !plain.starts_with("'''") {
        return plain;
    }
    let mut out = String::from("\"");
    for c in text.chars() {
        match c {
            '"' | '\\' => out.extend(['\\', c]),
            c if is_hidden(c) => out.push_str(&format!("\\U{:08X}", u32::from(c))),
            c => out.push(c),
        }
    }
    out.push('"');
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_text_stays_on_its_line_and_says_the_same() {
        for text in [
            "",
            "a",
            "\\d+",
            "it's",
            "a\"b'c\\",
            "a\nb",
            "\r\n",
            "\"\"\"",
            "'''",
            "\t",
            "\u{1b}[2J",
            "\u{202e}a",
            "\u{7f}",
            "\u{e000}\n\"",
        ] {
            let line = quoted(text);
            assert!(!line.contains(['\n', '\r', '\u{1b}', '\u{202e}']), "{line:?}");
            let table: toml::Table = toml::from_str(&format!("a = {line}")).unwrap_or_else(|e| panic!("{e}: {line}"));
            assert_eq!(table["a"].as_str(), Some(text), "{line}");
        }
    }
}
