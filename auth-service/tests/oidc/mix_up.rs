//! Two providers: an answer of one never counts as that of the other (RFC 9207, RFC 9700 §4.4).

use serde_json::json;

use crate::{
    login::{DISCOVERY, Login, assert_invalid, discovery, tokens},
    signer::FOREIGN,
};

#[tokio::test]
async fn the_issuer_of_an_answer_is_that_of_the_provider() {
    let login = Login::start();
    let own = login.op.base.clone();
    assert!(login.client.check_issuer(Some(&own)).await.is_ok());
    assert!(login.client.check_issuer(None).await.is_ok(), "glewlwyd sends none");
    for iss in ["https://other.example", "", &format!("{own}/"), &own.to_uppercase()] {
        assert_invalid(login.client.check_issuer(Some(iss)).await, "another provider");
    }
    let (start, _) = login.begin().await;
    let outcome = login.client.identify(("code", Some("https://other.example")), &start.verifier);
    assert_invalid(outcome.await, "another provider");
    assert_eq!(login.op.count("/token"), 0, "the code of another provider is not sent to this one");
}

#[tokio::test]
async fn the_issuer_must_be_there_if_the_provider_says_so() {
    let login = Login::start();
    let mut document = discovery(&login.op.base);
    document["authorization_response_iss_parameter_supported"] = json!(true);
    login.op.json(DISCOVERY, document);
    let (start, _) = login.begin().await;
    assert_invalid(login.client.identify(("code", None), &start.verifier).await, "no iss");
    assert_eq!(login.op.count("/token"), 0);
    assert!(login.client.check_issuer(Some(&login.op.base)).await.is_ok());
}

/// The second provider has a key with the same id, and sends a token of its own.
#[tokio::test]
async fn a_token_of_the_other_provider_is_refused() {
    let (one, two) = (Login::start(), Login::start());
    two.op.json("/jwks", json!({ "keys": [FOREIGN.jwk("RS256", "rsa")] }));
    let (start, query) = one.begin().await;
    let good = two.token(&query["nonce"]);
    let of_two = FOREIGN.sign("RS256", &good.header, &good.claims.to_string());
    one.op.json("/token", tokens(Some(&of_two)));
    assert_invalid(one.client.identify(("code", None), &start.verifier).await, "no key");
    let with_our_issuer = good.with("iss", json!(one.op.base));
    let of_two =
        FOREIGN.sign("RS256", &with_our_issuer.header, &with_our_issuer.claims.to_string());
    one.op.json("/token", tokens(Some(&of_two)));
    assert_invalid(one.client.identify(("code", None), &start.verifier).await, "no key");
}
