//! Revocation by somebody else holds at once, whatever becomes of the link to Redis (RFC 7009 §2:
//! "the invalidation takes place immediately").

use std::time::{Duration, Instant};

use auth_service::{
    config::RedisConfig,
    model::{ClientId, Clock, Identifier, RegistrationToken},
    oauth::Params,
    store::{Selection, Store},
};
use gateway_tests::link::Link;
use serde_json::json;
use tokio::time::timeout;

use crate::support::{App, CALLBACK, Gateway, TIME};

struct Scene {
    gateway: Gateway,
    link: Link,
    /// The operator, at Redis itself.
    operator: Store,
    app: App,
}

struct Token {
    text: String,
    jti: Identifier,
    is_revoked: bool,
}

impl Token {
    fn of(text: String) -> Self {
        let jti = crate::forger::parts(&text)[1]["jti"].as_str().unwrap().to_owned();
        Self { text, jti: Identifier::parsed(&jti), is_revoked: false }
    }
}

impl Scene {
    async fn start() -> Self {
        let (gateway, link) = Gateway::over_a_link();
        let operator = Store::open(&RedisConfig::parse(&gateway.redis.url()).unwrap()).unwrap();
        let app = gateway.app().await;
        Self { gateway, link, operator, app }
    }

    async fn token(&self) -> Token {
        Token::of(self.gateway.tokens(&self.app, "alice", TIME).await.text("access_token"))
    }

    async fn revoke(&self, token: &mut Token) {
        let what = Selection::Jti(token.jti.clone());
        let ended = self.operator.maintenance.revoke(&what, self.gateway.clock.now(), None).await;
        assert_eq!(ended.unwrap().grants, 1);
        token.is_revoked = true;
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

    /// Waits until a token that holds is taken without a question to Redis.
    async fn await_cached(&self, token: &Token) {
        let commands = || {
            let stats = self.gateway.redis.cli(&["info", "commandstats"]);
            let line = stats.lines().find(|line| line.starts_with("cmdstat_exists:"));
            line.and_then(|line| line.split(['=', ',']).nth(1)?.parse().ok()).unwrap_or(0_u64)
        };
        let deadline = Instant::now() + Duration::from_secs(20);
        loop {
            let before = commands();
            for _ in 0..20 {
                assert_eq!(self.status(token).await, 200);
            }
            if commands() == before {
                return;
            }
            assert!(Instant::now() < deadline, "redis is asked each time");
        }
    }
}

/// A client, and the token with which it manages its registration.
async fn registered(gateway: &Gateway) -> (App, RegistrationToken) {
    let metadata = json!({
        "redirect_uris": [CALLBACK],
        "software_id": gateway_tests::pkce::pair().0,
        "token_endpoint_auth_method": "none",
    });
    let answer = gateway.register(metadata).await;
    let token = RegistrationToken::presented(answer.text("registration_access_token"));
    (App { id: answer.text("client_id"), secret: None }, token)
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
    scene.await_cached(&token).await;
}

/// The history of random cuts and revocations against the model: what was revoked is never taken,
/// what was not is never refused.
#[tokio::test]
async fn no_revoked_token_is_taken_whatever_happens_to_the_link() {
    // They wait most of the time.
    tokio::join!(
        history(Dice(0x9E37_79B9_7F4A_7C15)),
        history(Dice(0xD1B5_4A32_D192_ED03)),
        history(Dice(0x94D0_49BB_1331_11EB)),
    );
}

async fn history(mut dice: Dice) {
    let scene = Scene::start().await;
    let holds = scene.token().await;
    let mut tokens = Vec::new();
    for _ in 0..16 {
        tokens.push(scene.token().await);
    }
    let (mut taken, mut refused, mut unknown) = (0, 0, 0);
    for step in 0..400 {
        let roll = dice.roll(18);
        match roll {
            0 => scene.link.cut(),
            1 | 2 => scene.mend(&holds).await,
            // One of them carries the word of Redis, another one the questions.
            3 => scene.link.cut_one(dice.roll(64)),
            4 | 5 if step % 3 == 0 => {
                let living = tokens.iter_mut().find(|token| !token.is_revoked);
                let Some(chosen) = living else { continue };
                if roll == 5 {
                    scene.link.stall();
                }
                scene.revoke(chosen).await;
                let status = scene.status(chosen).await;
                assert!([401, 503].contains(&status), "step {step}: {status}");
                if roll == 5 {
                    scene.mend(&holds).await;
                }
            }
            _ => {
                let at = usize::try_from(dice.roll(tokens.len() as u64)).unwrap();
                match (scene.status(&tokens[at]).await, tokens[at].is_revoked) {
                    (200, false) => taken += 1,
                    (401, true) => refused += 1,
                    (503, _) => unknown += 1,
                    other => panic!("step {step}: {other:?}"),
                }
            }
        }
    }
    scene.mend(&holds).await;
    for token in &tokens {
        let expected = if token.is_revoked { 401 } else { 200 };
        assert_eq!(scene.status(token).await, expected);
    }
    assert!(taken > 10 && refused > 10 && unknown > 10, "{taken} {refused} {unknown}");
}

/// A link that swallows what it is given is not taken for silence for longer than a revocation takes.
#[tokio::test]
async fn a_stalled_link_is_noticed() {
    let scene = Scene::start().await;
    let mut token = scene.token().await;
    scene.mend(&token).await;
    scene.link.stall();
    scene.revoke(&mut token).await;
    assert_eq!(scene.status(&token).await, 503);
    scene.link.mend();
    let deadline = Instant::now() + Duration::from_secs(20);
    while scene.status(&token).await != 401 {
        assert!(Instant::now() < deadline, "the link works and the token is not refused");
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
}

/// RFC 7009 `/revoke` and RFC 7592 DELETE at one instance are answered once another one, which nobody can
/// reach with an invalidation, has stopped trusting what it knows.
#[tokio::test]
async fn what_a_client_revokes_elsewhere_is_refused_behind_a_stalled_link() {
    let scene = Scene::start().await;
    let direct = RedisConfig::parse(&scene.gateway.redis.url()).unwrap();
    let near = scene.gateway.instance_with(|core| core.store = Store::open(&direct).unwrap());
    let holds = scene.token().await;
    for how in ["access_token", "refresh_token", "again", "registration"] {
        let (app, secret) = registered(&scene.gateway).await;
        let answer = scene.gateway.tokens(&app, "alice", TIME).await;
        let token = Token::of(answer.text("access_token"));
        scene.await_cached(&token).await;
        let id = ClientId::parsed(&app.id);
        let now = near.core.clock.now();
        let client = near.core.store.clients.client(&id, now).await.unwrap().unwrap();
        let revoked = match how {
            "refresh_token" => answer.text("refresh_token"),
            _ => token.text.clone(),
        };
        let form = format!("token={revoked}");
        let params = Params::parse(form.as_bytes());
        scene.link.stall();
        match how {
            "registration" => near
                .clients
                .delete_registration(&id, &secret, &auth_service::model::Caller::default())
                .await
                .unwrap(),
            // The answer to the first request was lost.
            "again" => {
                let caller = auth_service::model::Caller::default();
                let first = near.tokens.revoke(&client, &params, &caller);
                assert!(timeout(Duration::from_millis(100), first).await.is_err());
                near.tokens
                    .revoke(&client, &params, &auth_service::model::Caller::default())
                    .await
                    .unwrap();
            }
            _ => near
                .tokens
                .revoke(&client, &params, &auth_service::model::Caller::default())
                .await
                .unwrap(),
        }
        assert_eq!(scene.status(&token).await, 503, "{how}");
        scene.mend(&holds).await;
    }
}
