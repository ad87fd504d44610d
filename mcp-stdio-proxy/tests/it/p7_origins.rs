//! Pages of other origins: without a gateway the proxy answers preflights for its list of origins, behind one it
//! leaves CORS to it.

use serde_json::json;

use crate::client::{Response, send};
use crate::issuer::{KeyServer, Signer, jwks};
use crate::support::{Proxy, initialize};

const PAGE: (&str, &str) = ("Origin", "https://app.example");

fn preflight(proxy: &Proxy, path: &str, headers: &[(&str, &str)]) -> Response {
    let asks = [("Access-Control-Request-Method", "POST")];
    send(proxy.port, "OPTIONS", path, &[&asks, headers].concat(), b"")
}

fn allowed(response: &Response) -> Option<&str> {
    response.header("access-control-allow-origin")
}

#[test]
fn p7_a_preflight_of_an_allowed_page_is_answered() {
    let proxy = Proxy::start(&["--allow-origin", "https://app.example"]);
    for path in ["/mcp", "/mcp/", "/", "/server/mcp"] {
        let asks = ("Access-Control-Request-Headers", "content-type,mcp-session-id,mcp-param-x");
        let answer = preflight(&proxy, path, &[PAGE, asks]);
        assert_eq!((answer.status, allowed(&answer)), (204, Some(PAGE.1)), "{path}");
        let headers = answer.header("access-control-allow-headers").unwrap().to_lowercase();
        for name in
            ["authorization", "content-type", "mcp-session-id", "last-event-id", "mcp-method", "*"]
        {
            assert!(headers.split(", ").any(|one| one == name), "{name}: {headers}");
        }
        let methods = answer.header("access-control-allow-methods").unwrap();
        assert!(["GET", "POST", "DELETE"].iter().all(|one| methods.contains(one)), "{methods}");
        assert!(answer.header("access-control-max-age").is_some());
        assert_eq!(answer.header("vary"), Some("Origin"));
        assert_eq!(answer.header("access-control-allow-private-network"), None);
    }
    let private = ("Access-Control-Request-Private-Network", "true");
    let answer = preflight(&proxy, "/mcp", &[PAGE, private]);
    assert_eq!(answer.header("access-control-allow-private-network"), Some("true"));
    // A page on this machine, such as the Inspector, needs no option.
    let answer = preflight(&proxy, "/mcp", &[("Origin", "http://localhost:6274")]);
    assert_eq!((answer.status, allowed(&answer)), (204, Some("http://localhost:6274")));
}

#[test]
fn p7_other_preflights_are_refused() {
    let proxy = Proxy::start(&["--allow-origin", "https://app.example"]);
    for origin in ["https://evil.example", "https://app.example:8443", "http://app.example", "null"]
    {
        let answer = preflight(&proxy, "/mcp", &[("Origin", origin)]);
        assert_eq!((answer.status, allowed(&answer)), (403, None), "{origin}");
    }
    let answer = preflight(&proxy, "/mcp", &[PAGE, ("Host", "evil.example")]);
    assert_eq!((answer.status, allowed(&answer)), (403, None));
    assert_eq!(send(proxy.port, "OPTIONS", "/mcp", &[PAGE], b"").status, 405);
    assert_eq!(send(proxy.port, "OPTIONS", "/mcp", &[], b"").status, 405);
}

/// Of every kind of answer, in both eras, so that the page reads errors, too.
#[test]
fn p7_an_allowed_page_reads_answers_streams_and_errors() {
    let proxy = Proxy::of_era("--dual", &["--allow-origin", "*"]);
    let exposes = |answer: &Response| {
        assert_eq!(allowed(answer), Some(PAGE.1));
        let exposed = answer.header("access-control-expose-headers").unwrap();
        for name in ["Mcp-Session-Id", "WWW-Authenticate", "Retry-After"] {
            assert!(exposed.contains(name), "{name}: {exposed}");
        }
    };
    let opened = proxy.post(&[PAGE], &initialize("2025-11-25", &json!({})));
    exposes(&opened);
    let session = ("Mcp-Session-Id", opened.header("mcp-session-id").unwrap());
    exposes(&proxy.get(&[PAGE, session]));
    exposes(&proxy.post(&[PAGE], &json!({"jsonrpc": "2.0", "id": 1, "method": "ping"})));
    exposes(&send(proxy.port, "DELETE", "/mcp", &[PAGE, session], b""));
    let modern = proxy.modern(json!({}));
    let body = modern.request(1, "tools/list", &json!({}));
    exposes(&modern.send(&body, &[PAGE]));
    let without = proxy.post(&[], &initialize("2025-11-25", &json!({})));
    assert_eq!(allowed(&without), None);
}

/// Behind a gateway its list decides, and its CORS headers are the only ones.
#[test]
fn p7_behind_a_gateway_cors_is_the_gateways() {
    let proxy = Proxy::start(&["--allow-origin", "*"]);
    let chosen = ("X-MCP-Server", "server");
    let opened = proxy.post(&[PAGE, chosen], &initialize("2025-11-25", &json!({})));
    assert_eq!((opened.status, allowed(&opened)), (200, None));
    let signer = Signer::es256("one");
    let keys = KeyServer::start(Some(jwks(&[&signer])));
    let proxy = Proxy::start(&["--allow-origin", "*", "--identity-jwks", &keys.url]);
    let answer = preflight(&proxy, "/mcp", &[PAGE]);
    assert_eq!(allowed(&answer), None);
}

#[test]
fn p7_a_page_that_is_not_allowed_is_refused_and_told_nothing() {
    let proxy = Proxy::start(&["--allow-origin", "*.apps.example,app.example:444,null"]);
    for (origin, status) in [
        ("https://a.apps.example", 200),
        ("http://a.b.apps.example:99", 200),
        ("https://app.example:444", 200),
        ("null", 200),
        ("https://apps.example", 403),
        ("https://evilapps.example", 403),
        ("https://app.example", 403),
        ("https://a.apps.example.evil.example", 403),
    ] {
        let answer = proxy.post(&[("Origin", origin)], &initialize("2025-11-25", &json!({})));
        let told = (status == 200).then_some(origin);
        assert_eq!((answer.status, allowed(&answer)), (status, told), "{origin}");
    }
}
