//! Glewlwyd: no `iss` in the answer (RFC 9207), a session state instead, and odd claims.

use gateway_tests::{code_flow::CodeFlow, glewlwyd::Glewlwyd};
use serde_json::json;

use crate::{
    gateway::{BACK, Behind},
    provider_login::until,
};

/// One with the staff alice and carol, and the guest bob.
async fn staffed() -> Glewlwyd {
    let op = Glewlwyd::start(BACK).await;
    op.add("alice", &["staff", "admins"]).await;
    op.add("bob", &["guests"]).await;
    op.add("carol", &["staff"]).await;
    op
}

#[tokio::test]
async fn people_log_in_and_groups_decide() {
    let op = staffed().await;
    let flow = CodeFlow::at(&op, BACK).await;
    let id = flow.run("alice", "openid").await.id_token().1["sub"].clone();
    let subject = format!("a:{}", id.as_str().unwrap());
    let behind = Behind::start(op).await;
    let mut tokens = behind.tokens("alice").await;
    behind.assert_admitted(&tokens, &subject, "alice").await;
    behind.assert_refused("bob").await;
    // Still a member after each interval. The refresh token of the provider stays the same, and there is no ID token.
    for _ in 0..2 {
        behind.pass_interval();
        tokens = behind.refresh(&tokens).await;
        assert_eq!(tokens.status, 200, "{tokens:?}");
        behind.assert_admitted(&tokens, &subject, "alice").await;
    }
}

/// Oddities that make it worth a test. A newer version may differ.
#[tokio::test]
async fn its_oddities_are_there() {
    let op = staffed().await;
    let flow = CodeFlow::at(&op, BACK).await;
    let answers = flow.run("alice", "openid").await;
    assert!(answers.back.contains_key("session_state"), "{:?}", answers.back);
    assert!(!answers.back.contains_key("iss"), "{:?}", answers.back);
    assert!(flow.discovery.get("authorization_response_iss_parameter_supported").is_none());
    let (_, claims) = answers.id_token();
    assert_eq!(claims["auth_time"], 0);
    assert_eq!(claims["scope"], json!(["openid"]));
    assert!(claims["c_hash"].is_string() && claims["at_hash"].is_string(), "{claims}");
    assert_eq!(claims["groups"], json!(["staff", "admins"]));
    let (status, fresh) = flow.refresh(&answers).await;
    assert_eq!(status, 200, "{fresh}");
    assert!(fresh.get("id_token").is_none() && fresh.get("refresh_token").is_none(), "{fresh}");
    // Whether an account is enabled matters for logins alone.
    let (_, before) = flow.userinfo(&answers).await;
    op.set_account("alice", &["staff", "admins"], false).await;
    assert_eq!(flow.refresh(&answers).await.0, 200);
    assert_eq!(flow.userinfo(&answers).await, (200, before));
    // Who is gone is refused without a word.
    op.remove("alice").await;
    assert_eq!(flow.refresh(&answers).await, (400, json!("")));
    assert_eq!(flow.userinfo(&answers).await.0, 401);
}

#[tokio::test]
async fn who_leaves_a_group_is_out() {
    for groups in [&["admins"][..], &[]] {
        let behind = Behind::start(staffed().await).await;
        let (alice, carol) = (behind.tokens("alice").await, behind.tokens("carol").await);
        behind.op.set_groups("alice", groups).await;
        behind.assert_out_at_refresh(&alice).await;
        assert_eq!(behind.refresh(&carol).await.status, 200);
        behind.assert_refused("alice").await;
    }
}

/// For a deleted account, its token endpoint answers 400 with an empty body: no answer, which ends nothing.
#[tokio::test]
async fn who_is_deleted_is_out_after_the_grace_period() {
    let behind = Behind::start(staffed().await).await;
    let (alice, carol) = (behind.tokens("alice").await, behind.tokens("carol").await);
    behind.op.remove("alice").await;
    behind.pass_interval();
    let fresh = behind.refresh(&alice).await;
    assert_eq!(fresh.status, 200, "within the grace period: {fresh:?}");
    behind.pass_interval();
    until("the facts are unknown", async || behind.verify(&fresh).await.status == 503).await;
    assert_eq!(behind.refresh(&fresh).await.error(), (503, "temporarily_unavailable"));
    assert_eq!(behind.refresh(&carol).await.status, 200);
}
