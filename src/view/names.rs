//! Names in few columns: a name that is cut loses its middle, and two different names never come out the
//! same.

use std::collections::BTreeMap;

use unicode_segmentation::UnicodeSegmentation;
use unicode_width::UnicodeWidthStr;

/// One name, cut in its middle to at most so many columns.
pub fn cut_middle(name: &str, columns: u16, ellipsis: &str) -> String {
    let columns = usize::from(columns);
    if name.width() <= columns {
        return name.to_owned();
    }
    let room = columns.saturating_sub(ellipsis.width());
    // The end of a name tells more than its beginning: `team-a/checkout-api`.
    let tail = room.div_ceil(2);
    format!("{}{ellipsis}{}", head(name, room - tail), end(name, tail))
}

fn head(name: &str, columns: usize) -> String {
    let mut used = 0;
    let fits = |grapheme: &&str| {
        used += grapheme.width();
        used <= columns
    };
    name.graphemes(true).take_while(fits).collect()
}

fn end(name: &str, columns: usize) -> String {
    let mut used = 0;
    let fits = |grapheme: &&str| {
        used += grapheme.width();
        used <= columns
    };
    let mut last: Vec<&str> = name.graphemes(true).rev().take_while(fits).collect();
    last.reverse();
    last.concat()
}

/// Whether cutting the middle to so many columns keeps all these names apart.
pub fn stay_apart(names: &[&str], columns: u16, ellipsis: &str) -> bool {
    let mut seen: BTreeMap<String, &str> = BTreeMap::new();
    names
        .iter()
        .all(|name| *seen.entry(cut_middle(name, columns, ellipsis)).or_insert(name) == *name)
}

/// All these names in at most so many columns, in their order. Where cutting alone would make two of them
/// the same, their ends are numbered; `columns` must have room for that (8 are enough for 9999 names).
pub fn shorten_all(names: &[&str], columns: u16, ellipsis: &str) -> Vec<String> {
    if names.iter().all(|name| name.width() <= usize::from(columns)) {
        return names.iter().map(|name| (*name).to_owned()).collect();
    }
    let mut of: BTreeMap<String, Vec<&str>> = BTreeMap::new();
    for name in names {
        let same = of.entry(cut_middle(name, columns, ellipsis)).or_default();
        if !same.contains(name) {
            same.push(name);
        }
    }
    let mut taken: std::collections::BTreeSet<String> = of
        .iter()
        .filter(|(_, same)| same.len() == 1)
        .map(|(short, _)| short.clone())
        .collect();
    let mut chosen: BTreeMap<&str, String> = BTreeMap::new();
    for (short, same) in &of {
        if let [one] = same.as_slice() {
            chosen.insert(one, short.clone());
            continue;
        }
        let mut number = 0;
        for name in same {
            loop {
                number += 1;
                let mark = format!("{ellipsis}{number}");
                let room = usize::from(columns).saturating_sub(mark.width());
                let numbered = format!("{}{mark}", head(name, room));
                if taken.insert(numbered.clone()) {
                    chosen.insert(name, numbered);
                    break;
                }
            }
        }
    }
    names
        .iter()
        .map(|name| chosen.get(name).cloned().unwrap_or_else(|| (*name).to_owned()))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use std::collections::BTreeSet;

    #[test]
    fn the_middle_goes() {
        assert_eq!(cut_middle("team-a/checkout-api", 12, "…"), "team-…ut-api");
        assert_eq!(cut_middle("checkout", 8, "…"), "checkout");
        assert_eq!(cut_middle("日本語の名前", 6, "…"), "日…前");
    }

    #[test]
    fn names_that_differ_only_in_the_middle_are_numbered() {
        let names = ["aaaaaaaaaaaa1aaaaaaaaaaaa", "aaaaaaaaaaaa2aaaaaaaaaaaa"];
        assert!(!stay_apart(&names, 10, "…"));
        assert_eq!(shorten_all(&names, 10, "…"), ["aaaaaaaa…1", "aaaaaaaa…2"]);
    }

    proptest! {
        #[test]
        fn never_ambiguous(names in prop::collection::btree_set("[ab…1-3]{1,30}", 1..30), columns in 8u16..40) {
            let names: Vec<&str> = names.iter().map(String::as_str).collect();
            let short = shorten_all(&names, columns, "…");
            prop_assert!(short.iter().all(|name| name.width() <= usize::from(columns)));
            let different: BTreeSet<&String> = short.iter().collect();
            prop_assert_eq!(different.len(), names.len());
        }
    }
}
