//! Records of a version without indexes: they open what they opened, are revoked like others, and get
//! indexed, whatever interrupts that.

use std::time::{Duration, Instant};

use auth_service::{
    config::RedisConfig,
    model::{ClientId, Identifier, ResourceUri},
    store::{Filter, Selection, Store},
};
use gateway_tests::redis::Redis;

use crate::{
    made_up::{MadeUp, NOW},
    support::{Gateway, TIME, grants},
};

fn store(redis: &Redis) -> Store {
    Store::open(&RedisConfig::parse(&redis.url()).unwrap()).unwrap()
}

async fn is_live(store: &Store, one: &MadeUp) -> bool {
    store.grants.is_live(one.grant(), Identifier::parsed(&one.jti())).await.unwrap()
}

async fn listed(store: &Store) -> usize {
    let all = Filter::default();
    store.maintenance.grants(&all, None, (10_000, NOW)).await.unwrap().entries.len()
}

/// Keeps house until all is indexed, or for so long.
async fn keep_house(store: &Store, longest: Duration) {
    let indexed = async {
        while !store.maintenance.is_indexed().await.unwrap() {
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
    };
    tokio::select! {
        () = store.maintenance.keep_house(|| NOW) => {}
        () = indexed => {}
        () = tokio::time::sleep(longest) => {}
    }
}

/// All index entries, with their scores.
fn indexes(redis: &Redis) -> Vec<String> {
    let script = "local all = {} \
        for _, kind in ipairs({'grants:*', 'others:*', 'tokens:*', 'subjects:*'}) do \
            for _, key in ipairs(redis.call('KEYS', 'mcpgw:' .. kind)) do \
                local entries = redis.call('ZRANGE', key, 0, -1, 'WITHSCORES') \
                table.insert(all, key .. ' ' .. table.concat(entries, ' ')) \
            end \
        end \
        table.sort(all) return all";
    redis.cli(&["EVAL", script, "0"]).lines().map(str::to_owned).collect()
}

/// Interrupted anywhere, begun again, and repeated, it comes to what one pass comes to; so does a restore.
#[tokio::test]
async fn records_without_entries_are_indexed_whatever_interrupts_it() {
    let redis = Redis::start();
    let (count, people) = (1_500, 30);
    let entries: Vec<_> = MadeUp::all(count, people).flat_map(|one| one.records()).collect();
    for entries in entries.chunks(500) {
        let mut set = vec!["MSET".to_owned()];
        set.extend(entries.iter().flat_map(|(key, value)| [key.clone(), value.to_string()]));
        redis.cli(&set.iter().map(String::as_str).collect::<Vec<_>>());
    }
    let first = store(&redis);
    assert_eq!(listed(&first).await, 0);
    // The lease of one that was interrupted would be waited for.
    for pause in [1, 3, 6, 10, 20] {
        keep_house(&store(&redis), Duration::from_millis(pause)).await;
        redis.cli(&["DEL", "mcpgw:sweeping"]);
    }
    keep_house(&first, Duration::from_mins(1)).await;
    assert!(first.maintenance.is_indexed().await.unwrap());
    assert_eq!(listed(&first).await, count);
    let once = indexes(&redis);
    redis.cli(&["DEL", "mcpgw:indexed"]);
    keep_house(&store(&redis), Duration::from_mins(1)).await;
    assert_eq!(indexes(&redis), once);
    let restored = Redis::start();
    MadeUp::restore(&store(&restored), count, people).await;
    assert_eq!(indexes(&restored), once);
    // A token whose name does not name its grant is found, too.
    let jti = Selection::Jti(Identifier::parsed("jti-7"));
    for store in [&first, &store(&restored)] {
        assert_eq!(store.maintenance.revoke(&jti, NOW, None).await.unwrap().grants, 1);
    }
}

/// What has no index entry yet is revoked all the same, and deleted when it is met.
#[tokio::test]
async fn an_old_record_is_revoked_before_it_is_indexed() {
    let redis = Redis::start();
    let store = store(&redis);
    for (number, what) in [
        Selection::User("user0".into()),
        Selection::Client(ClientId::parsed("client1")),
        Selection::UserAtClient("user2".into(), ClientId::parsed("client2")),
        Selection::Server(ResourceUri::parse(crate::made_up::SERVERS[1]).unwrap()),
        Selection::Before(auth_service::model::UnixTime(NOW.0 + 1)),
    ]
    .into_iter()
    .enumerate()
    {
        let one = MadeUp::all(5, 5).nth(number).unwrap();
        one.write(&redis);
        assert!(is_live(&store, &one).await || number == 3, "{what:?}");
        store.maintenance.revoke(&what, NOW, None).await.unwrap();
        assert!(!is_live(&store, &one).await, "{what:?}");
        assert!(store.grants.grant(&one.grant(), NOW).await.unwrap().is_none(), "{what:?}");
    }
    keep_house(&store, Duration::from_mins(1)).await;
    assert_eq!(redis.cli(&["KEYS", "mcpgw:grant:*"]).trim(), "");
}

/// An instance does it by itself, soon after its start, and takes what another one has left in the queue.
#[tokio::test]
async fn an_instance_indexes_and_deletes_by_itself() {
    let redis = Redis::start();
    let count = 3_000;
    let other = store(&redis);
    MadeUp::restore(&other, count, 1).await;
    redis.cli(&["FLUSHALL"]);
    for one in MadeUp::all(40, 4) {
        one.write(&redis);
    }
    let gateway = Gateway::beside(redis, &[]);
    until(async || grants(&gateway).await.len() == 40).await;
    let store = Store::open(&gateway.config.redis).unwrap();
    MadeUp::restore(&store, count, 1).await;
    let ended =
        store.maintenance.revoke(&Selection::User("user0".into()), NOW, None).await.unwrap();
    assert!(ended.left > 0, "{ended:?}");
    until(async || gateway.redis.cli(&["ZCARD", "mcpgw:sweeps"]).trim() == "0").await;
    assert_eq!(gateway.redis.cli(&["KEYS", "mcpgw:grant:*"]).trim(), "");
}

async fn until(done: impl AsyncFn() -> bool) {
    let deadline = Instant::now() + Duration::from_mins(1);
    while !done().await {
        assert!(Instant::now() < deadline, "it is not done");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}

/// What this version writes is read by the one before: no member is missing, and ids are texts.
#[tokio::test]
async fn a_grant_has_what_the_earlier_version_reads() {
    let gateway = Gateway::start();
    gateway.revoke("nobody").await;
    let app = gateway.app().await;
    gateway.tokens(&app, "alice", TIME).await;
    let id = grants(&gateway).await[0].grant.id.clone();
    let text = gateway.redis.cli(&["GET", &format!("mcpgw:grant:{{{id}}}")]);
    let grant: serde_json::Value = serde_json::from_str(&text).unwrap();
    let members: Vec<&String> = grant.as_object().unwrap().keys().collect();
    let expected = [
        "client_id",
        "client_name",
        "created_at",
        "expires_at",
        "id",
        "resources",
        "scopes",
        "user",
    ];
    assert_eq!(members, expected);
}
