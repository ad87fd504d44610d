//! Lists and deletions by index: complete, in order, and without what is gone.

use std::collections::BTreeSet;

use auth_service::{
    config::RedisConfig,
    model::{ClientId, Generation, Grant, Identifier, ResourceUri, UnixTime},
    store::{Cursor, Filter, Store},
};
use gateway_tests::redis::Redis;
use serde_json::json;

use crate::{
    made_up::{MadeUp, NOW, SERVERS},
    s6_reader::hash_of,
    support::{Gateway, TIME, grants},
};

const DAY: i64 = 86_400;

fn store(redis: &Redis) -> Store {
    Store::open(&RedisConfig::parse(&redis.url()).unwrap()).unwrap()
}

/// A grant that was made so many seconds before.
fn grant(name: &str, ago: i64) -> Grant {
    let mut grant = MadeUp::all(1, 1).next().unwrap().records()[0].1.clone();
    grant["id"] = json!(name);
    grant["created_at"] = json!(NOW.0 - ago);
    serde_json::from_value(grant).unwrap()
}

async fn page(store: &Store, cursor: Option<&str>, limit: usize) -> (Vec<String>, Option<String>) {
    let cursor: Option<Cursor> = cursor.map(|text| text.parse().unwrap());
    let page = store.maintenance.grants(&Filter::default(), cursor, (limit, NOW)).await.unwrap();
    let ids = page.entries.iter().map(|entry| entry.grant.id.to_string()).collect();
    (ids, page.next.map(|cursor| cursor.to_string()))
}

async fn all(store: &Store, limit: usize) -> Vec<String> {
    let (mut all, mut next) = (Vec::new(), None);
    loop {
        let (ids, cursor) = page(store, next.as_deref(), limit).await;
        all.extend(ids);
        match cursor {
            Some(cursor) => next = Some(cursor),
            None => return all,
        }
    }
}

/// Newest first over days, in pages of any size; many of one second, too.
#[tokio::test]
async fn a_list_is_whole_and_in_order_in_pages_of_any_size() {
    let redis = Redis::start();
    let store = store(&redis);
    let mut expected = Vec::new();
    for (name, ago) in [("a", 0), ("b", 0), ("c", 5), ("d", DAY), ("e", DAY), ("f", 40 * DAY)] {
        store.grants.put_grant(&grant(name, ago), NOW, None).await.unwrap();
        expected.push((ago, std::cmp::Reverse(name)));
    }
    expected.sort_unstable();
    let expected: Vec<_> = expected.into_iter().map(|(_, name)| name.0.to_owned()).collect();
    for limit in [1, 2, 3, 5, 100] {
        assert_eq!(all(&store, limit).await, expected, "{limit}");
    }
    assert!(page(&store, Some("day:0,1,x"), 5).await.0.is_empty(), "before all days");
}

/// A cursor is a place: what comes or goes meanwhile neither repeats nor hides anything.
#[tokio::test]
async fn a_page_goes_on_where_the_last_one_ended() {
    let redis = Redis::start();
    let store = store(&redis);
    for number in 0..9 {
        store.grants.put_grant(&grant(&format!("g{number}"), 100), NOW, None).await.unwrap();
    }
    store.grants.put_grant(&grant("older", 3 * DAY), NOW, None).await.unwrap();
    let (first, cursor) = page(&store, None, 4).await;
    assert_eq!(first, ["g8", "g7", "g6", "g5"]);
    for gone in ["g5", "g8", "g3"] {
        assert!(store.grants.revoke_grant(&Identifier::parsed(gone), None).await.unwrap());
    }
    store.grants.put_grant(&grant("g9", 0), NOW, None).await.unwrap();
    let (rest, end) = page(&store, cursor.as_deref(), 100).await;
    assert_eq!((rest, end), (["g4", "g2", "g1", "g0", "older"].map(str::to_owned).into(), None));
    // Its whole day may be gone.
    for number in 0..9 {
        store.grants.revoke_grant(&Identifier::parsed(&format!("g{number}")), None).await.unwrap();
    }
    store.grants.revoke_grant(&Identifier::parsed("g9"), None).await.unwrap();
    assert_eq!(page(&store, cursor.as_deref(), 100).await.0, ["older"]);
}

/// Lists of a person, a client and a server have what is theirs, and together what is both's.
#[tokio::test]
async fn a_list_is_filtered_by_index() {
    let redis = Redis::start();
    let store = store(&redis);
    MadeUp::restore(&store, 60, 6).await;
    let (user, client, server) = (
        Some("USER1".to_owned()),
        Some(ClientId::parsed("client1")),
        Some(ResourceUri::parse(SERVERS[1]).unwrap()),
    );
    for (filter, expected) in [
        (Filter { user: user.clone(), ..Filter::default() }, 10),
        (Filter { user: Some("local:user1".into()), ..Filter::default() }, 10),
        (Filter { client: client.clone(), ..Filter::default() }, 10),
        (Filter { server: server.clone(), ..Filter::default() }, 30),
        (Filter { user: user.clone(), client: client.clone(), ..Filter::default() }, 10),
        (
            Filter {
                user: user.clone(),
                client: Some(ClientId::parsed("client2")),
                ..Filter::default()
            },
            0,
        ),
        (Filter { user, client, server, ..Filter::default() }, 10),
    ] {
        let page = store.maintenance.grants(&filter, None, (100, NOW)).await.unwrap();
        assert_eq!(page.entries.len(), expected, "{filter:?}");
        let ids: BTreeSet<_> = page.entries.iter().map(|entry| entry.grant.id.as_str()).collect();
        assert_eq!(ids.len(), expected);
    }
}

fn entries(redis: &Redis, index: &str) -> Vec<String> {
    let all = redis.cli(&["ZRANGE", &format!("mcpgw:{index}"), "0", "-1"]);
    all.lines().filter(|line| !line.is_empty()).map(str::to_owned).collect()
}

/// Who meets an entry without a record removes it, but not one whose record may still come.
#[tokio::test]
async fn entries_without_a_record_are_trimmed() {
    let redis = Redis::start();
    let store = store(&redis);
    let user = format!("grants:user:{}", hash_of("local:user0"));
    for (name, ago) in [("old", 600), ("young", 5)] {
        store.grants.put_grant(&grant(name, ago), NOW, None).await.unwrap();
    }
    redis.cli(&["DEL", "mcpgw:grant:{old}", "mcpgw:grant:{young}"]);
    assert_eq!(entries(&redis, &user), ["old", "young"]);
    let of_user = Filter { user: Some("user0".into()), ..Filter::default() };
    let page = store.maintenance.grants(&of_user, None, (10, NOW)).await.unwrap();
    assert!(page.entries.is_empty());
    assert_eq!(entries(&redis, &user), ["young"]);
    // Nobody lists it, and a client that acts for itself gets a new grant every hour.
    for number in 0..300 {
        let later = UnixTime(NOW.0 + 60 * number);
        let mut one = grant(&format!("hourly{number}"), 0);
        one.created_at = later;
        store.grants.put_grant(&one, later, None).await.unwrap();
        redis.cli(&["DEL", &format!("mcpgw:grant:{{hourly{number}}}")]);
    }
    let left = entries(&redis, &user).len();
    assert!(left < 100, "{left} of 300 are gone and indexed");
}

/// A login, what was allowed, a code and a grant are in the indexes of those they belong to, and end with
/// them, entries and all.
#[tokio::test]
async fn everything_of_a_person_is_found_by_index() {
    let gateway = Gateway::start();
    let app = crate::session::web_app(&gateway).await;
    crate::session::log_in(&gateway, &mut gateway.browser(), &app).await;
    let other = gateway.app().await;
    gateway.tokens(&other, "alice", TIME).await;
    let (person, server) = (hash_of("local:alice"), hash_of(TIME));
    let kinds = |index: &str| -> BTreeSet<String> {
        let kind = |name: String| name.split(':').next().unwrap().to_owned();
        entries(&gateway.redis, index).into_iter().map(kind).collect()
    };
    let all: BTreeSet<String> =
        ["answer", "approval", "code", "login-code", "session"].map(str::to_owned).into();
    assert_eq!(kinds(&format!("others:user:{person}")), all);
    let of_client = kinds(&format!("others:client:{}", app.id));
    assert_eq!(of_client, ["answer", "approval", "code"].map(str::to_owned).into());
    assert_eq!(kinds(&format!("others:server:{server}")), of_client);
    let id = grants(&gateway).await[0].grant.id.to_string();
    for owner in [
        format!("user:{person}"),
        format!("client:{}", other.id),
        format!("server:{server}"),
        format!("day:{}", gateway.config_now() / DAY),
    ] {
        assert_eq!(entries(&gateway.redis, &format!("grants:{owner}")), [&*id], "{owner}");
    }
    assert_eq!(entries(&gateway.redis, &format!("tokens:{{{id}}}")).len(), 1);
    gateway.revoke("alice").await;
    for kind in ["grant", "access", "tokens", "session", "approval", "code", "answer", "grants"] {
        let left = gateway.redis.cli(&["KEYS", &format!("mcpgw:{kind}:*")]);
        let left = left.lines().filter(|key| !key.is_empty() && *key != "mcpgw:grants:days");
        assert_eq!(left.count(), 0, "{kind}");
    }
}

/// The `jti` of a token names its grant, and the id of a grant its generation.
#[tokio::test]
async fn a_token_is_found_by_its_name_alone() {
    let gateway = Gateway::start();
    let app = gateway.app().await;
    gateway.revoke("nobody").await;
    gateway.revoke("nobody").await;
    let access = gateway.tokens(&app, "alice", TIME).await.text("access_token");
    let claims = crate::forger::parts(&access)[1].clone();
    let grant = Identifier::parsed(claims["grant_id"].as_str().unwrap());
    assert_eq!(Generation::of_grant(&grant), Generation(4));
    let jti = Identifier::parsed(claims["jti"].as_str().unwrap());
    assert_eq!(jti.grant_of_token(), Some(grant));
}
