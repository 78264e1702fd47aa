//! pindeck and a real kube-apiserver (`tests/peers/install kube`): what tests/data/cluster answers and what the server
//! answers come to the same, and the server itself writes down what it was asked.

use std::collections::BTreeSet;
use std::path::Path;
use std::time::Duration;

use pindeck::domain::Digest;
use pindeck::domain::failure::FailureKind;
use pindeck::domain::running::observation::NamespaceSeen;
use pindeck::sources::cluster::{ClusterClient, ClusterLimits, Kubeconfig, see, see_reconcilers};
use serde_json::{Value, json};

use self::answers::{Bent, Proxy, Replay};
use crate::support::api_requests::named;
use crate::support::fake::{Fake, IMAGE, Ways};
use crate::support::kube_server::KubeServer;
use crate::support::peer::{Answer, git, run};
use crate::support::server::Server;

mod answers;

const POLICY: &str = "version = 1
[[clusters]]
name = \"eu\"
reconcilers = [\"argocd-live\"]
[[environments]]
name = \"prod\"
paths = [\"prod/**\"]
running = [{ cluster = \"eu\", namespaces = [\"live\"] }]
[[environments]]
name = \"down\"
paths = [\"down/**\"]
running = [{ cluster = \"eu\", namespaces = [\"shop-down\"] }]
[[environments]]
name = \"closed\"
paths = [\"closed/**\"]
running = [{ cluster = \"eu\", namespaces = [\"closed\"] }]
";

/// An image that no registry has.
fn nowhere() -> String {
    format!("127.0.0.1:1/shop/api@sha256:{}", "a".repeat(64))
}

fn config(name: &str) -> String {
    json!({ "author": name }).to_string()
}

/// An image with a configuration of its own.
fn image(fake: &Fake, repository: &str, name: &str) -> Digest {
    let (config, layer) = (fake.blob(repository, config(name)), fake.blob(repository, name));
    let text = json!({
        "schemaVersion": 2, "mediaType": IMAGE,
        "config": { "mediaType": "application/vnd.oci.image.config.v1+json", "digest": config, "size": 13 + name.len() },
        "layers": [{ "mediaType": "application/vnd.oci.image.layer.v1.tar", "digest": layer, "size": name.len() }],
    });
    fake.manifest(repository, IMAGE, text.to_string())
}

fn deployment(kind: &str, name: &str, image: &str) -> String {
    format!(
        "apiVersion: apps/v1\nkind: {kind}\nmetadata:\n  name: {name}\nspec:\n  template:\n    spec:\n      containers:\n        - name: {name}\n          image: {image}\n"
    )
}

/// A repository that pins `web` and `ledger` in production, and what nobody has in the other environments; its commit.
fn repository(home: &Path, name: &str, web: &str, ledger: &str) -> String {
    for (file, text) in [
        ("pindeck.toml", POLICY.to_owned()),
        ("prod/web.yaml", deployment("Deployment", "web", web)),
        ("prod/ledger.yaml", deployment("StatefulSet", "ledger", ledger)),
        ("down/api.yaml", deployment("Deployment", "api", &nowhere())),
        ("closed/api.yaml", deployment("Deployment", "api", &nowhere())),
    ] {
        let file = home.join(name).join(file);
        std::fs::create_dir_all(file.parent().expect("a folder")).expect("a folder");
        std::fs::write(file, text).expect("written");
    }
    git(home, ["init", "-q", "-b", "main", name]);
    git(home, ["-C", name, "add", "-A"]);
    git(home, ["-C", name, "commit", "-q", "-m", "first"]);
    git(home, ["-C", name, "rev-parse", "HEAD"]).trim().to_owned()
}

/// Runs pindeck in one of the repositories; the kubeconfig is the server's.
fn pindeck(home: &Path, repository: &str, args: &[&str]) -> Answer {
    let config = format!("PINDECK_CONFIG={}", home.join("mine.toml").display());
    let kubeconfig = format!("KUBECONFIG={}", home.join("kubeconfig").display());
    let folder = home.join(repository);
    let fixed = [
        config.as_str(),
        kubeconfig.as_str(),
        env!("CARGO_BIN_EXE_pindeck"),
        "-C",
    ];
    let folder = folder.to_str().expect("a path");
    let all = fixed.into_iter().chain([folder]).chain(args.iter().copied());
    run(Path::new("env"), home, all)
}

/// What runs of the pin of a service in an environment.
fn running(home: &Path, repository: &str, service: &str, environment: &str) -> Value {
    let said = pindeck(home, repository, &["running", service, "--env", environment, "--json"]);
    let document: Value = serde_json::from_str(&said.stdout).unwrap_or_else(|e| panic!("{e}: {said:?}"));
    let running = &document["services"][0]["pins"][0]["running"];
    assert!(running.is_object(), "{service} in {environment}: {said:?}");
    running.clone()
}

#[test]
fn a_real_server_and_what_was_recorded_come_to_the_same() {
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()
        .expect("a runtime");
    // A registry for what really has to be compared: the good image and the bad one are two images.
    let fake = Fake::new(Ways::default());
    let web = ["good", "bad"].map(|name| image(&fake, "shop/web", name));
    let ledger = image(&fake, "shop/ledger", "bad");
    let registry = runtime.block_on(Server::start(move |seen| fake.answer(seen)));
    let shop = registry.repository("shop/web").to_string();
    let shop = shop.strip_suffix("/web").expect("its name").to_owned();
    let home = tempfile::tempdir().expect("a folder");
    let home = home.path();
    let [good, bad] = web.map(|digest| format!("{shop}/web@{digest}"));
    let commit = repository(home, "gitops", &bad, &format!("{shop}/ledger@{ledger}"));
    repository(home, "before", &good, &format!("{shop}/ledger@{ledger}"));
    std::fs::write(home.join("mine.toml"), "[clusters.eu]\ncontext = \"viewer\"\n").expect("written");
    let roles = pindeck(home, "gitops", &["config", "rbac"]).expect("the roles").stdout;
    // Nobody gives `viewer` anything in `closed`. What the recorded answers are about is not in the team's file.
    let closed = roles.split("---").filter(|one| !one.contains("namespace: \"closed\""));
    let roles = closed.collect::<Vec<_>>().join("---");
    let also = |live: &str, reconcilers: &str| {
        let live = roles.replace("namespace: \"live\"", &format!("namespace: \"{live}\""));
        live.replace("namespace: \"argocd-live\"", &format!("namespace: \"{reconcilers}\""))
    };
    let all = [roles.clone(), also("shop", "argocd"), also("crowded", "flux-system")].join("---\n");
    let config = Digest::of(config("good").as_bytes());
    let live = format!("{shop} {} {config} {} {commit}", web[0], web[1]);
    let Some(server) = KubeServer::start(&all, &live) else {
        return;
    };
    std::fs::copy(server.file("kubeconfig"), home.join("kubeconfig")).expect("copied");
    runtime.block_on(lists(&server));
    runtime.block_on(refusals(&server));
    runtime.block_on(watches(&server));
    runtime.block_on(reconcilers(&server));
    what_is_said(home, &commit, web);
    only_lists_were_asked(&server);
}

/// A client of whoever listens there.
fn client(folder: &Path, address: &str, token: &str, page: u32) -> ClusterClient {
    let file = folder.join("config");
    let text = format!(
        "clusters: [{{name: c, cluster: {{server: '{address}'}}}}]\nusers: [{{name: u, user: {{token: '{token}'}}}}]\ncontexts: [{{name: x, context: {{cluster: c, user: u}}}}]\n"
    );
    std::fs::write(&file, text).expect("a kubeconfig");
    let account = Kubeconfig::read(&[file]).and_then(|config| config.account("x"));
    let limits = ClusterLimits {
        page,
        list: Duration::from_secs(240),
        ..ClusterLimits::default()
    };
    ClusterClient::new("eu", account.expect("a context"), limits)
}

/// What was seen, but for what is another at each start: times, and the ends of Pods' names.
fn described(seen: &NamespaceSeen) -> BTreeSet<String> {
    let mut all = BTreeSet::from([format!("{:?} {:?}", seen.unfinished, seen.missing)]);
    for (at, pod) in seen.pods.iter().enumerate() {
        let name = pod.name.raw().rsplit_once('-').map_or("", |(set, _)| set);
        let has_started = pod.started_at.is_some();
        all.insert(format!(
            "pod {at} {name} {:?} {:?} {has_started} {}",
            pod.owner, pod.phase, pod.is_leaving
        ));
        for one in &pod.containers {
            let state = format!("{:?}", one.state);
            let state = state.split([' ', '{']).next().unwrap_or_default().to_owned();
            all.insert(format!(
                "container {at} {:?} {:?} {:?} {:?} {state} {}",
                one.name, one.kind, one.asked, one.image, one.ready
            ));
        }
    }
    all.extend(seen.refusals.iter().map(|one| {
        let (has_time, of) = (one.at.is_some(), one.is_of_template);
        format!("refusal {:?} {:?} {has_time} {of}", one.template, one.message)
    }));
    // The generation counts how often the server was filled.
    all.extend(seen.workloads.iter().map(|one| {
        let is_settled = one.rollout.generation == one.rollout.observed_generation;
        format!(
            "workload {:?} {:?} {is_settled} {}",
            one.object, one.template, one.rollout.wanted
        )
    }));
    all
}

/// What both say of one namespace: a list with its pages, and what is refused.
async fn lists(server: &KubeServer) {
    let folder = tempfile::tempdir().expect("a folder");
    let proxy = Proxy::start(server, Bent::Nothing).await;
    let replay = Replay::start(&[]).await;
    let token = server.token("viewer");
    for page in [1, 500] {
        let real = see(&client(folder.path(), &proxy.address, &token, page), "shop").await;
        let recorded = see(&client(folder.path(), &replay.address, &token, page), "shop").await;
        assert_eq!(described(&real), described(&recorded));
        assert_eq!((real.pods.len(), real.unfinished), (2, None));
        let words: Vec<&str> = real.refusals.iter().map(|one| one.message.raw()).collect();
        assert!(
            words.iter().any(|words| words
                .starts_with("admission webhook \"policy.sigstore.dev\" denied the request: validation failed"))
                && words
                    .iter()
                    .any(|words| words.starts_with("create Pod ledger-0 in StatefulSet ledger failed error: ")),
            "{words:#?}"
        );
    }
    // A namespace that is not there has nothing, and says so as an empty one does.
    let admin = client(folder.path(), &proxy.address, &server.token("admin"), 500);
    let nowhere = see(&admin, "nowhere").await;
    assert_eq!(
        (nowhere.pods.len(), nowhere.unfinished, nowhere.missing.len()),
        (0, None, 0)
    );
}

/// Everything but a whole list, by its own words.
async fn refusals(server: &KubeServer) {
    let folder = tempfile::tempdir().expect("a folder");
    let (viewer, admin) = (server.token("viewer"), server.token("admin"));
    for (namespace, token, bent, files, kind) in [
        // The pages are too old before the second one is asked for: the list is begun anew.
        (
            "shop",
            &viewer,
            Bent::LateContinue,
            &["pods-page-1", "410-continue", "pods-page-1"][..],
            None,
        ),
        (
            "crowded",
            &viewer,
            Bent::Crowded,
            &["429-priority", "pods-nowhere"],
            None,
        ),
        (
            "shop",
            &server.token("stranger"),
            Bent::Nothing,
            &["401"],
            Some(FailureKind::Denied),
        ),
        (
            "closed",
            &viewer,
            Bent::Nothing,
            &["403-pods"],
            Some(FailureKind::Denied),
        ),
        // Whoever may not list it is not told that it is not there.
        (
            "shop",
            &admin,
            Bent::NoSuchGroup,
            &["404-no-such-group"],
            Some(FailureKind::Unsupported),
        ),
        (
            "shop",
            &admin,
            Bent::NoSuchKind,
            &["404-no-such-kind"],
            Some(FailureKind::Unsupported),
        ),
    ] {
        let proxy = Proxy::start(server, bent).await;
        let real = see(&client(folder.path(), &proxy.address, token, 1), namespace).await;
        let replay = Replay::start(files).await;
        let recorded = see(&client(folder.path(), &replay.address, token, 1), namespace).await;
        let told = |seen: &NamespaceSeen| seen.unfinished.as_ref().map(ToString::to_string);
        assert_eq!(
            real.unfinished.as_ref().map(|failure| failure.kind),
            kind,
            "{files:?}: {real:?}"
        );
        assert_eq!(told(&real), told(&recorded), "{files:?}");
        assert_eq!(real.pods.len(), recorded.pods.len(), "{files:?}");
        // The answer that the case is about was really given.
        let code: u16 = files
            .iter()
            .find_map(|file| file.split('-').next()?.parse().ok())
            .expect("a status");
        assert!(proxy.answers().contains(&code), "{files:?}: {:?}", proxy.answers());
        let answered = replay.pods_answered();
        assert_eq!(
            proxy.pods_answered().get(..answered.len()),
            Some(&answered[..]),
            "{files:?}"
        );
    }
}

/// A watch that a change ends, one that is too old, and one that is not permitted.
async fn watches(server: &KubeServer) {
    let folder = tempfile::tempdir().expect("a folder");
    let token = server.token("viewer");
    let longest = Duration::from_secs(300);
    for (bent, file) in [(Bent::Nothing, "watch"), (Bent::OldWatch, "watch-410")] {
        let proxy = Proxy::start(server, bent).await;
        let replay = Replay::start(&["pods-page-1", "pods-page-2", file]).await;
        for (address, is_real) in [(&proxy.address, true), (&replay.address, false)] {
            let client = client(folder.path(), address, &token, 1);
            let seen = see(&client, "shop").await;
            assert_eq!(seen.unfinished, None);
            if is_real && file == "watch" {
                let name = seen.pods[0].name.raw();
                server.kubectl(&["label", "--overwrite", "-n", "shop", "pod", name, "seen=yes"]);
            }
            // Much later than this the server would end the watch by itself.
            let changed = tokio::time::timeout(longest / 2, client.changed("shop", longest)).await;
            assert_eq!(changed, Ok(Ok(())), "{file} {is_real}");
        }
    }
    let forbidden = Proxy::start(server, Bent::ClosedWatch).await;
    let replay = Replay::start(&["pods-page-1", "pods-page-2", "403-watch"]).await;
    let mut told = Vec::new();
    for address in [&forbidden.address, &replay.address] {
        let client = client(folder.path(), address, &token, 1);
        assert_eq!(see(&client, "shop").await.unfinished, None);
        told.push(
            client
                .changed("shop", longest)
                .await
                .expect_err("it is forbidden")
                .to_string(),
        );
    }
    assert_eq!(told[0], told[1]);
    assert!(told[0].contains("changes of pods in shop: forbidden"), "{told:?}");
}

/// Objects of genuine custom resource definitions.
async fn reconcilers(server: &KubeServer) {
    let folder = tempfile::tempdir().expect("a folder");
    let proxy = Proxy::start(server, Bent::Nothing).await;
    let replay = Replay::start(&[]).await;
    let token = server.token("viewer");
    for namespace in ["argocd", "flux-system"] {
        let (real, real_missing) =
            see_reconcilers(&client(folder.path(), &proxy.address, &token, 500), namespace).await;
        let recorded = client(folder.path(), &replay.address, &token, 500);
        let (recorded, missing) = see_reconcilers(&recorded, namespace).await;
        assert!(
            real_missing.is_empty() && missing.is_empty(),
            "{real_missing:?} {missing:?}"
        );
        let told = |text: String| text.replace(|c: char| c.is_ascii_hexdigit(), "0").replace("00", "0");
        let (real, recorded) = (format!("{real:#?}"), format!("{recorded:#?}"));
        assert_eq!(told(real.clone()).len(), told(recorded).len(), "{real}");
        assert!(real.contains(&format!("{namespace}/shop")), "{real}");
    }
}

/// What `pindeck running` says, over TLS and with the authority of the kubeconfig.
fn what_is_said(home: &Path, commit: &str, [good, bad]: [Digest; 2]) {
    let refused = running(home, "gitops", "web", "prod");
    assert_eq!(refused["state"], "blocked", "{refused:#}");
    let cluster = &refused["clusters"][0];
    let blocked = &cluster["blocked"][0];
    assert_eq!(
        (&blocked["what"], &blocked["by"], &blocked["digest"]),
        (&json!("gate-denied"), &json!("policy.sigstore.dev"), &json!(bad)),
        "{cluster:#}"
    );
    let words = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    assert!(
        words(&blocked["message"]).contains("no matching signatures"),
        "{blocked}"
    );
    // The old digest still serves.
    let row = &cluster["digests"][0];
    assert_eq!(
        (&row["digest"], &row["match"], &row["ready"]),
        (&json!(good), &json!("none"), &json!(2)),
        "{cluster:#}"
    );
    let owner = &cluster["reconciler"];
    assert_eq!(
        (&owner["name"], &owner["revision"], &owner["reached"]),
        (&json!("argocd-live/shop"), &json!(commit), &json!(true)),
        "{cluster:#}"
    );
    let text = pindeck(home, "gitops", &["running", "web", "--env", "prod"]);
    for words in [&bad.hex()[..8], "policy.sigstore.dev", "no matching signatures"] {
        assert!(text.stdout.contains(words), "{text:?}");
    }
    // A StatefulSet has no condition: its Event names the gate and the digest.
    let ledger = running(home, "gitops", "ledger", "prod");
    let blocked = &ledger["clusters"][0]["blocked"][0];
    assert_eq!(
        (&ledger["state"], &blocked["by"], &blocked["digest"]),
        (&json!("blocked"), &json!("policy.sigstore.dev"), &json!(bad)),
        "{ledger:#}"
    );
    // What runs is what was pinned before; that another digest is refused is no trouble of it.
    let same = running(home, "before", "web", "prod");
    let row = &same["clusters"][0]["digests"][0];
    assert_eq!(
        (&same["state"], &row["match"], &row["pods"], &row["ready"]),
        (&json!("same"), &json!("exact"), &json!(2), &json!(2)),
        "{same:#}"
    );
    let down = running(home, "gitops", "api", "down");
    let blocked = &down["clusters"][0]["blocked"][0];
    assert_eq!(
        (&down["state"], &blocked["what"], &blocked["by"]),
        (
            &json!("blocked"),
            &json!("gate-unreachable"),
            &json!("down.policy.example")
        ),
        "{down:#}"
    );
    // One namespace is forbidden: that environment is unknown, with the reason, and the others are as they were.
    let all = pindeck(home, "gitops", &["running", "--json"]);
    assert_eq!(all.code, 6, "{all:?}");
    let closed = running(home, "gitops", "api", "closed");
    assert_eq!(closed["state"], "unknown", "{closed:#}");
    assert!(
        closed.to_string().contains("pods in closed: forbidden in cluster eu"),
        "{closed:#}"
    );
    let status = pindeck(home, "gitops", &["status", "--json"]);
    assert!(status.stdout.contains("gate-denied"), "{status:?}");
}

/// The server's own record of `viewer`.
fn only_lists_were_asked(server: &KubeServer) {
    let audit = server.audit();
    let mut verbs = BTreeSet::new();
    for event in &audit {
        let (verb, target) = (event["verb"].as_str(), event["requestURI"].as_str());
        verbs.insert(verb.expect("a verb").to_owned());
        let target = target.expect("a request");
        let line = format!("GET {target} HTTP/1.1");
        named(&line).unwrap_or_else(|strange| panic!("{strange}: {event:#}"));
    }
    let wanted: BTreeSet<String> = ["list", "watch"].map(str::to_owned).into();
    assert_eq!(verbs, wanted, "of {} requests", audit.len());
    println!("{} requests of pindeck, all of them list or watch", audit.len());
}
