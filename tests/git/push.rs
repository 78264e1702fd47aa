//! Pushing to real bare repositories, by file and through git's own HTTP backend: what lands, what is
//! refused and in whose words, and what is never claimed.

use pindeck::domain::failure::{Failure, FailureKind};
use std::sync::atomic::Ordering;

use pindeck::sources::git::write::{Expected, Push, PushError, RefusedBy};

use crate::support::git_http::GitHttp;
use crate::support::git_world::{World, belongings, commit, git, hook, repo, to_main};

fn raw(words: &[pindeck::domain::text::Untrusted]) -> Vec<&str> {
    words.iter().map(pindeck::domain::text::Untrusted::raw).collect()
}

/// The same remote under both transports.
fn both(world: &World) -> [(String, String); 2] {
    let server = GitHttp::serve(world.root.path());
    [("file", world.file_url()), ("http", server.url("remote.git"))].map(|(name, url)| (name.to_owned(), url))
}

#[test]
fn a_hook_of_the_remote_refuses_in_its_own_words() {
    let world = World::with(&[("a", b"1\n")]);
    world.remote_hook(
        "pre-receive",
        "echo; echo 'error: GH006: Protected branch update failed for refs/heads/main.'; printf 'Ask \\033[31mAda\\n' >&2; exit 1",
    );
    for (kind, url) in both(&world) {
        let dir = world.clone_as(&format!("work-{kind}"), &url, &[]);
        let repo = repo(&dir);
        let base = world.head();
        let before = belongings(&dir);
        let next = commit(&repo, &base, "a", "2\n");
        let refused = repo.push(to_main(&next, &base)).expect_err("refused");
        assert_eq!(
            (refused.kind(), refused.is_certain()),
            (FailureKind::RemoteRefused, true)
        );
        match &refused {
            PushError::Refused {
                by: RefusedBy::Remote,
                words,
            } => assert_eq!(
                raw(words),
                [
                    "error: GH006: Protected branch update failed for refs/heads/main.",
                    "Ask \u{1b}[31mAda",
                    "[remote rejected] (pre-receive hook declined)"
                ],
                "{kind}"
            ),
            other => panic!("{kind}: {other:?}"),
        }
        assert!(!refused.to_string().contains('\u{1b}'), "a terminal is not steered");
        assert_eq!((world.head(), belongings(&dir)), (base.clone(), before), "{kind}");
        assert_eq!(git(&dir, &["rev-parse", "refs/remotes/origin/main"]), base, "{kind}");
    }
}

#[test]
fn an_update_hook_and_a_denied_branch_are_refusals_too() {
    let world = World::with(&[("a", b"1\n")]);
    let dir = world.clone_as("work", &world.file_url(), &[]);
    let repo = repo(&dir);
    let base = world.head();
    let next = commit(&repo, &base, "a", "2\n");
    world.remote_hook("update", "echo \"not $1\" >&2; exit 1");
    let refused = repo.push(to_main(&next, &base)).expect_err("refused");
    assert!(
        matches!(&refused, PushError::Refused { by: RefusedBy::Remote, words } if raw(words)[0] == "not refs/heads/main"),
        "{refused:?}"
    );
    std::fs::remove_file(world.remote.join("hooks/update")).expect("there");
    git(&world.remote, &["config", "receive.hideRefs", "refs/heads/main"]);
    let refused = repo.push(to_main(&next, &base)).expect_err("refused");
    assert_ne!(refused.kind(), FailureKind::Usage, "{refused:?}");
    assert_eq!(world.head(), base);
}

#[test]
fn the_persons_own_pre_push_hook_refuses_as_itself() {
    let world = World::with(&[("a", b"1\n")]);
    for (kind, url) in both(&world) {
        let dir = world.clone_as(&format!("work-{kind}"), &url, &[]);
        let repo = repo(&dir);
        let base = world.head();
        let next = commit(&repo, &base, "a", "2\n");
        hook(
            &dir.join(".git/hooks"),
            "pre-push",
            "cat; echo \"not on a Friday: $1\" >&2; exit 1",
        );
        let refused = repo.push(to_main(&next, &base)).expect_err("refused");
        assert_eq!(refused.kind(), FailureKind::RemoteRefused);
        match refused {
            PushError::Refused {
                by: RefusedBy::PrePush,
                words,
            } => {
                let words = raw(&words).join("\n");
                assert!(words.contains("not on a Friday: origin"), "{kind}: {words}");
                assert!(
                    words.contains(&format!("{next} refs/heads/main {base}")),
                    "it was told what is pushed: {words}"
                );
                assert!(!words.contains("failed to push some refs"), "{words}");
            }
            other => panic!("{kind}: {other:?}"),
        }
        assert_eq!(world.head(), base);
    }
}

#[test]
fn a_branch_that_moved_is_not_pushed_over() {
    let world = World::with(&[("a", b"1\n")]);
    for (kind, url) in both(&world) {
        let (ours, theirs) = (
            world.clone_as(&format!("ours-{kind}"), &url, &[]),
            world.clone_as(&format!("theirs-{kind}"), &url, &[]),
        );
        let (ours, theirs) = (repo(&ours), repo(&theirs));
        let base = world.head();
        let mine = commit(&ours, &base, "a", "mine\n");
        let other = commit(&theirs, &base, "a", &format!("theirs {kind}\n"));
        theirs.push(to_main(&other, &base)).expect("lands");
        let lost = ours.push(to_main(&mine, &base)).expect_err("moved");
        assert_eq!(lost.kind(), FailureKind::Conflict);
        assert!(
            matches!(&lost, PushError::NonFastForward { found: Some(found), .. } if *found == other),
            "{lost:?}"
        );
        assert_eq!(world.head(), other);
        // Rewound behind the back: pushing would bring back what somebody took away.
        git(&world.remote, &["update-ref", "refs/heads/main", &base]);
        let on_top = commit(&theirs, &other, "a", "more\n");
        let lost = theirs.push(to_main(&on_top, &other)).expect_err("rewound");
        assert!(
            matches!(&lost, PushError::NonFastForward { found: Some(found), .. } if *found == base),
            "{lost:?}"
        );
        // Deleted: not made again.
        git(&world.remote, &["update-ref", "-d", "refs/heads/main"]);
        let lost = theirs.push(to_main(&on_top, &other)).expect_err("deleted");
        assert!(
            matches!(&lost, PushError::NonFastForward { found: None, .. }),
            "{lost:?}"
        );
        git(&world.remote, &["update-ref", "refs/heads/main", &base]);
    }
}

#[test]
fn the_race_between_the_look_and_the_push_is_lost_without_harm() {
    let world = World::with(&[("a", b"1\n")]);
    let dir = world.clone_as("work", &world.file_url(), &[]);
    let repo = repo(&dir);
    let base = world.head();
    let mine = commit(&repo, &base, "a", "mine\n");
    let other = commit(&repo, &base, "a", "theirs\n");
    git(&dir, &["push", "-q", "origin", &format!("{other}:refs/heads/other")]);
    // Before the push sends anything: git sees it itself.
    let steal = format!("git -C {} update-ref refs/heads/main {other}", world.remote.display());
    hook(
        &dir.join(".git/hooks"),
        "pre-push",
        &format!("cat >/dev/null; env -u GIT_DIR {steal}"),
    );
    let lost = repo.push(to_main(&mine, &base)).expect_err("moved");
    assert_eq!(lost.kind(), FailureKind::Conflict, "{lost:?}");
    std::fs::remove_file(dir.join(".git/hooks/pre-push")).expect("there");
    git(&world.remote, &["update-ref", "refs/heads/main", &base]);
    // While the remote is at it: its own lock decides.
    let steal = format!("env -u GIT_QUARANTINE_PATH git update-ref refs/heads/main {other} {base}");
    world.remote_hook("update", &steal);
    let lost = repo.push(to_main(&mine, &base)).expect_err("moved");
    assert_eq!(lost.kind(), FailureKind::Conflict, "{lost:?}");
    assert_eq!(world.head(), other);
}

#[test]
fn a_new_branch_is_made_and_never_overwritten() {
    let world = World::with(&[("a", b"1\n")]);
    world.remote_hook(
        "post-receive",
        "echo; echo \"Create a pull request for 'pindeck/x' on GitHub by visiting:\"; echo '     https://forge.example/o/r/pull/new/pindeck/x'",
    );
    for (kind, url) in both(&world) {
        let dir = world.clone_as(&format!("work-{kind}"), &url, &[]);
        let repo = repo(&dir);
        let base = world.head();
        let next = commit(&repo, &base, "a", &format!("2 {kind}\n"));
        let branch = format!("pindeck/promote-{kind}");
        let push = Push {
            remote: "origin",
            branch: &branch,
            commit: &next,
            expected: Expected::Absent,
        };
        let pushed = repo.push(push).expect("lands");
        assert_eq!(
            pushed.url.as_deref(),
            Some("https://forge.example/o/r/pull/new/pindeck/x")
        );
        assert!(repo.push(push).expect("the same again").already);
        let later = commit(&repo, &next, "a", "3\n");
        let refused = repo.push(Push { commit: &later, ..push }).expect_err("there already");
        assert!(
            matches!(&refused, PushError::BranchExists { found, .. } if *found == next),
            "{refused:?}"
        );
        assert_eq!(refused.kind(), FailureKind::Conflict);
        assert_eq!(world.head(), base);
        for bad in ["", "a..b", "x.lock", "a b", "refs/heads/@{x}"] {
            assert!(repo.push(Push { branch: bad, ..push }).is_err(), "{bad:?}");
        }
    }
}

#[test]
fn nothing_but_the_branch_is_pushed() {
    let world = World::with(&[("a", b"1\n")]);
    let dir = world.clone_as("work", &world.file_url(), &[]);
    let repo = repo(&dir);
    for (name, value) in [
        ("push.followTags", "true"),
        ("push.default", "matching"),
        ("push.recurseSubmodules", "on-demand"),
        ("remote.origin.push", "+refs/*:refs/*"),
    ] {
        git(&dir, &["config", name, value]);
    }
    let base = world.head();
    let next = commit(&repo, &base, "a", "2\n");
    git(&dir, &["tag", "-a", "-m", "t", "mine", &next]);
    git(&dir, &["branch", "private", &next]);
    repo.push(to_main(&next, &base)).expect("lands");
    assert_eq!(
        git(&world.remote, &["for-each-ref", "--format=%(refname)"]),
        "refs/heads/main"
    );
}

#[test]
fn a_lost_connection_is_never_called_a_success_or_a_failure() {
    let world = World::with(&[("a", b"1\n")]);
    let server = GitHttp::serve(world.root.path());
    let dir = world.clone_as("work", &server.url("remote.git"), &[]);
    let repo = repo(&dir);
    let base = world.head();
    // It did its work and then hung up: asked again, it says so.
    let first = commit(&repo, &base, "a", "2\n");
    server.manners.hang_up_after.store(1, Ordering::SeqCst);
    let pushed = repo.push(to_main(&first, &base)).expect("it landed");
    assert_eq!((world.head(), pushed.already), (first.clone(), false));
    assert!(repo.landed("origin", "main", &first).expect("asked"));
    // It hung up before: nobody can know that it will not be done yet.
    let second = commit(&repo, &first, "a", "3\n");
    server.manners.hang_up_before.store(1, Ordering::SeqCst);
    let unclear = repo.push(to_main(&second, &first)).expect_err("unclear");
    assert!(matches!(unclear, PushError::Unclear { .. }), "{unclear:?}");
    assert_eq!(
        (unclear.kind(), unclear.is_certain()),
        (FailureKind::Unreachable, false)
    );
    assert!(!repo.landed("origin", "main", &second).expect("asked"));
    // Doing it again is harmless, and others may build on it.
    repo.push(to_main(&second, &first)).expect("lands");
    let other = world.clone_as("other", &world.file_url(), &[]);
    let third = commit(&crate::support::git_world::repo(&other), &second, "a", "4\n");
    crate::support::git_world::repo(&other)
        .push(to_main(&third, &second))
        .expect("lands");
    assert!(
        repo.landed("origin", "main", &second).expect("asked"),
        "under somebody else's commit"
    );
    assert!(!repo.landed("origin", "gone", &second).expect("asked"));
    assert_eq!(server.manners.pushes.load(Ordering::SeqCst), 2);
}

#[test]
fn a_remote_that_does_not_answer_and_one_that_lets_nobody_in_are_told_apart() {
    let world = World::with(&[("a", b"1\n")]);
    let server = GitHttp::serve(world.root.path());
    let dir = world.clone_as("work", &server.url("remote.git"), &[]);
    let repo = repo(&dir);
    let base = world.head();
    let next = commit(&repo, &base, "a", "2\n");
    *server.manners.password.lock().expect("whole") = Some("ada:secret".to_owned());
    let denied = repo.push(to_main(&next, &base)).expect_err("denied");
    assert!(matches!(denied, PushError::Auth { .. }), "{denied:?}");
    // Whoever asks, in whatever way, is told the same: it is there, and lets nobody in.
    let fetched = repo.fetch("origin").expect_err("denied");
    assert!(
        matches!(fetched, pindeck::sources::git::GitError::AccessDenied { .. }),
        "{fetched:?}"
    );
    assert_eq!(
        (denied.kind(), Failure::from(&fetched).kind),
        (FailureKind::Denied, FailureKind::Denied)
    );
    // A credential helper is the person's set-up, and is used.
    git(
        &dir,
        &[
            "config",
            "credential.helper",
            "!f() { echo username=ada; echo password=secret; }; f",
        ],
    );
    server.manners.read_only.store(true, Ordering::SeqCst);
    let denied = repo.push(to_main(&next, &base)).expect_err("may read, may not write");
    assert!(matches!(denied, PushError::Auth { .. }), "{denied:?}");
    assert_eq!(denied.kind(), FailureKind::Denied);
    assert!(!denied.to_string().contains("secret"));
    server.manners.read_only.store(false, Ordering::SeqCst);
    repo.push(to_main(&next, &base)).expect("lands");
    assert_eq!(world.head(), next);
    // A port that nobody listens at.
    let closed = std::net::TcpListener::bind("127.0.0.1:0").expect("a port");
    let address = closed.local_addr().expect("bound");
    drop(closed);
    git(
        &dir,
        &["remote", "set-url", "origin", &format!("http://{address}/remote.git")],
    );
    let later = commit(&repo, &next, "a", "3\n");
    let lost = repo.push(to_main(&later, &next)).expect_err("unreachable");
    assert!(matches!(lost, PushError::Unreachable { .. }), "{lost:?}");
    assert_eq!((lost.kind(), lost.is_certain()), (FailureKind::Unreachable, true));
    let fetched = repo.fetch("origin").expect_err("unreachable");
    assert!(
        matches!(fetched, pindeck::sources::git::GitError::Unreachable { .. }),
        "{fetched:?}"
    );
    assert_eq!(Failure::from(&fetched).kind, FailureKind::Unreachable);
}

/// The person's own ssh, whatever it is: here one that runs the remote's command on this machine and
/// notes how it was called.
#[test]
fn the_configured_ssh_is_used_and_asks_nothing() {
    let world = World::with(&[("a", b"1\n")]);
    world.remote_hook("pre-receive", "echo heard over ssh");
    let dir = world.clone_as("work", &world.file_url(), &[]);
    let (bin, log) = (world.root.path().join("bin"), world.root.path().join("ssh-log"));
    let script = format!(
        "echo \"$*\" >> {}; for last; do :; done; exec sh -c \"$last\"",
        log.display()
    );
    hook(&bin, "ssh", &script);
    hook(&bin, "plink", &script);
    let url = format!("ssh://git@forge.example{}", world.remote.display());
    git(&dir, &["remote", "set-url", "origin", &url]);
    let repo = repo(&dir);
    let mut base = world.head();
    for (program, options, batch) in [("ssh", "-F my-config", true), ("plink", "", false)] {
        let command = format!("{} {options}", bin.join(program).display());
        git(&dir, &["config", "core.sshCommand", command.trim()]);
        git(&dir, &["config", "ssh.variant", "ssh"]);
        let _ = std::fs::remove_file(&log);
        let next = commit(&repo, &base, "a", program);
        let pushed = repo.push(to_main(&next, &base)).expect("lands");
        assert_eq!(raw(&pushed.words), ["heard over ssh"]);
        repo.fetch("origin").expect("fetches");
        let calls = std::fs::read_to_string(&log).expect("called");
        assert!(calls.lines().count() >= 3, "{calls}");
        for call in calls.lines() {
            assert!(call.starts_with(options), "{call}");
            assert_eq!(call.contains("-o BatchMode=yes"), batch, "{call}");
        }
        base = next;
    }
    git(
        &dir,
        &[
            "config",
            "core.sshCommand",
            "sh -c 'echo \"git@forge.example: Permission denied (publickey).\" >&2; exit 255'",
        ],
    );
    let next = commit(&repo, &base, "a", "denied");
    let denied = repo.push(to_main(&next, &base)).expect_err("denied");
    assert!(matches!(denied, PushError::Auth { .. }), "{denied:?}");
}

#[test]
fn locks_of_another_git_are_named() {
    let world = World::with(&[("a", b"1\n")]);
    let dir = world.clone_as("work", &world.file_url(), &[]);
    let repo = repo(&dir);
    let base = world.head();
    let next = commit(&repo, &base, "a", "2\n");
    // The person's own index is locked: no matter to us.
    std::fs::write(dir.join(".git/index.lock"), "").expect("written");
    repo.push(to_main(&next, &base)).expect("lands");
    let elsewhere = world.clone_as("elsewhere", &world.file_url(), &[]);
    let third = commit(&crate::support::git_world::repo(&elsewhere), &next, "a", "3\n");
    crate::support::git_world::repo(&elsewhere)
        .push(to_main(&third, &next))
        .expect("lands");
    let lock = dir.join(".git/refs/remotes/origin/main.lock");
    std::fs::write(&lock, "").expect("written");
    let error = repo.fetch("origin").expect_err("locked");
    assert!(
        error.to_string().contains("refs/remotes/origin/main.lock is locked"),
        "{error}"
    );
    std::fs::remove_file(&lock).expect("there");
    repo.fetch("origin").expect("fetches");
    assert_eq!(git(&dir, &["rev-parse", "origin/main"]), third);
}

/// Two writers, fifty pushes each, onto one branch: each loser fetches and makes its commit again on the
/// new head. Nothing is lost and nothing is forced.
#[test]
fn two_writers_lose_no_commit() {
    const EACH: usize = 50;
    let world = World::with(&[("a", b"0\n"), ("b", b"0\n")]);
    world.remote_hook(
        "update",
        "git merge-base --is-ancestor $2 $3 || { echo 'forced' >&2; exit 1; }",
    );
    let start = world.head();
    let writers = ["a", "b"].map(|name| {
        let dir = world.clone_as(name, &world.file_url(), &[]);
        std::thread::spawn(move || {
            let repo = repo(&dir);
            let mut lost = 0;
            for n in 1..=EACH {
                loop {
                    let base = repo.tip(None).expect("a tip").commit;
                    let next = commit(&repo, &base, name, &format!("{n}\n"));
                    match repo.push(to_main(&next, &base)) {
                        Ok(_) => break,
                        Err(PushError::NonFastForward { .. }) => {
                            lost += 1;
                            repo.fetch("origin").expect("fetches");
                        }
                        Err(other) => panic!("{name} {n}: {other:?}"),
                    }
                }
            }
            lost
        })
    });
    let lost: usize = writers.into_iter().map(|writer| writer.join().expect("ends")).sum();
    let all = git(
        &world.remote,
        &[
            "log",
            "--reverse",
            "--format=%H",
            "--name-only",
            "--no-merges",
            &format!("{start}..main"),
        ],
    );
    for name in ["a", "b"] {
        assert_eq!(all.lines().filter(|line| *line == name).count(), EACH, "{name}");
    }
    assert_eq!(
        git(
            &world.remote,
            &["rev-list", "--count", "--first-parent", &format!("{start}..main")]
        ),
        (2 * EACH).to_string()
    );
    assert_eq!(
        git(&world.remote, &["show", "main:a", "main:b"]),
        format!("{EACH}\n{EACH}")
    );
    eprintln!("{lost} races lost and run again");
}
