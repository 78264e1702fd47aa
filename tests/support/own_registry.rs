//! The shared world with a registry of production's own, which a promotion has to copy to.

use pindeck::domain::Digest;

use super::stage::Stage;

/// The file that pins payments in production.
pub const PAYMENTS: &str = "apps/payments/overlays/production/kustomization.yaml";
/// The registry with a referrers API, where payments is built.
pub const FROM: &str = "127.0.0.1:5812";
/// The one without, which production shall have.
pub const TO: &str = "127.0.0.1:5811";

/// Production pulls payments from a registry of its own.
pub async fn stage() -> Option<Stage> {
    let stage = Stage::start().await?;
    stage.edit_policy(|text| {
        let at = text.find("name = \"production\"").expect("production");
        let (head, tail) = text.split_at(at);
        format!(
            "{head}{}",
            tail.replacen("policy = ", &format!("registry = \"{TO}/prod\"\npolicy = "), 1)
        )
    });
    stage.somebody_changes(PAYMENTS, |text| {
        text.replace(&format!("{FROM}/shop/payments"), &format!("{TO}/prod/payments"))
    });
    Some(stage)
}

/// What staging pins, so what production gets next.
pub fn wanted(stage: &Stage) -> Digest {
    let staging = stage.file(&PAYMENTS.replace("production", "staging"));
    staging[staging.find("sha256:").expect("a digest")..][..71]
        .parse()
        .expect("a digest")
}
