//! Waits until something in a namespace changes. A watch says no more than "look again": what is there comes from lists,
//! so that a line that was missed or cut costs nothing but a little time.

use std::time::Duration;

use reqwest::StatusCode;

use super::client::{ClusterClient, Listed};
use super::error::ClusterError;
use crate::domain::Wording;
use crate::sources::error_text::with_causes;

/// How a line of a watch begins that tells no change: it only moves the version on.
const BOOKMARK: &str = "{\"type\":\"BOOKMARK\"";

impl ClusterClient {
    /// Waits until the Pods of a namespace are others than at the last list, or that list is too old to tell (410), or
    /// the server ends the watch. It asks for bookmarks, so that an idle watch stays cheap. Returns at once if the
    /// namespace was never listed.
    ///
    /// # Errors
    /// If the cluster does not let these credentials watch, or cannot be asked: then it has to be listed now and then.
    pub async fn changed(&self, namespace: &str, longest: Duration) -> Result<(), ClusterError> {
        let what = format!("changes of pods in {namespace}");
        let version = self.versions().get(namespace).cloned();
        let Some(version) = version else { return Ok(()) };
        let mut url = self.url(Listed::Pods, namespace, None)?;
        url.query_pairs_mut()
            .clear()
            .append_pair("watch", "true")
            .append_pair("allowWatchBookmarks", "true")
            .append_pair("resourceVersion", &version)
            .append_pair("timeoutSeconds", &longest.as_secs().max(1).to_string());
        let broken = |error: reqwest::Error| ClusterError::Connection {
            cluster: self.cluster().to_owned(),
            what: what.clone(),
            detail: Wording::of_another(with_causes(&error)),
        };
        let session = self.session().await?;
        let mut response = session.send(&url).await.map_err(broken)?;
        match response.status() {
            StatusCode::OK => {}
            // Too old: list again.
            StatusCode::GONE => return Ok(()),
            StatusCode::FORBIDDEN => {
                return Err(ClusterError::Forbidden {
                    cluster: self.cluster().to_owned(),
                    what,
                });
            }
            StatusCode::UNAUTHORIZED => {
                return Err(ClusterError::Unauthorized {
                    cluster: self.cluster().to_owned(),
                });
            }
            status => {
                return Err(ClusterError::Answer {
                    cluster: self.cluster().to_owned(),
                    what,
                    detail: Wording::own(status.to_string()),
                });
            }
        }
        let mut line = LineStart::default();
        while let Some(chunk) = response.chunk().await.map_err(broken)? {
            if chunk.iter().any(|byte| line.take(*byte)) {
                return Ok(());
            }
        }
        Ok(())
    }
}

/// The beginning of the line that is being read; the rest of it is skipped.
#[derive(Default)]
struct LineStart {
    read: String,
    is_told: bool,
}

impl LineStart {
    /// Takes one byte; whether the line is certainly no bookmark.
    fn take(&mut self, byte: u8) -> bool {
        if byte == b'\n' {
            *self = Self::default();
            return false;
        }
        if self.is_told || byte.is_ascii_whitespace() {
            return false;
        }
        self.read.push(char::from(byte));
        self.is_told = self.read.len() >= BOOKMARK.len();
        !BOOKMARK.starts_with(self.read.as_str())
    }
}

#[cfg(test)]
mod tests {
    use super::super::client::ClusterLimits;
    use super::super::seen::see;
    use super::super::server_tests::{Reply, Server, folder, page, status};
    use super::*;

    const BOOKMARKED: &str =
        "{\"type\":\"BOOKMARK\",\"object\":{\"kind\":\"Pod\",\"metadata\":{\"resourceVersion\":\"9\"}}}\n";

    #[test]
    fn a_bookmark_is_no_change() {
        let tells = |text: &str| {
            let mut line = LineStart::default();
            text.bytes().any(|byte| line.take(byte))
        };
        assert!(!tells(BOOKMARKED));
        assert!(!tells(&BOOKMARKED.repeat(3)));
        assert!(!tells("\n\n"));
        for kind in ["ADDED", "MODIFIED", "DELETED", "ERROR", "BOOKMARKS"] {
            let text = format!("{BOOKMARKED}{{\"type\":\"{kind}\",\"object\":{{}}}}\n");
            assert!(tells(&text), "{kind}");
        }
        assert!(tells("nonsense"));
    }

    #[tokio::test]
    async fn a_watch_goes_on_from_the_list_and_says_when_to_list_again() {
        for (reply, is_forbidden) in [
            (
                Reply::Is(
                    200,
                    "",
                    format!("{BOOKMARKED}{{\"type\":\"MODIFIED\",\"object\":{{}}}}\n"),
                ),
                false,
            ),
            (
                Reply::Is(
                    200,
                    "",
                    "{\"type\":\"ERROR\",\"object\":{\"code\":410,\"reason\":\"Expired\"}}\n".to_owned(),
                ),
                false,
            ),
            (status(410, "Expired", "too old resource version"), false),
            (Reply::Is(200, "", BOOKMARKED.to_owned()), false),
            (status(403, "Forbidden", "no"), true),
        ] {
            let reply = std::sync::Mutex::new(Some(reply));
            let server = Server::start(move |_, heard| match heard.line.contains("watch=true") {
                true => {
                    let mut reply = reply.lock().expect("no test panics");
                    reply.take().unwrap_or_else(|| status(500, "", "asked twice"))
                }
                false => page(&[], ""),
            })
            .await;
            let folder = folder();
            let client = server.client("token: t", folder.path(), ClusterLimits::default());
            // Nothing was listed: nothing is known that could change.
            assert_eq!(client.changed("shop", Duration::from_secs(5)).await, Ok(()));
            see(&client, "shop").await;
            let answer = client.changed("shop", Duration::from_secs(5)).await;
            assert_eq!(answer.is_err(), is_forbidden, "{answer:?}");
            let heard = server.heard();
            let watch = heard
                .iter()
                .find(|heard| heard.line.contains("watch=true"))
                .expect("a watch");
            assert!(
                watch.line.starts_with(
                    "GET /api/v1/namespaces/shop/pods?watch=true&allowWatchBookmarks=true&resourceVersion=7&timeoutSeconds=5 "
                ),
                "{watch:?}"
            );
        }
    }
}
