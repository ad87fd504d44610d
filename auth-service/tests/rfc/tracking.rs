//! Revocation by somebody else holds at once, whatever becomes of the link to Redis (RFC 7009 §2:
//! "the invalidation takes place immediately").

use std::time::{Duration, Instant};

use auth_service::{
    config::RedisConfig,
    model::{Clock, Identifier},
    store::{Selection, Store},
};
use gateway_tests::link::Link;

use crate::support::{App, Gateway, TIME};

/// For how long it may go unnoticed that a link carries nothing: the lease of `store/tracking.rs`, and
/// what a busy machine adds to it.
const UNNOTICED: Duration = Duration::from_millis(350 + 150);

struct Scene {
    gateway: Gateway,
    link: Link,
    /// The operator, at Redis itself.
    operator: Store,
    app: App,
}

/// A token, and when it was revoked.
struct Token {
    text: String,
    jti: Identifier,
    revoked: Option<Instant>,
}

impl Scene {
    async fn start() -> Self {
        let (gateway, link) = Gateway::over_a_link();
        let operator = Store::open(&RedisConfig { url: gateway.redis.url().into() }).unwrap();
        let app = gateway.app().await;
        Self { gateway, link, operator, app }
    }

    async fn token(&self) -> Token {
        let text = self.gateway.tokens(&self.app, "alice", TIME).await.text("access_token");
        let jti = crate::forger::parts(&text)[1]["jti"].as_str().unwrap().to_owned();
        Token { text, jti: Identifier::parsed(&jti), revoked: None }
    }

    async fn revoke(&self, token: &mut Token) {
        let what = Selection::Jti(token.jti.clone());
        let ended = self.operator.revoke(&what, self.gateway.clock.now()).await;
        assert_eq!(ended.unwrap(), 1);
        token.revoked = Some(Instant::now());
    }

    async fn status(&self, token: &Token) -> u16 {
        self.gateway.verify(TIME, &token.text).await.status
    }

    /// Waits until tokens that hold are taken again.
    async fn mend(&self, token: &Token) {
        self.link.mend();
        let deadline = Instant::now() + Duration::from_secs(20);
        while self.status(token).await != 200 {
            assert!(Instant::now() < deadline, "the link works and the token is not taken");
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    }
}

/// Pseudo-random steps, the same in every run.
struct Dice(u64);

impl Dice {
    fn roll(&mut self, sides: u64) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0 % sides
    }
}

/// While Redis can tell of changes nobody asks it.
#[tokio::test]
async fn a_token_that_was_seen_costs_no_question() {
    let scene = Scene::start().await;
    let token = scene.token().await;
    let commands = || {
        let stats = scene.gateway.redis.cli(&["info", "commandstats"]);
        let line = stats.lines().find(|line| line.starts_with("cmdstat_exists:"));
        line.and_then(|line| line.split(['=', ',']).nth(1)?.parse().ok()).unwrap_or(0_u64)
    };
    let deadline = Instant::now() + Duration::from_secs(20);
    loop {
        let before = commands();
        for _ in 0..20 {
            assert_eq!(scene.status(&token).await, 200);
        }
        if commands() == before {
            return;
        }
        assert!(Instant::now() < deadline, "redis is asked each time");
    }
}

/// The history of random cuts and revocations against the model: what was revoked is never taken,
/// what was not is never refused.
#[tokio::test]
async fn no_revoked_token_is_taken_whatever_happens_to_the_link() {
    let scene = Scene::start().await;
    let holds = scene.token().await;
    let mut tokens = Vec::new();
    for _ in 0..12 {
        tokens.push(scene.token().await);
    }
    let mut dice = Dice(0x9E37_79B9_7F4A_7C15);
    let (mut taken, mut refused, mut unknown) = (0, 0, 0);
    for step in 0..400 {
        match dice.roll(16) {
            0 => scene.link.cut(),
            1 | 2 => scene.mend(&holds).await,
            3 if step % 3 == 0 => {
                if let Some(token) = tokens.iter_mut().find(|token| token.revoked.is_none()) {
                    scene.revoke(token).await;
                }
            }
            _ => {
                let at = usize::try_from(dice.roll(tokens.len() as u64)).unwrap();
                let asked = Instant::now();
                match (scene.status(&tokens[at]).await, tokens[at].revoked) {
                    (200, None) => taken += 1,
                    (401, Some(_)) => refused += 1,
                    (503, _) => unknown += 1,
                    // The cut of a moment ago may not have been looked at yet.
                    (200, Some(revoked)) if asked < revoked + UNNOTICED => {}
                    other => panic!("step {step}: {other:?}"),
                }
            }
        }
    }
    scene.mend(&holds).await;
    for token in &tokens {
        let expected = if token.revoked.is_some() { 401 } else { 200 };
        assert_eq!(scene.status(token).await, expected);
    }
    assert!(taken > 10 && refused > 10 && unknown > 10, "{taken} {refused} {unknown}");
}

/// A link that swallows what it is given is not taken for silence for longer than the lease.
#[tokio::test]
async fn a_stalled_link_is_noticed() {
    let scene = Scene::start().await;
    let mut token = scene.token().await;
    scene.mend(&token).await;
    scene.link.stall();
    scene.revoke(&mut token).await;
    let revoked = Instant::now();
    loop {
        let asked = Instant::now();
        match scene.status(&token).await {
            200 => assert!(asked < revoked + UNNOTICED, "taken {:?} later", asked - revoked),
            503 => break,
            other => panic!("{other}"),
        }
    }
    scene.link.mend();
    let deadline = Instant::now() + Duration::from_secs(20);
    while scene.status(&token).await != 401 {
        assert!(Instant::now() < deadline, "the link works and the token is not refused");
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
}
