//! What can be found out about a write that was left behind, and whether it may be finished at all: the place that it goes
//! to must still be the one that was confirmed, and one that the person still approves.

use jiff::Timestamp;

use crate::config::user;
use crate::domain::failure::{Failure, FailureKind};
use crate::domain::id::Digest;
use crate::domain::recovery::{Fact, RecoveryAction, RecoveryFacts, RecoveryStatus};
use crate::domain::reference::Repository;
use crate::engine::journal::{CopyNote, JournalEntry};
use crate::engine::ledger;
use crate::engine::open::{Engine, blocking};
use crate::engine::other_repositories::reopened;
use crate::sources::git::{FileOwner, GitRepo, owner_of};

use super::publish;

/// What stands of a write that was left behind.
pub(super) struct LeftStatus {
    pub status: RecoveryStatus,
    /// Why it cannot be finished, whatever the remotes say.
    why: Option<Failure>,
}

impl LeftStatus {
    /// What stands, as a sentence.
    pub(crate) fn says(&self) -> String {
        match &self.why {
            None => self.status.says(),
            Some(why) => format!("{}; {}", self.status.says_once(), why.sentence().raw()),
        }
    }

    /// Why it cannot be finished, and what it has done: where something of it landed, that is no plain refusal.
    pub(crate) fn barred(&self) -> Option<Failure> {
        let why = self.why.as_ref()?;
        Some(match (self.status.hold, self.status.pushed) {
            (Some(Fact::Yes), Fact::No) => publish::half_done(why),
            (Some(Fact::Yes), _) => Failure {
                kind: FailureKind::Failed,
                ..why.clone().within("the hold is pushed, the pin perhaps")
            },
            _ => why.clone(),
        })
    }
}

/// What git can tell of a write that was left behind.
struct GitFacts {
    landed: Fact,
    hold: Option<Fact>,
    commits_here: bool,
    barred: Option<Failure>,
}

impl Engine {
    /// What stands of a write that was left behind.
    pub(super) async fn status_of(&self, entry: &JournalEntry) -> Result<LeftStatus, Failure> {
        let (this, copy) = (self.clone(), entry.clone());
        let found = blocking(move || git_facts(&this, &copy)).await?;
        // Content is copied before the push: what landed was copied, and is closed whatever else can be asked now.
        let copied = match found.landed {
            Fact::Yes => Fact::Yes,
            Fact::No | Fact::Unknown => self.copied(entry).await,
        };
        let status = entry.recovery(RecoveryFacts {
            landed: found.landed,
            copied,
            hold: found.hold,
            commits_here: found.commits_here,
        });
        let why = found.barred.filter(|_| status.next != RecoveryAction::Close);
        Ok(LeftStatus { status, why })
    }

    /// Whether everything that was to be copied is at its destination; not known where the policy cannot be read,
    /// which says how the registries are reached.
    async fn copied(&self, entry: &JournalEntry) -> Fact {
        let notes: Vec<CopyNote> = entry.writes.iter().flat_map(|w| w.copies.clone()).collect();
        if notes.is_empty() {
            return Fact::Yes;
        }
        let ledger = self.ledger().await;
        let Ok(registry) = ledger.and_then(|(ledger, _)| self.uncached(&ledger.team)) else {
            return Fact::Unknown;
        };
        let mut copied = Fact::Yes;
        for note in notes {
            match is_there(&registry, &note).await {
                Fact::Yes => {}
                other => copied = other,
            }
        }
        copied
    }
}

/// Asks the remotes, as far as they are those that were confirmed, and may be asked.
fn git_facts(engine: &Engine, entry: &JournalEntry) -> GitFacts {
    let home = &engine.inner.repo;
    let mut barred = entry.remote_at.is_none().then(|| not_recorded(entry));
    let asked = |repo: &GitRepo, (remote, branch): (&str, &str), commit: &str, is_same: bool| {
        match Fact::of(&repo.landed(remote, branch, commit)) {
            // Another place says nothing about the one that was meant; what it has is there all the same.
            Fact::No if !is_same => Fact::Unknown,
            fact => fact,
        }
    };
    let holds_at = entry
        .holds_on
        .as_ref()
        .and_then(|on| Some((on.remote.as_deref()?, on.remote_at?)));
    let moved = holds_at.and_then(|at| elsewhere(home, at, "the policy's repository"));
    let hold = entry.first.as_ref().map(|first| {
        let at = (first.remote.as_str(), first.branch.as_str());
        asked(home, at, &first.commit, moved.is_none())
    });
    barred = barred.or(moved);
    let repo = match &entry.repository {
        None => Ok(home.clone()),
        Some(name) => still_approved(engine, name)
            .inspect_err(|why| barred = Some(why.clone()))
            .and_then(|()| reopened(&engine.inner.others, engine.options(), home, name)),
    };
    let moved = repo.as_ref().ok().zip(entry.remote_at).and_then(|(repo, at)| {
        let name = entry.repository.as_deref().unwrap_or("the policy's repository");
        elsewhere(repo, (&entry.remote, at), name)
    });
    let is_same = moved.is_none();
    barred = barred.or(moved);
    let Some(last) = entry.last_commit() else {
        return GitFacts {
            landed: Fact::No,
            hold,
            commits_here: false,
            barred,
        };
    };
    let landed = match (&repo, entry.may_have_landed()) {
        (_, false) => Fact::No,
        (Ok(repo), true) => asked(repo, (&entry.remote, &entry.branch), last, is_same),
        (Err(_), true) => Fact::Unknown,
    };
    GitFacts {
        landed,
        hold,
        // Where nobody may look, they are as the journal has them.
        commits_here: repo.map_or(true, |repo| repo.has_commit(last).unwrap_or(false)),
        barred,
    }
}

/// Whether the person still lets pindeck go to another repository, by the policy of now.
fn still_approved(engine: &Engine, name: &str) -> Result<(), Failure> {
    let reader = engine.reader(false);
    // What a person's own file says needs no approval, also while it cannot be read.
    let config = engine.options().config.as_deref();
    let owner = config.map(|file| owner_of(file, user::config_dir().as_deref()));
    match ledger::policy_of_home(&reader) {
        Ok((_, team, _)) => reader.check_approved_still(name, &team),
        Err(_) if matches!(owner, Some(Ok(FileOwner::Person))) => Ok(()),
        Err(failure) => Err(failure),
    }
}

/// What is wrong where a remote leads to another place than it did; a remote that is gone leads nowhere.
fn elsewhere(repo: &GitRepo, (remote, at): (&str, Digest), of: &str) -> Option<Failure> {
    if repo.remote_fingerprint(remote).is_ok_and(|now| now == at) {
        return None;
    }
    let what = format!("{remote} of {of} leads to another address than when the write was confirmed");
    Some(
        Failure::conflict(what)
            .hint("put the address back (git remote set-url), or drop it (pindeck resume --drop) and plan it again"),
    )
}

/// An entry of a pindeck that did not write down where it goes.
fn not_recorded(entry: &JournalEntry) -> Failure {
    let begun = Timestamp::from_second(entry.started.as_second()).unwrap_or(entry.started);
    Failure::conflict(format!(
        "an earlier pindeck began this write ({begun}) and did not record where its remotes lead and its holds lie, so nobody \
         can tell whether what would be pushed now is what was confirmed"
    ))
    .hint("drop it (pindeck resume --drop): what it pushed stays as it is. Then plan it again")
}

/// Whether content is at its destination, its release tag (which comes last) included.
async fn is_there(registry: &crate::sources::registry::Registry, note: &CopyNote) -> Fact {
    let Ok(place) = Repository::parse(&note.destination) else {
        return Fact::Unknown;
    };
    match registry.manifest(&place, &note.digest).await {
        Ok(_) => {}
        Err(error) if error.is_absent() => return Fact::No,
        Err(crate::sources::registry::RegistryError::NotFound { .. }) => return Fact::No,
        Err(_) => return Fact::Unknown,
    }
    match &note.tag {
        None => Fact::Yes,
        Some(tag) => match registry.resolve(&place, tag).await {
            Ok(Some(found)) if found == note.digest => Fact::Yes,
            Ok(_) => Fact::No,
            Err(_) => Fact::Unknown,
        },
    }
}
