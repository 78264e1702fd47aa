use super::*;

const D: &str = "sha256:e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855";

fn image(extra: &str) -> String {
    format!(
        r#"{{"schemaVersion":2,"mediaType":"{OCI_MANIFEST}","config":{{"mediaType":"c","digest":"{D}","size":2}},"layers":[]{extra}}}"#
    )
}

fn detail(text: &str) -> String {
    match parse(text.as_bytes(), None) {
        Err(ParseError::Malformed(detail)) => detail.to_string(),
        other => panic!("{text}: {other:?}"),
    }
}

#[test]
fn reads_an_image_and_an_index() {
    let (media_type, body) = parse(image(r#","annotations":{"a":"b"},"unknown":[1]"#).as_bytes(), None).expect("valid");
    assert_eq!(media_type, OCI_MANIFEST);
    assert!(!body.is_index());
    assert_eq!(body.annotations["a"], "b");
    let index = format!(
        r#"{{"schemaVersion":2,"manifests":[{{"mediaType":"{OCI_MANIFEST}","digest":"{D}","size":7,"platform":{{"os":"linux","architecture":"arm64","variant":"v8"}}}}]}}"#
    );
    let (media_type, body) = parse(index.as_bytes(), Some("application/json")).expect("valid");
    assert_eq!(media_type, OCI_INDEX);
    assert!(body.is_index());
    let platform = body.manifests[0].platform.clone().expect("given");
    assert_eq!(platform.to_string(), "linux/arm64/v8");
}

#[test]
fn the_content_type_counts_only_where_the_manifest_is_silent() {
    let silent = format!(r#"{{"schemaVersion":2,"config":{{"mediaType":"c","digest":"{D}","size":2}},"layers":null}}"#);
    let docker = format!("{DOCKER_MANIFEST}; charset=utf-8");
    assert_eq!(
        parse(silent.as_bytes(), Some(&docker)).expect("valid").0,
        DOCKER_MANIFEST
    );
    assert_eq!(
        parse(image("").as_bytes(), Some(OCI_INDEX)).expect("valid").0,
        OCI_MANIFEST
    );
}

#[test]
fn schema_1_is_unsupported_not_malformed() {
    assert_eq!(
        parse(br#"{"schemaVersion":1,"name":"a","fsLayers":[]}"#, None),
        Err(ParseError::Schema1)
    );
}

#[test]
fn refuses_documents_that_read_two_ways() {
    assert!(detail(&image(r#","manifests":[]"#)).contains("both"));
    assert!(detail(&image(r#","layers":[]"#)).contains("duplicate field"));
    assert!(detail(&image(r#","annotations":{"a":"1","a":"2"}"#)).contains("twice"));
    assert!(
        detail(&format!(
            r#"{{"schemaVersion":2,"mediaType":"{OCI_INDEX}","layers":[]}}"#
        ))
        .contains("fields")
    );
}

#[test]
fn refuses_absurd_descriptors() {
    for digest in ["sha512:00", "md5:1", "sha256:../../etc/passwd", "", &D.to_uppercase()] {
        detail(&image("").replace(D, digest));
    }
    for size in ["-1", "1.5", "99999999999999999999", "9223372036854775808", "\"2\""] {
        detail(&image("").replace("\"size\":2", &format!("\"size\":{size}")));
    }
    for text in [
        "",
        "null",
        "[]",
        "{}",
        "<html>",
        r#"{"schemaVersion":2}"#,
        "{\"schemaVersion\":3,\"manifests\":[]}",
    ] {
        detail(text);
    }
    detail(&image("").replace(OCI_MANIFEST, "text/html"));
    let deep = format!("{}{}", "[".repeat(100_000), "]".repeat(100_000));
    detail(&format!(r#"{{"schemaVersion":2,"x":{deep}}}"#));
}
