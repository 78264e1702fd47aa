//! The command line that asks for the same.

use crate::domain::failure::shell_word;
use crate::domain::write::{Ask, Request, Scope, Source, TagRule};

/// The equivalent command line of a request.
pub(super) fn of(request: &Request) -> String {
    let mut words: Vec<String> = vec!["pindeck".to_owned()];
    let mut say = |word: &str| words.push(shell_word(word));
    match &request.ask {
        Ask::Promote { services, to, from } => {
            say("promote");
            services.iter().for_each(|s| say(s.as_str()));
            say("--to");
            say(to.as_str());
            match from {
                None => {}
                Some(Source::Environment(env)) => {
                    say("--from");
                    say(env.as_str());
                }
                Some(Source::Candidate) => {
                    say("--from");
                    say("candidate");
                }
                Some(Source::Digest(digest)) => {
                    say("--digest");
                    say(&digest.to_string());
                }
            }
        }
        Ask::Revert { target, to, scope } => {
            say("revert");
            say(target.service.as_str());
            say("--env");
            say(target.environment.as_str());
            if let Some(digest) = to {
                say("--to");
                say(&digest.to_string());
            }
            if *scope == Scope::WholeCommit {
                say("--whole-commit");
            }
        }
        Ask::Pin { services, environment } => {
            say("pin");
            services.iter().for_each(|s| say(s.as_str()));
            if services.is_empty() {
                say("--all");
            }
            if let Some(env) = environment {
                say("--env");
                say(env.as_str());
            }
        }
        Ask::Hold { target, digest } => {
            say("hold");
            say("add");
            say(target.service.as_str());
            say("--env");
            say(target.environment.as_str());
            if let Some(digest) = digest {
                say("--digest");
                say(&digest.to_string());
            }
        }
        Ask::ReleaseHold { target } => {
            say("hold");
            say("release");
            say(target.service.as_str());
            say("--env");
            say(target.environment.as_str());
        }
    }
    if let Some(rule) = request.tag {
        say("--tag");
        say(match rule {
            TagRule::Update => "update",
            TagRule::Drop => "drop",
            TagRule::Keep => "keep",
        });
    }
    if let Some(reason) = &request.reason {
        say("--reason");
        say(reason);
    }
    if request.acknowledge_warned {
        say("--acknowledge-warned");
    }
    if request.release_hold {
        say("--release-hold");
    }
    if request.take_copies {
        say("--take-copies");
    }
    if let Some(reason) = &request.break_glass {
        say("--break-glass");
        say(reason);
    }
    words.join(" ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_that_a_shell_would_split_are_quoted() {
        let mut request = Request::new(Ask::Promote {
            services: vec!["payments".into(), "team-a/api".into()],
            to: "production".into(),
            from: Some(Source::Candidate),
        });
        request.reason = Some("it's broken; $(rm)".into());
        request.tag = Some(TagRule::Drop);
        request.take_copies = true;
        assert_eq!(
            of(&request),
            r#"pindeck promote payments team-a/api --to production --from candidate --tag drop --reason "it's broken; "'$(rm)' --take-copies"#
        );
    }
}
