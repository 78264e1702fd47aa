//! Configuration that a commit could change, and programs of the working tree that configuration names.
//!
//! Git runs what its configuration says: `core.sshCommand`, credential helpers, a remote's `uploadpack`.
//! The person's own configuration is their word. A file of the working tree that it includes, or a program
//! of the working tree that it names, is the word of whoever can push, so git is not started with either.

use std::path::{Path, PathBuf};

use super::error::GitError;
use super::locate::{RepositoryPaths, is_tracked};
use super::program::{GitProgram, LOCAL_TIMEOUT};
use super::tracked::WorkingTrees;

/// Sections of which no setting makes git run a program or talk to another place.
const HARMLESS_SECTIONS: &[&str] = &[
    "advice",
    "alias",
    "apply",
    "blame",
    "branch",
    "color",
    "column",
    "format",
    "grep",
    "gui",
    "help",
    "init",
    "log",
    "notes",
    "pull",
    "push",
    "rebase",
    "rerere",
    "stash",
    "status",
    "tag",
    "versionsort",
];

/// Single settings of the same kind, of sections that have others.
const HARMLESS: &[&str] = &[
    "commit.template",
    "commit.verbose",
    "core.abbrev",
    "core.autocrlf",
    "core.commentchar",
    "core.eol",
    "core.excludesfile",
    "core.filemode",
    "core.ignorecase",
    "core.precomposeunicode",
    "core.quotepath",
    "core.safecrlf",
    "core.whitespace",
    "diff.algorithm",
    "diff.colormoved",
    "diff.renames",
    "fetch.prune",
    "include.path",
    "merge.conflictstyle",
    "merge.ff",
    "user.email",
    "user.name",
];

/// Refuses configuration that a commit could change.
///
/// # Errors
/// If a setting that matters comes from a file of a working tree, or names a program of one.
pub(super) fn check(paths: &RepositoryPaths, git: &GitProgram) -> Result<(), GitError> {
    let listed = git.run(&["config", "--list", "--show-origin", "-z"], LOCAL_TIMEOUT)?;
    let trees = paths.working_trees();
    let mut parts = listed.stdout.split(|byte| *byte == 0).map(String::from_utf8_lossy);
    while let (Some(origin), Some(setting)) = (parts.next(), parts.next()) {
        let (key, value) = setting.split_once('\n').unwrap_or((&setting, ""));
        if let Some(file) = origin.strip_prefix("file:")
            && !is_harmless(key)
            && is_tracked(&trees, &git.dir().join(file))
        {
            return Err(GitError::TrackedConfiguration {
                key: key.to_owned(),
                file: file.to_owned(),
            });
        }
        if names_a_program(key, value)
            && let Some(file) = tracked_word(&trees, git.dir(), value)
        {
            return Err(GitError::TrackedProgram {
                key: key.to_owned(),
                file: file.display().to_string(),
            });
        }
    }
    Ok(())
}

fn is_harmless(key: &str) -> bool {
    let section = key.split('.').next().unwrap_or_default();
    HARMLESS_SECTIONS.contains(&section) || HARMLESS.contains(&key)
}

/// Whether git runs what this setting names when it fetches, pushes or commits.
fn names_a_program(key: &str, value: &str) -> bool {
    let name = key.rsplit('.').next().unwrap_or_default();
    match key.split('.').next().unwrap_or_default() {
        "core" => matches!(name, "sshcommand" | "gitproxy" | "askpass" | "alternaterefscommand"),
        "credential" => name == "helper",
        "gpg" => matches!(name, "program" | "defaultkeycommand"),
        "remote" => matches!(name, "uploadpack" | "receivepack") || value.starts_with("ext::"),
        "filter" => matches!(name, "clean" | "smudge" | "process"),
        "url" => key.starts_with("url.ext::"),
        _ => false,
    }
}

/// A file of a working tree among the words of a command.
fn tracked_word(trees: &WorkingTrees, cwd: &Path, command: &str) -> Option<PathBuf> {
    let home = std::env::var_os("HOME").map(PathBuf::from);
    let file = |word: String| match (word.strip_prefix("~/"), &home) {
        (Some(below), Some(home)) => home.join(below),
        _ => cwd.join(word),
    };
    // A folder that only has the name of a user or a host is no program.
    let mut files = words(command, 0).into_iter().map(file).filter(|file| file.is_file());
    files.find(|file| is_tracked(trees, file))
}

/// Whatever in a command may be the name of a file: its words, their parts behind `=` and behind the letter of
/// an option, and the words of a command in quotes. A program without a slash is looked for in `PATH`.
fn words(command: &str, depth: u8) -> Vec<String> {
    let command = command.trim_start_matches('!');
    let split = shlex::split(command).unwrap_or_else(|| command.split_whitespace().map(str::to_owned).collect());
    let mut all = Vec::new();
    for (n, word) in split.into_iter().enumerate() {
        if word.contains(char::is_whitespace) && depth < 4 {
            all.extend(words(&word, depth + 1));
        }
        let option = word.strip_prefix('-').and_then(|rest| rest.get(1..));
        let behind = word.split_once('=').map(|(_, value)| value);
        all.extend(
            [option, behind]
                .into_iter()
                .flatten()
                .filter(|part| !part.is_empty())
                .map(str::to_owned),
        );
        if n > 0 || word.contains('/') {
            all.push(word);
        }
    }
    all
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_file_that_a_command_may_mean_is_looked_at() {
        for (command, file) in [
            ("./tools/ssh", "./tools/ssh"),
            ("!tools/helper get", "tools/helper"),
            ("sh program", "program"),
            ("ssh -F config", "config"),
            ("ssh -Fconfig", "config"),
            ("ssh -oProxyCommand=./x", "./x"),
            ("sh -c './x --y'", "./x"),
            ("sh -c \"sh -c 'a; ./x'\"", "./x"),
        ] {
            assert!(
                words(command, 0).iter().any(|word| word == file),
                "{command}: {:?}",
                words(command, 0)
            );
        }
        assert!(
            words("ssh", 0).is_empty() && words("store", 0).is_empty(),
            "by PATH, not by folder"
        );
    }

    #[test]
    fn settings_that_run_something_are_known_by_their_names() {
        for (key, value) in [
            ("core.sshcommand", "x"),
            ("credential.helper", "x"),
            ("credential.https://example.test.helper", "x"),
            ("gpg.program", "x"),
            ("gpg.ssh.program", "x"),
            ("gpg.ssh.defaultkeycommand", "x"),
            ("remote.origin.uploadpack", "x"),
            ("remote.a.b.receivepack", "x"),
            ("remote.origin.url", "ext::sh x"),
            ("filter.lfs.clean", "x"),
        ] {
            assert!(names_a_program(key, value), "{key}");
            assert!(!is_harmless(key), "{key}");
        }
        for key in [
            "core.hookspath",
            "core.fsmonitor",
            "diff.external",
            "merge.x.driver",
            "http.proxy",
            "url.x.insteadof",
        ] {
            assert!(!is_harmless(key), "{key}");
        }
        for key in ["alias.st", "user.name", "color.ui", "core.autocrlf", "diff.renames"] {
            assert!(is_harmless(key), "{key}");
        }
    }
}
