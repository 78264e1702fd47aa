//! The team policy: `pindeck.toml`, validated (docs/reference/contract.md, "pindeck.toml").

use std::collections::{BTreeMap, BTreeSet};

use regex::Regex;
use toml::Spanned;

use super::error::{ConfigError, ConfigText, unknown};
use super::trust::{self, ReadFile};
use super::{branch, clusters, forge, platforms, raw, values, variants};
use crate::domain::evidence::EvidenceKind;
use crate::domain::id::{Digest, EnvId, ServiceId};
use crate::domain::policy::{
    CandidateRule, Confirm, Environment, Freeze, PatternOrder, Policy, PolicySource, Service, SignerRule, TeamPolicy,
    TestResultRule, TrustProfile, TrustRoot, Waivable, WriteMode,
};
use crate::domain::reference::Repository;

/// Parses and validates a team policy. `read` opens the keys, roots and CAs it names, relative to it.
///
/// # Errors
/// The first thing that is wrong, with file, line and what would be right.
pub fn load(text: &str, file: &str, read: ReadFile<'_>, from: PolicySource) -> Result<TeamPolicy, ConfigError> {
    let source = ConfigText { file, text };
    let raw: raw::RawTeam = toml::from_str(text).map_err(|e| source.parse_error(&e))?;
    if *raw.version.get_ref() != 1 {
        let what = format!("version {} is not known", raw.version.get_ref());
        let error = source.error(raw.version.span(), what);
        return Err(error.hint("this pindeck reads version = 1"));
    }
    for pattern in &raw.ignore {
        glob(&source, pattern)?;
    }
    let mut profiles = BTreeMap::new();
    for (name, profile) in &raw.trust {
        profiles.insert(name.get_ref().clone(), trust::profile(&source, read, name, profile)?);
    }
    let services = services(&source, &raw, &profiles)?;
    let mut policies = BTreeMap::new();
    for (name, policy) in &raw.policies {
        policies.insert(
            name.get_ref().clone(),
            self::policy(&source, name, policy, &profiles, &services)?,
        );
    }
    let clusters = clusters::named(&source, &raw.clusters)?;
    let environments = environments(&source, &raw, &policies, &clusters)?;
    let mut registries = BTreeMap::new();
    for (name, registry) in &raw.registries {
        if Repository::parse(&format!("{}/x", name.get_ref()))
            .map(|r| r.registry().to_owned())
            .ok()
            .as_ref()
            != Some(name.get_ref())
        {
            let what = format!(
                "{:?} is no registry name: write HOST or HOST:PORT as in the manifests",
                name.get_ref()
            );
            return Err(source.error(name.span(), what));
        }
        registries.insert(name.get_ref().clone(), trust::registry(&source, read, registry, &from)?);
    }
    Ok(TeamPolicy {
        pull_through: clusters::pull_through(&source, &raw.pull_through)?,
        clusters: clusters.into_iter().map(|cluster| cluster.name).collect(),
        ignore: raw.ignore.into_iter().map(Spanned::into_inner).collect(),
        branch: raw.branch.map(Spanned::into_inner),
        environments,
        services,
        policies,
        trust: profiles,
        github: raw
            .sources
            .github
            .map(|raw| trust::github(&source, &raw, &from))
            .transpose()?,
        forge: raw.forge.map(|raw| forge::settings(&source, &raw, &from)).transpose()?,
        tuf: raw.tuf.map(|tuf| trust::tuf(&source, read, &tuf)).transpose()?,
        registries,
        source: from,
    })
}

fn glob(source: &ConfigText<'_>, pattern: &raw::RawText) -> Result<String, ConfigError> {
    match globset::GlobBuilder::new(pattern.get_ref())
        .literal_separator(true)
        .build()
    {
        Ok(_) => Ok(pattern.get_ref().clone()),
        Err(error) => Err(source.error(
            pattern.span(),
            format!("{:?} is no path pattern: {}", pattern.get_ref(), error.kind()),
        )),
    }
}

fn regex(source: &ConfigText<'_>, pattern: &raw::RawText) -> Result<String, ConfigError> {
    match Regex::new(pattern.get_ref()) {
        Ok(_) => Ok(pattern.get_ref().clone()),
        Err(error) => Err(source.error(
            pattern.span(),
            format!("{:?} is no regular expression: {error}", pattern.get_ref()),
        )),
    }
}

fn named<'a>(
    source: &ConfigText<'_>,
    what: &str,
    name: &raw::RawText,
    known: impl Iterator<Item = &'a String>,
) -> Result<String, ConfigError> {
    let known: Vec<&str> = known.map(String::as_str).collect();
    if known.contains(&name.get_ref().as_str()) {
        Ok(name.get_ref().clone())
    } else {
        Err(source.failure(name.span(), unknown(what, name.get_ref(), &known)))
    }
}

fn plain_name(source: &ConfigText<'_>, what: &str, name: &raw::RawText) -> Result<(), ConfigError> {
    let text = name.get_ref();
    let ok = !text.is_empty()
        && text.len() <= 100
        && text
            .chars()
            .all(|c| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.' | '/'));
    if ok {
        return Ok(());
    }
    Err(source.error(
        name.span(),
        format!("{text:?} is no name for {what}: letters, digits, `-`, `_`, `.`, `/`"),
    ))
}

fn environments(
    source: &ConfigText<'_>,
    raw: &raw::RawTeam,
    policies: &BTreeMap<String, Policy>,
    clusters: &[clusters::NamedCluster],
) -> Result<Vec<Environment>, ConfigError> {
    let names: Vec<String> = raw.environments.iter().map(|e| e.name.get_ref().clone()).collect();
    let mut seen = BTreeSet::new();
    let mut out: Vec<Environment> = Vec::new();
    for env in &raw.environments {
        plain_name(source, "an environment", &env.name)?;
        if !seen.insert(env.name.get_ref()) {
            return Err(source.error(
                env.name.span(),
                format!("environment {:?} is there twice", env.name.get_ref()),
            ));
        }
        if env.paths.get_ref().is_empty() {
            return Err(source.error(
                env.paths.span(),
                "`paths` is empty: name the files of this environment, as in [\"envs/staging/**\"]",
            ));
        }
        let paths = env
            .paths
            .get_ref()
            .iter()
            .map(|p| glob(source, p))
            .collect::<Result<Vec<_>, _>>()?;
        let policy = env
            .policy
            .as_ref()
            .map(|p| named(source, "policy", p, policies.keys()))
            .transpose()?;
        let after = match &env.after {
            None => out.last().map(|before| before.name.clone()).into_iter().collect(),
            Some(list) => {
                let mut after = Vec::new();
                for name in list {
                    named(source, "environment", name, names.iter())?;
                    // Promotion order is the order of the file, so a cycle cannot be written.
                    if !out.iter().any(|before| before.name.as_str() == name.get_ref()) {
                        let what = format!("{:?} comes later than {:?}", name.get_ref(), env.name.get_ref());
                        let error = source.error(name.span(), what);
                        return Err(error.hint("list environments in promotion order"));
                    }
                    after.push(EnvId::new(name.get_ref()));
                }
                after
            }
        };
        if let Some(registry) = &env.registry
            && Repository::parse(&format!("{}/x", registry.get_ref().trim_end_matches('/'))).is_err()
        {
            let what = format!("{:?} is no registry: write HOST[:PORT][/PATH]", registry.get_ref());
            return Err(source.error(registry.span(), what));
        }
        out.push(Environment {
            name: EnvId::new(env.name.get_ref()),
            paths,
            branch: branch::of(source, env)?,
            repository: branch::repository(source, env)?,
            policy,
            after,
            registry: env
                .registry
                .as_ref()
                .map(|r| r.get_ref().trim_end_matches('/').to_owned()),
            write: match env.write {
                raw::RawWrite::Push => WriteMode::Push,
                raw::RawWrite::Branch => WriteMode::Branch,
            },
            confirm: match env.confirm {
                raw::RawConfirm::Y => Confirm::Y,
                raw::RawConfirm::TypeName => Confirm::TypeName,
            },
            read_only: env.read_only,
            platforms: platforms::filter(source, env.platforms.as_ref())?,
            running: clusters::scope(source, env, clusters)?,
        });
    }
    Ok(out)
}

fn services(
    source: &ConfigText<'_>,
    raw: &raw::RawTeam,
    profiles: &BTreeMap<String, TrustProfile>,
) -> Result<Vec<Service>, ConfigError> {
    let mut names = BTreeSet::new();
    let mut images: BTreeMap<(Repository, Option<String>), String> = BTreeMap::new();
    let mut out = Vec::new();
    for service in &raw.services {
        plain_name(source, "a service", &service.name)?;
        let name = service.name.get_ref();
        let component = variants::component(source, service)?;
        if !names.insert(name) {
            return Err(source.error(service.name.span(), format!("service {name:?} is there twice")));
        }
        let mut repository = |text: &raw::RawText| {
            let parsed = Repository::parse(text.get_ref())
                .map_err(|e| source.error(text.span(), e.to_string()))
                .map_err(|error| error.hint("write HOST/PATH without tag or digest"))?;
            match images.insert((parsed.clone(), component.clone()), name.clone()) {
                Some(other) if other != *name => {
                    Err(source.error(text.span(), format!("{parsed} already belongs to service {other:?}")))
                }
                _ => Ok(parsed),
            }
        };
        let image = repository(&service.image)?;
        let also = service.also.iter().map(repository).collect::<Result<Vec<_>, _>>()?;
        let evidence = service.evidence.iter().map(|text| trust::elsewhere(source, text));
        out.push(Service {
            name: ServiceId::new(name),
            image,
            also,
            evidence: evidence.collect::<Result<_, _>>()?,
            component: component.clone(),
            signer: service
                .signer
                .as_ref()
                .map(|s| named(source, "trust profile", s, profiles.keys()))
                .transpose()?,
            candidate: service.candidate.as_ref().map(|c| candidate(source, c)).transpose()?,
            immutable_tags: service.immutable_tags.as_ref().map(|p| regex(source, p)).transpose()?,
            source: service
                .source
                .as_ref()
                .map(|s| trust::source_repository(source, s))
                .transpose()?,
        });
    }
    Ok(out)
}

fn candidate(source: &ConfigText<'_>, spanned: &Spanned<raw::RawCandidate>) -> Result<CandidateRule, ConfigError> {
    let raw = spanned.get_ref();
    if raw.order.is_some() && raw.pattern.is_none() {
        return Err(source.error(spanned.span(), "`order` belongs to `pattern`"));
    }
    match (&raw.tag, &raw.semver, &raw.pattern) {
        (Some(tag), None, None) if crate::domain::reference::valid_tag(tag) => Ok(CandidateRule::Tag(tag.clone())),
        (Some(tag), None, None) => Err(source.error(spanned.span(), format!("{tag:?} is no tag"))),
        (None, Some(range), None) => match semver::VersionReq::parse(range.get_ref()) {
            Ok(_) => Ok(CandidateRule::Semver(range.get_ref().clone())),
            Err(error) => Err(source.error(
                range.span(),
                format!("{:?} is no version range: {error}", range.get_ref()),
            )),
        },
        (None, None, Some(pattern)) => {
            let order = match raw.order {
                Some(raw::RawOrder::Name) => PatternOrder::Name,
                Some(raw::RawOrder::Created) | None => PatternOrder::Created,
            };
            Ok(CandidateRule::Pattern {
                pattern: regex(source, pattern)?,
                order,
            })
        }
        _ => Err(source.error(
            spanned.span(),
            "a candidate is found by exactly one of `tag`, `semver` or `pattern`",
        )),
    }
}

fn kind(source: &ConfigText<'_>, name: &raw::RawText) -> Result<EvidenceKind, ConfigError> {
    EvidenceKind::from_name(name.get_ref())
        .filter(|k| *k != EvidenceKind::Other)
        .ok_or_else(|| {
            let known: Vec<&str> = EvidenceKind::ALL
                .iter()
                .map(|k| k.as_str())
                .filter(|k| *k != "other")
                .collect();
            source.failure(name.span(), unknown("kind of evidence", name.get_ref(), &known))
        })
}

fn policy(
    source: &ConfigText<'_>,
    name: &raw::RawText,
    raw: &raw::RawPolicy,
    profiles: &BTreeMap<String, TrustProfile>,
    services: &[Service],
) -> Result<Policy, ConfigError> {
    let mut require: Vec<EvidenceKind> = Vec::new();
    for one in raw.require.get_ref() {
        let kind = kind(source, one)?;
        if !require.contains(&kind) {
            require.push(kind);
        }
    }
    if require.is_empty() {
        return Err(source.error(
            raw.require.span(),
            "`require` is empty: such a policy would verify nothing",
        ));
    }
    let mut signer = SignerRule::default();
    if let Some(written) = &raw.signer {
        // One span for the whole value: serde cannot see into an untagged one.
        let text = |value: &String| Spanned::new(written.span(), value.clone());
        match written.get_ref() {
            raw::RawSigner::One(one) => {
                signer.default = Some(named(source, "trust profile", &text(one), profiles.keys())?)
            }
            raw::RawSigner::PerKind(table) => {
                for (key, value) in table {
                    let profile = named(source, "trust profile", &text(value), profiles.keys())?;
                    if key == "default" {
                        signer.default = Some(profile);
                    } else {
                        signer.per_kind.insert(kind(source, &text(key))?, profile);
                    }
                }
            }
        }
    }
    if let Some(kind) = require.iter().find(|k| signer.for_kind(**k, None).is_none())
        && services.iter().any(|s| s.signer.is_none())
    {
        let what = format!(
            "policy {:?} requires {kind} but no `signer` says who may sign it",
            name.get_ref()
        );
        return Err(source.error(name.span(), what));
    }
    let results = |list: &[raw::RawText]| -> Result<Vec<String>, ConfigError> {
        const KNOWN: [&str; 3] = ["PASSED", "WARNED", "FAILED"];
        list.iter()
            .map(|r| match KNOWN.contains(&r.get_ref().as_str()) {
                true => Ok(r.get_ref().clone()),
                false => Err(source.failure(r.span(), unknown("test result", r.get_ref(), &KNOWN))),
            })
            .collect()
    };
    let test_result = match &raw.test_result {
        None => TestResultRule::default(),
        Some(rule) => TestResultRule {
            accept: rule
                .accept
                .as_deref()
                .map_or_else(|| Ok(vec!["PASSED".to_owned()]), results)?,
            acknowledge: results(&rule.acknowledge)?,
        },
    };
    let mut max_age = BTreeMap::new();
    for (key, value) in &raw.max_age {
        let age = values::seconds(value.get_ref()).map_err(|e| source.error(value.span(), e))?;
        max_age.insert(kind(source, key)?, age);
    }
    let soak = raw
        .soak
        .as_ref()
        .map(|s| values::seconds(s.get_ref()).map_err(|e| source.error(s.span(), e)))
        .transpose()?;
    let freeze = raw
        .freeze
        .iter()
        .map(|f| self::freeze(source, f))
        .collect::<Result<Vec<_>, _>>()?;
    let break_glass = match raw
        .break_glass
        .as_ref()
        .map(|written| (written.span(), written.get_ref()))
    {
        None | Some((_, raw::RawBreakGlass::All(false))) => BTreeSet::new(),
        Some((_, raw::RawBreakGlass::All(true))) => Waivable::ALL.into(),
        Some((span, raw::RawBreakGlass::Some(list))) => {
            let known: Vec<&str> = Waivable::ALL.iter().map(|w| w.as_str()).collect();
            let one = |name: &String| {
                let found = Waivable::ALL.into_iter().find(|w| w.as_str() == name);
                found.ok_or_else(|| source.failure(span.clone(), unknown("gate", name, &known)))
            };
            list.iter().map(one).collect::<Result<_, _>>()?
        }
    };
    let mut policy = Policy {
        name: name.get_ref().clone(),
        require,
        signer,
        builder: match &raw.builder {
            None => Vec::new(),
            Some(raw::OneOrMany::One(one)) => vec![one.clone()],
            Some(raw::OneOrMany::Many(many)) => many.clone(),
        },
        source: raw.source,
        test_result,
        max_age,
        soak,
        freeze,
        break_glass,
        digest: Digest::from_bytes([0; 32]),
    };
    policy.digest = digest(&policy, profiles, services);
    Ok(policy)
}

fn freeze(source: &ConfigText<'_>, raw: &raw::RawFreeze) -> Result<Freeze, ConfigError> {
    let moment = |text: &raw::RawText| values::moment(text.get_ref()).map_err(|e| source.error(text.span(), e));
    let zone = raw.zone.get_ref();
    if jiff::tz::TimeZone::get(zone).is_err() {
        let what = format!("{zone:?} is no time zone known here: write an IANA name, as in \"Europe/Berlin\"");
        return Err(source.error(raw.zone.span(), what));
    }
    Ok(Freeze {
        from: moment(&raw.from)?,
        to: moment(&raw.to)?,
        zone: zone.clone(),
    })
}

/// Digest of everything that decides a policy's verdicts: the policy itself and every trust profile it
/// can use, the bytes of keys and roots included. One fact a line, in a fixed order.
fn digest(policy: &Policy, profiles: &BTreeMap<String, TrustProfile>, services: &[Service]) -> Digest {
    let mut lines = vec![format!(
        "{:?}",
        Policy {
            digest: Digest::from_bytes([0; 32]),
            ..policy.clone()
        }
    )];
    let own = services.iter().filter_map(|s| s.signer.as_ref());
    let used: BTreeSet<&String> = policy
        .signer
        .default
        .iter()
        .chain(policy.signer.per_kind.values())
        .chain(own)
        .collect();
    for profile in used.into_iter().filter_map(|name| profiles.get(name)) {
        // Content counts, not the name of the file that it stands in.
        for key in &profile.keys {
            lines.push(format!(
                "key {} {}",
                profile.name,
                Digest::of(key.pem.trim().as_bytes())
            ));
            if !key.validity.is_always() {
                lines.push(format!("in use {:?}", key.validity));
            }
        }
        lines.push(match &profile.root {
            None => format!("root {} none", profile.name),
            Some(TrustRoot::PublicGood) => format!("root {} public-good", profile.name),
            Some(TrustRoot::Github) => format!("root {} github", profile.name),
            Some(TrustRoot::File { json, .. }) => format!("root {} {}", profile.name, Digest::of(json.as_bytes())),
        });
        lines.push(format!(
            "rules {} {:?} {:?} {} {:?} {:?}",
            profile.name, profile.identities, profile.transparency_log, profile.sct, profile.timestamp, profile.demands
        ));
        lines.extend(trust::narrowed(profile));
    }
    Digest::of(lines.join("\n").as_bytes())
}

#[cfg(test)]
#[path = "team_tests.rs"]
mod tests;
