//! The original request behind a call of `/verify`, from headers that Traefik sets itself (`trustForwardHeader` off).

use std::borrow::Cow;

use actix_web::http::header::{HeaderMap, HeaderName};

use crate::model::canonical_authority;

pub(super) const HOST: HeaderName = HeaderName::from_static("x-forwarded-host");
const URI: HeaderName = HeaderName::from_static("x-forwarded-uri");

/// The host and path of the original request.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Forwarded<'a> {
    /// The canonical `host` or `host:port`.
    pub(super) authority: Cow<'a, str>,
    /// The path without the query, which starts with `/`.
    pub(super) path: &'a str,
}

/// The error for headers that are missing, repeated or ambiguous.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Malformed;

impl<'a> Forwarded<'a> {
    /// Reads `X-Forwarded-Host` and `X-Forwarded-Uri`.
    ///
    /// Returns [`Malformed`] for paths that a router and a backend may interpret differently: encoded slashes, dot
    /// segments, backslashes. No resource of this gateway has such a path.
    pub(super) fn read(headers: &'a HeaderMap) -> Result<Self, Malformed> {
        let host = once(headers, &HOST)?;
        let uri = once(headers, &URI)?;
        let path = uri.split(['?', '#']).next().unwrap_or("");
        if !is_plain_path(path) {
            return Err(Malformed);
        }
        let authority = canonical_authority(host).ok_or(Malformed)?;
        Ok(Self { authority, path })
    }
}

/// Returns `true` if every parser reads the path alike. Only its last segment may be empty.
fn is_plain_path(path: &str) -> bool {
    let Some(path) = path.as_bytes().strip_prefix(b"/") else { return false };
    let mut segments = path.split(|byte| *byte == b'/');
    segments.next_back().is_none_or(|last| last.is_empty() || is_plain(last))
        && segments.all(is_plain)
}

fn is_plain(segment: &[u8]) -> bool {
    let harmless = |byte: &u8| byte.is_ascii_graphic() && !b"%\\;".contains(byte);
    !matches!(segment, b"" | b"." | b"..") && segment.iter().all(harmless)
}

pub(super) fn once<'a>(headers: &'a HeaderMap, name: &HeaderName) -> Result<&'a str, Malformed> {
    let mut values = headers.get_all(name);
    match (values.next(), values.next()) {
        (Some(value), None) => std::str::from_utf8(value.as_bytes()).map_err(|_| Malformed),
        _ => Err(Malformed),
    }
}

#[cfg(test)]
mod tests {
    use actix_web::http::header::{HeaderName, HeaderValue};

    use super::*;

    fn read(host: &str, uri: &str) -> Result<(String, String), Malformed> {
        let mut headers = HeaderMap::new();
        for (name, value) in [("x-forwarded-host", host), ("x-forwarded-uri", uri)] {
            headers.append(HeaderName::from_static(name), HeaderValue::from_str(value).unwrap());
        }
        Forwarded::read(&headers)
            .map(|request| (request.authority.into_owned(), request.path.to_owned()))
    }

    #[test]
    fn host_and_path_are_brought_to_one_spelling() {
        let expected = Ok(("time.example".to_owned(), "/mcp".to_owned()));
        for host in
            ["time.example", "TIME.example", "time.example:443", "time.example.", "time.example:80"]
        {
            assert_eq!(read(host, "/mcp?x=/../y"), expected, "{host}");
        }
        assert_eq!(read("a.example.:8443", "/").unwrap().0, "a.example:8443");
        assert_eq!(read("time.example", "/a/mcp/").unwrap().1, "/a/mcp/");
    }

    #[test]
    fn spellings_that_can_be_read_in_two_ways_are_refused() {
        for uri in
            ["", "mcp", "/a/../mcp", "/./mcp", "/a%2fb", "/%2e%2e/mcp", "//mcp", "/a;b", "/a\\b"]
                .into_iter()
                .chain(["/..", "/../", "//", "/mcp//", "/mcp/.", "?/mcp"])
        {
            assert_eq!(read("time.example", uri), Err(Malformed), "{uri}");
        }
        for host in ["", "user@time.example", "time.example/x", "a,b"] {
            assert_eq!(read(host, "/mcp"), Err(Malformed), "{host}");
        }
    }
}
