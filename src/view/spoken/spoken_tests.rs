use super::*;
use crate::view::canvas::span;

#[test]
fn a_label_has_a_colon_and_signs_are_left_out() {
    let mut sign = span(Role::Title, "G");
    sign.sign = true;
    let line = vec![span(Role::Dim, "from "), sign, span(Role::Text, " sha256:aa")];
    assert_eq!(sentence(&line), "from: sha256:aa");
    let line = vec![span(Role::Dim, "verdict    none: a verdict is about a digest")];
    assert_eq!(sentence(&line), "verdict: none: a verdict is about a digest");
    let line = vec![span(Role::Dim, "      signed by          "), span(Role::Text, "key ab")];
    assert_eq!(sentence(&line), "signed by: key ab");
}

#[test]
fn what_a_diff_adds_or_removes_is_a_word() {
    assert_eq!(sentence(&[span(Role::Added, "  +   image: a")]), "added: image: a");
    assert_eq!(sentence(&[span(Role::Removed, "  -   image: b")]), "removed: image: b");
}

#[test]
fn nothing_that_steers_a_terminal_is_said() {
    assert_eq!(line("a\u{1b}[2J\nb"), "a\u{241b}[2J\u{2424}b");
}
