use proptest::prelude::*;

use super::super::closure::PlatformImage;
use super::super::image_id::ContainerImage;
use super::super::pods::ContainerKind;
use super::*;
use crate::domain::reference::Repository;

const WEBHOOK: &str = "admission webhook \"policy.sigstore.dev\" denied the request: validation failed: failed policy: signed: spec.containers[0].image";
const DOWN: &str = "Internal error occurred: failed calling webhook \"policy.sigstore.dev\": failed to call webhook: Post \"https://webhook.cosign-system.svc:443/validations?timeout=10s\": dial tcp 10.0.0.1:443: connect: connection refused";

fn images() -> ServiceImages {
    ServiceImages {
        repositories: vec![Repository::parse("reg.example/web").expect("a repository")],
        pull_through: Vec::new(),
    }
}

fn digest(name: u8) -> Digest {
    Digest::from_bytes([name; 32])
}

fn closure(name: u8) -> ImageClosure {
    ImageClosure::of_manifest(PlatformImage {
        manifest: digest(name),
        config: Some(digest(name + 100)),
    })
}

fn refusal(template: &[String], message: &str, is_of_template: bool) -> TemplateRefusal {
    TemplateRefusal {
        template: template.iter().map(|image| image.as_str().into()).collect(),
        message: message.into(),
        at: None,
        is_of_template,
    }
}

fn web(name: u8) -> String {
    format!("reg.example/web@{}", digest(name))
}

fn waiting(reason: &str, message: &str) -> ContainerSeen {
    ContainerSeen {
        name: "web".into(),
        kind: ContainerKind::Main,
        asked: web(1).as_str().into(),
        image: ContainerImage::default(),
        state: ContainerState::Waiting {
            reason: reason.into(),
            message: message.into(),
        },
        ready: false,
    }
}

#[test]
fn a_gate_that_refused_is_not_one_that_is_down() {
    use BlockKind as K;
    for (text, what, by) in [
        (WEBHOOK.to_owned(), K::GateDenied, Some("policy.sigstore.dev")),
        (
            format!("Error creating: {WEBHOOK}"),
            K::GateDenied,
            Some("policy.sigstore.dev"),
        ),
        (
            format!("create Pod ledger-0 in StatefulSet ledger failed error: {WEBHOOK}"),
            K::GateDenied,
            Some("policy.sigstore.dev"),
        ),
        (DOWN.to_owned(), K::GateUnreachable, Some("policy.sigstore.dev")),
        (
            format!("Error creating: {DOWN}"),
            K::GateUnreachable,
            Some("policy.sigstore.dev"),
        ),
        (
            format!("one or more objects failed to apply, reason: {WEBHOOK}. Retrying attempt #3 at 9:12AM."),
            K::GateDenied,
            Some("policy.sigstore.dev"),
        ),
        (
            "pods \"web-1\" is forbidden: ValidatingAdmissionPolicy 'signed' with binding 'all' denied request: no"
                .to_owned(),
            K::GateDenied,
            Some("signed"),
        ),
        (
            "admission webhook \"a\" denied the request: failed calling webhook \"b\": down".to_owned(),
            K::GateDenied,
            Some("a"),
        ),
        (
            "failed calling webhook \"b\": admission webhook \"a\" denied the request".to_owned(),
            K::GateUnreachable,
            Some("b"),
        ),
        (
            "pods \"web-1\" is forbidden: exceeded quota: small".to_owned(),
            K::Other,
            None,
        ),
        ("admission webhook \"a\" is fine".to_owned(), K::Other, None),
        ("admission webhook \"a".to_owned(), K::Other, None),
        (String::new(), K::Other, None),
    ] {
        assert_eq!(gate(&text), (what, by), "{text}");
    }
}

#[test]
fn a_refusal_is_about_the_template_that_was_refused() {
    let of = |refusal: &TemplateRefusal| {
        let all = Blocked::of_template(refusal, &images());
        all.into_iter().map(|blocked| blocked.digest).collect::<Vec<_>>()
    };
    // The old ReplicaSet goes on trying after the image was corrected: its digest is the one that is refused.
    let old = refusal(&[web(1)], WEBHOOK, true);
    assert_eq!(of(&old), [Some(digest(1))]);
    let blocked = Blocked::of_template(&old, &images());
    assert!(blocked[0].stops(&closure(1)) && !blocked[0].stops(&closure(2)));
    assert_eq!(
        (blocked[0].what, blocked[0].by.as_ref().map(Untrusted::raw)),
        (BlockKind::GateDenied, Some("policy.sigstore.dev"))
    );
    // A StatefulSet's Event may be about the template before; the digest in the words decides, if there is one.
    assert_eq!(of(&refusal(&[web(1)], WEBHOOK, false)), [None]);
    let named = format!("{WEBHOOK} {}", web(1));
    assert_eq!(of(&refusal(&[web(1)], &named, false)), [Some(digest(1))]);
    assert_eq!(of(&refusal(&[web(2)], &named, false)), [None]);
    // Of two digests in one template, the one that the gate names is refused.
    assert_eq!(of(&refusal(&[web(1), web(2)], &named, true)), [Some(digest(1))]);
    assert_eq!(
        of(&refusal(&[web(1), web(2)], WEBHOOK, true)),
        [Some(digest(1)), Some(digest(2))]
    );
    // A template without the service's image says nothing about it, and one by tag names no digest.
    assert_eq!(of(&refusal(&["reg.example/other:v1".to_owned()], WEBHOOK, true)), []);
    assert_eq!(of(&refusal(&["reg.example/web:v1".to_owned()], WEBHOOK, true)), [None]);
}

#[test]
fn a_reconcilers_words_are_about_the_pin_unless_they_name_another_digest() {
    let of = |message: &str| Blocked::of_attempt(&message.into(), digest(1), None);
    assert_eq!(of(WEBHOOK).and_then(|blocked| blocked.digest), Some(digest(1)));
    assert_eq!(
        of(&format!("{WEBHOOK} {}", web(1))).and_then(|blocked| blocked.digest),
        Some(digest(1))
    );
    assert_eq!(
        of(&format!("{WEBHOOK} {}", web(2))).and_then(|blocked| blocked.digest),
        None
    );
    assert_eq!(of(DOWN).map(|blocked| blocked.what), Some(BlockKind::GateUnreachable));
    assert_eq!(of("kustomize build failed"), None);
}

#[test]
fn a_waiting_container_says_what_is_in_its_way() {
    use BlockKind as K;
    let signature =
        "Back-off pulling image \"reg.example/web\": SignatureValidationFailed: Source image rejected: none";
    for (reason, message, what) in [
        ("ErrImagePull", "rpc error: code = NotFound", Some(K::Pull)),
        ("ImagePullBackOff", "Back-off pulling image", Some(K::Pull)),
        ("InvalidImageName", "couldn't parse image reference", Some(K::Pull)),
        ("ImagePullBackOff", signature, Some(K::GateDenied)),
        ("SignatureValidationFailed", "", Some(K::GateDenied)),
        (
            "CrashLoopBackOff",
            "back-off 5m0s restarting failed container",
            Some(K::Crash),
        ),
        ("CreateContainerConfigError", "secret \"x\" not found", Some(K::Other)),
        ("ContainerCreating", "", None),
        ("PodInitializing", "", None),
        ("", "", None),
    ] {
        let blocked = Blocked::of_waiting(&waiting(reason, message), &images());
        assert_eq!(blocked.as_ref().map(|blocked| blocked.what), what, "{reason} {message}");
        assert!(
            blocked.is_none_or(|blocked| blocked.digest == Some(digest(1)) && blocked.message.raw().contains(reason))
        );
    }
}

#[test]
fn words_of_a_cluster_are_cut_between_characters() {
    let long = format!("x{}", "é".repeat(4000));
    let blocked = Blocked::of_waiting(&waiting("ErrImagePull", &long), &images()).expect("blocked");
    assert!(blocked.message.raw().len() <= LONGEST && blocked.message.raw().ends_with('é'));
    let name = format!("admission webhook \"{long}\" denied the request");
    let blocked = Blocked::of_template(&refusal(&[web(1)], &name, true), &images());
    assert!(blocked[0].by.as_ref().is_some_and(|by| by.raw().len() <= LONGEST));
}

proptest! {
    #[test]
    fn no_text_breaks_the_reading_of_refusals(text in ".{0,200}", marker in 0..4usize) {
        let before = ["admission webhook \"", "failed calling webhook \"", "ValidatingAdmissionPolicy '", "sha256:"][marker];
        let text = format!("{text}{before}{text}");
        let refusal = refusal(&[web(1)], &text, true);
        for blocked in Blocked::of_template(&refusal, &images()) {
            prop_assert!(blocked.message.raw().len() <= LONGEST);
            prop_assert!(blocked.digest.is_none_or(|named| named == digest(1)));
        }
    }
}
