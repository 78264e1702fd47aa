//! Commits without a checkout: exactly the bytes meant, on any kind of clone, as the person's git would
//! have made them, and nothing of the person's own touched.

use std::path::Path;

use pindeck::domain::id::Digest;
use pindeck::sources::git::GitRepo;
use pindeck::sources::git::edit::{NewPin, TagChange, plan_edit};
use pindeck::sources::git::manifest::scan;
use pindeck::sources::git::write::{Expected, FileAfter, FileBefore, FileChange, Push, Signing, WriteError};

use crate::support::git_world::{World, belongings, git, git_bytes, hook};
use crate::support::skip::{Want, skipped};

const PIN: &[u8] = b"image: app@sha256:aa\n";

pub fn repo(dir: &Path) -> GitRepo {
    GitRepo::discover(dir).expect("found")
}

pub fn change(path: &str, was: FileBefore, bytes: &[u8]) -> FileChange {
    FileChange {
        path: path.to_owned(),
        was,
        to: FileAfter::Bytes(bytes.to_vec()),
    }
}

fn push<'a>(commit: &'a str, base: &'a str) -> Push<'a> {
    Push {
        remote: "origin",
        branch: "main",
        commit,
        expected: Expected::At(base),
    }
}

#[test]
fn one_file_changes_and_the_persons_own_things_stay_as_they_are() {
    let world = World::with(&[
        ("envs/prod/app.yaml", PIN),
        ("other.txt", b"x\n"),
        ("envs/dev/app.yaml", b"y\n"),
    ]);
    let dir = world.clone_as("work", &world.file_url(), &[]);
    // A person in the middle of something: staged, changed, untracked, on a branch of their own.
    git(&dir, &["checkout", "-q", "-b", "mine"]);
    std::fs::write(dir.join("other.txt"), "staged\n").expect("written");
    git(&dir, &["add", "other.txt"]);
    std::fs::write(dir.join("envs/prod/app.yaml"), "half a thought").expect("written");
    std::fs::write(dir.join("untracked"), "mine").expect("written");
    let before = belongings(&dir);

    let repo = repo(&dir);
    let base = world.head();
    let changes = [change(
        "envs/prod/app.yaml",
        FileBefore::Bytes(Digest::of(PIN)),
        b"image: app@sha256:bb\n",
    )];
    let first = repo
        .commit_on(&base, &changes, "Promote app\n\nTrailer: yes\n")
        .expect("commits");
    let changes = [change("pindeck-holds.toml", FileBefore::Absent, b"version = 1\n")];
    let second = repo.commit_on(&first, &changes, "Hold app\n").expect("commits on that");
    assert_eq!(world.head(), base, "nothing is pushed yet");
    let pushed = repo.push(push(&second, &base)).expect("lands");
    assert_eq!((pushed.refname.as_str(), pushed.already), ("refs/heads/main", false));

    assert_eq!(belongings(&dir), before);
    assert_eq!(world.head(), second);
    assert_eq!(
        git(&dir, &["rev-parse", "refs/remotes/origin/main"]),
        second,
        "as after any push"
    );
    assert_eq!(
        git(&world.remote, &["diff", "--name-status", &base, &second]),
        "M\tenvs/prod/app.yaml\nA\tpindeck-holds.toml"
    );
    assert_eq!(
        git_bytes(&world.remote, &["show", &format!("{first}:envs/prod/app.yaml")]),
        b"image: app@sha256:bb\n"
    );
    assert_eq!(
        git(&world.remote, &["rev-list", "--count", &format!("{base}..{second}")]),
        "2"
    );
    assert_eq!(
        git(&world.remote, &["log", "-1", "--format=%an <%ae>|%cn|%B", &first]),
        "Ada <ada@example.test>|Ada|Promote app\n\nTrailer: yes"
    );
    git(&world.remote, &["fsck", "--strict"]);
    assert!(repo.push(push(&second, &base)).expect("is there").already);
}

#[test]
fn bytes_land_as_they_are_whatever_filters_and_line_ends_are_configured() {
    let attributes = b"* text=auto eol=crlf\n*.yaml filter=evil ident\n";
    let world = World::with(&[(".gitattributes", attributes), ("a.yaml", b"$Id$\nv: 1\n")]);
    let dir = world.clone_as("work", &world.file_url(), &["--no-checkout"]);
    let trace = world.root.path().join("filter-ran");
    let evil = format!("touch {} && tr a-z A-Z", trace.display());
    git(&dir, &["config", "filter.evil.clean", &evil]);
    git(&dir, &["config", "filter.evil.smudge", &evil]);
    git(&dir, &["config", "filter.evil.required", "true"]);
    git(&dir, &["config", "core.autocrlf", "true"]);
    git(&dir, &["config", "core.safecrlf", "true"]);
    let repo = repo(&dir);
    let base = world.head();
    let odd = b"\xef\xbb\xbf$Id$\r\nmixed: yes\nv: 2\r\n\xff no newline at the end";
    let commit = repo
        .commit_on(
            &base,
            &[
                change("a.yaml", FileBefore::Unchecked, odd),
                change("dir/new.yaml", FileBefore::Absent, odd),
            ],
            "m\n",
        )
        .expect("commits");
    repo.push(push(&commit, &base)).expect("lands");
    for path in ["a.yaml", "dir/new.yaml"] {
        assert_eq!(
            git_bytes(&world.remote, &["cat-file", "blob", &format!("{commit}:{path}")]),
            odd
        );
    }
    // Reverting it runs none of them either.
    assert!(matches!(
        repo.revert(&commit, &commit).expect("merges"),
        pindeck::sources::git::RevertOutcome::Clean(_)
    ));
    assert!(!trace.exists());
}

#[test]
fn modes_stay_and_links_are_never_written_through() {
    let world = World::with(&[("run.sh", b"#!/bin/sh\n"), ("deep/er/a", b"1\n")]);
    let seed = world.root.path().join("seed");
    git(&seed, &["update-index", "--chmod=+x", "run.sh"]);
    std::os::unix::fs::symlink("run.sh", seed.join("link")).expect("linked");
    std::os::unix::fs::symlink("deep", seed.join("folder-link")).expect("linked");
    git(&seed, &["add", "link", "folder-link"]);
    git(&seed, &["commit", "-q", "-m", "modes"]);
    git(&seed, &["push", "-q", &world.file_url(), "HEAD:main"]);
    let dir = world.clone_as("work", &world.file_url(), &["--bare"]);
    let repo = repo(&dir);
    let base = world.head();
    let changes = [
        change("run.sh", FileBefore::Unchecked, b"#!/bin/sh\ntrue\n"),
        FileChange {
            path: "deep/er/a".to_owned(),
            was: FileBefore::Bytes(Digest::of(b"1\n")),
            to: FileAfter::Deleted,
        },
    ];
    let commit = repo.commit_on(&base, &changes, "m\n").expect("commits");
    let listed = git(&dir, &["ls-tree", "-r", "--format=%(objectmode) %(path)", &commit]);
    assert_eq!(
        listed, "120000 folder-link\n120000 link\n100755 run.sh",
        "an emptied folder goes"
    );
    for path in [
        "link",
        "folder-link/er/a",
        "folder-link",
        "run.sh/x",
        "../x",
        "/etc/x",
        "a//b",
        ".git/hooks/x",
        "a/.GIT/x",
        "",
        ".",
    ] {
        let refused = repo.commit_on(&base, &[change(path, FileBefore::Unchecked, b"x")], "m\n");
        assert!(matches!(refused, Err(WriteError::Path { .. })), "{path:?}: {refused:?}");
    }
    let oid = git(&dir, &["rev-parse", &format!("{base}:run.sh")]);
    for (was, path) in [
        (FileBefore::Bytes(Digest::of(b"else")), "run.sh"),
        (FileBefore::Absent, "run.sh"),
        (
            FileBefore::Blob(oid.replace(&oid[..1], if oid.starts_with('0') { "1" } else { "0" })),
            "run.sh",
        ),
        (FileBefore::Bytes(Digest::of(b"")), "not-there"),
        (FileBefore::Blob(oid.clone()), "not-there"),
    ] {
        let refused = repo.commit_on(&base, &[change(path, was, b"x")], "m\n");
        assert!(matches!(refused, Err(WriteError::Moved { .. })), "{refused:?}");
    }
    assert!(
        repo.commit_on(&base, &[change("run.sh", FileBefore::Blob(oid), b"x")], "m\n")
            .is_ok()
    );
    let same = repo.commit_on(&base, &[change("run.sh", FileBefore::Unchecked, b"#!/bin/sh\n")], "m\n");
    assert!(matches!(same, Err(WriteError::Empty)), "{same:?}");
    let twice = [
        change("a", FileBefore::Absent, b"1"),
        change("a", FileBefore::Absent, b"2"),
    ];
    assert!(matches!(
        repo.commit_on(&base, &twice, "m\n"),
        Err(WriteError::Path { .. })
    ));
}

#[test]
fn every_kind_of_clone_can_be_written_from() {
    let world = World::with(&[
        ("envs/prod/app.yaml", PIN),
        ("big/one.bin", &[7; 4096]),
        ("big/two.bin", &[8; 4096]),
    ]);
    let plain = world.clone_as("plain", &world.file_url(), &[]);
    git(&plain, &["worktree", "add", "-q", "../linked"]);
    let kinds = [
        ("bare", world.clone_as("bare", &world.file_url(), &["--bare"])),
        (
            "blobless",
            world.clone_as("blobless", &world.file_url(), &["--filter=blob:none", "--no-checkout"]),
        ),
        (
            "treeless",
            world.clone_as("treeless", &world.file_url(), &["--filter=tree:0", "--no-checkout"]),
        ),
        ("shallow", world.clone_as("shallow", &world.file_url(), &["--depth=1"])),
        ("sparse", world.clone_as("sparse", &world.file_url(), &["--sparse"])),
        (
            "shared",
            world.clone_as("shared", &world.remote.display().to_string(), &["--shared"]),
        ),
        ("linked", world.root.path().join("linked")),
    ];
    for (n, (kind, dir)) in kinds.iter().enumerate() {
        let repo = repo(dir);
        git(dir, &["fetch", "-q", "origin", "main:refs/remotes/origin/main"]);
        let base = world.head();
        let text = format!("image: app@sha256:{n:02}\n");
        let commit = repo
            .commit_on(
                &base,
                &[change("envs/prod/app.yaml", FileBefore::Unchecked, text.as_bytes())],
                "m\n",
            )
            .unwrap_or_else(|e| panic!("{kind}: {e}"));
        repo.push(push(&commit, &base))
            .unwrap_or_else(|e| panic!("{kind}: {e}"));
        assert_eq!(world.head(), commit, "{kind}");
        assert_eq!(
            git(&world.remote, &["diff", "--name-only", &base, &commit]),
            "envs/prod/app.yaml",
            "{kind}"
        );
    }
    // What a partial clone does not need for the write, it has not fetched.
    let missing = git(&kinds[1].1, &["rev-list", "--objects", "--missing=print", "HEAD"]);
    let blob = git(&world.remote, &["rev-parse", "main:big/one.bin"]);
    assert!(missing.contains(&format!("?{blob}")), "{missing}");
    git(&world.remote, &["fsck", "--strict"]);
}

#[test]
fn hooks_outside_the_tracked_tree_run_and_those_inside_never_do() {
    let world = World::with(&[("a", b"1\n")]);
    let dir = world.clone_as("work", &world.file_url(), &[]);
    let repo = repo(&dir);
    let log = world.root.path().join("log");
    let note = |name: &str| format!("echo {name} >> {}", log.display());
    let heard = || std::fs::read_to_string(&log).unwrap_or_default();
    let installed = dir.join(".git/hooks");
    hook(
        &installed,
        "commit-msg",
        &format!("{}; printf '\\nChange-Id: I1\\n' >> \"$1\"", note("commit-msg")),
    );
    hook(
        &installed,
        "pre-push",
        &format!("cat > /dev/null; {}", note("pre-push")),
    );
    hook(&installed, "pre-commit", &note("pre-commit"));
    hook(&installed, "post-commit", &note("post-commit"));
    let base = world.head();
    let commit = repo
        .commit_on(
            &base,
            &[change("a", FileBefore::Unchecked, b"2\n")],
            "Subject\n\nT: 1\n",
        )
        .expect("commits");
    repo.push(push(&commit, &base)).expect("lands");
    assert_eq!(heard(), "commit-msg\npre-push\n");
    assert_eq!(
        git(&dir, &["log", "-1", "--format=%B", &commit]),
        "Subject\n\nT: 1\n\nChange-Id: I1"
    );

    hook(
        &installed,
        "commit-msg",
        "echo 'no ticket in' >&2; head -1 \"$1\"; exit 3",
    );
    match repo.commit_on(&commit, &[change("a", FileBefore::Unchecked, b"3\n")], "Subject\n") {
        Err(WriteError::Hook {
            hook: "commit-msg",
            words,
        }) => assert_eq!(words.raw(), "no ticket in\nSubject"),
        other => panic!("{other:?}"),
    }
    hook(&installed, "commit-msg", ": > \"$1\"");
    assert!(matches!(
        repo.commit_on(&commit, &[change("a", FileBefore::Unchecked, b"3\n")], "Subject\n"),
        Err(WriteError::Hook { .. })
    ));

    // The same hooks, but tracked: relative, absolute, by a link, in another working tree.
    for name in ["commit-msg", "pre-push", "reference-transaction"] {
        hook(&dir.join("hooks"), name, &note(&format!("tracked-{name}")));
        hook(&installed, name, &note(&format!("installed-{name}")));
    }
    git(&dir, &["worktree", "add", "-q", "--detach", "../elsewhere"]);
    let elsewhere = world.root.path().join("elsewhere/hooks");
    for name in ["commit-msg", "pre-push"] {
        hook(&elsewhere, name, &note(&format!("elsewhere-{name}")));
    }
    let mut at = commit;
    for (n, path) in [
        "hooks".to_owned(),
        dir.join("hooks").display().to_string(),
        elsewhere.display().to_string(),
    ]
    .into_iter()
    .enumerate()
    {
        std::fs::remove_file(&log).expect("there");
        std::fs::write(&log, "").expect("written");
        git(&dir, &["config", "core.hooksPath", &path]);
        let next = repo
            .commit_on(
                &at,
                &[change("a", FileBefore::Unchecked, format!("h{n}\n").as_bytes())],
                "m\n",
            )
            .expect("commits");
        repo.push(push(&next, &at)).expect("lands");
        repo.fetch("origin").expect("fetches");
        assert_eq!(heard(), "", "{path}");
        assert!(
            repo.barred_hooks().expect("known").contains(&"pre-push".to_owned()),
            "{path}"
        );
        at = next;
    }
    git(&dir, &["config", "--unset", "core.hooksPath"]);
    std::fs::remove_file(installed.join("pre-push")).expect("there");
    std::os::unix::fs::symlink(dir.join("hooks/pre-push"), installed.join("pre-push")).expect("linked");
    std::fs::remove_file(installed.join("reference-transaction")).expect("there");
    let next = repo
        .commit_on(&at, &[change("a", FileBefore::Unchecked, b"link\n")], "m\n")
        .expect("commits");
    repo.push(push(&next, &at)).expect("lands");
    assert_eq!(
        heard(),
        "installed-commit-msg\n",
        "a link into the tree is barred, the file beside it is not"
    );
    assert_eq!(repo.barred_hooks().expect("known"), ["pre-push"]);
    // A folder outside runs.
    let outside = world.root.path().join("outside");
    hook(&outside, "pre-push", &format!("cat >/dev/null; {}", note("outside")));
    git(&dir, &["config", "core.hooksPath", &outside.display().to_string()]);
    let last = repo
        .commit_on(&next, &[change("a", FileBefore::Unchecked, b"out\n")], "m\n")
        .expect("commits");
    repo.push(push(&last, &next)).expect("lands");
    assert!(heard().ends_with("outside\n"));
}

#[test]
fn commits_are_signed_as_configured() {
    let world = World::with(&[("a", b"1\n")]);
    let dir = world.clone_as("work", &world.file_url(), &[]);
    let key = world.root.path().join("key");
    let made = std::process::Command::new("ssh-keygen")
        .args(["-q", "-t", "ed25519", "-N", "", "-C", "ada", "-f"])
        .arg(&key)
        .status();
    if !made.is_ok_and(|status| status.success()) {
        skipped(Want::Program, "no ssh-keygen");
        return;
    }
    let public = std::fs::read_to_string(key.with_extension("pub")).expect("there");
    let allowed = world.root.path().join("allowed");
    std::fs::write(&allowed, format!("ada@example.test {public}")).expect("written");
    for (name, value) in [
        ("commit.gpgSign", "true"),
        ("gpg.format", "ssh"),
        ("user.signingKey", &key.display().to_string()),
        ("gpg.ssh.allowedSignersFile", &allowed.display().to_string()),
    ] {
        git(&dir, &["config", name, value]);
    }
    let repo = repo(&dir);
    assert_eq!(repo.identity().expect("known").signing, Some(Signing::Ssh));
    let base = world.head();
    let commit = repo
        .commit_on(&base, &[change("a", FileBefore::Unchecked, b"2\n")], "m\n")
        .expect("commits");
    git(&dir, &["verify-commit", &commit]);
    git(&dir, &["config", "user.signingKey", "/nowhere/key"]);
    let refused = repo.commit_on(&base, &[change("a", FileBefore::Unchecked, b"3\n")], "m\n");
    assert!(matches!(refused, Err(WriteError::Signing { .. })), "{refused:?}");
    git(&dir, &["config", "commit.gpgSign", "perhaps"]);
    assert!(repo.identity().is_err(), "what cannot be read is not taken for no");
    git(&dir, &["config", "commit.gpgSign", "false"]);
    let unsigned = repo
        .commit_on(&base, &[change("a", FileBefore::Unchecked, b"3\n")], "m\n")
        .expect("commits");
    assert!(!git(&dir, &["cat-file", "commit", &unsigned]).contains("gpgsig"));
}

#[test]
fn openpgp_signs_too() {
    let world = World::with(&[("a", b"1\n")]);
    let dir = world.clone_as("work", &world.file_url(), &[]);
    let home = world.root.path().join("gnupg");
    hook(&home, "gpg", &format!("GNUPGHOME={} exec gpg \"$@\"", home.display()));
    {
        use std::os::unix::fs::PermissionsExt as _;
        std::fs::set_permissions(&home, std::fs::Permissions::from_mode(0o700)).expect("closed to others");
    }
    let program = home.join("gpg").display().to_string();
    let made = std::process::Command::new(&program)
        .args(["--batch", "--quiet", "--passphrase", "", "--pinentry-mode", "loopback"])
        .args([
            "--quick-generate-key",
            "Ada <ada@example.test>",
            "ed25519",
            "sign",
            "never",
        ])
        .output();
    if !made.is_ok_and(|out| out.status.success()) {
        skipped(Want::Program, "no gpg that makes keys here");
        return;
    }
    git(&dir, &["config", "gpg.program", &program]);
    git(&dir, &["config", "commit.gpgSign", "true"]);
    let repo = repo(&dir);
    assert_eq!(repo.identity().expect("known").signing, Some(Signing::OpenPgp));
    let base = world.head();
    let commit = repo
        .commit_on(&base, &[change("a", FileBefore::Unchecked, b"2\n")], "m\n")
        .expect("commits");
    git(&dir, &["verify-commit", &commit]);
    let _ = std::process::Command::new("gpgconf")
        .args(["--homedir", &home.display().to_string(), "--kill", "all"])
        .status();
}

#[test]
fn an_edit_is_committed_only_over_the_bytes_that_it_was_planned_on() {
    let text = |digest: char, comment: &str| {
        let digest = digest.to_string().repeat(64);
        format!("{comment}image: {{repository: r.example/app, digest: \"sha256:{digest}\"}}\n")
    };
    let planned_on = text('a', "");
    let world = World::with(&[("values.yaml", planned_on.as_bytes())]);
    let dir = world.clone_as("work", &world.file_url(), &[]);
    let repo = repo(&dir);
    let found = scan("values.yaml", planned_on.as_bytes()).found;
    let pin = NewPin {
        digest: Digest::of(b"new"),
        tag: TagChange::Keep,
    };
    let edit = || plan_edit("values.yaml", planned_on.as_bytes(), &[&found[0]], &pin).expect("an edit");
    repo.commit_on(&world.head(), &[edit().into_change("values.yaml")], "m\n")
        .expect("what it was planned on is there");
    // The pin is where it was and what it was; somebody else's line above it is new.
    let moved = change("values.yaml", FileBefore::Unchecked, text('a', "# mine\n").as_bytes());
    let other = repo.commit_on(&world.head(), &[moved], "m\n").expect("commits");
    match repo.commit_on(&other, &[edit().into_change("values.yaml")], "m\n") {
        Err(WriteError::Moved { path }) => assert_eq!(path, "values.yaml"),
        other => panic!("{other:?}"),
    }
}
