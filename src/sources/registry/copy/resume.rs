//! Going on with an upload that broke off, where the registry tells how much of it has arrived (OCI distribution
//! specification, "Pushing a blob in chunks").

use bytes::{Buf as _, Bytes};
use futures_util::StreamExt as _;
use futures_util::stream::{self, BoxStream};
use reqwest::header::{HeaderValue, LOCATION, RANGE};
use reqwest::{Method, Url};

use super::super::error::named;
use super::super::manifest::Descriptor;
use super::job::Job;
use super::upload_location::location;

impl Job<'_> {
    /// Where to send the rest of an upload, and how many bytes of it have arrived; `None` where the registry does not say
    /// that any have: then it begins anew.
    pub(super) async fn part_of(&self, blob: &Descriptor, upload: &Url) -> Option<(Url, u64)> {
        let what = named("blob", &self.request.destination, blob.digest);
        let request = self.write(Method::GET, upload.clone(), what);
        let header = self.header_for(upload).await.ok()?;
        let answer = self.client.transport.exchange(&request, header.as_ref()).await.ok()?;
        if answer.status.as_u16() != 204 {
            return None;
        }
        let arrived = answer.headers.get(RANGE).and_then(arrived)?;
        let next = match answer.headers.contains_key(LOCATION) {
            true => location(&request, &answer).ok()?,
            false => upload.clone(),
        };
        (arrived <= blob.size).then_some((next, arrived))
    }
}

/// How many bytes a registry says have arrived: `0-99` are a hundred. `0-0` is said of none, too.
fn arrived(range: &HeaderValue) -> Option<u64> {
    let text = range.to_str().ok()?;
    let text = text.strip_prefix("bytes=").unwrap_or(text);
    let last: u64 = text.strip_prefix("0-")?.parse().ok()?;
    last.checked_add(1).filter(|&bytes| bytes > 1)
}

/// Which bytes of a blob are sent, where some of it have arrived and some are left.
pub(super) fn content_range(arrived: u64, size: u64) -> Option<HeaderValue> {
    let is_part = arrived > 0 && arrived < size;
    let text = is_part.then(|| format!("{arrived}-{}", size - 1))?;
    HeaderValue::from_str(&text).ok()
}

/// What a blob has after its first bytes, which are read and thrown away.
///
/// # Errors
/// As the blob's own stream.
pub(super) async fn rest<E: Send + 'static>(
    mut content: BoxStream<'static, Result<Bytes, E>>,
    arrived: u64,
) -> Result<BoxStream<'static, Result<Bytes, E>>, E> {
    let mut left = arrived;
    while left > 0 {
        let Some(chunk) = content.next().await else { break };
        let mut chunk = chunk?;
        let here = usize::try_from(left).unwrap_or(usize::MAX).min(chunk.len());
        chunk.advance(here);
        left -= here as u64;
        if !chunk.is_empty() {
            return Ok(stream::once(std::future::ready(Ok(chunk))).chain(content).boxed());
        }
    }
    Ok(content)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_range_is_read_or_nothing_has_arrived() {
        let read = |text: &'static str| arrived(&HeaderValue::from_static(text));
        assert_eq!(read("0-99"), Some(100));
        assert_eq!(read("bytes=0-1"), Some(2));
        for text in [
            "0-0",
            "",
            "0-",
            "1-99",
            "-5",
            "0--1",
            "0-18446744073709551615",
            "0-99999999999999999999",
            "0-9 9",
        ] {
            assert_eq!(read(text), None, "{text}");
        }
    }

    #[tokio::test]
    async fn what_has_arrived_is_not_sent_again() {
        let whole: Vec<u8> = (0..100).collect();
        for arrived in 0..=100_u64 {
            for size in [1, 7, 100] {
                let chunks: Vec<Result<Bytes, ()>> = whole
                    .chunks(size)
                    .map(|chunk| Ok(Bytes::copy_from_slice(chunk)))
                    .collect();
                let rest = rest(stream::iter(chunks).boxed(), arrived).await.expect("whole");
                let sent: Vec<Bytes> = rest.map(|chunk| chunk.expect("whole")).collect().await;
                assert!(sent.iter().all(|chunk| !chunk.is_empty()), "no empty frame");
                assert_eq!(sent.concat(), whole[usize::try_from(arrived).expect("small")..]);
            }
        }
        let broken = stream::iter([Ok(Bytes::from_static(b"ab")), Err("cut")]).boxed();
        assert_eq!(rest(broken, 5).await.err(), Some("cut"));
        assert_eq!(content_range(40, 100).expect("a part"), "40-99");
        assert_eq!((content_range(0, 100), content_range(100, 100)), (None, None));
    }
}
