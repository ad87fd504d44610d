//! RFC 7592: management of a registration by its client.

use reqwest::Method;
use serde_json::{Value, json};

use crate::support::{Answer, CALLBACK, Gateway, ISSUER, TIME, answer};

async fn manage(
    gateway: &Gateway,
    method: Method,
    (id, token): (&str, &str),
    body: Option<Value>,
) -> Answer {
    let mut request = gateway.http.request(method, format!("{}/register/{id}", gateway.base));
    request = request.bearer_auth(token);
    if let Some(body) = body {
        request = request.json(&body);
    }
    answer(request).await
}

/// §2.1, §2.2, §3: read and replace; what is left out is gone.
#[tokio::test]
async fn a_client_reads_and_replaces_its_registration() {
    let gateway = Gateway::start();
    let metadata = json!({ "redirect_uris": [CALLBACK], "client_name": "One", "contacts": ["a"] });
    let registered = gateway.register(metadata).await;
    let (id, token) = (registered.text("client_id"), registered.text("registration_access_token"));
    assert_eq!(registered.body["registration_client_uri"], format!("{ISSUER}/register/{id}"));
    let key = (id.as_str(), token.as_str());
    let read = manage(&gateway, Method::GET, key, None).await;
    assert_eq!((read.status, &read.body["client_name"]), (200, &json!("One")));
    let other = "https://app.example/cb";
    let body = json!({ "client_id": id, "redirect_uris": [other], "client_name": "Two" });
    let updated = manage(&gateway, Method::PUT, key, Some(body)).await;
    assert_eq!(updated.status, 200, "{updated:?}");
    let read = manage(&gateway, Method::GET, key, None).await;
    assert_eq!(read.body["redirect_uris"], json!([other]));
    assert!(read.body.get("contacts").is_none());
}

/// §2.2: neither the id nor the secret is the client's to choose.
#[tokio::test]
async fn a_client_cannot_choose_its_id_or_secret() {
    let gateway = Gateway::start();
    let registered = gateway.register(json!({ "redirect_uris": [CALLBACK] })).await;
    let (id, token) = (registered.text("client_id"), registered.text("registration_access_token"));
    for body in [
        json!({ "redirect_uris": [CALLBACK] }),
        json!({ "client_id": "other", "redirect_uris": [CALLBACK] }),
        json!({ "client_id": id, "client_secret": "mine", "redirect_uris": [CALLBACK] }),
    ] {
        let refused = manage(&gateway, Method::PUT, (&id, &token), Some(body)).await;
        assert_eq!(refused.error(), (400, "invalid_client_metadata"));
    }
}

/// §2.3: with the registration goes what was granted to it.
#[tokio::test]
async fn deleting_a_registration_ends_its_tokens() {
    let gateway = Gateway::start();
    let metadata = json!({ "redirect_uris": [CALLBACK], "token_endpoint_auth_method": "none" });
    let registered = gateway.register(metadata).await;
    let app = crate::support::App { id: registered.text("client_id"), secret: None };
    let tokens = gateway.tokens(&app, "alice", TIME).await;
    assert_eq!(gateway.verify(TIME, &tokens.text("access_token")).await.status, 200);
    let token = registered.text("registration_access_token");
    let deleted = manage(&gateway, Method::DELETE, (&app.id, &token), None).await;
    assert_eq!(deleted.status, 204);
    assert_eq!(gateway.verify(TIME, &tokens.text("access_token")).await.status, 401);
    let refused = gateway.refresh(&app, &tokens.text("refresh_token")).await;
    assert_eq!(refused.error(), (401, "invalid_client"));
}

/// §2.3: a deletion that fails can be repeated, and then the tokens have ended.
#[tokio::test]
async fn a_deletion_that_fails_can_be_repeated() {
    // Keys that can only be read: those of registrations, or those of revocations.
    for keys in ["%R~mcpgw:c* ~mcpgw:[^c]*", "%R~mcpgw:g* ~mcpgw:[^g]*"] {
        let gateway = Gateway::start();
        let metadata = json!({ "redirect_uris": [CALLBACK], "token_endpoint_auth_method": "none" });
        let registered = gateway.register(metadata).await;
        let app = crate::support::App { id: registered.text("client_id"), secret: None };
        let access = gateway.tokens(&app, "alice", TIME).await.text("access_token");
        let token = registered.text("registration_access_token");
        let mut rules = vec!["ACL", "SETUSER", "default", "resetkeys"];
        rules.extend(keys.split(' '));
        assert_eq!(gateway.redis.cli(&rules).trim(), "OK");
        let failed = manage(&gateway, Method::DELETE, (&app.id, &token), None).await;
        assert_eq!(failed.status, 503, "{keys}: {failed:?}");
        gateway.redis.cli(&["ACL", "SETUSER", "default", "allkeys"]);
        let repeated = manage(&gateway, Method::DELETE, (&app.id, &token), None).await;
        assert_eq!(repeated.status, 204, "{keys}: {repeated:?}");
        assert_eq!(gateway.verify(TIME, &access).await.status, 401, "{keys}");
    }
}

/// §2.1: unknown client and wrong token are both 401, and look alike.
#[tokio::test]
async fn the_token_of_another_client_opens_nothing() {
    let gateway = Gateway::start();
    let one = gateway.register(json!({ "redirect_uris": [CALLBACK] })).await;
    let two = gateway.register(json!({ "redirect_uris": [CALLBACK] })).await;
    let (id, token) = (one.text("client_id"), two.text("registration_access_token"));
    let wrong = manage(&gateway, Method::GET, (&id, &token), None).await;
    let unknown = manage(&gateway, Method::GET, ("nobody", &token), None).await;
    assert_eq!(wrong.error(), (401, "invalid_token"));
    assert!(wrong.header("www-authenticate").starts_with("Bearer "));
    assert_eq!((unknown.status, unknown.body), (wrong.status, wrong.body));
}

/// A use of the registration at the same time neither brings it back nor undoes a change.
#[tokio::test]
async fn a_renewal_does_not_undo_what_the_client_does() {
    use auth_service::{
        model::{ClientId, Clock, UnixTime},
        store::Store,
    };
    let gateway = Gateway::start();
    let store = Store::open(&gateway.config.redis).unwrap();
    let name = r#"x","expires_at":7,"#;
    let metadata = json!({ "redirect_uris": [CALLBACK], "client_name": name, "contacts": [] });
    let id = ClientId::parsed(&gateway.register(metadata).await.text("client_id"));
    let now = gateway.clock.now();
    let before = store.clients.client(&id, now).await.unwrap().unwrap();
    let end = UnixTime(now.0 + 9_000_000);
    assert!(store.clients.renew_client(&id, Some(end), now).await.unwrap());
    let after = store.clients.client(&id, now).await.unwrap().unwrap();
    assert_eq!(after.expires_at, Some(end));
    assert_eq!(after.metadata, before.metadata, "nothing else has changed");
    store.maintenance.delete_client(&id, now, (None, None)).await.unwrap();
    assert!(!store.clients.renew_client(&id, Some(end), now).await.unwrap());
    let changed =
        store.clients.change_client(&id, now, |_| Some(before.clone()), None).await.unwrap();
    assert_eq!(changed, None);
    assert_eq!(store.clients.client(&id, now).await.unwrap(), None);
}

/// §2.2: an update "MUST NOT include" what only answers have, even if it is as it was told.
#[tokio::test]
async fn an_update_with_members_of_an_answer_is_refused() {
    let gateway = Gateway::start();
    let registered = gateway.register(json!({ "redirect_uris": [CALLBACK] })).await;
    let (id, token) = (registered.text("client_id"), registered.text("registration_access_token"));
    let with = async |member: &str, value: &Value| {
        let body = json!({ "client_id": id, "redirect_uris": [CALLBACK], member: value });
        manage(&gateway, Method::PUT, (&id, &token), Some(body)).await
    };
    for member in [
        "registration_access_token",
        "registration_client_uri",
        "client_secret_expires_at",
        "client_id_issued_at",
    ] {
        let refused = with(member, &registered.body[member]).await;
        assert_eq!(refused.error(), (400, "invalid_client_metadata"), "{member}");
    }
    let same_secret = with("client_secret", &registered.body["client_secret"]).await;
    assert_eq!(same_secret.status, 200, "{same_secret:?}");
}

/// §2.3: after the registration is gone, its token opens nothing.
#[tokio::test]
async fn the_token_of_a_deleted_registration_is_invalid() {
    let gateway = Gateway::start();
    let registered = gateway.register(json!({ "redirect_uris": [CALLBACK] })).await;
    let (id, token) = (registered.text("client_id"), registered.text("registration_access_token"));
    let body = json!({ "client_id": id, "redirect_uris": [CALLBACK] });
    assert_eq!(manage(&gateway, Method::DELETE, (&id, &token), None).await.status, 204);
    for (method, body) in [(Method::GET, None), (Method::PUT, Some(body)), (Method::DELETE, None)] {
        let refused = manage(&gateway, method, (&id, &token), body).await;
        assert_eq!(refused.error(), (401, "invalid_token"));
    }
}
