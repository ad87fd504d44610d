//! Validation of the headers and the `_meta` envelope of a request, which must agree (Streamable HTTP,
//! "Request Metadata", "Server Validation").

use std::borrow::Cow;

use actix_web::http::StatusCode;
use actix_web::http::header::{HeaderMap, HeaderName};
use gateway_contract::header_value::decoded;
use gateway_contract::headers as names;
use gateway_contract::methods;
use gateway_contract::revision::{self, MODERN};
use serde_json::{Map, json};

use super::super::headers::VERSION;
use super::super::http_error::HttpError;
use crate::instances::initialize::LONGEST;
use crate::messages::error;
use crate::messages::message::{Envelope, Kind};
use crate::messages::meta::{self, Asked};
use crate::messages::param_headers::{self, Mirror};
use crate::messages::translate::log;
use crate::messages::tree;

/// The header that repeats the method.
pub(super) const METHOD: HeaderName = HeaderName::from_static(names::METHOD);
/// The header that repeats the name of the tool or prompt, or the URI of the resource.
const NAME: HeaderName = HeaderName::from_static(names::NAME);

/// Rejects a request whose envelope is incomplete, or whose headers differ from the body. With `tolerant`,
/// the version header may be absent, duplicated, or of an earlier revision.
pub(super) fn check(
    headers: &HeaderMap,
    envelope: &Envelope<'_>,
    asked: &Asked<'_>,
    tolerant: bool,
) -> Result<(), HttpError> {
    // "A request missing any required field is malformed".
    let Some(requested) = asked.version() else { return Err(lacks(meta::VERSION)) };
    if asked.capabilities().is_none() {
        return Err(lacks(meta::CAPABILITIES));
    }
    let long = |text: Option<&str>| text.is_some_and(|text| text.len() > LONGEST);
    if long(asked.capabilities()) || long(asked.client_info()) {
        return Err(invalid("clientInfo or the capabilities are too long".to_owned()));
    }
    if asked.log_level().is_some_and(|level| log::level(level).is_none()) {
        return Err(invalid(format!("{} is not a log level", meta::LOG_LEVEL)));
    }
    if !(tolerant && is_tolerable(headers)) {
        same(headers, &VERSION, Some(&requested))?;
    }
    if requested != MODERN {
        let data = json!({ "supported": [MODERN], "requested": requested });
        let why = "this revision is not served";
        return Err(bad(error::UNSUPPORTED_VERSION, why).with_data(data));
    }
    same(headers, &METHOD, Some(&envelope.method))?;
    match methods::named_by(&envelope.method) {
        Some(parameter) => same(headers, &NAME, asked.text(parameter).as_deref()),
        None => Ok(()),
    }
}

/// Rejects a message of an earlier revision, or a notification, whose optional headers contradict the body.
/// The gateway has based its decision on the headers, whatever the revision of the body.
pub(in crate::http) fn unasked(
    headers: &HeaderMap,
    envelope: &Envelope<'_>,
) -> Result<(), HttpError> {
    let says = |name| headers.contains_key(name);
    if envelope.kind == Kind::Response || !(says(METHOD) || says(NAME)) {
        return Ok(());
    }
    if says(METHOD) {
        same(headers, &METHOD, Some(&envelope.method))?;
    }
    // The gateway does not use the URI of a resource.
    let parameter = methods::named_by(&envelope.method).filter(|parameter| *parameter != "uri");
    let Some(parameter) = parameter.filter(|_| says(NAME)) else { return Ok(()) };
    let said = Asked::of(envelope.params).text(parameter);
    same(headers, &NAME, Some(said.as_deref().unwrap_or_default()))
}

/// Rejects these headers on a batch, since they could not describe all of its messages.
pub(in crate::http) fn unasked_of_batch(headers: &HeaderMap) -> Result<(), HttpError> {
    if headers.contains_key(METHOD) || headers.contains_key(NAME) {
        return Err(mismatch("a batch has no Mcp-Method and no Mcp-Name".to_owned()));
    }
    Ok(())
}

/// Returns `true` for a version header that existing clients send (claude-code#93290): none, or served
/// revisions.
fn is_tolerable(headers: &HeaderMap) -> bool {
    headers.get_all(VERSION).all(|value| value.to_str().is_ok_and(revision::is_served))
}

/// Rejects a request unless the header `name` occurs exactly once and matches the body.
fn same(headers: &HeaderMap, name: &HeaderName, body: Option<&str>) -> Result<(), HttpError> {
    // An incomplete body is left for the server to reject.
    let Some(body) = body else { return Ok(()) };
    let mut values = headers.get_all(name);
    let (Some(value), None) = (values.next(), values.next()) else {
        return Err(mismatch(format!("the {name} header must be sent exactly once")));
    };
    let value = value.to_str().ok().and_then(decoded);
    if value.as_deref() == Some(body) {
        return Ok(());
    }
    Err(mismatch(format!("the {name} header does not match the body")))
}

/// Rejects a call whose `arguments` do not match the headers that `param_headers` requires.
pub(super) fn param_headers(
    headers: &HeaderMap,
    param_headers: &[Mirror],
    arguments: Option<&str>,
) -> Result<(), HttpError> {
    let arguments = match arguments {
        None => Map::new(),
        Some(text) => tree::read(text).ok_or_else(|| {
            invalid("params.arguments is not an object of a sensible size".to_owned())
        })?,
    };
    for param_headers in param_headers {
        let value = param_headers.value(&arguments);
        let mut headers = headers.get_all(&*param_headers.header);
        let same = match (value, headers.next(), headers.next()) {
            (None, None, None) => true,
            (Some(value), Some(header), None) => {
                let header = header.to_str().ok().and_then(decoded);
                header.is_some_and(|header| param_headers::says(&header, value))
            }
            _ => false,
        };
        if !same {
            return Err(mismatch(format!(
                "the {} header does not match the arguments",
                param_headers.header
            )));
        }
    }
    Ok(())
}

/// Returns the error `-32020` with status 400.
pub(super) fn mismatch(why: String) -> HttpError {
    bad(error::HEADER_MISMATCH, why)
}

/// Returns the error `-32602` with status 400.
pub(super) fn invalid(why: String) -> HttpError {
    bad(error::INVALID_PARAMS, why)
}

fn lacks(key: &str) -> HttpError {
    invalid(format!("params._meta lacks \"{key}\""))
}

fn bad(code: i32, why: impl Into<Cow<'static, str>>) -> HttpError {
    HttpError::new(StatusCode::BAD_REQUEST, code, why)
}

#[cfg(test)]
mod tests {
    use actix_web::http::header::HeaderValue;

    use super::*;
    use crate::messages::message::parse;

    fn code(headers: &[(HeaderName, &str)], text: &str, tolerant: bool) -> Option<i64> {
        let headers: HeaderMap = headers
            .iter()
            .map(|(name, value)| (name.clone(), HeaderValue::from_str(value).unwrap()))
            .collect();
        let envelope = parse(text).unwrap();
        let asked = Asked::of(envelope.params);
        let refusal = check(&headers, &envelope, &asked, tolerant).err()?;
        let text = refusal.with_id("1").text();
        crate::messages::message::error_code(parse(&text).unwrap().error.unwrap())
    }

    fn request(method: &str, rest: &str, version: &str) -> String {
        format!(
            r#"{{"jsonrpc":"2.0","id":1,"method":"{method}","params":{{{rest}"_meta":{{"{}":"{version}","{}":{{}}}}}}}}"#,
            meta::VERSION,
            meta::CAPABILITIES,
        )
    }

    #[test]
    fn headers_must_say_what_the_body_says() {
        let text = request("tools/call", r#""name":"straße","#, MODERN);
        let all = [(VERSION, MODERN), (METHOD, "tools/call"), (NAME, "=?base64?c3RyYcOfZQ==?=")];
        assert_eq!(code(&all, &text, false), None);
        for (at, wrong) in [
            (0, "2025-11-25"),
            (0, "2026-07-28, 2026-07-28"),
            (1, "TOOLS/CALL"),
            (2, "=?base64?c3RyYcOfZQ?="),
            (2, "=?base64?c3RyYcOfZQ!!?="),
            (2, "=?BASE64?c3RyYcOfZQ==?="),
            (2, "strasse"),
        ] {
            let mut headers = all.clone();
            headers[at].1 = wrong;
            assert_eq!(code(&headers, &text, false), Some(-32020), "{wrong}");
        }
        for absent in 0..3 {
            let mut headers = all.to_vec();
            headers.remove(absent);
            assert_eq!(code(&headers, &text, false), Some(-32020), "{absent}");
        }
        let mut twice = all.to_vec();
        twice.push((METHOD, "tools/call"));
        assert_eq!(code(&twice, &text, false), Some(-32020));
    }

    #[test]
    fn an_envelope_must_be_whole_and_of_a_revision_that_is_served() {
        let headers = [(VERSION, MODERN), (METHOD, "tools/list")];
        let ask = |params: &str| {
            let text = format!(r#"{{"jsonrpc":"2.0","id":1,"method":"tools/list"{params}}}"#);
            code(&headers, &text, false)
        };
        assert_eq!(ask(""), Some(-32602));
        assert_eq!(ask(r#","params":{}"#), Some(-32602));
        assert_eq!(
            ask(r#","params":{"_meta":{"io.modelcontextprotocol/protocolVersion":"2026-07-28"}}"#),
            Some(-32602)
        );
        assert_eq!(
            ask(r#","params":{"_meta":{"io.modelcontextprotocol/clientCapabilities":{}}}"#),
            Some(-32602)
        );
        let old = request("tools/list", "", "v999");
        assert_eq!(code(&[(VERSION, "v999"), (METHOD, "tools/list")], &old, false), Some(-32022));
        assert_eq!(code(&headers, &old, false), Some(-32020));
    }

    #[test]
    fn a_version_header_that_clients_in_the_field_send_is_tolerated_if_told() {
        let text = request("tools/list", "", MODERN);
        for version in ["2025-11-25", "2026-07-28, 2026-07-28"] {
            let headers = [(VERSION, version), (METHOD, "tools/list")];
            assert_eq!(code(&headers, &text, true), None, "{version}");
        }
        assert_eq!(code(&[(METHOD, "tools/list")], &text, true), None);
        assert_eq!(code(&[(VERSION, "x"), (METHOD, "tools/list")], &text, true), Some(-32020));
        assert_eq!(code(&[(VERSION, "2025-11-25")], &text, true), Some(-32020));
    }
}
