//! The proof of an edit of a `.env` file: the same variables with the same values, but for those that were meant.

use super::change::Change;
use crate::sources::git::manifest::{WrittenVariable, written_variables};

/// Both texts set the same variables on the same lines in the same way, except for what the changes say of the values.
pub(super) fn same_but_for(before: &str, after: &str, changes: &[Change]) -> Result<(), String> {
    let (old, new) = (written_variables(before), written_variables(after));
    if old.len() != new.len() {
        return Err("other variables are set after the edit".to_owned());
    }
    let mut made = 0;
    for (was, is) in old.iter().zip(&new) {
        let inside: Vec<&Change> = changes.iter().filter(|change| is_inside(was, change)).collect();
        made += inside.len();
        let mut value = was.raw.clone();
        for change in inside.iter().rev() {
            let (start, end) = (change.span.start - was.span.start, change.span.end - was.span.start);
            value.replace_range(start..end, &change.text);
        }
        let is_same = (&was.name, was.line, was.is_literal) == (&is.name, is.line, is.is_literal);
        if !is_same || is.raw != value || !inside.is_empty() && !was.is_literal {
            return Err(format!("line {}: {} would be set in another way", was.line, was.name));
        }
    }
    match made == changes.len() {
        true => Ok(()),
        false => Err("a change touched no value".to_owned()),
    }
}

fn is_inside(variable: &WrittenVariable, change: &Change) -> bool {
    variable.span.start <= change.span.start && change.span.end <= variable.span.end
}

#[cfg(test)]
mod tests {
    use super::super::change::Effect;
    use super::*;

    fn change(text: &str, old: &str, new: &str) -> Change {
        let start = text.find(old).expect("it is there");
        Change {
            span: start..start + old.len(),
            text: new.to_owned(),
            effect: Effect::Part,
            yaml_path: String::new(),
        }
    }

    #[test]
    fn only_the_value_that_was_meant_may_change() {
        let before = "A=1\n# c\nB='2' # two\n";
        let meant = [change(before, "2", "3")];
        assert_eq!(same_but_for(before, "A=1\n# c\nB='3' # two\n", &meant), Ok(()));
        for after in [
            "A=1\n# c\nB=3 # two\nC=1\n",
            "A=2\n# c\nB='3' # two\n",
            "A=1\n# c\nB='4' # two\n",
            "A=1\n# c\nD='3' # two\n",
            "A=1\nB='3' # two\n",
            "A=1\n# c\nB=\"$3\" # two\n",
        ] {
            assert!(same_but_for(before, after, &meant).is_err(), "{after}");
        }
        let comment = [change(before, "c", "d")];
        assert!(same_but_for(before, "A=1\n# d\nB='2' # two\n", &comment).is_err());
    }
}
