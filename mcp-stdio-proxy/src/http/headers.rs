//! Validation of request headers (Streamable HTTP, "Sending Messages to the Server", "Protocol Version
//! Header").

use std::sync::Arc;

use actix_web::http::StatusCode;
use actix_web::http::header::{
    ACCEPT, CONTENT_ENCODING, CONTENT_TYPE, HeaderMap, HeaderName, HeaderValue, ORIGIN,
};
use gateway_contract::{headers as names, revision};

use super::guard::Guard;
use super::http_error::HttpError;
use crate::messages::error;

pub(super) const SESSION: HeaderName = HeaderName::from_static("mcp-session-id");
/// The header with the id of the last event that the client received.
pub(super) const LAST_EVENT: HeaderName = HeaderName::from_static("last-event-id");
/// The user, set by the gateway. It serves as an isolation key only.
pub(super) const USER: HeaderName = HeaderName::from_static(names::USER_ID);
pub(super) const VERSION: HeaderName = HeaderName::from_static(names::PROTOCOL_VERSION);
/// The server that the gateway chose.
pub(super) const SERVER: HeaderName = HeaderName::from_static(names::SERVER);
/// The scopes of the access token, set by the gateway.
pub(super) const SCOPES: HeaderName = HeaderName::from_static(names::SCOPES);
/// The beginning of a challenge (RFC 6750 §3) of this server, set by the gateway.
const CHALLENGE: HeaderName = HeaderName::from_static(names::CHALLENGE);
/// The maximum length of a user id.
const USER_LENGTH: usize = 256;

/// Returns the first value of a header, if it is visible ASCII.
pub(super) fn text(headers: &HeaderMap, name: HeaderName) -> Option<&str> {
    headers.get(name)?.to_str().ok()
}

/// Rejects hosts and origins that are not allowed.
pub(super) fn check_source(
    guard: &Guard,
    host: &str,
    headers: &HeaderMap,
) -> Result<(), HttpError> {
    if !guard.allows_host(host) {
        return Err(HttpError::forbidden("this host name is not allowed; see --allow-host"));
    }
    // "If the Origin header is present and invalid, servers MUST respond with HTTP 403".
    let foreign = |origin: &str| !guard.allows_origin(origin);
    if headers.get_all(ORIGIN).any(|origin| origin.to_str().map_or(true, foreign)) {
        return Err(HttpError::forbidden("this origin is not allowed; see --allow-origin"));
    }
    Ok(())
}

/// Rejects unknown protocol revisions.
pub(super) fn check_version(headers: &HeaderMap) -> Result<(), HttpError> {
    let mut all = headers.get_all(VERSION);
    if all.all(|value| value.to_str().is_ok_and(revision::is_served)) {
        return Ok(());
    }
    Err(HttpError::new(
        StatusCode::BAD_REQUEST,
        error::TRANSPORT,
        "unsupported MCP-Protocol-Version; supported: 2024-11-05, 2025-03-26, 2025-06-18, 2025-11-25",
    ))
}

/// Checks the media types of a POST: "The client MUST include an Accept header, listing both".
pub(super) fn check_post(headers: &HeaderMap) -> Result<(), HttpError> {
    let json = |kind: &str| kind.eq_ignore_ascii_case("application/json");
    if !media_types(text(headers, CONTENT_TYPE).unwrap_or_default()).any(json) {
        return Err(HttpError::new(
            StatusCode::UNSUPPORTED_MEDIA_TYPE,
            error::TRANSPORT,
            "the Content-Type must be application/json",
        ));
    }
    check_encoding(headers)?;
    check_accept(headers, &["application/json", "text/event-stream"])
}

/// Rejects a compressed body, which would be misread (RFC 9110 §15.5.16).
fn check_encoding(headers: &HeaderMap) -> Result<(), HttpError> {
    let plain = |value: &HeaderValue| {
        value.to_str().is_ok_and(|list| {
            media_types(list).all(|coding| coding.eq_ignore_ascii_case("identity"))
        })
    };
    if headers.get_all(CONTENT_ENCODING).all(plain) {
        return Ok(());
    }
    Err(HttpError::coded())
}

/// Rejects clients that do not accept the media types of the response.
pub(super) fn check_accept(headers: &HeaderMap, kinds: &[&str]) -> Result<(), HttpError> {
    let accepted: Vec<&str> = headers
        .get_all(ACCEPT)
        .filter_map(|value| value.to_str().ok())
        .flat_map(media_types)
        .collect();
    let takes = |kind: &str| {
        let group = kind.split('/').next().unwrap_or_default();
        accepted.iter().any(|one| {
            *one == "*/*"
                || one.eq_ignore_ascii_case(kind)
                || one.strip_suffix("/*").is_some_and(|one| one.eq_ignore_ascii_case(group))
        })
    };
    if accepted.is_empty() || kinds.iter().all(|kind| takes(kind)) {
        return Ok(());
    }
    Err(HttpError::new(
        StatusCode::NOT_ACCEPTABLE,
        error::TRANSPORT,
        format!("the client must accept {}", kinds.join(" and ")),
    ))
}

/// Returns the media types of a list, without their parameters.
fn media_types(list: &str) -> impl Iterator<Item = &str> {
    list.split(',')
        .map(|one| one.split(';').next().unwrap_or_default().trim())
        .filter(|one| !one.is_empty())
}

/// Returns the user that the gateway names, if there is a gateway.
pub(super) fn principal(headers: &HeaderMap) -> Result<Option<Arc<str>>, HttpError> {
    let mut all = headers.get_all(USER);
    let (Some(value), None) = (all.next(), all.next()) else {
        return if headers.contains_key(USER) {
            Err(HttpError::bad_request("duplicate X-User-Id header"))
        } else {
            Ok(None)
        };
    };
    match value.to_str().map(str::trim) {
        Ok("") => Ok(None),
        Ok(name) if name.len() <= USER_LENGTH => Ok(Some(name.into())),
        _ => Err(HttpError::bad_request("X-User-Id is not usable")),
    }
}

/// Returns the scopes that the gateway names.
pub(super) fn scopes(headers: &HeaderMap) -> &str {
    text(headers, SCOPES).unwrap_or_default()
}

/// Returns the beginning of a challenge of the gateway, if there is a gateway.
pub(super) fn challenge(headers: &HeaderMap) -> Option<&str> {
    text(headers, CHALLENGE).filter(|text| text.starts_with("Bearer "))
}

/// Returns the server that the gateway chose, if there is a gateway.
pub(crate) fn server(headers: &HeaderMap) -> Result<Option<&str>, HttpError> {
    let mut values = headers.get_all(SERVER);
    match (values.next().map(|value| value.to_str()), values.next()) {
        (None | Some(Ok("")), None) => Ok(None),
        (Some(Ok(name)), None) => Ok(Some(name)),
        _ => Err(HttpError::bad_request("X-MCP-Server is not usable")),
    }
}

#[cfg(test)]
mod tests {
    #[test]
    fn the_gateway_chooses_one_server_or_none() {
        let chosen = |values: &[&str]| {
            let mut headers = HeaderMap::new();
            for value in values {
                let value = HeaderValue::from_str(value).unwrap();
                headers.append(SERVER, value);
            }
            server(&headers).map(|name| name.map(str::to_owned)).map_err(|_| ())
        };
        assert_eq!(chosen(&[]), Ok(None));
        assert_eq!(chosen(&[""]), Ok(None));
        assert_eq!(chosen(&["git"]), Ok(Some("git".to_owned())));
        assert_eq!(chosen(&["git", "time"]), Err(()));
    }

    use super::*;

    fn headers(all: &[(&'static str, &'static str)]) -> HeaderMap {
        all.iter()
            .map(|(name, value)| (HeaderName::from_static(name), HeaderValue::from_static(value)))
            .collect()
    }

    #[test]
    fn both_kinds_of_answer_must_be_accepted() {
        let accept = |value| {
            check_accept(&headers(&[("accept", value)]), &["application/json", "text/event-stream"])
        };
        for good in
            ["application/json, text/event-stream", "*/*", "text/*;q=0.5, application/JSON;q=1"]
        {
            assert!(accept(good).is_ok(), "{good}");
        }
        for bad in ["application/json", "text/event-stream", "text/html", "application/*"] {
            assert!(accept(bad).is_err(), "{bad}");
        }
        assert!(check_accept(&headers(&[]), &["application/json"]).is_ok());
    }

    #[test]
    fn a_body_must_say_that_it_is_json() {
        let check = |value| check_post(&headers(&[("content-type", value)]));
        assert!(check("application/json; charset=utf-8").is_ok());
        assert!(check("text/plain").is_err());
        assert!(check_post(&headers(&[])).is_err());
    }

    #[test]
    fn a_user_is_named_once_or_not_at_all() {
        let user = |all| principal(&headers(all));
        assert_eq!(user(&[("x-user-id", "github:7")]).unwrap().as_deref(), Some("github:7"));
        assert_eq!(user(&[]).unwrap(), None);
        assert_eq!(user(&[("x-user-id", "")]).unwrap(), None);
        assert!(user(&[("x-user-id", "a"), ("x-user-id", "b")]).is_err());
    }

    #[test]
    fn a_foreign_page_is_refused_and_a_program_without_origin_is_not() {
        let guard = Guard::default();
        assert!(check_source(&guard, "localhost", &headers(&[])).is_ok());
        assert!(
            check_source(&guard, "localhost", &headers(&[("origin", "https://evil.com")])).is_err()
        );
        assert!(check_source(&guard, "evil.com", &headers(&[])).is_err());
    }
}
