//! A stand-in for Microsoft Entra: several tenants behind one endpoint, each with anything to say.

use auth_service::upstream::{OidcError, RefreshError};
use serde_json::{Value, json};

use crate::{
    login::{DISCOVERY, Login, Token, assert_invalid, discovery, tokens},
    signer::OWN,
};

const OURS: &str = "11111111-1111-4111-8111-111111111111";
const OTHER: &str = "22222222-2222-4222-8222-222222222222";
/// The tenant of all personal Microsoft accounts.
const PERSONAL: &str = "9188040d-6c67-4c5b-b112-36a304b66dad";
const OBJECT: &str = "33333333-3333-4333-8333-333333333333";

/// Entra as `organizations`, where accounts of one tenant may log in.
fn entra() -> Login {
    let login = Login::with(|provider| {
        provider.issuer.push_str("/organizations/v2.0");
        provider.tenants = vec![OURS.to_owned()];
    });
    let mut document = discovery(&login.op.base);
    document["issuer"] = json!(format!("{}/{{tenantid}}/v2.0", login.op.base));
    login.op.json(&format!("/organizations/v2.0{DISCOVERY}"), document);
    login
}

fn of_tenant(base: &str, token: Token, (iss, tid): (&str, &str)) -> Token {
    token
        .with("iss", json!(format!("{base}/{iss}/v2.0")))
        .with("tid", json!(tid))
        .with("oid", json!(OBJECT))
        .with("sub", json!("pairwise"))
}

async fn log_in(login: &Login, iss: &str, tid: &str) -> Result<String, OidcError> {
    let outcome = login.log_in(|token| of_tenant(&login.op.base, token, (iss, tid))).await;
    outcome.map(|sighting| sighting.subject())
}

#[tokio::test]
async fn the_subject_is_the_tenant_with_the_object() {
    let login = entra();
    let subject = log_in(&login, OURS, OURS).await.unwrap();
    assert_eq!(subject, format!("own:{OURS}/{OBJECT}"));
    let without = login
        .log_in(|token| of_tenant(&login.op.base, token, (OURS, OURS)).with("oid", Value::Null));
    assert_invalid(without.await, "id of the person");
}

#[tokio::test]
async fn no_tenant_speaks_for_another() {
    let login = entra();
    assert_invalid(log_in(&login, OTHER, OURS).await, "iss");
    assert_invalid(log_in(&login, "{tenantid}", OURS).await, "iss");
    assert_invalid(log_in(&login, "organizations", OURS).await, "iss");
    assert_invalid(log_in(&login, OURS, OTHER).await, "tid");
    assert_invalid(log_in(&login, OTHER, OTHER).await, "tid");
    assert_invalid(log_in(&login, PERSONAL, PERSONAL).await, "tid");
    let without = login
        .log_in(|token| of_tenant(&login.op.base, token, (OURS, OURS)).with("tid", Value::Null));
    assert_invalid(without.await, "tid");
}

/// An administrator of any tenant can give an account there the address and the name of a victim.
#[tokio::test]
async fn an_address_of_entra_proves_nothing() {
    let login = entra();
    let email = async |verified: Value, edov: Value| {
        let sighting = login.log_in(|token| {
            of_tenant(&login.op.base, token, (OURS, OURS))
                .with("email", json!("victim@acme.com"))
                .with("email_verified", verified)
                .with("xms_edov", edov)
        });
        sighting.await.unwrap().email
    };
    for edov in [Value::Null, json!(false), json!("false"), json!(0)] {
        assert_eq!(email(json!(true), edov).await, None);
    }
    assert_eq!(email(json!(false), json!(true)).await.as_deref(), Some("victim@acme.com"));
}

#[tokio::test]
async fn a_key_signs_only_for_the_issuer_that_it_names() {
    for (issuer, good) in [
        (format!("/{OURS}/v2.0"), true),
        ("/{tenantid}/v2.0".to_owned(), true),
        (format!("/{PERSONAL}/v2.0"), false),
        ("/x".to_owned(), false),
    ] {
        let login = entra();
        let mut jwk = OWN.jwk("RS256", "rsa");
        jwk["issuer"] = json!(format!("{}{issuer}", login.op.base));
        login.op.json("/jwks", json!({ "keys": [jwk] }));
        assert_eq!(log_in(&login, OURS, OURS).await.is_ok(), good, "{issuer}");
    }
}

#[tokio::test]
async fn a_single_tenant_has_its_own_issuer() {
    let login = Login::with(|provider| {
        provider.issuer = format!("{}/{OURS}/v2.0", provider.issuer);
        provider.tenants = vec![OURS.to_owned()];
    });
    let mut document = discovery(&login.op.base);
    document["issuer"] = json!(format!("{}/{OURS}/v2.0", login.op.base));
    let path = format!("/{OURS}/v2.0{DISCOVERY}");
    login.op.json(&path, document.clone());
    assert!(log_in(&login, OURS, OURS).await.is_ok());
    assert_invalid(log_in(&login, OTHER, OTHER).await, "tid");
    // The template is only for endpoints of several tenants.
    document["issuer"] = json!(format!("{}/{{tenantid}}/v2.0", login.op.base));
    login.op.json(&path, document);
    login.clock.advance(3600);
    let outcome = log_in_again(&login).await;
    assert!(matches!(outcome, Err(OidcError::Misconfigured(_))), "{outcome:?}");
}

async fn log_in_again(login: &Login) -> Result<(), OidcError> {
    login.client.check_issuer(None).await
}

#[tokio::test]
async fn the_answer_may_name_the_issuer_of_a_listed_tenant() {
    let login = entra();
    let issuer = |tenant: &str| format!("{}/{tenant}/v2.0", login.op.base);
    assert!(login.client.check_issuer(Some(&issuer(OURS))).await.is_ok());
    assert_invalid(login.client.check_issuer(Some(&issuer(OTHER))).await, "another provider");
}

#[tokio::test]
async fn a_refresh_without_an_id_token_names_nobody() {
    let login = entra();
    login.op.json("/token", tokens(None));
    login.op.json("/userinfo", json!({ "sub": "pairwise" }));
    let renewed = login.client.renew(&"r".to_owned().into()).await.unwrap();
    let outcome = login.client.facts(renewed, "pairwise").await;
    assert!(matches!(outcome, Err(RefreshError::NoAnswer(_))), "{outcome:?}");
}
