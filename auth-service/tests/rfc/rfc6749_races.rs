//! RFC 6749 §4.1.2, §10.5: one code, twenty redemptions at once, over and over. Below HTTP, so that
//! nothing but Redis puts the attempts in order; two instances of the program share them.

use std::sync::Arc;

use auth_service::{
    model::{
        AuthorizationCode, AuthorizationRequest, ClientId, Clock, CodeRecord, Identifier, Redirect,
        RedirectUri, Reply, ResourceUri, Scopes, UnixTime, User,
    },
    oauth::{AuthServer, BearerError, Error, GrantFault, Operation, Params, RequestTarget},
};
use futures_util::future::join_all;
use gateway_tests::pkce;
use serde_json::Value;
use url::form_urlencoded;

use crate::support::{CALLBACK, Gateway, TIME};

const AT_ONCE: usize = 20;

/// `RACE_REPETITIONS`, or as many as a run of all tests can wait for.
#[expect(clippy::disallowed_methods, reason = "how long a test runs is no setting of the program")]
fn repetitions() -> usize {
    std::env::var("RACE_REPETITIONS").map_or(100, |text| text.parse().unwrap())
}

/// A code as a login leaves it, and the form that redeems it.
pub(crate) fn issued(client: &ClientId, now: UnixTime) -> (AuthorizationCode, CodeRecord, String) {
    let (verifier, code_challenge) = pkce::pair();
    let code = AuthorizationCode::generate().unwrap();
    let redirect = Redirect { uri: RedirectUri::new(CALLBACK), state: None, code_challenge };
    let record = CodeRecord {
        request: AuthorizationRequest {
            client_id: client.clone(),
            client_name: "Test App".into(),
            resources: vec![ResourceUri::parse(TIME).unwrap()],
            scopes: Scopes::parse("mcp").unwrap(),
            reply: Reply::Redirect(redirect),
        },
        user: User { subject: "local:alice".into(), name: "alice".into(), email: None },
        grant: Identifier::generate().unwrap(),
        expires_at: UnixTime(now.0 + 60),
    };
    let form = form_urlencoded::Serializer::new(String::new())
        .extend_pairs([("code", code.reveal()), ("code_verifier", &verifier)])
        .extend_pairs([("redirect_uri", CALLBACK)])
        .finish();
    (code, record, form)
}

/// What `server` makes of `form`: tokens, or why there are none.
async fn redeem(
    server: Arc<AuthServer>,
    client: ClientId,
    form: String,
) -> Result<Value, GrantFault> {
    let now = server.core.clock.now();
    let client = server.core.store.clients.client(&client, now).await.unwrap().unwrap();
    match server
        .tokens
        .redeem_code(
            &client,
            &Params::parse(form.as_bytes()),
            &auth_service::model::Caller::default(),
        )
        .await
    {
        Ok(tokens) => Ok(serde_json::to_value(tokens).unwrap()),
        Err(Error::InvalidGrant(fault)) => Err(fault),
        Err(error) => panic!("{error:?}"),
    }
}

/// The refresh token and the access token of `tokens` open nothing on any instance.
async fn assert_dead(servers: &[Arc<AuthServer>], client: &ClientId, tokens: &Value) {
    let access = format!("Bearer {}", tokens["access_token"].as_str().unwrap());
    let refresh = format!("refresh_token={}", tokens["refresh_token"].as_str().unwrap());
    for server in servers {
        let target = RequestTarget { authority: "time.gw.example", path: "/mcp" };
        let verified =
            server.verifier.verify(target, Some(access.as_bytes()), &Operation::Unstated).await;
        let Err(BearerError::Unauthorized(challenge)) = verified else { panic!("{verified:?}") };
        let error = challenge.error().unwrap();
        assert_eq!((error.code, error.description), ("invalid_token", "the token was revoked"));
        let client = server
            .core
            .store
            .clients
            .client(client, server.core.clock.now())
            .await
            .unwrap()
            .unwrap();
        let refreshed = server
            .tokens
            .refresh(
                &client,
                &Params::parse(refresh.as_bytes()),
                &auth_service::model::Caller::default(),
            )
            .await;
        let Err(Error::InvalidGrant(GrantFault::Revoked)) = refreshed else {
            panic!("the refresh token of a replayed code is good")
        };
    }
}

/// "The client MUST NOT use the authorization code more than once": one success, and what it got
/// ends with the first replay that is no retry of the same seconds.
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn of_twenty_redemptions_at_once_one_succeeds_and_dies_of_a_later_one() {
    let gateway = Gateway::start();
    let client = ClientId::parsed(&gateway.app().await.id);
    let servers = [Arc::new(gateway.instance()), Arc::new(gateway.instance())];
    for round in 0..repetitions() {
        let now = gateway.clock.now();
        let (code, record, form) = issued(&client, now);
        servers[0].core.store.grants.put_code(&code, &record, now, None).await.unwrap();
        let tries = (0..AT_ONCE).map(|n| {
            let server = Arc::clone(&servers[n % servers.len()]);
            tokio::spawn(redeem(server, client.clone(), form.clone()))
        });
        let answers = join_all(tries).await.into_iter().map(Result::unwrap);
        let (won, lost): (Vec<_>, Vec<_>) = answers.partition(Result::is_ok);
        assert_eq!((won.len(), lost.len()), (1, AT_ONCE - 1), "round {round}");
        assert!(lost.iter().all(|lost| *lost == Err(GrantFault::Repeated)), "{lost:?}");
        assert!(servers[1].core.store.grants.grant(&record.grant, now).await.unwrap().is_some());
        gateway.clock.advance(11);
        let late = redeem(Arc::clone(&servers[1]), client.clone(), form).await;
        assert_eq!(late, Err(GrantFault::Replayed));
        assert_eq!(servers[1].core.store.grants.grant(&record.grant, now).await.unwrap(), None);
        assert_dead(&servers, &client, won[0].as_ref().unwrap()).await;
    }
}

/// Without a replay the grant lives: the other test would pass if nothing ever did.
#[tokio::test]
async fn a_code_that_is_redeemed_once_lives() {
    let gateway = Gateway::start();
    let client = ClientId::parsed(&gateway.app().await.id);
    let server = Arc::new(gateway.instance());
    let now = gateway.clock.now();
    let (code, record, form) = issued(&client, now);
    server.core.store.grants.put_code(&code, &record, now, None).await.unwrap();
    let tokens = redeem(Arc::clone(&server), client, form).await.unwrap();
    let access = tokens["access_token"].as_str().unwrap();
    assert_eq!(gateway.verify(TIME, access).await.status, 200);
    assert!(server.core.store.grants.grant(&record.grant, now).await.unwrap().is_some());
}
