//! The name of the gateway and its operator, as every page shows them.

use super::Raw;

/// The maximum number of characters of `GATEWAY_NAME`, so that it fits on a phone.
const MAX_NAME: usize = 60;
/// The maximum number of characters of `OPERATOR_CONTACT`.
const MAX_CONTACT: usize = 200;

/// The name of the gateway and its operator.
#[derive(Clone, Debug)]
pub struct Branding {
    /// `GATEWAY_NAME`: the name of the gateway. Default: `MCP gateway`.
    pub name: String,
    /// `OPERATOR_CONTACT`: the person or team to ask. Default: none.
    pub contact: Option<Contact>,
}

impl Default for Branding {
    fn default() -> Self {
        Self { name: "MCP gateway".to_owned(), contact: None }
    }
}

/// The contact of the operator.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Contact {
    /// The text that people read.
    pub text: String,
    /// The link of a mail address or a web page.
    pub link: Option<String>,
}

impl Contact {
    /// Reads a mail address, an `http` or `https` URL, or any other text, which gets no link.
    #[must_use]
    pub fn of(text: &str) -> Self {
        let link = if text.starts_with("https://") || text.starts_with("http://") {
            url::Url::parse(text).ok().map(String::from)
        } else if is_mail_address(text) {
            Some(format!("mailto:{text}"))
        } else {
            None
        };
        Self { text: text.to_owned(), link }
    }
}

/// Returns `true` for `local@domain` without characters that a `mailto` URL would have to encode (RFC 6068 §2).
fn is_mail_address(text: &str) -> bool {
    let is_plain = |part: &str| {
        !part.is_empty()
            && part.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"._+-".contains(&byte))
    };
    text.split_once('@').is_some_and(|(local, domain)| is_plain(local) && is_plain(domain))
}

impl Branding {
    /// Reads `GATEWAY_NAME` and `OPERATOR_CONTACT`. Adds what is wrong with them to `problems`.
    pub(super) fn read(raw: &Raw, problems: &mut Vec<String>) -> Self {
        let mut line = |name: &str, text: Option<&String>, most: usize| {
            let text = text?.trim();
            if text.chars().count() > most || text.chars().any(char::is_control) {
                problems.push(format!("{name} must be one line of at most {most} characters"));
            }
            Some(text.to_owned())
        };
        let name = line("GATEWAY_NAME", raw.gateway_name.as_ref(), MAX_NAME);
        let contact = line("OPERATOR_CONTACT", raw.operator_contact.as_ref(), MAX_CONTACT);
        Self {
            name: name.unwrap_or_else(|| Self::default().name),
            contact: contact.as_deref().map(Contact::of),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{Branding, Contact, Raw};

    #[test]
    fn a_name_and_a_contact_are_one_line() {
        let read = |name: &str, contact: &str| {
            let mut problems = Vec::new();
            let raw = Raw {
                gateway_name: Some(name.to_owned()),
                operator_contact: Some(contact.to_owned()),
                ..Raw::default()
            };
            (Branding::read(&raw, &mut problems).name, problems)
        };
        assert_eq!(read(" Team gateway ", "it@example.com"), ("Team gateway".to_owned(), vec![]));
        for (name, contact) in [("a\nb", "x"), (&*"n".repeat(61), "x"), ("n", &*"c".repeat(201))] {
            assert_eq!(read(name, contact).1.len(), 1, "{name} {contact}");
        }
    }

    #[test]
    fn a_contact_is_a_mail_address_a_page_or_text() {
        for (text, link) in [
            ("it@example.com", Some("mailto:it@example.com")),
            ("ann.lee+mcp@mail.example.com", Some("mailto:ann.lee+mcp@mail.example.com")),
            ("https://example.com/help?a=b", Some("https://example.com/help?a=b")),
            ("Ann, room 12", None),
            ("ann@example.com or bob@example.com", None),
            ("ann@example.com?cc=eve@example.com", None),
            ("javascript:alert(1)", None),
            ("https://", None),
        ] {
            assert_eq!(Contact::of(text).link.as_deref(), link, "{text}");
        }
    }
}
