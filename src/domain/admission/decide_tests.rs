//! What several policies say together, and what may turn an answer.

use super::*;

fn policy(gate: GateProgram, images: &str, unread: Option<UnreadEffect>) -> AdmissionPolicy {
    let unread = unread.map(|effect| UnreadField {
        line: 3,
        what: "spec.x".to_owned(),
        text: String::new(),
        why: "it is not read here".to_owned(),
        effect,
    });
    AdmissionPolicy {
        file: "p.yaml".to_owned(),
        line: 1,
        gate,
        kind: "X".to_owned(),
        name: images.to_owned(),
        enforces: true,
        images: vec![images.to_owned()],
        left_out: Vec::new(),
        demands: Vec::new(),
        unread: unread.into_iter().collect(),
    }
}

fn said(all: &[(&AdmissionPolicy, PatternMatch, AdmissionAnswer)], gates: &[GateProgram]) -> AdmissionAnswer {
    let all = all
        .iter()
        .map(|(policy, about, answer)| (*policy, *about, ReasonedAnswer::new(*answer, "")));
    of_all(all.collect(), gates).answer
}

#[test]
fn policy_controller_admits_only_what_surely_matches_one_of_its_policies() {
    use AdmissionAnswer::{Admit, CannotSay, Refuse};
    use GateProgram::{KyvernoRule, PolicyController};
    let (kyverno, ours) = (policy(KyvernoRule, "*", None), policy(PolicyController, "**", None));
    let narrowed = policy(PolicyController, "**", Some(UnreadEffect::Narrows));
    let both = [PolicyController, KyvernoRule];
    // It refuses what no policy of its own matches, whatever another gate says.
    assert_eq!(said(&[(&kyverno, PatternMatch::Yes, Admit)], &both), CannotSay);
    assert_eq!(said(&[(&kyverno, PatternMatch::Yes, Admit)], &[KyvernoRule]), Admit);
    assert_eq!(said(&[(&ours, PatternMatch::Unsure, Admit)], &both), CannotSay);
    assert_eq!(said(&[(&narrowed, PatternMatch::Yes, Admit)], &both), CannotSay);
    assert_eq!(said(&[(&ours, PatternMatch::Yes, Admit)], &both), Admit);
    let two = [(&narrowed, PatternMatch::Yes, Admit), (&ours, PatternMatch::Yes, Admit)];
    assert_eq!(said(&two, &both), Admit);
    let two = [
        (&ours, PatternMatch::Unsure, Admit),
        (&kyverno, PatternMatch::Yes, Refuse),
    ];
    assert_eq!(said(&two, &both), Refuse);
}

#[test]
fn of_openshift_only_the_most_specific_scope_decides() {
    use AdmissionAnswer::{Admit, CannotSay, Refuse};
    use GateProgram::Openshift;
    let (wide, narrow) = (policy(Openshift, "ghcr.io", None), policy(Openshift, "ghcr.io/a", None));
    let two = [(&wide, PatternMatch::Yes, Refuse), (&narrow, PatternMatch::Yes, Admit)];
    assert_eq!(said(&two, &[Openshift]), CannotSay);
    let two = [(&wide, PatternMatch::Yes, Refuse), (&narrow, PatternMatch::Yes, Refuse)];
    assert_eq!(said(&two, &[Openshift]), Refuse);
}

#[test]
fn a_policy_that_warns_may_refuse_where_something_says_so_that_is_not_read() {
    let digest = Digest::of(b"x");
    let mut audit = policy(GateProgram::KyvernoRule, "*", None);
    audit.enforces = false;
    let plain = of_policy(&audit, PatternMatch::Yes, digest, &[]).expect("about it");
    assert_eq!(plain.answer, AdmissionAnswer::Admit);
    let mut overridden = policy(GateProgram::KyvernoRule, "*", Some(UnreadEffect::Either));
    overridden.enforces = false;
    let said = of_policy(&overridden, PatternMatch::Yes, digest, &[]).expect("about it");
    assert_eq!(said.answer, AdmissionAnswer::CannotSay);
}
