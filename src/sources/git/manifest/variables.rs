//! Variables that Compose puts into its file: the `.env` beside it, and `${NAME}` in texts.
//!
//! The rules are those of the Compose specification, "Interpolation" and "`.env` file". The environment of whoever
//! runs Compose can still set another value; the file is what the repository says.

/// Name of the file, beside the Compose file.
pub const FILE: &str = ".env";

/// One variable of a `.env` file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Variable {
    /// The name of the variable, as the Compose file spells it.
    pub name: String,
    /// Its value, without quotes.
    pub value: String,
    /// Line of the file, from 1.
    pub line: u32,
}

/// The variables of a `.env` file. What is no assignment is skipped, as Compose does; of two with one name the last
/// counts.
pub(super) fn read(text: &str) -> Vec<Variable> {
    let mut out: Vec<Variable> = Vec::new();
    for (line, text) in (1u32..).zip(text.lines()) {
        let text = text.trim();
        let text = text.strip_prefix("export ").unwrap_or(text);
        let Some((name, value)) = text.split_once('=') else {
            continue;
        };
        let name = name.trim_end();
        if name.is_empty() || !name.bytes().all(is_name) {
            continue;
        }
        out.retain(|known| known.name != name);
        out.push(Variable {
            name: name.to_owned(),
            value: unquoted(value.trim()).to_owned(),
            line,
        });
    }
    out
}

fn unquoted(value: &str) -> &str {
    for quote in ['"', '\''] {
        if let Some((inner, _)) = value.strip_prefix(quote).and_then(|rest| rest.split_once(quote)) {
            return inner;
        }
    }
    value.split_once(" #").map_or(value, |(value, _)| value.trim_end())
}

fn is_name(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || byte == b'_'
}

/// A text with its variables put in, and those that were used. `None` if it is not written by the rules, or if a
/// variable without a default is not set: then the text cannot be told.
pub fn interpolate<'v>(template: &str, variables: &'v [Variable]) -> Option<(String, Vec<&'v Variable>)> {
    let (mut text, mut used) = (String::new(), Vec::new());
    let mut rest = template;
    while let Some((before, after)) = rest.split_once('$') {
        text.push_str(before);
        if let Some(after) = after.strip_prefix('$') {
            text.push('$');
            rest = after;
            continue;
        }
        let (name, operation, left) = variable(after)?;
        let known = variables.iter().rev().find(|known| known.name == name);
        let (operator, word) = operation.unwrap_or((":?", ""));
        let is_set = known.is_some_and(|known| !operator.starts_with(':') || !known.value.is_empty());
        match (operator.trim_start_matches(':'), known.filter(|_| is_set)) {
            ("+", Some(known)) => {
                used.push(known);
                text.push_str(word);
            }
            ("+", None) => {}
            (_, Some(known)) => {
                used.push(known);
                text.push_str(&known.value);
            }
            ("-", None) => text.push_str(word),
            _ => return None,
        }
        rest = left;
    }
    text.push_str(rest);
    Some((text, used))
}

/// Name, operator and word of what follows a `$`, and the rest.
type Expression<'t> = (&'t str, Option<(&'t str, &'t str)>, &'t str);

fn variable(text: &str) -> Option<Expression<'_>> {
    let braces = text.strip_prefix('{');
    let inner = braces.unwrap_or(text);
    let end = inner.bytes().position(|byte| !is_name(byte)).unwrap_or(inner.len());
    let (name, rest) = inner.split_at(end);
    if name.is_empty() || name.starts_with(|c: char| c.is_ascii_digit()) {
        return None;
    }
    if braces.is_none() {
        return Some((name, None, rest));
    }
    let (operation, left) = rest.split_once('}')?;
    if operation.is_empty() {
        return Some((name, None, left));
    }
    // A variable inside a default ends at the wrong brace.
    if operation.contains('$') {
        return None;
    }
    let operators = [":-", ":?", ":+", "-", "?", "+"];
    let operator = operators.into_iter().find(|operator| operation.starts_with(operator))?;
    Some((name, Some((operator, &operation[operator.len()..])), left))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn all() -> Vec<Variable> {
        read(
            "# comment\nTAG=1.4.0\nexport NAME='r.example/app' # ours\nEMPTY=\nQUOTED=\"a b\"\nTAG=1.5.0 # newer\nno assignment\n",
        )
    }

    #[test]
    fn variables_are_read_as_compose_reads_them() {
        let found: Vec<(String, String, u32)> = all().into_iter().map(|one| (one.name, one.value, one.line)).collect();
        let expected = [
            ("NAME", "r.example/app", 3),
            ("EMPTY", "", 4),
            ("QUOTED", "a b", 5),
            ("TAG", "1.5.0", 6),
        ];
        assert_eq!(
            found,
            expected.map(|(name, value, line)| (name.into(), value.into(), line))
        );
    }

    #[test]
    fn every_form_of_a_variable() {
        let variables = all();
        let text = |template: &str| interpolate(template, &variables).map(|(text, _)| text);
        for (template, expected) in [
            ("$NAME:$TAG", Some("r.example/app:1.5.0")),
            ("${NAME}:${TAG}-alpine", Some("r.example/app:1.5.0-alpine")),
            ("${NAME}:${OTHER:-2}", Some("r.example/app:2")),
            ("app:${EMPTY:-3}", Some("app:3")),
            ("app:${EMPTY-3}", Some("app:")),
            ("app:${TAG:-3}", Some("app:1.5.0")),
            ("app:${TAG:?set it}", Some("app:1.5.0")),
            ("app${TAG:+:fixed}", Some("app:fixed")),
            ("app${OTHER:+:fixed}", Some("app")),
            ("a$$b", Some("a$b")),
            ("app:${OTHER}", None),
            ("app:${OTHER:?set it}", None),
            ("app:${OTHER:-${TAG}}", None),
            ("app:${TAG", None),
            ("app:${TAG%x}", None),
            ("app:$", None),
            ("app:$1", None),
        ] {
            assert_eq!(text(template).as_deref(), expected, "{template}");
        }
    }
}
