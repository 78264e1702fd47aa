//! Clones that pindeck makes for itself: the person's own configuration of git counts there as it does in their clone.

use pindeck::domain::recovery::WriteStep;
use pindeck::engine::journal::JournalMoment;

use super::two_pushes::{crash, resume};
use crate::support::repositories::{
    PRODUCTION, at_production, digest_in, in_repositories, pindeck, production, promoted,
};
use crate::support::stage::path;

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
