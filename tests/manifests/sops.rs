//! Files of SOPS: what pindeck agrees to edit still decrypts, by SOPS' own rules for values and their checksum.
//!
//! A value is encrypted with AES-256-GCM under a nonce of 32 bytes, bound to its path. The checksum (`mac`) is the
//! SHA-512 of all values in the order of the file, encrypted too and bound to `lastmodified`; with
//! `mac_only_encrypted` it covers encrypted values only, after the SHA-256 of `sops`.

use aes_gcm::aead::consts::U32;
use aes_gcm::aead::{Aead, KeyInit, Payload};
use aes_gcm::{AesGcm, aes::Aes256};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use pindeck::domain::Digest;
use pindeck::sources::git::edit::{NewPin, TagChange, plan_edit};
use pindeck::sources::git::manifest::scan;

use crate::support::trees;

type Cipher = AesGcm<Aes256, U32>;

const MODIFIED: &str = "2026-03-01T10:00:00Z";

fn cipher() -> Cipher {
    Cipher::new(&[7; 32].into())
}

fn encrypt(text: &str, bound_to: &str, nonce: u8) -> String {
    let nonce = [nonce; 32];
    let payload = Payload {
        msg: text.as_bytes(),
        aad: bound_to.as_bytes(),
    };
    let sealed = cipher().encrypt(&nonce.into(), payload).expect("encrypted");
    let (data, tag) = sealed.split_at(sealed.len() - 16);
    format!(
        "ENC[AES256_GCM,data:{},iv:{},tag:{},type:str]",
        STANDARD.encode(data),
        STANDARD.encode(nonce),
        STANDARD.encode(tag)
    )
}

fn decrypt(text: &str, bound_to: &str) -> Option<String> {
    let inner = text.strip_prefix("ENC[AES256_GCM,")?.strip_suffix(']')?;
    let part = |name: &str| {
        let part = inner.split(',').find_map(|part| part.strip_prefix(name))?;
        STANDARD.decode(part).ok()
    };
    let nonce: [u8; 32] = part("iv:")?.try_into().ok()?;
    let sealed = [part("data:")?, part("tag:")?].concat();
    let payload = Payload {
        msg: &sealed,
        aad: bound_to.as_bytes(),
    };
    let text = cipher().decrypt(&nonce.into(), payload).ok()?;
    String::from_utf8(text).ok()
}

/// Path and text of every value above the `sops` block, in the order of the file.
fn values(file: &str) -> Vec<(String, String)> {
    let mut path: Vec<(usize, &str)> = Vec::new();
    let mut out = Vec::new();
    for line in file.lines().take_while(|line| *line != "sops:") {
        let indent = line.len() - line.trim_start().len();
        let (key, value) = line.trim_start().split_once(':').expect("an entry");
        path.retain(|(at, _)| *at < indent);
        path.push((indent, key));
        if !value.is_empty() {
            let names: String = path.iter().map(|(_, name)| format!("{name}:")).collect();
            out.push((names, value.trim().trim_matches('"').to_owned()));
        }
    }
    out
}

/// The checksum of a file, and whether every encrypted value decrypts.
fn checksum(file: &str, only_encrypted: bool) -> Option<String> {
    let mut covered = Vec::new();
    if only_encrypted {
        covered.extend(Digest::of(b"sops").as_bytes());
    }
    for (path, value) in values(file) {
        let is_encrypted = value.starts_with("ENC[");
        let clear = if is_encrypted { decrypt(&value, &path)? } else { value };
        if is_encrypted || !only_encrypted {
            covered.extend(clear.bytes());
        }
    }
    let hash = aws_lc_rs::digest::digest(&aws_lc_rs::digest::SHA512, &covered);
    Some(hash.as_ref().iter().map(|byte| format!("{byte:02X}")).collect())
}

/// Whether `sops --decrypt` would accept the file.
fn decrypts(file: &str) -> bool {
    let line = |key: &str| file.lines().find_map(|line| line.trim().strip_prefix(key));
    let mac = line("mac: ").and_then(|mac| decrypt(mac, MODIFIED));
    let only_encrypted = line("mac_only_encrypted: ") == Some("true");
    mac.is_some() && mac == checksum(file, only_encrypted)
}

fn file(only_encrypted: bool) -> String {
    let secret = encrypt("correct horse", "app:password:", 3);
    let clear = format!(
        "app:\n  image:\n    repository: r.example/app\n    tag: \"1.4.0\"\n    digest: {}\n  password: {secret}\n",
        trees::digest('A')
    );
    let sum = checksum(&clear, only_encrypted).expect("it decrypts");
    let mac = encrypt(&sum, MODIFIED, 9);
    let more = if only_encrypted {
        "  mac_only_encrypted: true\n"
    } else {
        ""
    };
    format!(
        "{clear}sops:\n  lastmodified: \"{MODIFIED}\"\n  mac: {mac}\n  encrypted_regex: ^password$\n{more}  version: 3.9.4\n"
    )
}

fn edited(text: &str) -> Result<String, String> {
    let scan = scan("values.yaml", text.as_bytes());
    let which: Vec<_> = scan.found.iter().collect();
    assert_eq!(which.len(), 1, "{which:?}");
    let new = NewPin {
        digest: trees::digest('E').parse().expect("a digest"),
        tag: TagChange::Update("1.5.0".to_owned()),
    };
    let edited = plan_edit("values.yaml", text.as_bytes(), &which, &new).map_err(|error| error.to_string())?;
    Ok(String::from_utf8(edited.bytes).expect("UTF-8"))
}

#[test]
fn an_edited_file_still_decrypts() {
    let before = file(true);
    assert!(decrypts(&before));
    let after = edited(&before).expect("its checksum covers encrypted values only");
    assert!(
        after.contains(&trees::digest('E')) && after.contains("1.5.0"),
        "{after}"
    );
    assert!(decrypts(&after), "{after}");
}

#[test]
fn a_file_that_would_not_decrypt_any_more_is_refused() {
    let before = file(false);
    assert!(decrypts(&before));
    assert!(edited(&before).is_err_and(|why| why.contains("SOPS")));
    // The reason: any other digest breaks the checksum.
    assert!(!decrypts(&before.replace(&trees::digest('A'), &trees::digest('E'))));
}
