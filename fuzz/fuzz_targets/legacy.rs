//! cosign's payloads and the annotations beside them: parts of the input, divided by zero bytes.
#![cfg_attr(not(test), no_main)]

mod ask;

use pindeck::sources::evidence::Carrier;

const KEYS: [&str; 5] = [
    "dev.cosignproject.cosign/signature",
    "dev.sigstore.cosign/certificate",
    "dev.sigstore.cosign/chain",
    "dev.sigstore.cosign/bundle",
    "dev.sigstore.cosign/rfc3161timestamp",
];

libfuzzer_sys::fuzz_target!(|data: &[u8]| {
    let mut parts = data.split(|b| *b == 0);
    let payload = parts.next().unwrap_or_default();
    let notes = KEYS
        .iter()
        .zip(parts)
        .map(|(key, part)| ((*key).to_owned(), String::from_utf8_lossy(part).into_owned()));
    let notes: std::collections::BTreeMap<_, _> = notes.collect();
    let simple = "application/vnd.dev.cosign.simplesigning.v1+json";
    ask::ask(simple, Carrier::CosignSigTag, notes.clone(), payload);
    ask::ask(
        "application/vnd.dsse.envelope.v1+json",
        Carrier::CosignAttTag,
        notes,
        payload,
    );
});
