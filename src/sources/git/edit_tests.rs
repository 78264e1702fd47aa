use super::*;
use crate::sources::git::manifest::scan;

const A: &str = "sha256:aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa";
const B: &str = "sha256:bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb";

fn pin(tag: TagChange) -> NewPin {
    NewPin {
        digest: B.parse().expect("digest"),
        tag,
    }
}

/// Edits every reference to the image whose name ends in `app`.
fn edit(path: &str, text: &str, tag: TagChange) -> Result<String, EditError> {
    let found = scan(path, text.as_bytes()).found;
    let which: Vec<_> = found.iter().filter(|f| f.written.ends_with("app")).collect();
    assert!(!which.is_empty(), "nothing found in:\n{text}");
    plan_edit(path, text.as_bytes(), &which, &pin(tag)).map(|e| String::from_utf8(e.bytes).expect("UTF-8"))
}

fn deployment(image: &str) -> String {
    format!(
        "apiVersion: apps/v1\nkind: Deployment\nspec:\n  template:\n    spec:\n      containers:\n      - name: app\n        image: {image} # why\n      - {{name: x, image: other:1}}\n"
    )
}

#[test]
fn digest_changes_and_nothing_else() {
    for (path, text) in [
        ("d.yaml", deployment(&format!("r.io/app:v1@{A}"))),
        ("d.yaml", deployment(&format!("\"r.io/app@{A}\""))),
        ("d.yaml", deployment(&format!("'r.io/app@{A}'"))),
        ("d.yaml", deployment(&format!("&i r.io/app@{A}"))),
        ("d.yaml", deployment(&format!("r.io/app@{A}")).replace('\n', "\r\n")),
        ("d.yaml", format!("\u{feff}{}", deployment(&format!("r.io/app@{A}")))),
        ("d.yaml", deployment(&format!("r.io/app@{A}")).trim_end().to_owned()),
        (
            "kustomization.yaml",
            format!("images:\n- name: app\n  digest: {A}\n  newTag: \"1.0\"\n"),
        ),
        (
            "kustomization.yaml",
            format!("images:\n- name: app\n  newTag: v1@{A}\n"),
        ),
        (
            "kustomization.yaml",
            format!("images:\n- name: x\n  newName: r.io/app@{A}\n"),
        ),
        ("values.yaml", format!("image:\n  repository: app\n  tag: v1@{A}\n")),
        (
            "values.yaml",
            format!("image:\n  repository: app\n  digest: >-\n    {A}\n  tag: 1\n"),
        ),
        ("values.yaml", format!("image: {{repository: app, digest: '{A}'}}\n")),
        (
            "values.yaml",
            format!("image: {{registry: r.io, repository: app, sha: {}}}\n", &A[7..]),
        ),
        (
            "values.yaml",
            format!("image:\n  repository: app@sha256\n  tag: {}\n", &A[7..]),
        ),
        (
            "values.yaml",
            format!("a: &x\n  repository: app\n  tag: v1@{A}\nb: *x\n"),
        ),
        (
            "compose.yaml",
            format!("services:\n  a:\n    image: ${{IMAGE:-r.io/app:1@{A}}}\n"),
        ),
        ("images.yaml", format!("- name: app\n  dmap:\n    \"{A}\": [\"1.0\"]\n")),
        (
            "app.yaml",
            format!(
                "apiVersion: argoproj.io/v1alpha1\nkind: Application\nspec:\n  source:\n    kustomize:\n      images:\n      - old=r.io/app@{A}\n"
            ),
        ),
        (
            "app.yaml",
            format!(
                "apiVersion: argoproj.io/v1alpha1\nkind: Application\nspec:\n  source:\n    helm:\n      values: |\n        # c\n        image:\n          repository: r.io/app\n          digest: {A}\n"
            ),
        ),
        (
            "oci.yaml",
            format!(
                "apiVersion: source.toolkit.fluxcd.io/v1\nkind: OCIRepository\nspec:\n  url: oci://r.io/app\n  ref:\n    digest: {A}\n"
            ),
        ),
    ] {
        let wanted = text.replace(&A[7..], &B[7..]);
        assert_eq!(edit(path, &text, TagChange::Keep).as_ref(), Ok(&wanted), "{text}");
    }
}

#[test]
fn a_digest_is_inserted_beside_a_tag() {
    let argo = |image: &str| {
        format!(
            "apiVersion: argoproj.io/v1alpha1\nkind: Application\nspec:\n  source:\n    kustomize:\n      images: [{image}]\n"
        )
    };
    for (path, text, wanted) in [
        ("d.yaml", deployment("r.io/app:v1"), deployment(&format!("r.io/app:v1@{B}"))),
        ("d.yaml", deployment("\"r.io/app:v1\""), deployment(&format!("\"r.io/app:v1@{B}\""))),
        (
            "kustomization.yaml",
            "images:\n  - name: app\n    newTag: v1 # c\nresources: []\n".to_owned(),
            format!("images:\n  - name: app\n    newTag: v1 # c\n    digest: {B}\nresources: []\n"),
        ),
        (
            "kustomization.yaml",
            "images:\r\n- newTag: v1\r\n  name: app".to_owned(),
            format!("images:\r\n- newTag: v1\r\n  digest: {B}\r\n  name: app"),
        ),
        (
            "kustomization.yaml",
            "images:\n- name: app\n  newTag: v1".to_owned(),
            format!("images:\n- name: app\n  newTag: v1\n  digest: {B}"),
        ),
        (
            "values.yaml",
            "x:\n     image:\n          repository: app\n          tag: \"1\"\n     y: z\n".to_owned(),
            format!("x:\n     image:\n          repository: app\n          tag: \"1\"\n          digest: {B}\n     y: z\n"),
        ),
        (
            "values.yaml",
            "image: { repository: app, tag: v1 }\n".to_owned(),
            format!("image: {{ repository: app, tag: v1, digest: {B} }}\n"),
        ),
        (
            "values.yaml",
            "image:\n  repository: app\n  tag: v1\n  digest: \"\"\n".to_owned(),
            format!("image:\n  repository: app\n  tag: v1\n  digest: \"{B}\"\n"),
        ),
        (
            "values.yaml",
            "image:\n  repository: app\n  digest:\n  tag: v1\n".to_owned(),
            format!("image:\n  repository: app\n  digest: {B}\n  tag: v1\n"),
        ),
        (
            "values.yaml",
            "image:\n  repository: app\n  digest: ~ # none yet\n  tag: v1\n".to_owned(),
            format!("image:\n  repository: app\n  digest: {B} # none yet\n  tag: v1\n"),
        ),
        (
            "compose.yaml",
            "services:\n  a: {image: 'r.io/app:v1'}\n".to_owned(),
            format!("services:\n  a: {{image: 'r.io/app:v1@{B}'}}\n"),
        ),
        (
            "compose.yaml",
            "services:\n  a:\n    image: r.io/app:${TAG:-v1}\n".to_owned(),
            format!("services:\n  a:\n    image: r.io/app:${{TAG:-v1}}@{B}\n"),
        ),
        (
            "compose.yaml",
            "services:\n  a:\n    image: ${IMAGE:-r.io/app:v1}\n".to_owned(),
            format!("services:\n  a:\n    image: ${{IMAGE:-r.io/app:v1@{B}}}\n"),
        ),
        ("app.yaml", argo("old=r.io/app:v1"), argo(&format!("old=r.io/app:v1@{B}"))),
        (
            "app.yaml",
            "apiVersion: argoproj.io/v1alpha1\nkind: Application\nspec:\n  source:\n    helm:\n      parameters:\n      - name: image.repository\n        value: r.io/app\n      - name: image.tag\n        value: \"v1\"\n".to_owned(),
            format!("apiVersion: argoproj.io/v1alpha1\nkind: Application\nspec:\n  source:\n    helm:\n      parameters:\n      - name: image.repository\n        value: r.io/app\n      - name: image.tag\n        value: \"v1@{B}\"\n"),
        ),
        (
            "app.yaml",
            "apiVersion: argoproj.io/v1alpha1\nkind: Application\nspec:\n  source:\n    helm:\n      values: |\n        image:\n          repository: app\n          tag: v1\n        x: y\n".to_owned(),
            format!("apiVersion: argoproj.io/v1alpha1\nkind: Application\nspec:\n  source:\n    helm:\n      values: |\n        image:\n          repository: app\n          tag: v1\n          digest: {B}\n        x: y\n"),
        ),
        (
            "oci.yaml",
            "apiVersion: source.toolkit.fluxcd.io/v1\nkind: OCIRepository\nspec:\n  url: oci://r.io/app\n  ref:\n    tag: v1\n".to_owned(),
            format!("apiVersion: source.toolkit.fluxcd.io/v1\nkind: OCIRepository\nspec:\n  url: oci://r.io/app\n  ref:\n    tag: v1\n    digest: {B}\n"),
        ),
    ] {
        assert_eq!(edit(path, &text, TagChange::Keep), Ok(wanted), "{text}");
    }
}

#[test]
fn tags_are_updated_kept_and_dropped() {
    let update = || TagChange::Update("1.10".to_owned());
    let kustomization = format!("images:\n- name: app\n  newTag: v1\n  digest: {A}\n");
    for (path, text, tag, wanted) in [
        (
            "d.yaml",
            deployment(&format!("r.io/app:v1@{A}")),
            update(),
            deployment(&format!("r.io/app:1.10@{B}")),
        ),
        (
            "d.yaml",
            deployment(&format!("r.io/app:v1@{A}")),
            TagChange::Drop,
            deployment(&format!("r.io/app@{B}")),
        ),
        // 1.10 without quotes is the number 1.1.
        (
            "kustomization.yaml",
            kustomization.clone(),
            update(),
            format!("images:\n- name: app\n  newTag: \"1.10\"\n  digest: {B}\n"),
        ),
        // A version with two points is a text either way.
        (
            "kustomization.yaml",
            kustomization.clone(),
            TagChange::Update("1.10.0".to_owned()),
            format!("images:\n- name: app\n  newTag: 1.10.0\n  digest: {B}\n"),
        ),
        (
            "kustomization.yaml",
            kustomization.clone(),
            TagChange::Drop,
            format!("images:\n- name: app\n  digest: {B}\n"),
        ),
        (
            "values.yaml",
            format!("image:\n  repository: app\n  tag: 'v1@{A}' # c\n"),
            update(),
            format!("image:\n  repository: app\n  tag: '1.10@{B}' # c\n"),
        ),
        // A pin without a tag gets none.
        (
            "d.yaml",
            deployment(&format!("r.io/app@{A}")),
            update(),
            deployment(&format!("r.io/app@{B}")),
        ),
    ] {
        assert_eq!(edit(path, &text, tag), Ok(wanted), "{text}");
    }
}

#[test]
fn refusals_say_why() {
    let cases = [
        // A tag that cannot go.
        (
            "values.yaml",
            format!("image:\n  repository: app\n  tag: v1@{A}\n"),
            TagChange::Drop,
            "bare digest",
        ),
        (
            "values.yaml",
            format!("image:\n  repository: app\n  tag: v1\n  digest: {A}\n"),
            TagChange::Drop,
            "falls back",
        ),
        (
            "d.yaml",
            deployment(&format!("app:v1@{A}")),
            TagChange::Update("a b".into()),
            "valid tag",
        ),
        // Two images share one tag through a merge.
        (
            "values.yaml",
            format!("a: &x\n  repository: app\n  tag: v1@{A}\nb:\n  <<: *x\n  repository: other\n"),
            TagChange::Keep,
            "also pins other",
        ),
        (
            "kustomization.yaml",
            format!("images:\n- name: app\n  newTag: v1@{A}\n  digest: {A}\n"),
            TagChange::Keep,
            "two fields",
        ),
        (
            "compose.yaml",
            "services:\n  a:\n    image: r.io/app:${TAG}\n".to_owned(),
            TagChange::Keep,
            "environment",
        ),
        (
            "d.yaml",
            format!("{}---\na: [\n", deployment(&format!("app:v1@{A}"))),
            TagChange::Keep,
            "could not be read",
        ),
        (
            "d.yaml",
            deployment(&format!("\"r.io/app@sha256:\\x61{}\"", &A[8..])),
            TagChange::Keep,
            "escaped",
        ),
    ];
    for (path, text, tag, why) in cases {
        let error = edit(path, &text, tag).expect_err(&text).to_string();
        assert!(error.contains(why), "{error:?} should say {why:?}");
    }
}

#[test]
fn a_file_that_moved_on_is_not_edited() {
    let text = deployment(&format!("r.io/app:v1@{A}"));
    let found = scan("d.yaml", text.as_bytes()).found;
    let later = format!("# a line more\n{text}");
    let error = plan_edit("d.yaml", later.as_bytes(), &[&found[0]], &pin(TagChange::Keep));
    assert!(matches!(error, Err(EditError::Moved { .. })), "{error:?}");
}

#[test]
fn an_edit_tells_lines_aliases_and_warnings() {
    let text = format!(
        "apiVersion: v1\nkind: Pod\nspec:\n  initContainers:\n  - image: &i app:v1@{A} # {{\"$imagepolicy\": \"ns:app\"}}\n  containers:\n  - image: *i\n"
    );
    let found = scan("p.yaml", text.as_bytes()).found;
    assert_eq!(found.len(), 1, "one definition, used twice");
    let edited = plan_edit("p.yaml", text.as_bytes(), &[&found[0]], &pin(TagChange::Keep)).expect("edited");
    assert_eq!(edited.base, Digest::of(text.as_bytes()));
    let edit = &edited.edits[0];
    assert_eq!((edit.line, edit.aliases.len(), edit.aliases[0].line), (5, 1, 7));
    assert_eq!(edit.aliases[0].yaml_path, "$[0].spec.containers[0].image");
    assert!(edit.before.contains(A) && edit.after.contains(B));
    let said: Vec<_> = edited.warnings.iter().map(|w| w.text.as_str()).collect();
    assert!(said.iter().any(|w| w.contains("policy ns/app")), "{said:?}");
    assert!(said.iter().any(|w| w.contains("stays beside")), "{said:?}");
}

#[test]
fn several_places_at_once() {
    let text = deployment(&format!("r.io/app@{A}")).replace("other:1", &format!("r.io/app:v1@{A}"));
    let wanted = text.replace(A, B);
    assert_eq!(edit("d.yaml", &text, TagChange::Keep), Ok(wanted));
}

#[test]
fn the_same_pin_again_changes_nothing() {
    let text = deployment(&format!("r.io/app@{B}"));
    let found = scan("d.yaml", text.as_bytes()).found;
    let edited = plan_edit("d.yaml", text.as_bytes(), &[&found[0]], &pin(TagChange::Keep)).expect("planned");
    assert_eq!((edited.edits.len(), edited.bytes.as_slice()), (0, text.as_bytes()));
}
