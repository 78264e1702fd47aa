use std::collections::BTreeSet;

use super::*;
use crate::domain::reference::Repository;
use crate::sources::git::manifest::scan;

const REMOTE: &str = "git@git.example.com:team/shop.git";
const URL: &str = "https://git.example.com/team/shop";
const FILE: &str = "envs/prod/app.yaml";

/// What is said of an edit of [`FILE`] on branch `main`, whose image is `example.com/shop/api`. Each document of the
/// text is a file of its own: `0.yaml`, `1.yaml`.
fn said(objects: &str) -> Vec<String> {
    let image = Repository::parse("example.com/shop/api").expect("a repository");
    let edit = PlannedEdit {
        file: FILE,
        applied: BTreeSet::from([FILE.to_owned(), "overlays/prod/kustomization.yaml".to_owned()]),
        lines: BTreeSet::from([5]),
        images: BTreeSet::from([&image]),
        policies: BTreeSet::from(["flux-system:api".to_owned()]),
    };
    let to = WrittenBranch {
        branch: "main",
        remote: Some(REMOTE),
    };
    let (mut controllers, mut writers) = (Vec::new(), Vec::new());
    for (number, text) in objects.split("---\n").enumerate() {
        let file = format!("{number}.yaml");
        let read = scan(&file, text.as_bytes());
        assert_eq!(read.problem, None, "{text}");
        controllers.extend(read.controllers.into_iter().map(|object| PlacedObject {
            file: file.clone(),
            object,
        }));
        writers.extend(read.writers.into_iter().map(|object| PlacedObject {
            file: file.clone(),
            object,
        }));
    }
    overwrites_edit(&edit, &to, &controllers, &writers)
}

/// One case of a table: what is changed in a text that is a hit, and what must be said then; nothing = not named.
fn table(hit: &str, place: &str, words: &[&str], misses: &[(&str, &str)], hits: &[(&str, &str)]) {
    let found = said(hit);
    assert_eq!(found.len(), 1, "{found:?}\n{hit}");
    assert!(found[0].starts_with(place), "{}", found[0]);
    for word in words {
        assert!(found[0].contains(word), "{word} in {}", found[0]);
    }
    for (from, _) in misses.iter().chain(hits) {
        assert!(hit.contains(from), "{from}");
    }
    for (from, to) in misses {
        assert_eq!(said(&hit.replace(from, to)), [""; 0], "{from} -> {to}");
    }
    for (from, to) in hits {
        assert_eq!(said(&hit.replace(from, to)).len(), 1, "{from} -> {to}");
    }
}

fn application(annotations: &str) -> String {
    format!(
        "apiVersion: argoproj.io/v1alpha1\nkind: Application\nmetadata:\n  name: shop-prod\n  namespace: argocd\n  labels: {{tier: back}}\n  annotations:\n    argocd-image-updater.argoproj.io/write-back-method: argocd\n{annotations}spec:\n  source: {{repoURL: '{URL}', path: envs/prod, targetRevision: main}}\n"
    )
}

#[test]
fn annotations_of_the_application_that_applies_the_file() {
    let hit = application(
        "    argocd-image-updater.argoproj.io/image-list: web=example.com/shop/web, api=example.com/shop/api:1.x\n",
    );
    table(
        &hit,
        "0.yaml:9: Argo CD Image Updater would overrule the edit",
        &["example.com/shop/api", "Application shop-prod", FILE, "first"],
        &[
            ("path: envs/prod", "path: envs/production"),
            ("targetRevision: main", "targetRevision: release"),
            ("team/shop", "team/other"),
            ("shop/api:1.x", "shop/apis:1.x"),
            ("image-list", "image-lists"),
        ],
        &[
            ("targetRevision: main", "targetRevision: HEAD"),
            // A fork or a mirror cannot be told apart.
            ("team/shop", "fork/shop"),
            // Through the kustomization that takes the file in.
            ("path: envs/prod", "path: ./overlays/prod/"),
            ("method: argocd", "method: git:secret:argocd/creds"),
            ("shop/api:1.x", "shop/api"),
        ],
    );
    let git = said(&hit.replace("method: argocd", "method: git"));
    assert!(git[0].contains("would undo the edit: it commits"), "{git:?}");
}

#[test]
fn annotations_in_the_template_of_an_application_set() {
    table(
        &format!(
            "apiVersion: argoproj.io/v1alpha1\nkind: ApplicationSet\nmetadata: {{name: shop}}\nspec:\n  generators:\n  - list: {{elements: [{{env: dev}}, {{env: prod}}]}}\n  template:\n    metadata:\n      name: 'shop-{{{{env}}}}'\n      annotations:\n        argocd-image-updater.argoproj.io/image-list: example.com/shop/{{{{image}}}}\n    spec:\n      source: {{repoURL: '{URL}', path: 'envs/{{{{env}}}}'}}\n"
        ),
        "0.yaml:11: Argo CD Image Updater",
        &["Application shop-prod"],
        &[
            ("{env: prod}", "{env: staging}"),
            ("path: 'envs", "path: 'clusters"),
            ("team/shop", "team/other"),
            ("shop/{{image}}", "shop/web"),
        ],
        &[
            ("elements: [{env: dev}, {env: prod}]", "elements: [{env: prod}]"),
            ("- list:", "- clusters:"),
        ],
    );
}

#[test]
fn an_image_updater_that_names_the_application() {
    let hit = application("").replace(
        "  annotations:\n    argocd-image-updater.argoproj.io/write-back-method: argocd\n",
        "",
    ) + "---\napiVersion: argocd-image-updater.argoproj.io/v1alpha1\nkind: ImageUpdater\nmetadata: {name: all, namespace: argocd}\nspec:\n  writeBackConfig: {method: 'git:secret:argocd/creds'}\n  applicationRefs:\n  - namePattern: web-*\n    images: [{alias: web, imageName: example.com/shop/web}]\n  - namePattern: shop-*\n    labelSelectors: {matchLabels: {tier: back}}\n    images: [{alias: api, imageName: 'example.com/shop/api:~1'}]\n";
    table(
        &hit,
        "1.yaml:9: ImageUpdater all",
        &[
            "Application shop-prod (0.yaml:1)",
            "would undo the edit",
            "example.com/shop/api",
        ],
        &[
            ("namePattern: shop-*", "namePattern: shop-dev*"),
            ("matchLabels: {tier: back}", "matchLabels: {tier: front}"),
            (
                "imageName: 'example.com/shop/api:~1'",
                "imageName: example.com/shop/apis",
            ),
            ("name: all, namespace: argocd", "name: all, namespace: other"),
            ("path: envs/prod", "path: envs/dev"),
            ("targetRevision: main", "targetRevision: release"),
            ("team/shop", "team/other"),
        ],
        &[("namePattern: shop-*", "namePattern: '*'")],
    );
    let annotated = application("    argocd-image-updater.argoproj.io/image-list: example.com/shop/api\n");
    let updater = "---\napiVersion: argocd-image-updater.argoproj.io/v1alpha1\nkind: ImageUpdater\nmetadata: {name: all}\nspec:\n  applicationRefs: [{namePattern: '*', useAnnotations: true}]\n";
    assert_eq!(said(&format!("{annotated}{updater}")).len(), 2);
    assert_eq!(
        said(&format!("{annotated}{}", updater.replace("true", "false"))).len(),
        1
    );
}

#[test]
fn flux_image_automation_of_the_marked_field() {
    let hit = format!(
        "apiVersion: source.toolkit.fluxcd.io/v1\nkind: GitRepository\nmetadata: {{name: flux-system}}\nspec: {{url: '{URL}', ref: {{branch: main}}}}\n---\napiVersion: image.toolkit.fluxcd.io/v1beta2\nkind: ImageUpdateAutomation\nmetadata: {{name: images, namespace: flux-system}}\nspec:\n  suspend: false\n  sourceRef: {{kind: GitRepository, name: flux-system}}\n  git: {{checkout: {{ref: {{branch: main}}}}, push: {{branch: main}}}}\n  update: {{path: ./envs/prod, strategy: Setters}}\n"
    );
    table(
        &hit,
        "1.yaml:1: Flux ImageUpdateAutomation images writes",
        &["flux-system:api", FILE, "would undo the edit", "suspend it"],
        &[
            ("path: ./envs/prod", "path: ./envs/dev"),
            ("checkout: {ref: {branch: main}}", "checkout: {ref: {branch: next}}"),
            ("suspend: false", "suspend: true"),
            ("team/shop", "team/other"),
            ("namespace: flux-system}", "namespace: other}"),
        ],
        &[
            ("path: ./envs/prod, ", ""),
            ("GitRepository, name: flux-system", "GitRepository, name: elsewhere"),
        ],
    );
    let proposed = said(&hit.replace("push: {branch: main}", "push: {branch: images}"));
    assert!(proposed[0].contains("once images is merged"), "{proposed:?}");
    let by_source = hit
        .replace("checkout: {ref: {branch: main}}, ", "")
        .replace("ref: {branch: main}}", "ref: {branch: next}}");
    assert_eq!(said(&by_source), [""; 0]);
}

#[test]
fn promotions_of_kargo() {
    let hit = format!(
        "apiVersion: kargo.akuity.io/v1alpha1\nkind: Stage\nmetadata: {{name: prod, namespace: shop}}\nspec:\n  vars: [{{name: repo, value: '{URL}.git'}}]\n  promotionTemplate:\n    spec:\n      steps:\n      - uses: git-clone\n        config:\n          repoURL: ${{{{ vars.repo }}}}\n          checkout: [{{branch: main, path: ./src}}, {{branch: 'stage/${{{{ ctx.stage }}}}', path: ./out}}]\n      - uses: kustomize-set-image\n        config:\n          path: ./src/envs/${{{{ ctx.stage }}}}\n          images: [{{image: example.com/shop/api, digest: x}}]\n      - uses: git-push\n        config: {{path: ./src, targetBranch: main}}\n"
    );
    table(
        &hit,
        "0.yaml:13: Kargo Stage prod writes envs/prod (step kustomize-set-image)",
        &["its next promotion would undo the edit", "promote through Kargo"],
        &[
            ("name: prod, namespace", "name: dev, namespace"),
            ("image: example.com/shop/api", "image: example.com/shop/web"),
            ("team/shop", "team/other"),
            ("targetBranch: main", "targetBranch: stage/prod"),
            ("branch: main, path: ./src}", "branch: main, path: ./other}"),
            ("uses: git-push", "uses: git-commit"),
            ("kind: Stage", "kind: PromotionTask"),
            // It only reads them.
            ("uses: kustomize-set-image", "uses: kustomize-build"),
        ],
        &[
            (", targetBranch: main", ""),
            ("path: ./src/envs/${{ ctx.stage }}", "path: ./src/overlays/prod"),
            ("uses: kustomize-set-image", "uses: helm-update-chart"),
            ("image: example.com/shop/api", "image: '${{ vars.image }}'"),
        ],
    );
    let proposed = hit.replace("targetBranch: main", "generateTargetBranch: true");
    assert_eq!(said(&proposed), [""; 0], "nobody asks for it to be merged");
    let proposed = said(&(proposed + "      - uses: git-open-pr\n        config: {targetBranch: main}\n"));
    assert!(proposed[0].contains("once that is merged"), "{proposed:?}");
}

#[test]
fn tasks_mechanisms_and_applications_of_kargo() {
    let task = format!(
        "apiVersion: kargo.akuity.io/v1alpha1\nkind: Stage\nmetadata: {{name: prod}}\nspec:\n  promotionTemplate:\n    spec:\n      steps:\n      - task: {{name: set}}\n        vars: [{{name: file, value: app.yaml}}]\n---\napiVersion: kargo.akuity.io/v1alpha1\nkind: PromotionTask\nmetadata: {{name: set}}\nspec:\n  vars: [{{name: file}}]\n  steps:\n  - uses: git-clone\n    config: {{repoURL: '{URL}', checkout: [{{path: src}}]}}\n  - uses: yaml-update\n    config: {{path: 'src/envs/prod/${{{{ vars.file }}}}'}}\n  - uses: git-push\n    config: {{path: src}}\n"
    );
    table(
        &task,
        "1.yaml:9: Kargo Stage prod writes envs/prod/app.yaml (step yaml-update)",
        &[],
        &[
            ("value: app.yaml", "value: web.yaml"),
            ("task: {name: set}", "task: {name: other}"),
        ],
        &[],
    );
    let mechanism = format!(
        "apiVersion: kargo.akuity.io/v1alpha1\nkind: Stage\nmetadata: {{name: prod}}\nspec:\n  promotionMechanisms:\n    gitRepoUpdates:\n    - repoURL: {URL}\n      writeBranch: main\n      kustomize: {{images: [{{image: example.com/shop/api, path: envs/prod}}]}}\n"
    );
    table(
        &mechanism,
        "0.yaml:9: Kargo Stage prod writes envs/prod",
        &[],
        &[
            ("path: envs/prod", "path: envs/dev"),
            ("writeBranch: main", "writeBranch: stage/prod"),
        ],
        &[],
    );
    let in_cluster = application("").replace(
        "annotations:\n    argocd-image-updater.argoproj.io/write-back-method: argocd\n",
        "annotations: {}\n",
    ) + "---\napiVersion: kargo.akuity.io/v1alpha1\nkind: Stage\nmetadata: {name: prod}\nspec:\n  promotionTemplate:\n    spec:\n      steps:\n      - uses: argocd-update\n        config: {apps: [{name: 'shop-${{ ctx.stage }}', sources: [{kustomize: {images: [{repoURL: example.com/shop/api}]}}]}]}\n";
    table(
        &in_cluster,
        "1.yaml:8: Kargo Stage prod sets example.com/shop/api on Application shop-prod",
        &["overrules the edit"],
        &[
            ("name: 'shop-", "name: 'web-"),
            ("repoURL: example.com/shop/api", "repoURL: example.com/shop/web"),
            ("path: envs/prod", "path: envs/dev"),
        ],
        &[],
    );
}
