//! A case's trust material and `policy`, as a trust profile.

use std::collections::BTreeMap;

use pindeck::domain::policy::{
    Demands, Identity, LogRule, Match, TimeRule, TrustProfile, TrustRoot, TrustedKey, Validity,
};
use serde_json::Value;

use super::Case;

impl Case {
    pub fn root_json(&self) -> Option<String> {
        let read =
            |path: &str| std::fs::read_to_string(self.folder.join(path)).unwrap_or_else(|e| panic!("{path}: {e}"));
        // "NAME with FIELD emptied"
        if let Some(composed) = self.policy("trusted_root").as_str() {
            let (name, rest) = composed.split_once(" with ").expect("NAME with FIELD emptied");
            let field = rest.strip_suffix(" emptied").expect("emptied");
            let mut root: Value = serde_json::from_str(&read(&format!("trusted-roots/{name}.json"))).expect("JSON");
            root[field] = Value::Array(Vec::new());
            return Some(root.to_string());
        }
        self.text("trusted_root").map(read)
    }

    fn keys(&self, evidence: Option<&[u8]>) -> Vec<TrustedKey> {
        let Some(path) = self.text("public_key") else {
            return Vec::new();
        };
        let text = String::from_utf8(self.file("public_key").expect("the key")).expect("text");
        if !path.ends_with(".json") {
            return vec![TrustedKey {
                name: path.to_owned(),
                pem: text,
                validity: self.key_validity(&Value::Null),
            }];
        }
        // A registry's list of keys; the bundle's hint chooses.
        let hint = evidence
            .and_then(|e| serde_json::from_slice::<Value>(e).ok())
            .and_then(|b| {
                b["verificationMaterial"]["publicKey"]["hint"]
                    .as_str()
                    .map(str::to_owned)
            });
        let list: Value = serde_json::from_str(&text).expect("JSON");
        let keys = list["keys"].as_array().expect("keys");
        keys.iter()
            .filter(|key| {
                let id = key["keyid"].as_str().or(key["keyId"].as_str());
                hint.is_none() || id.is_none() || id == hint.as_deref()
            })
            .map(|key| {
                let der = key["key"]
                    .as_str()
                    .or(key["publicKey"]["rawBytes"].as_str())
                    .expect("a key");
                TrustedKey {
                    name: key["keyId"]
                        .as_str()
                        .or(key["keyid"].as_str())
                        .unwrap_or(path)
                        .to_owned(),
                    pem: format!("-----BEGIN PUBLIC KEY-----\n{der}\n-----END PUBLIC KEY-----\n"),
                    validity: self.key_validity(&key["publicKey"]["validFor"]),
                }
            })
            .collect()
    }

    /// When a key was in use: by the case, else by the list that names it.
    fn key_validity(&self, listed: &Value) -> Validity {
        let window = match self.policy("key_valid_for") {
            Value::Null => listed,
            window => window,
        };
        let end = |names: [&str; 3]| {
            let text = names.iter().find_map(|name| window[*name].as_str())?;
            Some(text.parse().unwrap_or_else(|e| panic!("{}: {text}: {e}", self.id)))
        };
        Validity {
            from: end(["start", "from", "not_before"]),
            until: end(["end", "until", "not_after"]),
        }
    }

    /// The trust profile that the case's fields describe.
    pub fn profile(&self, evidence: Option<&[u8]>) -> TrustProfile {
        let number = |key: &str| self.policy(key).as_u64().map(|n| u32::try_from(n).expect("small"));
        let root = self.root_json();
        let has_ct_logs = root.as_ref().is_some_and(|json| {
            serde_json::from_str::<Value>(json)
                .is_ok_and(|root| root["ctlogs"].as_array().is_some_and(|logs| !logs.is_empty()))
        });
        let keys = self.keys(evidence);
        let entries = number("require_tlog_entries");
        let san = match (self.text("identity"), self.policy("identity_regex").as_str()) {
            (_, Some(regex)) => Match::Regex(format!("(?s:.*)(?:{regex})(?s:.*)")),
            (Some(exact), None) => Match::Exact(exact.to_owned()),
            (None, None) => Match::Regex("(?s:.*)".to_owned()),
        };
        let mut claims = BTreeMap::new();
        if let Some(branch) = self.policy("source_branch").as_str() {
            claims.insert("source_ref".to_owned(), format!("refs/heads/{branch}"));
        }
        if let Some(uri) = self.policy("source_repository_uri").as_str() {
            claims.insert("source_repository".to_owned(), uri.to_owned());
        }
        let issuers = match self.text("issuer") {
            Some(exact) => vec![Some(Match::Exact(exact.to_owned()))],
            None => vec![Some(Match::Regex("(?s:.*)".to_owned())), None],
        };
        let identities = issuers.into_iter().map(|issuer| Identity {
            san: san.clone(),
            issuer,
            claims: claims.clone(),
        });
        let version = self.policy("min_bundle_version").as_str().map(|v| {
            let (major, minor) = v.split_once('.').expect("a version");
            (major.parse().expect("a number"), minor.parse().expect("a number"))
        });
        // A case that names a key asks for that key: a certificate would be somebody else's.
        let by_certificate = root.is_some() && keys.is_empty();
        TrustProfile {
            name: "case".to_owned(),
            identities: if by_certificate {
                identities.collect()
            } else {
                Vec::new()
            },
            sct: number("require_sct").map_or(has_ct_logs, |n| n > 0),
            transparency_log: match entries {
                Some(0) => LogRule::NotRequired,
                None if self.kind == "statement" => LogRule::NotRequired,
                _ => LogRule::Required,
            },
            timestamp: match number("require_signed_timestamps") {
                Some(n) if n > 0 => TimeRule::Rfc3161,
                _ => TimeRule::Any,
            },
            signature_format: None,
            predicate_types: Vec::new(),
            demands: Demands {
                log_entries: entries.unwrap_or(0),
                times: number("verified_time_threshold").unwrap_or(0),
                bundle_version: version,
                docker_reference: self.policy("docker_reference_repo").as_str().map(str::to_owned),
                key_id: self.policy("key_id").as_str().map(str::to_owned),
            },
            keys,
            root: root.map(|json| TrustRoot::File {
                name: "the case's root".to_owned(),
                json,
            }),
        }
    }
}
