//! Canaille: floats as times, keys without use, no verified addresses, and odd errors.

use gateway_tests::{canaille::Canaille, code_flow::CodeFlow, provider::Provider};
use serde_json::json;

use crate::{
    gateway::{BACK, Behind},
    provider_login::{consent_page, log_in, try_tokens},
    support::{TIME, query},
};

/// One with the staff alice and carol, and the guest bob; returns alice's id.
fn staffed() -> (Canaille, String) {
    let op = Canaille::start(BACK);
    op.set_audience();
    let id = op.add("alice");
    op.add("bob");
    op.add("carol");
    op.add_group("staff", &["carol", "alice"]);
    op.add_group("guests", &["bob"]);
    (op, id)
}

#[tokio::test]
async fn people_log_in_and_groups_decide() {
    let (op, id) = staffed();
    let behind = Behind::start(op).await;
    let tokens = behind.tokens("alice").await;
    behind.assert_admitted(&tokens, &format!("a:{id}"), "alice").await;
    // It does not say whether addresses are verified.
    assert_eq!(behind.verify(&tokens).await.header("x-user-email"), "");
    behind.assert_refused("bob").await;
    // Still a member after the interval: the refresh, which has no ID token, is followed by userinfo.
    behind.pass_interval();
    let fresh = behind.refresh(&tokens).await;
    assert_eq!(fresh.status, 200, "{fresh:?}");
    behind.assert_admitted(&fresh, &format!("a:{id}"), "alice").await;
}

/// Oddities that make it worth a test. A newer version may differ.
#[tokio::test]
async fn its_oddities_are_there() {
    let (op, id) = staffed();
    let flow = CodeFlow::at(&op, BACK).await;
    let answers = flow.run("alice", "openid profile groups").await;
    assert_eq!(answers.back["iss"], op.issuer());
    let (header, claims) = answers.id_token();
    // The default, since the client names no algorithm.
    assert_eq!(header["alg"], "RS512");
    assert!(claims["auth_time"].is_f64(), "{claims}");
    assert_eq!((&claims["sub"], &claims["groups"]), (&json!(id), &json!(["staff"])));
    assert!(claims.get("email_verified").is_none(), "{claims}");
    let key = flow.keys().await["keys"][0].clone();
    assert_eq!(key["kty"], "RSA");
    assert!(key.get("use").is_none() && key.get("alg").is_none(), "{key}");
    let (without_nonce, _) = flow.request("openid");
    let refused = query(&op.log_in(&mut op.browser(), without_nonce.as_str(), "alice").await);
    assert_eq!(refused["error"], "invalid_request", "{refused:?}");
    // Who is in no group has no claim, and who is locked is refused in other words than those of RFC 6749.
    op.set_members("staff", &["carol"]);
    let (status, userinfo) = flow.userinfo(&answers).await;
    assert_eq!((status, userinfo.get("groups")), (200, None), "{userinfo}");
    op.lock("alice");
    assert_eq!(flow.userinfo(&answers).await.0, 200);
    let (status, refused) = flow.refresh(&answers).await;
    assert_eq!((status, &refused["error"]), (400, &json!("invalid_request")), "{refused}");
}

#[tokio::test]
async fn who_leaves_the_last_group_is_out() {
    let (op, _) = staffed();
    let behind = Behind::start(op).await;
    let (alice, carol) = (behind.tokens("alice").await, behind.tokens("carol").await);
    behind.op.set_members("staff", &["carol"]);
    behind.assert_out_at_refresh(&alice).await;
    assert_eq!(behind.refresh(&carol).await.status, 200);
    behind.assert_refused("alice").await;
}

#[tokio::test]
async fn who_is_locked_is_out() {
    let (op, _) = staffed();
    let behind = Behind::start(op).await;
    let (alice, carol) = (behind.tokens("alice").await, behind.tokens("carol").await);
    behind.op.lock("alice");
    behind.assert_out_at_refresh(&alice).await;
    assert_eq!(behind.refresh(&carol).await.status, 200);
    behind.op.unlock("alice");
    assert_eq!(behind.verify(&alice).await.status, 401, "the grant is gone");
    let again = behind.tokens("alice").await;
    assert_eq!(behind.verify(&again).await.status, 200);
}

#[tokio::test]
async fn who_is_locked_is_out_without_a_refresh() {
    let (op, _) = staffed();
    let behind = Behind::start(op).await;
    let (alice, carol) = (behind.tokens("alice").await, behind.tokens("carol").await);
    behind.op.lock("alice");
    behind.assert_out_on_schedule(&alice).await;
    assert_eq!(behind.verify(&carol).await.status, 200);
}

/// An ID token for nobody in particular is no ID token for this client.
#[tokio::test]
async fn an_empty_audience_is_refused() {
    let op = Canaille::start(BACK);
    op.add("alice");
    op.add_group("staff", &["alice"]);
    let flow = CodeFlow::at(&op, BACK).await;
    assert_eq!(flow.run("alice", "openid").await.id_token().1["aud"], json!([]));
    let behind = Behind::start(op).await;
    let (mut browser, page, _) = consent_page(&behind.gateway, &behind.app, TIME).await;
    let refused = log_in(&behind.op, &mut browser, &page, ("a", "alice")).await;
    let answer = query(&refused.next().unwrap());
    assert!(!answer.contains_key("code"), "{answer:?}");
    assert_eq!(answer["error"], "access_denied");
    behind.op.set_audience();
    let provider = (&behind.gateway, &behind.op);
    let tokens = try_tokens(provider, &behind.app, ("a", "alice"), TIME).await.unwrap();
    assert_eq!(behind.verify(&tokens).await.status, 200);
}

/// Algorithms of a client that the keys, which name none, fit.
#[tokio::test]
async fn each_algorithm_is_accepted() {
    let (op, id) = staffed();
    let behind = Behind::start(op).await;
    for algorithm in ["RS256", "RS384", "RS512", "PS256", "PS384", "PS512"] {
        behind.op.set_client("--id-token-signed-response-alg", algorithm);
        let tokens = behind.tokens("alice").await;
        behind.assert_admitted(&tokens, &format!("a:{id}"), "alice").await;
    }
}
