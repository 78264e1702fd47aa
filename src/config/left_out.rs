//! Files whose references deploy nothing: definitions of CI, test data, examples, archives, and what was
//! copied from elsewhere. They never make an environment, and are named with their reason. Pure.

/// A folder of a path, or its file, that says so.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct LeftOut {
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
const HIDDEN: &str = "a folder whose name begins with a dot: it belongs to a tool";

/// Folders by name, in lower case.
const FOLDERS: [(&str, &str); 25] = [
    ("testdata", TESTS),
    ("test-data", TESTS),
    ("test_data", TESTS),
    ("tests", TESTS),
    ("fixtures", TESTS),
    ("fixture", TESTS),
    ("__fixtures__", TESTS),
    ("__tests__", TESTS),
    ("__snapshots__", TESTS),
    ("golden", TESTS),
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
    ("node_modules", VENDORED),
];

/// Folders that mean environments as often as tests: they count as test data only where no environment of
/// that name is believed.
const MAYBE_TESTS: [&str; 4] = ["test", "testing", "e2e", "ci"];

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
pub fn left_out(path: &str) -> Option<LeftOut> {
    parts(path).find_map(|(at, part, is_file)| {
        let reason = if is_file { of_file(part) } else { of_folder(part) };
        reason.map(|reason| LeftOut { at, reason })
    })
}

/// The same for names that may be environments: asked only of files that are in no environment.
pub fn perhaps_left_out(path: &str) -> Option<LeftOut> {
    left_out(path).or_else(|| {
        let mut folders = parts(path).filter(|(.., is_file)| !is_file);
        folders.find_map(|(at, part, _)| {
            let found = MAYBE_TESTS.contains(&part.to_ascii_lowercase().as_str());
            found.then_some(LeftOut { at, reason: TESTS })
        })
    })
}

/// Whether an environment's path pattern names the part of a path that leaves it out, so that its file counts
/// all the same: somebody wrote `examples/**` and means it; nobody who wrote `**` does.
#[allow(dead_code, reason = "the paths of environments begin to ask this in another change")]
pub fn is_named(pattern: &str, path: &str, left_out: LeftOut) -> bool {
    let part = path.split('/').nth(left_out.at).unwrap_or_default();
    pattern.split('/').any(|written| written == part)
}

fn parts(path: &str) -> impl Iterator<Item = (usize, &str, bool)> {
    let last = path.matches('/').count();
    path.split('/')
        .enumerate()
        .map(move |(at, part)| (at, part, at == last))
}

fn of_file(name: &str) -> Option<&'static str> {
    let lower = name.to_ascii_lowercase();
    CI_FILES.contains(&lower.as_str()).then_some(CI)
}

fn of_folder(name: &str) -> Option<&'static str> {
    let lower = name.to_ascii_lowercase();
    if CI_FOLDERS.contains(&lower.as_str()) {
        return Some(CI);
    }
    if lower.starts_with('.') {
        return Some(HIDDEN);
    }
    FOLDERS
        .iter()
        .find(|(folder, _)| *folder == lower)
        .map(|(_, reason)| *reason)
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
        ] {
            assert_eq!(left_out(path).map(|l| l.reason), reason, "{path}");
        }
        assert_eq!(perhaps_left_out("test/app.yaml").map(|l| l.reason), Some(TESTS));
        assert_eq!(perhaps_left_out("apps/latest/app.yaml"), None);
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
