//! RFC 7591: dynamic client registration.

use serde_json::{Value, json};

use crate::support::{CALLBACK, Gateway, TIME, answer};

/// §3.2.1: 201 with all registered metadata, nothing `null`, not to be cached.
#[tokio::test]
async fn a_registration_echoes_what_was_registered() {
    let gateway = Gateway::start();
    let answer = gateway
        .register(json!({
            "redirect_uris": [CALLBACK, "cursor://anysphere.cursor-mcp/oauth/callback"],
            "client_name": "Cursor",
            "client_uri": "https://cursor.example",
            "application_type": "native",
            "token_endpoint_auth_method": "none",
            "software_id": null,
            "something_new": { "a": [1] },
        }))
        .await;
    assert_eq!(answer.status, 201);
    assert_eq!(answer.header("cache-control"), "no-store");
    assert_eq!(answer.body["client_uri"], "https://cursor.example");
    assert_eq!(answer.body["application_type"], "native");
    assert_eq!(answer.body["response_types"], json!(["code"]));
    assert!(answer.body["client_id_issued_at"].is_i64());
    assert!(answer.body.get("client_secret").is_none(), "a public client gets no secret");
    assert!(answer.body.get("software_id").is_none());
    assert!(!answer.body.to_string().contains("null"), "{}", answer.body);
}

/// §3.2.1: `client_secret_expires_at` is there if a secret is; Redis has no secret.
#[tokio::test]
async fn a_confidential_client_gets_a_secret_that_is_stored_as_a_hash() {
    let gateway = Gateway::start();
    let answer = gateway.register(json!({ "redirect_uris": [CALLBACK] })).await;
    assert_eq!(answer.body["token_endpoint_auth_method"], "client_secret_basic");
    assert_eq!(answer.body["client_secret_expires_at"], 0);
    let key = format!("mcpgw:client:{}", answer.text("client_id"));
    let stored = gateway.redis.cli(&["GET", &key]);
    assert!(stored.contains("redirect_uris"), "{stored}");
    for secret in ["client_secret", "registration_access_token"] {
        assert!(!stored.contains(&answer.text(secret)), "{secret} is in Redis");
    }
}

/// §3.2.2: errors in JSON with the codes of the RFC.
#[tokio::test]
async fn a_bad_registration_is_refused() {
    let gateway = Gateway::start();
    for (metadata, error) in [
        (json!({}), "invalid_redirect_uri"),
        (json!({ "redirect_uris": [] }), "invalid_redirect_uri"),
        (json!({ "redirect_uris": ["http://localhost.evil.example/"] }), "invalid_redirect_uri"),
        (json!({ "redirect_uris": [1] }), "invalid_client_metadata"),
        (json!("text"), "invalid_client_metadata"),
        (
            json!({ "redirect_uris": [CALLBACK], "response_types": ["token"] }),
            "invalid_client_metadata",
        ),
        (
            json!({ "redirect_uris": [CALLBACK], "grant_types": ["implicit"] }),
            "invalid_client_metadata",
        ),
    ] {
        assert_eq!(gateway.register(metadata.clone()).await.error(), (400, error), "{metadata}");
    }
}

/// A body larger than any registration is refused before it is read.
#[tokio::test]
async fn a_huge_registration_is_refused() {
    let gateway = Gateway::start();
    let huge = json!({ "redirect_uris": [CALLBACK], "client_name": "x".repeat(100_000) });
    assert_eq!(gateway.register(huge).await.error(), (413, "invalid_request"));
}

/// Using a registration renews it; one that nobody uses ends.
#[tokio::test]
async fn a_registration_in_use_does_not_expire() {
    let life = [("CLIENT_LIFETIME", "100"), ("REFRESH_TOKEN_LIFETIME", "100")];
    let gateway = Gateway::with(&life);
    let (used, idle) = (gateway.app().await, gateway.app().await);
    gateway.clock.advance(60);
    gateway.tokens(&used, "alice", TIME).await;
    gateway.clock.advance(60);
    let unknown = gateway.refresh(&idle, "x").await;
    assert_eq!(unknown.error(), (401, "invalid_client"));
    assert_eq!(gateway.refresh(&used, "x").await.error(), (400, "invalid_grant"));
}

/// §2.2: texts for people carry language tags, within the bounds of the others; what is registered
/// is echoed.
#[tokio::test]
async fn texts_in_other_languages_are_registered() {
    let gateway = Gateway::start();
    let texts = json!({
        "redirect_uris": ["https://app.example/cb"],
        "client_name": "My Client",
        "client_name#de": "Meine Anwendung",
        "tos_uri#pt-BR": "https://app.example/termos",
        "client_name#": "no tag",
        "nonsense#de": "no member of the RFC",
        "policy_uri#fr": null,
        "token_endpoint_auth_method": null,
        "jwks_uri": "https://app.example/jwks.json",
    });
    let answer = gateway.register(texts).await;
    assert_eq!(answer.status, 201, "{answer:?}");
    assert_eq!(answer.body["client_name#de"], "Meine Anwendung");
    assert_eq!(answer.body["tos_uri#pt-BR"], "https://app.example/termos");
    assert_eq!(answer.body["jwks_uri"], "https://app.example/jwks.json");
    assert_eq!(answer.body["application_type"], "web");
    assert_eq!(answer.body["token_endpoint_auth_method"], "client_secret_basic");
    let absent = ["client_name#", "nonsense#de", "policy_uri#fr"];
    assert!(absent.iter().all(|member| answer.body.get(member).is_none()), "{}", answer.body);
    for bad in [
        ("client_name#de", json!("x".repeat(101))),
        ("tos_uri#de", json!("x".repeat(2049))),
        ("tos_uri#de", json!(7)),
    ] {
        let registered =
            gateway.register(json!({ "redirect_uris": [CALLBACK], bad.0: bad.1 })).await;
        assert_eq!((registered.status, registered.body.get(bad.0)), (201, None));
    }
}

/// The public key of RFC 8037 appendix A.2.
const ED25519: &str = "11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo";

/// §2: `jwks` and `jwks_uri` exclude each other, and a client with `private_key_jwt` gets no secret.
#[tokio::test]
async fn a_client_with_keys_has_no_secret() {
    let gateway = Gateway::start();
    let jwks = json!({ "keys": [{ "kty": "OKP", "crv": "Ed25519", "x": ED25519, "kid": "1" }] });
    let mut metadata = json!({
        "redirect_uris": [CALLBACK],
        "token_endpoint_auth_method": "private_key_jwt",
        "jwks": jwks,
    });
    let answer = gateway.register(metadata.clone()).await;
    assert_eq!((answer.status, &answer.body["jwks"]), (201, &jwks));
    assert!(answer.body.get("client_secret").is_none());
    metadata["jwks_uri"] = json!("https://app.example/jwks.json");
    assert_eq!(gateway.register(metadata).await.error(), (400, "invalid_client_metadata"));
}

/// Many members that are each within their bounds are together too large.
#[tokio::test]
async fn a_registration_as_a_whole_is_bounded() {
    let gateway = Gateway::start();
    let uris = |count| (0..count).map(|n| format!("https://{n}.example/{}", "x".repeat(500)));
    let with = |count| json!({ "redirect_uris": uris(count).collect::<Vec<_>>() });
    assert_eq!(gateway.register(with(6)).await.status, 201);
    assert_eq!(gateway.register(with(9)).await.error(), (400, "invalid_client_metadata"));
}

/// §3: registration can be kept for those who have the initial access token.
#[tokio::test]
async fn registration_can_ask_for_a_token() {
    let gateway = Gateway::with(&[("REGISTRATION_TOKEN", "a token of the operator")]);
    let metadata = json!({ "redirect_uris": [CALLBACK] });
    let with = async |token: Option<&str>| {
        let mut request = gateway.http.post(format!("{}/register", gateway.base)).json(&metadata);
        if let Some(token) = token {
            request = request.bearer_auth(token);
        }
        answer(request).await
    };
    for wrong in [None, Some("another token of 23"), Some("")] {
        let refused = with(wrong).await;
        assert_eq!(refused.error(), (401, "invalid_token"), "{wrong:?}");
        assert!(refused.header("www-authenticate").starts_with("Bearer "));
    }
    assert_eq!(with(Some("a token of the operator")).await.status, 201);
}

fn index(gateway: &Gateway, name: &str) -> Vec<String> {
    let list = gateway.redis.cli(&["ZRANGE", &format!("mcpgw:{name}"), "0", "-1"]);
    list.lines().filter(|line| !line.is_empty()).map(str::to_owned).collect()
}

/// A registration that nobody uses ends soon; its first use makes it one in use.
#[tokio::test]
async fn an_unused_registration_ends_before_a_used_one() {
    let gateway = Gateway::with(&[("CLIENT_UNUSED_LIFETIME", "100")]);
    let (used, idle) = (gateway.app().await, gateway.app().await);
    gateway.tokens(&used, "alice", TIME).await;
    gateway.clock.advance(99);
    assert_eq!(gateway.refresh(&idle, "x").await.error(), (400, "invalid_grant"));
    gateway.clock.advance(1);
    assert_eq!(gateway.refresh(&idle, "x").await.error(), (401, "invalid_client"));
    gateway.clock.advance(7_000_000);
    assert_eq!(gateway.refresh(&used, "x").await.error(), (400, "invalid_grant"));
    assert_eq!(index(&gateway, "clients"), [used.id], "an unused one takes no place");
}

/// `CLIENT_LIFETIME=0`: for ever, from the start or from the first use.
#[tokio::test]
async fn a_registration_can_be_for_ever() {
    for (unused, idle_after) in [("", (400, "invalid_grant")), ("100", (401, "invalid_client"))] {
        let life = [("CLIENT_LIFETIME", "0"), ("CLIENT_UNUSED_LIFETIME", unused)];
        let gateway = Gateway::with(&life);
        let (used, idle) = (gateway.app().await, gateway.app().await);
        gateway.tokens(&used, "alice", TIME).await;
        gateway.clock.advance(1_000_000_000);
        assert_eq!(gateway.refresh(&idle, "x").await.error(), idle_after, "{unused}");
        assert_eq!(gateway.refresh(&used, "x").await.error(), (400, "invalid_grant"));
        let key = format!("mcpgw:client:{}", used.id);
        assert_eq!(gateway.redis.cli(&["TTL", &key]).trim(), "-1");
        assert_eq!(gateway.redis.cli(&["ZSCORE", "mcpgw:clients", &used.id]).trim(), "inf");
    }
}

/// What people use is bounded by `MAX_CLIENTS`: the registration that would end first makes room.
#[tokio::test]
async fn registrations_in_use_are_bounded() {
    let gateway = Gateway::with(&[("MAX_CLIENTS", "3")]);
    let mut apps = Vec::new();
    for _ in 0..5 {
        gateway.clock.advance(1);
        let app = gateway.app().await;
        gateway.tokens(&app, "alice", TIME).await;
        apps.push(app);
    }
    let ids: Vec<_> = apps.iter().map(|app| app.id.clone()).collect();
    assert_eq!(index(&gateway, "clients"), ids[2..]);
    assert_eq!(gateway.refresh(&apps[0], "x").await.error(), (401, "invalid_client"));
    assert_eq!(gateway.refresh(&apps[4], "x").await.error(), (400, "invalid_grant"));
}

/// What is for ever makes no room: the next client is told so when somebody consents to it.
#[tokio::test]
async fn an_eternal_registration_makes_no_room() {
    let gateway = Gateway::with(&[("MAX_CLIENTS", "1"), ("CLIENT_LIFETIME", "0")]);
    gateway.tokens(&gateway.app().await, "alice", TIME).await;
    let (answer, _) = gateway.consent(&gateway.app().await, "alice", &[]).await;
    assert_eq!(answer["error"], "temporarily_unavailable");
}

fn public(name: &str) -> Value {
    let method = "none";
    json!({ "redirect_uris": [CALLBACK], "client_name": name, "token_endpoint_auth_method": method })
}

/// Public clients that register the same within minutes are one, which from then on nobody manages.
#[tokio::test]
async fn equal_registrations_of_public_clients_are_one() {
    let gateway = Gateway::start();
    let first = gateway.register(public("One")).await;
    let url = format!("{}/register/{}", gateway.base, first.text("client_id"));
    let token = first.text("registration_access_token");
    let read = async || answer(gateway.http.get(&url).bearer_auth(&token)).await.status;
    assert_eq!(read().await, 200);
    let again = gateway.register(public("One")).await;
    assert_eq!((again.status, &again.body["client_id"]), (201, &first.body["client_id"]));
    for member in ["registration_access_token", "registration_client_uri"] {
        assert!(again.body.get(member).is_none(), "{again:?}");
    }
    assert_eq!(again.body["redirect_uris"], json!([CALLBACK]));
    assert_eq!(read().await, 401, "it belongs to nobody in particular");
    let other = gateway.register(public("Two")).await;
    assert_ne!(other.body["client_id"], first.body["client_id"]);
    gateway.clock.advance(600);
    let later = gateway.register(public("One")).await;
    assert_ne!(later.body["client_id"], first.body["client_id"]);
    assert!(later.body["registration_access_token"].is_string());
    assert_eq!(index(&gateway, "unused-clients").len(), 3);
}

/// Who registers what a known client would, and then changes it, does not get that client's users.
#[tokio::test]
async fn a_registration_that_was_changed_is_nobody_elses() {
    let gateway = Gateway::start();
    let first = gateway.register(public("One")).await;
    let id = first.text("client_id");
    let mut changed = public("One");
    changed["client_id"] = json!(id);
    changed["redirect_uris"] = json!(["https://evil.example/cb", CALLBACK]);
    let request = gateway.http.put(format!("{}/register/{id}", gateway.base)).json(&changed);
    let token = first.text("registration_access_token");
    assert_eq!(answer(request.bearer_auth(token)).await.status, 200);
    assert_ne!(gateway.register(public("One")).await.text("client_id"), id);
}

/// A client with a secret is never given to another.
#[tokio::test]
async fn equal_registrations_of_confidential_clients_are_two() {
    let gateway = Gateway::start();
    let metadata = json!({ "redirect_uris": [CALLBACK], "client_name": "One" });
    let (one, two) = (gateway.register(metadata.clone()).await, gateway.register(metadata).await);
    assert_ne!(one.body["client_id"], two.body["client_id"]);
}

/// Of twenty equal registrations at once one is left, and all are given it.
#[tokio::test]
async fn equal_registrations_at_once_are_one() {
    let gateway = Gateway::start();
    let all = (0..20).map(|_| gateway.register(public("One")));
    let mut ids: Vec<String> =
        futures_util::future::join_all(all).await.iter().map(|one| one.text("client_id")).collect();
    ids.sort();
    ids.dedup();
    assert_eq!(ids.len(), 1, "{ids:?}");
    assert_eq!(index(&gateway, "unused-clients"), ids);
    let keys = gateway.redis.cli(&["KEYS", "mcpgw:client:*"]);
    assert_eq!(keys.lines().count(), 1, "the losers are gone: {keys}");
}
