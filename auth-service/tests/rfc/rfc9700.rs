//! RFC 9700: best current practice of OAuth security, where no other file shows it.

use gateway_tests::pkce;
use serde_json::json;

use crate::support::{App, Gateway, TIME, redirected};

/// §2.1.2, §2.4: neither the implicit grant nor the password of a person.
#[tokio::test]
async fn no_token_comes_without_a_code() {
    let gateway = Gateway::start();
    let app = gateway.app().await;
    let path = "/.well-known/oauth-authorization-server";
    let metadata = gateway.get("auth.gw.example", path).await.body;
    assert_eq!(metadata["response_types_supported"], json!(["code"]));
    let grants = metadata["grant_types_supported"].to_string();
    assert!(!grants.contains("password") && !grants.contains("implicit"), "{grants}");
    for kind in ["token", "id_token", "code token", "code id_token", "none", "Code"] {
        let more = [("response_type", kind)];
        let page = gateway.browser().get(&app.authorize_url(&pkce::pair().1, &more)).await;
        let answer = redirected(&page);
        assert_eq!(answer["error"], "unsupported_response_type", "{kind}");
        assert!(!crate::support::link(&page).unwrap().as_str().contains('#'), "{kind}");
    }
    let form = [
        ("grant_type", "password"),
        ("client_id", app.id.as_str()),
        ("username", "alice"),
        ("password", "x"),
    ];
    assert_eq!(gateway.post("/token", &form).await.error(), (400, "unsupported_grant_type"));
}

/// §4.2.4, §4.3.1, §4.12: no step gives the next site an address with a code in it, and none repeats a
/// form elsewhere, as a 307 would.
#[tokio::test]
async fn no_step_leaks_the_address_it_was_at() {
    let gateway = Gateway::start();
    let app = gateway.app().await;
    let mut browser = gateway.browser();
    let page = browser.get(&app.authorize_url(&pkce::pair().1, &[])).await;
    let sent = browser.decide(&page, "github", "").await;
    let at_github = browser.get(&sent.next().unwrap()).await;
    let back = browser.get(&at_github.next().unwrap()).await;
    assert!(redirected(&back).contains_key("code"));
    assert_eq!((page.status.as_u16(), sent.status.as_u16(), back.status.as_u16()), (200, 200, 303));
    for step in [&page, &sent, &back] {
        let policy = step.headers["referrer-policy"].to_str().unwrap();
        assert!(["no-referrer", "same-origin"].contains(&policy), "{}: {policy}", step.url);
        assert_eq!(step.headers["cache-control"], "no-store", "{}", step.url);
    }
}

/// §4.5.3, §4.7: a code that is put into the answer of another session is of no use there: it is bound
/// to the challenge, the client and the redirect URI of its own.
#[tokio::test]
async fn an_injected_code_is_refused() {
    let gateway = Gateway::start();
    let (app, other) = (gateway.app().await, gateway.app().await);
    let (stolen, _) = gateway.consent(&app, "alice", &[]).await;
    let (_, verifier) = gateway.consent(&app, "mallory", &[]).await;
    let (_, others_verifier) = gateway.consent(&other, "mallory", &[]).await;
    let code = stolen["code"].as_str();
    assert_eq!(gateway.redeem(&app, code, &verifier).await.error(), (400, "invalid_grant"));
    let refused = gateway.redeem(&other, code, &others_verifier).await;
    assert_eq!(refused.error(), (400, "invalid_grant"));
}

/// §4.8.2: the challenge cannot be taken out of a request on its way: without one there is no code.
#[tokio::test]
async fn pkce_cannot_be_downgraded() {
    let gateway = Gateway::start();
    let app = gateway.app_with("client_secret_basic").await;
    let more = [("code_challenge", ""), ("code_challenge_method", "")];
    let page = gateway.browser().get(&app.authorize_url("", &more)).await;
    assert_eq!(redirected(&page)["error"], "invalid_request");
    assert_eq!(gateway.redis.cli(&["KEYS", "mcpgw:code:*"]).trim(), "");
}

/// §4.15: no client can be taken for a person: `sub` of its own tokens is in a realm that no login
/// leads to.
#[tokio::test]
async fn a_client_is_never_taken_for_a_person() {
    let gateway = Gateway::start();
    let create = ["client", "create", "--name", "alice", "--grant", "client-credentials"];
    let machine = gateway.cli_json(&[&create[..], &["--server", "time", "--json"]].concat());
    let request = gateway.http.post(format!("{}/token", gateway.base));
    let request = request.form(&[("grant_type", "client_credentials")]);
    let text = |member: &str| machine[member].as_str().unwrap();
    let request = request.basic_auth(text("client_id"), Some(text("client_secret")));
    let token = crate::support::answer(request).await.text("access_token");
    let admitted = gateway.verify(TIME, &token).await;
    assert_eq!(admitted.header("x-user-id"), format!("client:{}", text("client_id")));
    let app = gateway.app().await;
    let person = gateway.tokens(&app, "client:alice", TIME).await.text("access_token");
    assert_eq!(gateway.verify(TIME, &person).await.header("x-user-id"), "local:client:alice");
}

/// §2.2.2, §4.14.2: what is rotated stays bound: to the client, the servers and the scopes.
#[tokio::test]
async fn a_successor_is_bound_as_its_ancestor_was() {
    let gateway = Gateway::start();
    let (app, thief) = (gateway.app().await, gateway.app().await);
    let first = gateway.tokens(&app, "alice", TIME).await.text("refresh_token");
    let second = gateway.refresh(&app, &first).await.text("refresh_token");
    assert_eq!(gateway.refresh(&thief, &second).await.error(), (400, "invalid_grant"));
    let form = [
        ("grant_type", "refresh_token"),
        ("client_id", app.id.as_str()),
        ("refresh_token", &second),
        ("resource", crate::support::GIT),
    ];
    assert_eq!(gateway.post("/token", &form).await.error(), (400, "invalid_target"));
    assert_eq!(gateway.refresh(&app, &second).await.status, 200);
}

/// §4.11.2: a link to this server does not lead on to a site that a stranger registered, before a
/// person has decided anything; the page says where they would go. A client of the operator's is no
/// stranger's.
#[tokio::test]
async fn a_stranger_gets_no_open_redirector() {
    let gateway = Gateway::start();
    let site = "https://evil.example/cb";
    let metadata = json!({ "redirect_uris": [site], "token_endpoint_auth_method": "none" });
    let app = App { id: gateway.register(metadata).await.text("client_id"), secret: None };
    let ask = async |app: &App, more: &[(&str, &str)]| {
        let all = [&[("redirect_uri", site)][..], more].concat();
        gateway.browser().get(&app.authorize_url(&pkce::pair().1, &all)).await
    };
    for fault in [
        ("response_type", "token"),
        ("response_type", ""),
        ("scope", "a\"b"),
        ("resource", "https://other.example/mcp"),
        ("code_challenge", ""),
    ] {
        let page = ask(&app, &[fault]).await;
        assert_eq!((page.status.as_u16(), page.next()), (400, None), "{fault:?}");
        assert!(page.body.contains("Go back to evil.example"), "{}", page.body);
        let told = page.body.split("<p><a href=\"").nth(1).unwrap().split('"').next().unwrap();
        let told: url::Url = told.replace("&#38;", "&").parse().unwrap();
        assert!(told.as_str().starts_with(site), "{told}");
        assert_eq!(crate::support::query(&told)["iss"], crate::support::ISSUER);
        assert_eq!(crate::support::query(&told)["state"], "client state");
        let silent = ask(&app, &[fault, ("prompt", "none")]).await;
        assert_eq!((silent.status.as_u16(), silent.next()), (400, None), "{fault:?}");
    }
    let mut twice = app.authorize_url(&pkce::pair().1, &[("redirect_uri", site)]);
    twice.query_pairs_mut().append_pair("prompt", "login").append_pair("prompt", "login");
    assert_eq!(gateway.browser().get(&twice).await.status, 400);
    let create = ["client", "create", "--name", "Portal", "--redirect-uri", site, "--auth", "none"];
    let made = gateway.cli_json(&[&create[..], &["--json"]].concat());
    let known = App { id: made["client_id"].as_str().unwrap().to_owned(), secret: None };
    assert_eq!(ask(&known, &[("scope", "a\"b")]).await.status, 303);
}

/// §4.11.2: nor one who registers the same twice: such a registration is managed by nobody, which
/// does not make it one of the operator's.
#[tokio::test]
async fn a_repeated_registration_is_no_client_of_the_operators() {
    let gateway = Gateway::start();
    let site = "https://evil.example/cb";
    let metadata = json!({ "redirect_uris": [site], "token_endpoint_auth_method": "none" });
    let first = gateway.register(metadata.clone()).await.text("client_id");
    let app = App { id: gateway.register(metadata).await.text("client_id"), secret: None };
    assert_eq!(app.id, first);
    let more = [("redirect_uri", site), ("scope", "a\"b")];
    let page = gateway.browser().get(&app.authorize_url(&pkce::pair().1, &more)).await;
    assert_eq!((page.status.as_u16(), page.next()), (400, None), "{page:?}");
    let listed = gateway.cli_json(&["client", "show", &app.id, "--json"]);
    assert_eq!(listed["preregistered"], false);
}
