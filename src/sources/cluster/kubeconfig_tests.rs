use super::*;

const TWO_USERS: &str = r#"
apiVersion: v1
kind: Config
current-context: other
clusters:
- name: prod
  cluster:
    server: https://10.0.0.1:6443
    certificate-authority-data: QQ==
- cluster: {server: "http://127.0.0.1:8001", insecure-skip-tls-verify: true}
  name: local
contexts:
- context:
    cluster: prod
    user: viewer
    namespace: shop
  name: prod-viewer
- name: prod-admin
  context: {cluster: prod, user: admin}
- name: nobody
  context: {cluster: local}
- name: lost
  context: {cluster: gone, user: viewer}
users:
- name: viewer
  user:
    token: abc
- name: admin
  user:
    exec:
      apiVersion: client.authentication.k8s.io/v1
      command: ./login
      args: [--cluster, prod]
      env:
      - name: PROFILE
        value: "true"
      interactiveMode: IfAvailable
"#;

fn read(text: &str) -> Kubeconfig {
    let mut all = Kubeconfig::default();
    all.add(text, Path::new("/home/ada/.kube")).expect("a kubeconfig");
    all
}

#[test]
fn a_context_names_a_cluster_and_a_user() {
    let config = read(TWO_USERS);
    let viewer = config.account("prod-viewer").expect("a context");
    assert_eq!(viewer.server, "https://10.0.0.1:6443");
    assert_eq!(viewer.authority.as_deref(), Some(&b"A"[..]));
    assert_eq!(viewer.login.token.as_ref().map(|token| token.0.as_str()), Some("abc"));
    assert!(viewer.login.exec.is_none());
    let admin = config.account("prod-admin").expect("a context");
    assert!(admin.login.exec.is_some() && admin.login.token.is_none());
    let nobody = config.account("nobody").expect("a context");
    assert!(nobody.skips_verification && nobody.login.token.is_none());
    assert_eq!(
        config.account("lost").expect_err("no cluster"),
        "there is no cluster \"gone\""
    );
    // The current context is nobody's choice here: only a name counts.
    assert_eq!(
        config.account("other").expect_err("no context"),
        "there is no context \"other\""
    );
}

#[test]
fn of_two_entries_with_one_name_the_first_counts() {
    let mut all = Kubeconfig::default();
    all.add(TWO_USERS, Path::new("/a")).expect("a kubeconfig");
    let second = "clusters: [{name: prod, cluster: {server: 'https://evil.example'}}]\nusers: [{name: viewer, user: {token: evil}}]\ncontexts: [{name: more, context: {cluster: prod, user: viewer}}]";
    all.add(second, Path::new("/b")).expect("a kubeconfig");
    let account = all.account("more").expect("a context");
    assert_eq!(account.server, "https://10.0.0.1:6443");
    assert_eq!(account.login.token.map(|token| token.0).as_deref(), Some("abc"));
}

#[test]
fn what_is_not_handled_is_refused_by_name() {
    for (cluster, user, words) in [
        ("server: https://a, tls-server-name: b", "token: t", "`tls-server-name`"),
        ("server: https://a", "auth-provider: {name: oidc}", "`auth-provider`"),
        ("server: https://a", "token: t, as: admin", "`as`"),
        ("server: https://a", "client-certificate-data: QQ==", "belong together"),
        (
            "server: https://a, certificate-authority: missing.pem",
            "token: t",
            "missing.pem",
        ),
        (
            "server: https://a, certificate-authority-data: '%'",
            "token: t",
            "base64",
        ),
    ] {
        let text = format!(
            "clusters: [{{name: c, cluster: {{{cluster}}}}}]\nusers: [{{name: u, user: {{{user}}}}}]\ncontexts: [{{name: x, context: {{cluster: c, user: u}}}}]"
        );
        let error = read(&text).account("x").expect_err(words);
        assert!(error.contains(words), "{error}");
    }
    for text in [
        "- a",
        "a: [",
        "clusters: 7",
        "clusters: [{name: c, cluster: {}}]",
        "? [a]\n: b",
        "\"\u{0}\"",
    ] {
        let mut all = Kubeconfig::default();
        assert!(all.add(text, Path::new("/")).is_err(), "{text:?}");
    }
    let mut empty = Kubeconfig::default();
    assert_eq!(empty.add("", Path::new("/")), Ok(()));
}

#[test]
fn no_secret_reaches_a_log() {
    let text = "clusters: [{name: c, cluster: {server: 'https://a'}}]\nusers: [{name: u, user: {token: TOPSECRET, username: ada, password: TOPSECRET, client-certificate-data: VE9QU0VDUkVU, client-key-data: VE9QU0VDUkVU}}]\ncontexts: [{name: x, context: {cluster: c, user: u}}]";
    let account = read(text).account("x").expect("a context");
    assert!(!format!("{account:?}").contains("TOPSECRET"), "{account:?}");
}
