//! Taking a whole commit back, whatever else it touched: every pin that comes back with it is judged by
//! the same rules as the one that was asked for.

use std::collections::{BTreeMap, BTreeSet};

use crate::domain::board::Hold;
use crate::domain::failure::Failure;
use crate::domain::id::{Digest, EnvId, Target};
use crate::domain::plan::{Gate, Opener, RevertFacts, edit_gate, revert_gates};
use crate::domain::reference::Repository;
use crate::domain::text::Untrusted;
use crate::domain::write::WriteFailure;
use crate::sources::git::RevertedFile;
use crate::sources::git::manifest;

use super::edits::{Overlay, Rewrite};
use super::plan_context::{JudgedDigest, PlanContext};

/// What taking the commit back changes.
pub(super) struct RevertCommit {
    pub rewrite: Rewrite,
    /// Gates that other pins close.
    pub gates: Vec<Gate>,
    /// Pins that are taken away with it, to be held.
    pub away: Vec<(Target, Digest)>,
}

type PinnedImages = BTreeMap<Target, BTreeSet<(Repository, Option<Digest>)>>;

/// Plans it on the head of the context.
pub(super) async fn plan(
    context: &PlanContext,
    overlay: &mut Overlay,
    commit: &str,
    target: &Target,
    judged: (&Repository, Digest),
) -> Result<RevertCommit, WriteFailure> {
    let (base, bad) = (context.ledger().tip.commit.clone(), commit.to_owned());
    let files = context.git(move |repo| repo.preview_revert(&base, &bad)).await?;
    let Some(files) = files else {
        return Err(Failure::usage(format!(
            "commit {commit} cannot be taken back as a whole: later commits changed the same lines"
        ))
        .hint("revert this pin alone")
        .into());
    };
    let mut rewrite = Rewrite::default();
    let (mut before, mut after) = (PinnedImages::new(), PinnedImages::new());
    let mut paths = Vec::new();
    for RevertedFile {
        path,
        before: was,
        after: is,
        unsupported,
    } in files
    {
        if let Some(unsupported) = unsupported {
            return Err(Failure::usage(format!(
                "taking the whole commit back would change {path}, and {unsupported}"
            ))
            .hint("do that with git, or revert this pin alone")
            .into());
        }
        if path == crate::engine::holds::FILE {
            // Holds end when somebody releases them, not because the commit that made them goes.
            let stays = format!("the holds that the commit changed in {path} stay as they are");
            rewrite.warnings.push(stays.into());
            continue;
        }
        let is = is.ok_or_else(|| goes(&path))?;
        pins(context, &path, was.as_deref().unwrap_or_default(), &mut before);
        pins(context, &path, &is, &mut after);
        overlay.write(&path, is.clone());
        rewrite.take(&path, was.as_deref(), is);
        paths.push(path);
    }
    let mut whole = RevertCommit {
        rewrite,
        gates: Vec::new(),
        away: Vec::new(),
    };
    let none = BTreeSet::new();
    let mut gated = BTreeSet::from([&target.environment]);
    let all: BTreeSet<&Target> = before.keys().chain(after.keys()).collect();
    for of in all {
        let (earlier, now) = (before.get(of).unwrap_or(&none), after.get(of).unwrap_or(&none));
        if earlier != now {
            gated.insert(&of.environment);
        }
        let mut comes = now.difference(earlier).peekable();
        if comes.peek().is_none() && loses_an_image(earlier, now) {
            let why = format!("{of} would lose its pin; do that with git, or revert this pin alone");
            whole.gates.push(edit_gate(&why));
        }
        for (image, digest) in comes {
            // What was asked for is judged already, if it is that.
            if of == target && (image, *digest) == (judged.0, Some(judged.1)) {
                continue;
            }
            whole.gates.extend(gates(context, of, image, *digest).await?);
            let what = digest.map_or_else(|| "a pin by tag".to_owned(), |d| d.to_string());
            let warning = format!("{of} goes back to {what} with it");
            whole.rewrite.warnings.push(warning.into());
        }
        let away = earlier.difference(now).filter_map(|(_, digest)| *digest);
        whole.away.extend(away.map(|digest| (of.clone(), digest)));
    }
    for path in &paths {
        let own: BTreeSet<&EnvId> = context.paths.of(path).collect();
        let reached = context
            .includes
            .environments(path, &context.paths)
            .into_keys()
            .collect();
        whole
            .gates
            .extend(radius(path, &own, &reached, &gated).map(|why| edit_gate(&why)));
    }
    Ok(whole)
}

/// Whether an image of a target is pinned nowhere any more.
fn loses_an_image(
    earlier: &BTreeSet<(Repository, Option<Digest>)>,
    now: &BTreeSet<(Repository, Option<Digest>)>,
) -> bool {
    earlier
        .iter()
        .any(|(image, _)| now.iter().all(|(other, _)| other != image))
}

/// Why a file may not be taken back: whom it reaches that nothing was judged for. Its pins are judged
/// for the environments whose folders it lies in, so for no other.
fn radius(path: &str, own: &BTreeSet<&EnvId>, reached: &BTreeSet<EnvId>, gated: &BTreeSet<&EnvId>) -> Option<String> {
    let others: Vec<&str> = reached
        .iter()
        .filter(|env| !own.contains(env) || !gated.contains(env))
        .map(EnvId::as_str)
        .collect();
    if !others.is_empty() {
        let others = others.join(", ");
        return Some(format!(
            "taking the whole commit back would change {path}, which reaches {others} where nothing is judged for it; revert this pin alone"
        ));
    }
    // No controller applies documentation.
    (reached.is_empty() && !path.ends_with(".md")).then(|| {
        format!(
            "taking the whole commit back would change {path}, which lies in no environment and may reach any; revert this pin alone"
        )
    })
}

fn goes(path: &str) -> WriteFailure {
    Failure::usage(format!("taking the whole commit back would delete {path}"))
        .hint("do that with git, or revert this pin alone")
        .into()
}

/// The pins of one version of a file, by target.
fn pins(context: &PlanContext, path: &str, bytes: &[u8], out: &mut PinnedImages) {
    let environments: Vec<&EnvId> = context.paths.of(path).collect();
    for found in manifest::scan(path, bytes).all() {
        let service = context.ledger().service_of(path, found);
        let (Some(service), Some(image)) = (service, found.repository.as_ref()) else {
            continue;
        };
        for environment in &environments {
            let target = Target {
                service: service.clone(),
                environment: (*environment).clone(),
            };
            out.entry(target).or_default().insert((image.clone(), found.digest));
        }
    }
}

/// What closes the way for another pin that would come back too.
async fn gates(
    context: &PlanContext,
    of: &Target,
    image: &Repository,
    digest: Option<Digest>,
) -> Result<Vec<Gate>, WriteFailure> {
    let environment = context.environment(&of.environment)?;
    context.policy(environment)?;
    let Some(digest) = digest else {
        let why = format!("{of} would go back to a pin by tag, about which nothing can be verified");
        return Ok(vec![edit_gate(&why)]);
    };
    let JudgedDigest { verdict, .. } = context.assess(image, digest, &of.service, environment).await?;
    let holds = context.closing_holds(of, digest);
    let mut gates = revert_gates(RevertFacts {
        verdict: &verdict,
        acknowledged: None,
        environment: &of.environment,
        holds: holds.as_deref().map_err(|problem| *problem),
        // Only the hold of the pin that was asked for is released.
        release_hold: false,
        read_only: context.read_only(environment).as_deref(),
    });
    for gate in &mut gates {
        gate.detail = Untrusted::new(format!("{of}: {}", gate.detail.clean()));
        if gate.opener == Some(Opener::ReleaseWithIt) {
            gate.opener = Some(Opener::ReleaseHold(of.service.clone(), of.environment.clone()));
        }
    }
    Ok(gates)
}

/// The holds for everything that is taken away.
pub(super) fn holds(away: &[(Target, Digest)], like: &Hold) -> Vec<Hold> {
    away.iter()
        .map(|(target, digest)| Hold {
            service: target.service.clone(),
            environment: target.environment.clone(),
            digest: *digest,
            ..like.clone()
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_is_taken_back_only_where_its_pins_are_judged() {
        let (production, staging) = (EnvId::from("production"), EnvId::from("staging"));
        let gated = BTreeSet::from([&production]);
        let said = |path: &str, own: &[&EnvId], reached: &[&EnvId]| {
            let own = own.iter().copied().collect();
            let reached = reached.iter().map(|e| (*e).clone()).collect();
            radius(path, &own, &reached, &gated)
        };
        assert_eq!(said("p/app.yaml", &[&production], &[&production]), None);
        assert_eq!(said("README.md", &[], &[]), None);
        let why = said("s/app.yaml", &[&staging], &[&staging]).expect("not gated");
        assert!(why.contains("staging"), "{why}");
        let why = said("p/app.yaml", &[&production], &[&production, &staging]).expect("taken in elsewhere");
        assert!(why.contains("staging"), "{why}");
        let why = said("base/app.yaml", &[], &[&production]).expect("its pins are not judged");
        assert!(why.contains("production"), "{why}");
        assert!(said("base/values.yaml", &[], &[]).is_some());
    }
}
