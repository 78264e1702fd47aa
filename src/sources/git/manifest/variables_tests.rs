use super::*;

fn all() -> Vec<Variable> {
    read("# comment\nTAG=1.4.0\nexport NAME='r.example/app' # ours\nEMPTY=\nTAG=1.5.0 # newer\nMADE=${TAG}-x\nELSE=${HOME}/x\n").0
}

#[test]
fn variables_are_read_as_compose_reads_them() {
    let found: Vec<(String, Option<String>, u32)> =
        all().into_iter().map(|one| (one.name, one.value, one.line)).collect();
    let expected = [
        ("TAG", Some("1.5.0"), 5),
        ("NAME", Some("r.example/app"), 3),
        ("EMPTY", Some(""), 4),
        ("MADE", Some("1.5.0-x"), 6),
        ("ELSE", None, 7),
    ];
    let expected = expected.map(|(name, value, line)| (name.to_owned(), value.map(str::to_owned), line));
    assert_eq!(found, expected);
}

#[test]
fn every_form_of_a_variable() {
    let variables = all();
    let text = |template: &str| interpolate(template, &variables).map(|made| made.text);
    for (template, expected) in [
        ("$NAME:$TAG", Some("r.example/app:1.5.0")),
        ("${NAME}:${TAG}-alpine", Some("r.example/app:1.5.0-alpine")),
        ("${NAME}:${OTHER:-2}", Some("r.example/app:2")),
        ("app:${EMPTY:-3}", Some("app:3")),
        ("app:${EMPTY-3}", Some("app:")),
        ("app:${TAG:-3}", Some("app:1.5.0")),
        ("app:${TAG:?set it}", Some("app:1.5.0")),
        ("app${TAG:+:fixed}", Some("app:fixed")),
        ("app${OTHER:+:fixed}", Some("app")),
        ("app:${MADE}", Some("app:1.5.0-x")),
        ("a$$b", Some("a$b")),
        ("app:${ELSE}", None),
        ("app:${OTHER}", None),
        ("app:${OTHER:?set it}", None),
        ("app:${OTHER:-${TAG}}", None),
        ("app:${TAG", None),
        ("app:${TAG%x}", None),
        ("app:$", None),
        ("app:$1", None),
    ] {
        assert_eq!(text(template).as_deref(), expected, "{template}");
    }
}

#[test]
fn the_variable_that_decides() {
    let digest = format!("sha256:{}", "ab".repeat(32));
    let text = format!(
        "TAG=1.5.0\nNAME=r.example/app\nREGISTRY=r.example\nFULL=r.example/app:1\nBOTH=1.5.0@{digest}\nDIGEST={digest}\n\
         HEX={}\nSHORT=nginx\n",
        "ab".repeat(32)
    );
    let (variables, founds) = read(&text);
    let found = |handle| match handle {
        Handle::Layered(at) => founds.get(at as usize),
        Handle::Found(_) => None,
    };
    for (template, expected) in [
        ("${NAME}:${TAG}", Some(("TAG", true))),
        ("app:${TAG:-1}", Some(("TAG", true))),
        ("${FULL}", Some(("FULL", true))),
        ("app:${BOTH}", Some(("BOTH", true))),
        ("app@${DIGEST}", Some(("DIGEST", true))),
        ("app@sha256:${HEX}", Some(("HEX", true))),
        // What stands around the value is a part of the version, or the value means something else alone.
        ("app:${TAG}-alpine", Some(("TAG", false))),
        ("app:v${TAG}", Some(("TAG", false))),
        ("app:${TAG}${TAG}", Some(("TAG", false))),
        ("app:${TAG}@${DIGEST}", Some(("DIGEST", false))),
        ("${SHORT}", Some(("SHORT", false))),
        ("${NAME}", Some(("NAME", true))),
        // The Compose file decides itself.
        ("${REGISTRY}/app:1", None),
        ("app${TAG:+:fixed}", None),
    ] {
        let made = interpolate(template, &variables).expect("all are set");
        let decides = made.decides(&found);
        let said = decides.map(|one| (one.variable.name.as_str(), one.mixed.is_none()));
        assert_eq!(said, expected, "{template} {:?}", made);
    }
}
