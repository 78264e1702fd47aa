//! Whatever a forge answers: it is read within bounds or refused, and nothing of it can steer a terminal or a browser.

#![cfg_attr(not(test), no_main)]

use std::sync::LazyLock;

use libfuzzer_sys::fuzz_target;
use pindeck::domain::proposal::ForgeKind;
use pindeck::sources::forge::{ForgeAddress, read_checks, read_proposals};

static FORGES: LazyLock<Vec<ForgeAddress>> = LazyLock::new(|| {
    [
        ForgeKind::Github,
        ForgeKind::Gitlab,
        ForgeKind::Forgejo,
        ForgeKind::Gitea,
    ]
    .map(|kind| ForgeAddress {
        kind,
        host: "forge.example".to_owned(),
        api: "https://forge.example/api".to_owned(),
        repository: "shop/gitops".to_owned(),
        may_send_token: false,
    })
    .to_vec()
});

fuzz_target!(|body: &[u8]| {
    for forge in FORGES.iter() {
        for found in read_proposals(forge, body).unwrap_or_default() {
            let proposal = found.proposal;
            assert!(proposal.number > 0);
            if let Some(url) = proposal.url {
                assert!(url.starts_with("https://forge.example/"));
                assert!(url.bytes().all(|byte| byte.is_ascii_graphic()) && url.len() <= 400);
            }
            if let Some(head) = proposal.head {
                assert!(head.bytes().all(|byte| byte.is_ascii_hexdigit()));
            }
        }
    }
    let _ = read_checks(body);
});
