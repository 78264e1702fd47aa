use super::*;

const D: &str = "sha256:e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855";

#[test]
fn a_port_is_no_tag() {
    let text = format!("host:5000/app@{D}");
    let parts = parse(&text).expect("a reference");
    assert_eq!(&text[parts.name], "host:5000/app");
    assert_eq!(parts.tag, None);
    assert_eq!(&text[parts.digest.expect("digest")], D);
}

#[test]
fn version_fields_hold_tags_and_digests() {
    for (text, tag, digest) in [
        ("v1".to_owned(), Some("v1"), None),
        (format!("v1@{D}"), Some("v1"), Some(D)),
        (format!("@{D}"), None, Some(D)),
        (D.to_owned(), None, Some(D)),
        (D[7..].to_owned(), None, Some(&D[7..])),
        (String::new(), None, None),
    ] {
        let v = parse_version(&text);
        assert_eq!(v.tag.map(|r| &text[r]), tag, "{text}");
        assert_eq!(v.digest.map(|r| &text[r]), digest, "{text}");
    }
}

#[test]
fn mentions_are_exact() {
    for (text, name, tag) in [
        (format!("docker-pullable://alpine@{D}"), Some("alpine"), None),
        (
            format!("see \"a.b:5000/c/d:v1@{D}\", ok"),
            Some("a.b:5000/c/d"),
            Some("v1"),
        ),
        (format!("digest {D}"), None, None),
        (format!("x-1.0@{D},1234"), Some("x-1.0"), None),
    ] {
        let found = mentions(&text);
        assert_eq!(found.len(), 1, "{text}");
        let parts = found[0].parts.clone();
        assert_eq!(parts.as_ref().map(|p| &text[p.name.clone()]), name, "{text}");
        assert_eq!(
            parts.and_then(|p| p.tag).map(|r| text[r].to_owned()),
            tag.map(str::to_owned),
            "{text}"
        );
        assert_eq!(&text[found[0].digest.clone()], D);
    }
    for none in [
        format!("{D}0"),
        format!("{D}a"),
        D.to_uppercase(),
        format!("x{D}"),
        D[..70].to_owned(),
    ] {
        assert_eq!(mentions(&none), [], "{none}");
    }
    assert_eq!(mentions(&format!("{D}\n{D}")).len(), 2);
}
