//! Rate limits of GitHub's API, and pauses because of them.
//!
//! GitHub counts the requests of each account over all apps. So an account that has used up its limit
//! is not asked about again, and the questions about others go on: otherwise, one stranger could stop
//! all of them with a limit that they used up on purpose.

use std::time::Duration;

use quick_cache::sync::Cache;
use reqwest::StatusCode;

use super::{super::provider_http::Answer, api::message};
use crate::model::UnixTime;

/// The pause if the answer does not state one.
const PAUSE: Duration = Duration::from_mins(1);
/// The maximum pause. GitHub counts by the hour.
const MAX_PAUSE: Duration = Duration::from_hours(1);
/// The maximum number of accounts whose pause is remembered, with about 50 bytes each.
const MOST_PAUSES: usize = 1024;

/// The accounts that are not asked about until a time.
pub(super) struct Pauses(Cache<u64, UnixTime>);

impl Default for Pauses {
    fn default() -> Self {
        Self(Cache::new(MOST_PAUSES))
    }
}

impl Pauses {
    /// Stops questions about the account `id` until the time `until`.
    pub(super) fn pause(&self, id: u64, until: UnixTime) {
        self.0.insert(id, until);
    }

    /// Returns `true` if the account `id` is not asked about now.
    pub(super) fn includes(&self, id: u64, now: UnixTime) -> bool {
        self.0.get(&id).is_some_and(|until| now < until)
    }
}

/// Returns the end of the rate limit that `answer` reports, or `None` if it reports none.
///
/// GitHub uses the statuses 403 and 429 for it. A 403 without its headers can still be a secondary
/// limit, which only the message tells.
pub(super) fn end(answer: &Answer, now: UnixTime) -> Option<UnixTime> {
    let number = |name: &str| answer.header(name).and_then(|text| text.trim().parse::<u64>().ok());
    let is_used_up = number("x-ratelimit-remaining") == Some(0);
    let limited = match answer.status {
        StatusCode::TOO_MANY_REQUESTS => true,
        StatusCode::FORBIDDEN => {
            is_used_up || answer.headers.contains_key("retry-after") || says_limited(answer)
        }
        _ => false,
    };
    let reset = || number("x-ratelimit-reset").filter(|_| is_used_up).map(time);
    let stated = number("retry-after").map(|seconds| now.plus(Duration::from_secs(seconds)));
    limited.then(|| {
        let until = stated.or_else(reset).unwrap_or(now.plus(PAUSE));
        until.clamp(now, now.plus(MAX_PAUSE))
    })
}

fn time(seconds: u64) -> UnixTime {
    UnixTime(i64::try_from(seconds).unwrap_or(i64::MAX))
}

fn says_limited(answer: &Answer) -> bool {
    message(answer).is_some_and(|text| text.contains("rate limit") || text.contains("abuse"))
}

#[cfg(test)]
mod tests {
    use reqwest::header::{HeaderMap, HeaderName};

    use super::*;

    const NOW: UnixTime = UnixTime(1_000_000);

    /// Returns the seconds to wait after an answer.
    fn wait(status: u16, headers: &[(&'static str, &str)], message: &str) -> Option<u64> {
        let mut map = HeaderMap::new();
        for (name, value) in headers {
            map.insert(HeaderName::from_static(name), value.parse().unwrap());
        }
        let body = serde_json::json!({ "message": message }).to_string().into_bytes();
        let status = StatusCode::from_u16(status).unwrap();
        let answer = Answer { status, headers: map, body };
        end(&answer, NOW).map(|until| NOW.until(until).as_secs())
    }

    #[test]
    fn a_limit_is_known_by_status_headers_and_message() {
        let used_up = [("x-ratelimit-remaining", "0"), ("x-ratelimit-reset", "1000300")];
        for status in [403, 429] {
            assert_eq!(wait(status, &used_up, ""), Some(300));
            assert_eq!(wait(status, &[("retry-after", "30")], ""), Some(30));
            let both = [used_up[0], used_up[1], ("retry-after", "30")];
            assert_eq!(wait(status, &both, ""), Some(30));
            assert_eq!(wait(status, &used_up[..1], ""), Some(60));
            assert_eq!(wait(status, &[("retry-after", "soon")], ""), Some(60));
        }
        assert_eq!(wait(429, &[], ""), Some(60));
        assert_eq!(wait(403, &[], "You have exceeded a secondary rate limit."), Some(60));
        assert_eq!(wait(403, &[], "You have triggered an abuse detection mechanism."), Some(60));
        let left = [("x-ratelimit-remaining", "4999"), ("x-ratelimit-reset", "1000300")];
        assert_eq!(wait(403, &left, "Resource not accessible by integration"), None);
        assert_eq!(wait(429, &left, ""), Some(60), "the reset is that of another limit");
        for status in [200, 401, 404, 500] {
            assert_eq!(wait(status, &used_up, ""), None, "{status}");
        }
    }

    #[test]
    fn a_pause_is_at_most_an_hour() {
        let of = |reset: &str| {
            wait(403, &[("x-ratelimit-remaining", "0"), ("x-ratelimit-reset", reset)], "")
        };
        assert_eq!(of("99999999999999999999"), Some(60), "not a number");
        assert_eq!(of("9999999999999999999"), Some(3600));
        assert_eq!(of("1"), Some(0), "it is over");
        assert_eq!(wait(429, &[("retry-after", "86400")], ""), Some(3600));
    }

    #[test]
    fn only_the_account_at_its_limit_pauses() {
        let pauses = Pauses::default();
        pauses.pause(7, NOW.plus(PAUSE));
        assert!(pauses.includes(7, NOW) && !pauses.includes(8, NOW));
        assert!(!pauses.includes(7, NOW.plus(PAUSE)));
        for id in 1000..100_000 {
            pauses.pause(id, NOW.plus(PAUSE));
        }
        assert!(pauses.0.len() <= MOST_PAUSES + 100, "{}", pauses.0.len());
    }
}
