//! Parsers of the values of options.

use std::time::Duration;

use gateway_contract::duration::duration;
use reqwest::Url;

/// The minimum interval between two checks of a server.
const SHORTEST_CHECK_INTERVAL: Duration = Duration::from_secs(10);

/// Parses a number of seconds, such as `2.5`, or a whole number with a unit: `30d`, `12h`, `30m`.
pub(super) fn seconds(text: &str) -> Result<Duration, String> {
    if let Some(time) = duration(text) {
        return Ok(time);
    }
    let value: f64 = text.parse().map_err(|_| {
        "not a number of seconds, nor a whole number with a unit: 30d, 12h, 30m".to_owned()
    })?;
    Duration::try_from_secs_f64(value).map_err(|error| error.to_string())
}

/// Parses a time that is not zero.
pub(super) fn positive(text: &str) -> Result<Duration, String> {
    let time = seconds(text)?;
    if time.is_zero() { Err("must be more than zero".to_owned()) } else { Ok(time) }
}

/// Parses the interval between the checks of a server. Zero disables them.
pub(super) fn check_interval(text: &str) -> Result<Duration, String> {
    let time = seconds(text)?;
    if time.is_zero() || time >= SHORTEST_CHECK_INTERVAL {
        return Ok(time);
    }
    Err(format!("must be 0 or at least {} seconds", SHORTEST_CHECK_INTERVAL.as_secs()))
}

/// Parses a URL of HTTP or HTTPS.
pub(super) fn web_url(text: &str) -> Result<Url, String> {
    let url = Url::parse(text).map_err(|error| error.to_string())?;
    if matches!(url.scheme(), "http" | "https") {
        Ok(url)
    } else {
        Err("not http or https".to_owned())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_time_is_seconds_or_has_a_unit() {
        for (text, millis) in
            [("2.5", 2500), ("0", 0), ("1e3", 1_000_000), ("90s", 90_000), ("30m", 1_800_000)]
        {
            assert_eq!(seconds(text), Ok(Duration::from_millis(millis)), "{text}");
        }
        for bad in ["", "x", "-1", "1.5h", "inf", "NaN", "1e20", "5 "] {
            assert!(seconds(bad).is_err(), "{bad}");
        }
        assert!(seconds("-1").unwrap_err().contains("negative"));
        assert!(positive("0s").is_err() && positive("0.001").is_ok());
    }

    #[test]
    fn servers_are_checked_rarely_or_never() {
        assert_eq!(check_interval("0"), Ok(Duration::ZERO));
        assert_eq!(check_interval("5m"), Ok(Duration::from_mins(5)));
        assert!(check_interval("10").is_ok());
        assert_eq!(check_interval("9.9").unwrap_err(), "must be 0 or at least 10 seconds");
        assert!(check_interval("-1").is_err() && check_interval("x").is_err());
    }

    #[test]
    fn a_url_is_of_the_web() {
        assert!(web_url("https://x/jwks").is_ok());
        for bad in ["no", "file:///etc/passwd"] {
            assert!(web_url(bad).is_err(), "{bad}");
        }
    }
}
