//! RFC 9207: `iss` in every authorization response, errors included.

use gateway_tests::pkce;

use crate::support::{Gateway, ISSUER, redirected};

/// §2: on success and when the person declines; it equals the issuer of the metadata.
#[tokio::test]
async fn every_answer_names_the_issuer() {
    let gateway = Gateway::start();
    let app = gateway.app().await;
    let (answer, _) = gateway.consent(&app, "alice", &[]).await;
    assert_eq!(answer["iss"], ISSUER);
    assert_eq!(answer["state"], "client state");

    let mut browser = gateway.browser();
    let page = browser.get(&app.authorize_url(&pkce::pair().1, &[])).await;
    let answer = redirected(&browser.decide(&page, "deny", "").await);
    assert_eq!((answer["error"].as_str(), answer["iss"].as_str()), ("access_denied", ISSUER));
}
