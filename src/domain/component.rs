//! Variants of one image: what a tag says besides the version.

/// The variant that a tag names: `fpm` of `v1-fpm`, `debian` of `1.2.3-debian-12-r4`. `None` for a version
/// alone, a pre-release, a build number or a commit.
pub(crate) fn variant(tag: &str) -> Option<String> {
    let (core, rest) = tag.split_once('-')?;
    if !is_version(core) {
        return None;
    }
    let words: Vec<&str> = rest.split(['-', '_', '.']).map(trimmed).collect();
    // `1.0-rc1` is another version, not another variant.
    if words.first().is_none_or(|word| word.is_empty() || is_stage(word)) {
        return None;
    }
    let kept: Vec<String> = words
        .into_iter()
        .filter(|word| word.len() > 1 && !is_commit(word) && !is_stage(word))
        .map(str::to_ascii_lowercase)
        .collect();
    (!kept.is_empty()).then(|| kept.join("-"))
}

/// Whether a tag begins with a version, or with a word that moves like one.
fn is_version(core: &str) -> bool {
    let number = core.strip_prefix('v').unwrap_or(core);
    let dotted =
        number.starts_with(|c: char| c.is_ascii_digit()) && number.chars().all(|c| c.is_ascii_digit() || c == '.');
    dotted
        || matches!(
            core,
            "latest" | "stable" | "main" | "master" | "edge" | "dev" | "nightly"
        )
}

/// A word without the number behind it: `alpine3` is `alpine`.
fn trimmed(word: &str) -> &str {
    if is_commit(word) {
        return "";
    }
    word.trim_end_matches(|c: char| c.is_ascii_digit() || c == '.')
}

/// Words that tell how far a version is, not which variant it is.
fn is_stage(word: &str) -> bool {
    matches!(
        word.to_ascii_lowercase().as_str(),
        "a" | "alpha"
            | "b"
            | "beta"
            | "build"
            | "canary"
            | "dev"
            | "final"
            | "ga"
            | "hotfix"
            | "m"
            | "next"
            | "nightly"
            | "p"
            | "patch"
            | "post"
            | "pre"
            | "preview"
            | "r"
            | "rc"
            | "release"
            | "snapshot"
            | "sp"
    )
}

/// A commit or a time: seven or more hexadecimal digits, with `g` before them or not.
fn is_commit(word: &str) -> bool {
    let hex = word.strip_prefix('g').unwrap_or(word);
    hex.len() >= 7 && hex.bytes().all(|b| b.is_ascii_hexdigit()) && hex.bytes().any(|b| b.is_ascii_digit())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn variants_of_tags() {
        let cases = [
            ("v1-fpm", Some("fpm")),
            ("v1-nginx", Some("nginx")),
            ("8.2.1-fpm-alpine3.19", Some("fpm-alpine")),
            ("1.2.3-debian-12-r4", Some("debian")),
            ("latest-fpm", Some("fpm")),
            ("v1", None),
            ("1.2.3", None),
            ("1.2.3-rc1", None),
            ("1.2.3-beta.2", None),
            ("1.2.3-4", None),
            ("main-0a1b2c3d", None),
            ("main-20240102", None),
            ("release-7", None),
            ("feature-fpm", None),
        ];
        for (tag, expected) in cases {
            assert_eq!(variant(tag).as_deref(), expected, "{tag}");
        }
    }
}
