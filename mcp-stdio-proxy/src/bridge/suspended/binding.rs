//! The user and the request that a `requestState` is bound to (MCP "Multi Round-Trip Requests", "Server
//! Requirements").

use aws_lc_rs::digest::{SHA256, digest};
use serde_json::Value;

use crate::messages::object::members;
use crate::messages::tree;

/// The length of a digest in bytes.
pub(super) const DIGEST: usize = 32;

/// The digests that identify the user and the request, all of one length.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::bridge) struct Binding {
    /// The digest of the user.
    pub(super) principal: [u8; DIGEST],
    /// The digest of the method and its parameters.
    pub(super) request: [u8; DIGEST],
}

/// The members of parameters that may differ in a retry.
const PASSING: [&str; 3] = ["_meta", "inputResponses", "requestState"];

impl Binding {
    /// Returns the binding of a request of `principal`.
    #[must_use]
    pub(in crate::bridge) fn new(principal: Option<&str>, method: &str, params: &str) -> Self {
        let mut text = format!("{}:{method}", method.len());
        if let Some(Value::Object(mut all)) = tree::value(params) {
            all.retain(|name, _| !PASSING.contains(&name.as_str()));
            canonical(&Value::Object(all), &mut text);
        } else {
            verbatim(params, &mut text);
        }
        Self { principal: whose(principal), request: sha256(text.as_bytes()) }
    }

    /// Returns `true` if both are of one user.
    pub(super) fn is_of_same_user(&self, other: &Self) -> bool {
        self.principal == other.principal
    }
}

/// Returns the digest of a user.
pub(super) fn whose(principal: Option<&str>) -> [u8; DIGEST] {
    let name = principal.map_or_else(|| "-".to_owned(), |name| format!("+{name}"));
    sha256(name.as_bytes())
}

/// Appends parameters with too many values to parse. They must be repeated byte for byte, except for the
/// order of members.
fn verbatim(params: &str, text: &mut String) {
    let Some(mut all) = members(params) else { return text.push_str(params) };
    all.retain(|member| !PASSING.contains(&&*member.name));
    all.sort_by(|one, other| one.name.cmp(&other.name));
    for member in all {
        text.push_str(&Value::from(&*member.name).to_string());
        text.push(':');
        text.push_str(member.value);
        text.push(',');
    }
}

/// Appends a canonical form of a value, since a client may reorder members.
fn canonical(value: &Value, text: &mut String) {
    match value {
        Value::Object(all) => {
            let mut members: Vec<_> = all.iter().collect();
            members.sort_by_key(|(name, _)| *name);
            text.push('{');
            for (name, value) in members {
                text.push_str(&Value::from(name.as_str()).to_string());
                text.push(':');
                canonical(value, text);
                text.push(',');
            }
            text.push('}');
        }
        Value::Array(all) => {
            text.push('[');
            for value in all {
                canonical(value, text);
                text.push(',');
            }
            text.push(']');
        }
        other => text.push_str(&other.to_string()),
    }
}

fn sha256(bytes: &[u8]) -> [u8; DIGEST] {
    let mut out = [0; DIGEST];
    for (to, from) in out.iter_mut().zip(digest(&SHA256, bytes).as_ref()) {
        *to = *from;
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_request_of_many_values_is_still_told_from_another() {
        let params = |rest: &str, last: &str| {
            format!(r#"{{{rest}"name":"a","arguments":[{}{last}]}}"#, "1,".repeat(100_000))
        };
        let of = |rest: &str, last| Binding::new(None, "m", &params(rest, last)).request;
        assert_eq!(of("", "1"), of(r#""requestState":"s","_meta":{},"#, "1"));
        assert_ne!(of("", "1"), of("", "2"));
    }
}
