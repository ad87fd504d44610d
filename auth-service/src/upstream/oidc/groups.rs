//! The groups in the claims of a person, and the signs that some of them are missing.

use std::collections::BTreeSet;

use serde_json::Value;

use super::super::json::Object;
use crate::model::Groups;

/// The maximum number of groups of a person.
const MAX_GROUPS: usize = 1000;
/// The maximum length of a group in bytes.
const MAX_LENGTH: usize = 256;

/// Returns the groups at `pointer` in `claims`, or `None` if the claims say nothing about groups.
///
/// An array of texts, one text and the keys of an object are lists of groups. `limit` is the number
/// of groups at which the provider truncates the list. Every doubt makes the groups unknown.
pub(super) fn groups(claims: &Object, pointer: &str, limit: Option<usize>) -> Option<Groups> {
    if is_overage(claims, pointer) {
        return Some(Groups::Unknown);
    }
    let list: Option<Vec<&str>> = match at(claims, pointer)? {
        Value::Array(items) => items.iter().map(Value::as_str).collect(),
        Value::String(one) => Some(vec![one]),
        Value::Object(members) => Some(members.keys().map(String::as_str).collect()),
        // Some providers state no groups this way.
        Value::Null => return None,
        _ => None,
    };
    let Some(list) = list else { return Some(Groups::Unknown) };
    let complete = limit.is_none_or(|limit| list.len() < limit);
    let fits = list.len() <= MAX_GROUPS && list.iter().all(|group| group.len() <= MAX_LENGTH);
    Some(if complete && fits {
        Groups::Known(list.into_iter().map(str::to_owned).collect::<BTreeSet<_>>())
    } else {
        Groups::Unknown
    })
}

/// Returns `true` if the provider states that the groups are elsewhere (OpenID Connect Core §5.6.2),
/// as Microsoft Entra does for more than 200.
fn is_overage(claims: &Object, pointer: &str) -> bool {
    let first = pointer.split('/').nth(1).unwrap_or_default().replace("~1", "/").replace("~0", "~");
    let elsewhere =
        |name: &str| claims.0.get("_claim_names").and_then(|names| names.get(name)).is_some();
    elsewhere("groups")
        || elsewhere(&first)
        || claims.0.get("hasgroups").is_some_and(|has| *has != Value::Bool(false))
}

/// Returns the value at a JSON pointer (RFC 6901).
fn at<'a>(claims: &'a Object, pointer: &str) -> Option<&'a Value> {
    let mut parts =
        pointer.split('/').skip(1).map(|part| part.replace("~1", "/").replace("~0", "~"));
    let first = claims.0.get(&parts.next()?);
    parts.fold(first, |value, part| value?.get(part))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn of(claims: &Value, pointer: &str) -> Option<Groups> {
        groups(&Object::parse(claims.to_string().as_bytes()).unwrap(), pointer, Some(100))
    }

    fn known(groups: &[&str]) -> Groups {
        Groups::Known(groups.iter().map(|&group| group.to_owned()).collect())
    }

    #[test]
    fn groups_are_read_from_each_shape_and_compared_byte_for_byte() {
        let odd = ["/staff", "staff", "*", "role:x", "a,b", "a\nb", "Staff"];
        assert_eq!(of(&json!({ "groups": odd }), "/groups"), Some(known(&odd)));
        assert_eq!(of(&json!({ "groups": "a b" }), "/groups"), Some(known(&["a b"])));
        let zitadel = json!({ "urn:roles": { "admin": { "1": "x" }, "dev": {} } });
        assert_eq!(of(&zitadel, "/urn:roles"), Some(known(&["admin", "dev"])));
        let deep = json!({ "https://x/y": { "r~s": ["a"] } });
        assert_eq!(of(&deep, "/https:~1~1x~1y/r~0s"), Some(known(&["a"])));
        assert_eq!(of(&json!({ "groups": [] }), "/groups"), Some(known(&[])));
        for nothing in [json!({}), json!({ "groups": null }), json!({ "roles": ["a"] })] {
            assert_eq!(of(&nothing, "/groups"), None);
        }
    }

    #[test]
    fn groups_that_are_cut_or_malformed_are_unknown() {
        let many = |count: usize| (0..count).map(|n| format!("g{n}")).collect::<Vec<_>>();
        for unknown in [
            json!({ "groups": 7 }),
            json!({ "groups": true }),
            json!({ "groups": ["a", 7] }),
            json!({ "groups": ["a", null] }),
            json!({ "groups": [["a"]] }),
            json!({ "groups": ["a", "x".repeat(257)] }),
            json!({ "groups": many(100) }),
            json!({ "_claim_names": { "groups": "src1" } }),
            json!({ "groups": ["a"], "_claim_names": { "groups": "src1" } }),
            json!({ "hasgroups": true }),
            json!({ "hasgroups": "true" }),
        ] {
            assert_eq!(of(&unknown, "/groups"), Some(Groups::Unknown), "{unknown}");
        }
        let elsewhere = json!({ "_claim_names": { "roles": "src1" } });
        assert_eq!(of(&elsewhere, "/roles"), Some(Groups::Unknown));
        assert_ne!(of(&json!({ "groups": many(99) }), "/groups"), Some(Groups::Unknown));
        let without_limit = |count: usize| {
            let claims = json!({ "groups": many(count) }).to_string();
            groups(&Object::parse(claims.as_bytes()).unwrap(), "/groups", None).unwrap()
        };
        assert_ne!(without_limit(1000), Groups::Unknown);
        assert_eq!(without_limit(1001), Groups::Unknown);
    }
}
