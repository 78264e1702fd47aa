use super::*;

const KEY: &str = "-----BEGIN PUBLIC KEY-----\nMFkw\n-----END PUBLIC KEY-----\n";

fn load_text(text: &str) -> Result<TeamPolicy, ConfigError> {
    let read = |path: &str| match path {
        "ci.pub" => Ok(KEY.as_bytes().to_vec()),
        "root.json" => Ok(b"{}".to_vec()),
        "private.pem" => Ok(b"-----BEGIN PRIVATE KEY-----\n-----BEGIN PUBLIC KEY-----".to_vec()),
        "junk" => Ok(b"junk".to_vec()),
        _ => Err(std::io::Error::from(std::io::ErrorKind::NotFound)),
    };
    load(text, "pindeck.toml", &read, PolicySource::Commit("abc".into()))
}

const GOOD: &str = r#"version = 1
ignore = ["docker.io/**"]
branch = "main"
[[environments]]
name = "dev"
paths = ["envs/dev/**"]
policy = "release"
[[environments]]
name = "production"
paths = ["envs/production/**"]
policy = "release"
registry = "prod.example.com/shop/"
write = "branch"
confirm = "type-name"
[[services]]
name = "payments"
image = "registry.example.com/shop/payments"
candidate = { semver = ">=2, <3" }
immutable_tags = '^v\d'
[policies.release]
require = ["signature", "test-result"]
signer = { default = "ci", test-result = "keyless" }
builder = "https://example.com/builder"
test-result = { accept = ["PASSED"], acknowledge = ["WARNED"] }
max_age = { vulnerability-scan = "7d" }
soak = "24h"
freeze = [{ from = "Fri 16:00", to = "Mon 08:00", zone = "Europe/Berlin" }]
break_glass = ["soak", "freeze"]
[trust.ci]
keys = ["ci.pub"]
transparency_log = "not-required"
[trust.keyless]
root = "public-good"
identities = [{ san_regex = "https://github.com/x/{service}/.*", issuer = "https://token.actions.githubusercontent.com", source_ref = "refs/heads/main" }]
[registries."registry.example.com"]
endpoint = "http://127.0.0.1:5000"
requests_per_second = 20
"#;

#[test]
fn everything_of_the_contract_is_read() {
    let team = load_text(GOOD).expect("valid");
    assert_eq!(team.environments[0].after, []);
    assert_eq!(team.environments[1].after, ["dev".into()]);
    assert_eq!(team.environments[1].registry.as_deref(), Some("prod.example.com/shop"));
    let policy = &team.policies["release"];
    assert_eq!(
        (
            policy.soak,
            policy.builder.len(),
            policy.freeze.len(),
            policy.break_glass.len()
        ),
        (Some(86_400), 1, 1, 2)
    );
    assert_eq!(policy.signer.for_kind(EvidenceKind::TestResult, None), Some("keyless"));
    assert_eq!(
        team.trust["keyless"].identities[0].claims["source_ref"],
        "refs/heads/main"
    );
    assert!(
        team.registries["registry.example.com"].anonymous,
        "a repository's own endpoint gets no credentials"
    );
}

#[test]
fn the_policy_digest_follows_what_decides() {
    let digest = |text: &str| load_text(text).expect("valid").policies["release"].digest;
    assert_eq!(digest(GOOD), digest(&GOOD.replace("branch = \"main\"\n", "")));
    for (from, to) in [
        ("\"signature\", ", "\"signature\", \"sbom\", "),
        ("soak = \"24h\"", "soak = \"25h\""),
        ("root = \"public-good\"", "root = \"root.json\""),
        ("not-required", "inclusion-proof\"\nroot = \"root.json"),
        ("refs/heads/main", "refs/heads/other"),
        (
            "keys = [\"ci.pub\"]",
            "keys = [{ path = \"ci.pub\", valid_until = \"2026-01-31T00:00:00Z\" }]",
        ),
    ] {
        assert_ne!(digest(GOOD), digest(&GOOD.replace(from, to)), "{from}");
    }
}

#[test]
fn break_glass_may_be_a_plain_yes_or_no() {
    let with = |value: &str| {
        load_text(&GOOD.replace("[\"soak\", \"freeze\"]", value))
            .expect("valid")
            .policies["release"]
            .break_glass
            .len()
    };
    assert_eq!((with("true"), with("false"), with("[]")), (5, 0, 0));
}

/// Each: what is replaced, by what, the line the error names, a part of its words.
const BAD: &[(&str, &str, usize, &str)] = &[
    ("version = 1", "version = 2", 1, "version 2 is not known"),
    ("version = 1", "versoin = 1", 1, "did you mean \"version\""),
    ("[\"docker.io/**\"]", "[\"docker.io/[\"]", 2, "is no path pattern"),
    ("branch = \"main\"", "brnach = \"main\"", 3, "did you mean \"branch\""),
    ("name = \"dev\"", "name = \"de v\"", 5, "no name for an environment"),
    (
        "write = \"branch\"",
        "branch = \"env/../main\"",
        13,
        "is no name of a branch",
    ),
    ("write = \"branch\"", "branch = \"refs/heads/main\"", 13, "is a ref"),
    (
        "write = \"branch\"",
        "repository = \"ext::sh -c id\"",
        13,
        "is no address of a repository",
    ),
    (
        "write = \"branch\"",
        "repository = \"https://token@git.example.com/shop/prod\"",
        13,
        "carries credentials",
    ),
    ("name = \"production\"", "name = \"dev\"", 9, "is there twice"),
    ("[\"envs/dev/**\"]", "[]", 6, "`paths` is empty"),
    ("[\"envs/dev/**\"]", "[\"envs/{dev\"]", 6, "is no path pattern"),
    (
        "policy = \"release\"\n[[environments]]",
        "policy = \"relaese\"\n[[environments]]",
        7,
        "did you mean \"release\"",
    ),
    (
        "write = \"branch\"",
        "write = \"brunch\"",
        13,
        "did you mean \"branch\"",
    ),
    ("confirm = \"type-name\"", "confirm = \"yes\"", 14, "unknown value"),
    ("\"prod.example.com/shop/\"", "\"prod example\"", 12, "is no registry"),
    ("write = \"branch\"", "after = [\"stagign\"]", 13, "unknown environment"),
    ("write = \"branch\"", "after = [\"production\"]", 13, "promotion order"),
    ("name = \"payments\"", "name = \"\"", 16, "no name for a service"),
    (
        "registry.example.com/shop/payments\"",
        "registry.example.com/shop/payments:v1\"",
        17,
        "without tag",
    ),
    (
        "{ semver = \">=2, <3\" }",
        "{ semver = \"latest\" }",
        18,
        "no version range",
    ),
    ("{ semver = \">=2, <3\" }", "{ }", 18, "exactly one of"),
    (
        "{ semver = \">=2, <3\" }",
        "{ tag = \"a\", semver = \"*\" }",
        18,
        "exactly one of",
    ),
    ("{ semver = \">=2, <3\" }", "{ tag = \"-a\" }", 18, "is no tag"),
    (
        "{ semver = \">=2, <3\" }",
        "{ pattern = \"(\" }",
        18,
        "no regular expression",
    ),
    (
        "{ semver = \">=2, <3\" }",
        "{ tag = \"a\", order = \"created\" }",
        18,
        "belongs to `pattern`",
    ),
    ("'^v\\d'", "'('", 19, "no regular expression"),
    (
        "[\"signature\", \"test-result\"]",
        "[\"signatur\"]",
        21,
        "did you mean \"signature\"",
    ),
    ("[\"signature\", \"test-result\"]", "[\"other\"]", 21, "unknown kind"),
    ("[\"signature\", \"test-result\"]", "[]", 21, "verify nothing"),
    ("default = \"ci\"", "default = \"cj\"", 22, "unknown trust profile"),
    ("default = \"ci\", ", "", 20, "no `signer`"),
    (
        "test-result = \"keyless\" }",
        "tests = \"keyless\" }",
        22,
        "unknown kind",
    ),
    (
        "acknowledge = [\"WARNED\"]",
        "acknowledge = [\"WARN\"]",
        24,
        "did you mean \"WARNED\"",
    ),
    ("\"7d\"", "\"7 days\"", 25, "is no duration"),
    ("soak = \"24h\"", "soak = \"tomorrow\"", 26, "is no duration"),
    ("\"Fri 16:00\"", "\"Friday\"", 27, "no moment of the week"),
    ("\"Europe/Berlin\"", "\"Europe/Berlim\"", 27, "no time zone"),
    ("\"soak\", \"freeze\"", "\"soka\"", 28, "did you mean \"soak\""),
    ("keys = [\"ci.pub\"]", "keys = [\"nope.pub\"]", 30, "cannot be read"),
    ("keys = [\"ci.pub\"]", "keys = [\"junk\"]", 30, "no PEM public key"),
    ("keys = [\"ci.pub\"]", "keys = [\"private.pem\"]", 30, "private key"),
    ("keys = [\"ci.pub\"]", "keys = []", 29, "trusts nobody"),
    (
        "transparency_log = \"not-required\"",
        "transparency_log = \"required\"",
        29,
        "asks for a transparency log",
    ),
    (
        "transparency_log = \"not-required\"",
        "transparency_log = \"none\"",
        31,
        "unknown value",
    ),
    ("root = \"public-good\"", "root = \"junk\"", 33, "not JSON"),
    ("root = \"public-good\"\n", "", 32, "no `root`"),
    (
        "san_regex = \"https://github.com/x/{service}/.*\"",
        "san_regex = \"(\"",
        34,
        "no regular expression",
    ),
    (
        "san_regex = \"https://github.com/x/{service}/.*\", ",
        "",
        34,
        "either `san`",
    ),
    (
        "issuer = \"https://token.actions.githubusercontent.com\", ",
        "",
        34,
        "either `issuer`",
    ),
    ("source_ref", "source_reff", 34, "did you mean \"source_ref\""),
    (
        "[registries.\"registry.example.com\"]",
        "[registries.\"bad name\"]",
        35,
        "no registry name",
    ),
    ("http://127.0.0.1:5000", "ftp://x", 36, "no endpoint"),
    ("http://127.0.0.1:5000", "https://user@x", 36, "no endpoint"),
    (
        "requests_per_second = 20",
        "requests_per_second = 0",
        37,
        "would ask nothing",
    ),
    (
        "requests_per_second = 20",
        "requests_per_second = -1",
        37,
        "invalid value",
    ),
    ("version = 1", "version = ", 1, "value"),
    (
        "keys = [\"ci.pub\"]",
        "keys = [{ path = \"ci.pub\", valid_until = \"soon\" }]",
        30,
        "is no time",
    ),
    (
        "keys = [\"ci.pub\"]",
        "keys = [{ path = \"ci.pub\", valid_from = \"2026-02-01T00:00:00Z\", valid_until = \"2026-01-01T00:00:00Z\" }]",
        30,
        "before",
    ),
    // It would close the group that anchors it, and match everybody.
    (
        "san_regex = \"https://github.com/x/{service}/.*\"",
        "san_regex = \"x)|(?:.*\"",
        34,
        "no regular expression",
    ),
    (
        "immutable_tags = '^v\\d'",
        "source = \"https://github.com/x/../y\"",
        19,
        "names no source repository",
    ),
];

#[test]
fn every_mistake_is_named_with_its_line() {
    assert!(BAD.len() >= 40);
    for (from, to, line, words) in BAD {
        assert!(GOOD.contains(from), "{from}");
        let error = load_text(&GOOD.replacen(from, to, 1)).expect_err(to);
        assert!(error.to_string().contains(words), "{to}: {error}");
        assert_eq!(error.line, *line, "{to}: {error}");
    }
}

#[test]
fn a_wrong_form_is_told_in_words_of_the_file() {
    for (from, to, words) in [
        ("freeze = [{ from", "freeze = [1, { from", "from"),
        ("candidate = { semver = \">=2, <3\" }", "candidate = 1", "candidate"),
        (
            "[policies.release]",
            "[policies]\nother = 1\n[policies.release]",
            "describes a policy",
        ),
        ("signer = { default", "signer = 1 #", "kind of evidence"),
        (
            "builder = \"https",
            "builder = 1 # \"https",
            "a text or a list of texts",
        ),
        ("break_glass = [", "break_glass = \"soak\" # [", "true, false or a list"),
        ("write = \"branch\"", "write = 1", ""),
        ("confirm = \"type-name\"", "confirm = [1]", ""),
        ("keys = [\"ci.pub\"]", "keys = [1]", "path of a key file"),
        ("test-result = { accept", "test-result = 1 # { accept", "`acknowledge`"),
    ] {
        assert!(GOOD.contains(from), "{from}");
        let error = load_text(&GOOD.replacen(from, to, 1)).expect_err(to).to_string();
        assert!(error.contains(words), "{to}: {error}");
        for foreign in ["struct", "enum", "variant", "Raw"] {
            assert!(!error.contains(foreign), "{to}: {error}");
        }
    }
}

proptest::proptest! {
    #[test]
    fn any_text_is_read_or_refused(text in "\\PC{0,200}") {
        let _ = load_text(&text);
    }

    #[test]
    fn any_damage_is_read_or_refused(at in 0usize..1600, with in "[\\x00-\\x7f]{0,3}") {
        let at = at.min(GOOD.len());
        let _ = load_text(&format!("{}{}{}", &GOOD[..at], with, &GOOD[(at + with.len()).min(GOOD.len())..]));
    }
}
