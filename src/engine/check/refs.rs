//! Which commits are compared.

use crate::domain::failure::{Failure, Hint, Part};
use crate::domain::quoted;
use crate::sources::git::{GitRepo, is_no_commit};

/// What is asked.
#[derive(Debug, Clone)]
pub(crate) struct CheckQuestion {
    /// The branch that the change is proposed for, or its commit.
    pub base: String,
    /// The base is the name of a branch of the remote, not of one that is here.
    pub base_is_remote: bool,
    /// The branch that the base is a commit of: where its tip is known here and leads back to the base, it is the base.
    pub base_branch: Option<String>,
    /// The change, or its newest commit.
    pub head: String,
    /// Whether the job takes WARNED test results upon itself.
    pub acknowledge_warned: bool,
}

/// The commits that are compared, by full ids.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct ComparedCommits {
    /// How the base was named.
    pub base_name: String,
    /// The tip of the base: its policy and history count.
    pub base: String,
    /// Where the head parted from it: what changed is counted from here.
    pub merge_base: String,
    /// How the head was named.
    pub head_name: String,
    /// The newest commit of the change.
    pub head: String,
}

/// Finds them.
///
/// # Errors
/// If a name means nothing here, or the clone does not reach far enough back.
pub(super) fn resolve(repo: &GitRepo, question: &CheckQuestion) -> Result<ComparedCommits, Failure> {
    let remote = repo.remote()?;
    let (mut base_name, mut base) = match question.base_is_remote {
        true => named_there(repo, remote.as_deref(), &question.base)?,
        false => named(repo, remote.as_deref(), "base", &question.base)?,
    };
    if let Some((name, tip)) = newer(repo, remote.as_deref(), question, &base)? {
        (base_name, base) = (name, tip);
    }
    let (head_name, head) = named(repo, remote.as_deref(), "head", &question.head)?;
    let shallow = |what: String| {
        Failure::usage(format!("{what}: the clone is shallow")).hint(Hint::with(
            "fetch the rest of the history, then check again: git fetch --unshallow {}",
            &[Part::name(remote.as_deref().unwrap_or("origin"))],
        ))
    };
    let both = format!("{} and {}", quoted(&base_name), quoted(&head_name));
    let mut merge_bases = repo.merge_bases(&base, &head)?.into_iter();
    let Some(merge_base) = merge_bases.next() else {
        let what = format!("no commit is known here that both {both} lead back to");
        return Err(match repo.is_shallow() {
            true => shallow(what),
            false => Failure::usage(what).hint("name two commits of one history with --base and --head"),
        });
    };
    // Each of several would tell another story of what the change did, and one of them may hide a pin.
    if merge_bases.next().is_some() {
        let what = format!("{both} part at several commits: each was merged into the other");
        return Err(Failure::usage(what).hint(
            "merge the base into the change once more, or check the commit that merging them makes, and check again",
        ));
    }
    if repo.is_cut_between(&base, &head, &merge_base)? {
        return Err(shallow(format!("where {both} part cannot be told")));
    }
    Ok(ComparedCommits {
        base_name,
        base,
        merge_base,
        head_name,
        head,
    })
}

/// The commit of a name: by git's own rules, else the branch of that name on the remote.
fn named(repo: &GitRepo, remote: Option<&str>, what: &str, name: &str) -> Result<(String, String), Failure> {
    if is_no_commit(name) {
        let words = format!("the {what} is no commit: {name} stands for a ref that is made or deleted");
        return Err(Failure::usage(words)
            .hint("a new branch is compared with the default branch; a deleted one needs no check"));
    }
    let refs = repo.refs_of(name)?;
    if let [(one, first), rest @ ..] = refs.as_slice()
        && let Some((other, _)) = rest.iter().find(|(_, commit)| commit != first)
    {
        // Git takes the tag, and anybody who can push one would choose what is compared.
        let words = format!(
            "the {what} {} means {} and {}",
            quoted(name),
            quoted(one),
            quoted(other)
        );
        return Err(Failure::usage(words).hint("name one of them in full, with refs/ before it"));
    }
    if let Some(commit) = repo.commit_named(name)? {
        return Ok((name.to_owned(), commit));
    }
    if let Some(found) = tracked(repo, remote, name)? {
        return Ok(found);
    }
    let failure = Failure::usage(format!("the {what} {} names no commit that is here", quoted(name)));
    Err(failure.hint(Hint::with(
        "fetch it first: git fetch {} {}",
        &[Part::name(remote.unwrap_or("origin")), Part::name(name)],
    )))
}

/// The branch of that name on the remote; where it is not known, whatever has that name here.
fn named_there(repo: &GitRepo, remote: Option<&str>, name: &str) -> Result<(String, String), Failure> {
    match tracked(repo, remote, name)? {
        Some(found) => Ok(found),
        None => named(repo, remote, "base", name),
    }
}

/// What is known here of a branch of the remote.
fn tracked(repo: &GitRepo, remote: Option<&str>, name: &str) -> Result<Option<(String, String)>, Failure> {
    let Some(remote) = remote else { return Ok(None) };
    let found = repo.commit_named(&format!("refs/remotes/{remote}/{name}"))?;
    Ok(found.map(|commit| (format!("{remote}/{name}"), commit)))
}

/// The tip of the branch that the base is a commit of, where it is known here and is not older than the base.
fn newer(
    repo: &GitRepo,
    remote: Option<&str>,
    question: &CheckQuestion,
    base: &str,
) -> Result<Option<(String, String)>, Failure> {
    let Some(branch) = &question.base_branch else {
        return Ok(None);
    };
    let Some((name, tip)) = tracked(repo, remote, branch)? else {
        return Ok(None);
    };
    let is_newer = repo.merge_bases(base, &tip)?.first().map(String::as_str) == Some(base);
    Ok(is_newer.then_some((name, tip)))
}
