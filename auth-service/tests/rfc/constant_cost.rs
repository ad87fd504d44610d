//! What an act costs follows what it is about, and not how much there is. Counted in commands of Redis.

use auth_service::{
    config::RedisConfig,
    model::{ClientId, Identifier, ResourceUri},
    store::{Filter, Selection, Store},
};
use gateway_tests::redis::Redis;

use crate::made_up::{MadeUp, NOW, SERVERS, commands};

/// The grants of each person and of each client.
const EACH: usize = 10;

/// A Redis with so many grants, and what reaches it.
struct Scene {
    redis: Redis,
    store: Store,
}

impl Scene {
    async fn of(grants: usize) -> Self {
        let redis = Redis::start();
        let store = Store::open(&RedisConfig::parse(&redis.url()).unwrap()).unwrap();
        MadeUp::restore(&store, grants, grants / EACH).await;
        Self { redis, store }
    }

    /// The commands that `act` takes.
    async fn cost<T>(&self, act: impl Future<Output = T>) -> (T, Vec<(String, u64)>) {
        self.redis.cli(&["CONFIG", "RESETSTAT"]);
        let done = act.await;
        let commands = commands(&self.redis);
        for (name, _) in &commands {
            assert!(!["scan", "keys", "zscan", "sscan", "hscan"].contains(&&**name), "{name}");
        }
        (done, commands)
    }

    async fn revoke(&self, what: &Selection) -> (usize, u64) {
        let (ended, commands) = self.cost(self.store.maintenance.revoke(what, NOW, None)).await;
        (ended.unwrap().grants, commands.iter().map(|(_, calls)| calls).sum())
    }
}

/// Each way to revoke ten grants, or one, takes as many commands among 20,000 as among 1,000.
#[tokio::test]
async fn a_revocation_costs_the_same_whatever_there_is() {
    let (few, many) = (Scene::of(1_000).await, Scene::of(20_000).await);
    let token = MadeUp::all(100, 100).nth(50).unwrap();
    let selections = [
        Selection::User("user1".into()),
        Selection::User("local:user2".into()),
        Selection::Client(ClientId::parsed("client3")),
        Selection::UserAtClient("user4".into(), ClientId::parsed("client4")),
        Selection::Grant(Identifier::parsed("grant-5")),
        Selection::Jti(Identifier::parsed(&token.jti())),
        Selection::Before(NOW),
        Selection::User("nobody".into()),
    ];
    // Connections are made, and scripts loaded.
    for scene in [&few, &many] {
        scene.revoke(&Selection::Client(ClientId::parsed("client9"))).await;
    }
    for what in selections {
        let among_few = few.revoke(&what).await;
        assert_eq!(among_few, many.revoke(&what).await, "{what:?}");
        let expected = match what {
            Selection::Grant(_) | Selection::Jti(_) => 1,
            Selection::Before(_) => 0,
            Selection::User(name) if name == "nobody" => 0,
            _ => EACH,
        };
        assert_eq!(among_few.0, expected);
        assert!(among_few.1 < 150, "{among_few:?}");
    }
}

/// What has many grants is revoked as fast. Their deletion follows in parts.
#[tokio::test]
async fn a_revocation_of_very_many_does_not_wait_for_their_deletion() {
    for what in [Selection::Server(ResourceUri::parse(SERVERS[0]).unwrap()), Selection::All] {
        let scene = Scene::of(20_000).await;
        let (ended, _) = scene.cost(scene.store.maintenance.revoke(&what, NOW, None)).await;
        let ended = ended.unwrap();
        assert!(ended.left > 0, "{ended:?}");
        let all = Filter::default();
        let left = scene.store.maintenance.grants(&all, None, (100, NOW)).await.unwrap().entries;
        let of_all = matches!(what, Selection::All);
        assert_eq!(left.is_empty(), of_all, "what is not deleted yet is not listed, either");
        assert!(left.iter().all(|entry| entry.grant.resources[0].as_str() == SERVERS[1]));
    }
}

/// So do lists: of one person, and the first page of all.
#[tokio::test]
async fn a_list_costs_the_same_whatever_there_is() {
    let (few, many) = (Scene::of(1_000).await, Scene::of(20_000).await);
    let user = Filter { user: Some("user1".into()), ..Filter::default() };
    let client = Filter { client: Some(ClientId::parsed("client1")), ..Filter::default() };
    for (filter, expected) in [(user, EACH), (client, EACH), (Filter::default(), 100)] {
        let mut costs = Vec::new();
        for scene in [&few, &many] {
            let list = scene.store.maintenance.grants(&filter, None, (100, NOW));
            let (page, commands) = scene.cost(list).await;
            let page = page.unwrap();
            assert_eq!((page.entries.len(), page.next.is_some()), (expected, expected == 100));
            assert!(page.entries.iter().all(|entry| entry.tokens.len() == 1));
            costs.push(commands);
        }
        assert_eq!(costs[0], costs[1], "{filter:?}");
    }
}
