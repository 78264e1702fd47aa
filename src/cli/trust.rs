//! `pindeck trust`: the trusted roots in force, and refreshing them.

use jiff::Timestamp;
use serde::Serialize;

use crate::cli::exit::Exit;
use crate::domain::failure::Failure;
use crate::domain::policy::TeamPolicy;
use crate::domain::text::Clean;
use crate::domain::trusted_root::{RootInForce, RootSource};
use crate::engine::root_refresh::{RefreshOutcome, RootRefresh, update};
use crate::engine::settings::settings_of_file;
use crate::engine::trusted_roots;
use crate::engine::{Engine, OpenOptions};

use super::args::{TrustArgs, TrustCommand};
use super::command_context::CommandContext;
use super::json;
use super::output::{say, warn};
use super::root_warnings::{in_words, tell_problems};
use super::text::Table;

#[derive(Debug, Serialize)]
struct TrustDoc<'a> {
    roots: Vec<RootDoc<'a>>,
}

#[derive(Debug, Serialize)]
struct RootDoc<'a> {
    #[serde(flatten)]
    root: &'a RootInForce,
    age: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    state: Option<&'static str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    detail: Option<Clean>,
}

/// Runs `pindeck trust`.
///
/// # Errors
/// If there is no usable configuration, or a refresh is asked for and cannot begin.
pub(crate) async fn run(context: &CommandContext, args: &TrustArgs) -> Result<Exit, Failure> {
    let options = context.options();
    let now = Timestamp::now();
    match args.command {
        TrustCommand::Show(how) => {
            let (roots, engine) = match Engine::open(context.options()) {
                Ok(engine) => (engine.trusted_roots().await?, Some(engine)),
                Err(_) if context.global.config.is_some() => {
                    let team = settings_of_file(&options).await?.team;
                    (trusted_roots::in_force(&options, &team), None)
                }
                Err(failure) => return Err(failure),
            };
            let shown = roots.iter().map(|root| RootDoc {
                root,
                age: in_words(root, now),
                state: None,
                detail: None,
            });
            show(shown.collect(), how.json)?;
            tell_problems(&roots);
            Ok(match engine.filter(|_| context.global.config.is_none()) {
                Some(engine) => context.with_fetch(&engine, Exit::Done),
                None => Exit::Done,
            })
        }
        TrustCommand::Update(how) => {
            let team = team(context, &options).await?;
            let all = update(&options, &team, now).await?;
            let shown = all.iter().map(|one| RootDoc {
                root: &one.root,
                age: in_words(&one.root, now),
                state: Some(state(&one.outcome)),
                detail: match &one.outcome {
                    RefreshOutcome::Failed(failure) => Some(failure.what.clean()),
                    _ => None,
                },
            });
            show(shown.collect(), how.json)?;
            Ok(Exit::heaviest(all.iter().map(told)))
        }
    }
}

/// The policy in force: of the repository, or of the file that is named.
async fn team(context: &CommandContext, options: &OpenOptions) -> Result<std::sync::Arc<TeamPolicy>, Failure> {
    match Engine::open(context.options()) {
        Ok(engine) => Ok(engine.settings(false).await?.team),
        Err(_) if context.global.config.is_some() => Ok(settings_of_file(options).await?.team),
        Err(failure) => Err(failure),
    }
}

const fn state(outcome: &RefreshOutcome) -> &'static str {
    match outcome {
        RefreshOutcome::Updated => "updated",
        RefreshOutcome::Current => "current",
        RefreshOutcome::NotRefreshed => "not-refreshed",
        RefreshOutcome::Failed(_) => "failed",
    }
}

/// Tells on stderr why a refresh failed; returns the exit status of that.
fn told(one: &RootRefresh) -> Exit {
    let RefreshOutcome::Failed(failure) = &one.outcome else {
        return Exit::Done;
    };
    warn(&format!(
        "{} is not refreshed and stays as it was: {}",
        Clean::from_untrusted(&one.root.name),
        failure.sentence().clean()
    ));
    Exit::of(failure.kind)
}

fn show(roots: Vec<RootDoc<'_>>, as_json: bool) -> Result<(), Failure> {
    if as_json {
        return json::print("trust", TrustDoc { roots });
    }
    if roots.is_empty() {
        return say("no trust profile names a root: keys alone are trusted");
    }
    let is_update = roots.iter().any(|one| one.state.is_some());
    let mut heading = vec!["ROOT", "SOURCE", "VERSION", "CONFIRMED", "EXPIRES", "DIGEST", "USED BY"];
    if is_update {
        heading.insert(1, "REFRESH");
    }
    let mut table = Table::new(&heading);
    for one in &roots {
        let root = one.root;
        let version = root
            .version
            .map_or_else(|| "-".to_owned(), |version| version.to_string());
        let confirmed = match (root.source, &one.age) {
            (RootSource::Embedded, Some(age)) => format!("with this build, {age}"),
            (_, Some(age)) => age.clone(),
            (_, None) => "-".to_owned(),
        };
        let expires = root.expires.map_or_else(|| "-".to_owned(), |at| at.to_string());
        let mut cells = vec![
            root.name.clone(),
            root.source.as_str().to_owned(),
            version,
            confirmed,
            expires,
            root.digest.short(),
            root.profiles.join(", "),
        ];
        if is_update {
            cells.insert(1, one.state.unwrap_or_default().to_owned());
        }
        table.row(cells.iter().map(|cell| Clean::from_untrusted(cell).into_string()));
    }
    table.lines().iter().try_for_each(|line| say(line))
}
