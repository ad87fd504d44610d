//! What becomes a grant while everything is revoked: it is found and ends, or it finds out itself. Below
//! HTTP where that can be, over two instances of the program that share one Redis.

use std::time::Duration;

use auth_service::{
    config::RedisConfig,
    model::{
        AuthorizationRequest, ClientId, Clock, Device, DeviceCode, DeviceDecision, DeviceRecord,
        Grant, Reply, UnixTime, UserCode,
    },
    oauth::{AuthServer, Params},
    store::{Redemption, Selection, Store},
};
use futures_util::future::join_all;
use gateway_tests::{browser::Browser, link::Link, pkce};

use crate::{
    rfc6749_races::issued,
    session::{code, log_in, named_app, url, web_app},
    support::{App, Gateway, TIME, grants},
};

/// How many are under way while one revocation runs.
const AT_ONCE: usize = 40;

/// In each the revocation comes some later.
const ROUNDS: u64 = 6;

/// Revokes everything at a moment at which some of `tries` have begun. Until that is done they are held
/// up at whatever they say to Redis, over `link`.
async fn revoke_during<F: Future>(
    round: u64,
    (gateway, link): (&Gateway, &Link),
    tries: impl IntoIterator<Item = F>,
) -> Vec<F::Output> {
    let operator = Store::open(&RedisConfig::parse(&gateway.redis.url()).unwrap()).unwrap();
    let in_turn = tries.into_iter().zip(0..).map(|(begun, turn)| async move {
        tokio::time::sleep(Duration::from_millis(turn)).await;
        begun.await
    });
    let revocation = async {
        tokio::time::sleep(Duration::from_millis(15 + 8 * round)).await;
        link.stall();
        operator.maintenance.revoke(&Selection::All, gateway.clock.now(), None).await.unwrap();
        link.mend();
    };
    tokio::join!(join_all(in_turn), revocation).0
}

/// A device code that alice has allowed, and the form that redeems it.
async fn allow_device(server: &AuthServer, client: &ClientId) -> String {
    let (now, code) = (server.core.clock.now(), DeviceCode::generate().unwrap());
    let shown = UserCode::for_typing().unwrap();
    let device = Device { code: code.fingerprint(), user_code: shown.reveal().to_owned() };
    let (_, like, _) = issued(client, now);
    let request = AuthorizationRequest { reply: Reply::Device(device), ..like.request };
    let end = UnixTime(now.0 + 600);
    let generation = server.core.store.grants.generation().await.unwrap();
    let record = DeviceRecord { request, generation, expires_at: end, kept_until: end };
    let names = (&code.fingerprint(), &shown);
    assert!(server.core.store.devices.put_device(names, &record, now).await.unwrap());
    let decision = DeviceDecision {
        user: Some(like.user),
        request: None,
        by: None,
        generation,
        expires_at: end,
    };
    assert!(server.core.store.devices.decide_device(names, &decision, now, None).await.unwrap());
    format!("device_code={}", code.reveal())
}

/// The access token, if there is any.
async fn redeem(server: &AuthServer, client: &ClientId, form: &str) -> Option<String> {
    let client = server.core.store.clients.client(client, server.core.clock.now()).await.ok()??;
    let params = Params::parse(form.as_bytes());
    let tokens = match params.one("device_code").unwrap() {
        Some(_) => {
            server
                .tokens
                .redeem_device_code(&client, &params, &auth_service::model::Caller::default())
                .await
        }
        None => {
            server
                .tokens
                .redeem_code(&client, &params, &auth_service::model::Caller::default())
                .await
        }
    };
    let tokens = serde_json::to_value(tokens.ok()?).unwrap();
    Some(tokens["access_token"].as_str()?.to_owned())
}

/// The code was read before the revocation, and comes to be redeemed after it.
#[tokio::test]
async fn a_code_that_was_read_before_is_not_redeemed_after() {
    let gateway = Gateway::start();
    let client = ClientId::parsed(&gateway.app().await.id);
    let server = gateway.instance();
    let now = server.core.clock.now();
    for is_revoked in [false, true] {
        let (code, record, _) = issued(&client, now);
        server.core.store.grants.put_code(&code, &record, now, None).await.unwrap();
        if is_revoked {
            server.core.store.maintenance.revoke(&Selection::All, now, None).await.unwrap();
        }
        let grant = Grant {
            id: record.grant,
            user: record.user,
            client_id: record.request.client_id,
            client_name: record.request.client_name,
            resources: record.request.resources,
            scopes: record.request.scopes,
            created_at: now,
            expires_at: UnixTime(now.0 + 3600),
            ends_at: None,
        };
        let redeemed = server
            .core
            .store
            .grants
            .redeem_code(
                &code,
                (&grant, &grant.id),
                now,
                &auth_service::store::RedemptionEntries::default(),
            )
            .await
            .unwrap();
        let expected = if is_revoked { Redemption::Revoked } else { Redemption::Granted };
        assert_eq!(redeemed, expected);
        let grants = grants(&gateway).await;
        assert_eq!(grants.len(), usize::from(!is_revoked));
    }
}

/// Codes and device codes, redeemed meanwhile.
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn nothing_redeemed_during_a_revocation_outlives_it() {
    let (gateway, link) = Gateway::over_a_link();
    let client = ClientId::parsed(&gateway.app().await.id);
    let servers = [gateway.instance(), gateway.instance()];
    let (by_code, by_device) = redeem_both(&servers[0], &client).await.await;
    for undisturbed in [by_code, by_device] {
        assert_eq!(gateway.verify(TIME, &undisturbed.unwrap()).await.status, 200);
    }
    for round in 0..ROUNDS {
        let mut tries = Vec::new();
        for turn in 0..AT_ONCE {
            tries.push(redeem_both(&servers[turn % 2], &client).await);
        }
        let tokens = revoke_during(round, (&gateway, &link), tries).await;
        for token in tokens.into_iter().flat_map(|(one, other)| [one, other]).flatten() {
            let refused = gateway.verify(TIME, &token).await;
            assert_eq!(refused.error(), (401, "invalid_token"));
        }
    }
}

/// Makes a code and a device code; what is answered redeems them.
async fn redeem_both(
    server: &AuthServer,
    client: &ClientId,
) -> impl Future<Output = (Option<String>, Option<String>)> {
    let now = server.core.clock.now();
    let (code, mut record, by_code) = issued(client, now);
    // As the current generation has it: what is revoked while these are redeemed ends them.
    record.grant = server.core.store.grants.generation().await.unwrap().grant_id().unwrap();
    server.core.store.grants.put_code(&code, &record, now, None).await.unwrap();
    let by_device = allow_device(server, client).await;
    // Boxed, since forty of them are large.
    Box::pin(async move {
        tokio::join!(redeem(server, client, &by_code), redeem(server, client, &by_device))
    })
}

/// A login that is revoked gives no code any more: not without a page, nor by a click on one that was
/// open, not even one that is being made. What was allowed by such a click is not remembered.
#[tokio::test]
async fn a_code_made_by_a_login_that_ends_meanwhile_is_worth_nothing() {
    let (gateway, link) = Gateway::over_a_link();
    let (app, other) = (web_app(&gateway).await, named_app(&gateway, "Another").await);
    let redeem = async |(code, verifier): (String, String)| {
        let by = [("grant_type", "authorization_code"), ("client_id", &app.id)];
        let what = [("code", code.as_str()), ("code_verifier", &verifier)];
        gateway.post("/token", &[by, what].concat()).await
    };
    for (round, by_click) in (0..ROUNDS).flat_map(|round| [(round, false), (round, true)]) {
        let mut browser = gateway.browser();
        log_in(&gateway, &mut browser, &app).await;
        let mut tries = Vec::new();
        for _ in 0..=AT_ONCE {
            tries.push(tab(&gateway, &browser, &app, by_click).await);
        }
        let undisturbed = tries.pop().unwrap().await.unwrap();
        assert_eq!(redeem(undisturbed).await.status, 200);
        let codes = revoke_during(round, (&gateway, &link), tries).await;
        for code in codes.into_iter().flatten() {
            assert_eq!(redeem(code).await.error(), (400, "invalid_grant"), "click: {by_click}");
        }
        let mut later = gateway.browser();
        log_in(&gateway, &mut later, &other).await;
        assert_eq!(later.get(&url(&app, &[])).await.status, 200, "asked anew, click: {by_click}");
    }
}

/// One more tab of `browser`; what is answered asks for a code and its verifier, `by_click` on a page
/// that is open already.
async fn tab(
    gateway: &Gateway,
    browser: &Browser,
    app: &App,
    by_click: bool,
) -> impl Future<Output = Option<(String, String)>> {
    let mut tab = gateway.browser();
    tab.cookies.clone_from(&browser.cookies);
    let (verifier, challenge) = pkce::pair();
    let mut url = url(app, &[("code_challenge", &challenge)]);
    let mut open = None;
    if by_click {
        url.query_pairs_mut().append_pair("prompt", "consent");
        open = Some(tab.get(&url).await);
    }
    async move {
        let done = match open {
            Some(page) => tab.decide(&page, "allow", "").await,
            None => tab.get(&url).await,
        };
        code(&done).map(|code| (code, verifier))
    }
}
