//! Pushes that ask for a pull request along with them, to real bare repositories: what the remote is told, what
//! happens where it takes no options, and that nothing is lost.

use pindeck::sources::git::write::{Expected, Proposing, Push};

use crate::support::git_http::GitHttp;
use crate::support::git_world::{World, commit, git, hook, repo};

const BRANCH: &str = "pindeck/promote-app-production-20261130T101500Z";

/// Writes down each run and every option that came with it, as they came.
const NOTE: &str = "echo run >> \"$GIT_DIR/heard\"; i=0; while [ $i -lt ${GIT_PUSH_OPTION_COUNT:-0} ]; do eval printf \"'%s\\\\n'\" \\\"\\$GIT_PUSH_OPTION_$i\\\" >> \"$GIT_DIR/heard\"; i=$((i+1)); done; cat > /dev/null";

fn options() -> Vec<String> {
    [
        "merge_request.create",
        "merge_request.target=main",
        "merge_request.title=Promote app to production; $(touch x) `id` \"quoted\" 'too' é",
        "merge_request.description=app in production: sha256:0 -> sha256:1",
        "merge_request.remove_source_branch",
    ]
    .map(str::to_owned)
    .to_vec()
}

fn heard(world: &World) -> String {
    std::fs::read_to_string(world.remote.join("heard")).unwrap_or_default()
}

fn both(world: &World) -> [(&'static str, String); 2] {
    let server = GitHttp::serve(world.root.path());
    [("file", world.file_url()), ("http", server.url("remote.git"))]
}

#[test]
fn the_options_travel_with_the_push_to_the_letter() {
    let world = World::with(&[("a", b"1\n")]);
    git(&world.remote, &["config", "receive.advertisePushOptions", "true"]);
    world.remote_hook("pre-receive", NOTE);
    world.remote_hook(
        "post-receive",
        "echo; echo 'View merge request for pindeck/x:'; echo '  https://forge.example/o/r/-/merge_requests/41'",
    );
    for (kind, url) in both(&world) {
        let repo = repo(&world.clone_as(&format!("work-{kind}"), &url, &[]));
        let next = commit(&repo, &world.head(), "a", &format!("2 {kind}\n"));
        let branch = format!("{BRANCH}-{kind}");
        let push = Push {
            remote: "origin",
            branch: &branch,
            commit: &next,
            expected: Expected::Absent,
        };
        let mut asked = options();
        // Git refuses an option of several lines, and everything with it: it stays behind.
        asked.push("merge_request.label=a\nb".to_owned());
        let how = Proposing {
            options: &asked,
            review_for: None,
        };
        let done = repo.propose(push, how).expect("lands");
        assert!(done.took_options, "{kind}");
        assert_eq!(done.pushed.refname, format!("refs/heads/{branch}"));
        assert_eq!(
            done.pushed.url.as_deref(),
            Some("https://forge.example/o/r/-/merge_requests/41")
        );
        assert_eq!(heard(&world), format!("run\n{}\n", options().join("\n")), "{kind}");
        assert_eq!(
            git(&world.remote, &["rev-parse", &format!("refs/heads/{branch}")]),
            next
        );
        std::fs::remove_file(world.remote.join("heard")).expect("there");
        // What is there already is sent nothing, so nobody is asked twice.
        let again = repo.propose(push, how).expect("the same again");
        assert!(again.pushed.already && !again.took_options);
        assert_eq!(heard(&world), "");
    }
}

#[test]
fn a_remote_without_push_options_gets_the_branch_once_and_loses_nothing() {
    let world = World::with(&[("a", b"1\n")]);
    world.remote_hook("pre-receive", NOTE);
    for (kind, url) in both(&world) {
        let repo = repo(&world.clone_as(&format!("work-{kind}"), &url, &[]));
        for (at, review_for) in [None, Some("main")].into_iter().enumerate() {
            let next = commit(&repo, &world.head(), "a", &format!("2 {kind} {at}\n"));
            let branch = format!("{BRANCH}-{kind}-{at}");
            let push = Push {
                remote: "origin",
                branch: &branch,
                commit: &next,
                expected: Expected::Absent,
            };
            let how = Proposing {
                options: &options(),
                review_for,
            };
            let done = repo.propose(push, how).expect("lands");
            assert!(!done.took_options && !done.pushed.already, "{kind}");
            assert_eq!(done.pushed.refname, format!("refs/heads/{branch}"));
            // The remote saw one push: the first sent it nothing.
            assert_eq!(heard(&world), "run\n", "{kind}");
            std::fs::remove_file(world.remote.join("heard")).expect("there");
            let refs = git(
                &world.remote,
                &[
                    "for-each-ref",
                    "--format=%(objectname) %(refname)",
                    "refs/heads/pindeck",
                ],
            );
            assert!(refs.contains(&format!("{next} refs/heads/{branch}")), "{kind}: {refs}");
            assert_eq!(
                git(&world.remote, &["for-each-ref", "refs/for"]),
                "",
                "no ref of that name is made"
            );
        }
    }
}

#[test]
fn a_hook_that_refuses_is_a_refusal_with_options_too() {
    let world = World::with(&[("a", b"1\n")]);
    git(&world.remote, &["config", "receive.advertisePushOptions", "true"]);
    world.remote_hook(
        "pre-receive",
        "echo 'fatal: the receiving end does not support push options' >&2; exit 1",
    );
    let repo = repo(&world.clone_as("work", &world.file_url(), &[]));
    let next = commit(&repo, &world.head(), "a", "2\n");
    let push = Push {
        remote: "origin",
        branch: BRANCH,
        commit: &next,
        expected: Expected::Absent,
    };
    let how = Proposing {
        options: &options(),
        review_for: None,
    };
    let refused = repo.propose(push, how).expect_err("refused");
    assert!(refused.is_certain(), "{refused:?}");
    assert_eq!(
        refused.kind(),
        pindeck::domain::failure::FailureKind::RemoteRefused,
        "the remote's words are not git's: {refused:?}"
    );
    assert_eq!(git(&world.remote, &["for-each-ref", "refs/heads/pindeck"]), "");
}

/// Answers a push for review as Forgejo and Gitea do: the change becomes a ref of the forge's own (`gitprotocol-pack`,
/// `githooks`: proc-receive).
const REVIEW: &str = r#"
read_line() { len=$(dd bs=1 count=4 2>/dev/null); [ "$len" != 0000 ] || return 1; text=$(dd bs=1 count=$((0x$len - 4)) 2>/dev/null | tr -d '\000'); }
write_line() { printf '%04x%s\n' $((${#1} + 5)) "$1"; }
while read_line; do :; done
printf '001aversion=1\000push-options0000'
while read_line; do command=$text; done
while read_line; do printf '%s\n' "$text" >> "$GIT_DIR/heard"; done
set -- $command
git update-ref refs/pull/7/head "$2"
write_line "ok $3"
write_line 'option refname refs/pull/7/head'
printf 0000
"#;

#[test]
fn a_change_for_review_becomes_the_forges_own_ref_and_is_found_again() {
    let world = World::with(&[("a", b"1\n")]);
    git(&world.remote, &["config", "receive.advertisePushOptions", "true"]);
    git(&world.remote, &["config", "receive.procReceiveRefs", "refs/for"]);
    hook(&world.remote.join("hooks"), "proc-receive", REVIEW);
    world.remote_hook(
        "post-receive",
        "echo 'Visit the existing pull request:'; echo '  https://forge.example/o/r/pulls/7'",
    );
    let dir = world.clone_as("work", &world.file_url(), &[]);
    let repo = repo(&dir);
    let next = commit(&repo, &world.head(), "a", "2\n");
    let push = Push {
        remote: "origin",
        branch: BRANCH,
        commit: &next,
        expected: Expected::Absent,
    };
    assert!(!repo.landed("origin", BRANCH, &next).expect("asked"));
    let options = [format!("topic={BRANCH}"), "title=Promote app to production".to_owned()];
    let how = Proposing {
        options: &options,
        review_for: Some("main"),
    };
    let done = repo.propose(push, how).expect("lands");
    assert!(done.took_options);
    assert_eq!(done.pushed.refname, "refs/for/main");
    assert_eq!(done.pushed.url.as_deref(), Some("https://forge.example/o/r/pulls/7"));
    assert_eq!(heard(&world), format!("{}\n", options.join("\n")));
    assert_eq!(git(&world.remote, &["rev-parse", "refs/pull/7/head"]), next);
    assert_eq!(
        git(&world.remote, &["for-each-ref", "refs/heads/pindeck", "refs/for"]),
        ""
    );
    // There is no branch by which it could be found: the commit tells, and a ref of our own keeps it.
    assert!(repo.landed("origin", BRANCH, &next).expect("asked"));
    assert_eq!(
        git(&dir, &["rev-parse", &format!("refs/pindeck/reviews/{BRANCH}")]),
        next
    );
}
