//! Files whose references deploy nothing: definitions of CI, test data, examples, archives, and what was
//! copied from elsewhere. They never make an environment, and are named with their reason. Pure.

/// A folder of a path, or its file, that says so.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct LeftOut {
    /// Which part of the path, from 0.
    pub at: usize,
    /// What the file is.
    pub reason: &'static str,
}

const CI: &str = "a definition of CI: nothing of it is deployed from here";
const TESTS: &str = "test data: nothing of it is deployed from here";
const EXAMPLE: &str = "an example: nothing of it is deployed from here";
const ARCHIVE: &str = "an archive: nothing of it is deployed from here";
const VENDORED: &str = "copied from elsewhere: the next update would undo an edit";
const DOCUMENTATION: &str = "documentation: nothing of it is deployed from here";
const DEVELOPMENT: &str = "a tool for the people who work on this repository: nothing of it is deployed from here";
const HIDDEN: &str = "a folder whose name begins with a dot: it belongs to a tool";

/// Folders by name, in lower case, a dot before it not counted (`.archive`).
const FOLDERS: [(&str, &str); 30] = [
    ("testdata", TESTS),
    ("test-data", TESTS),
    ("test_data", TESTS),
    ("test-fixtures", TESTS),
    ("test_fixtures", TESTS),
    ("tests", TESTS),
    ("fixtures", TESTS),
    ("fixture", TESTS),
    ("__fixtures__", TESTS),
    ("__tests__", TESTS),
    ("__snapshots__", TESTS),
    ("__mocks__", TESTS),
    ("golden", TESTS),
    ("goldens", TESTS),
    ("mocks", TESTS),
    ("examples", EXAMPLE),
    ("example", EXAMPLE),
    ("samples", EXAMPLE),
    ("sample", EXAMPLE),
    ("archive", ARCHIVE),
    ("archived", ARCHIVE),
    ("archives", ARCHIVE),
    ("_archive", ARCHIVE),
    ("attic", ARCHIVE),
    ("deprecated", ARCHIVE),
    ("vendor", VENDORED),
    ("vendored", VENDORED),
    ("third_party", VENDORED),
    ("third-party", VENDORED),
    ("node_modules", VENDORED),
];

/// Folders without deployments where they lie at the top of a repository; deeper, they are the folders of
/// applications that are called so.
const TOP_FOLDERS: [(&str, &str); 6] = [
    ("docs", DOCUMENTATION),
    ("doc", DOCUMENTATION),
    ("documentation", DOCUMENTATION),
    ("hack", DEVELOPMENT),
    ("scripts", DEVELOPMENT),
    ("tools", DEVELOPMENT),
];

/// Folders that mean environments and namespaces as often as tests.
const MAYBE_TESTS: [&str; 4] = ["test", "testing", "e2e", "ci"];

/// Folders of source code: `test/` in one of them has tests.
const CODE: [&str; 5] = ["src", "pkg", "internal", "cmd", "lib"];

/// Definitions of CI by file name, in lower case.
const CI_FILES: [&str; 16] = [
    ".gitlab-ci.yml",
    ".gitlab-ci.yaml",
    ".travis.yml",
    ".drone.yml",
    ".drone.yaml",
    ".woodpecker.yml",
    ".woodpecker.yaml",
    ".appveyor.yml",
    "appveyor.yml",
    "azure-pipelines.yml",
    "azure-pipelines.yaml",
    "bitbucket-pipelines.yml",
    "buildspec.yml",
    "cloudbuild.yaml",
    "cloudbuild.yml",
    ".cirrus.yml",
];

/// Folders of CI systems. Every other folder that begins with a dot is a tool's.
const CI_FOLDERS: [&str; 9] = [
    ".github",
    ".gitlab",
    ".gitlab-ci",
    ".circleci",
    ".buildkite",
    ".tekton",
    ".woodpecker",
    ".drone",
    ".forgejo",
];

/// Why a file deploys nothing, by its path; `None` where nothing says so.
pub(crate) fn left_out(path: &str) -> Option<LeftOut> {
    parts(path).find_map(|(at, part, is_file)| {
        let reason = if is_file { of_file(path, part) } else { of_folder(part) };
        reason.map(|reason| LeftOut { at, reason })
    })
}

/// The same, with names that say so only at the top of a repository or among source code. Asked where nobody named a
/// place: of files in no environment, and of files that an environment has only because its pattern is `**`.
pub(crate) fn perhaps_left_out(path: &str) -> Option<LeftOut> {
    makes_no_environment(path).or_else(|| {
        let mut above: Option<&str> = None;
        let mut folders = parts(path).filter(|(.., is_file)| !is_file);
        folders.find_map(|(at, part, _)| {
            let in_code = above.is_some_and(|folder| is_one_of(&CODE, folder));
            above = Some(part);
            let is_tests = (at == 0 || in_code) && is_one_of(&MAYBE_TESTS, part);
            is_tests.then_some(LeftOut { at, reason: TESTS })
        })
    })
}

/// Why nothing in a file speaks of environments, by its path. A folder `test` at the top may be an environment; a folder
/// `docs` there is none.
pub(crate) fn makes_no_environment(path: &str) -> Option<LeftOut> {
    left_out(path).or_else(|| {
        let (top, _) = path.split_once('/')?;
        let reason = find(&TOP_FOLDERS, top)?;
        Some(LeftOut { at: 0, reason })
    })
}

/// Whether some folder of the path means tests in some repositories and an environment or a namespace in others: such
/// a file says nothing for or against environments.
pub(crate) fn may_be_tests(path: &str) -> bool {
    parts(path).any(|(_, part, is_file)| !is_file && is_one_of(&MAYBE_TESTS, part))
}

/// Whether an environment's path pattern names the part of a path that leaves it out, so that its file counts
/// all the same: somebody wrote `examples/**` and means it; nobody who wrote `**` does.
pub(crate) fn is_named(pattern: &str, path: &str, left_out: LeftOut) -> bool {
    let part = path.split('/').nth(left_out.at).unwrap_or_default();
    pattern.split('/').any(|written| written == part)
}

fn parts(path: &str) -> impl Iterator<Item = (usize, &str, bool)> {
    let last = path.matches('/').count();
    path.split('/')
        .enumerate()
        .map(move |(at, part)| (at, part, at == last))
}

fn of_file(path: &str, name: &str) -> Option<&'static str> {
    if is_one_of(&CI_FILES, name) {
        return Some(CI);
    }
    // Values that a chart is tested with lie in the chart's folder `ci`.
    let in_ci = path
        .strip_suffix(name)
        .is_some_and(|folder| folder == "ci/" || folder.ends_with("/ci/"));
    let is_values = name.ends_with("values.yaml") || name.ends_with("values.yml");
    (in_ci && is_values).then_some(TESTS)
}

fn of_folder(name: &str) -> Option<&'static str> {
    if is_one_of(&CI_FOLDERS, name) {
        return Some(CI);
    }
    let Some(hidden) = name.strip_prefix('.') else {
        return find(&FOLDERS, name);
    };
    let is_tests = hidden.split(['-', '_']).any(|word| word == "test" || word == "tests");
    find(&FOLDERS, hidden).or(Some(if is_tests { TESTS } else { HIDDEN }))
}

fn find(all: &[(&str, &'static str)], name: &str) -> Option<&'static str> {
    all.iter()
        .find(|(known, _)| known.eq_ignore_ascii_case(name))
        .map(|(_, reason)| *reason)
}

fn is_one_of(all: &[&str], name: &str) -> bool {
    all.iter().any(|known| known.eq_ignore_ascii_case(name))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_deploys_nothing_is_told_by_its_path() {
        for (path, reason) in [
            (".github/workflows/deploy.yaml", Some(CI)),
            ("services/api/.gitlab-ci.yml", Some(CI)),
            ("azure-pipelines.yml", Some(CI)),
            ("pkg/render/testdata/in.yaml", Some(TESTS)),
            ("Tests/pod.yaml", Some(TESTS)),
            ("examples/simple/deployment.yaml", Some(EXAMPLE)),
            ("archive/2021/app.yaml", Some(ARCHIVE)),
            ("third_party/istio/install.yaml", Some(VENDORED)),
            (".argo/app.yaml", Some(HIDDEN)),
            ("apps/web/prod/app.yaml", None),
            ("apps/example.yaml", None),
            ("test/app.yaml", None),
            (".archive/old/app.yaml", Some(ARCHIVE)),
            ("policies/.chainsaw-test/pod.yaml", Some(TESTS)),
            ("charts/web/ci/test-values.yaml", Some(TESTS)),
            ("apps/ci/runner.yaml", None),
            ("docs/app.yaml", None),
        ] {
            assert_eq!(left_out(path).map(|l| l.reason), reason, "{path}");
        }
    }

    #[test]
    fn some_names_say_so_only_at_the_top_or_among_source_code() {
        for (path, reason) in [
            ("test/app.yaml", Some(TESTS)),
            ("Test/e2e/app.yaml", Some(TESTS)),
            ("pkg/server/testdata/app.yaml", Some(TESTS)),
            ("operator/pkg/test/app.yaml", Some(TESTS)),
            ("docs/manual/application.yaml", Some(DOCUMENTATION)),
            ("hack/kind/registry.yaml", Some(DEVELOPMENT)),
            ("examples/app.yaml", Some(EXAMPLE)),
            ("apps/latest/app.yaml", None),
            // A namespace or a service of that name.
            ("kubernetes/apps/test/echo/helmrelease.yaml", None),
            ("apps/docs/deployment.yaml", None),
            ("test.yaml", None),
        ] {
            assert_eq!(perhaps_left_out(path).map(|l| l.reason), reason, "{path}");
        }
    }

    #[test]
    fn a_pattern_that_spells_the_folder_means_it() {
        let path = "examples/simple/deployment.yaml";
        let found = left_out(path).expect("an example");
        assert!(is_named("examples/**", path, found));
        assert!(!is_named("**", path, found));
        assert!(!is_named("*/simple/**", path, found));
    }
}
