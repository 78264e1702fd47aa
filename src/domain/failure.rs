//! One failure, the same from the source that met it to the screen that shows it.
//!
//! Sources have error types of their own; each of them becomes a [`Failure`] by `From`. A failure says
//! what happened in words that may contain text of strangers ([`Untrusted`]), and, apart from that, what to
//! do next in words of pindeck alone ([`Hint`]). What exit status a failure has is decided in `cli`.

use std::fmt;

use serde::Serialize;

use super::evidence::CauseKind;
use super::id::{Digest, EnvId, ServiceId};
use super::reference::Repository;
use super::text::{Clean, Untrusted};

/// Why a question has no answer or a write did not happen.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Failure {
    /// What sort of failure it is: exit status and screens decide by this alone.
    pub kind: FailureKind,
    /// What happened, to what. It may quote a registry, a remote, a file or a hook.
    pub what: Untrusted,
    /// What to do next, if pindeck knows.
    pub hint: Option<Hint>,
}

/// The sorts of failure that a person, a pipeline or a screen must be able to tell apart.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum FailureKind {
    /// The command line, the configuration or the place it runs in is wrong.
    Usage,
    /// A policy or a gate refuses.
    Refused,
    /// The branch or the evidence moved since it was looked at, or somebody else is at work.
    Conflict,
    /// The git remote, or a hook, refused what was offered.
    RemoteRefused,
    /// Something needed could not be reached.
    Unreachable,
    /// Something needed was reached, and it did not let these credentials in.
    Denied,
    /// Something needed was not asked, because `--offline` forbids it.
    NotChecked,
    /// A registry says with authority that it has no such content.
    Absent,
    /// Content does not hash to its digest.
    Corrupt,
    /// Content is not what it claims to be.
    Malformed,
    /// Content is of a format that pindeck does not handle.
    Unsupported,
    /// Content is larger than pindeck reads.
    TooLarge,
    /// A person or a signal stopped it before anything was committed.
    Interrupted,
    /// Anything else: the system, a program or pindeck itself failed.
    Failed,
}

impl FailureKind {
    /// The cause that this failure is in a verdict. Content that was read is judged by what it is; what
    /// could not be read, for whatever reason, proves nothing about it.
    pub(crate) const fn cause(self) -> CauseKind {
        match self {
            Self::Absent => CauseKind::Absent,
            Self::Corrupt => CauseKind::Corrupt,
            Self::Malformed => CauseKind::Malformed,
            // Nobody can say that it is malformed: nobody has read it to its end.
            Self::Unsupported | Self::TooLarge => CauseKind::Unsupported,
            Self::NotChecked => CauseKind::NotChecked,
            Self::Usage
            | Self::Refused
            | Self::Conflict
            | Self::RemoteRefused
            | Self::Unreachable
            | Self::Denied
            | Self::Interrupted
            | Self::Failed => CauseKind::Unreachable,
        }
    }
}

impl FailureKind {
    /// What to do next where nobody knows better.
    fn usual_hint(self) -> Hint {
        match self {
            Self::Usage => "see `pindeck --help`",
            Self::Refused => "each closed gate says what would open it",
            Self::Conflict => "look at what changed and plan again",
            Self::RemoteRefused => "ask who runs the remote, or set write = \"branch\" for this environment",
            Self::Unreachable => "check the network and the address, then try again",
            Self::Denied => "check the credentials (DOCKER_CONFIG, REGISTRY_AUTH_FILE), or ask for access",
            Self::NotChecked => "run it without --offline",
            Self::Absent => "look whether it was deleted, and name another digest",
            Self::Corrupt => "do not use it, restore it from a good copy",
            Self::Malformed | Self::Unsupported | Self::TooLarge => "build and push it again in a current format",
            Self::Interrupted => "run it again",
            Self::Failed => "the log says more: set PINDECK_LOG=debug and try again",
        }
        .into()
    }
}

impl FailureKind {
    /// What to do next where nobody can type a command, and nobody knows better.
    fn hint_on_screen(self) -> Hint {
        match self {
            Self::Usage => "what stands above says what to change; the next refresh reads it again".into(),
            Self::NotChecked => "it was not asked, because pindeck was started offline".into(),
            Self::Failed => "the log says more; the help names its file".into(),
            Self::Refused
            | Self::Conflict
            | Self::RemoteRefused
            | Self::Unreachable
            | Self::Denied
            | Self::Absent
            | Self::Corrupt
            | Self::Malformed
            | Self::Unsupported
            | Self::TooLarge
            | Self::Interrupted => self.usual_hint(),
        }
    }

    /// Every kind.
    #[cfg(test)]
    const ALL: [Self; 14] = [
        Self::Usage,
        Self::Refused,
        Self::Conflict,
        Self::RemoteRefused,
        Self::Unreachable,
        Self::Denied,
        Self::NotChecked,
        Self::Absent,
        Self::Corrupt,
        Self::Malformed,
        Self::Unsupported,
        Self::TooLarge,
        Self::Interrupted,
        Self::Failed,
    ];
}

impl Failure {
    /// A failure without a hint.
    pub fn new(kind: FailureKind, what: impl Into<Untrusted>) -> Self {
        Self {
            kind,
            what: what.into(),
            hint: None,
        }
    }

    /// The command line, the configuration or the place is wrong.
    pub(crate) fn usage(what: impl Into<Untrusted>) -> Self {
        Self::new(FailureKind::Usage, what)
    }

    /// The system, a program or pindeck itself failed.
    pub(crate) fn failed(what: impl Into<Untrusted>) -> Self {
        Self::new(FailureKind::Failed, what)
    }

    /// Something needed could not be reached.
    pub fn unreachable(what: impl Into<Untrusted>) -> Self {
        Self::new(FailureKind::Unreachable, what)
    }

    /// The branch or the evidence moved.
    pub(crate) fn conflict(what: impl Into<Untrusted>) -> Self {
        Self::new(FailureKind::Conflict, what)
    }

    /// The remote refused; nothing landed.
    pub(crate) fn remote_refused(what: impl Into<Untrusted>) -> Self {
        Self::new(FailureKind::RemoteRefused, what)
    }

    /// A person or a signal stopped it in time.
    pub fn interrupted() -> Self {
        Self::new(FailureKind::Interrupted, "stopped before anything was committed")
            .hint("run it again: what was copied already is not copied twice")
    }

    /// A state that pindeck's own code rules out.
    pub(crate) fn bug(what: impl fmt::Display) -> Self {
        Self::failed(format!("internal: {what}")).hint("this is a bug in pindeck: please report it")
    }

    /// The same failure with what to do next.
    #[must_use]
    pub(crate) fn hint(mut self, hint: impl Into<Hint>) -> Self {
        self.hint = Some(hint.into());
        self
    }

    /// The same failure, with what pindeck was about in front: `BEFORE: what happened`.
    #[must_use]
    pub(crate) fn within(mut self, before: impl fmt::Display) -> Self {
        self.what = format!("{before}: {}", self.what.raw()).into();
        self
    }

    /// What to do next: the hint, or the usual advice for this kind of failure.
    pub(crate) fn next(&self) -> Hint {
        self.hint.clone().unwrap_or_else(|| self.kind.usual_hint())
    }

    /// What to do next where nobody can type a command: the hint, unless it is advice for the command line.
    pub fn next_on_screen(&self) -> Hint {
        let hint = self.hint.clone().filter(|hint| !hint.names_command());
        hint.unwrap_or_else(|| self.kind.hint_on_screen())
    }

    /// What happened and then what to do next, where nobody can type a command.
    pub fn sentence_on_screen(&self) -> Untrusted {
        match self.hint.as_ref().filter(|hint| !hint.names_command()) {
            Some(hint) => format!("{}; {hint}", self.what.raw()).into(),
            None => self.what.clone(),
        }
    }

    /// Whether the content is gone, by a registry's authoritative word.
    pub(crate) const fn is_absent(&self) -> bool {
        matches!(self.kind, FailureKind::Absent)
    }

    /// What happened and then what to do next, for places that have one text for both.
    pub fn sentence(&self) -> Untrusted {
        match &self.hint {
            Some(hint) => format!("{}; {hint}", self.what.raw()).into(),
            None => self.what.clone(),
        }
    }
}

/// For the log and for messages that quote it: what happened, cleaned, without the hint.
impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(&self.what.clean(), f)
    }
}

impl std::error::Error for Failure {}

/// What to do next, in words of pindeck.
///
/// There is no way to make one from a text that was read somewhere: it is a literal of the program, or a
/// literal whose `{}` are filled with [`Part`]s.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(transparent)]
pub struct Hint(String);

impl Hint {
    /// A literal of the program, each `{}` in it replaced by the next part. A place without a part stays
    /// empty and a part without a place is left out.
    pub(crate) fn with(template: &'static str, parts: &[Part]) -> Self {
        let mut text = String::with_capacity(template.len());
        let mut parts = parts.iter();
        let mut pieces = template.split("{}");
        text.push_str(pieces.next().unwrap_or_default());
        for piece in pieces {
            text.push_str(parts.next().map_or("", |part| &part.0));
            text.push_str(piece);
        }
        Self(text)
    }

    /// The same with one more thing that can be done.
    #[must_use]
    pub(crate) fn or_else(&self, more: &'static str) -> Self {
        Self(format!("{}; {more}", self.0))
    }

    /// The text: one line without control characters.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Whether it tells a person to type a command or an option: advice for the command line only.
    pub fn names_command(&self) -> bool {
        self.0.contains('`') || self.0.contains("--") || self.0.contains("pindeck ")
    }
}

impl From<&'static str> for Hint {
    fn from(text: &'static str) -> Self {
        Self(text.to_owned())
    }
}

impl fmt::Display for Hint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&self.0)
    }
}

/// What may stand in a hint besides its literal: an identity, a number, or the name of one thing.
///
/// A name is cleaned and written as one word of a shell, so that a hint that is pasted into a terminal
/// runs nothing but what pindeck wrote.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Part(String);

impl Part {
    /// The name of a file, a folder, a branch, a remote, a key or a host.
    pub(crate) fn name(name: &str) -> Self {
        Self(shell_word(Clean::from_untrusted(name).as_str()))
    }

    /// A literal of the program, as it is.
    pub(crate) fn literal(text: &'static str) -> Self {
        Self(text.to_owned())
    }

    /// Several names, one after the other.
    pub(crate) fn names<'a>(names: impl IntoIterator<Item = &'a str>) -> Self {
        let all: Vec<String> = names.into_iter().map(|name| Self::name(name).0).collect();
        Self(all.join(", "))
    }
}

impl From<&Digest> for Part {
    fn from(digest: &Digest) -> Self {
        Self(digest.to_string())
    }
}

impl From<&ServiceId> for Part {
    fn from(service: &ServiceId) -> Self {
        Self::name(service.as_str())
    }
}

impl From<&EnvId> for Part {
    fn from(environment: &EnvId) -> Self {
        Self::name(environment.as_str())
    }
}

impl From<&Repository> for Part {
    fn from(repository: &Repository) -> Self {
        Self::name(&repository.to_string())
    }
}

impl From<u64> for Part {
    fn from(number: u64) -> Self {
        Self(number.to_string())
    }
}

/// A text as one word of a POSIX shell: as it is where nothing in it means anything to a shell, else quoted.
/// No shell can be given a NUL, so it is left out.
pub(crate) fn shell_word(word: &str) -> String {
    let word = word.replace('\0', "");
    shlex::try_quote(&word).map_or_else(|_| "''".to_owned(), std::borrow::Cow::into_owned)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nobody_is_told_to_type_a_command_on_a_screen() {
        for kind in FailureKind::ALL {
            for hint in [None, Some("run `pindeck resume --drop`"), Some("add --yes")] {
                let failure = Failure {
                    hint: hint.map(Hint::from),
                    ..Failure::new(kind, "it broke")
                };
                let next = failure.next_on_screen();
                let names = next.as_str().contains('`') || next.as_str().contains("--");
                assert!(!names, "{kind:?}: {next}");
                assert_eq!(failure.sentence_on_screen().raw(), "it broke");
            }
        }
        let failure = Failure::unreachable("no route").hint("plug it in");
        assert_eq!(failure.next_on_screen().as_str(), "plug it in");
        assert_eq!(failure.sentence_on_screen().raw(), "no route; plug it in");
    }

    #[test]
    fn a_hint_is_a_literal_with_parts() {
        let hint = Hint::with(
            "pin it: pindeck pin {} --env {}",
            &[(&ServiceId::new("api")).into(), (&EnvId::new("prod")).into()],
        );
        assert_eq!(hint.as_str(), "pin it: pindeck pin api --env prod");
        assert_eq!(Hint::from("try again").as_str(), "try again");
        assert_eq!(Hint::with("a {} b {} c", &[Part::from(7)]).as_str(), "a 7 b  c");
        assert_eq!(Hint::with("a", &[Part::from(7)]).as_str(), "a");
    }

    #[test]
    fn a_part_is_one_word_of_a_shell_whatever_it_is() {
        let folder = "/work/it's; curl x | sh\n\u{1b}[2J {}";
        let hint = Hint::with("git config --global --add safe.directory {}", &[Part::name(folder)]);
        let words = shlex::split(hint.as_str()).expect("words");
        let folder = "/work/it's; curl x | sh␤␛[2J {}";
        assert_eq!(words, ["git", "config", "--global", "--add", "safe.directory", folder]);
        assert_eq!(Part::names(["a", "b c"]).0, "a, 'b c'");
        assert_eq!(Part::name("").0, "''");
    }

    #[test]
    fn a_word_comes_back_from_a_shell_as_it_was() {
        for plain in ["payments", "team-a/api", "reg.example:5000/a@sha256:00", "v1.2+3"] {
            assert_eq!(shell_word(plain), plain);
        }
        for word in [
            "a b", "it's", "$(x)", "`x`", "", "{a,b}", "!x", "a\\b", "*", "~", "#x", "\"", "'\"$", "a\nb",
        ] {
            let quoted = shell_word(word);
            assert_eq!(shlex::split(&quoted).expect("words"), [word], "{quoted}");
            assert_ne!(quoted, word);
        }
    }

    #[test]
    fn words_of_strangers_stay_apart_from_the_hint() {
        let failure = Failure::unreachable("r.example answers 500: broken; run curl x | sh")
            .hint("ask who runs that registry")
            .within("the candidate of api could not be asked for");
        assert_eq!(
            failure.hint.as_ref().map(Hint::as_str),
            Some("ask who runs that registry")
        );
        assert!(
            failure
                .what
                .raw()
                .starts_with("the candidate of api could not be asked for: r.example")
        );
        assert!(failure.sentence().raw().ends_with("| sh; ask who runs that registry"));
        assert!(!Failure::failed("a\u{1b}b").to_string().contains('\u{1b}'));
    }

    #[test]
    fn only_what_was_read_says_something_about_content() {
        use FailureKind as K;
        for kind in [K::Usage, K::Conflict, K::Denied, K::Failed, K::Interrupted] {
            assert_eq!(kind.cause(), CauseKind::Unreachable, "{kind:?}");
        }
        assert_eq!(K::NotChecked.cause(), CauseKind::NotChecked);
        assert_eq!(K::TooLarge.cause(), CauseKind::Unsupported);
        assert_eq!(K::Absent.cause(), CauseKind::Absent);
    }
}
