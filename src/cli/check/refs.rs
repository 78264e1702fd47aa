//! What to compare: what the person says, else what the CI job says.

use crate::cli::args::CheckArgs;
use crate::domain::failure::Failure;
use crate::domain::quoted;

/// Which commits are meant, by name.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct ChosenRefs {
    pub base: String,
    /// The base is the name of a branch of the remote.
    pub base_is_remote: bool,
    /// The branch whose tip is the base where it is known.
    pub base_branch: Option<String>,
    pub head: String,
    /// Where they come from, if nobody named them.
    pub said: Option<String>,
}

/// Chooses them; `set` has the variables of the environment.
///
/// # Errors
/// If nothing says what to compare, or the job's own commit is not the change.
pub(super) fn choose(args: &CheckArgs, set: &dyn Fn(&str) -> Option<String>) -> Result<ChosenRefs, Failure> {
    let mut from = Vec::new();
    let mut said = |name: &str, value: &str| from.push(format!("{name}={}", quoted(value)));
    let (mut base_is_remote, mut base_branch) = (false, None);
    let base = match &args.base {
        Some(base) => Some(base.clone()),
        None => match (set("GITHUB_BASE_REF"), set("CI_MERGE_REQUEST_DIFF_BASE_SHA")) {
            (Some(branch), _) => {
                said("GITHUB_BASE_REF", &branch);
                base_is_remote = true;
                Some(branch)
            }
            (None, Some(commit)) => {
                said("CI_MERGE_REQUEST_DIFF_BASE_SHA", &commit);
                base_branch = set("CI_MERGE_REQUEST_TARGET_BRANCH_NAME");
                Some(commit)
            }
            (None, None) => None,
        },
    };
    let Some(base) = base else {
        return Err(Failure::usage("nothing says what the change is compared with")
            .hint("name both: pindeck check --base origin/main --head HEAD"));
    };
    let head = match &args.head {
        Some(head) => head.clone(),
        None => {
            let event = set("GITHUB_EVENT_NAME");
            if event.as_deref() == Some("pull_request_target") {
                let what =
                    "this job runs for pull_request_target, where the commit of the job is the base and not the change";
                return Err(Failure::usage(what).hint(
                    "fetch the change and name it: git fetch origin pull/N/head, then pindeck check --head FETCH_HEAD",
                ));
            }
            match (set("GITHUB_SHA"), set("CI_COMMIT_SHA")) {
                (Some(commit), _) => {
                    said("GITHUB_SHA", &commit);
                    commit
                }
                (None, Some(commit)) => {
                    said("CI_COMMIT_SHA", &commit);
                    commit
                }
                (None, None) => "HEAD".to_owned(),
            }
        }
    };
    let said = (!from.is_empty()).then(|| format!("compared as the job says: {}", from.join(", ")));
    Ok(ChosenRefs {
        base,
        base_is_remote,
        base_branch,
        head,
        said,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cli::args::CheckFormat;

    fn chosen(base: Option<&str>, head: Option<&str>, variables: &[(&str, &str)]) -> Result<ChosenRefs, Failure> {
        let args = CheckArgs {
            base: base.map(str::to_owned),
            head: head.map(str::to_owned),
            format: CheckFormat::Text,
            reports: Vec::new(),
            acknowledge_warned: false,
            exit_code: false,
            json: false,
        };
        let set = |name: &str| {
            variables
                .iter()
                .find(|(known, _)| *known == name)
                .map(|(_, value)| (*value).to_owned())
        };
        choose(&args, &set)
    }

    #[test]
    fn the_job_says_what_nobody_names_and_flags_win() {
        let github = [
            ("GITHUB_BASE_REF", "main"),
            ("GITHUB_SHA", "abc"),
            ("GITHUB_EVENT_NAME", "pull_request"),
        ];
        let of_job = chosen(None, None, &github).expect("both");
        assert_eq!(
            (of_job.base.as_str(), of_job.head.as_str(), of_job.base_is_remote),
            ("main", "abc", true)
        );
        assert!(
            of_job
                .said
                .is_some_and(|said| said.contains("GITHUB_BASE_REF") && said.contains("GITHUB_SHA"))
        );
        let named = chosen(Some("x"), Some("y"), &github).expect("both");
        assert_eq!((named.base.as_str(), named.head.as_str(), named.said), ("x", "y", None));
        let gitlab = [
            ("CI_MERGE_REQUEST_DIFF_BASE_SHA", "123"),
            ("CI_COMMIT_SHA", "abc"),
            ("CI_MERGE_REQUEST_TARGET_BRANCH_NAME", "main"),
        ];
        let of_job = chosen(None, None, &gitlab).expect("both");
        assert_eq!((of_job.base.as_str(), of_job.head.as_str()), ("123", "abc"));
        assert_eq!(of_job.base_branch.as_deref(), Some("main"));
        assert_eq!(chosen(Some("main"), None, &[]).expect("both").head, "HEAD");
    }

    #[test]
    fn nothing_is_guessed_where_the_commit_of_the_job_is_the_base() {
        let target = [
            ("GITHUB_BASE_REF", "main"),
            ("GITHUB_SHA", "abc"),
            ("GITHUB_EVENT_NAME", "pull_request_target"),
        ];
        assert!(chosen(None, None, &target).is_err());
        assert!(chosen(Some("main"), None, &target).is_err());
        assert!(chosen(None, Some("FETCH_HEAD"), &target).is_ok());
        for set in [&[][..], &[("CI_COMMIT_SHA", "abc")], &[("GITHUB_SHA", "abc")]] {
            assert!(chosen(None, None, set).is_err(), "{set:?}");
            assert!(chosen(None, Some("x"), set).is_err(), "{set:?}");
        }
    }
}
