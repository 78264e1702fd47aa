//! Taking a whole commit back, whatever else it touched: every pin that comes back with it is judged by
//! the same rules as the one that was asked for.

use std::collections::{BTreeMap, BTreeSet};

use crate::domain::board::Hold;
use crate::domain::id::{Digest, EnvId, ServiceId, Target};
use crate::domain::plan::{Gate, revert_gates};
use crate::domain::reference::Repository;
use crate::domain::text::Untrusted;
use crate::domain::write::WriteFailure;
use crate::sources::git::TakenBack;
use crate::sources::git::manifest;

use super::desk::{Desk, usage};
use super::edits::{Overlay, Rewrite, is_managed};

/// What taking the commit back changes.
pub(super) struct Whole {
    pub rewrite: Rewrite,
    /// Gates that other pins close.
    pub gates: Vec<Gate>,
    /// Pins that are taken away with it, to be held.
    pub away: Vec<(Target, Digest)>,
}

type Pinned = BTreeMap<Target, BTreeSet<(Repository, Option<Digest>)>>;

/// Plans it on the head of the desk.
pub(super) async fn take_back(
    desk: &Desk,
    overlay: &mut Overlay,
    commit: &str,
    target: &Target,
) -> Result<Whole, WriteFailure> {
    let (base, bad) = (desk.ledger.tip.commit.clone(), commit.to_owned());
    let files = desk.git(move |repo| repo.taken_back(&base, &bad)).await?;
    let Some(files) = files else {
        return Err(usage(format!(
            "commit {commit} cannot be taken back as a whole: later commits changed the same lines; revert this pin alone"
        )));
    };
    let mut rewrite = Rewrite::default();
    let (mut before, mut after) = (Pinned::new(), Pinned::new());
    for TakenBack {
        path,
        before: was,
        after: is,
    } in files
    {
        let (was, is) = (was.unwrap_or_default(), is.ok_or_else(|| goes(&path))?);
        pins(desk, &path, &was, &mut before);
        pins(desk, &path, &is, &mut after);
        overlay.write(&path, is.clone());
        rewrite.take(&path, &was, is);
    }
    let mut whole = Whole {
        rewrite,
        gates: Vec::new(),
        away: Vec::new(),
    };
    for (of, now) in &after {
        let none = BTreeSet::new();
        let earlier = before.get(of).unwrap_or(&none);
        for (image, digest) in now.difference(earlier) {
            if of != target {
                whole.gates.extend(gates(desk, of, image, *digest).await?);
                let what = digest.map_or_else(|| "a pin by tag".to_owned(), |d| d.to_string());
                whole
                    .rewrite
                    .warnings
                    .push(format!("{of} goes back to {what} with it").into());
            }
        }
        let away = earlier.difference(now).filter_map(|(_, digest)| *digest);
        whole.away.extend(away.map(|digest| (of.clone(), digest)));
    }
    Ok(whole)
}

fn goes(path: &str) -> WriteFailure {
    usage(format!(
        "taking the whole commit back would delete {path}; do that with git, or revert this pin alone"
    ))
}

/// The pins of one version of a file, by target.
fn pins(desk: &Desk, path: &str, bytes: &[u8], out: &mut Pinned) {
    let environments: Vec<&EnvId> = desk.paths.of(path).collect();
    for found in manifest::scan(path, bytes).found {
        let service: Option<ServiceId> = is_managed(desk, &found).cloned();
        let (Some(service), Some(image)) = (service, found.repository) else {
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
    desk: &Desk,
    of: &Target,
    image: &Repository,
    digest: Option<Digest>,
) -> Result<Vec<Gate>, WriteFailure> {
    let environment = desk.environment(&of.environment)?;
    let policy = desk.policy(environment)?;
    let Some(digest) = digest else {
        let why = format!("{of} would go back to a pin by tag, about which nothing can be verified");
        return Ok(vec![crate::domain::plan::edit_gate(&why)]);
    };
    let assessed = desk.assess(image, digest, &of.service, &policy).await;
    let Some(verdict) = assessed.assessment.verdict else {
        return Err(WriteFailure::Failed(
            "nothing was judged; this is a bug in pindeck".into(),
        ));
    };
    let mut gates = revert_gates(&verdict, desk.read_only(environment).as_deref());
    for gate in &mut gates {
        gate.detail = Untrusted::new(format!("{of}: {}", gate.detail.clean()));
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
