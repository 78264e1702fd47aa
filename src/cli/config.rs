//! `pindeck config`: is it valid, what is in force.

use serde_json::{Value, json};

use crate::app::state::Setup;
use crate::cli::exit::Exit;
use crate::config::{UserConfig, approval, rbac, unknown};
use crate::domain::failure::Failure;
use crate::domain::id::Digest;
use crate::domain::platform::PlatformFilter;
use crate::domain::policy::{
    CandidateRule, Environment, LogRule, Match, PatternOrder, Policy, PolicySource, Service, TimeRule, TrustProfile,
    TrustRoot,
};
use crate::domain::text::Clean;
use crate::engine::Engine;
use crate::engine::settings::{Settings, settings_of_file, source_words};
use crate::runtime::{CockpitOptions, Remembered};

use super::args::{ConfigArgs, ConfigCommand};
use super::command_context::CommandContext;
use super::json;
use super::output::{say, warn};

/// Runs `pindeck config`.
///
/// # Errors
/// If something is wrong in the configuration.
pub(crate) async fn run(context: &CommandContext, args: &ConfigArgs) -> Result<Exit, Failure> {
    // The user's own preferences first: keys, theme, glyphs, colours.
    CockpitOptions {
        setup: Setup::default(),
        keys: context.user.keys.clone(),
        theme: context.user.theme.clone(),
        remembered: Remembered::default(),
        mouse: false,
        glyphs: context.user.glyphs.clone(),
        colours: context.user.colors.clone(),
        tell: drop,
    }
    .check()?;
    let checking = matches!(args.command, ConfigCommand::Check(_));
    let settings = match Engine::open(context.options()) {
        Ok(engine) => engine.settings(checking).await?,
        Err(_) if context.global.config.is_some() => settings_of_file(&context.options()).await?,
        Err(failure) => return Err(failure),
    };
    let mut settings = settings;
    settings.notes.extend(unreached(&settings, &context.user));
    for note in &settings.notes {
        warn(Clean::from_untrusted(note).as_str());
    }
    match &args.command {
        ConfigCommand::Check(how) => check(&settings, how.json),
        ConfigCommand::Show(how) => show(&settings, how.json),
        ConfigCommand::Rbac(which) => roles(&settings, which.cluster.as_deref()),
    }
}

/// The clusters that nobody here can ask yet.
fn unreached(settings: &Settings, user: &UserConfig) -> Vec<String> {
    let is_reached = |name: &String| user.clusters.keys().any(|known| known.get_ref() == name);
    let unknown = settings.team.clusters.iter().filter(|name| !is_reached(name));
    let note = |name: &String| {
        format!(
            "cluster {name} is not asked: your own configuration does not say how it is reached; \
             to look at it, add [clusters.{name}] with context = \"…\""
        )
    };
    unknown.map(note).collect()
}

fn roles(settings: &Settings, only: Option<&str>) -> Result<Exit, Failure> {
    let team = &settings.team;
    if team.clusters.is_empty() {
        return Err(Failure::usage("no cluster is configured")
            .hint("name one in pindeck.toml with [[clusters]], and in `running` of the environments that run there"));
    }
    if let Some(only) = only
        && !team.clusters.iter().any(|name| name == only)
    {
        let known: Vec<&str> = team.clusters.iter().map(String::as_str).collect();
        return Err(unknown("cluster", only, &known));
    }
    for line in rbac::roles(team, only).lines() {
        say(line)?;
    }
    Ok(Exit::Done)
}

fn check(settings: &Settings, as_json: bool) -> Result<Exit, Failure> {
    if let Some(first) = settings.problems.first() {
        let more = settings.problems.len() - 1;
        if more == 0 {
            return Err(first.clone());
        }
        for other in settings.problems.iter().skip(1) {
            warn(other.sentence().clean().as_str());
        }
        return Err(Failure {
            what: format!("{} (and {more} more)", first.what.raw()).into(),
            ..first.clone()
        });
    }
    let source = source_words(&settings.team.source);
    if as_json {
        let body = json!({ "valid": true, "source": source, "problems": [], "notes": settings.notes });
        json::print("config", body)?;
        return Ok(Exit::Done);
    }
    if settings.team.source == PolicySource::None {
        say("no pindeck.toml is in force: environments and services are inferred, and nothing can be written")?;
        say(match settings.draft {
            true => "  next: commit the working tree's, which is valid",
            false => "  next: pindeck init",
        })?;
    } else {
        say(&format!("valid: {source}"))?;
    }
    Ok(Exit::Done)
}

fn show(settings: &Settings, as_json: bool) -> Result<Exit, Failure> {
    let document = document(settings);
    if as_json {
        json::print("config", document)?;
        return Ok(Exit::Done);
    }
    say(Clean::from_untrusted(&format!("source: {}", source_words(&settings.team.source))).as_str())?;
    for (section, entries) in [
        ("environment", &document["environments"]),
        ("service", &document["services"]),
        ("policy", &document["policies"]),
        ("trust", &document["trust"]),
        ("registry", &document["registries"]),
        ("cluster", &document["clusters"]),
    ] {
        for entry in entries.as_array().into_iter().flatten() {
            say("")?;
            for line in block(section, entry) {
                say(&line)?;
            }
        }
    }
    Ok(Exit::Done)
}

/// One entry: its name, then each field that says something.
fn block(section: &str, entry: &Value) -> Vec<String> {
    let plain = |value: &Value| match value {
        Value::String(text) => text.clone(),
        other => other.to_string(),
    };
    let mut out = vec![format!("{section} {}", plain(&entry["name"]))];
    for (field, value) in entry.as_object().into_iter().flatten() {
        let empty = value.is_null() || value.as_array().is_some_and(Vec::is_empty);
        if field == "name" || empty {
            continue;
        }
        let shown = match value.as_array() {
            Some(all) => all.iter().map(plain).collect::<Vec<_>>().join(", "),
            None => plain(value),
        };
        out.push(format!("  {field}: {shown}"));
    }
    out.iter()
        .map(|line| Clean::from_untrusted(line).into_string())
        .collect()
}

fn document(settings: &Settings) -> Value {
    let team = &settings.team;
    let configured = team.services.iter().map(service);
    let inferred = settings
        .services
        .iter()
        .filter(|(name, _)| team.services.iter().all(|s| s.name.as_str() != name))
        .map(|(name, pins)| json!({ "name": name, "inferred": true, "pins": pins }));
    let registries = team.registries.iter().map(|(name, r)| {
        json!({
            "name": name, "endpoint": r.endpoint, "insecure_http": r.insecure_http,
            "ca": r.ca.is_some(), "requests_per_second": r.requests_per_second,
            "credentials": if r.anonymous && approval::is_redirected(r) { "none until approved" } else { "yours" },
        })
    });
    json!({
        "source": source_words(&team.source),
        "branch": team.branch,
        "ignore": team.ignore,
        "environments": settings.environments.iter().map(|e| environment(e, team.environments.is_empty())).collect::<Vec<_>>(),
        "services": configured.chain(inferred).collect::<Vec<_>>(),
        "policies": team.policies.values().map(policy).collect::<Vec<_>>(),
        "trust": team.trust.values().map(profile).collect::<Vec<_>>(),
        "registries": registries.collect::<Vec<_>>(),
        "clusters": team.clusters.iter().map(|name| json!({ "name": name })).collect::<Vec<_>>(),
        "problems": settings.problems.iter().map(|p| p.sentence()).collect::<Vec<_>>(),
        "notes": settings.notes,
    })
}

fn environment(env: &Environment, inferred: bool) -> Value {
    json!({
        "name": env.name, "paths": env.paths, "policy": env.policy, "after": env.after,
        "registry": env.registry, "write": env.write, "confirm": env.confirm,
        "read_only": env.read_only, "inferred": inferred,
        "platforms": match &env.platforms {
            PlatformFilter::All => Value::Null,
            PlatformFilter::Only(list) => list.iter().map(ToString::to_string).collect(),
        },
        "running": env.running.places.iter().flat_map(|place| {
            place.namespaces.iter().map(move |namespace| format!("{}/{namespace}", place.cluster))
        }).collect::<Vec<_>>(),
        "settle_seconds": (!env.running.places.is_empty()).then_some(env.running.settle),
    })
}

fn service(service: &Service) -> Value {
    let candidate = service.candidate.as_ref().map(|rule| match rule {
        CandidateRule::Tag(tag) => format!("tag {tag}"),
        CandidateRule::Semver(range) => format!("semver {range}"),
        CandidateRule::Pattern { pattern, order } => {
            let order = match order {
                PatternOrder::Created => "created",
                PatternOrder::Name => "name",
            };
            format!("pattern {pattern} by {order}")
        }
    });
    json!({
        "name": service.name, "image": service.image, "also": service.also, "signer": service.signer,
        "candidate": candidate, "immutable_tags": service.immutable_tags, "source": service.source,
        "inferred": false,
    })
}

fn policy(policy: &Policy) -> Value {
    let freeze = policy.freeze.iter().map(|f| {
        let moment = |(day, time): &(jiff::civil::Weekday, jiff::civil::Time)| format!("{day:?} {time}");
        format!("{} to {} {}", moment(&f.from), moment(&f.to), f.zone)
    });
    let mut signers: Vec<String> = policy.signer.default.iter().cloned().collect();
    signers.extend(
        policy
            .signer
            .per_kind
            .iter()
            .map(|(kind, who)| format!("{kind} by {who}")),
    );
    json!({
        "name": policy.name, "digest": policy.digest, "require": policy.require, "signer": signers,
        "builder": policy.builder, "source": policy.source,
        "accept": policy.test_result.accept, "acknowledge": policy.test_result.acknowledge,
        "max_age_seconds": policy.max_age.iter().map(|(kind, s)| format!("{kind} {s}")).collect::<Vec<_>>(),
        "soak_seconds": policy.soak, "freeze": freeze.collect::<Vec<_>>(),
        "break_glass": policy.break_glass,
    })
}

fn profile(profile: &TrustProfile) -> Value {
    let identities = profile.identities.iter().map(|id| {
        let words = |m: &Match| match m {
            Match::Exact(text) => text.clone(),
            Match::Regex(pattern) => format!("/{pattern}/"),
        };
        match &id.issuer {
            Some(issuer) => format!("{} by {}", words(&id.san), words(issuer)),
            None => words(&id.san),
        }
    });
    let keys = profile.keys.iter();
    json!({
        "name": profile.name,
        "keys": keys.map(|k| format!("{} ({})", k.name, Digest::of(k.pem.trim().as_bytes()))).collect::<Vec<_>>(),
        "root": profile.root.as_ref().map(|root| match root {
            TrustRoot::PublicGood => "public-good".to_owned(),
            TrustRoot::Github => "github".to_owned(),
            TrustRoot::File { name, json } => format!("{name} ({})", Digest::of(json.as_bytes())),
        }),
        "identities": identities.collect::<Vec<_>>(),
        "transparency_log": match profile.transparency_log {
            LogRule::Required => "required",
            LogRule::InclusionProof => "inclusion-proof",
            LogRule::NotRequired => "not-required",
        },
        "sct": profile.sct,
        "timestamp": match profile.timestamp {
            TimeRule::Any => "any",
            TimeRule::Rfc3161 => "rfc3161",
            TimeRule::Rekor => "rekor",
        },
    })
}
