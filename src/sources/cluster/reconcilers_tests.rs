use super::super::client::ClusterLimits;
use super::super::server_tests::{Reply, Server, folder, page, status};
use super::*;
use serde_json::json;

const PIN: &str = "1111111111111111111111111111111111111111";

async fn seen(server: &Server) -> (ReconcilersSeen, Vec<String>) {
    let folder = folder();
    let client = server.client("token: t", folder.path(), ClusterLimits::default());
    let (seen, missing) = see_reconcilers(&client, "argocd").await;
    (seen, missing.iter().map(|one| one.raw().to_owned()).collect())
}

/// What an API server says to a group that it does not know: no Status object.
fn not_found() -> Reply {
    Reply::Is(404, "", "404 page not found\n".to_owned())
}

#[tokio::test]
async fn an_application_is_read_as_argo_writes_it() {
    let application = json!({
        "metadata": { "name": "shop", "namespace": "argocd", "generation": 4 },
        "spec": {
            "project": "default",
            "destination": { "namespace": "shop-prod", "server": "https://kubernetes.default.svc" },
            "sources": [
                { "repoURL": "https://charts.example", "chart": "web", "targetRevision": "1.2.3" },
                { "repoURL": "https://git.example/gitops", "path": "envs/prod", "targetRevision": "main" },
            ],
            "syncPolicy": { "automated": { "prune": true } },
        },
        "status": {
            "sync": { "status": "OutOfSync", "revisions": ["1.2.3", PIN] },
            "operationState": {
                "phase": "Failed", "message": "one or more objects failed to apply",
                "syncResult": {
                    "revisions": ["1.2.3", PIN],
                    "resources": [
                        { "group": "apps", "kind": "Deployment", "namespace": "shop-prod", "name": "web",
                          "status": "SyncFailed", "message": "admission webhook \"gate\" denied the request: no" },
                        { "group": "", "kind": "Service", "namespace": "shop-prod", "name": "web", "status": "Synced", "message": "ok" },
                    ],
                },
            },
            "resources": [
                { "group": "apps", "version": "v1", "kind": "Deployment", "namespace": "shop-prod", "name": "web", "status": "OutOfSync" },
            ],
        },
    });
    let server = Server::start(move |_, heard| match heard.line.contains("/applications?") {
        true => page(std::slice::from_ref(&application), ""),
        false => not_found(),
    })
    .await;
    let (seen, missing) = seen(&server).await;
    assert_eq!(missing, [] as [String; 0], "a kind that is not there is no trouble");
    let [application] = seen.applications.try_into().expect("one");
    let web = OwnedObject::workload("Deployment", "shop-prod", "web");
    assert_eq!(application.name.raw(), "argocd/shop");
    assert_eq!(application.compared, [Some("1.2.3".to_owned()), Some(PIN.to_owned())]);
    assert_eq!(application.applied, application.compared);
    assert_eq!(application.owns, std::slice::from_ref(&web));
    assert_eq!(application.failures.len(), 1);
    assert_eq!(application.failures[0].0, web);
    assert!(application.is_automated && !application.is_synced);
    assert_eq!(application.source_of(&["envs/prod/web.yaml"]), Some(1));
    assert_eq!(application.destination.as_deref(), Some("shop-prod"));
    let mut lines: Vec<String> = server.heard().into_iter().map(|heard| heard.line).collect();
    lines.sort();
    assert_eq!(
        lines,
        [
            "GET /apis/argoproj.io/v1alpha1/namespaces/argocd/applications?limit=500 HTTP/1.1",
            "GET /apis/helm.toolkit.fluxcd.io/v2/namespaces/argocd/helmreleases?limit=500 HTTP/1.1",
            "GET /apis/kustomize.toolkit.fluxcd.io/v1/namespaces/argocd/kustomizations?limit=500 HTTP/1.1",
        ]
    );
}

#[tokio::test]
async fn a_hydrator_says_which_commit_was_rendered() {
    let application = json!({
        "metadata": { "name": "shop", "namespace": "argocd" },
        "spec": {
            "sourceHydrator": {
                "drySource": { "repoURL": "https://git.example/gitops", "path": "envs/prod", "targetRevision": "main" },
                "syncSource": { "targetBranch": "env/prod", "path": "out" },
            },
            "syncPolicy": { "automated": { "enabled": false } },
        },
        "status": {
            "sync": { "status": "Synced", "revision": "2222222222222222222222222222222222222222" },
            "sourceHydrator": { "lastSuccessfulOperation": {
                "drySHA": PIN, "hydratedSHA": "2222222222222222222222222222222222222222" } },
        },
    });
    let server = Server::start(move |_, heard| match heard.line.contains("/applications?") {
        true => page(std::slice::from_ref(&application), ""),
        false => not_found(),
    })
    .await;
    let (seen, _) = seen(&server).await;
    let commits: Vec<&str> = seen.commits().into_iter().collect();
    assert!(commits.contains(&PIN));
    let application = &seen.applications[0];
    assert!(!application.is_automated);
    assert_eq!(
        application
            .source_of(&["envs/prod/web.yaml"])
            .map(|at| application.sources[at].path.as_deref()),
        Some(Some("envs/prod"))
    );
    assert_eq!(application.hydrated.as_ref().map(|(dry, _)| dry.as_str()), Some(PIN));
}

#[tokio::test]
async fn flux_objects_are_read_as_flux_writes_them() {
    let kustomization = json!({
        "metadata": { "name": "apps", "namespace": "flux-system", "generation": 3 },
        "spec": { "path": "./envs/prod", "suspend": true, "targetNamespace": "shop" },
        "status": {
            "lastAppliedRevision": "latest@sha256:aa", "lastAppliedOriginRevision": format!("main@sha1:{PIN}"),
            "lastAttemptedRevision": format!("main@sha1:{PIN}"),
            "conditions": [
                { "type": "Reconciling", "status": "True", "message": "x" },
                { "type": "Ready", "status": "False", "message": "dry-run failed", "observedGeneration": 3 },
            ],
            "inventory": { "entries": [{ "id": "shop_web_apps_Deployment", "v": "v1" }, { "id": "odd" }] },
        },
    });
    let release = json!({
        "metadata": { "name": "web", "namespace": "shop", "generation": 2 },
        "status": { "observedGeneration": 2, "conditions": [{ "type": "Ready", "status": "Unknown", "message": "" }] },
    });
    let server = Server::start(move |_, heard| {
        if heard.line.contains("/kustomizations?") {
            page(std::slice::from_ref(&kustomization), "")
        } else if heard.line.contains("/helmreleases?") {
            page(std::slice::from_ref(&release), "")
        } else {
            not_found()
        }
    })
    .await;
    let (seen, _) = seen(&server).await;
    let kustomization = &seen.kustomizations[0];
    assert_eq!(kustomization.owns, [OwnedObject::workload("Deployment", "shop", "web")]);
    assert!(kustomization.is_suspended);
    assert_eq!(kustomization.ready.as_ref().map(|one| one.status), Some(Some(false)));
    assert_eq!(seen.commits().into_iter().collect::<Vec<_>>(), [PIN]);
    assert_eq!(seen.releases[0].name.raw(), "shop/web");
    assert_eq!(seen.releases[0].ready.as_ref().map(|one| one.status), Some(None));
}

#[tokio::test]
async fn what_may_not_be_listed_is_said_once() {
    let server = Server::start(|_, _| status(403, "Forbidden", "no\u{1b}[2J")).await;
    let (found, missing) = seen(&server).await;
    assert_eq!(found, ReconcilersSeen::default());
    assert_eq!(
        missing,
        ["applications in argocd, kustomizations in argocd, helmreleases in argocd: forbidden in cluster eu"]
    );
    let broken = Server::start(|_, _| Reply::Is(200, "", "{\"items\": [{\"metadata\": 7}]}".to_owned())).await;
    let (_, missing) = seen(&broken).await;
    assert!(missing.len() == 3 && missing[0].contains("no list"), "{missing:?}");
}
