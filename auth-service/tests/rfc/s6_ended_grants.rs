//! The feed of ended grants, by which open streams and calls behind the gateway learn of a revocation.

use std::{
    sync::Arc,
    time::{Duration, Instant},
};

use auth_service::{
    model::{ClientId, Clock, Fingerprint, Identifier, ResourceUri, UnixTime},
    store::{Selection, Store},
};
use serde_json::{Value, json};

use crate::{
    forger::parts,
    support::{Answer, App, GIT, Gateway, TIME, answer},
};

/// A proxy that reads the feed.
struct Reader {
    base: String,
    http: reqwest::Client,
    after: Option<String>,
}

impl Reader {
    fn at(base: &str, after: Option<&str>) -> Self {
        let http = reqwest::Client::builder().no_proxy().build().unwrap();
        Self { base: base.to_owned(), http, after: after.map(str::to_owned) }
    }

    /// A reader that has read everything up to now.
    async fn current(gateway: &Gateway) -> Self {
        let mut reader = Self::at(&gateway.base, None);
        assert!(reader.read().await.0, "a reader without a position starts again");
        while !reader.read().await.1.is_empty() {}
        reader
    }

    async fn ask(&self) -> Answer {
        let mut url = format!("{}/ended-grants", self.base);
        if let Some(after) = &self.after {
            url.extend(["?after=", after]);
        }
        answer(self.http.get(url)).await
    }

    /// The first good answer: on a busy machine Redis may be read too late for one.
    async fn answer(&self) -> Answer {
        let deadline = Instant::now() + Duration::from_secs(20);
        loop {
            let answer = self.ask().await;
            if answer.status == 200 {
                return answer;
            }
            assert_eq!(answer.error(), (503, "temporarily_unavailable"));
            assert!(Instant::now() < deadline, "no answer");
        }
    }

    /// Whether it has to start again, and what has ended.
    async fn read(&mut self) -> (bool, Vec<String>) {
        let answer = self.answer().await;
        assert_eq!(answer.header("cache-control"), "no-store");
        self.after = Some(answer.text("after"));
        let ended = answer.body["ended"].as_array().unwrap();
        let ended = ended.iter().map(|hash| hash.as_str().unwrap().to_owned()).collect();
        (answer.body["reset"].as_bool().unwrap(), ended)
    }

    /// Reads on until `hash` is told.
    async fn expect(&mut self, what: &str, hash: &str) {
        let deadline = Instant::now() + Duration::from_secs(20);
        loop {
            let (reset, ended) = self.read().await;
            assert!(!reset, "{what}");
            if ended.iter().any(|one| one == hash) {
                return;
            }
            assert!(Instant::now() < deadline, "{what} is not told");
        }
    }
}

fn hash_of(text: &str) -> String {
    Fingerprint::of(text).as_str().to_owned()
}

/// The hashes of the grant and of the access token itself.
fn hashes(access_token: &str) -> (String, String) {
    let claims = parts(access_token)[1].clone();
    let hash = |name: &str| hash_of(claims[name].as_str().unwrap());
    (hash("grant_id"), hash("jti"))
}

fn operator(gateway: &Gateway) -> Store {
    Store::open(&gateway.config.redis).unwrap()
}

/// A client and its tokens.
struct Held {
    app: App,
    registration: (String, String),
    tokens: Answer,
    code: (String, String),
}

impl Held {
    async fn new(gateway: &Gateway, resource: &str) -> Self {
        let metadata = json!({
            "redirect_uris": [crate::support::CALLBACK],
            "software_id": gateway_tests::pkce::pair().0,
            "token_endpoint_auth_method": "none",
        });
        let registered = gateway.register(metadata).await;
        let app = App { id: registered.text("client_id"), secret: None };
        let (query, verifier) = gateway.consent(&app, "alice", &[("resource", resource)]).await;
        let code = (query["code"].clone(), verifier);
        let tokens = gateway.redeem(&app, &code.0, &code.1).await;
        assert_eq!(tokens.status, 200, "{tokens:?}");
        let token = registered.text("registration_access_token");
        Self { registration: (app.id.clone(), token), app, tokens, code }
    }

    fn hashes(&self) -> (String, String) {
        hashes(&self.tokens.text("access_token"))
    }

    async fn rfc7009(&self, gateway: &Gateway, token: &str) {
        let form = [("client_id", self.app.id.as_str()), ("token", token)];
        assert_eq!(gateway.post("/revoke", &form).await.status, 200);
    }
}

/// Each way a grant, or an access token alone, ends before its time.
#[tokio::test]
async fn s6_every_end_is_told() {
    let gateway = Gateway::start();
    // The clock of the machine from here on, which the program has.
    gateway.cli(&["client", "list"]).unwrap();
    let mut reader = Reader::current(&gateway).await;
    for what in [
        "user",
        "client",
        "server",
        "before",
        "all",
        "damaged",
        "command",
        "client delete",
        "refresh token replayed",
        "code replayed",
        "refresh token revoked",
        "registration deleted",
        "not allowed any more",
    ] {
        let held =
            Held::new(&gateway, if what == "not allowed any more" { GIT } else { TIME }).await;
        let refresh = held.tokens.text("refresh_token");
        let selected = match what {
            "user" => Some(Selection::User("alice".into())),
            "client" => Some(Selection::Client(ClientId::parsed(&held.app.id))),
            "server" => Some(Selection::Server(ResourceUri::parse(TIME).unwrap())),
            "before" => Some(Selection::Before(UnixTime(gateway.clock.now().0 + 1))),
            "all" => Some(Selection::All),
            "damaged" => {
                let claims = parts(&held.tokens.text("access_token"))[1].clone();
                let key = format!("mcpgw:grant:{{{}}}", claims["grant_id"].as_str().unwrap());
                gateway.redis.cli(&["SET", &key, "{}"]);
                Some(Selection::All)
            }
            _ => None,
        };
        match what {
            "command" => drop(gateway.cli(&["token", "revoke", "--user", "alice"]).unwrap()),
            "client delete" => drop(gateway.cli(&["client", "delete", &held.app.id]).unwrap()),
            "refresh token replayed" => {
                assert_eq!(gateway.refresh(&held.app, &refresh).await.status, 200);
                gateway.clock.advance(61);
                assert_eq!(gateway.refresh(&held.app, &refresh).await.status, 400);
            }
            "code replayed" => {
                let (code, verifier) = &held.code;
                assert_eq!(gateway.redeem(&held.app, code, verifier).await.status, 400);
            }
            "refresh token revoked" => held.rfc7009(&gateway, &refresh).await,
            "registration deleted" => {
                let (id, token) = &held.registration;
                let url = format!("{}/register/{id}", gateway.base);
                let deleted = answer(gateway.http.delete(url).bearer_auth(token)).await;
                assert_eq!(deleted.status, 204);
            }
            "not allowed any more" => {
                gateway.set_servers(&json!({ "time": {}, "git": { "allow": ["bob"] } }));
                assert_eq!(gateway.refresh(&held.app, &refresh).await.status, 400);
            }
            _ => {}
        }
        if let Some(selected) = selected {
            operator(&gateway).revoke(&selected, gateway.clock.now()).await.unwrap();
        }
        reader.expect(what, &held.hashes().0).await;
    }
    for what in ["access token revoked", "jti"] {
        let held = Held::new(&gateway, TIME).await;
        let access = held.tokens.text("access_token");
        if what == "jti" {
            let jti = Identifier::parsed(parts(&access)[1]["jti"].as_str().unwrap());
            let now = gateway.clock.now();
            operator(&gateway).revoke(&Selection::Jti(jti), now).await.unwrap();
        } else {
            held.rfc7009(&gateway, &access).await;
        }
        reader.expect(what, &held.hashes().1).await;
        let refreshed = gateway.refresh(&held.app, &held.tokens.text("refresh_token")).await;
        assert_eq!(refreshed.status, 200, "the grant lives on");
    }
}

/// What a server gets to know is what the feed names, and no id of a grant or a token.
#[tokio::test]
async fn s6_the_signed_identity_says_what_it_ends_with() {
    let gateway = Gateway::start();
    let app = gateway.app().await;
    let tokens = gateway.tokens(&app, "alice", TIME).await;
    let access = tokens.text("access_token");
    let claims = async |token: &str| {
        let answer = gateway.verify(TIME, token).await;
        assert_eq!(answer.status, 200);
        parts(answer.header("x-mcp-identity"))[1].clone()
    };
    let first = claims(&access).await;
    let (grant, token) = hashes(&access);
    assert_eq!(first["grant_hash"], grant);
    assert_eq!(first["token_hash"], token);
    assert_eq!(first["token_exp"], parts(&access)[1]["exp"]);
    for id in ["grant_id", "jti"] {
        let id = parts(&access)[1][id].as_str().unwrap().to_owned();
        assert!(!first.to_string().contains(&id));
    }
    // The next token of the grant, whose identity is made at once.
    gateway.clock.advance(10);
    let refreshed = gateway.refresh(&app, &tokens.text("refresh_token")).await;
    let second = claims(&refreshed.text("access_token")).await;
    assert_eq!(second["grant_hash"], grant);
    assert_ne!(second["token_hash"], token);
    assert!(second["token_exp"].as_i64() > first["token_exp"].as_i64());
    // A second login of the same person with the same client is another grant.
    let other = gateway.tokens(&app, "alice", TIME).await;
    assert_ne!(claims(&other.text("access_token")).await["grant_hash"], grant);
}

/// A reader that was away misses nothing, at whichever instance it comes back.
#[tokio::test]
async fn s6_the_feed_is_resumed_at_any_instance() {
    let gateway = Gateway::start();
    let mut reader = Reader::current(&gateway).await;
    let position = reader.after.clone().unwrap();
    let (store, app) = (operator(&gateway), gateway.app().await);
    let mut expected = Vec::new();
    for _ in 0..3 {
        let access = gateway.tokens(&app, "alice", TIME).await.text("access_token");
        expected.push(hashes(&access).0);
        store.revoke(&Selection::User("alice".into()), gateway.clock.now()).await.unwrap();
    }
    reader.expect("the last", &expected[2]).await;
    let mut again = Reader::at(&gateway.base, Some(&position));
    assert_eq!(again.read().await, (false, expected.clone()), "each once, in order");
    assert_eq!(again.read().await, (false, Vec::new()), "nothing else");
    // Started only now, from what is in Redis.
    let other = Arc::new(gateway.instance());
    let publishing = Arc::clone(&other);
    let task = tokio::spawn(async move { publishing.store.publish_ended().await });
    let news = other.store.ended_after(Some(&position)).await.unwrap();
    let ended: Vec<String> = news.ended.iter().map(|hash| hash.to_string()).collect();
    assert_eq!((news.reset, ended, Some(&*news.after)), (false, expected, again.after.as_deref()));
    task.abort();
}

/// The stream is bounded; who missed something is told to start again, and so is who names a position
/// that never was.
#[tokio::test]
async fn s6_the_feed_is_bounded_and_says_when_something_was_missed() {
    let gateway = Gateway::start();
    let mut reader = Reader::current(&gateway).await;
    let add = |count: u32| {
        let script = "for i = 1, ARGV[1] do \
             redis.call('XADD', KEYS[1], 'MAXLEN', '~', 10000, '*', 'ended', ARGV[2] .. i) end";
        gateway.redis.cli(&["EVAL", script, "1", "mcpgw:ended-grants", &count.to_string(), "h"]);
    };
    add(2_500);
    let mut told = Vec::new();
    while told.len() < 2_500 {
        let (reset, ended) = reader.read().await;
        assert!(!reset && ended.len() <= 1_000, "{}", ended.len());
        told.extend(ended);
    }
    let all: Vec<String> = (1..=2_500).map(|number| format!("h{number}")).collect();
    assert_eq!(told, all);
    add(30_000);
    let kept: u32 = gateway.redis.cli(&["XLEN", "mcpgw:ended-grants"]).trim().parse().unwrap();
    assert!((10_000..10_200).contains(&kept));
    let (reset, _) = until_told(&mut reader, "h30000").await;
    assert!(reset, "some were trimmed before they were read");
    for nonsense in ["0-0", "9999999999999-0", "x", "%00"] {
        let (reset, ended) = Reader::at(&gateway.base, Some(nonsense)).read().await;
        assert!(reset && ended.len() == 1_000, "{nonsense}");
    }
}

/// Reads on until `hash` is told; whether there was a reset on the way, and all that was told.
async fn until_told(reader: &mut Reader, hash: &str) -> (bool, Vec<String>) {
    let (mut any, mut all) = (false, Vec::new());
    let deadline = Instant::now() + Duration::from_secs(20);
    while all.last().is_none_or(|last| last != hash) {
        assert!(Instant::now() < deadline, "{hash} is not told");
        let (reset, ended) = reader.read().await;
        any |= reset;
        all.extend(ended);
    }
    (any, all)
}

/// Redis lost everything, and with it every grant.
#[tokio::test]
async fn s6_lost_data_is_a_reset_and_no_answer_is_no_news() {
    let mut gateway = Gateway::start();
    let mut reader = Reader::current(&gateway).await;
    gateway.redis.cli(&["FLUSHALL"]);
    let (reset, ended) = until_reset(&mut reader).await;
    assert!(reset && ended.is_empty());
    gateway.redis.kill();
    let deadline = Instant::now() + Duration::from_secs(20);
    loop {
        let answer = reader.ask().await;
        if answer.status == 503 {
            assert_eq!(answer.header("retry-after"), "2");
            break;
        }
        assert!(Instant::now() < deadline, "a dead redis has no news");
    }
    gateway.redis.restart();
    assert!(until_reset(&mut reader).await.0);
}

async fn until_reset(reader: &mut Reader) -> (bool, Vec<String>) {
    let deadline = Instant::now() + Duration::from_secs(20);
    loop {
        let answer = reader.ask().await;
        if answer.status == 200 && answer.body["reset"] == true {
            return reader.read().await;
        }
        assert!(Instant::now() < deadline, "no reset: {answer:?}");
    }
}

/// A full Redis ends grants all the same, and tells of it.
#[tokio::test]
async fn s6_a_full_redis_ends_grants() {
    let gateway = Gateway::start();
    let app = gateway.app().await;
    let tokens = gateway.tokens(&app, "alice", TIME).await;
    let mut reader = Reader::current(&gateway).await;
    gateway.redis.cli(&["CONFIG", "SET", "maxmemory-policy", "noeviction"]);
    gateway.redis.cli(&["CONFIG", "SET", "maxmemory", "1"]);
    let form = [("client_id", app.id.as_str()), ("token", &tokens.text("refresh_token"))];
    assert_eq!(gateway.post("/revoke", &form).await.status, 200);
    let access = tokens.text("access_token");
    reader.expect("the grant", &hashes(&access).0).await;
    assert_eq!(gateway.verify(TIME, &access).await.status, 401);
}

/// The feed is for the proxies that run now: a restored one would name grants that are back.
#[tokio::test]
async fn s6_a_backup_has_no_feed() {
    let gateway = Gateway::start();
    gateway.cli(&["client", "list"]).unwrap();
    let app = gateway.app().await;
    gateway.tokens(&app, "alice", TIME).await;
    gateway.cli(&["token", "revoke", "--user", "alice"]).unwrap();
    let file = gateway.path("backup").display().to_string();
    gateway.cli(&["backup", &file]).unwrap();
    let text = std::fs::read_to_string(&file).unwrap();
    assert!(text.contains("mcpgw:clients") && !text.contains("ended-grants"), "{text}");
}

/// Readers beyond the bound are answered, only not waited for.
#[tokio::test]
async fn s6_many_readers_hinder_nobody() {
    let gateway = Gateway::start();
    let reader = Reader::current(&gateway).await;
    let waiting: Vec<_> = (0..400)
        .map(|_| {
            let reader = Reader::at(&reader.base, reader.after.as_deref());
            tokio::spawn(async move { reader.answer().await })
        })
        .collect();
    let app = gateway.app().await;
    let access = gateway.tokens(&app, "alice", TIME).await.text("access_token");
    assert_eq!(gateway.verify(TIME, &access).await.status, 200);
    for answer in waiting {
        let answer = answer.await.unwrap();
        assert_eq!(answer.body["reset"], Value::Bool(false));
    }
}
