//! RFC 6749 §4.4: the client credentials grant, for clients that the operator created for it.

use serde_json::json;

use crate::support::{Answer, GIT, Gateway, TIME};

/// A client that the operator made with `more`; `(id, secret)`.
fn machine(gateway: &Gateway, more: &[&str]) -> (String, String) {
    let usual = ["client", "create", "--name", "Nightly", "--grant", "client-credentials"];
    let created = gateway.cli_json(&[&usual[..], &["--json"], more].concat());
    let text = |member: &str| created[member].as_str().unwrap().to_owned();
    (text("client_id"), text("client_secret"))
}

async fn ask(gateway: &Gateway, (id, secret): &(String, String), more: &[(&str, &str)]) -> Answer {
    let form = [&[("grant_type", "client_credentials")][..], more].concat();
    let request = gateway.http.post(format!("{}/token", gateway.base)).form(&form);
    crate::support::answer(request.basic_auth(id, Some(secret))).await
}

/// §4.4.3: an access token, and no refresh token. The list of people of a server does not keep
/// clients out: the operator chose the server.
#[tokio::test]
async fn a_client_gets_a_token_for_itself() {
    let gateway = Gateway::start();
    let client = machine(&gateway, &["--server", "git"]);
    let tokens = ask(&gateway, &client, &[]).await;
    assert_eq!((tokens.status, tokens.header("cache-control")), (200, "no-store"));
    assert_eq!(tokens.body["token_type"], "Bearer");
    assert_eq!(tokens.body["expires_in"], 3600);
    assert_eq!(tokens.body["scope"], "mcp");
    assert!(tokens.body.get("refresh_token").is_none());
    let access = tokens.text("access_token");
    let admitted = gateway.verify(GIT, &access).await;
    assert_eq!(admitted.status, 200);
    assert_eq!(admitted.header("x-user-id"), format!("client:{}", client.0));
    assert_eq!(admitted.header("x-user-name"), "Nightly");
    assert_eq!(admitted.header("x-client-id"), client.0);
    assert_eq!(gateway.verify(TIME, &access).await.error(), (401, "invalid_token"));
    gateway.clock.advance(3600);
    assert_eq!(gateway.verify(GIT, &access).await.error(), (401, "invalid_token"));
}

/// RFC 8707 §2.2, RFC 6749 §3.3: resource and scope narrow what the operator chose, and never widen
/// it.
#[tokio::test]
async fn a_token_is_for_what_was_asked_of_what_was_allowed() {
    let gateway = Gateway::start();
    gateway.set_servers(&json!({
        "time": { "command": "x", "scopes": ["mcp", "time:set"] },
        "git": { "command": "x", "scopes": ["mcp"] },
        "notes": { "command": "x" },
    }));
    let client = machine(&gateway, &["--server", "time", "--server", "git"]);
    let all = ask(&gateway, &client, &[]).await;
    assert_eq!(all.body["scope"], "mcp time:set");
    let both = all.text("access_token");
    assert_eq!(gateway.verify(TIME, &both).await.status, 200);
    assert_eq!(gateway.verify(GIT, &both).await.status, 200);
    let git = ask(&gateway, &client, &[("resource", GIT), ("scope", "mcp")]).await;
    assert_eq!(git.body["scope"], "mcp");
    assert_eq!(gateway.verify(GIT, &git.text("access_token")).await.status, 200);
    assert_eq!(gateway.verify(TIME, &git.text("access_token")).await.status, 401);
    let notes = [("resource", "https://notes.gw.example/mcp")];
    assert_eq!(ask(&gateway, &client, &notes).await.error(), (400, "invalid_target"));
    let narrow = machine(&gateway, &["--server", "time", "--scope", "mcp"]);
    let more = ask(&gateway, &narrow, &[("scope", "time:set")]).await;
    assert_eq!(more.error(), (400, "invalid_scope"));
    assert_eq!(ask(&gateway, &narrow, &[]).await.body["scope"], "mcp");
}

/// §4.4: "MUST only be used by confidential clients"; §5.2: `unauthorized_client` for all that were
/// not made for it, and a registration cannot ask for it.
#[tokio::test]
async fn other_clients_are_refused() {
    let gateway = Gateway::start();
    let client = machine(&gateway, &["--server", "time"]);
    assert_eq!(ask(&gateway, &client, &[]).await.status, 200);
    let wrong = (client.0.clone(), "wrong".to_owned());
    assert_eq!(ask(&gateway, &wrong, &[]).await.error(), (401, "invalid_client"));
    let form = [("grant_type", "client_credentials"), ("client_id", client.0.as_str())];
    assert_eq!(gateway.post("/token", &form).await.error(), (401, "invalid_client"));
    let app = gateway.app_with("client_secret_basic").await;
    let registered = (app.id, app.secret.unwrap());
    assert_eq!(ask(&gateway, &registered, &[]).await.error(), (400, "unauthorized_client"));
    let public = gateway.app().await;
    let form = [("grant_type", "client_credentials"), ("client_id", public.id.as_str())];
    assert_eq!(gateway.post("/token", &form).await.error(), (400, "unauthorized_client"));
    let asking = gateway
        .register(json!({
            "redirect_uris": [crate::support::CALLBACK],
            "grant_types": ["authorization_code", "client_credentials"],
            "token_endpoint_auth_method": "client_secret_post",
        }))
        .await;
    assert_eq!(asking.body["grant_types"], json!(["authorization_code"]));
    let form = [
        ("grant_type", "refresh_token"),
        ("refresh_token", "x"),
        ("client_id", client.0.as_str()),
        ("client_secret", client.1.as_str()),
    ];
    assert_eq!(
        gateway.post("/token", &form).await.error(),
        (400, "unauthorized_client"),
        "the secret proves it in either way"
    );
}

/// The tokens of a client end with it, and by the operator's revocation, on the next request.
#[tokio::test]
async fn a_deleted_client_is_out_at_once() {
    let gateway = Gateway::start();
    let client = machine(&gateway, &["--server", "time"]);
    let first = ask(&gateway, &client, &[]).await.text("access_token");
    assert_eq!(gateway.verify(TIME, &first).await.status, 200);
    gateway.cli(&["token", "revoke", "--yes", "--client", &client.0]).unwrap();
    assert_eq!(gateway.verify(TIME, &first).await.error(), (401, "invalid_token"));
    let second = ask(&gateway, &client, &[]).await.text("access_token");
    assert_eq!(gateway.verify(TIME, &second).await.status, 200);
    assert_eq!(gateway.cli(&["client", "delete", "--yes", &client.0]).unwrap(), "deleted");
    assert_eq!(gateway.verify(TIME, &second).await.error(), (401, "invalid_token"));
    assert_eq!(ask(&gateway, &client, &[]).await.error(), (401, "invalid_client"));
}
