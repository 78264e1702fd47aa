use super::*;

const A: &str = "sha256:aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa";

fn said(all: &[Untrusted]) -> Vec<String> {
    all.iter().map(|text| text.clean().into_string()).collect()
}

#[test]
fn a_line_that_an_alias_feeds_is_told_once() {
    // Tag and digest change both, each in a field of its own, and two images share one anchor.
    let text = format!(
        "a: &a\n  image: &i\n    repository: shop/api\n    tag: v1\n    digest: {A}\nb: {{image: *i}}\nc:\n  <<: *a\n"
    );
    let found = manifest::scan("values.yaml", text.as_bytes()).found;
    let which: Vec<&Found> = found.iter().collect();
    assert_eq!(
        said(&aliases("values.yaml", &which)),
        ["values.yaml:5: an alias brings the change to line 6, 8 too"]
    );
}

#[test]
fn a_loose_reference_is_named_as_one() {
    let text = format!("apiVersion: v1\nkind: ConfigMap\ndata:\n  note: use shop/api@{A}\n  image: shop/api@{A}\n");
    let found = manifest::scan("map.yaml", text.as_bytes()).found;
    let which: Vec<&Found> = found.iter().collect();
    let said = said(&loose("map.yaml", &which));
    assert_eq!((which.len(), said.len()), (2, 1));
    assert!(said[0].starts_with("map.yaml:4: a loose reference"), "{said:?}");
}
