//! Faults that others had, each by its number: they cannot happen here. `docs/RFC.md` lists all of
//! them; those that a test of an RFC shows are shown there.

use std::path::Path;

use auth_service::config::Config;
use gateway_tests::{github::Mood, pkce};
use reqwest::header::HeaderValue;
use serde_json::{Value, json};

use crate::support::{App, CALLBACK, GIT, Gateway, ISSUER, TIME, answer, query, redirected};

async fn registers(gateway: &Gateway, uri: &str) -> bool {
    let metadata = json!({ "redirect_uris": [uri], "token_endpoint_auth_method": "none" });
    let answer = gateway.register(metadata).await;
    assert!(answer.status == 201 || answer.error() == (400, "invalid_redirect_uri"), "{answer:?}");
    answer.status == 201
}

/// cloudflare/workers-oauth-provider issue 97: a list of what is allowed, read without case and after
/// what browsers drop; never a list of what is not.
#[tokio::test]
async fn only_listed_schemes_are_redirected_to() {
    let gateway = Gateway::start();
    for bad in [
        "javascript:alert(1)",
        "JaVaScRiPt:alert(1)",
        "java\tscript:alert(1)",
        "java\nscript:alert(1)",
        "\u{1}javascript:alert(1)",
        " javascript:alert(1)",
        "javascript://app.example/%0aalert(1)",
        "data:text/html,x",
        "vbscript:x",
        "blob:https://app.example/x",
        "file:///etc/passwd",
        "about:blank",
        "view-source:https://app.example/",
        "intent://x",
        "https:javascript:alert(1)",
        "http:\\\\localhost/cb",
        "//evil.example/cb",
    ] {
        assert!(!registers(&gateway, bad).await, "{bad:?}");
    }
    assert!(registers(&gateway, "HTTPS://app.example/cb").await);
    assert!(registers(&gateway, "cursor://anysphere.cursor-mcp/oauth/callback").await);
}

/// cloudflare/ai#51, GHSA-c2jp-c369-7pvx: GitHub does not ask again about an app that it knows, and
/// our app at GitHub is one for all clients. So the page is shown for each client, to people who are
/// logged in as to others, before GitHub hears anything.
#[tokio::test]
async fn every_client_is_asked_about_though_github_would_not() {
    let gateway = Gateway::start();
    let mut browser = gateway.browser();
    for _ in 0..3 {
        let app = gateway.app().await;
        let page = browser.get(&app.authorize_url(&pkce::pair().1, &[])).await;
        assert_eq!((page.status.as_u16(), page.next()), (200, None));
        let sent = browser.decide(&page, "github", "").await;
        assert!(query(&browser.follow(sent, CALLBACK).await).contains_key("code"));
    }
}

/// CVE-2025-62800: what comes with the request, or from the login provider, is never part of a page
/// as it came.
#[tokio::test]
async fn nothing_is_reflected_into_a_page() {
    let gateway = Gateway::start();
    let evil = "\"'><script>alert(1)</script><img src=x onerror=alert(1)>";
    let metadata = json!({
        "redirect_uris": [CALLBACK], "client_name": evil, "token_endpoint_auth_method": "none",
    });
    let app = App { id: gateway.register(metadata).await.text("client_id"), secret: None };
    let mut browser = gateway.browser();
    let encoded: String = url::form_urlencoded::byte_serialize(evil.as_bytes()).collect();
    let named = app.authorize_url(&pkce::pair().1, &[("state", evil)]);
    let mut urls = vec![named.clone()];
    for path in [
        "/authorize?client_id=",
        "/authorize?client_id=x&redirect_uri=",
        "/callback?state=x&error=x&error_description=",
        "/callback?state=",
        "/device?user_code=",
    ] {
        urls.push(format!("{ISSUER}{path}{encoded}").parse().unwrap());
    }
    for url in urls {
        let page = browser.get(&url).await;
        for mark in ["<script", "<img", "onerror=alert(1)>"] {
            assert!(!page.body.contains(mark), "{url}: {}", page.body);
        }
        let policy = page.headers["content-security-policy"].to_str().unwrap();
        assert!(policy.starts_with("default-src 'none'") && !policy.contains("unsafe"), "{policy}");
    }
    let page = browser.get(&named).await;
    let done = browser.decide(&page, "deny", "").await;
    assert!(!done.body.contains("<script"), "{}", done.body);
    assert_eq!(redirected(&done)["state"], evil);
}

/// tinyauth GHSA-3q28-qjrv-qr39: who is halfway through a login is not logged in.
#[tokio::test]
async fn a_login_under_way_opens_nothing() {
    let gateway = Gateway::start();
    let app = gateway.app().await;
    let url = app.authorize_url(&pkce::pair().1, &[]);
    let silent = app.authorize_url(&pkce::pair().1, &[("prompt", "none")]);
    let mut browser = gateway.browser();
    for _ in 0..2 {
        let page = browser.get(&url).await;
        let at_github = browser.decide(&page, "github", "").await.next().unwrap();
        assert_eq!(redirected(&browser.get(&silent).await)["error"], "interaction_required");
        assert!(!browser.get(&url).await.body.contains("Connect, as"));
        gateway.github.set(Mood::Denies);
        let back = browser.get(&at_github).await.next().unwrap();
        let refused = browser.get(&back).await;
        let mut cookies = refused.headers.get_all("set-cookie").iter();
        assert!(cookies.all(|one| one.to_str().unwrap().contains("Max-Age=0")));
    }
    assert_eq!(gateway.redis.cli(&["KEYS", "mcpgw:code:*"]).trim(), "");
}

/// Keycloak CVE-2026-3872, CVE-2026-7504: redirect URIs are compared as texts: no wildcard, path
/// parameter, user information or encoding makes one fit another.
#[tokio::test]
async fn redirect_uris_are_compared_as_texts() {
    let gateway = Gateway::start();
    let metadata = json!({
        "redirect_uris": ["https://app.example/cb", "https://app.example/all/*"],
        "token_endpoint_auth_method": "none",
    });
    let app = App { id: gateway.register(metadata).await.text("client_id"), secret: None };
    let mut browser = gateway.browser();
    let mut status = async |uri: &str| {
        let url = app.authorize_url(&pkce::pair().1, &[("redirect_uri", uri)]);
        browser.get(&url).await.status.as_u16()
    };
    assert_eq!(status("https://app.example/cb").await, 200);
    for other in [
        "https://app.example/all/x",
        "https://app.example/cb/",
        "https://app.example/cb;x=1",
        "https://app.example/cb/..;/../x",
        "https://app.example/cb/../cb",
        "https://app.example/%63b",
        "https://app.example/cb?x",
        "https://app.example/cb#x",
        "https://app.example:443/cb",
        "https://APP.example/cb",
        "https://x@app.example/cb",
        "https://app.example@evil.example/cb",
        "https://app.example.evil.example/cb",
        "https://evil.example\\@app.example/cb",
        "https://app.example/cb\t",
        "http://app.example/cb",
    ] {
        assert_eq!(status(other).await, 400, "{other}");
    }
}

/// CVE-2025-54576, CVE-2026-41059: what a request may do without a token is decided by its path
/// alone, and a path that two readers could take apart differently is refused.
#[tokio::test]
async fn no_spelling_of_a_url_makes_a_server_public() {
    let gateway = Gateway::start();
    let ask = async |uri: &str| {
        let request = gateway.http.get(format!("{}/verify", gateway.base));
        let request = request.header("X-Forwarded-Host", "time.gw.example");
        let uri = HeaderValue::from_bytes(uri.as_bytes()).unwrap();
        answer(request.header("X-Forwarded-Uri", uri)).await.status
    };
    for uri in [
        "/mcp?x=/.well-known/oauth-protected-resource",
        "/mcp?/health",
        "/mcp#/.well-known/oauth-protected-resource",
        "/mcp?x=/token&y=/../health",
    ] {
        assert_eq!(ask(uri).await, 401, "{uri}");
    }
    for uri in [
        "/.well-known/../mcp",
        "/health/..;/mcp",
        "/mcp/%2e%2e/health",
        "/mcp%23/health",
        "/mcp%3f/health",
        "//health",
        "/mcp\\health",
        "/mcp\u{e9}",
        "mcp",
        "",
        "https://time.gw.example/mcp",
    ] {
        assert_eq!(ask(uri).await, 400, "{uri}");
    }
    for uri in ["/health", "/.well-known/oauth-protected-resource", "/jwks", "/MCP", "/mcp/health"]
    {
        assert!(matches!(ask(uri).await, 401 | 404), "{uri}");
    }
}

/// CVE-2026-34457: nobody is a health check by its name.
#[tokio::test]
async fn no_user_agent_needs_no_token() {
    let gateway = Gateway::start();
    for agent in [
        "GoogleHC/1.0",
        "kube-probe/1.30",
        "ELB-HealthChecker/2.0",
        "Go-http-client/1.1",
        "Traefik",
        "",
    ] {
        let answer = gateway.forwarded(TIME, &[("User-Agent", agent)]).await;
        assert_eq!(answer.status, 401, "{agent}");
    }
}

/// Traefik CVE-2026-35051, CVE-2026-54764, CVE-2026-39858: only the headers that Traefik always sets
/// itself say which server is meant.
#[tokio::test]
async fn other_forwarding_headers_decide_nothing() {
    let gateway = Gateway::start();
    let app = gateway.app().await;
    let token = gateway.tokens(&app, "alice", GIT).await.text("access_token");
    let bearer = format!("Bearer {token}");
    for (name, value) in [
        ("X-Forwarded-Prefix", "/mcp"),
        ("X-Forwarded-Port", "8443"),
        ("X-Forwarded-Server", "git.gw.example"),
        ("X-Forwarded-Path", "/mcp"),
        ("Forwarded", "host=git.gw.example"),
        ("X-Original-URL", "https://git.gw.example/mcp"),
        ("X-Original-Host", "git.gw.example"),
        ("X-Rewrite-URL", "/mcp"),
        ("X_Forwarded_Host", "git.gw.example"),
        ("X.Forwarded.Host", "git.gw.example"),
        ("Host", "git.gw.example"),
    ] {
        let headers = [("Authorization", &*bearer), (name, value)];
        let refused = gateway.forwarded(TIME, &headers).await;
        assert_eq!(refused.error(), (401, "invalid_token"), "{name}");
        let admitted = gateway.forwarded(GIT, &[headers[0], (name, "evil.example")]).await;
        assert_eq!((admitted.status, admitted.header("x-mcp-server")), (200, "git"), "{name}");
    }
    for name in ["X-Forwarded-Host", "X-Forwarded-Uri"] {
        let doubled = gateway.forwarded(GIT, &[("Authorization", &*bearer), (name, "/mcp")]).await;
        assert_eq!(doubled.error(), (400, "invalid_request"), "{name}");
    }
}

/// authentik CVE-2026-25748: a header that cannot be read is no token; it never becomes a 200 without
/// a person.
#[tokio::test]
async fn what_cannot_be_read_is_refused() {
    let gateway = Gateway::start();
    let app = gateway.app().await;
    let token = gateway.tokens(&app, "alice", TIME).await.text("access_token");
    let latin = [b"Bearer \xff".as_slice(), token.as_bytes()].concat();
    let (halved, doubled) = (&token[..token.len() / 2], format!("Bearer {token}, Bearer {token}"));
    for value in [
        b"".as_slice(),
        b"Bearer",
        b"Bearer ",
        b"Bearer  ",
        b"Bearer null",
        b"Bearer undefined",
        b"\xff\xfe",
        &latin,
        token.as_bytes(),
        format!("Bearer\t{token}").as_bytes(),
        format!("Bearer {halved}").as_bytes(),
        format!("Basic {token}").as_bytes(),
        format!("Bearer \"{token}\"").as_bytes(),
        doubled.as_bytes(),
    ] {
        let request = gateway.http.get(format!("{}/verify", gateway.base));
        let request = request.header("X-Forwarded-Host", "time.gw.example");
        let request = request.header("X-Forwarded-Uri", "/mcp");
        let request = request.header("Cookie", "\"; =;;authentik_session=%");
        let value = HeaderValue::from_bytes(value).unwrap();
        let answer = answer(request.header("Authorization", value)).await;
        assert_eq!(answer.status, 401);
        assert!(answer.header("x-user-id").is_empty());
        assert!(answer.header("www-authenticate").starts_with("Bearer resource_metadata="));
    }
}

/// IBM/mcp-context-forge PR 5001 (CWE-798): there is no secret that everybody knows, and an empty list of
/// people admits nobody, about which the program does not start.
#[test]
fn nothing_secret_or_open_is_a_default() {
    let problems = |settings: &[(&str, &str)]| {
        let settings = settings.iter().map(|(name, value)| ((*name).into(), (*value).into()));
        Config::from_map(settings.collect()).unwrap_err().to_string()
    };
    let none = problems(&[]);
    for name in ["BASE_DOMAIN", "SIGNING_KEY_FILE"] {
        assert!(none.contains(name), "{name}: {none}");
    }
    let github = [("BASE_DOMAIN", "gw.example"), ("GITHUB_CLIENT_ID", "x")];
    assert!(problems(&github).contains("GITHUB_CLIENT_SECRET"));
    let nobody =
        [&github[..], &[("GITHUB_CLIENT_SECRET", "x"), ("SIGNING_KEY_FILE", "x")]].concat();
    assert!(problems(&nobody).contains("ALLOWED_GITHUB_USERS is empty, which admits nobody"));
}

/// mcp-remote CVE-2025-6514, MCP Inspector CVE-2025-58444: a client opens what metadata says. Every
/// URL in ours is https and of the issuer or of the server itself.
#[tokio::test]
async fn documents_lead_only_to_this_gateway() {
    let gateway = Gateway::start();
    for (host, path) in [
        ("evil.example", "/.well-known/oauth-authorization-server"),
        ("auth.gw.example", "/.well-known/openid-configuration/x$(calc.exe)"),
        ("time.gw.example", "/.well-known/oauth-protected-resource/mcp"),
    ] {
        let document = gateway.get(host, path).await;
        assert_eq!(document.status, 200, "{host}{path}");
        let texts = document.body.as_object().unwrap().values().flat_map(|value| match value {
            Value::Array(values) => values.clone(),
            value => vec![value.clone()],
        });
        let urls = texts.filter(|value| value.as_str().is_some_and(|text| text.contains("//")));
        let urls: Vec<String> = urls.map(|url| url.as_str().unwrap().to_owned()).collect();
        assert!(!urls.is_empty());
        for url in urls {
            let rest = url.strip_prefix(ISSUER);
            assert!(
                url == TIME || rest.is_some_and(|rest| matches!(rest.get(..1), None | Some("/"))),
                "{url}"
            );
        }
    }
}

/// patchwork-os#108: a document that changes while a person reads the page changes nothing for them:
/// a flow goes on with what it began with.
#[tokio::test]
async fn a_flow_keeps_the_document_it_began_with() {
    let gateway = Gateway::start();
    let id = "https://app.example/client";
    let head = "200 OK\r\nContent-Type: application/json\r\nCache-Control: no-store";
    let document = |name: &str, redirect: &str| {
        json!({ "client_id": id, "client_name": name, "redirect_uris": [redirect] }).to_string()
    };
    gateway.documents.publish("client", head, &document("Honest", CALLBACK));
    let app = App { id: id.into(), secret: None };
    let (verifier, challenge) = pkce::pair();
    let mut browser = gateway.browser();
    let page = browser.get(&app.authorize_url(&challenge, &[])).await;
    assert!(page.body.contains("Honest"));
    gateway.documents.publish("client", head, &document("Evil", "https://evil.example/cb"));
    gateway.clock.advance(599);
    let done = browser.decide(&page, "local", &gateway.login_code("alice").await).await;
    let back = redirected(&done);
    let tokens = gateway.redeem(&app, &back["code"], &verifier).await;
    assert_eq!(tokens.status, 200, "{tokens:?}");
}

fn repository(path: &str) -> String {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap();
    std::fs::read_to_string(root.join(path)).unwrap()
}

/// The packages of `Cargo.lock`: `(name, version)`.
fn locked() -> Vec<(String, String)> {
    let lock = repository("Cargo.lock");
    let value = |block: &str, name: &str| {
        let line = block.lines().find_map(|line| line.strip_prefix(&format!("{name} = \"")));
        line.unwrap().trim_end_matches('"').to_owned()
    };
    let blocks = lock.split("[[package]]").skip(1);
    blocks.map(|block| (value(block, "name"), value(block, "version"))).collect()
}

/// jsonwebtoken CVE-2026-25537 (before 10.3): claims of another type were not checked. The behaviour
/// is shown by `rfc7519::the_end_of_a_token_cannot_be_talked_away`.
#[test]
fn the_jwt_library_is_one_that_checks_types() {
    let locked = locked();
    let versions: Vec<_> = locked.iter().filter(|(name, _)| name == "jsonwebtoken").collect();
    assert!(!versions.is_empty());
    for (_, version) in versions {
        let mut numbers = version.split('.').map(|part| part.parse::<u32>().unwrap());
        let version = (numbers.next().unwrap(), numbers.next().unwrap());
        assert!(version >= (10, 3), "{version:?}");
    }
}

/// RUSTSEC-2023-0071: RSA in the `rsa` crate leaks its key by its timing.
#[test]
fn no_signature_is_made_by_the_rsa_crate() {
    let locked = locked();
    assert!(locked.iter().any(|(name, _)| name == "aws-lc-rs"));
    assert!(locked.iter().all(|(name, _)| name != "rsa"));
}

/// oauth2-proxy CVE-2026-40575, CVE-2025-64484; Traefik CVE-2026-33433, CVE-2026-54763,
/// CVE-2026-88011: what Traefik is told about headers of clients. What then reaches a server is looked
/// at by the end-to-end test `identity_headers_of_a_client_never_reach_a_server`.
#[test]
fn traefik_believes_no_header_of_a_client() {
    let entry_points = repository("traefik/traefik.yml");
    let points = entry_points.matches("\n    address: ").count();
    assert_eq!(points, 5, "two for clients, three inside");
    assert_eq!(entry_points.matches("aliasHeadersStrategy: delete").count(), points);
    // Traefik believes itself, where it alone can connect: for ForwardAuth of several instances.
    let itself = "    address: \"127.0.0.1:8001\"\n    forwardedHeaders:\n      trustedIPs: \
                  [\"127.0.0.1/32\"]\n";
    assert_eq!(entry_points.matches(itself).count(), 1);
    let entry_points = entry_points.replace(itself, "");
    assert!(entry_points.contains("insecure: false") && !entry_points.contains("insecure: true"));
    // Only what the operator names in front of Traefik is believed, and `hygiene` goes before it there, too.
    let trusted = entry_points.matches("trustedIPs: ").count();
    assert_eq!(trusted, entry_points.matches("trustedIPs: [@FRONT_PROXIES@]").count());
    let mut direct = entry_points.split("# --- front only: begin");
    let first = direct.next().unwrap().to_owned();
    let outside = direct.map(|part| part.split("# --- front only: end").nth(1).unwrap());
    let direct = outside.fold(first, |text, part| text + part);
    assert!(!direct.contains("trustedIPs"), "{direct}");
    assert_eq!(direct.matches("- hygiene@file").count(), 1);
    assert_eq!(entry_points.matches("- hygiene@file").count(), 2);
    let middlewares = repository("traefik/dynamic/middlewares.yml");
    assert!(middlewares.contains("trustForwardHeader: false"));
    let passed = middlewares.split("authResponseHeaders:").nth(1).unwrap().split("\n\n").next();
    let hygiene = middlewares.split("hygiene:").nth(1).unwrap().split("\n\n").next().unwrap();
    let names: Vec<&str> =
        passed.unwrap().lines().filter_map(|line| line.trim().strip_prefix("- ")).collect();
    assert!(names.len() >= 6, "{names:?}");
    for name in names {
        assert!(hygiene.contains(&format!("{name}: \"\"")), "{name} of a client would pass");
    }
}

/// CORS is Traefik's: on discovery, registration, tokens and the challenge of a server.
#[test]
fn browsers_may_read_what_clients_need() {
    let routers = repository("traefik/dynamic/routers.yml");
    for router in ["auth-api{{ $door.suffix }}:", "server-oauth{{ $door.suffix }}:"] {
        let block = routers.split(router).nth(1).unwrap().split("\n\n").next().unwrap();
        assert!(block.contains("cors"), "{router}");
        for path in ["token", "register", "well-known"] {
            assert!(block.contains(path) || block.contains("$discovery"), "{router} {path}");
        }
    }
    let middlewares = repository("traefik/dynamic/middlewares.yml");
    for chain in [
        "[cors, gateway, mcp-auth, server-answer, no-token]",
        "[cors, away, gateway, mcp-auth, server-answer, no-token]",
    ] {
        assert!(middlewares.contains(chain), "{chain}");
    }
    let exposed = middlewares.split("accessControlExposeHeaders:").nth(1).unwrap();
    assert!(exposed.contains("- WWW-Authenticate") && exposed.contains("- Retry-After"));
}
