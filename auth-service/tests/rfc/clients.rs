//! What clients need that no RFC says: rules learnt from what users of other servers complain about.

use futures_util::future::join_all;
use gateway_tests::pkce;
use reqwest::Method;
use serde_json::{Value, json};
use url::Url;

use crate::{
    malformed::assert_plain,
    support::{App, CALLBACK, GIT, Gateway, ISSUER, TIME, answer, query, redirected},
};

/// What claude.ai registers, as it comes.
fn claude() -> Value {
    json!({
        "client_name": "Claude",
        "redirect_uris": ["https://claude.ai/api/mcp/auth_callback"],
        "grant_types": ["authorization_code", "refresh_token"],
        "response_types": ["code"],
        "token_endpoint_auth_method": "none",
        "scope": "claudeai",
        "client_uri": null,
        "logo_uri": null,
        "contacts": null,
    })
}

/// anthropics/claude-ai-mcp#825 and others: a `null` or a fraction anywhere in an answer ends the
/// connection in the client's parser.
#[tokio::test]
async fn no_answer_has_a_null_or_a_fraction() {
    let gateway = Gateway::start();
    let mut answers = Vec::new();
    for path in [
        "/.well-known/oauth-authorization-server",
        "/.well-known/openid-configuration",
        "/jwks",
        "/health",
        "/ready",
    ] {
        answers.push(gateway.get("auth.gw.example", path).await);
    }
    let resource = "/.well-known/oauth-protected-resource/mcp";
    answers.push(gateway.get("time.gw.example", resource).await);
    answers.push(gateway.get("time.gw.example", "/.well-known/nothing").await);
    let registered = gateway.register(claude()).await;
    assert_eq!(registered.status, 201);
    let managed =
        format!("{}{}", gateway.base, &registered.text("registration_client_uri")[ISSUER.len()..]);
    let read = gateway.http.get(managed).bearer_auth(registered.text("registration_access_token"));
    answers.push(answer(read).await);
    answers.push(registered);
    answers.push(gateway.register(json!({ "redirect_uris": [CALLBACK] })).await);
    answers.push(gateway.register(json!({})).await);
    let app = gateway.app_with("client_secret_post").await;
    let tokens = gateway.tokens(&app, "alice", TIME).await;
    let secret = app.secret.as_deref().unwrap();
    for token in [tokens.text("access_token"), tokens.text("refresh_token"), "x".into()] {
        let form = [("client_id", &*app.id), ("client_secret", secret), ("token", &token)];
        answers.push(gateway.post("/introspect", &form).await);
    }
    answers.push(gateway.verify(TIME, "x").await);
    answers.push(gateway.verify("https://nothing.gw.example/mcp", "x").await);
    answers.push(gateway.post("/token", &[("client_id", "x")]).await);
    answers.push(tokens);
    for answer in &answers {
        assert!(answer.body.is_object() || answer.status == 200, "{answer:?}");
        assert_plain(&answer.body, &format!("{answer:?}"));
    }
}

/// PrefectHQ/fastmcp#1762, CL-9: a client that lost its registration recovers only by 401
/// `invalid_client` at the token endpoint; a person at /authorize reads what to do.
#[tokio::test]
async fn a_client_that_lost_its_registration_is_told_so() {
    let gateway = Gateway::start();
    let app = gateway.app().await;
    let tokens = gateway.tokens(&app, "alice", TIME).await;
    let key = format!("mcpgw:client:{}", app.id);
    assert_eq!(gateway.redis.cli(&["DEL", &key]).trim(), "1");
    let refused = gateway.refresh(&app, &tokens.text("refresh_token")).await;
    assert_eq!(refused.error(), (401, "invalid_client"));
    let page = gateway.browser().get(&app.authorize_url(&pkce::pair().1, &[])).await;
    assert_eq!((page.status.as_u16(), page.next()), (400, None));
    assert!(page.body.contains("add it again; it then registers itself"), "{}", page.body);
}

/// CL-9: a token that is dead is `invalid_grant`, for which a client asks its person to log in.
#[tokio::test]
async fn a_dead_refresh_token_is_told_apart_from_a_dead_client() {
    let gateway = Gateway::start();
    let app = gateway.app().await;
    let tokens = gateway.tokens(&app, "alice", TIME).await;
    gateway.revoke("alice").await;
    let refused = gateway.refresh(&app, &tokens.text("refresh_token")).await;
    assert_eq!(refused.error(), (400, "invalid_grant"));
}

/// sigbit/mcp-auth-proxy#94: `state` is the client's own: any length, any characters, or none.
#[tokio::test]
async fn a_state_comes_back_as_it_was_sent() {
    let gateway = Gateway::start();
    let app = gateway.app().await;
    let long = "01234567".repeat(256);
    let strange = "a&b=c d+e%20f#g?h/\"<>\\";
    for state in ["x", long.as_str(), strange] {
        let (answer, _) = gateway.consent(&app, "alice", &[("state", state)]).await;
        assert_eq!(answer["state"], state);
        let more = [("state", state), ("response_type", "token")];
        let refused = gateway.browser().get(&app.authorize_url(&pkce::pair().1, &more)).await;
        assert_eq!(redirected(&refused)["state"], state);
    }
    let (answer, verifier) = gateway.consent(&app, "alice", &[("state", "")]).await;
    assert!(!answer.contains_key("state"));
    assert_eq!(gateway.redeem(&app, &answer["code"], &verifier).await.status, 200);
}

/// CL-5, RS-12, anthropics/claude-code#52871: each client spells the resource in its way, at each of
/// the endpoints; what is issued is for the canonical one.
#[tokio::test]
async fn a_resource_may_be_spelt_differently_at_each_step() {
    let gateway = Gateway::start();
    let app = gateway.app().await;
    let spellings = [TIME, "https://time.gw.example/mcp/", "https://time.gw.example/"];
    for (asked, redeemed) in [(0, 1), (1, 2), (2, 0)] {
        let more = [("resource", spellings[asked])];
        let (answer, verifier) = gateway.consent(&app, "alice", &more).await;
        let mut form = vec![
            ("grant_type", "authorization_code"),
            ("client_id", app.id.as_str()),
            ("redirect_uri", CALLBACK),
            ("code", &answer["code"]),
            ("code_verifier", &verifier),
            ("resource", spellings[redeemed]),
        ];
        let tokens = gateway.post("/token", &form).await;
        assert_eq!(tokens.status, 200, "{tokens:?}");
        let refresh = tokens.text("refresh_token");
        form = vec![
            ("grant_type", "refresh_token"),
            ("client_id", app.id.as_str()),
            ("refresh_token", &refresh),
            ("resource", spellings[asked]),
        ];
        let refreshed = gateway.post("/token", &form).await;
        for answer in [&tokens, &refreshed] {
            let access = answer.text("access_token");
            assert_eq!(gateway.verify(TIME, &access).await.status, 200);
            let claims: jsonwebtoken::TokenData<Value> =
                jsonwebtoken::dangerous::insecure_decode(&access).unwrap();
            assert_eq!(claims.claims["aud"], TIME);
        }
    }
}

/// fastmcp#2302, #3369: Chrome applies `form-action` to every hop after a form, so that the answer to
/// it is a page and not a redirect, whatever was decided.
#[tokio::test]
async fn the_consent_form_is_answered_by_a_page() {
    let gateway = Gateway::start();
    let app = gateway.app().await;
    for decision in ["local", "deny", "github"] {
        let mut browser = gateway.browser();
        let page = browser.get(&app.authorize_url(&pkce::pair().1, &[])).await;
        let code = gateway.login_code("alice").await;
        let done = browser.decide(&page, decision, &code).await;
        assert_eq!(done.status, 200, "{decision}");
        assert!(done.headers.get("location").is_none(), "{decision}");
        let next = done.next().unwrap();
        let link = format!("href=\"{}\"", next.as_str().replace('&', "&#38;"));
        assert!(done.body.contains(&link), "{decision}: {link}: {}", done.body);
    }
}

/// mesh/mesh-mcp#19 and others: what a proxy in front does to `Host` and scheme is not what clients
/// read in the documents.
#[tokio::test]
async fn documents_come_from_the_configuration() {
    let gateway = Gateway::start();
    let path = "/.well-known/oauth-authorization-server";
    let plain = gateway.get("auth.gw.example", path).await.body;
    for (name, value) in [
        ("Host", "evil.example"),
        ("X-Forwarded-Host", "evil.example"),
        ("X-Forwarded-Proto", "http"),
        ("X-Forwarded-Prefix", "/evil"),
        ("X-Forwarded-Port", "8080"),
        ("Forwarded", "host=evil.example;proto=http"),
        ("MCP-Protocol-Version", "1999-01-01"),
    ] {
        let request = gateway.http.get(format!("{}{path}", gateway.base)).header(name, value);
        assert_eq!(answer(request).await.body, plain, "{name}");
    }
    assert!(!plain.to_string().contains("http://"));
}

/// RFC 9110 §11.1: the scheme has no case; the seed refused `bearer`.
#[tokio::test]
async fn the_scheme_has_no_case() {
    let gateway = Gateway::start();
    let app = gateway.app().await;
    let token = gateway.tokens(&app, "alice", TIME).await.text("access_token");
    for scheme in ["Bearer", "bearer", "BEARER", "bEARER "] {
        let value = format!("{scheme} {token}");
        let answer = gateway.forwarded(TIME, &[("Authorization", &value)]).await;
        assert_eq!(answer.status, 200, "{scheme}");
    }
}

/// CL-2: Claude uses a metadata document only if the metadata has all of this, and else registers
/// anew with every connection; the clients of `OpenAI` look for `iss` and S256.
#[tokio::test]
async fn the_metadata_lets_clients_choose_a_document() {
    let gateway = Gateway::start();
    let path = "/.well-known/oauth-authorization-server";
    let metadata = gateway.get("auth.gw.example", path).await.body;
    assert_eq!(metadata["client_id_metadata_document_supported"], true);
    let lists = |member: &str, value: &str| {
        metadata[member].as_array().unwrap().iter().any(|listed| listed == value)
    };
    assert!(lists("token_endpoint_auth_methods_supported", "none"));
    assert!(lists("code_challenge_methods_supported", "S256"));
    assert!(lists("grant_types_supported", "refresh_token"));
    assert!(lists("scopes_supported", "offline_access"));
    assert_eq!(metadata["authorization_response_iss_parameter_supported"], true);
}

/// CL-3, CL-10: from the registration to the refresh as claude.ai does it: `scope=claudeai` and
/// `offline_access` are dropped, and there is a refresh token.
#[tokio::test]
async fn claude_connects() {
    let gateway = Gateway::start();
    let app = App { id: gateway.register(claude()).await.text("client_id"), secret: None };
    let callback = "https://claude.ai/api/mcp/auth_callback";
    let (verifier, challenge) = pkce::pair();
    let more =
        [("redirect_uri", callback), ("scope", "claudeai offline_access"), ("prompt", "consent")];
    let mut browser = gateway.browser();
    let page = browser.get(&app.authorize_url(&challenge, &more)).await;
    let done = browser.decide(&page, "local", &gateway.login_code("alice").await).await;
    let back = query(&browser.follow(done, callback).await);
    assert_eq!((&*back["iss"], &*back["state"]), (ISSUER, "client state"));
    let form = [
        ("grant_type", "authorization_code"),
        ("client_id", &app.id),
        ("redirect_uri", callback),
        ("code", &back["code"]),
        ("code_verifier", &verifier),
        ("resource", TIME),
    ];
    let tokens = gateway.post("/token", &form).await;
    assert_eq!((tokens.status, &tokens.body["scope"]), (200, &json!("mcp")), "{tokens:?}");
    assert_eq!(gateway.refresh(&app, &tokens.text("refresh_token")).await.status, 200);
}

/// CL-7: the endpoints under the host of a server are those of the issuer.
#[tokio::test]
async fn registration_and_tokens_are_also_at_the_host_of_a_server() {
    let gateway = Gateway::start();
    let at = |path: &str| {
        let request = gateway.http.post(format!("{}{path}", gateway.base));
        request.header("Host", "time.gw.example")
    };
    let registered = answer(at("/register").json(&claude())).await;
    assert_eq!(registered.status, 201);
    let uri = registered.text("registration_client_uri");
    assert!(uri.starts_with(&format!("{ISSUER}/register/")), "{uri}");
    let app = gateway.app().await;
    let (back, verifier) = gateway.consent(&app, "alice", &[]).await;
    let form = [
        ("grant_type", "authorization_code"),
        ("client_id", &app.id),
        ("code", &back["code"]),
        ("code_verifier", &verifier),
    ];
    assert_eq!(answer(at("/token").form(&form)).await.status, 200);
}

/// CL-8: the token endpoint takes forms and says so to JSON; registration takes JSON and nothing that another site may send
/// unasked.
#[tokio::test]
async fn each_endpoint_says_which_body_it_takes() {
    let gateway = Gateway::start();
    let app = gateway.app().await;
    let body = json!({ "grant_type": "refresh_token", "client_id": app.id, "refresh_token": "x" });
    let request = gateway.http.post(format!("{}/token", gateway.base)).json(&body);
    let refused = answer(request).await;
    assert_eq!(refused.error(), (400, "invalid_request"));
    assert!(refused.text("error_description").contains("application/x-www-form-urlencoded"));
    for kind in
        ["application/x-www-form-urlencoded; charset=UTF-8", "APPLICATION/X-WWW-FORM-URLENCODED"]
    {
        let request = gateway.http.post(format!("{}/token", gateway.base));
        let body = format!("grant_type=refresh_token&refresh_token=x&client_id={}", app.id);
        let refused = answer(request.header("Content-Type", kind).body(body)).await;
        assert_eq!(refused.error(), (400, "invalid_grant"), "{kind}");
    }
    for (kind, expected) in [
        ("application/json; charset=utf-8", (201, "")),
        ("APPLICATION/JSON", (201, "")),
        ("text/plain", (400, "invalid_client_metadata")),
        ("text/plain; a=application/json", (400, "invalid_client_metadata")),
        ("application/x-www-form-urlencoded", (400, "invalid_client_metadata")),
        ("multipart/form-data; boundary=x", (400, "invalid_client_metadata")),
        ("", (400, "invalid_client_metadata")),
    ] {
        let request = gateway.http.post(format!("{}/register", gateway.base));
        let body = json!({ "redirect_uris": [CALLBACK], "client_name": kind }).to_string();
        let told = answer(request.header("Content-Type", kind).body(body)).await;
        assert_eq!(told.error(), expected, "{kind}");
    }
}

/// CL-9, PrefectHQ/fastmcp#4264: Claude refreshes from several machines. Of twenty at once all get
/// the same successor and a working access token; the family lives on as one.
#[tokio::test]
async fn twenty_refreshes_at_once_leave_one_live_family() {
    let gateway = Gateway::start();
    let app = gateway.app().await;
    let mut token = gateway.tokens(&app, "alice", TIME).await.text("refresh_token");
    for _ in 0..3 {
        let answers = join_all((0..20).map(|_| gateway.refresh(&app, &token))).await;
        let next = answers[0].text("refresh_token");
        for answer in &answers {
            assert_eq!((answer.status, answer.text("refresh_token")), (200, next.clone()));
            assert_eq!(gateway.verify(TIME, &answer.text("access_token")).await.status, 200);
        }
        assert_eq!(gateway.redis.cli(&["KEYS", "mcpgw:grant:*"]).lines().count(), 1);
        token = next;
        gateway.clock.advance(3600);
    }
}

/// CL-4, CL-6: the challenge names the document with the path inserted, and that document exists for
/// both servers, with the URL that is typed into the dialog.
#[tokio::test]
async fn the_challenge_leads_to_the_document() {
    let gateway = Gateway::start();
    for resource in [TIME, GIT] {
        let refused = gateway.forwarded(resource, &[]).await;
        let challenge = refused.header("www-authenticate").to_owned();
        let document = challenge.split('"').nth(1).unwrap();
        let document = Url::parse(document).unwrap();
        assert!(document.path().ends_with("/mcp"), "{document}");
        let found = gateway.get(document.authority(), document.path()).await;
        assert_eq!((found.status, &found.body["resource"]), (200, &json!(resource)));
        assert_eq!(found.body["authorization_servers"], json!([ISSUER]));
    }
}

/// CL-8, G-6: what a client polls is answered without a body, a cookie or a redirect, to HEAD, too.
#[tokio::test]
async fn discovery_asks_for_nothing() {
    let gateway = Gateway::start();
    for (host, path) in [
        ("auth.gw.example", "/.well-known/oauth-authorization-server"),
        ("auth.gw.example", "/.well-known/openid-configuration"),
        ("time.gw.example", "/.well-known/oauth-protected-resource/mcp"),
        ("time.gw.example", "/.well-known/oauth-protected-resource"),
    ] {
        for method in [Method::GET, Method::HEAD] {
            let request = gateway.http.request(method, format!("{}{path}", gateway.base));
            let request = request.header("Host", host).header("MCP-Protocol-Version", "x");
            let found = answer(request.header("Authorization", "Bearer nonsense")).await;
            assert_eq!(found.status, 200, "{path}");
            assert!(found.header("content-type").starts_with("application/json"));
            assert!(found.header("cache-control").contains("max-age"));
            assert!(found.headers.get("set-cookie").is_none());
        }
    }
}
