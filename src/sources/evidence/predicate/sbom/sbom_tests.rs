use super::*;

fn count(text: &str) -> Result<(String, String, u32), String> {
    document(text.as_bytes()).map(|s| (s.format, s.version.raw().to_owned(), s.packages))
}

fn names(text: &str) -> Vec<(String, String)> {
    let list = list(text.as_bytes()).expect("a list");
    list.into_iter()
        .map(|p| (p.purl.raw().to_owned(), p.version.raw().to_owned()))
        .collect()
}

fn pairs(of: &[(&str, &str)]) -> Vec<(String, String)> {
    of.iter().map(|(a, b)| ((*a).to_owned(), (*b).to_owned())).collect()
}

#[test]
fn every_format_is_counted() {
    let spdx = r#"{"spdxVersion":"SPDX-2.3","SPDXID":"SPDXRef-DOCUMENT","packages":[
        {"name":"openssl","versionInfo":"3.0","externalRefs":[{"referenceType":"purl","referenceLocator":"pkg:deb/debian/openssl@3.0?arch=amd64"}]},
        {"name":"bare"}]}"#;
    assert_eq!(count(spdx), Ok(("SPDX".to_owned(), "2.3".to_owned(), 2)));
    assert_eq!(names(spdx), pairs(&[("pkg:deb/debian/openssl", "3.0"), ("bare", "")]));

    let cyclone = r#"{"bomFormat":"CycloneDX","specVersion":"1.7","components":[
        {"name":"a","version":"1","components":[{"name":"b","purl":"pkg:npm/@scope/b@2"}]}]}"#;
    assert_eq!(count(cyclone), Ok(("CycloneDX".to_owned(), "1.7".to_owned(), 2)));
    assert_eq!(names(cyclone), pairs(&[("a", "1"), ("pkg:npm/@scope/b", "2")]));

    let spdx3 = r#"{"@context":"https://spdx.org/rdf/3.0.1/spdx-context.jsonld","@graph":[
        {"type":"CreationInfo","specVersion":"3.0.1"},{"type":"software_Package","name":"x","software_packageVersion":"1"},{"type":"Person"}]}"#;
    assert_eq!(count(spdx3), Ok(("SPDX".to_owned(), "3.0.1".to_owned(), 1)));

    let tags = "SPDXVersion: SPDX-2.2\nSPDXID: SPDXRef-DOCUMENT\nDocumentComment: <text>PackageName: no\nPackageName: no</text>\n\
        PackageName: glibc\nPackageVersion: 2.11\nExternalRef: PACKAGE-MANAGER purl pkg:rpm/glibc@2.11\n";
    assert_eq!(count(tags), Ok(("SPDX".to_owned(), "2.2".to_owned(), 1)));
    assert_eq!(names(tags), pairs(&[("pkg:rpm/glibc", "2.11")]));

    let xml = r#"<?xml version="1.0"?><bom xmlns="http://cyclonedx.org/schema/bom/1.4"><metadata><component type="x"><name>root</name></component></metadata>
        <!-- <component> --><components><component type="library"><name>a &amp; b</name><version>1</version>
        <hashes/><components><component><name>inner</name></component></components></component></components></bom>"#;
    assert_eq!(count(xml), Ok(("CycloneDX".to_owned(), "1.4".to_owned(), 2)));
    assert_eq!(names(xml), pairs(&[("inner", ""), ("a & b", "1")]));
}

#[test]
fn cosigns_wrapper_is_taken_off() {
    let inner = r#"{"bomFormat":"CycloneDX","specVersion":"1.4","components":[{"name":"a"}]}"#;
    let object = format!(r#"{{"Data":{inner},"Timestamp":"x"}}"#);
    let text = serde_json::json!({ "Data": inner }).to_string();
    for wrapped in [object, text] {
        assert_eq!(embedded(&wrapped).map(|s| s.packages), Ok(1), "{wrapped}");
        assert_eq!(list(wrapped.as_bytes()).map(|l| l.len()), Some(1));
    }
}

#[test]
fn what_is_no_sbom_is_said_to_be_none() {
    for broken in [
        r#"{"bomFormat":"CDX","specVersion":"1.4"}"#,
        r#"{"bomFormat":"CycloneDX","specVersion":"2"}"#,
        r#"{"bomFormat":"CycloneDX","specVersion":"1.5","serialNumber":1}"#,
        r#"{"bomFormat":"CycloneDX","bomFormat":"CycloneDX","specVersion":"1.5"}"#,
        r#"{"spdxVersion":2,"SPDXID":"SPDXRef-DOCUMENT"}"#,
        r#"{"spdxVersion":"SPDX-2.2","SPDXID":""}"#,
        r#"{"@context":"https://openvex.dev/ns/v0.2.0","@graph":[]}"#,
        "<bom xmlns=\"http://cyclonedx.org/schema/bom/1.4\"><components></bom>",
        "<!DOCTYPE bom [<!ENTITY a \"b\">]><bom xmlns=\"http://cyclonedx.org/schema/bom/1.4\"/>",
        "<bom xmlns=\"http://cyclonedx.org/schema/bom/1.4\">&a;</bom>",
        "<html/>",
        "SPDXVersion: SPDX-2.2\nSPDXID: SPDXRef-DOCUMENT\nLicense: <text>no end\n",
        "hello",
        "",
    ] {
        assert!(count(broken).is_err(), "{broken}");
    }
}

#[test]
fn a_bomb_stops_at_the_cap() {
    // 44 MB of zeros in a few bytes is no SBOM, and costs no more than the cap.
    let mut bomb = ZSTD.to_vec();
    bomb.extend_from_slice(&[0x00, 0x58]);
    assert!(document(&bomb).is_err());
    assert!(document(b"BZh9garbage").is_err());
}
