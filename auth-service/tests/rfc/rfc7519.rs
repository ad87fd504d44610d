//! RFC 7519: claims, each there and of its type; RFC 9068 §4 on the kind of token.

use serde_json::{Value, json};

use crate::{
    forger::Forger,
    support::{GIT, ISSUER, TIME},
};

/// §4.1.4, §2: `exp` is a number, and over when it is reached; CVE-2026-25537 is about a type that
/// makes a check be left out.
#[tokio::test]
async fn the_end_of_a_token_cannot_be_talked_away() {
    let forger = Forger::start().await;
    let end = forger.claims["exp"].as_i64().unwrap();
    for exp in [
        Value::Null,
        json!(end.to_string()),
        json!("9999999999"),
        json!([end]),
        json!({ "exp": end }),
        json!(true),
        json!(f64::MAX),
        json!(-1),
        json!(u64::MAX),
        json!(end - 3600),
    ] {
        let claims = forger.claims_with("exp", exp.clone());
        assert!(!forger.opens(&forger.sign(&forger.header, &claims)).await, "{exp}");
    }
    let good = forger.sign(&forger.header, &forger.claims);
    forger.gateway.clock.advance(3599);
    for _ in 0..3 {
        assert!(forger.opens(&good).await);
    }
    forger.gateway.clock.advance(1);
    assert!(!forger.opens(&good).await);
}

/// §4.1, RFC 9068 §2.2: what an access token has to say is not left out, nor said in another way.
#[tokio::test]
async fn every_claim_is_needed_as_it_is() {
    let forger = Forger::start().await;
    for (claim, wrong) in [
        ("iss", json!("https://evil.example")),
        ("iss", json!(format!("{ISSUER}/"))),
        ("iss", json!([ISSUER])),
        ("aud", json!(GIT)),
        ("aud", json!([GIT])),
        ("aud", json!([])),
        ("aud", json!(format!("{TIME}/"))),
        ("aud", json!(ISSUER)),
        ("aud", json!({ "aud": TIME })),
        ("sub", json!(7)),
        ("iat", json!("now")),
        ("jti", json!("unknown")),
        ("grant_id", json!("unknown")),
        ("client_id", json!(["x"])),
        ("scope", json!(["mcp"])),
    ] {
        for value in [wrong, Value::Null] {
            let claims = forger.claims_with(claim, value.clone());
            let token = forger.sign(&forger.header, &claims);
            assert!(!forger.opens(&token).await, "{claim}: {value}");
        }
    }
    let several = forger.claims_with("aud", json!([GIT, TIME]));
    assert!(forger.opens(&forger.sign(&forger.header, &several)).await, "§4.1.3: one of several");
}

/// RFC 9068 §4, RFC 8725 §3.11: what this server signs for another purpose is no access token.
#[tokio::test]
async fn only_access_tokens_are_access_tokens() {
    let forger = Forger::start().await;
    for typ in [Value::Null, json!("JWT"), json!("id_token"), json!("at+jwt2"), json!("")] {
        let header = forger.header_with("typ", typ.clone());
        assert!(!forger.opens(&forger.sign(&header, &forger.claims)).await, "{typ}");
    }
    let shouting = forger.header_with("typ", json!("AT+JWT"));
    assert!(
        forger.opens(&forger.sign(&shouting, &forger.claims)).await,
        "media types have no case"
    );
}
