//! Filters the members of client metadata.
//!
//! An invalid member that no decision depends on is dropped instead of rejecting the client. The
//! registration response shows the members that were accepted (RFC 7591 §3.2.1).

use serde_json::{Map, Value};
use url::Url;

use super::public_url::is_public_url;
use crate::{
    model::{AuthMethod, ClientMetadata, Scopes},
    oauth::{Error, legible::misleads},
};

/// The maximum length of a client name in characters.
///
/// The consent page shows the name above the text that a person must read.
pub(in crate::oauth) const MAX_NAME: usize = 100;
/// The maximum length of any other string member, in bytes.
pub(in crate::oauth) const MAX_TEXT: usize = 2048;
const MAX_CONTACTS: usize = 20;

/// Returns the usable members of the JSON object `body`. Empty members count as absent.
pub(in crate::oauth) fn usable(body: &[u8]) -> Result<Map<String, Value>, Error> {
    let Ok(mut members) = serde_json::from_slice::<Map<String, Value>>(body) else {
        let why = "the body must be a JSON object with the client metadata of RFC 7591";
        return Err(Error::InvalidClientMetadata(why.into()));
    };
    members.retain(|name, value| !is_empty(name, value));
    members.retain(|name, value| match name.split('#').next().unwrap_or(name) {
        "client_uri" | "logo_uri" | "tos_uri" | "policy_uri" => {
            text(value).is_some_and(is_web_page)
        }
        "software_id" | "software_version" | "application_type" => text(value).is_some(),
        "scope" => text(value).is_some_and(|scope| Scopes::parse(scope).is_ok()),
        // The consent page shows only the name without a language tag.
        "client_name" if name.contains('#') => text(value).is_some_and(is_short),
        "contacts" | "token_endpoint_auth_methods_supported" => {
            keep_texts(value);
            value.as_array().is_some_and(|kept| !kept.is_empty())
        }
        _ => true,
    });
    for (name, value) in &members {
        check(name, value)?;
    }
    if !needs_keys(&members) {
        members.retain(|name, value| match name.as_str() {
            "jwks" => has_keys(value),
            "jwks_uri" => text(value).is_some_and(is_public_url),
            "token_endpoint_auth_signing_alg" => text(value).is_some(),
            _ => true,
        });
    }
    Ok(members)
}

/// Returns an error that names the member if a relevant member has the wrong type or value.
fn check(name: &str, value: &Value) -> Result<(), Error> {
    let is_list = || value.as_array().is_some_and(|list| list.iter().all(Value::is_string));
    let why = match name {
        "redirect_uris" | "grant_types" | "response_types" if !is_list() => {
            "must be an array of strings"
        }
        "client_name" if !value.is_string() => "must be a string",
        "token_endpoint_auth_method" if !is_method(value) => {
            "must be none, client_secret_basic, client_secret_post or private_key_jwt"
        }
        _ => return Ok(()),
    };
    Err(Error::InvalidClientMetadata(format!("{name} {why}").into()))
}

/// Returns `true` if the client lists `private_key_jwt` as an authentication method.
fn needs_keys(members: &Map<String, Value>) -> bool {
    let names = |value: &Value| *value == "private_key_jwt";
    members.get("token_endpoint_auth_method").is_some_and(names)
        || members
            .get("token_endpoint_auth_methods_supported")
            .and_then(Value::as_array)
            .is_some_and(|methods| methods.iter().any(names))
}

/// Returns `true` if `jwks` is a non-empty key set.
///
/// A later check rejects weak and private keys, even in unused key sets, so that their owner learns
/// of the problem.
fn has_keys(jwks: &Value) -> bool {
    jwks.get("keys").and_then(Value::as_array).is_some_and(|keys| !keys.is_empty())
}

fn is_method(value: &Value) -> bool {
    serde_json::from_value::<AuthMethod>(value.clone()).is_ok()
}

/// Returns `true` if the member counts as absent: `null`, a blank string or an empty list.
///
/// There are two exceptions. An empty `response_types` is meaningful for devices, which use none. An
/// empty `client_secret` is kept so that it is rejected in a document.
fn is_empty(name: &str, value: &Value) -> bool {
    match value {
        Value::Null => true,
        Value::String(text) => text.trim().is_empty() && name != "client_secret",
        Value::Array(list) => list.is_empty() && name != "response_types",
        Value::Bool(_) | Value::Number(_) | Value::Object(_) => false,
    }
}

/// Returns the string value of a member if it is short enough and safe to display.
fn text(value: &Value) -> Option<&str> {
    value.as_str().filter(|text| text.len() <= MAX_TEXT && !misleads(text))
}

fn keep_texts(value: &mut Value) {
    if let Value::Array(list) = value {
        list.retain(|entry| text(entry).is_some_and(|text| !text.trim().is_empty()));
        list.truncate(MAX_CONTACTS);
    }
}

pub(in crate::oauth) fn is_short(name: &str) -> bool {
    name.chars().count() <= MAX_NAME
}

fn is_web_page(text: &str) -> bool {
    Url::parse(text).is_ok_and(|url| matches!(url.scheme(), "http" | "https"))
}

/// Removes the members of `metadata` that no decision depends on.
pub(in crate::oauth) fn drop_irrelevant(metadata: &mut ClientMetadata) {
    for text in [
        &mut metadata.client_uri,
        &mut metadata.logo_uri,
        &mut metadata.tos_uri,
        &mut metadata.policy_uri,
        &mut metadata.software_id,
        &mut metadata.software_version,
    ] {
        *text = None;
    }
    metadata.contacts = None;
    metadata.localized.clear();
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn kept(members: &Value) -> Result<Value, String> {
        usable(members.to_string().as_bytes()).map(Value::from).map_err(|error| error.to_string())
    }

    #[test]
    fn a7_irrelevant_members_are_dropped_and_never_refused() {
        let many: Vec<_> = (0..30).map(|n| format!("{n}@a.example")).collect();
        for (member, value) in [
            ("client_uri", json!("")),
            ("client_uri", json!("not a URL")),
            ("logo_uri", json!(null)),
            ("logo_uri", json!("data:image/png;base64,AA")),
            ("logo_uri", json!("javascript:alert(1)")),
            ("tos_uri", json!({})),
            ("tos_uri#de", json!(7)),
            ("policy_uri", json!("x".repeat(3000))),
            ("contacts", json!([])),
            ("contacts", json!([null, 7, "", "a\nb"])),
            ("contacts", json!("a@b.example")),
            ("software_id", json!(7)),
            ("software_version", json!(1.5)),
            ("application_type", json!(["web"])),
            ("scope", json!(["a", "b"])),
            ("scope", json!("a\"b")),
            ("client_name", json!("  ")),
            ("client_name#de", json!("x".repeat(101))),
            ("grant_types", json!([])),
            ("token_endpoint_auth_method", json!("")),
            ("token_endpoint_auth_methods_supported", json!("none")),
            ("jwks", json!({})),
            ("jwks", json!({ "keys": [] })),
            ("jwks", json!(7)),
            ("jwks_uri", json!("http://a.example/jwks")),
        ] {
            assert_eq!(kept(&json!({ member: value })), Ok(json!({})), "{member}: {value}");
        }
        let contacts = json!({ "contacts": ["a@b.example", null, 7] });
        assert_eq!(kept(&contacts), Ok(json!({ "contacts": ["a@b.example"] })));
        let contacts = kept(&json!({ "contacts": many })).unwrap();
        assert_eq!(contacts["contacts"].as_array().map(Vec::len), Some(20));
        assert_eq!(kept(&json!({ "response_types": [] })), Ok(json!({ "response_types": [] })));
    }

    #[test]
    fn a7_an_error_names_the_member() {
        for (member, value) in [
            ("redirect_uris", json!("https://a.example/")),
            ("redirect_uris", json!([1])),
            ("grant_types", json!("authorization_code")),
            ("response_types", json!(7)),
            ("client_name", json!(["A"])),
            ("token_endpoint_auth_method", json!("magic")),
        ] {
            let error = kept(&json!({ member: value })).unwrap_err();
            assert!(error.contains(member), "{error}");
        }
    }
}
