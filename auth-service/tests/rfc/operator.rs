//! Revocation by the operator is in force on the next request.

use auth_service::{
    model::{ClientId, Clock, Identifier, ResourceUri, UnixTime},
    store::{Ended, Selection, Store},
};

use crate::support::{GIT, Gateway, TIME, grants};

/// Each selection ends what it names and nothing else.
#[tokio::test]
async fn what_is_revoked_is_refused_at_once() {
    let gateway = Gateway::start();
    let store = Store::open(&gateway.config.redis).unwrap();
    let now = gateway.clock.now();
    let (one, two) = (gateway.app().await, gateway.app().await);
    let alice = gateway.tokens(&one, "alice", TIME).await;
    let bob = gateway.tokens(&two, "bob", TIME).await;
    let live = async |tokens: &crate::support::Answer| {
        gateway.verify(TIME, &tokens.text("access_token")).await.status == 200
    };
    let dies = async |tokens: &crate::support::Answer| {
        let refused = gateway.verify(TIME, &tokens.text("access_token")).await;
        refused.error() == (401, "invalid_token")
    };
    assert_eq!(
        store.maintenance.revoke(&Selection::User("ALICE".into()), now, None).await.unwrap().grants,
        1
    );
    assert_eq!((dies(&alice).await, live(&bob).await), (true, true));
    let refused = gateway.refresh(&one, &alice.text("refresh_token")).await;
    assert_eq!(refused.error(), (400, "invalid_grant"));

    let client = Selection::Client(ClientId::parsed(&two.id));
    assert_eq!(store.maintenance.revoke(&client, now, None).await.unwrap().grants, 1);
    assert!(dies(&bob).await);

    let carol = gateway.tokens(&one, "carol", TIME).await;
    let jti = grants(&gateway).await.pop().unwrap().tokens.pop().unwrap().jti;
    assert_eq!(store.maintenance.revoke(&Selection::Jti(jti), now, None).await.unwrap().grants, 1);
    assert!(dies(&carol).await);
    let again = gateway.refresh(&one, &carol.text("refresh_token")).await;
    assert_eq!(again.status, 200, "one token ended, not the grant");
    let unknown = Selection::Jti(Identifier::parsed("unknown"));
    assert_eq!(store.maintenance.revoke(&unknown, now, None).await.unwrap(), Ended::default());

    assert_eq!(store.maintenance.revoke(&Selection::All, now, None).await.unwrap().grants, 1);
    assert!(dies(&again).await);
    assert!(grants(&gateway).await.is_empty());
}

/// A server and an age select, too.
#[tokio::test]
async fn a_server_or_an_age_is_revoked() {
    let gateway = Gateway::start();
    let app = gateway.app().await;
    let time = gateway.tokens(&app, "alice", TIME).await.text("access_token");
    let git = gateway.tokens(&app, "alice", GIT).await.text("access_token");
    let statuses = async || {
        let time = gateway.verify(TIME, &time).await.status;
        (time, gateway.verify(GIT, &git).await.status)
    };
    assert_eq!(statuses().await, (200, 200));
    let store = Store::open(&gateway.config.redis).unwrap();
    let now = gateway.clock.now();
    let revoke = async |what| store.maintenance.revoke(&what, now, None).await.unwrap().grants;
    assert_eq!(revoke(Selection::Server(ResourceUri::parse(GIT).unwrap())).await, 1);
    assert_eq!(statuses().await, (200, 401));
    assert_eq!(revoke(Selection::Before(now)).await, 0, "it is not older");
    assert_eq!(statuses().await, (200, 401));
    assert_eq!(revoke(Selection::Before(UnixTime(now.0 + 1))).await, 1);
    assert_eq!(statuses().await, (401, 401));
}

/// The listing names who, for which client and which server.
#[tokio::test]
async fn live_tokens_are_listed() {
    let gateway = Gateway::start();
    let app = gateway.app().await;
    gateway.tokens(&app, "alice", GIT).await;
    let tokens = grants(&gateway).await.pop().unwrap().tokens;
    assert_eq!(tokens.len(), 1);
    assert_eq!(tokens[0].subject, "local:alice");
    assert_eq!(tokens[0].client_id.as_str(), app.id);
    assert_eq!(tokens[0].resources[0].as_str(), GIT);
}
