use super::super::reconciler::{Ancestry, ArgoSource, StatusCondition};
use super::super::rollout::Rollout;
use super::*;
use crate::domain::reference::Repository;
use crate::domain::running::blocked::BlockKind;

const PIN: &str = "1111111111111111111111111111111111111111";
const BEFORE: &str = "0000000000000000000000000000000000000000";

fn ask(revision: &str) -> Ancestry {
    match revision {
        PIN => Ancestry::HasPin,
        BEFORE => Ancestry::LacksPin,
        _ => Ancestry::NotKnown,
    }
}

fn images() -> ServiceImages {
    ServiceImages {
        repositories: vec![Repository::parse("reg.example/web").expect("a repository")],
        pull_through: Vec::new(),
    }
}

fn workload(name: &str, image: &str, release: Option<&str>) -> WorkloadSeen {
    WorkloadSeen {
        object: OwnedObject::workload("Deployment", "shop", name),
        template: vec![image.into()],
        rollout: Rollout::default(),
        release: release.map(str::to_owned),
    }
}

fn argo(name: &str, revision: &str, owns: &[&str]) -> ArgoApplication {
    ArgoApplication {
        name: name.into(),
        is_synced: true,
        compared: vec![Some(revision.to_owned())],
        phase: Some("Succeeded".to_owned()),
        applied: vec![Some(revision.to_owned())],
        is_automated: true,
        sources: vec![ArgoSource {
            path: Some("envs/prod".to_owned()),
            is_chart: false,
        }],
        destination: Some("shop".to_owned()),
        owns: owns
            .iter()
            .map(|name| OwnedObject::workload("Deployment", "shop", name))
            .collect(),
        ..ArgoApplication::default()
    }
}

fn flux(name: &str, revision: &str, owns: &[OwnedObject]) -> FluxKustomization {
    FluxKustomization {
        name: name.into(),
        applied: Some(format!("main@sha1:{revision}")),
        attempted: Some(format!("main@sha1:{revision}")),
        owns: owns.to_vec(),
        ..FluxKustomization::default()
    }
}

fn owner(seen: &ReconcilersSeen, workloads: &[WorkloadSeen]) -> Option<OwnerAnswer> {
    let images = images();
    let question = OwnerQuestion {
        namespace: "shop",
        digest: Digest::of(b"pinned"),
        images: &images,
        files: &["envs/prod/web.yaml"],
    };
    seen.owner(question, workloads, &ask)
}

#[test]
fn the_owner_is_who_lists_the_workload() {
    let web = workload("web", "reg.example/web:v1", None);
    let other = workload("api", "reg.example/api:v1", None);
    let seen = ReconcilersSeen {
        applications: vec![argo("argocd/api", BEFORE, &["api"]), argo("argocd/web", PIN, &["web"])],
        ..ReconcilersSeen::default()
    };
    let found = owner(&seen, &[other.clone(), web.clone()]).expect("an owner");
    assert_eq!(
        (found.reconciler.name.raw(), found.reconciler.reached),
        ("argocd/web", Some(true))
    );
    let seen = ReconcilersSeen {
        kustomizations: vec![flux(
            "flux-system/apps",
            BEFORE,
            &[OwnedObject::workload("Deployment", "shop", "web")],
        )],
        ..ReconcilersSeen::default()
    };
    let found = owner(&seen, &[other, web.clone()]).expect("an owner");
    assert_eq!(
        (found.reconciler.name.raw(), found.reconciler.reached),
        ("flux-system/apps", Some(false))
    );
    assert_eq!(owner(&ReconcilersSeen::default(), &[web]), None);
}

#[test]
fn a_helm_release_is_found_by_its_labels_and_its_commit_by_its_kustomization() {
    let web = workload("web", "reg.example/web:v1", Some("shop/web"));
    let release = |owned: bool, status: Option<bool>| ReconcilersSeen {
        kustomizations: vec![flux(
            "flux-system/apps",
            PIN,
            &OwnedObject::of_inventory(if owned {
                "shop_web_helm.toolkit.fluxcd.io_HelmRelease"
            } else {
                "shop_other_helm.toolkit.fluxcd.io_HelmRelease"
            })
            .map_or_else(Vec::new, |one| vec![one]),
        )],
        releases: vec![FluxHelmRelease {
            name: "shop/web".into(),
            generation: Some(2),
            observed_generation: Some(2),
            ready: Some(StatusCondition {
                status,
                message: "as Flux says".into(),
                observed_generation: Some(2),
            }),
            ..FluxHelmRelease::default()
        }],
        ..ReconcilersSeen::default()
    };
    for (seen, reached) in [
        (release(true, Some(true)), Some(true)),
        (release(true, Some(false)), Some(false)),
        (release(false, Some(true)), None),
    ] {
        let found = owner(&seen, std::slice::from_ref(&web)).expect("an owner");
        assert_eq!(
            (found.reconciler.kind.as_str(), found.reconciler.reached),
            ("flux-helmrelease", reached)
        );
    }
}

#[test]
fn what_was_never_created_is_asked_of_the_only_one_with_its_folder() {
    let one = argo("argocd/shop", PIN, &[]);
    let elsewhere = ArgoApplication {
        destination: Some("staging".to_owned()),
        ..one.clone()
    };
    let seen = |applications| ReconcilersSeen {
        applications,
        ..ReconcilersSeen::default()
    };
    assert!(owner(&seen(vec![one.clone(), elsewhere.clone()]), &[]).is_some());
    assert_eq!(owner(&seen(vec![elsewhere]), &[]), None);
    // Two may have it: nobody guesses.
    assert_eq!(owner(&seen(vec![one.clone(), one]), &[]), None);
}

#[test]
fn the_source_with_the_file_is_the_one_that_is_asked() {
    let source = |path: Option<&str>, is_chart| ArgoSource {
        path: path.map(str::to_owned),
        is_chart,
    };
    for (sources, expected) in [
        (vec![], Some(0)),
        (vec![source(Some("elsewhere"), false)], Some(0)),
        (
            vec![
                source(Some("envs"), false),
                source(Some("./envs/prod/"), false),
                source(Some("charts"), false),
            ],
            Some(1),
        ),
        (vec![source(None, true), source(Some("envs/prod"), false)], Some(1)),
        // A chart with values from a source without a folder.
        (vec![source(None, true), source(None, false)], Some(1)),
        (vec![source(None, false), source(None, false)], None),
        (vec![source(Some("envs/pro"), false), source(None, true)], None),
    ] {
        let application = ArgoApplication {
            sources,
            ..ArgoApplication::default()
        };
        let found = application.source_of(&["envs/prod/web.yaml"]);
        assert_eq!(found, expected, "{:?}", application.sources);
    }
}

#[test]
fn a_gate_that_refused_the_workload_is_in_the_way_of_that_one_alone() {
    const WORDS: &str = "admission webhook \"policy.sigstore.dev\" denied the request: no matching signatures";
    let failing = |owns: &[&str], message: String, failures: Vec<(&str, &str)>| ReconcilersSeen {
        applications: vec![ArgoApplication {
            is_synced: false,
            phase: Some("Failed".to_owned()),
            message: message.into(),
            failures: failures
                .into_iter()
                .map(|(name, words)| (OwnedObject::workload("Deployment", "shop", name), words.into()))
                .collect(),
            ..argo("argocd/shop", PIN, owns)
        }],
        ..ReconcilersSeen::default()
    };
    let web = [workload("web", "reg.example/web:v1", None)];
    let digest = Digest::of(b"pinned");
    for (owns, message, failures, is_ours) in [
        (&["web"][..], WORDS.to_owned(), vec![], true),
        // Several workloads, and nobody says which: it may be another one.
        (&["web", "api"], WORDS.to_owned(), vec![], false),
        (&["web", "api"], format!("Deployment/shop/web: {WORDS}"), vec![], true),
        (
            &["web", "api"],
            format!("Deployment/shop/web-admin: {WORDS}"),
            vec![],
            false,
        ),
        (
            &["web", "api"],
            format!("{WORDS} of reg.example/web@{digest}"),
            vec![],
            true,
        ),
        (&["web", "api"], "one failed".to_owned(), vec![("web", WORDS)], true),
        (&["web", "api"], "one failed".to_owned(), vec![("api", WORDS)], false),
        // A failure that names no gate is none.
        (&["web"], "connection refused".to_owned(), vec![], false),
    ] {
        let seen = failing(owns, message.clone(), failures);
        let found = owner(&seen, &web).expect("an owner");
        assert_eq!(found.reconciler.state, ReconcilerState::Failed);
        let refused = found.refused.map(|one| (one.what, one.digest));
        let expected = is_ours.then_some((BlockKind::GateDenied, Some(digest)));
        assert_eq!(refused, expected, "{owns:?} {message}");
    }
}
