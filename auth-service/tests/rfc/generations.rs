//! A revocation holds at every point of a flow, on every instance, as soon as it is acknowledged.

use auth_service::{
    model::{ClientId, Clock, ResourceUri, UnixTime},
    oauth::{AuthServer, BearerError, Operation, RequestTarget},
    store::{Selection, Store},
};
use gateway_tests::pkce;

use crate::{
    session::{code, log_in, url, web_app},
    support::{App, CALLBACK, GIT, Gateway, TIME, query},
};

async fn revoke(gateway: &Gateway, what: &Selection) {
    let store = Store::open(&gateway.config.redis).unwrap();
    store.maintenance.revoke(what, gateway.clock.now(), None).await.unwrap();
}

/// The ways that concern a grant of alice to `app` for the server `time`, and some that do not.
fn ways(gateway: &Gateway, app: &App) -> Vec<(Selection, bool)> {
    let client = |id: &str| ClientId::parsed(id);
    let server = |uri: &str| Selection::Server(ResourceUri::parse(uri).unwrap());
    let now = gateway.clock.now().0;
    vec![
        (Selection::User("bob".into()), false),
        (Selection::Client(client("another")), false),
        (Selection::UserAtClient("alice".into(), client("another")), false),
        (Selection::UserAtClient("bob".into(), client(&app.id)), false),
        (server(GIT), false),
        (Selection::Before(UnixTime(now)), false),
        (Selection::User("Alice".into()), true),
        (Selection::User("local:alice".into()), true),
        (Selection::Client(client(&app.id)), true),
        (Selection::UserAtClient("alice".into(), client(&app.id)), true),
        (Selection::UserAtClient("local:alice".into(), client(&app.id)), true),
        (server(TIME), true),
        (Selection::Before(UnixTime(now + 1)), true),
        (Selection::All, true),
    ]
}

async fn admits(server: &AuthServer, token: &str) -> bool {
    let header = format!("Bearer {token}");
    let target = RequestTarget { authority: "time.gw.example", path: "/mcp" };
    match server.verifier.verify(target, Some(header.as_bytes()), &Operation::Unstated).await {
        Ok(_) => true,
        Err(BearerError::Unauthorized(_)) => false,
        Err(error) => panic!("{error:?}"),
    }
}

/// Cached by two instances, and refreshed: what is revoked is refused by both at once, and nothing else.
#[tokio::test]
async fn a_revoked_grant_is_refused_by_every_instance_that_knows_it() {
    let gateway = Gateway::start();
    let app = gateway.app_with("client_secret_post").await;
    let other = gateway.instance();
    for (what, ends) in ways(&gateway, &app) {
        let tokens = gateway.tokens(&app, "alice", TIME).await;
        let (access, refresh) = (tokens.text("access_token"), tokens.text("refresh_token"));
        for _ in 0..3 {
            assert_eq!(gateway.verify(TIME, &access).await.status, 200, "{what:?}");
            assert!(admits(&other, &access).await);
        }
        revoke(&gateway, &what).await;
        let status = gateway.verify(TIME, &access).await.status;
        assert_eq!((status == 401, !admits(&other, &access).await), (ends, ends), "{what:?}");
        let secret = app.secret.as_deref().unwrap();
        let with = [("client_id", app.id.as_str()), ("client_secret", secret)];
        for token in [&access, &refresh] {
            let form = [&with[..], &[("token", token)]].concat();
            let told = gateway.post("/introspect", &form).await;
            assert_eq!(told.body["active"], !ends, "{what:?}");
        }
        let grant = [("grant_type", "refresh_token"), ("refresh_token", refresh.as_str())];
        let refreshed = gateway.post("/token", &[&with[..], &grant].concat()).await;
        assert_eq!(refreshed.status == 400, ends, "{what:?}");
    }
}

/// A code that was made before the revocation is worth nothing after it; one that is made after it is good.
#[tokio::test]
async fn a_code_of_an_earlier_generation_is_worth_nothing() {
    let gateway = Gateway::start();
    let app = gateway.app().await;
    for (what, ends) in ways(&gateway, &app) {
        // `--before` a time ends codes of any age.
        let ends = ends || matches!(what, Selection::Before(_));
        let (answer, verifier) = gateway.consent(&app, "alice", &[]).await;
        revoke(&gateway, &what).await;
        let redeemed = gateway.redeem(&app, &answer["code"], &verifier).await;
        assert_eq!(redeemed.status == 400, ends, "{what:?}");
        let again = gateway.tokens(&app, "alice", TIME).await;
        assert_eq!(gateway.verify(TIME, &again.text("access_token")).await.status, 200, "{what:?}");
    }
}

/// Records that a revocation has not deleted yet, or never will, are as good as gone.
#[tokio::test]
async fn a_revocation_needs_no_deletion() {
    let gateway = Gateway::start();
    let app = web_app(&gateway).await;
    let mut browser = gateway.browser();
    log_in(&gateway, &mut browser, &app).await;
    assert!(code(&browser.get(&url(&app, &[])).await).is_some(), "remembered");
    let page = browser.get(&url(&app, &[("prompt", "consent")])).await;
    let login_code = gateway.login_code("alice").await;
    let dump = dump(&gateway);
    revoke(&gateway, &Selection::User("alice".into())).await;
    for (key, value) in dump {
        gateway.redis.cli(&["SET", &key, &value]);
    }
    let silent = browser.get(&url(&app, &[])).await;
    assert!(code(&silent).is_none() && !silent.body.contains("Connect, as alice"));
    assert!(code(&browser.decide(&page, "allow", "").await).is_none());
    let wrong = browser.decide(&page, "local", &login_code).await;
    assert_eq!(wrong.status, 400, "{wrong:?}");
}

fn dump(gateway: &Gateway) -> Vec<(String, String)> {
    let kinds = ["session", "approval", "login-code", "code", "answer"];
    let keys = kinds.map(|kind| gateway.redis.cli(&["KEYS", &format!("mcpgw:{kind}:*")]));
    let keys = keys.iter().flat_map(|keys| keys.lines()).filter(|key| !key.is_empty());
    keys.map(|key| (key.to_owned(), gateway.redis.cli(&["GET", key]).trim().to_owned())).collect()
}

/// The person who is at GitHub while they are revoked comes back to nothing, although nobody knew who it was.
#[tokio::test]
async fn a_person_who_is_revoked_at_the_provider_comes_back_to_nothing() {
    let gateway = Gateway::start();
    let app = gateway.app().await;
    for (name, ends) in [("alice", false), ("octocat", true)] {
        let mut browser = gateway.browser();
        let page = browser.get(&app.authorize_url(&pkce::pair().1, &[])).await;
        let at_github = browser.decide(&page, "github", "").await.next().unwrap();
        revoke(&gateway, &Selection::User(name.into())).await;
        let callback = browser.get(&at_github).await.next().unwrap();
        let back = browser.get(&callback).await;
        let code = back.next().filter(|next| next.as_str().starts_with(CALLBACK));
        assert_eq!(code.is_none_or(|url| !query(&url).contains_key("code")), ends, "{name}");
    }
}

/// A token for one server of a grant ends with the other server, too: the grant does.
#[tokio::test]
async fn a_narrowed_token_ends_with_each_server_of_its_grant() {
    let gateway = Gateway::start();
    let app = gateway.app().await;
    let other = gateway.instance();
    let both = [("resource", TIME), ("resource", GIT)];
    let (answer, verifier) = gateway.consent(&app, "alice", &both).await;
    let form = [
        ("grant_type", "authorization_code"),
        ("client_id", app.id.as_str()),
        ("code", &answer["code"]),
        ("code_verifier", &verifier),
        ("resource", TIME),
    ];
    let access = gateway.post("/token", &form).await.text("access_token");
    assert_eq!(gateway.verify(GIT, &access).await.status, 401, "it is for one server");
    assert!(gateway.verify(TIME, &access).await.status == 200 && admits(&other, &access).await);
    revoke(&gateway, &Selection::Server(ResourceUri::parse(GIT).unwrap())).await;
    assert_eq!(gateway.verify(TIME, &access).await.status, 401);
    assert!(!admits(&other, &access).await);
}

/// The revocation of a server costs the tokens of other servers no question, once their grants were looked at; two
/// tokens of one grant are looked at together.
#[tokio::test]
async fn a_revoked_server_costs_others_no_question() {
    let gateway = Gateway::start();
    gateway.await_ready().await;
    let app = gateway.app().await;
    let tokens = gateway.tokens(&app, "alice", TIME).await;
    let fresh = gateway.refresh(&app, &tokens.text("refresh_token")).await;
    let both = [tokens.text("access_token"), fresh.text("access_token")];
    let server = Selection::Server(ResourceUri::parse(GIT).unwrap());
    revoke(&gateway, &server).await;
    let other = gateway.instance();
    let (one, two) = tokio::join!(admits(&other, &both[0]), admits(&other, &both[1]));
    assert!(one && two, "two tokens of one grant");
    for token in &both {
        assert_eq!(gateway.verify(TIME, token).await.status, 200);
    }
    let questions = || {
        let stats = gateway.redis.cli(&["INFO", "commandstats"]);
        let line = stats.lines().find(|line| line.starts_with("cmdstat_exists:"));
        line.and_then(|line| line.split(['=', ',']).nth(1)?.parse::<u64>().ok()).unwrap_or(0)
    };
    revoke(&gateway, &server).await;
    tokio::time::sleep(std::time::Duration::from_millis(400)).await;
    let before = questions();
    for token in &both {
        assert_eq!(gateway.verify(TIME, token).await.status, 200);
    }
    assert_eq!(questions(), before);
    revoke(&gateway, &Selection::Server(ResourceUri::parse(TIME).unwrap())).await;
    for token in &both {
        assert_eq!(gateway.verify(TIME, token).await.status, 401);
    }
}

/// A grant whose generation the counter has not reached is of a revocation that a failover lost. It is not
/// trusted: the next revocation would get its number.
#[tokio::test]
async fn a_grant_from_a_lost_generation_is_refused() {
    let gateway = Gateway::start();
    let app = gateway.app().await;
    revoke(&gateway, &Selection::User("nobody".into())).await;
    let tokens = gateway.tokens(&app, "alice", TIME).await;
    gateway.redis.cli(&["DEL", "mcpgw:generation"]);
    let other = gateway.instance();
    assert!(!admits(&other, &tokens.text("access_token")).await);
    assert_eq!(gateway.refresh(&app, &tokens.text("refresh_token")).await.status, 400);
}

/// A restored backup undoes the revocations since, and new ones hold.
#[tokio::test]
async fn a_backup_restores_what_was_revoked_since() {
    let gateway = Gateway::start();
    gateway.cli(&["client", "list"]).unwrap();
    let app = gateway.app().await;
    revoke(&gateway, &Selection::User("carol".into())).await;
    let alice = gateway.tokens(&app, "alice", TIME).await;
    let file = gateway.path("backup").display().to_string();
    gateway.cli(&["backup", &file]).unwrap();
    let bob = gateway.tokens(&app, "bob", TIME).await;
    let (alice, bob) = (alice.text("access_token"), bob.text("access_token"));
    revoke(&gateway, &Selection::All).await;
    gateway.cli(&["restore", "--overwrite", &file]).unwrap();
    let live = async || {
        let statuses = [gateway.verify(TIME, &alice).await, gateway.verify(TIME, &bob).await];
        statuses.map(|answer| answer.status == 200)
    };
    assert_eq!(live().await, [true, false], "what is not in the backup stays revoked");
    revoke(&gateway, &Selection::User("alice".into())).await;
    assert_eq!(live().await, [false, false]);
    gateway.redis.cli(&["FLUSHALL"]);
    gateway.cli(&["restore", &file]).unwrap();
    assert_eq!(live().await, [true, false]);
    revoke(&gateway, &Selection::Client(ClientId::parsed(&app.id))).await;
    assert_eq!(live().await, [false, false]);
}
