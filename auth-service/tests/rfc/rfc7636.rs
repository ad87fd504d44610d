//! RFC 7636: proof key for code exchange, S256 only and for every client.

use gateway_tests::pkce;

use crate::support::{CALLBACK, Gateway, ISSUER, redirected};

/// All characters that a verifier may have (§4.1).
const UNRESERVED: &str = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-._~";

/// §4.4.1: no challenge, no transformation, another one than S256 or a challenge that is no SHA-256
/// is `invalid_request`, told to the client. OAuth 2.1 §4.1.1 makes it so for confidential clients,
/// too.
#[tokio::test]
async fn a_request_without_an_s256_challenge_is_refused() {
    let gateway = Gateway::start();
    let (_, good) = pkce::pair();
    let (short, long) = (&good[1..], format!("{good}A"));
    let (padded, standard) = (format!("{}=", &good[1..]), format!("{}+", &good[1..]));
    for method in ["none", "client_secret_basic"] {
        let app = gateway.app_with(method).await;
        let mut browser = gateway.browser();
        for more in [
            [("code_challenge", "")].as_slice(),
            &[("code_challenge", ""), ("code_challenge_method", "")],
            &[("code_challenge_method", "")],
            &[("code_challenge_method", "plain")],
            &[("code_challenge_method", "s256")],
            &[("code_challenge", short)],
            &[("code_challenge", &long)],
            &[("code_challenge", &padded)],
            &[("code_challenge", &standard)],
        ] {
            let answer = redirected(&browser.get(&app.authorize_url(&good, more)).await);
            assert_eq!(answer["error"], "invalid_request", "{more:?}");
            assert_eq!((&*answer["iss"], &*answer["state"]), (ISSUER, "client state"));
        }
        assert_eq!(browser.get(&app.authorize_url(&good, &[])).await.status, 200);
    }
}

/// §4.1: 43 to 128 unreserved characters; a verifier of another form is refused although its hash is
/// the challenge.
#[tokio::test]
async fn a_verifier_has_its_form() {
    let gateway = Gateway::start();
    let app = gateway.app().await;
    let x = |count| "x".repeat(count);
    for (verifier, good) in [
        (x(43), true),
        (x(128), true),
        (UNRESERVED.to_owned(), true),
        (x(42), false),
        (x(129), false),
        (x(1), false),
        (format!("{}+", x(42)), false),
        (format!("{} ", x(43)), false),
        (format!("{}é", x(43)), false),
        (format!("{}\0", x(43)), false),
    ] {
        let challenge = pkce::challenge(&verifier);
        let (answer, _) = gateway.consent(&app, "alice", &[("code_challenge", &challenge)]).await;
        let tokens = gateway.redeem(&app, &answer["code"], &verifier).await;
        let expected = if good { (200, "") } else { (400, "invalid_grant") };
        assert_eq!(tokens.error(), expected, "{verifier:?}");
    }
}

/// §4.6, RFC 9700 §2.1.1: the verifier has to be there, and to be the one of this challenge; a wrong
/// try costs the client nothing.
#[tokio::test]
async fn only_the_verifier_of_the_challenge_redeems_the_code() {
    let gateway = Gateway::start();
    let app = gateway.app().await;
    let (answer, verifier) = gateway.consent(&app, "alice", &[]).await;
    let (other, other_verifier) = gateway.consent(&app, "alice", &[]).await;
    let code = answer["code"].as_str();
    assert_eq!(gateway.redeem(&app, code, "").await.error(), (400, "invalid_request"));
    let without = [
        ("grant_type", "authorization_code"),
        ("client_id", app.id.as_str()),
        ("redirect_uri", CALLBACK),
        ("code", code),
    ];
    assert_eq!(gateway.post("/token", &without).await.error(), (400, "invalid_request"));
    for wrong in [&pkce::challenge(&verifier), &other_verifier, &verifier.to_uppercase()] {
        assert_eq!(gateway.redeem(&app, code, wrong).await.error(), (400, "invalid_grant"));
    }
    assert_eq!(gateway.redeem(&app, code, &verifier).await.status, 200);
    assert_eq!(gateway.redeem(&app, &other["code"], &other_verifier).await.status, 200);
}
