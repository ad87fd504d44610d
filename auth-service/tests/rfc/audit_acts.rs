//! A change and its audit event are one act, wherever it is interrupted.

use auth_service::{
    model::{
        AccessRecord, AuthorizationCode, Client, ClientId, CodeRecord, ConsentRecord, Draft,
        Fingerprint, Generation, Grant, Identifier, LoginCode, LoginSession, ResourceUri,
        SessionRecord, UnixTime, User,
    },
    store::{AuditEntry, Error, RedemptionEntries, Selection, Store},
};
use gateway_contract::audit::EventKind;
use serde_json::json;

use crate::{
    audit_stage::Stage,
    made_up::{MadeUp, NOW},
};

const LATER: UnixTime = UnixTime(NOW.0 + 500);

/// The changes that have an event.
const ACTS: [(EventKind, &str); 20] = [
    (EventKind::GrantCreated, "redeem"),
    (EventKind::GrantCreated, "put"),
    (EventKind::GrantEnded, "revoke"),
    (EventKind::GrantEnded, "undo"),
    (EventKind::TokenReplayed, "replay"),
    (EventKind::TokenRefreshed, "extend"),
    (EventKind::TokenIssued, "access"),
    (EventKind::TokenRevoked, "revoke access"),
    (EventKind::TokenCreated, "put"),
    (EventKind::ConsentGiven, "code"),
    (EventKind::ConsentRemembered, "remember"),
    (EventKind::ConsentForgotten, "forget"),
    (EventKind::LoginCompleted, "session"),
    (EventKind::LoginEnded, "end session"),
    (EventKind::LoginCodeCreated, "login code"),
    (EventKind::ClientRegistered, "register"),
    (EventKind::ClientUpdated, "update"),
    (EventKind::ClientDeleted, "delete"),
    (EventKind::GrantsRevoked, "raise"),
    (EventKind::PersonLeft, "raise"),
];

fn grant(name: &str) -> Grant {
    let mut grant = MadeUp::all(1, 1).next().unwrap().records()[0].1.clone();
    grant["id"] = json!(name);
    serde_json::from_value(grant).unwrap()
}

fn user(name: &str) -> User {
    User { subject: format!("local:{name}"), name: name.into(), email: None }
}

fn client(name: &str, changed: bool) -> Client {
    serde_json::from_value(json!({
        "client_id": name, "id": name, "issued_at": NOW, "preregistered": false, "unused": true,
        "registration_token": null, "secret": null, "expires_at": LATER.0 + 1_000_000,
        "metadata": { "redirect_uris": ["https://app.example/cb"], "token_endpoint_auth_method": "none",
            "client_name": if changed { "B" } else { "A" } },
    }))
    .unwrap()
}

fn access(name: &str) -> AccessRecord {
    serde_json::from_value(json!({
        "jti": format!("jti-{name}"), "grant": name, "subject": "local:user0", "name": "user0",
        "client_id": "client0", "resources": ["https://time.gw.example/mcp"], "scopes": "mcp",
        "issued_at": NOW, "expires_at": NOW.0 + 3600,
    }))
    .unwrap()
}

fn session(name: &str) -> SessionRecord {
    SessionRecord {
        user: user(name),
        provider_session: None,
        place: None,
        generation: Generation(0),
        expires_at: LATER,
    }
}

fn consent(name: &str) -> ConsentRecord {
    ConsentRecord {
        user: user(name),
        client_id: ClientId::parsed("client0"),
        client_name: "App".into(),
        resource: ResourceUri::parse("https://time.gw.example/mcp").ok(),
        scopes: serde_json::from_value(json!("mcp")).unwrap(),
        generation: Generation(0),
        expires_at: LATER,
    }
}

fn code(name: &str) -> CodeRecord {
    serde_json::from_value(json!({
        "request": { "client_id": "client0", "client_name": "App", "resources": ["https://time.gw.example/mcp"],
            "scopes": "mcp", "reply": { "device": { "code": Fingerprint::of("d"), "user_code": "X" } },
            "Device": { "code": Fingerprint::of("d"), "user_code": "X" } },
        "user": user(name), "grant": name, "expires_at": LATER,
    }))
    .unwrap()
}

/// What must be there before the act.
async fn prepare(store: &Store, act: &str, name: &str) {
    let one = grant(name);
    match act {
        "revoke" | "extend" | "access" => store.grants.put_grant(&one, NOW, None).await.unwrap(),
        "revoke access" => store.grants.put_access(&access(name), NOW, None).await.unwrap(),
        "undo" | "replay" => {
            let none = RedemptionEntries::default();
            let code = AuthorizationCode::presented(name);
            store.grants.put_code(&code, &self::code(name), NOW, None).await.unwrap();
            store.grants.redeem_code(&code, (&one, &one.id), NOW, &none).await.unwrap();
        }
        "redeem" => {
            let code = AuthorizationCode::presented(name);
            store.grants.put_code(&code, &self::code(name), NOW, None).await.unwrap();
        }
        "end session" => {
            let cookie = LoginSession::presented(name);
            store.logins.put_session(&cookie, &session(name), NOW, None).await.unwrap();
        }
        "forget" => {
            let of = Fingerprint::of(name);
            store.logins.put_consent(&of, &consent(name), NOW, None).await.unwrap();
        }
        "update" | "delete" => {
            store.clients.register_client(&client(name, false), NOW, None).await.unwrap();
        }
        _ => {}
    }
}

/// Carries out the act.
#[expect(clippy::too_many_lines, reason = "one scenario, step by step")]
async fn carry_out(store: &Store, act: &str, name: &str, entry: &AuditEntry) -> Result<(), Error> {
    let (one, entry) = (grant(name), Some(entry));
    let (grants, logins) = (&store.grants, &store.logins);
    match act {
        "put" => grants.put_grant(&one, NOW, entry).await,
        "revoke" => grants.revoke_grant(&one.id, entry).await.map(drop),
        "redeem" | "replay" => {
            let mut entries = RedemptionEntries::default();
            let place = if act == "redeem" { &mut entries.granted } else { &mut entries.replayed };
            *place = entry.cloned();
            let code = AuthorizationCode::presented(name);
            let attempt = Identifier::parsed("other");
            let now = if act == "redeem" { NOW } else { UnixTime(NOW.0 + 100) };
            grants.redeem_code(&code, (&one, &attempt), now, &entries).await.map(drop)
        }
        "undo" => grants.undo_redemption(&one.id, &one.id, NOW, entry).await,
        "extend" => {
            let longer = Grant { expires_at: UnixTime(one.expires_at.0 + 7), ..one };
            grants.extend_grant(&longer, NOW, entry).await.map(drop)
        }
        "access" => grants.put_access(&access(name), NOW, entry).await,
        "revoke access" => {
            let jti = Identifier::parsed(&format!("jti-{name}"));
            grants.revoke_access(&one.id, &jti, entry).await.map(drop)
        }
        "code" => {
            grants.put_code(&AuthorizationCode::presented(name), &code(name), NOW, entry).await
        }
        "remember" => logins.put_consent(&Fingerprint::of(name), &consent(name), NOW, entry).await,
        "forget" => logins.delete_consent(&Fingerprint::of(name), entry).await,
        "session" => {
            let cookie = LoginSession::presented(name);
            logins.put_session(&cookie, &session(name), NOW, entry).await
        }
        "end session" => {
            let cookie = LoginSession::presented(name).fingerprint();
            logins.end_session(&cookie, entry).await.map(drop)
        }
        "login code" => {
            let code = LoginCode::typed(name);
            logins.put_login_code(&code, &user(name), (NOW, LATER), entry).await
        }
        "register" => store.clients.register_client(&client(name, false), NOW, entry).await,
        "update" => {
            let id = ClientId::parsed(name);
            let change = |_| Some(client(name, true));
            store.clients.change_client(&id, NOW, change, entry).await.map(drop)
        }
        "delete" => store.clients.delete_unused_client(&ClientId::parsed(name), entry).await,
        _ => {
            let what = Selection::Client(ClientId::parsed(name));
            store.maintenance.revoke(&what, NOW, entry).await.map(drop)
        }
    }
}

/// Returns `true` if the act has taken effect.
fn is_done(stage: &Stage, act: &str, name: &str) -> bool {
    let hash = |text: &str| Fingerprint::of(text).to_string();
    let grant = format!("mcpgw:grant:{{{name}}}");
    let access = format!("mcpgw:access:{{{name}}}:jti-{name}");
    let session = format!("mcpgw:session:{}", LoginSession::presented(name).fingerprint());
    match act {
        "redeem" | "put" => stage.has(&grant),
        "revoke" | "undo" | "replay" => !stage.has(&grant),
        "extend" => stage.redis.cli(&["GET", &grant]).contains(&(NOW.0 + 2_592_007).to_string()),
        "access" => stage.has(&access),
        "revoke access" => !stage.has(&access),
        "code" => {
            stage.has(&format!("mcpgw:code:{}", AuthorizationCode::presented(name).fingerprint()))
        }
        "remember" => stage.has(&format!("mcpgw:approval:{}", hash(name))),
        "forget" => !stage.has(&format!("mcpgw:approval:{}", hash(name))),
        "session" => stage.has(&session),
        "end session" => !stage.has(&session),
        "login code" => {
            stage.has(&format!("mcpgw:login-code:{}", LoginCode::typed(name).fingerprint()))
        }
        "register" => stage.has(&format!("mcpgw:client:{name}")),
        "update" => stage.redis.cli(&["GET", &format!("mcpgw:client:{name}")]).contains("\"B\""),
        "delete" => !stage.has(&format!("mcpgw:client:{name}")),
        _ => stage.has(&format!("mcpgw:gen:client:{name}")),
    }
}

/// The process ends between any two requests to Redis, with and without the last one arriving. Whatever took effect
/// has its event, once in the stream and once in the file; nothing else has one.
#[tokio::test(flavor = "multi_thread")]
async fn a_change_and_its_event_are_one_act_wherever_the_process_ends() {
    let stage = Stage::new();
    let near = stage.store();
    let (mut expected, mut cuts) = (Vec::new(), 0);
    for (number, (kind, act)) in ACTS.into_iter().enumerate() {
        for last_arrives in [false, true] {
            for requests in 0.. {
                let name = format!("act-{number}-{last_arrives}-{requests}");
                prepare(&near, act, &name).await;
                let far = stage.far().await;
                let draft = far.audit.draft(kind).reason(&name);
                let entry = far.audit.entry(draft).unwrap();
                stage.link.cut_after(requests, last_arrives);
                let result = carry_out(&far, act, &name, &entry).await;
                let was_cut = stage.link.is_cut();
                assert!(was_cut || result.is_ok(), "{name}: {result:?}");
                let done = is_done(&stage, act, &name);
                assert!(was_cut || done, "{act} has no effect");
                expected.push((act, name, done));
                if !was_cut {
                    break;
                }
                cuts += 1;
            }
        }
    }
    assert!(cuts > 60, "only {cuts} interruptions");
    stage.relay().await;
    let counts = stage.counts().await;
    let events = stage.stream().await;
    for (act, name, done) in &expected {
        let of = events.iter().filter(|one| one.event.reason.as_deref() == Some(name));
        let found: Vec<_> = of.map(|one| counts[&*one.event.id]).collect();
        let wanted = if *done { vec![(1, 1)] } else { Vec::new() };
        assert_eq!(found, wanted, "{act}: {name}");
    }
    assert_eq!(counts.len(), expected.iter().filter(|(.., done)| *done).count());
}

/// Without an act, a draft is nothing: kinds that are off have no entry.
#[tokio::test]
async fn audit_events_are_recorded_as_the_settings_say() {
    let stage = Stage::new();
    let entry = |events: &str, kind| {
        let store = stage.store_with(events);
        let draft: Draft<'_> = store.audit.draft(kind);
        store.audit.entry(draft).is_some()
    };
    assert!(entry("", EventKind::GrantCreated) && !entry("", EventKind::TokenIssued));
    assert!(entry("token.*", EventKind::TokenIssued));
    assert!(!entry("-grant.*", EventKind::GrantCreated));
    let store = stage.store_with("-grant.*");
    let draft = store.audit.draft(EventKind::GrantCreated);
    let none = store.audit.entry(draft);
    store.grants.put_grant(&grant("g"), NOW, none.as_ref()).await.unwrap();
    stage.relay().await;
    assert!(stage.has("mcpgw:grant:{g}") && stage.stream().await.is_empty());
}
