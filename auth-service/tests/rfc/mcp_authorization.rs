//! The rules of the MCP specification for authorization, where no file of an RFC shows them.

use gateway_tests::pkce;
use serde_json::json;
use url::Url;

use crate::support::{App, CALLBACK, GIT, Gateway, ISSUER, TIME, redirected};

/// "Authorization Server Location": what a server names is the issuer, character for character, and
/// the issuer's own document says the same.
#[tokio::test]
async fn the_issuer_is_the_same_text_everywhere() {
    let gateway = Gateway::start();
    let app = gateway.app().await;
    let metadata = "/.well-known/oauth-authorization-server";
    assert_eq!(gateway.get("auth.gw.example", metadata).await.body["issuer"], ISSUER);
    for host in ["time.gw.example", "git.gw.example"] {
        let resource = gateway.get(host, "/.well-known/oauth-protected-resource/mcp").await;
        assert_eq!(resource.body["authorization_servers"], json!([ISSUER]), "{host}");
    }
    let (back, verifier) = gateway.consent(&app, "alice", &[]).await;
    assert_eq!(back["iss"], ISSUER);
    let access = gateway.redeem(&app, &back["code"], &verifier).await.text("access_token");
    let claims: jsonwebtoken::TokenData<serde_json::Value> =
        jsonwebtoken::dangerous::insecure_decode(&access).unwrap();
    assert_eq!(claims.claims["iss"], ISSUER);
}

/// "Access Token Usage": "Access tokens MUST NOT be included in the URI query string"; one that is
/// opens nothing.
#[tokio::test]
async fn a_token_in_the_query_opens_nothing() {
    let gateway = Gateway::start();
    let app = gateway.app().await;
    let token = gateway.tokens(&app, "alice", TIME).await.text("access_token");
    for parameter in ["access_token", "token", "authorization"] {
        let refused = gateway.forwarded(&format!("{TIME}?{parameter}={token}"), &[]).await;
        assert_eq!(refused.status, 401, "{parameter}");
        assert!(!refused.header("www-authenticate").contains("error="));
    }
}

/// "Confused Deputy" (AS-21, AS-24): GitHub is asked, and a `state` for it made, only after the person
/// has decided about this client; the state is used once and for ten minutes.
#[tokio::test]
async fn the_login_provider_hears_nothing_before_consent() {
    let gateway = Gateway::start();
    let app = gateway.app().await;
    let mut browser = gateway.browser();
    let page = browser.get(&app.authorize_url(&pkce::pair().1, &[])).await;
    assert_eq!(page.status, 200);
    assert!(!page.body.contains(&gateway.github.url), "no link leads there");
    let at_github = browser.decide(&page, "github", "").await.next().unwrap();
    let state = crate::support::query(&at_github)["state"].clone();
    assert_eq!(state.len(), 43, "256 random bits");
    assert!(!gateway.redis.cli(&["KEYS", "*"]).contains(&state), "the browser keeps it, sealed");
    let back = browser.get(&at_github).await.next().unwrap();
    gateway.clock.advance(600);
    let late = browser.get(&back).await;
    assert_eq!((late.status.as_u16(), late.next()), (400, None));
}

/// "Token Passthrough" (AS-25): the token of GitHub is neither handed out nor kept.
#[tokio::test]
async fn the_token_of_the_login_provider_stays_out_of_sight() {
    let gateway = Gateway::start();
    let app = gateway.app().await;
    let (verifier, challenge) = pkce::pair();
    let mut browser = gateway.browser();
    let page = browser.get(&app.authorize_url(&challenge, &[("resource", GIT)])).await;
    let sent = browser.decide(&page, "github", "").await;
    let back = crate::support::query(&browser.follow(sent, CALLBACK).await);
    let tokens = gateway.redeem(&app, &back["code"], &verifier).await;
    let admitted = gateway.verify(GIT, &tokens.text("access_token")).await;
    let mut seen = format!("{:?} {:?}", tokens.body, admitted.headers);
    for key in gateway.redis.cli(&["KEYS", "*"]).lines() {
        seen += &gateway.redis.cli(&["GET", key]);
    }
    assert!(seen.contains("583231"), "{seen}");
    assert!(!seen.contains("gho_"), "{seen}");
}

/// AS-11, AS-22: the page names the client, the host that the answer goes to, the server and what is
/// asked in words; the host is that of the request, not one that the client chose to show.
#[tokio::test]
async fn the_page_shows_where_the_answer_goes() {
    let gateway = Gateway::start();
    let details = json!({ "scopes": ["notes"], "scopeDetails": { "notes": "read your notes" } });
    gateway.set_servers(&json!({ "time": details }));
    let metadata = json!({
        "client_name": "claude.ai",
        "client_uri": "https://claude.ai",
        "redirect_uris": ["https://evil.example/cb", "cursor://x/cb"],
        "token_endpoint_auth_method": "none",
    });
    let app = App { id: gateway.register(metadata).await.text("client_id"), secret: None };
    for (uri, shown) in [("https://evil.example/cb", "evil.example"), ("cursor://x/cb", "cursor:")]
    {
        let url = app.authorize_url(&pkce::pair().1, &[("redirect_uri", uri)]);
        let page = gateway.browser().get(&url).await;
        for text in [shown, "read your notes", TIME] {
            assert!(page.body.contains(text), "{text}: {}", page.body);
        }
        // No picture, and no link but the style sheet and those within the page.
        let mut links = page.body.split("href=\"").skip(1);
        assert!(links.all(|link| link.starts_with("/assets/") || link.starts_with('#')));
        assert!(!page.body.contains("src="), "{}", page.body);
    }
}

/// AS-23: the cookie belongs to one browser and one host, and what it holds is of no use elsewhere: a
/// page of one browser cannot be answered with the cookie of another.
#[tokio::test]
async fn a_consent_is_of_use_only_in_its_browser() {
    let gateway = Gateway::start();
    let app = gateway.app().await;
    let url = app.authorize_url(&pkce::pair().1, &[]);
    let (mut victim, mut attacker) = (gateway.browser(), gateway.browser());
    let page = attacker.get(&url).await;
    victim.get(&url).await;
    let code = gateway.login_code("alice").await;
    let again = victim.decide(&page, "local", &code).await;
    assert_eq!((again.status.as_u16(), again.next()), (200, None), "the page, and no decision");
    let done = attacker.decide(&page, "local", &code).await;
    assert!(redirected(&done).contains_key("code"), "nothing was used up");
}

/// RS-2, RS-4: each request is checked anew, with any method; a session of MCP is no credential
/// (RS-17).
#[tokio::test]
async fn a_session_is_no_credential() {
    let gateway = Gateway::start();
    let app = gateway.app().await;
    let token = gateway.tokens(&app, "alice", TIME).await.text("access_token");
    let bearer = format!("Bearer {token}");
    let session = ("Mcp-Session-Id", "5b6a2f3e");
    let admitted = gateway.forwarded(TIME, &[session, ("Authorization", &bearer)]).await;
    assert_eq!(admitted.status, 200);
    assert_eq!(gateway.forwarded(TIME, &[session]).await.status, 401);
    gateway.revoke("alice").await;
    let revoked = gateway.forwarded(TIME, &[session, ("Authorization", &bearer)]).await;
    assert_eq!(revoked.error(), (401, "invalid_token"));
}

/// AS-14: every endpoint that is published is https.
#[tokio::test]
async fn every_endpoint_is_https() {
    let gateway = Gateway::start();
    let path = "/.well-known/oauth-authorization-server";
    let metadata = gateway.get("auth.gw.example", path).await.body;
    let endpoints = metadata.as_object().unwrap().iter();
    let endpoints =
        endpoints.filter(|(name, _)| name.ends_with("_endpoint") || *name == "jwks_uri");
    let urls: Vec<Url> =
        endpoints.map(|(_, url)| Url::parse(url.as_str().unwrap()).unwrap()).collect();
    assert!(urls.len() >= 6, "{urls:?}");
    assert!(urls.iter().all(|url| url.scheme() == "https" && url.query().is_none()), "{urls:?}");
}
