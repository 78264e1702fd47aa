//! What registries say in headers about how often they want to be asked.

use std::time::Duration;

use reqwest::header::{HeaderMap, HeaderValue};

use super::host::RateLimit;

/// `Retry-After` in seconds or as a date (RFC 9110, section 10.2.3).
pub(super) fn retry_after(value: &HeaderValue) -> Option<Duration> {
    let text = value.to_str().ok()?.trim();
    if let Ok(seconds) = text.parse::<u64>() {
        return Some(Duration::from_secs(seconds));
    }
    let at = jiff::fmt::rfc2822::parse(text).ok()?.timestamp();
    let seconds = at.as_second() - jiff::Timestamp::now().as_second();
    Some(Duration::from_secs(u64::try_from(seconds).unwrap_or(0)))
}

/// `ratelimit-remaining` and `ratelimit-limit`, as Docker Hub and others send them.
pub(super) fn rate_limit(headers: &HeaderMap) -> Option<RateLimit> {
    let number = |name: &str| {
        let text = headers.get(name)?.to_str().ok()?;
        text.split([';', ',']).next()?.trim().parse::<u64>().ok()
    };
    Some(RateLimit {
        remaining: number("ratelimit-remaining")?,
        limit: number("ratelimit-limit"),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_seconds_dates_and_limits() {
        let after = |text: &'static str| retry_after(&HeaderValue::from_static(text));
        assert_eq!(after(" 120 "), Some(Duration::from_secs(120)));
        assert_eq!(after("Sun, 06 Nov 1994 08:49:37 GMT"), Some(Duration::ZERO));
        assert_eq!(after("soon"), None);
        assert_eq!(after("-1"), None);
        let mut headers = HeaderMap::new();
        assert_eq!(rate_limit(&headers), None);
        headers.insert("ratelimit-remaining", HeaderValue::from_static("76;w=21600"));
        headers.insert("ratelimit-limit", HeaderValue::from_static("100;w=21600"));
        let limit = rate_limit(&headers).expect("given");
        assert_eq!((limit.remaining, limit.limit), (76, Some(100)));
    }
}
