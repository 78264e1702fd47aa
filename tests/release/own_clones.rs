//! Clones that pindeck makes for itself: the person's own configuration of git counts there as it does in their clone.

use pindeck::domain::recovery::WriteStep;
use pindeck::engine::journal::JournalMoment;

use super::two_pushes::{crash, resume};
use crate::support::git_world::hook;
use crate::support::repositories::{
    PRODUCTION, at_production, digest_in, in_repositories, pindeck, production, promoted, told,
};
use crate::support::stage::{path, promote};

/// Settings that git writes into every new clone, and an identity that counts for one folder.
#[tokio::test(flavor = "multi_thread")]
async fn the_settings_of_the_person_count_and_are_no_change() {
    let Some(stage) = in_repositories().await else { return };
    let work = stage.home.path().join("work.gitconfig");
    std::fs::write(&work, "[user]\n\tname = Wanda Work\n\temail = wanda@work.example\n").expect("written");
    let text = format!(
        "[user]\n\tname = Wanda Private\n\temail = wanda@home.example\n[branch]\n\tautoSetupRebase = always\n\
         [includeIf \"gitdir:{}/\"]\n\tpath = {}\n",
        path(&stage.clone),
        path(&work)
    );
    std::fs::write(stage.home.path().join(".gitconfig"), text).expect("written");
    for key in ["user.name", "user.email"] {
        let clone = path(&stage.clone);
        let _ = std::process::Command::new("git")
            .args(["-C", clone, "config", "--local", "--unset-all", key])
            .status();
    }
    for _ in 0..2 {
        let seen = pindeck(&stage, false, &["status"]).await;
        assert_eq!(seen.status.code(), Some(0), "{}", String::from_utf8_lossy(&seen.stderr));
    }
    let promote = ["promote", "payments", "--to", "production", "--yes"];
    let done = pindeck(&stage, false, &promote).await;
    assert_eq!(done.status.code(), Some(0), "{}", String::from_utf8_lossy(&done.stderr));
    let author = at_production(&stage, ["log", "-1", "--format=%an <%ae> %cn", "main"]);
    assert_eq!(author, "Wanda Work <wanda@work.example> Wanda Work");
}

/// A name of a folder is whatever people call their folders.
#[tokio::test(flavor = "multi_thread")]
async fn a_write_in_a_folder_with_blanks_in_its_name_is_resumed() {
    let Some(stage) = in_repositories().await else { return };
    let folder = stage.home.path().join("my own production.git");
    std::fs::rename(production(&stage), &folder).expect("moved");
    // A working tree, which is read where it is.
    let theirs = stage.home.path().join("my own production");
    let cloned = std::process::Command::new("git")
        .args(["clone", "-q", path(&folder), path(&theirs)])
        .status();
    assert!(cloned.expect("git").success());
    for (key, value) in [("user.name", "Bea"), ("user.email", "bea@example.com")] {
        let set = std::process::Command::new("git")
            .args(["-C", path(&theirs), "config", key, value])
            .status();
        assert!(set.expect("git").success());
    }
    std::os::unix::fs::symlink(&theirs, stage.home.path().join("mine")).expect("linked");
    stage.edit_policy(|text| text.replace("../production.git", "../mine"));
    std::os::unix::fs::symlink(&folder, production(&stage)).expect("linked");
    let engine = stage.engine();
    let (old, new) = promoted(&stage, &engine).await;
    drop(engine);
    crash(&stage, &old.to_string(), WriteStep::HoldPushed, JournalMoment::After);
    let engine = stage.engine();
    let left = engine.left_behind().await.expect("readable");
    assert_eq!(left.len(), 1);
    assert!(
        left[0].says.ends_with("the hold is pushed, the pin is not"),
        "{}",
        left[0].says
    );
    assert_eq!(
        digest_in(&at_production(&stage, ["show", &format!("main:{PRODUCTION}")])),
        new
    );
    resume(&engine, &left[0].id).await.expect("finished");
    assert_eq!(
        digest_in(&at_production(&stage, ["show", &format!("main:{PRODUCTION}")])),
        old
    );
}

/// A folder whose own repository is damaged is not the repository around it.
#[tokio::test(flavor = "multi_thread")]
async fn a_damaged_folder_is_not_the_repository_around_it() {
    let Some(stage) = in_repositories().await else { return };
    let inside = stage.home.path().join("around/production");
    std::fs::create_dir_all(inside.join(".git")).expect("made");
    let around = stage.home.path().join("around");
    let cloned = std::process::Command::new("git")
        .args([
            "clone",
            "-q",
            path(&production(&stage)),
            path(&stage.home.path().join("other")),
        ])
        .status();
    assert!(cloned.expect("git").success());
    std::fs::rename(stage.home.path().join("other/.git"), around.join(".git")).expect("moved");
    stage.edit_policy(|text| text.replace("../production.git", "../around/production"));
    let board = stage.engine().board().await.expect("a board");
    let why = board.unreachable().expect("not read");
    assert!(why.contains("around/production"), "{why}");
}

/// The cache is a place where other programs write, too, and a build may bring one along: what git would run is not
/// believed there.
#[tokio::test(flavor = "multi_thread")]
async fn a_clone_that_another_program_changed_is_not_used() {
    let Some(stage) = in_repositories().await else { return };
    let expected = told(&stage.engine()).await;
    let clones = std::fs::read_dir(stage.home.path().join("cache/repositories")).expect("clones");
    let mut folders = clones.flatten().map(|one| one.path()).filter(|one| one.is_dir());
    let clone = folders.next().expect("one");
    let config = std::fs::read_to_string(clone.join(".git/config")).expect("readable");
    let ran = stage.home.path().join("ran");
    for change in [
        format!("[core]\n\tsshCommand = touch {}\n", path(&ran)),
        format!("[remote \"origin\"]\n\tpushurl = {}\n", path(&stage.remote)),
        format!("[include]\n\tpath = {}\n", path(&ran)),
        "[branch \"main\"]\n\tremote = elsewhere\n".to_owned(),
        "[branch \"main\"]\n\tmerge = refs/remotes/origin/main\n".to_owned(),
        "[remote \"origin\"]\n\tfetch = +refs/heads/*:refs/remotes/origin/*\n".to_owned(),
    ] {
        std::fs::write(clone.join(".git/config"), format!("{config}{change}")).expect("written");
        let engine = stage.engine();
        let board = engine.board().await.expect("a board");
        let why = board.unreachable().expect("not read");
        assert!(why.contains("was changed by another program"), "{change}: {why}");
        let refused = engine
            .plan(promote(&["payments"], "production"))
            .await
            .expect_err(&change);
        assert!(
            refused.what().raw().contains("was changed by another program"),
            "{refused:?}"
        );
    }
    // What git reads beside the configuration, and a configuration that leaves it to that.
    let of_git = clone.join(".git");
    std::fs::create_dir_all(of_git.join("info")).expect("made");
    for (file, text) in [
        ("remotes/origin", format!("URL: {}\n", path(&stage.remote))),
        ("branches/origin", format!("{}\n", path(&stage.remote))),
        ("info/grafts", String::new()),
        (
            "objects/info/alternates",
            format!("{}\n", path(&stage.remote.join("objects"))),
        ),
    ] {
        std::fs::write(of_git.join("config"), &config).expect("written");
        let file = of_git.join(file);
        std::fs::create_dir_all(file.parent().expect("a folder")).expect("made");
        std::fs::write(&file, text).expect("written");
        let why = stage.engine().board().await.expect("a board").unreachable();
        let why = why.expect("not read");
        assert!(
            why.contains("was changed by another program"),
            "{}: {why}",
            file.display()
        );
        std::fs::remove_file(&file).expect("gone");
        for folder in ["remotes", "branches"] {
            let _ = std::fs::remove_dir(of_git.join(folder));
        }
    }
    let without = config
        .lines()
        .filter(|line| !line.contains("url ="))
        .collect::<Vec<_>>()
        .join("\n");
    std::fs::write(of_git.join("config"), without).expect("written");
    let why = stage.engine().board().await.expect("a board").unreachable();
    assert!(why.expect("not read").contains("remote.origin"));
    std::fs::write(of_git.join("config"), config).expect("written");
    hook(&clone.join(".git/hooks"), "pre-push", &format!("touch {}", path(&ran)));
    let refused = stage
        .engine()
        .plan(promote(&["payments"], "production"))
        .await
        .expect_err("a hook");
    assert!(refused.what().raw().contains("a hook"), "{refused:?}");
    assert!(!ran.exists(), "nothing of it ran");
    std::fs::remove_dir_all(&clone).expect("gone");
    assert_eq!(told(&stage.engine()).await, expected, "cloned again");
}
