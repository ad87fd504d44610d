//! Values of MCP headers that are not plain ASCII: `=?base64?…?=` around the Base64 of their UTF-8
//! (MCP 2026-07-28, "Request Metadata").

use std::borrow::Cow;

use base64::{Engine as _, engine::general_purpose::STANDARD};

/// Returns the text of a header value, without blanks around it. Returns `None` if the value has the form of an
/// encoded one and is not valid Base64 of UTF-8.
#[must_use]
pub fn decoded(value: &str) -> Option<Cow<'_, str>> {
    let value = value.trim_matches([' ', '\t']);
    let encoded = value.strip_prefix("=?base64?").and_then(|rest| rest.strip_suffix("?="));
    let Some(encoded) = encoded else { return Some(Cow::Borrowed(value)) };
    String::from_utf8(STANDARD.decode(encoded).ok()?).ok().map(Cow::Owned)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_value_is_plain_or_base64() {
        for (value, text) in [
            ("write", "write"),
            (" write\t", "write"),
            ("=?base64?w6Q=?=", "ä"),
            (" =?base64?w6Q=?= ", "ä"),
            ("=?BASE64?w6Q=?=", "=?BASE64?w6Q=?="),
            ("=?base64?w6Q=", "=?base64?w6Q="),
            ("", ""),
        ] {
            assert_eq!(decoded(value).as_deref(), Some(text), "{value}");
        }
        for bad in ["=?base64?w6Q?=", "=?base64?!?=", "=?base64?/w==?="] {
            assert_eq!(decoded(bad), None, "{bad}");
        }
    }
}
