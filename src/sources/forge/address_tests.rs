use super::*;

fn own() -> ForgeSettings {
    ForgeSettings::default()
}

fn of_repository(settings: ForgeSettings) -> ForgeSettings {
    ForgeSettings {
        by_repository: true,
        ..settings
    }
}

#[test]
fn a_remote_says_which_forge_it_is_where_everybody_knows() {
    for (url, wanted) in [
        ("https://github.com/o/r.git", Some(("https://api.github.com", "o/r"))),
        ("git@github.com:o/r.git", Some(("https://api.github.com", "o/r"))),
        (
            "ssh://git@ssh.github.com:443/o/r",
            Some(("https://api.github.com", "o/r")),
        ),
        (
            "https://x:secret@github.com/o/r/",
            Some(("https://api.github.com", "o/r")),
        ),
        (
            "https://gitlab.com/a/b/c.git",
            Some(("https://gitlab.com/api/v4", "a/b/c")),
        ),
        ("git@codeberg.org:o/r.git", Some(("https://codeberg.org/api/v1", "o/r"))),
        // Whose make nobody said is not guessed.
        ("https://git.example/o/r.git", None),
        ("https://github.com/o", None),
        ("https://github.com/o/r/x", None),
        ("https://github.com/o/..", None),
        ("https://github.com/o/r?x=1", None),
        ("/srv/git/repo.git", None),
        ("file:///srv/git/repo.git", None),
        ("C:/repo", None),
        ("", None),
    ] {
        let found = ForgeAddress::of(None, Some(url), &[]);
        let found = found
            .as_ref()
            .map(|found| (found.api.as_str(), found.repository.as_str()));
        assert_eq!(found, wanted, "{url}");
    }
}

#[test]
fn what_is_configured_goes_before_the_remote() {
    let settings = ForgeSettings {
        kind: Some(ForgeKind::Gitea),
        host: Some("http://127.0.0.1:3000".to_owned()),
        repository: Some("o/r".to_owned()),
        ..own()
    };
    let found = ForgeAddress::of(Some(&settings), Some("/srv/git/repo.git"), &[]).expect("a forge");
    assert_eq!(found.api, "http://127.0.0.1:3000/api/v1");
    let kind = |kind, host: &str| ForgeSettings {
        kind: Some(kind),
        host: Some(host.to_owned()),
        ..own()
    };
    let url = Some("git@git.example:o/r.git");
    for (settings, api) in [
        (
            kind(ForgeKind::Github, "git.example"),
            Some("https://git.example/api/v3"),
        ),
        (
            kind(ForgeKind::Github, "acme.ghe.com"),
            Some("https://api.acme.ghe.com"),
        ),
        (
            kind(ForgeKind::Gitlab, "https://git.example/gitlab/"),
            Some("https://git.example/gitlab/api/v4"),
        ),
        (
            kind(ForgeKind::Forgejo, "https://git.example/api/v1"),
            Some("https://git.example/api/v1"),
        ),
        // Without TLS, only this machine.
        (kind(ForgeKind::Forgejo, "http://git.example"), None),
    ] {
        let found = ForgeAddress::of(Some(&settings), url, &[]).map(|found| found.api);
        assert_eq!(found.as_deref(), api, "{settings:?}");
    }
    let none = ForgeSettings { is_none: true, ..own() };
    assert_eq!(ForgeAddress::of(Some(&none), Some("git@github.com:o/r"), &[]), None);
}

/// A repository's own file never decides who gets a token, whatever it says.
#[test]
fn a_repositorys_file_permits_no_token() {
    let may = |settings: Option<&ForgeSettings>, url: &str, approved: &[&str]| {
        let approved: Vec<String> = approved.iter().map(|host| (*host).to_owned()).collect();
        ForgeAddress::of(settings, Some(url), &approved)
            .expect("a forge")
            .may_send_token
    };
    let (github, evil) = ("git@github.com:o/r", "https://evil.example/o/r");
    let named = |kind, host: &str| {
        of_repository(ForgeSettings {
            kind: Some(kind),
            host: Some(host.to_owned()),
            ..own()
        })
    };
    let kind = of_repository(ForgeSettings {
        kind: Some(ForgeKind::Github),
        ..own()
    });
    // The clone's own remote, at a host whose make everybody knows.
    assert!(may(None, github, &[]) && may(Some(&kind), github, &[]));
    // Another host, which the repository calls a GitHub.
    assert!(!may(Some(&kind), evil, &[]));
    assert!(may(Some(&kind), evil, &["evil.example"]), "approved by name");
    // The repository's file names the host, even a good one: as with registries, only an approval counts.
    for host in ["evil.example", "github.com", "https://evil.example"] {
        assert!(
            !may(Some(&named(ForgeKind::Github, host)), github, &["other.example"]),
            "{host}"
        );
        assert!(may(Some(&named(ForgeKind::Github, host)), github, &[host]), "{host}");
    }
    // A well-known host that the file calls by another make.
    let gitlab = of_repository(ForgeSettings {
        kind: Some(ForgeKind::Gitlab),
        ..own()
    });
    assert!(!may(Some(&gitlab), github, &[]));
    // The person's own file is the person's word.
    let mine = ForgeSettings {
        kind: Some(ForgeKind::Github),
        host: Some("git.example".to_owned()),
        ..own()
    };
    assert!(may(Some(&mine), github, &[]));
}

#[test]
fn a_link_leads_to_the_forge_itself_or_nowhere() {
    let forge = ForgeAddress::of(None, Some("git@gitlab.com:o/r"), &[]).expect("a forge");
    for (link, fine) in [
        ("https://gitlab.com/o/r/-/merge_requests/1", true),
        ("http://gitlab.com/o/r", false),
        ("https://gitlab.com.evil.example/o/r", false),
        ("https://gitlab.com@evil.example/o/r", false),
        ("https://user@gitlab.com/o/r", false),
        ("https://gitlab.com:8443/o/r", false),
        ("HTTPS://GITLAB.COM/o/r", false),
        ("https:/gitlab.com/o/r", false),
        ("https:\\\\gitlab.com\\o", false),
        ("https://gitlab.com?o=r", false),
        ("https://gitlab.com/o/r\u{1b}[31m", false),
        ("javascript:alert(1)", false),
        ("", false),
    ] {
        assert_eq!(forge.is_own(link), fine, "{link}");
    }
}
