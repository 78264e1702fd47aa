use super::*;

const PIN: &str = "1111111111111111111111111111111111111111";
const LATER: &str = "2222222222222222222222222222222222222222";
const BEFORE: &str = "0000000000000000000000000000000000000000";
const STRANGE: &str = "ffffffffffffffffffffffffffffffffffffffff";

fn ask(revision: &str) -> Ancestry {
    match revision {
        PIN | LATER => Ancestry::HasPin,
        BEFORE => Ancestry::LacksPin,
        _ => Ancestry::NotKnown,
    }
}

fn revisions(all: &[&str]) -> Vec<Option<String>> {
    all.iter()
        .map(|one| (!one.is_empty()).then(|| (*one).to_owned()))
        .collect()
}

fn argo(is_synced: bool, compared: &str, phase: &str, applied: &str) -> ArgoApplication {
    ArgoApplication {
        name: "argocd/shop".into(),
        is_synced,
        compared: revisions(&[compared]),
        phase: (!phase.is_empty()).then(|| phase.to_owned()),
        message: "as Argo says".into(),
        applied: revisions(&[applied]),
        is_automated: true,
        ..ArgoApplication::default()
    }
}

#[test]
fn argo_has_the_commit_when_it_applied_it_or_is_in_sync_with_it() {
    use ReconcilerState as S;
    for (application, reached, state) in [
        (argo(true, PIN, "Succeeded", PIN), Some(true), S::Applied),
        (argo(true, LATER, "Succeeded", BEFORE), Some(true), S::Applied),
        // Other commits moved the branch on; what was applied has the pin.
        (argo(false, LATER, "Succeeded", PIN), Some(true), S::Applied),
        // Synced, but with a commit before the pin: what was compared is old.
        (argo(true, BEFORE, "Succeeded", BEFORE), Some(false), S::Waiting),
        (argo(false, PIN, "Succeeded", BEFORE), Some(false), S::Syncing),
        (argo(false, PIN, "Running", PIN), Some(false), S::Syncing),
        (argo(false, PIN, "Failed", PIN), Some(false), S::Failed),
        (argo(false, PIN, "Error", LATER), Some(false), S::Failed),
        // It failed at an older commit, and has not tried this one.
        (argo(false, PIN, "Failed", BEFORE), Some(false), S::Syncing),
        (argo(false, PIN, "", ""), Some(false), S::Syncing),
        // Rendering failed, a chart's version, a commit that our clone does not have.
        (argo(false, "", "Succeeded", BEFORE), None, S::Unknown),
        (argo(true, "1.2.3", "Succeeded", "1.2.3"), None, S::Unknown),
        (argo(true, STRANGE, "Succeeded", STRANGE), None, S::Unknown),
        (argo(true, "", "", ""), None, S::Unknown),
    ] {
        let judged = application.judge(0, &ask);
        assert_eq!((judged.reached, judged.state), (reached, state), "{application:?}");
    }
    assert_eq!(
        argo(false, PIN, "Failed", PIN).judge(0, &ask).message.raw(),
        "as Argo says"
    );
}

#[test]
fn argo_waits_for_a_person_where_nothing_is_automated() {
    let mut application = argo(false, PIN, "Succeeded", BEFORE);
    application.is_automated = false;
    let judged = application.judge(0, &ask);
    assert_eq!((judged.reached, judged.state), (Some(false), ReconcilerState::Waiting));
    assert!(judged.message.raw().contains("a person"));
}

#[test]
fn argo_is_asked_about_the_source_that_has_the_pin() {
    let mut application = argo(true, "", "Succeeded", "");
    application.compared = revisions(&["1.2.3", PIN]);
    application.applied = revisions(&["1.2.3", PIN]);
    assert_eq!(application.judge(0, &ask).reached, None);
    assert_eq!(application.judge(1, &ask).reached, Some(true));
    assert_eq!(application.judge(2, &ask).reached, None);
}

#[test]
fn argo_with_a_hydrator_is_judged_by_the_commit_that_was_rendered() {
    let mut application = argo(true, STRANGE, "Succeeded", STRANGE);
    application.hydrated = Some((PIN.to_owned(), STRANGE.to_owned()));
    assert_eq!(application.judge(0, &ask).reached, Some(true));
    application.hydrated = Some((BEFORE.to_owned(), STRANGE.to_owned()));
    assert_eq!(application.judge(0, &ask).reached, Some(false));
    // It runs an older result than the one that was written last.
    application.hydrated = Some((PIN.to_owned(), LATER.to_owned()));
    assert_eq!(application.judge(0, &ask).reached, None);
}

fn ready(status: Option<bool>, generation: i64) -> Option<StatusCondition> {
    Some(StatusCondition {
        status,
        message: "as Flux says".into(),
        observed_generation: Some(generation),
    })
}

fn flux(applied: &str, attempted: &str, status: Option<bool>) -> FluxKustomization {
    FluxKustomization {
        name: "flux-system/shop".into(),
        is_suspended: false,
        generation: Some(3),
        applied: Some(applied.to_owned()),
        applied_origin: None,
        attempted: Some(attempted.to_owned()),
        ready: ready(status, 3),
        ..FluxKustomization::default()
    }
}

#[test]
fn flux_has_the_commit_when_it_applied_it() {
    use ReconcilerState as S;
    let of = |commit: &str| format!("main@sha1:{commit}");
    for (kustomization, reached, state) in [
        (flux(&of(PIN), &of(PIN), Some(true)), Some(true), S::Applied),
        // Ready goes back and forth at each interval; what is applied stays applied.
        (flux(&of(LATER), &of(LATER), None), Some(true), S::Applied),
        (flux(&of(LATER), &of(LATER), Some(false)), Some(true), S::Applied),
        (flux(&of(BEFORE), &of(PIN), None), Some(false), S::Syncing),
        (flux(&of(BEFORE), &of(PIN), Some(false)), Some(false), S::Failed),
        (flux(&of(BEFORE), &of(BEFORE), Some(true)), Some(false), S::Waiting),
        (flux(&of(STRANGE), &of(STRANGE), Some(true)), None, S::Unknown),
        (flux("v1@sha256:aaaa", "v1@sha256:aaaa", Some(true)), None, S::Unknown),
        (
            flux(&format!("main/{PIN}"), &format!("main/{PIN}"), Some(true)),
            Some(true),
            S::Applied,
        ),
        (
            flux(&format!("feature/x/{PIN}"), "", Some(true)),
            Some(true),
            S::Applied,
        ),
        (flux(&format!("sha1:{PIN}"), "", Some(true)), Some(true), S::Applied),
        (
            flux(&format!("refs/tags/v1@sha1:{PIN}"), "", Some(true)),
            Some(true),
            S::Applied,
        ),
        (flux("", "", None), None, S::Unknown),
    ] {
        let judged = kustomization.judge(&ask);
        assert_eq!((judged.reached, judged.state), (reached, state), "{kustomization:?}");
    }
    let mut artifact = flux("v1@sha256:aaaa", "v1@sha256:aaaa", Some(true));
    artifact.applied_origin = Some(of(PIN));
    assert_eq!(artifact.judge(&ask).reached, Some(true));
    // A condition of an older generation says nothing about this one.
    let mut stale = flux(&of(BEFORE), &of(PIN), Some(false));
    stale.ready = ready(Some(false), 2);
    assert_eq!(stale.judge(&ask).state, ReconcilerState::Syncing);
    let mut suspended = flux(&of(BEFORE), &of(BEFORE), Some(true));
    suspended.is_suspended = true;
    assert_eq!(suspended.judge(&ask).state, ReconcilerState::Suspended);
    suspended.applied = Some(of(PIN));
    assert_eq!(suspended.judge(&ask).state, ReconcilerState::Applied);
}

#[test]
fn a_helm_release_needs_its_kustomization_and_its_own_word() {
    use ReconcilerState as S;
    let of = |commit: &str| format!("main@sha1:{commit}");
    let arrived = flux(&of(PIN), &of(PIN), Some(true)).judge(&ask);
    let waiting = flux(&of(BEFORE), &of(BEFORE), Some(true)).judge(&ask);
    let unknown = flux("", "", None).judge(&ask);
    let release = |status, observed| FluxHelmRelease {
        name: "shop/web".into(),
        is_suspended: false,
        generation: Some(3),
        observed_generation: Some(observed),
        ready: ready(status, observed),
    };
    for (release, parent, reached, state) in [
        (release(Some(true), 3), &arrived, Some(true), S::Applied),
        (release(Some(true), 2), &arrived, Some(false), S::Syncing),
        (release(None, 3), &arrived, Some(false), S::Syncing),
        (release(Some(false), 3), &arrived, Some(false), S::Failed),
        (release(Some(true), 3), &waiting, Some(false), S::Waiting),
        (release(Some(true), 3), &unknown, None, S::Unknown),
    ] {
        let judged = release.judge(parent);
        assert_eq!((judged.reached, judged.state), (reached, state), "{release:?}");
    }
}

#[test]
fn what_is_no_whole_commit_is_never_asked() {
    let never = |_: &str| -> Ancestry { panic!("asked") };
    for text in [
        "",
        "main",
        "1.2.3",
        "main@sha1:abc",
        "main@sha256:1111",
        &format!("{PIN}0"),
        &PIN.replace('1', "A"),
        "/",
        "@sha1:",
    ] {
        assert_eq!(flux(text, text, None).judge(&never).reached, None, "{text}");
        assert_eq!(
            argo(true, text, "Succeeded", text).judge(0, &never).reached,
            None,
            "{text}"
        );
    }
}
