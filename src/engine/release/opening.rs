//! Opening a pull request for a branch that is pushed: by the push itself, by the forge's API, or by a person who
//! follows a link. Whatever comes of it, the branch is at the remote: nothing here makes a write fail.

use std::sync::Arc;

use crate::domain::failure::Failure;
use crate::domain::message::one_line;
use crate::domain::plan::{Plan, Verb};
use crate::domain::policy::TeamPolicy;
use crate::domain::proposal::{ForgeKind, OpenBy};
use crate::domain::text::Untrusted;
use crate::engine::open::Engine;
use crate::sources::forge::{ForgeClient, NewProposal};
use crate::sources::git::GitRepo;
use crate::sources::git::write::Proposing;

/// Most characters of a title, and of a description.
const TITLE: usize = 200;
const DESCRIPTION: usize = 1500;

/// How the pull request of a write is opened.
pub(super) struct Opening {
    title: String,
    description: String,
    base: String,
    way: Way,
    /// Why it is not opened as it was asked for.
    note: Option<Untrusted>,
}

enum Way {
    /// By push options; `true` = pushed for review.
    PushOption {
        is_review: bool,
    },
    Api(Arc<ForgeClient>),
    Link,
}

impl Opening {
    /// How the pull request for these plans into `base` is opened. Blocking: the forge's program may be asked for a
    /// token.
    pub(super) fn of(
        engine: &Engine,
        team: &TeamPolicy,
        (repo, remote): (&GitRepo, &str),
        base: &str,
        plans: &[Plan],
    ) -> Self {
        let (title, description) = words(plans);
        let settings = engine.forge_settings(team, repo, repo.remote_url(remote).as_deref());
        let wanted = settings.as_ref().and_then(|forge| forge.open);
        let (client, trouble) = match engine.forge(team, repo, Some(remote)) {
            Ok(client) => (client, None),
            Err(failure) => (None, Some(failure)),
        };
        let configured = settings.as_ref().and_then(|forge| forge.kind);
        let kind = configured.or_else(|| client.as_ref().map(|client| client.address().kind));
        let (way, note) = match (kind, wanted, client) {
            (Some(ForgeKind::Gitlab), None | Some(OpenBy::PushOption), _) => {
                (Way::PushOption { is_review: false }, None)
            }
            (Some(ForgeKind::Forgejo | ForgeKind::Gitea), Some(OpenBy::PushOption), _) => {
                (Way::PushOption { is_review: true }, None)
            }
            (_, Some(OpenBy::Link), _) | (None, None, _) => (Way::Link, None),
            (Some(ForgeKind::Github), Some(OpenBy::PushOption), _) => (
                Way::Link,
                Some("GitHub opens no pull request by push options".to_owned()),
            ),
            (_, Some(OpenBy::Api), Some(client)) => (Way::Api(client), None),
            (_, None, Some(client)) if client.has_token() => (Way::Api(client), None),
            (_, None, _) => (Way::Link, None),
            (_, Some(OpenBy::Api | OpenBy::PushOption), _) => {
                let why = trouble.map(|failure| failure.sentence().raw().to_owned());
                let unknown = || "nobody says which forge this is: name `kind` and `host` in [forge]".to_owned();
                (Way::Link, Some(why.unwrap_or_else(unknown)))
            }
        };
        Self {
            title,
            description,
            base: base.to_owned(),
            way,
            note: note.map(|why| format!("no pull request was opened: {why}").into()),
        }
    }

    /// The options that travel with the push; `None` = a plain push.
    pub(super) fn options(&self, branch: &str) -> Option<Vec<String>> {
        let Way::PushOption { is_review } = self.way else {
            return None;
        };
        Some(if is_review {
            vec![
                format!("topic={branch}"),
                format!("title={}", self.title),
                format!("description={}", self.description),
            ]
        } else {
            vec![
                "merge_request.create".to_owned(),
                format!("merge_request.target={}", self.base),
                format!("merge_request.title={}", self.title),
                format!("merge_request.description={}", self.description),
                "merge_request.remove_source_branch".to_owned(),
            ]
        })
    }

    /// How a push asks for it with these options.
    pub(super) fn proposing<'a>(&'a self, options: &'a [String]) -> Proposing<'a> {
        let is_review = matches!(self.way, Way::PushOption { is_review: true });
        Proposing {
            options,
            review_for: is_review.then_some(self.base.as_str()),
        }
    }

    /// Opens it by the API, if that is the way, and says what came of it: where it is, or why it is not there.
    pub(super) async fn open(&self, branch: &str) -> Result<Option<String>, Untrusted> {
        let Way::Api(client) = &self.way else {
            return self.note.clone().map_or(Ok(None), Err);
        };
        let new = NewProposal {
            branch,
            base: &self.base,
            title: &self.title,
            description: &self.description,
        };
        match client.open(&new).await {
            Ok(opened) => Ok(Some(opened.url.unwrap_or_else(|| format!("#{}", opened.number)))),
            Err(error) => {
                let why = Failure::from(error).sentence();
                Err(format!("the branch is pushed, and no pull request was opened: {}", why.raw()).into())
            }
        }
    }
}

/// Title and description, of one line each: git takes no option of several.
fn words(plans: &[Plan]) -> (String, String) {
    let title = match plans {
        [one] => one.message.lines().next().unwrap_or_default().to_owned(),
        [first, ..] => {
            let (verb, place) = match first.verb {
                Verb::Promote => ("Promote", "to"),
                Verb::Revert => ("Revert", "in"),
                Verb::Pin => ("Pin", "in"),
                Verb::Hold => ("Hold", "in"),
                Verb::ReleaseHold => ("Release hold of", "in"),
            };
            format!("{verb} {} services {place} {}", plans.len(), first.environment)
        }
        [] => String::new(),
    };
    let each = plans.iter().map(|plan| {
        let from = plan
            .from
            .map_or_else(|| "(none)".to_owned(), |digest| digest.to_string());
        format!("{} in {}: {from} -> {}", plan.service, plan.environment, plan.to)
    });
    let description = each.collect::<Vec<_>>().join("; ");
    (short(&title, TITLE), short(&description, DESCRIPTION))
}

fn short(text: &str, most: usize) -> String {
    let line = one_line(text);
    if line.chars().count() <= most {
        return line;
    }
    let cut: String = line.chars().take(most - 1).collect();
    format!("{cut}…")
}

/// Whether an address that a forge's words name is a pull request that is there, and no form for a new one.
pub(super) fn is_there(url: &str) -> bool {
    let path = url.split(['?', '#']).next().unwrap_or(url);
    let mut parts = path.trim_end_matches('/').rsplit('/');
    let is_number = parts
        .next()
        .is_some_and(|last| !last.is_empty() && last.bytes().all(|b| b.is_ascii_digit()));
    is_number && matches!(parts.next(), Some("pull" | "pulls" | "merge_requests"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_form_is_no_pull_request() {
        for (url, there) in [
            ("https://gitlab.com/o/r/-/merge_requests/41", true),
            ("https://codeberg.org/o/r/pulls/7", true),
            ("https://github.com/o/r/pull/3/", true),
            ("https://github.com/o/r/pull/new/pindeck/x", false),
            (
                "https://gitlab.com/o/r/-/merge_requests/new?merge_request%5Bsource_branch%5D=x",
                false,
            ),
            ("https://git.example/o/r/compare/main...x", false),
            ("", false),
        ] {
            assert_eq!(is_there(url), there, "{url}");
        }
    }

    #[test]
    fn a_title_is_one_short_line() {
        assert_eq!(short("a\nb\u{1b}", 200), "a b");
        let long = short(&"é".repeat(900), TITLE);
        assert_eq!((long.chars().count(), long.ends_with('…')), (TITLE, true));
    }
}
