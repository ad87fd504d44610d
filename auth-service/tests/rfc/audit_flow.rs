//! The audit events of whole flows, over HTTP and the command line: who did what, and no secret.

use auth_service::store::{AuditFilter, AuditedEvent, Store};
use gateway_contract::audit::{EventKind, Outcome};
use serde_json::json;

use crate::support::{CALLBACK, GIT, Gateway, TIME};

/// Waits for `count` events in the stream, and returns all that are there, earliest first. Nothing waits in an
/// outbox any more.
pub(crate) async fn events(gateway: &Gateway, count: usize) -> Vec<AuditedEvent> {
    let store = Store::open(&gateway.config.redis).unwrap();
    let deadline = std::time::Instant::now() + std::time::Duration::from_secs(20);
    loop {
        let is_moved = gateway.redis.cli(&["KEYS", "mcpgw:outbox:*"]).trim().is_empty();
        let mut all = store.audit.page(&AuditFilter::default(), None, 5_000).await.unwrap().events;
        if is_moved && all.len() >= count {
            all.reverse();
            return all;
        }
        assert!(std::time::Instant::now() < deadline, "{} of {count} events", all.len());
        tokio::time::sleep(std::time::Duration::from_millis(50)).await;
    }
}

fn kinds(events: &[AuditedEvent]) -> Vec<&'static str> {
    let mut kinds: Vec<_> = events.iter().map(|one| one.event.event.as_str()).collect();
    kinds.sort_unstable();
    kinds
}

/// A registration, a login with consent, a refresh, a replay, a revocation, a deletion: one event each, with who and
/// where. No event has a token, a code, a cookie or a secret.
#[tokio::test]
#[expect(clippy::too_many_lines, reason = "one scenario, step by step")]
async fn a_flow_is_on_record_and_its_secrets_are_not() {
    let gateway = Gateway::start();
    let registered = gateway
        .register(json!({ "redirect_uris": [CALLBACK], "client_name": "Test App",
            "token_endpoint_auth_method": "client_secret_post" }))
        .await;
    let app = crate::support::App {
        id: registered.text("client_id"),
        secret: Some(registered.text("client_secret")),
    };
    let manage = registered.text("registration_access_token");
    let (answer, verifier) = gateway.consent(&app, "alice", &[]).await;
    let tokens = gateway.redeem(&app, &answer["code"], &verifier).await;
    let post = async |path: &str, more: &[(&str, &str)]| {
        let secret = app.secret.as_deref().unwrap();
        let own = [("client_id", app.id.as_str()), ("client_secret", secret)];
        gateway.post(path, &[&own, more].concat()).await
    };
    let refresh = tokens.text("refresh_token");
    let next =
        post("/token", &[("grant_type", "refresh_token"), ("refresh_token", &refresh)]).await;
    assert_eq!(next.status, 200, "{next:?}");
    let last = next.text("refresh_token");
    let third = post("/token", &[("grant_type", "refresh_token"), ("refresh_token", &last)]).await;
    assert_eq!(third.status, 200, "{third:?}");
    // The successor was used: the first one is a replay.
    let replay =
        post("/token", &[("grant_type", "refresh_token"), ("refresh_token", &refresh)]).await;
    assert_eq!(replay.error(), (400, "invalid_grant"));
    let refused = gateway.verify(TIME, &third.text("access_token")).await;
    assert_eq!(refused.status, 401);
    let url = format!("{}/register/{}", gateway.base, app.id);
    let deleted = gateway.http.delete(url).bearer_auth(&manage).send().await.unwrap();
    assert_eq!(deleted.status(), 204);
    let wrong = post("/token", &[("grant_type", "refresh_token"), ("refresh_token", "x")]).await;
    assert_eq!(wrong.status, 401);
    let expected = [
        "access.denied",
        "access.denied",
        "client.deleted",
        "client.registered",
        "consent.given",
        "grant.created",
        "grants.revoked",
        "login.completed",
        "token.replayed",
    ];
    let all = events(&gateway, expected.len()).await;
    assert_eq!(kinds(&all), expected);
    let of = |kind| &all.iter().find(|one| one.event.event == kind).unwrap().event;
    let created = of(EventKind::GrantCreated);
    let actor = created.actor.as_ref().unwrap();
    assert_eq!((&*actor.sub, &*actor.name), ("local:alice", "alice"));
    let client = created.client.as_ref().unwrap();
    assert_eq!((&*client.id, &*client.name), (app.id.as_str(), "Test App"));
    assert_eq!(
        (created.server.as_deref(), created.addr.as_deref()),
        (Some("time"), Some("127.0.0.1"))
    );
    assert!(created.request.is_some() && created.agent.is_some());
    let replayed = of(EventKind::TokenReplayed);
    assert_eq!(replayed.target.as_ref().unwrap().sub, "local:alice");
    assert_eq!((replayed.outcome, &replayed.grant), (Outcome::Denied, &created.grant));
    let session = gateway.redis.cli(&["KEYS", "mcpgw:session:*"]);
    let dump: String = all.iter().map(|one| one.line.clone()).collect();
    let secrets = [
        answer["code"].as_str(),
        &verifier,
        &manage,
        app.secret.as_deref().unwrap(),
        &refresh,
        &last,
        &tokens.text("access_token"),
        &third.text("access_token"),
        session.trim(),
    ]
    .map(str::to_owned);
    for secret in secrets {
        assert!(secret.len() > 10 && !dump.contains(&secret), "{secret}");
    }
}

/// Refusals are on record with their reasons: of logins, of clients, and of people who cancel.
#[tokio::test]
async fn refusals_are_on_record() {
    let gateway = Gateway::with(&[("RATE_LIMIT_CLIENT", "1")]);
    let app = gateway.app().await;
    let open = async || {
        let mut browser = gateway.browser();
        let url = app.authorize_url(&gateway_tests::pkce::pair().1, &[("resource", GIT)]);
        let page = browser.get(&url).await;
        (browser, page)
    };
    let (mut browser, page) = open().await;
    browser.decide(&page, "local", &gateway.login_code("bob").await).await;
    let (mut browser, page) = open().await;
    browser.decide(&page, "local", "WRONG-CODE").await;
    let (mut browser, page) = open().await;
    browser.decide(&page, "deny", "").await;
    let tokens = gateway.tokens(&app, "alice", TIME).await;
    let next = gateway.refresh(&app, &tokens.text("refresh_token")).await;
    for _ in 0..3 {
        assert_eq!(gateway.refresh(&app, &next.text("refresh_token")).await.status, 429);
    }
    let other = gateway.verify(GIT, &next.text("access_token")).await;
    assert_eq!(other.status, 401);
    // Four more are the registration, and what the login made.
    let all = events(&gateway, 9).await;
    let mut refused: Vec<_> = all
        .iter()
        .filter(|one| one.event.outcome == Outcome::Denied)
        .map(|one| (one.event.event.as_str(), one.event.reason.as_deref().unwrap()))
        .collect();
    // Those of a change and those of none are written apart, in an order of their own.
    refused.sort_unstable();
    assert_eq!(
        refused,
        [
            ("access.denied", "other_server"),
            ("consent.denied", "person"),
            ("login.completed", "not_allowed"),
            ("login.completed", "wrong login code"),
            ("rate.limited", "client"),
        ]
    );
    let denied = all.iter().find(|one| one.event.event == EventKind::AccessDenied).unwrap();
    let last = &denied.event;
    assert_eq!(last.actor.as_ref().unwrap().sub, "local:alice");
    assert_eq!((last.server.as_deref(), last.request.is_some()), (Some("git"), true));
}

/// What the operator does is on record, with the operator as the actor. `audit search` and `audit tail` print it.
#[tokio::test]
#[expect(clippy::too_many_lines, reason = "one scenario, step by step")]
async fn acts_of_the_operator_are_on_record_and_printed() {
    let gateway = Gateway::start();
    let minted = gateway.cli(&["token", "mint", "--user", "alice", "--server", "time"]).unwrap();
    gateway.cli(&["user", "login-code", "bob"]).unwrap();
    let created = gateway.cli_json(&[
        "client",
        "create",
        "--name",
        "Bot",
        "--grant",
        "client-credentials",
        "--server",
        "time",
        "--auth",
        "post",
        "--json",
    ]);
    let id = created["client_id"].as_str().unwrap();
    gateway.cli(&["client", "delete", id, "--yes"]).unwrap();
    gateway.cli(&["token", "revoke", "--user", "alice", "--yes"]).unwrap();
    let file = gateway.path("backup").display().to_string();
    gateway.cli(&["backup", &file]).unwrap();
    let expected = [
        "backup.created",
        "client.deleted",
        "client.registered",
        "grants.revoked",
        "grants.revoked",
        "login_code.created",
        "token.created",
    ];
    let all = events(&gateway, expected.len()).await;
    assert_eq!(kinds(&all), expected);
    for one in &all {
        let actor = &one.event.actor.as_ref().unwrap().sub;
        assert!(actor.starts_with("operator:") && actor.contains('@'), "{actor}");
        assert!(!one.line.contains(&minted));
    }
    let search = |more: &[&str]| {
        let all = gateway.cli_list(&[&["audit", "search", "--json"], more].concat());
        all.iter().map(|event| event["event"].as_str().unwrap().to_owned()).collect::<Vec<_>>()
    };
    assert_eq!(search(&["--event", "client.*"]), ["client.deleted", "client.registered"]);
    assert_eq!(search(&["--client", "Bot", "--limit", "1"]).len(), 1);
    assert_eq!(search(&["--user", "local:alice", "--event", "token.*"]), ["token.created"]);
    assert_eq!(search(&["--since", "2h"]).len(), 7);
    let tail = gateway.cli(&["audit", "tail", "-n", "2"]).unwrap();
    assert_eq!(tail.lines().count(), 2, "{tail}");
    assert!(tail.lines().last().unwrap().contains("backup.created"), "{tail}");
    assert!(gateway.cli(&["audit", "search", "--outcome", "failed"]).is_err());
    let unknown = gateway.cli(&["audit", "search", "--event", "tool.caled"]).unwrap_err();
    assert!(unknown.contains("no event is called tool.caled"), "{unknown}");
}
