//! Manifests made to hurt: whatever they are, a scan ends, in bounded memory, without a panic, and
//! says what it left out. (That it ends soon is seen by the test run ending at all.)

use std::fmt::Write as _;

use pindeck::domain::id::Digest;
use pindeck::sources::git::edit::{NewPin, TagChange, plan_edit};
use pindeck::sources::git::manifest::{DetectionRule, Scan, scan};
use proptest::prelude::*;

const A: &str = "sha256:aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa";
const POD: &str = "apiVersion: v1\nkind: Pod\nspec:\n  containers:\n  - image: ";

fn look(text: impl AsRef<[u8]>) -> Scan {
    scan("values.yaml", text.as_ref())
}

fn look_as(path: &str, text: &str) -> Scan {
    scan(path, text.as_bytes())
}

fn problem(scan: &Scan) -> &str {
    scan.problem.as_deref().expect("a problem is named")
}

#[test]
fn deep_nesting() {
    for text in [
        "[".repeat(200_000),
        "{a: ".repeat(200_000),
        "- ".repeat(200_000),
        "a:\n"
            .chars()
            .chain((1..3000).flat_map(|n| format!("{}a:\n", " ".repeat(n)).chars().collect::<Vec<_>>()))
            .collect(),
        "? ".repeat(100_000),
        format!("{}{}", "[".repeat(127), "]".repeat(126)),
    ] {
        assert!(look(&text).problem.is_some());
    }
    // What is deep but bearable is read.
    let text = format!("{}{POD}app@{A}\n", "");
    let nested = text.replace("spec:", &format!("spec:\n  x: {}{}", "[".repeat(100), "]".repeat(100)));
    assert_eq!(look(nested).found.len(), 1);
}

#[test]
fn alias_bombs() {
    // Nine levels of nine: a billion laughs, if expanded.
    let mut laughs = "a0: &a0 [lol, lol]\n".to_owned();
    let mut merges = "a0: &a0 {image: x:1, repository: shop/x, tag: v1}\n".to_owned();
    for level in 1..10 {
        let below = level - 1;
        let list = vec![format!("*a{below}"); 9].join(", ");
        writeln!(laughs, "a{level}: &a{level} [{list}]").expect("written");
        writeln!(merges, "a{level}: &a{level} {{<<: [{list}], image{level}: 1}}").expect("written");
    }
    assert_eq!(look(&laughs).found.len(), 0);
    let scan = look(&merges);
    assert!(scan.found.len() < 100, "{}", scan.found.len());
    // Many aliases of one large mapping.
    let wide: String = (0..2000).fold("big: &big\n".to_owned(), |mut text, n| {
        writeln!(text, "  k{n}: {{image: app:{n}}}").expect("written");
        text
    });
    let helmfile = format!(
        "{wide}releases:\n{}",
        "- {chart: x, values: [*big]}\n- *big\n".repeat(5000)
    );
    let scan = look(&helmfile);
    assert!(scan.found.len() <= 20_000);
    // Lists of file names, multiplied.
    let files = format!("x: &x\n{}", "- {path: y}\n".repeat(3000));
    let includes = look_as(
        "compose.yaml",
        &format!(
            "x-{files}services:\n{}",
            (0..3000).fold(String::new(), |text, n| text + &format!("  s{n}: {{env_file: *x}}\n"))
        ),
    );
    assert!(includes.problem.is_some(), "{} files", includes.includes.len());
    // Aliases of an ancestor.
    for text in [
        "&a [*a]",
        "&a {<<: *a, image: x:1}",
        "a: &a {b: &b {<<: *a, c: *b}}",
        "*a",
    ] {
        let _ = look(text);
    }
    // More aliases than can be listed make a pin read-only, not wrong.
    let many = format!(
        "x: &i {{repository: shop/app, tag: v1@{A}}}\ny: [{}]\n",
        "*i, ".repeat(30_000)
    );
    let scan = look(many);
    assert_eq!(scan.found.len(), 1);
    assert!(scan.found[0].read_only.is_some());
}

#[test]
fn a_million_documents() {
    let scan = look("---\n".repeat(1_000_000));
    assert!(problem(&scan).contains("documents"));
    let scan = look(format!("{POD}app:1@{A}\n") + &"---\na\n".repeat(200_000));
    assert_eq!(
        scan.found
            .iter()
            .filter(|f| f.rule == DetectionRule::KubernetesObject)
            .count(),
        1
    );
    assert!(scan.found[0].read_only.is_some());
}

#[test]
fn long_lines_and_large_files() {
    assert!(problem(&look(vec![b'a'; 100 << 20])).contains("bytes"));
    let _ = look(format!("a: {}", "x".repeat(8 << 20)));
    let _ = look(format!("\"{}\": 1", "k".repeat(1 << 20)));
    let _ = look(format!("? {}\n: image", "k".repeat(1 << 20)));
    let _ = look("#".repeat(8 << 20));
    let _ = look(" ".repeat(8 << 20));
    let _ = look("a: |\n".to_owned() + &"  x\n".repeat(1 << 20));
    let _ = look("\t".repeat(1 << 20));
    let _ = look("a\n".repeat(1 << 20));
    let _ = look("- a\n".repeat(1 << 20));
}

#[test]
fn more_references_than_anybody_has() {
    for text in [
        format!("a: |\n{}", format!("  x:1@{A}\n").repeat(50_000)),
        format!("a:\n{}", format!("- x:1@{A}\n").repeat(50_000)),
        format!("{{{{\n{}", format!("image: x:1@{A}\n").repeat(50_000)),
        format!("a: {}", format!("x@{A} ").repeat(50_000)),
        format!("a:\n{}", format!("- {A}\n").repeat(50_000)),
    ] {
        let scan = look(&text);
        assert!(scan.found.len() <= 20_001 && scan.unmanaged.len() <= 20_000);
        assert!(scan.problem.is_some());
    }
}

#[test]
fn what_is_no_text() {
    assert!(problem(&look(b"a: \xff\xfe")).contains("UTF-8"));
    assert!(problem(&look(b"\xff\xfea\0:\0")).contains("UTF-16"));
    assert!(problem(&look(b"a: \0b")).contains("NUL"));
    for text in [
        "",
        "\u{feff}",
        "\r",
        "\r\n\r\n",
        "%YAML 9.9\n---\na",
        "--- !!binary x",
        "\u{85}a: b",
        "'",
        "\"\\",
        "&",
        "*",
        "!",
    ] {
        let _ = look(text);
    }
}

fn pin(tag: TagChange) -> NewPin {
    NewPin {
        digest: Digest::of(b"new"),
        tag,
    }
}

/// The shapes that pins have; `D` becomes a digest, `T` a tag, `J` junk around it.
const SHAPES: &[(&str, &str)] = &[
    (
        "pod.yaml",
        "apiVersion: v1\nkind: Pod\nJspec:\n  containers:\n  - image: shop/app:T@D # J\n  - {image: 'shop/app@D'}\n",
    ),
    (
        "kustomization.yaml",
        "images:\n- name: shop/app\n  newTag: \"T\"\n  digest: D\n# J\n",
    ),
    (
        "values.yaml",
        "a:\n   image: {repository: shop/app, tag: 'T', digest: \"D\"}\n# J\nb: &x shop/app:T@D\nc: {image: *x}\n",
    ),
    (
        "compose.yaml",
        "services:\n  a:\n    image: ${X:-shop/app:T@D}\n  b: {image: \"shop/app:T\"}\n# J",
    ),
    (
        "app.yaml",
        "apiVersion: argoproj.io/v1alpha1\nkind: Application\nspec:\n  source:\n    helm:\n      values: |\n        image:\n          repository: shop/app\n          tag: T@D # J\n",
    ),
];

fn check_edit(path: &str, text: &str, tag: TagChange) -> Result<(), TestCaseError> {
    let before = scan(path, text.as_bytes());
    for found in before.found.iter().filter(|f| f.read_only.is_none()) {
        let pin = pin(tag.clone());
        let Ok(edited) = plan_edit(path, text.as_bytes(), &[found], &pin) else {
            continue;
        };
        let after = scan(path, &edited.bytes);
        prop_assert_eq!(after.found.len(), before.found.len());
        let changed = before
            .found
            .iter()
            .zip(&after.found)
            .filter(|(a, b)| a.digest != b.digest)
            .count();
        prop_assert_eq!(changed, usize::from(found.digest != Some(pin.digest)));
        let new = String::from_utf8(edited.bytes.clone()).expect("UTF-8");
        prop_assert!(new.contains(&pin.digest.to_string()) || new.contains(&pin.digest.hex()));
        // The same edit again finds nothing to do.
        let again = after
            .found
            .iter()
            .find(|f| f.digest == Some(pin.digest))
            .expect("the new pin");
        let again = plan_edit(
            path,
            &edited.bytes,
            &[again],
            &NewPin {
                tag: TagChange::Keep,
                ..pin
            },
        );
        prop_assert!(again.is_ok_and(|again| again.bytes == edited.bytes));
    }
    Ok(())
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(128))]

    #[test]
    fn any_text_is_survived(text in "\\PC*", path in "(values|kustomization|compose|helmfile)\\.yaml") {
        let _ = scan(&path, text.as_bytes());
    }

    #[test]
    fn any_bytes_are_survived(bytes in proptest::collection::vec(any::<u8>(), 0..400)) {
        let _ = look(bytes);
    }

    #[test]
    fn yaml_like_soup_is_survived(parts in proptest::collection::vec(
        prop_oneof![
            Just("image: "), Just("- "), Just("\n"), Just("  "), Just("&a "), Just("*a"), Just("{"), Just("}"), Just("["), Just("]"),
            Just("repository: x/y"), Just("tag: "), Just("digest: "), Just("|\n"), Just(">-\n"), Just(": "), Just("'"), Just("\""),
            Just("---\n"), Just("<<: "), Just(A), Just("@"), Just("apiVersion: v1\nkind: Pod\n"), Just("images:\n"), Just("newTag: v1"),
            Just("services:\n"), Just("${A:-"), Just("# c\n"), Just("\r\n"), Just("é"), Just("? "), Just("!!str "),
        ], 0..40)) {
        let text = parts.concat();
        for path in ["values.yaml", "kustomization.yaml", "compose.yaml", "x.json"] {
            let found = scan(path, text.as_bytes()).found;
            for span in found.iter().filter_map(|f| f.digest_span.clone()) {
                prop_assert_eq!(&text[span], A);
            }
            check_edit(path, &text, TagChange::Keep)?;
        }
    }

    #[test]
    fn an_edit_changes_one_pin_only(
        shape in 0..SHAPES.len(),
        digest in any::<[u8; 32]>(),
        tag in "[a-zA-Z0-9_][a-zA-Z0-9._-]{0,12}",
        junk in "[a-z \\PC]{0,20}",
        update in proptest::option::of("[a-zA-Z0-9_][a-zA-Z0-9._-]{0,12}"),
        crlf in any::<bool>(),
        bom in any::<bool>(),
    ) {
        let (path, text) = SHAPES[shape];
        let digest = Digest::from_bytes(digest);
        let mut text = text
            .replace("Jspec", "spec")
            .replace("T", &tag)
            .replace("D", &digest.to_string())
            .replace("J", junk.trim());
        if crlf {
            text = text.replace('\n', "\r\n");
        }
        if bom {
            text.insert(0, '\u{feff}');
        }
        check_edit(path, &text, update.map_or(TagChange::Keep, TagChange::Update))?;
        check_edit(path, &text, TagChange::Drop)?;
    }

    #[test]
    fn an_inserted_digest_is_found_where_it_was_put(tag in "[a-z0-9][a-z0-9.]{0,8}", indent in 1usize..6) {
        let pad = " ".repeat(indent);
        for (path, text) in [
            ("values.yaml", format!("x:\n{pad}image:\n{pad}{pad}repository: shop/app\n{pad}{pad}tag: \"{tag}\"\n{pad}y: 1\n")),
            ("kustomization.yaml", format!("images:\n{pad}- newTag: \"{tag}\"\n{pad}  name: shop/app\n")),
            ("pod.yaml", format!("apiVersion: v1\nkind: Pod\nspec:\n{pad}image: shop/app:{tag}\n")),
        ] {
            let before = scan(path, text.as_bytes());
            prop_assert_eq!(before.found.len(), 1);
            let edited = plan_edit(path, text.as_bytes(), &[&before.found[0]], &pin(TagChange::Keep)).expect("edited");
            let after = scan(path, &edited.bytes);
            prop_assert_eq!(after.found[0].digest, Some(Digest::of(b"new")));
            prop_assert_eq!(&after.found[0].tag, &before.found[0].tag);
        }
    }
}
