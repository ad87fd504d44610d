//! Requests that ask Redis at the same time whether their tokens live ask together, and each gets the
//! answer that is its own.

use auth_service::{config::RedisConfig, model::Identifier, store::Store};
use futures_util::{FutureExt as _, future::join_all};
use gateway_tests::{link::Link, redis::Redis};

/// Token `number` of a scene.
fn ids(number: usize) -> (Identifier, Identifier) {
    (Identifier::parsed(&format!("g{number}")), Identifier::parsed(&format!("j{number}")))
}

/// Puts the records of token `number` there, or one of them.
fn put(redis: &Redis, number: usize, grant: bool, access: bool) {
    let keys =
        [format!("mcpgw:grant:{{g{number}}}"), format!("mcpgw:access:{{g{number}}}:j{number}")];
    for (key, wanted) in keys.iter().zip([grant, access]) {
        if wanted {
            redis.cli(&["set", key, "{}"]);
        }
    }
}

fn commands(redis: &Redis) -> usize {
    let stats = redis.cli(&["info", "commandstats"]);
    let line = stats.lines().find(|line| line.starts_with("cmdstat_exists:"));
    line.and_then(|line| line.split(['=', ',']).nth(1)?.parse().ok()).unwrap_or(0)
}

fn store(url: &str) -> Store {
    Store::open(&RedisConfig::parse(url).unwrap()).unwrap()
}

async fn is_live(store: &Store, number: usize) -> Option<bool> {
    let (grant, jti) = ids(number);
    store.grants.is_live(grant, jti).await.ok()
}

async fn all_live(store: &Store, numbers: impl IntoIterator<Item = usize>) -> Vec<Option<bool>> {
    join_all(numbers.into_iter().map(|number| is_live(store, number))).await
}

#[tokio::test]
async fn each_gets_its_own_answer() {
    let redis = Redis::start();
    for number in 0..40 {
        // Some without their grant, some that were revoked themselves.
        put(&redis, number, number % 5 != 0, number % 7 != 0);
    }
    let store = store(&redis.url());
    for _ in 0..20 {
        let expected: Vec<_> =
            (0..40).map(|number| Some(number % 5 != 0 && number % 7 != 0)).collect();
        assert_eq!(all_live(&store, 0..40).await, expected);
        // And where all of them live, one more than once.
        assert_eq!(all_live(&store, [1, 2, 1, 3]).await, [Some(true); 4]);
        assert_eq!(all_live(&store, [1, 5]).await, [Some(true), Some(false)]);
        assert_eq!(all_live(&store, [35]).await, [Some(false)]);
    }
}

#[tokio::test]
async fn they_cost_one_question() {
    let redis = Redis::start();
    (0..40).for_each(|number| put(&redis, number, true, true));
    let store = store(&redis.url());
    assert_eq!(is_live(&store, 0).await, Some(true));
    let before = commands(&redis);
    assert_eq!(all_live(&store, 0..40).await, [Some(true); 40]);
    assert_eq!(commands(&redis) - before, 1);
    assert_eq!(store.liveness_lookups(), 41);
}

#[tokio::test]
async fn who_asked_first_may_go_away() {
    let redis = Redis::start();
    (0..3).for_each(|number| put(&redis, number, true, true));
    let store = store(&redis.url());
    let first = is_live(&store, 0).now_or_never();
    assert_eq!(first, None, "it waits for redis");
    assert_eq!(all_live(&store, [1, 2]).await, [Some(true); 2]);
}

#[tokio::test]
async fn nobody_hears_that_a_token_lives_if_redis_does_not_say_so() {
    let redis = Redis::start();
    (0..40).for_each(|number| put(&redis, number, true, true));
    let link = Link::to(redis.socket());
    let store = store(&link.url());
    assert_eq!(all_live(&store, 0..40).await, [Some(true); 40]);
    link.stall();
    assert_eq!(all_live(&store, 0..40).await, [None; 40]);
    link.cut();
    assert_eq!(all_live(&store, 0..40).await, [None; 40]);
}
