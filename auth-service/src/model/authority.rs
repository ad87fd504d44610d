//! The canonical form of `host[:port]`, in which hosts can be compared as text.

use std::borrow::Cow;

use url::Host;

/// The default ports of https and http. Public URLs use https, but a proxy that forwards its own listen
/// port may send either.
const DEFAULT_PORTS: [u16; 2] = [443, 80];

/// Returns the canonical form of `text`. It is in lower case, has internationalized names as Punycode
/// (RFC 5891), and lacks the trailing dot (RFC 1034 §3.1) and default ports. Returns `None` if `text` is
/// not a host with an optional port.
#[must_use]
pub fn canonical_authority(text: &str) -> Option<Cow<'_, str>> {
    let (host, port) = split_port(text);
    let number = match port {
        None | Some("") => None,
        Some(digits) if digits.bytes().all(|byte| byte.is_ascii_digit()) => {
            Some(digits.parse::<u16>().ok()?)
        }
        Some(_) => return None,
    };
    let number = number.filter(|number| !DEFAULT_PORTS.contains(number));
    // Nearly all requests send the canonical form already, and need no allocation.
    let is_short = port.map_or(number.is_none(), |port| number.is_some() && !port.starts_with('0'));
    if is_short && is_plain(host) {
        return Some(Cow::Borrowed(text));
    }
    let host = canonical_host(host)?;
    Some(match number {
        Some(number) => Cow::Owned(format!("{host}:{number}")),
        None => Cow::Owned(host),
    })
}

/// Returns the canonical form of a host name or an address without a port. Returns `None` if `text` is
/// neither.
#[must_use]
pub fn canonical_host(text: &str) -> Option<String> {
    // The URL standard decodes percent-encoding in a host; no other reader of the header does.
    if text.contains('%') {
        return None;
    }
    let host = Host::parse(text).ok()?.to_string();
    let host = without_root(&host);
    let known = |byte: u8| byte.is_ascii_alphanumeric() || b"-._:[]".contains(&byte);
    let is_name = !host.is_empty() && !host.ends_with('.') && host.bytes().all(known);
    is_name.then(|| host.to_owned())
}

/// Returns the host of a canonical `authority`.
#[must_use]
pub fn host_of(authority: &str) -> &str {
    split_port(authority).0
}

/// Returns `host` without the trailing dot of the root zone.
pub(super) fn without_root(host: &str) -> &str {
    host.strip_suffix('.').unwrap_or(host)
}

/// Splits `host[:port]` into host and port. The host may be an IPv6 address in brackets.
fn split_port(authority: &str) -> (&str, Option<&str>) {
    match authority.rsplit_once(':') {
        Some((host, port)) if !port.ends_with(']') => (host, Some(port)),
        _ => (authority, None),
    }
}

fn is_plain(host: &str) -> bool {
    let plain =
        |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || b"-.".contains(&byte);
    // A name that ends with a digit may be an IPv4 address, which has several spellings.
    host.bytes().all(plain)
        && host.bytes().next_back().is_some_and(|byte| byte.is_ascii_lowercase())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a2_every_spelling_of_an_authority_has_one_canonical_form() {
        for (text, canonical) in [
            ("time.example", "time.example"),
            ("TIME.Example", "time.example"),
            ("time.example:443", "time.example"),
            ("time.example:80", "time.example"),
            ("time.example:0443", "time.example"),
            ("time.example:", "time.example"),
            ("time.example.", "time.example"),
            ("Time.Example.:443", "time.example"),
            ("time.example:8443", "time.example:8443"),
            ("time.example.:08443", "time.example:8443"),
            ("B\u{dc}CHER.example", "xn--bcher-kva.example"),
            ("XN--BCHER-KVA.example:443", "xn--bcher-kva.example"),
            ("b\u{fc}cher.example\u{3002}:8443", "xn--bcher-kva.example:8443"),
            ("127.0.0.1:8000", "127.0.0.1:8000"),
            ("[::1]", "[::1]"),
            ("[0:0::1]:443", "[::1]"),
            ("[::1]:8443", "[::1]:8443"),
            ("a_b.example", "a_b.example"),
        ] {
            assert_eq!(canonical_authority(text).as_deref(), Some(canonical), "{text}");
            assert_eq!(canonical_authority(canonical).as_deref(), Some(canonical), "{canonical}");
        }
        assert_eq!(host_of("[::1]:8443"), "[::1]");
        assert_eq!(host_of("time.example:8443"), "time.example");
    }

    #[test]
    fn a2_what_is_no_host_with_a_port_has_no_canonical_form() {
        for text in [
            "",
            ".",
            "..",
            ":443",
            "a b",
            "a/b",
            "user@a.example",
            "a,b",
            "a.example:x",
            "a.example:+1",
            "a.example:65536",
            "a%2eexample",
            "a..",
            "[::1",
            "a.example\u{0}",
            "a#b",
            "a?b",
            "a\\b",
        ] {
            assert_eq!(canonical_authority(text), None, "{text}");
        }
    }
}
