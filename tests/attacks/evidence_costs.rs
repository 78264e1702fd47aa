//! Attacks on time and memory by evidence: a few bytes that would cost minutes and gigabytes.

use bytes::Bytes;
use pindeck::domain::evidence::CauseKind;
use pindeck::sources::evidence::{Carrier, Item};

use crate::Attack;
use crate::support::ask::{Ask, by_keys};
use crate::support::evidence_cases::item;
use crate::support::fixtures::subject;
use crate::support::forge::{BUNDLE, Pair};

pub const ATTACKS: &[Attack] = &[
    Attack {
        name: "a-million-documents",
        tries: "a layer of a million empty documents costs minutes and gigabytes",
        attempt: a_million_documents,
    },
    Attack {
        name: "compressed-sbom",
        tries: "a few bytes unpack to gigabytes",
        attempt: compressed_sbom,
    },
];

fn a_million_documents() {
    let ask = Ask::new(by_keys(&[("k", Pair::p256().pem())]), subject());
    for line in ["{}\n", "[]\n{}\n", "{\"payloadType\":\"x\",\"payload\":\"\"}\n"] {
        let layer = item(
            subject(),
            BUNDLE,
            Carrier::Referrer,
            line.repeat(1_000_000).into_bytes(),
        );
        let all = ask.of(&layer);
        assert_eq!(all.len(), 1, "one entry that says why");
        assert_eq!((all[0].cause, all[0].unread), (Some(CauseKind::Unsupported), true));
    }
}

fn compressed_sbom() {
    let ask = Ask::new(by_keys(&[("k", Pair::p256().pem())]), subject());
    // A zstd frame whose blocks repeat one byte (RFC 8878, RLE blocks): 4 bytes stand for 128 KiB.
    let mut bomb = vec![0x28, 0xb5, 0x2f, 0xfd, 0x00, 0x58];
    let block = |last: u32| ((128 << 10) << 3 | 1 << 1 | last).to_le_bytes();
    for _ in 0..100_000 {
        bomb.extend_from_slice(&block(0)[..3]);
        bomb.push(b' ');
    }
    let one = Item {
        content: Ok(Bytes::from(bomb).into()),
        ..item(subject(), "application/spdx+json", Carrier::SbomTag, Vec::new())
    };
    let said = ask.one(&one);
    assert_eq!(said.cause, Some(CauseKind::Malformed), "{:?}", said.detail);
}
