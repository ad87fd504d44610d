//! Validation and matching of redirect URIs (RFC 6749 §3.1.2, RFC 8252 §7).

use std::borrow::Cow;

use url::{Host, Url};

use crate::{
    model::RedirectUri,
    oauth::{Error, quoted::quoted},
};

/// Checks that `uri` may be registered.
///
/// `app_schemes` lists the allowed private-use schemes without a dot. Schemes in the form of a
/// reverse domain name, as RFC 8252 §7.1 requires, are always allowed.
pub(in crate::oauth) fn check(uri: &RedirectUri, app_schemes: &[String]) -> Result<(), Error> {
    problem(uri.as_str(), app_schemes).map_or(Ok(()), |problem| {
        let shown = quoted(uri.as_str());
        Err(Error::InvalidRedirectUri(format!("redirect URI {shown}: {problem}").into()))
    })
}

/// Returns the reason that `text` may not be registered, or `None` if it may.
fn problem(text: &str, app_schemes: &[String]) -> Option<Cow<'static, str>> {
    let refuse = |why: &'static str| Some(Cow::Borrowed(why));
    // The URL parser drops or repairs these characters; a browser may handle them differently.
    if !text.bytes().all(|byte| byte.is_ascii_graphic() && byte != b'\\') || text.len() > 2048 {
        return refuse(
            "it must be printable ASCII without a backslash, of at most 2048 characters",
        );
    }
    let Ok(url) = Url::parse(text) else {
        return refuse("it must be an absolute URI");
    };
    // RFC 6749 §3.1.2: "The endpoint URI MUST NOT include a fragment component."
    if url.fragment().is_some() {
        return refuse("it must not have a fragment");
    }
    if !url.username().is_empty() || url.password().is_some() {
        return refuse("it must not have user information");
    }
    let scheme = url.scheme();
    match scheme {
        "https" | "http" if !text.get(scheme.len()..).is_some_and(|s| s.starts_with("://")) => {
            refuse("it must have a host after ://")
        }
        "https" => None,
        "http" if is_loopback(&url) => None,
        "http" => refuse(
            "http is allowed only for 127.0.0.1, [::1] and localhost; use https for other hosts",
        ),
        _ if is_reverse_domain(scheme) || app_schemes.iter().any(|known| known == scheme) => None,
        _ => Some(Cow::Owned(format!(
            "the scheme {} is not allowed; use https, a loopback address or a scheme with a dot such as \
             com.example.app, or ask the operator to add the scheme to REDIRECT_SCHEMES",
            quoted(scheme)
        ))),
    }
}

/// Returns `true` if `given` matches the `registered` redirect URI.
///
/// Both must be equal, except that the port of a loopback address may differ. RFC 8252 §7.3: "The
/// authorization server MUST allow any port to be specified at the time of the request for loopback
/// IP redirect URIs".
pub(in crate::oauth) fn matches(registered: &RedirectUri, given: &RedirectUri) -> bool {
    if registered == given {
        return true;
    }
    // Only loopback URIs matter from here on, so no private-use schemes are passed.
    if problem(given.as_str(), &[]).is_some() {
        return false;
    }
    let (Ok(mut ours), Ok(mut theirs)) =
        (Url::parse(registered.as_str()), Url::parse(given.as_str()))
    else {
        return false;
    };
    if ours.scheme() != "http" || theirs.scheme() != "http" || !is_loopback(&ours) {
        return false;
    }
    ours.set_port(None).is_ok() && theirs.set_port(None).is_ok() && ours == theirs
}

/// Returns `true` if `uri` is an http URI with a loopback host.
///
/// Any program on the machine of the person can listen there and receive the response.
pub(in crate::oauth) fn stays_local(uri: &RedirectUri) -> bool {
    Url::parse(uri.as_str()).is_ok_and(|url| url.scheme() == "http" && is_loopback(&url))
}

/// Returns `true` if `uri` leads to a native app: a loopback address or a private-use scheme
/// (RFC 8252 §7).
pub(in crate::oauth) fn is_native(uri: &RedirectUri) -> bool {
    stays_local(uri)
        || Url::parse(uri.as_str()).is_ok_and(|url| !matches!(url.scheme(), "http" | "https"))
}

/// Returns `true` if `scheme` has the form of a reverse domain name.
///
/// RFC 8252 §7.1: "a URI scheme based on a domain name under their control, expressed in reverse
/// order".
fn is_reverse_domain(scheme: &str) -> bool {
    scheme.contains('.') && scheme.split('.').all(|label| !label.is_empty())
}

/// Returns `true` if `uri` uses https, so that TLS authenticates the recipient.
pub(in crate::oauth) fn is_web(uri: &RedirectUri) -> bool {
    Url::parse(uri.as_str()).is_ok_and(|url| url.scheme() == "https")
}

fn is_loopback(url: &Url) -> bool {
    match url.host() {
        Some(Host::Domain(name)) => name == "localhost",
        Some(Host::Ipv4(address)) => address.is_loopback(),
        Some(Host::Ipv6(address)) => address.is_loopback(),
        None => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_redirect_uris_of_known_clients_may_be_registered() {
        for good in [
            "https://claude.ai/api/mcp/auth_callback",
            "http://localhost:3334/callback",
            "http://127.0.0.1/",
            "http://[::1]:8080/cb?x=1",
            "cursor://anysphere.cursor-mcp/oauth/callback",
            "com.example.app:/cb",
        ] {
            assert!(check(&RedirectUri::new(good), &["cursor".to_owned()]).is_ok(), "{good}");
        }
    }

    #[test]
    fn what_runs_or_leads_astray_may_not() {
        for bad in [
            "javascript:alert(1)",
            "data:text/html,x",
            "http://localhost.evil.example/cb",
            "http://127.0.0.1.evil.example/cb",
            "http://evil.example/cb",
            "https://app.example/cb#x",
            "https://user@app.example/cb",
            "https:/evil.example",
            "https:\\\\evil.example",
            "https://app.example/c b",
            "java\nscript:alert(1)",
            "ftp://app.example/",
            "urn:ietf:wg:oauth:2.0:oob",
            "zed://app/cb",
            "a..b:/cb",
            "/cb",
            "",
        ] {
            assert!(check(&RedirectUri::new(bad), &["cursor".to_owned()]).is_err(), "{bad}");
        }
    }

    #[test]
    fn a7_the_error_shows_the_uri_that_came_and_what_helps() {
        let error = |uri: &str| check(&RedirectUri::new(uri), &[]).unwrap_err().to_string();
        assert!(error("http://evil.example/cb").contains("'http://evil.example/cb'"));
        let scheme = error("zed://app/cb");
        assert!(
            scheme.contains("'zed://app/cb'") && scheme.contains("REDIRECT_SCHEMES"),
            "{scheme}"
        );
        let hostile = error("http://a\"<script>\n\u{202e}");
        assert!(!hostile.contains(['"', '<', '\n']) || hostile.contains("%0A"), "{hostile}");
        assert!(hostile.is_ascii() && !hostile.contains('"'), "{hostile}");
    }

    #[test]
    fn only_the_port_of_a_loopback_uri_is_free() {
        let fits = |ours, theirs| matches(&RedirectUri::new(ours), &RedirectUri::new(theirs));
        assert!(fits("http://localhost/callback", "http://localhost:49152/callback"));
        assert!(fits("http://127.0.0.1:33418/", "http://127.0.0.1:5000/"));
        assert!(!fits("http://127.0.0.1/cb", "http://localhost/cb"));
        assert!(!fits("http://127.0.0.1/cb", "http://127.0.0.1/other"));
        assert!(!fits("http://127.0.0.1/cb", "http://127.0.0.1:1/cb#x"));
        assert!(!fits("https://app.example/cb", "https://app.example:444/cb"));
        assert!(!fits("https://app.example/cb", "https://app.example/cb/"));
        assert!(!fits("http://localhost/cb", "http://localhost.evil.example/cb"));
    }
}
