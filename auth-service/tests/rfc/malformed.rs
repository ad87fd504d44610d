//! RFC 6749 §5.2 whatever comes: bad input is told so in JSON, or on a page for people; never with a
//! 422, a 500 or a text of the framework.

use reqwest::{Method, RequestBuilder, header};
use serde_json::Value;

use crate::support::{Answer, Gateway, answer};

const FORM: &str = "application/x-www-form-urlencoded";
const FORM_ENDPOINTS: [&str; 4] = ["/token", "/revoke", "/introspect", "/device_authorization"];

fn to(gateway: &Gateway, method: Method, path: &str) -> RequestBuilder {
    let request = gateway.http.request(method, format!("{}{path}", gateway.base));
    request.header("Host", "auth.gw.example")
}

/// §5.2: the members and characters of an error, and that it is not cached.
fn assert_error(answer: &Answer, statuses: &[u16], what: &str) {
    assert!(statuses.contains(&answer.status), "{what}: {answer:?}");
    assert!(answer.header("content-type").starts_with("application/json"), "{what}: {answer:?}");
    let members = answer.body.as_object().unwrap_or_else(|| panic!("{what}: {answer:?}"));
    assert_eq!(members.len(), 2, "{what}: {answer:?}");
    for member in ["error", "error_description"] {
        let text = members[member].as_str().unwrap();
        assert!(!text.is_empty(), "{what}: {answer:?}");
        let allowed = |c: char| matches!(c, ' ' | '!' | '#'..='[' | ']'..='~');
        assert!(text.chars().all(allowed), "{what}: {text}");
    }
}

/// Bodies that are no form, or a form of nonsense.
fn bodies() -> Vec<(Option<&'static str>, Vec<u8>)> {
    let x = |count| "x".repeat(count);
    vec![
        (None, vec![]),
        (None, b"grant_type=refresh_token&client_id=a".to_vec()),
        (Some(FORM), vec![]),
        (Some("application/json"), br#"{"grant_type":"refresh_token","client_id":"a"}"#.to_vec()),
        (Some("application/json"), b"{".to_vec()),
        (Some("text/plain"), b"client_id=a".to_vec()),
        (Some("multipart/form-data; boundary=x"), b"--x\r\n\r\n--x--\r\n".to_vec()),
        (Some("application/x-www-form-urlencoded2"), b"client_id=a".to_vec()),
        (Some(";;="), b"client_id=a".to_vec()),
        (Some(FORM), b"client_id=\xff\xfe&grant_type=\xc3\x28&token=\x80".to_vec()),
        (Some(FORM), b"client_id=%ff%fe&grant_type=%c3%28&token=%80".to_vec()),
        (Some(FORM), b"client_id=%zz&grant_type=%&token=%4".to_vec()),
        (Some(FORM), b"client_id=%00&grant_type=%00&token=%00&code=\0".to_vec()),
        (Some(FORM), b"client_id=a%0d%0aX-Injected:%201&grant_type=x".to_vec()),
        (Some(FORM), b"client_id=a&client_id=b&grant_type=x&token=y".to_vec()),
        (Some(FORM), b"client_id=a&client_secret=b&client_secret=c&token=y".to_vec()),
        (Some(FORM), b"&&&===&=&".to_vec()),
        (Some(FORM), "a=b&".repeat(10_000).into_bytes()),
        (Some(FORM), format!("client_id={}&token=x&grant_type=x", x(60_000)).into_bytes()),
        (Some(FORM), format!("client_id=https://{}&token=x", x(60_000)).into_bytes()),
        (Some(FORM), b"client_id=https://[&token=x&grant_type=x".to_vec()),
        (Some(FORM), b"client_id=://&token=x&grant_type=x".to_vec()),
    ]
}

/// §3.2: the endpoints that take a form.
#[tokio::test]
async fn a_body_that_is_no_request_is_refused_in_json() {
    let gateway = Gateway::with(&[("RATE_LIMIT_ADDRESS", "0")]);
    for path in FORM_ENDPOINTS {
        for (kind, body) in bodies() {
            let what = format!("{path} {kind:?} {:.60}", String::from_utf8_lossy(&body));
            let mut request = to(&gateway, Method::POST, path).body(body);
            if let Some(kind) = kind {
                request = request.header(header::CONTENT_TYPE, kind);
            }
            let answer = answer(request).await;
            assert_error(&answer, &[400, 401], &what);
            assert_eq!(answer.header("cache-control"), "no-store", "{what}");
            assert!(answer.headers.get("x-injected").is_none());
        }
        let huge = to(&gateway, Method::POST, path).header(header::CONTENT_TYPE, FORM);
        let huge = answer(huge.body("x".repeat(70_000))).await;
        assert_error(&huge, &[413], path);
    }
}

/// §2.3.1: credentials that cannot be read are `invalid_client`, with the scheme to use.
#[tokio::test]
async fn credentials_that_cannot_be_read_are_those_of_nobody() {
    let gateway = Gateway::with(&[("RATE_LIMIT_ADDRESS", "0")]);
    for path in FORM_ENDPOINTS {
        for value in [
            b"Basic".as_slice(),
            b"Basic ",
            b"Basic !!!",
            b"Basic YQ==",
            b"Basic /w==",
            b"Basic OiUwMA==",
            b"Basic \xff\xfe",
            b"Bearer YTpi",
            b"Digest x",
            b"\xff",
            b"",
        ] {
            let value = header::HeaderValue::from_bytes(value).unwrap();
            let request = to(&gateway, Method::POST, path).header(header::AUTHORIZATION, &value);
            let answer = answer(request.form(&[("grant_type", "x"), ("token", "x")])).await;
            assert_error(&answer, &[401], &format!("{path} {value:?}"));
            assert_eq!(answer.error(), (401, "invalid_client"), "{path} {value:?}");
            assert_eq!(answer.header("www-authenticate"), "Basic realm=\"oauth\"");
        }
    }
}

/// RFC 7591 §3.2.2, RFC 7592: the endpoints that take JSON.
#[tokio::test]
async fn a_registration_that_is_no_registration_is_refused_in_json() {
    let settings = [("RATE_LIMIT_ADDRESS", "0"), ("RATE_LIMIT_REGISTER", "0")];
    let gateway = Gateway::with(&settings);
    let uri = r#""redirect_uris":["https://app.example/cb"]"#;
    let registered = gateway.register(serde_json::from_str(&format!("{{{uri}}}")).unwrap()).await;
    let managed = format!("/register/{}", registered.text("client_id"));
    let token = registered.text("registration_access_token");
    let nested = format!("{{{uri},\"x\":{}{}}}", "[".repeat(30_000), "]".repeat(30_000));
    for body in [
        b"".as_slice(),
        b"null",
        b"[]",
        b"\"x\"",
        b"{",
        b"{\"redirect_uris\":[\"https://app.example/\xff\"]}",
        b"redirect_uris=https%3A%2F%2Fapp.example",
        b"\xef\xbb\xbf{}",
        b"{\"redirect_uris\":[\"https://app.example/\\u0000\"]}",
        b"{\"redirect_uris\":[\"https://app.example/\\ud800\"]}",
        b"{\"redirect_uris\":\"https://app.example/\"}",
        b"{\"redirect_uris\":[\"https://app.example/\"],\"client_name\":7}",
        b"{\"redirect_uris\":[\"https://app.example/\"],\"client_name\":\"\\u0000\"}",
        b"{\"redirect_uris\":[\"https://app.example/\"],\"grant_types\":{}}",
        b"{\"redirect_uris\":[\"https://app.example/\"],\"response_types\":{}}",
        b"{\"redirect_uris\":[\"https://app.example/\"],\"token_endpoint_auth_method\":[1]}",
        nested.as_bytes(),
    ] {
        for (method, path) in [(Method::POST, "/register"), (Method::PUT, managed.as_str())] {
            let what = format!("{method} {:.60}", String::from_utf8_lossy(body));
            let request = to(&gateway, method, path).bearer_auth(&token).body(body.to_vec());
            let answer = answer(request.header(header::CONTENT_TYPE, "application/json")).await;
            assert_error(&answer, &[400], &what);
            assert_eq!(answer.header("cache-control"), "no-store", "{what}");
        }
    }
    for path in ["/register/%ff", "/register/%00", "/register/%zz", "/register/a%2fb"] {
        for method in [Method::GET, Method::PUT, Method::DELETE] {
            let what = format!("{method} {path}");
            let answer = answer(to(&gateway, method, path).bearer_auth(&token)).await;
            assert_error(&answer, &[400, 401, 404], &what);
        }
    }
}

/// §3.1: what a browser brings along is answered with a page, and the pages with a policy.
#[tokio::test]
async fn a_browser_gets_a_page() {
    let gateway = Gateway::with(&[("RATE_LIMIT_ADDRESS", "0")]);
    let long = "x".repeat(10_000);
    for query in [
        "",
        "client_id",
        "client_id=%ff%fe&response_type=code",
        "client_id=%00&state=%00",
        "client_id=%zz&state=%",
        "client_id=a&client_id=b",
        "client_id=https://[::1/x",
        "client_id=https://a.example/%ff",
        "client_id=a%0d%0aX-Injected:+1",
        "user_code=%ff%00",
        "user_code=a&user_code=b",
        "state=%ff&code=%00",
        "state=a&code=b&error=c",
        "state=a&state=b&code=c",
        "error=%3Cscript%3E",
        &format!("client_id={long}&state={long}&code={long}&user_code={long}"),
    ] {
        for path in ["/authorize", "/callback", "/device"] {
            let request = to(&gateway, Method::GET, &format!("{path}?{query}"));
            let request = request.header("Cookie", "__Host-mcpgw=\"; =; x=%ff; __Host-mcpgw-login");
            assert_page(&answer(request).await, &format!("{path}?{query:.60}"));
        }
        let consent = to(&gateway, Method::POST, "/authorize/consent");
        let consent = consent.header(header::CONTENT_TYPE, FORM).body(query.to_owned());
        assert_page(&answer(consent).await, query);
    }
}

fn assert_page(page: &Answer, what: &str) {
    // Without any parameter /device asks for a code.
    assert!(matches!(page.status, 200 | 400), "{what}: {page:?}");
    assert!(page.header("content-type").starts_with("text/html"), "{what}: {page:?}");
    assert!(page.header("content-security-policy").contains("default-src 'none'"), "{what}");
    assert_eq!(page.header("cache-control"), "no-store", "{what}");
    assert!(page.headers.get("location").is_none() && page.headers.get("x-injected").is_none());
    assert!(!page.body.as_str().unwrap().contains("<script"), "{what}");
}

/// RFC 9110 §15.5.6: a wrong method is 405 everywhere, with the right ones.
#[tokio::test]
async fn a_wrong_method_is_told_the_right_ones() {
    let gateway = Gateway::with(&[("RATE_LIMIT_ADDRESS", "0")]);
    for (path, allow) in [
        ("/token", "POST"),
        ("/revoke", "POST"),
        ("/introspect", "POST"),
        ("/device_authorization", "POST"),
        ("/register", "POST"),
        ("/authorize/consent", "POST"),
        ("/authorize", "GET, HEAD"),
        ("/callback", "GET, HEAD"),
        ("/jwks", "GET, HEAD"),
        ("/.well-known/oauth-authorization-server", "GET, HEAD"),
        ("/.well-known/oauth-protected-resource/mcp", "GET, HEAD"),
    ] {
        let others = [Method::GET, Method::POST, Method::PUT, Method::PATCH, Method::DELETE];
        for method in others.into_iter().filter(|method| !allow.contains(method.as_str())) {
            let what = format!("{method} {path}");
            let answer = answer(to(&gateway, method, path).body("x")).await;
            assert_error(&answer, &[405], &what);
            assert_eq!(answer.header("allow"), allow, "{what}");
        }
    }
}

/// What the answers have for values is what clients can parse: no `null`, no fractions.
pub(crate) fn assert_plain(value: &Value, what: &str) {
    match value {
        Value::Null => panic!("{what} has null"),
        Value::Number(number) => assert!(number.is_i64(), "{what} has {number}"),
        Value::Array(values) => values.iter().for_each(|value| assert_plain(value, what)),
        Value::Object(members) => members.values().for_each(|value| assert_plain(value, what)),
        Value::Bool(_) | Value::String(_) => {}
    }
}
