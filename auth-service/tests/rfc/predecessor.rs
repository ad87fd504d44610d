//! `import-predecessor`, over records with the keys and shapes that mcp-oauth-dynamicclient 0.2 writes.

use gateway_tests::redis::Redis;
use serde_json::{Value, json};

use crate::support::{Answer, App, GIT, Gateway, TIME};

const REDIRECT: &str = "https://claude.ai/api/mcp/auth_callback";

/// A registration as `POST /register` there leaves it: lists are JSON within a text.
fn client(redis: &Redis, id: &str, more: &Value) {
    let mut record = json!({
        "client_id": id,
        "client_secret": format!("secret-of-{id}"),
        "client_secret_expires_at": 1_900_000_000,
        "client_id_issued_at": 1_750_000_000,
        "redirect_uris": json!([REDIRECT]).to_string(),
        "client_name": "Claude",
        "scope": "openid profile email",
        "created_at": 1_750_000_000,
        "response_types": "[\"code\"]",
        "grant_types": "[\"authorization_code\", \"refresh_token\"]",
        "registration_access_token": format!("reg-{id}"),
    });
    record.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
    redis.cli(&["SET", &format!("oauth:client:{id}"), &record.to_string(), "EX", "7000000"]);
}

/// A refresh token as `POST /token` there leaves it.
fn refresh(redis: &Redis, token: &str, client: &str, (id, login): (&str, &str)) {
    let record = json!({
        "user_id": id,
        "username": login,
        "client_id": client,
        "scope": "openid profile email",
        "created_at": 1_750_000_000,
    });
    redis.cli(&["SET", &format!("oauth:refresh:{token}"), &record.to_string(), "EX", "2000000"]);
}

fn others(redis: &Redis) {
    let token = json!({ "sub": "583231", "username": "octocat", "client_id": "client_a" });
    redis.cli(&["SET", "oauth:token:jti1", &token.to_string(), "EX", "86400"]);
    redis.cli(&["SADD", "oauth:user_tokens:octocat", "jti1"]);
    redis.cli(&["SET", "oauth:state:s", "{}", "EX", "300"]);
    redis.cli(&["SET", "oauth:code:c", "{}", "EX", "31536000"]);
}

const OCTOCAT: (&str, &str) = ("583231", "octocat");

/// A client that the predecessor gave a secret, which it sends.
fn app(id: &str) -> App {
    App { id: id.into(), secret: Some(format!("secret-of-{id}")) }
}

async fn refresh_with_secret(gateway: &Gateway, app: &App, token: &str) -> Answer {
    let form = [
        ("grant_type", "refresh_token"),
        ("client_id", &*app.id),
        ("client_secret", app.secret.as_deref().unwrap()),
        ("refresh_token", token),
    ];
    gateway.post("/token", &form).await
}

/// Claude refreshes with what it has: its id, its secret, its token.
#[tokio::test]
async fn a_connected_client_stays_connected() {
    let (gateway, old) = (Gateway::start(), Redis::start());
    client(&old, "client_a", &json!({}));
    refresh(&old, "token-a", "client_a", OCTOCAT);
    others(&old);
    let arguments = ["import-predecessor", "--redis", &old.url(), "--json"];

    let tried = gateway.cli_json(&[&arguments[..], &["--dry-run"]].concat());
    assert_eq!(tried["clients"], json!({ "imported": 1, "present": 0 }));
    assert!(gateway.keys().is_empty(), "a dry run writes nothing");

    let done = gateway.cli_json(&arguments);
    assert_eq!(done["clients"], tried["clients"]);
    assert_eq!(done["refresh_tokens"], json!({ "imported": 1, "present": 0 }));
    assert_eq!(done["left_behind"].as_array().unwrap().len(), 1, "{done}");
    assert!(done["left_behind"][0].as_str().unwrap().starts_with("1 access tokens"));

    let form = [
        ("grant_type", "refresh_token"),
        ("client_id", "client_a"),
        ("client_secret", "secret-of-client_a"),
        ("refresh_token", "token-a"),
        ("scope", "openid profile email"),
        ("resource", TIME),
    ];
    let tokens = gateway.post("/token", &form).await;
    assert_eq!(tokens.status, 200, "{tokens:?}");
    let admitted = gateway.verify(TIME, &tokens.text("access_token")).await;
    assert_eq!(admitted.header("x-user-id"), "github:583231");
    assert_eq!(admitted.header("x-user-name"), "octocat");
    assert_eq!(gateway.verify(GIT, &tokens.text("access_token")).await.status, 401);
    assert_ne!(tokens.text("refresh_token"), "token-a", "from now on they rotate");
    // Once more: nothing is new, and nothing comes back.
    let app = app("client_a");
    gateway.clock.advance(301);
    let old_token = refresh_with_secret(&gateway, &app, "token-a").await;
    assert_eq!(old_token.error(), (400, "invalid_grant"));
    let again = gateway.cli_json(&arguments);
    assert_eq!(again["clients"], json!({ "imported": 0, "present": 1 }));
    assert_eq!(again["refresh_tokens"], json!({ "imported": 0, "present": 1 }));
    let old_token = refresh_with_secret(&gateway, &app, "token-a").await;
    assert_eq!(old_token.error(), (400, "invalid_grant"));
    assert_eq!(old.cli(&["DBSIZE"]).trim(), "6", "the old records are as they were");
}

/// RFC 7592 with the old registration access token, and no secret, as at the predecessor, if the operator
/// wants that; a secret that is sent has to be right.
#[tokio::test]
async fn a_client_is_managed_and_authenticates_as_before() {
    let (gateway, old) = (Gateway::start(), Redis::start());
    client(&old, "client_a", &json!({}));
    let as_before = ["--secrets-optional", "--keep-registration-tokens"];
    let arguments = ["import-predecessor", "--redis", &old.url()];
    gateway.cli(&[&arguments[..], &as_before].concat()).unwrap();
    let manage = async |token: &str| {
        let url = format!("{}/register/client_a", gateway.base);
        crate::support::answer(gateway.http.get(url).bearer_auth(token)).await
    };
    assert_eq!(manage("reg-client_a").await.status, 200);
    assert_eq!(manage("reg-client_b").await.status, 401);
    assert_eq!(manage("reg-client_a").await.body["client_name"], "Claude");
    let refused = async |secret: Option<&str>| {
        let mut form = vec![
            ("grant_type", "refresh_token"),
            ("client_id", "client_a"),
            ("refresh_token", "unknown"),
        ];
        form.extend(secret.map(|secret| ("client_secret", secret)));
        gateway.post("/token", &form).await
    };
    assert_eq!(refused(Some("wrong")).await.error(), (401, "invalid_client"));
    assert_eq!(refused(None).await.error(), (400, "invalid_grant"));
    assert_eq!(refused(Some("secret-of-client_a")).await.error(), (400, "invalid_grant"));
}

/// The predecessor gave every client a secret and asked none for it: a refresh token of a dump is not
/// enough here, and no client comes without a secret.
#[tokio::test]
async fn s11_a_refresh_token_of_a_dump_needs_the_secret_of_its_client() {
    for more in [&[][..], &["--require-secrets"]] {
        let (gateway, old) = (Gateway::start(), Redis::start());
        client(&old, "client_a", &json!({}));
        client(&old, "client_b", &json!({ "client_secret": null }));
        client(&old, "client_c", &json!({ "client_secret": "" }));
        for (token, id) in
            [("token-a", "client_a"), ("token-b", "client_b"), ("token-c", "client_c")]
        {
            refresh(&old, token, id, OCTOCAT);
        }
        let arguments = ["import-predecessor", "--redis", &old.url(), "--json"];
        let done = gateway.cli_json(&[&arguments[..], more].concat());
        assert_eq!(done["clients"]["imported"], 1, "{done}");
        assert_eq!(done["refresh_tokens"]["imported"], 1, "{done}");
        for (token, id) in
            [("token-a", "client_a"), ("token-b", "client_b"), ("token-c", "client_c")]
        {
            let without = App { id: id.into(), secret: None };
            assert_eq!(gateway.refresh(&without, token).await.error(), (401, "invalid_client"));
        }
        let wrong = App { id: "client_a".into(), secret: Some("secret-of-client_b".into()) };
        let refused = refresh_with_secret(&gateway, &wrong, "token-a").await;
        assert_eq!(refused.error(), (401, "invalid_client"));
        assert_eq!(refresh_with_secret(&gateway, &app("client_a"), "token-a").await.status, 200);
    }
}

/// Registration access tokens never change, so those of a dump manage nothing here.
#[tokio::test]
async fn s11_a_registration_token_of_a_dump_manages_nothing() {
    let (gateway, old) = (Gateway::start(), Redis::start());
    client(&old, "client_a", &json!({}));
    gateway.cli(&["import-predecessor", "--redis", &old.url()]).unwrap();
    let url = format!("{}/register/client_a", gateway.base);
    for request in [
        gateway.http.get(&url),
        gateway.http.delete(&url),
        gateway
            .http
            .put(&url)
            .json(&json!({ "client_id": "client_a", "redirect_uris": [REDIRECT] })),
    ] {
        let answer = crate::support::answer(request.bearer_auth("reg-client_a")).await;
        assert_eq!(answer.error(), (401, "invalid_token"));
    }
}

/// A token that nobody came for ends within days, the operator says in how many, or takes none.
#[tokio::test]
async fn s11_a_dump_is_good_for_a_time_that_the_operator_is_told() {
    const DAY: i64 = 86_400;
    for (more, seconds) in [
        (&[][..], 7 * DAY),
        (&["--refresh-tokens-for", "1h"], 3600),
        (&["--refresh-tokens-for", "90d"], 2_000_000),
    ] {
        let (gateway, old) = (Gateway::start(), Redis::start());
        client(&old, "client_a", &json!({}));
        refresh(&old, "token-a", "client_a", OCTOCAT);
        refresh(&old, "token-b", "client_a", OCTOCAT);
        let arguments = ["import-predecessor", "--redis", &old.url()];
        let tried = gateway.cli(&[&arguments[..], more, &["--dry-run"]].concat()).unwrap();
        assert!(tried.contains("delete all dumps and backups"), "{tried}");
        let done = gateway.cli_json(&[&arguments[..], more, &["--json"]].concat());
        let told = done["dump_is_good_for"].as_i64().unwrap();
        assert!((seconds - 60..=seconds).contains(&told), "{more:?}: {done}");
        let app = app("client_a");
        let first = refresh_with_secret(&gateway, &app, "token-a").await;
        assert_eq!(first.status, 200, "{first:?}");
        // The import began a little later than this clock was set.
        gateway.clock.advance(seconds + 60);
        let late = refresh_with_secret(&gateway, &app, "token-b").await;
        assert_eq!(late.error(), (400, "invalid_grant"), "{more:?}");
        let next = first.text("refresh_token");
        assert_eq!(refresh_with_secret(&gateway, &app, &next).await.status, 200, "{more:?}");
    }
    let (gateway, old) = (Gateway::start(), Redis::start());
    client(&old, "client_a", &json!({}));
    refresh(&old, "token-a", "client_a", OCTOCAT);
    let arguments = ["import-predecessor", "--redis", &old.url(), "--json"];
    let done = gateway.cli_json(&[&arguments[..], &["--refresh-tokens-for", "0s"]].concat());
    assert_eq!(done["refresh_tokens"]["imported"], 0, "{done}");
    assert_eq!((&done["dump_is_good_for"], &done["clients"]["imported"]), (&json!(0), &json!(1)));
    assert!(done["left_behind"].to_string().contains("1 refresh tokens"), "{done}");
}

/// An old token opens what its person may use, and no more.
#[tokio::test]
async fn a_grant_reaches_the_servers_of_its_person() {
    let settings = [("ALLOWED_GITHUB_USERS", "octocat,hubot")];
    let (gateway, old) = (Gateway::with(&settings), Redis::start());
    client(&old, "client_a", &json!({}));
    refresh(&old, "token-o", "client_a", OCTOCAT);
    refresh(&old, "token-h", "client_a", ("480938", "hubot"));
    // The newest version wrote down which servers a token is for.
    let record = json!({
        "user_id": 583_231, "username": "octocat", "client_id": "client_a", "scope": "x",
        "created_at": 1, "resources": ["https://git.gw.example", "https://gone.gw.example"],
    });
    old.cli(&["SET", "oauth:refresh:token-r", &record.to_string()]);
    gateway.cli(&["import-predecessor", "--redis", &old.url()]).unwrap();
    let app = app("client_a");
    let reach = async |token: &str| {
        let tokens = refresh_with_secret(&gateway, &app, token).await;
        let access = tokens.text("access_token");
        [TIME, GIT].map(|resource| (resource, access.clone()))
    };
    for (token, expected) in
        [("token-o", [200, 200]), ("token-h", [200, 401]), ("token-r", [401, 200])]
    {
        for ((resource, access), status) in reach(token).await.into_iter().zip(expected) {
            assert_eq!(
                gateway.verify(resource, &access).await.status,
                status,
                "{token} {resource}"
            );
        }
    }
}

#[tokio::test]
async fn what_cannot_be_imported_is_listed() {
    let (gateway, old) = (Gateway::start(), Redis::start());
    let uris = |uris: Value| json!({ "redirect_uris": uris.to_string() });
    client(
        &old,
        "bad_uris",
        &uris(json!(["javascript:alert(1)", "http://localhost.evil.example/"])),
    );
    client(&old, "some_uris", &uris(json!([REDIRECT, "urn:ietf:wg:oauth:2.0:oob", "x\u{1b}[2J"])));
    client(
        &old,
        "after_put",
        &json!({ "redirect_uris": [REDIRECT], "client_name": "Unnamed Client" }),
    );
    client(&old, "long_name", &json!({ "client_name": "x".repeat(5000) }));
    old.cli(&["SET", "oauth:client:broken", "{"]);
    client(&old, "client_a", &json!({}));
    old.cli(&["SET", "oauth:client:other", &old.cli(&["GET", "oauth:client:client_a"])]);
    refresh(&old, "token-of-mallory", "client_a", ("666", "mallory"));
    refresh(&old, "token-of-nobody", "gone", OCTOCAT);
    old.cli(&["SET", "oauth:refresh:token-broken", "{}"]);
    let done = gateway.cli_json(&["import-predecessor", "--redis", &old.url(), "--json"]);
    assert_eq!(done["clients"]["imported"], 3, "{done}");
    assert_eq!(done["refresh_tokens"]["imported"], 0);
    let told = done["left_behind"].as_array().unwrap();
    let told: Vec<&str> = told.iter().map(|line| line.as_str().unwrap()).collect();
    for part in [
        "client bad_uris: no redirect URI is acceptable",
        "client some_uris: redirect URI 'urn:ietf:wg:oauth:2.0:oob'",
        "client some_uris: redirect URI 'x%1B[2J': ",
        "client long_name: ",
        "client broken: the record cannot be read",
        "client other: the record is of another client",
        "the access policy does not let mallory log in",
        "its client gone is not imported",
        "a refresh token: the record cannot be read",
    ] {
        assert!(
            told.iter().any(|line| line.starts_with(part) || line.ends_with(part)),
            "{part} {told:#?}"
        );
    }
    assert_eq!(told.len(), 9, "{told:#?}");
    assert!(!told.iter().any(|line| line.contains("token-")), "tokens are secret");
}

/// Its `.env` names its Redis, and what else it has is told apart.
#[tokio::test]
async fn the_old_settings_are_read_and_explained() {
    let (gateway, old) = (Gateway::start(), Redis::start());
    client(&old, "client_a", &json!({}));
    let env = gateway.path("old.env");
    let text = format!(
        "# settings\nBASE_DOMAIN=old.example\nGITHUB_CLIENT_ID=id\nALLOWED_GITHUB_USERS=\n\
         REDIS_URL={}\nGATEWAY_JWT_SECRET=very-secret\nJWT_ALGORITHM=RS256\n\
         MCP_FETCH_ENABLED=true\nMCP_FETCH_URLS=x\nOAUTH_CLIENT_LIFETIME=0\nWHATEVER=1\n",
        old.url()
    );
    std::fs::write(&env, text).unwrap();
    let env = env.display().to_string();
    let done = gateway.cli_json(&["import-predecessor", "--env", &env, "--json"]);
    assert_eq!(done["clients"]["imported"], 1, "{done}");
    let notes = done["settings"].to_string();
    for part in [
        "BASE_DOMAIN was old.example and is gw.example",
        "ALLOWED_GITHUB_USERS was empty",
        "GATEWAY_JWT_SECRET is not used",
        "JWT_ALGORITHM is not used",
        "MCP_FETCH_URLS is not used",
        "OAUTH_CLIENT_LIFETIME is CLIENT_LIFETIME here",
        "WHATEVER is not used",
    ] {
        assert!(notes.contains(part), "{part}: {notes}");
    }
    assert!(!notes.contains("very-secret") && !notes.contains("GITHUB_CLIENT_ID"), "{notes}");
    assert_eq!(done["settings"].as_array().unwrap().len(), 7, "{notes}");
}
