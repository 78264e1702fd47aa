use super::tests::{board, cell, now};
use super::*;
use crate::domain::board::{EnvironmentOrigin, Fetch, RepositoryInfo};

#[test]
fn what_lies_in_a_repository_that_cannot_be_read_is_not_cleared() {
    let by_tag = cell("dev", None);
    let before = detect(&board(vec![by_tag]), now());
    assert!(!before.is_empty());
    let mut unread = board(Vec::new());
    let mut after = detect(&unread, now());
    carry_over(&before, &unread, &mut after);
    assert_eq!(after, [], "git says that nothing is pinned there");
    let origin = EnvironmentOrigin {
        repository: Some("https://git.example/dev".to_owned()),
        branch: None,
        commit: None,
        fetch: Fetch::NotAsked,
        unread: Some(crate::domain::Failure::unreachable("timeout")),
    };
    unread.repository = Some(RepositoryInfo {
        path: "/gitops".to_owned(),
        branch: "main".to_owned(),
        commit: "a".repeat(40),
        remote: None,
        ahead: 0,
        behind: 0,
        dirty: false,
        elsewhere: [("dev".into(), origin)].into(),
        fetch: Fetch::NotAsked,
    });
    let mut after = detect(&unread, now());
    carry_over(&before, &unread, &mut after);
    assert_eq!(after, before);
}
