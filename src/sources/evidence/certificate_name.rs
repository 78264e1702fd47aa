//! The name that a certificate gives its owner, where `sigstore-verify` reads none.

use sigstore_crypto::CertificateInfo;
use sigstore_types::DerCertificate;
use x509_cert::Certificate;
use x509_cert::der::Decode as _;
use x509_cert::der::asn1::{ObjectIdentifier, Utf8StringRef};
use x509_cert::ext::pkix::SubjectAltName;
use x509_cert::ext::pkix::name::GeneralName;

/// Fulcio's name of an owner that is neither an e-mail address nor a URI, as an `otherName`
/// (OID 1.3.6.1.4.1.57264.1.7 of Fulcio).
const FULCIO_OTHER_NAME: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.3.6.1.4.1.57264.1.7");

/// The name of a certificate's owner: its e-mail address or URI, else Fulcio's `otherName`. Of several
/// other names none is chosen: the certificate then has no name.
pub(super) fn certificate_name(certificate: &DerCertificate, read: &CertificateInfo) -> Option<String> {
    match &read.identity {
        Some(identity) => Some(identity.as_str().to_owned()),
        None => other_name(certificate),
    }
}

fn other_name(certificate: &DerCertificate) -> Option<String> {
    let certificate = Certificate::from_der(certificate.as_bytes()).ok()?;
    let (_, names) = certificate.tbs_certificate.get::<SubjectAltName>().ok()??;
    let mut others = names.0.iter().filter_map(|name| match name {
        GeneralName::OtherName(other) if other.type_id == FULCIO_OTHER_NAME => Some(&other.value),
        _ => None,
    });
    let (value, None) = (others.next()?, others.next()) else {
        return None;
    };
    let name: Utf8StringRef<'_> = value.decode_as().ok()?;
    (!name.as_str().is_empty()).then(|| name.as_str().to_owned())
}
