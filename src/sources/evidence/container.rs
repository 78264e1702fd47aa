//! What a blob contains: one document or several, and which container each is. This chooses the parser
//! and nothing else.

use serde::Deserialize;
use serde_json::value::RawValue;

use super::statement::Envelope;

/// The containers pindeck reads.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum ContainerShape {
    /// A Sigstore bundle.
    Bundle,
    /// A DSSE envelope on its own.
    Envelope,
    /// An in-toto statement on its own.
    Statement,
    /// cosign's simple signing payload.
    SimpleSigning,
    /// Some other JSON, or no JSON: an SBOM, a predicate, or something foreign.
    Bare,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct ContainerKeys<'a> {
    #[serde(borrow)]
    verification_material: Option<&'a RawValue>,
    #[serde(borrow)]
    dsse_envelope: Option<&'a RawValue>,
    #[serde(borrow)]
    message_signature: Option<&'a RawValue>,
    #[serde(borrow)]
    media_type: Option<&'a RawValue>,
    #[serde(borrow)]
    payload_type: Option<&'a RawValue>,
    #[serde(borrow)]
    payload: Option<&'a RawValue>,
    #[serde(rename = "_type", borrow)]
    kind: Option<&'a RawValue>,
    #[serde(borrow)]
    predicate_type: Option<&'a RawValue>,
    #[serde(borrow)]
    critical: Option<&'a RawValue>,
}

/// Which container a JSON document is.
pub(super) fn shape(document: &str) -> ContainerShape {
    let Ok(keys) = serde_json::from_str::<ContainerKeys<'_>>(document) else {
        return ContainerShape::Bare;
    };
    let is_bundle = keys
        .media_type
        .is_some_and(|m| m.get().contains("vnd.dev.sigstore.bundle"));
    if is_bundle
        || keys.verification_material.is_some()
        || keys.dsse_envelope.is_some()
        || keys.message_signature.is_some()
    {
        ContainerShape::Bundle
    } else if keys.payload_type.is_some() && keys.payload.is_some() {
        ContainerShape::Envelope
    } else if keys.predicate_type.is_some() && keys.kind.is_some() {
        ContainerShape::Statement
    } else if keys.critical.is_some() {
        ContainerShape::SimpleSigning
    } else {
        ContainerShape::Bare
    }
}

/// The documents of a blob: one, or one in each line where it is JSON lines. `None` where there are more
/// than `most`; then no more lines than that have been read.
pub(super) fn documents(content: &str, most: usize) -> Option<Vec<Document<'_>>> {
    let content = content.strip_prefix('\u{feff}').unwrap_or(content);
    let whole = serde_json::from_str::<&RawValue>(content);
    let error = match whole {
        Ok(document) => return (most > 0).then(|| vec![Document::Json(document.get())]),
        Err(error) => error,
    };
    let lines = content.lines().map(str::trim).filter(|line| !line.is_empty());
    let lines: Vec<&str> = lines.take(most.saturating_add(1)).collect();
    let parsed: Vec<Document<'_>> = lines
        .iter()
        .map(|line| match serde_json::from_str::<&RawValue>(line) {
            Ok(document) => Document::Json(document.get()),
            Err(error) => Document::Broken(error.to_string()),
        })
        .collect();
    if lines.len() > 1
        && parsed
            .iter()
            .any(|d| matches!(d, Document::Json(text) if text.starts_with('{')))
    {
        return (lines.len() <= most).then_some(parsed);
    }
    (most > 0).then(|| vec![Document::Broken(error.to_string())])
}

/// One document of a blob.
pub(super) enum Document<'a> {
    /// A JSON document.
    Json(&'a str),
    /// Not JSON, and why.
    Broken(String),
}

/// The statement's text inside a container, as far as it can be dug out without believing anything.
pub(super) fn statement_text(document: &str) -> Option<Vec<u8>> {
    #[derive(Deserialize)]
    #[serde(rename_all = "camelCase")]
    struct BundleWithEnvelope<'a> {
        #[serde(borrow)]
        dsse_envelope: Envelope<'a>,
    }
    match shape(document) {
        ContainerShape::Bundle => serde_json::from_str::<BundleWithEnvelope<'_>>(document)
            .ok()?
            .dsse_envelope
            .payload()
            .ok(),
        ContainerShape::Envelope => Envelope::parse(document).ok()?.payload().ok(),
        ContainerShape::Statement => Some(document.as_bytes().to_vec()),
        ContainerShape::SimpleSigning | ContainerShape::Bare => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_are_documents_and_a_broken_line_hides_no_other() {
        let documents = |text| documents(text, 3).expect("no more than three");
        let found = documents("{\"a\":1}\nnot json\n\n{\"b\":2}\n");
        let kinds: Vec<bool> = found.iter().map(|d| matches!(d, Document::Json(_))).collect();
        assert_eq!(kinds, [true, false, true]);
        assert_eq!(documents("{\n \"a\": 1\n}").len(), 1);
        assert!(matches!(documents("{\"a\":")[..], [Document::Broken(_)]));
        assert!(super::documents("{}\n{}\n{}\n{}", 3).is_none());
        assert!(super::documents("{}", 0).is_none());
    }

    #[test]
    fn shapes() {
        for (document, expected) in [
            (
                r#"{"mediaType":"application/vnd.dev.sigstore.bundle+json;version=0.1"}"#,
                ContainerShape::Bundle,
            ),
            (
                r#"{"mediaType":"odd","verificationMaterial":{}}"#,
                ContainerShape::Bundle,
            ),
            (r#"{"payloadType":"x","payload":""}"#, ContainerShape::Envelope),
            (r#"{"_type":"x","predicateType":"y"}"#, ContainerShape::Statement),
            (r#"{"critical":{}}"#, ContainerShape::SimpleSigning),
            (r#"{"bomFormat":"CycloneDX"}"#, ContainerShape::Bare),
            ("[]", ContainerShape::Bare),
        ] {
            assert_eq!(shape(document), expected, "{document}");
        }
    }
}
