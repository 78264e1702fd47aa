//! in-toto statements (<https://github.com/in-toto/attestation/blob/main/spec/v1/statement.md>) and
//! the envelope around them, read without believing anything.

use std::borrow::Cow;
use std::collections::BTreeMap;

use base64::Engine as _;
use base64::alphabet;
use base64::engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig};
use serde::Deserialize;
use serde_json::value::RawValue;

use super::item::{OtherDigest, Question};
use crate::domain::id::Digest;
use crate::domain::text::quoted;

/// The payload type of an in-toto statement.
pub(super) const IN_TOTO: &str = "application/vnd.in-toto+json";

/// More subjects than this are no honest statement.
const MAX_SUBJECTS: usize = 10_000;

const LENIENT: GeneralPurposeConfig = GeneralPurposeConfig::new()
    .with_decode_padding_mode(DecodePaddingMode::Indifferent)
    .with_decode_allow_trailing_bits(true);
const STANDARD: GeneralPurpose = GeneralPurpose::new(&alphabet::STANDARD, LENIENT);
const URL_SAFE: GeneralPurpose = GeneralPurpose::new(&alphabet::URL_SAFE, LENIENT);

/// Decodes base64 as tools write it: the standard alphabet or the one for URLs (DSSE allows both), with or
/// without padding, on one line or wrapped. What is decoded is what is verified.
pub(super) fn decode_base64(text: &str) -> Result<Vec<u8>, base64::DecodeError> {
    let mut text = Cow::Borrowed(text);
    if text.contains(|c: char| c.is_ascii_whitespace()) {
        text.to_mut().retain(|c| !c.is_ascii_whitespace());
    }
    if text.contains(['-', '_']) {
        URL_SAFE.decode(&*text)
    } else {
        STANDARD.decode(&*text)
    }
}

/// A statement: what it is about, what kind it is, and its predicate as written.
#[derive(Deserialize)]
pub(super) struct Statement<'a> {
    #[serde(rename = "_type", borrow)]
    kind: Option<Cow<'a, str>>,
    /// As tools write it that take the field's name from the protobuf message.
    #[serde(rename = "type", borrow)]
    other_kind: Option<Cow<'a, str>>,
    subject: Vec<StatementSubject>,
    /// `predicateType`: the URI that says how to read the predicate.
    #[serde(rename = "predicateType", borrow)]
    pub predicate_type: Cow<'a, str>,
    /// The predicate, unparsed.
    #[serde(borrow)]
    pub predicate: Option<&'a RawValue>,
}

#[derive(Deserialize)]
struct StatementSubject {
    #[serde(default)]
    digest: BTreeMap<String, String>,
}

impl<'a> Statement<'a> {
    /// Reads a statement.
    pub(crate) fn parse(text: &'a [u8]) -> Result<Self, String> {
        let statement: Self =
            serde_json::from_slice(text).map_err(|e| format!("no in-toto statement: {}", quoted(&e)))?;
        let kind = statement.kind.as_deref().or(statement.other_kind.as_deref());
        match kind {
            Some(kind) if kind.starts_with("https://in-toto.io/Statement/v") => {}
            Some(kind) => return Err(format!("its _type is {kind:?}, not an in-toto statement's")),
            None => return Err("no in-toto statement: it has no _type".to_owned()),
        }
        if statement.predicate_type.is_empty() && statement.predicate.is_none() {
            return Err("it has neither a predicate type nor a predicate".to_owned());
        }
        if statement.subject.len() > MAX_SUBJECTS {
            return Err(format!("it names {} subjects", statement.subject.len()));
        }
        Ok(statement)
    }

    /// Whether it is spelled as the specification has it.
    pub(crate) fn is_strict(&self) -> bool {
        self.kind.is_some()
    }

    /// The predicate's text; an omitted one is an empty object.
    pub(crate) fn predicate_text(&self) -> &'a str {
        self.predicate.map_or("{}", RawValue::get)
    }

    /// Every subject that is named by a SHA-256.
    pub(crate) fn subjects(&self) -> Vec<Digest> {
        self.subject.iter().filter_map(StatementSubject::sha256).collect()
    }

    /// Every digest, of whatever algorithm.
    pub(crate) fn digests(&self) -> impl Iterator<Item = (&str, &str)> {
        let pairs = self.subject.iter().flat_map(|s| &s.digest);
        pairs.map(|(algorithm, value)| (algorithm.as_str(), value.as_str()))
    }

    /// Which of the digests asked about this statement speaks of.
    pub(crate) fn about(&self, question: &Question<'_>) -> Option<SubjectMatch> {
        let named = |digest: Digest| self.subject.iter().any(|s| s.sha256() == Some(digest));
        if named(question.subject) {
            return Some(SubjectMatch::Itself);
        }
        if question.also_known_as.iter().any(|other| self.names(other)) {
            return Some(SubjectMatch::Itself);
        }
        question.via.filter(|index| named(*index)).map(SubjectMatch::Via)
    }

    fn names(&self, other: &OtherDigest) -> bool {
        self.digests().any(|(algorithm, value)| {
            algorithm.eq_ignore_ascii_case(&other.algorithm) && value.eq_ignore_ascii_case(&other.value)
        })
    }
}

/// How a statement concerns the digest asked about.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum SubjectMatch {
    /// It names it.
    Itself,
    /// It names an index that lists it.
    Via(Digest),
}

impl StatementSubject {
    /// The SHA-256, whose digits some tools write in upper case.
    fn sha256(&self) -> Option<Digest> {
        let hex = self.digest.iter().find(|(a, _)| a.eq_ignore_ascii_case("sha256"))?.1;
        Digest::from_hex(&hex.to_ascii_lowercase()).ok()
    }
}

/// A DSSE envelope (<https://github.com/secure-systems-lab/dsse/blob/master/envelope.md>).
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Envelope<'a> {
    /// `payloadType`: the media type that is signed along with the payload.
    #[serde(borrow)]
    pub payload_type: Cow<'a, str>,
    #[serde(borrow)]
    payload: Cow<'a, str>,
    /// The signatures over it.
    #[serde(default, borrow)]
    pub signatures: Vec<EnvelopeSignature<'a>>,
}

/// A signature of a DSSE envelope, still in base64, with the hint of its key.
#[derive(Deserialize)]
pub(super) struct EnvelopeSignature<'a> {
    /// Names the key; not signed.
    #[serde(default, borrow)]
    pub keyid: Option<Cow<'a, str>>,
    #[serde(borrow)]
    sig: Cow<'a, str>,
    /// The certificate that some generators put beside the signature.
    #[serde(default, borrow)]
    pub cert: Option<Cow<'a, str>>,
}

impl EnvelopeSignature<'_> {
    /// The signature's bytes.
    pub(crate) fn bytes(&self) -> Result<Vec<u8>, String> {
        decode_base64(&self.sig).map_err(|e| format!("a signature is not base64: {}", quoted(&e)))
    }

    /// The key id, if it says anything.
    pub(crate) fn hint(&self) -> Option<&str> {
        self.keyid.as_deref().filter(|id| !id.is_empty())
    }
}

impl<'a> Envelope<'a> {
    /// Reads an envelope.
    pub(crate) fn parse(text: &'a str) -> Result<Self, String> {
        serde_json::from_str(text).map_err(|e| format!("no DSSE envelope: {}", quoted(&e)))
    }

    /// The payload's bytes.
    pub(crate) fn payload(&self) -> Result<Vec<u8>, String> {
        decode_base64(&self.payload).map_err(|e| format!("the payload is not base64: {}", quoted(&e)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn statements_are_read_without_being_believed() {
        let text = br#"{"_type":"https://in-toto.io/Statement/v1","subject":[{"digest":{"sha256":"00"}},{"name":"x"}],
            "predicateType":"https://example.test/x","predicate":{"a": [1, 2]}}"#;
        let read = Statement::parse(text).expect("a statement");
        assert_eq!(read.subjects(), []);
        assert_eq!(read.predicate_text(), r#"{"a": [1, 2]}"#);
        for broken in [
            &br#"{"_type":"https://example.test","subject":[],"predicateType":"x"}"#[..],
            br#"{"subject":[],"predicateType":"x"}"#,
            br#"{"_type":"https://in-toto.io/Statement/v1","subject":{},"predicateType":"x"}"#,
            br#"{"_type":"https://in-toto.io/Statement/v1","_type":"https://in-toto.io/Statement/v1","subject":[],"predicateType":"x"}"#,
            b"[]",
        ] {
            assert!(Statement::parse(broken).is_err(), "{}", String::from_utf8_lossy(broken));
        }
    }
}
