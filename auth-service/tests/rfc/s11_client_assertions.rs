//! What a client assertion is good for (draft-ietf-oauth-rfc7523bis §4): one server, named by its issuer;
//! a kind of JWT; and keys that prove something.

use base64::{Engine, prelude::BASE64_URL_SAFE_NO_PAD};
use serde_json::{Value, json};

use crate::{
    rfc7523::{OK, Signer, URL, claims, clients, jwks, present},
    support::{App, CALLBACK, Gateway, ISSUER, TIME},
};

const ENDPOINTS: [(&str, (u16, &str)); 4] = [
    ("/token", (400, "invalid_grant")),
    ("/revoke", (200, "")),
    ("/introspect", (200, "")),
    ("/device_authorization", (400, "unauthorized_client")),
];
const REFUSED: (u16, &str) = (401, "invalid_client");

fn at(path: &str) -> String {
    format!("{ISSUER}{path}")
}

/// Signed for `aud`, presented at `endpoint`.
async fn with_audience(
    gateway: &Gateway,
    (signer, id): (&Signer, &str),
    (aud, endpoint): (&Value, &str),
) -> (u16, String) {
    let claims = claims(gateway, id, &json!({ "aud": aud }));
    let answer = present(gateway, endpoint, &signer.sign_as(None, Some("1"), &claims)).await;
    (answer.status, answer.error().1.to_owned())
}

/// The issuer, character for character, is the only value.
#[tokio::test]
async fn s11_the_issuer_alone_is_the_audience() {
    let gateway = Gateway::start();
    let signer = Signer::new("1");
    for id in clients(&gateway, &signer).await {
        let who = (&signer, id.as_str());
        for (endpoint, (status, error)) in ENDPOINTS {
            for aud in [json!(ISSUER), json!([ISSUER])] {
                let answer = with_audience(&gateway, who, (&aud, endpoint)).await;
                assert_eq!(answer, (status, error.to_owned()), "{id} {aud} {endpoint}");
            }
            for aud in [
                json!(at(endpoint)),
                json!([at(endpoint)]),
                json!(at("/token")),
                json!(at("/")),
                json!([ISSUER, at(endpoint)]),
                json!([ISSUER, "https://x.example"]),
                json!([ISSUER, ISSUER]),
                json!([]),
                json!(""),
                json!(ISSUER.to_uppercase()),
                json!("https://auth.gw.example:443"),
                json!("auth.gw.example"),
                json!({ "0": ISSUER }),
                json!([[ISSUER]]),
            ] {
                let answer = with_audience(&gateway, who, (&aud, endpoint)).await;
                assert_eq!(answer, (401, "invalid_client".to_owned()), "{id} {aud} {endpoint}");
            }
        }
    }
}

/// A client that the operator names may write the endpoint that receives the assertion: that one, and no
/// other server beside it.
#[tokio::test]
async fn s11_clients_that_are_named_may_write_the_endpoint() {
    for list in ["*", "app.example", "*.example, x.example", URL] {
        let gateway = Gateway::with(&[("ENDPOINT_AUDIENCE_CLIENTS", list)]);
        let signer = Signer::new("1");
        let [id, document] = clients(&gateway, &signer).await;
        let who = (&signer, document.as_str());
        for (endpoint, (status, error)) in ENDPOINTS {
            for aud in
                [json!(ISSUER), json!(at(endpoint)), json!(at("/")), json!([ISSUER, at(endpoint)])]
            {
                let answer = with_audience(&gateway, who, (&aud, endpoint)).await;
                assert_eq!(answer, (status, error.to_owned()), "{list} {aud} {endpoint}");
            }
            let other = if endpoint == "/token" { "/revoke" } else { "/token" };
            for aud in [
                json!(at(other)),
                json!([at(endpoint), "https://x.example"]),
                json!([]),
                json!(at("/authorize")),
                json!("https://time.gw.example/token"),
            ] {
                let answer = with_audience(&gateway, who, (&aud, endpoint)).await;
                assert_eq!(answer, (401, "invalid_client".to_owned()), "{list} {aud} {endpoint}");
            }
        }
        let token = json!(at("/token"));
        let registered = with_audience(&gateway, (&signer, &id), (&token, "/token")).await;
        assert_eq!(registered.0, if list == "*" { 400 } else { 401 }, "{list}");
    }
}

/// `none` leaves no exception, not even the one that is known.
#[tokio::test]
async fn s11_nobody_need_be_excepted() {
    let gateway = Gateway::with(&[("ENDPOINT_AUDIENCE_CLIENTS", "none")]);
    let signer = Signer::new("1");
    for id in clients(&gateway, &signer).await {
        let token = json!(at("/token"));
        let who = (&signer, id.as_str());
        assert_eq!(with_audience(&gateway, who, (&token, "/token")).await.0, 401);
        assert_eq!(with_audience(&gateway, who, (&json!(ISSUER), "/token")).await.0, 400);
    }
}

/// RFC 8725 §3.11: a JWT of another kind authenticates nobody, whoever signed it.
#[tokio::test]
async fn s11_a_foreign_type_is_refused() {
    let gateway = Gateway::start();
    let signer = Signer::new("1");
    for id in clients(&gateway, &signer).await {
        let send = async |typ: Option<&str>, endpoint: &str| {
            let claims = claims(&gateway, &id, &json!({}));
            let answer =
                present(&gateway, endpoint, &signer.sign_as(typ, Some("1"), &claims)).await;
            (answer.status, answer.error().1.to_owned())
        };
        for good in [
            None,
            Some("JWT"),
            Some("jwt"),
            Some("application/jwt"),
            Some("client-authentication+jwt"),
            Some("Client-Authentication+JWT"),
            Some("application/client-authentication+jwt"),
        ] {
            assert_eq!(send(good, "/token").await, (400, "invalid_grant".to_owned()), "{good:?}");
        }
        for bad in [
            "oauth-id-jag+jwt",
            "application/oauth-id-jag+jwt",
            "at+jwt",
            "AT+JWT",
            "application/at+jwt",
            "mcp-identity+jwt",
            "dpop+jwt",
            "logout+jwt",
            "token-introspection+jwt",
            "secevent+jwt",
            "",
            "JWT ",
            "JOSE",
            "application/",
            "application/application/jwt",
            "text/jwt",
        ] {
            for (endpoint, _) in ENDPOINTS {
                let answer = send(Some(bad), endpoint).await;
                assert_eq!(answer, (401, "invalid_client".to_owned()), "{bad} {endpoint}");
            }
        }
    }
}

/// A claim for anybody who knows of it: with such a key every assertion verifies.
#[tokio::test]
async fn s11_a_key_that_proves_nothing_is_not_registered() {
    let gateway = Gateway::start();
    let encode = |bytes: &[u8]| BASE64_URL_SAFE_NO_PAD.encode(bytes);
    let ed = |x: &[u8]| json!({ "kty": "OKP", "crv": "Ed25519", "x": encode(x) });
    let rsa = |n: &[u8], e: &[u8]| json!({ "kty": "RSA", "n": encode(n), "e": encode(e) });
    let (mut one, mut minus_one) = ([0; 32], [0xff; 32]);
    one[0] = 1;
    (minus_one[0], minus_one[31]) = (0xec, 0x7f);
    let good = &Signer::new("1");
    for key in [
        ed(&[0; 32]),
        ed(&one),
        ed(&minus_one),
        ed(&[0xff; 32]),
        ed(&[9; 31]),
        rsa(&[0xc3; 128], &[1, 0, 1]),
        rsa(&[0xc3; 256], &[1]),
        rsa(&[0xc3; 256], &[4]),
        json!({ "kty": "EC", "crv": "P-256", "x": encode(&[1; 32]), "y": encode(&[1; 32]) }),
        json!({ "kty": "EC", "crv": "P-256", "x": encode(&[0]), "y": encode(&[0]) }),
    ] {
        let mut set = jwks(&[good]);
        set["keys"].as_array_mut().unwrap().push(key.clone());
        for method in ["private_key_jwt", "none", "client_secret_basic"] {
            let metadata = json!({
                "redirect_uris": [CALLBACK], "token_endpoint_auth_method": method, "jwks": set,
            });
            let answer = gateway.register(metadata).await;
            assert_eq!(answer.error(), (400, "invalid_client_metadata"), "{method} {key}");
        }
    }
}

/// A set that is fetched is not refused whole: the key in it that proves nothing is no key.
#[tokio::test]
async fn s11_a_forged_signature_of_a_fetched_small_order_key_is_refused() {
    let gateway = Gateway::start();
    let signer = Signer::new("1");
    let [_, id] = clients(&gateway, &signer).await;
    // The identity as public key and as R, with S = 0: this verifies for every message.
    let mut identity = [0_u8; 32];
    identity[0] = 1;
    let weak = json!({ "kty": "OKP", "crv": "Ed25519", "kid": "weak",
        "x": BASE64_URL_SAFE_NO_PAD.encode(identity) });
    let mut set = jwks(&[&signer]);
    set["keys"].as_array_mut().unwrap().push(weak);
    gateway.documents.publish("keys", OK, &set.to_string());
    let part = |value: &Value| BASE64_URL_SAFE_NO_PAD.encode(value.to_string());
    let message = format!(
        "{}.{}",
        part(&json!({ "alg": "EdDSA", "kid": "weak" })),
        part(&claims(&gateway, &id, &json!({})))
    );
    let signature = [identity, [0; 32]].concat();
    let key =
        aws_lc_rs::signature::UnparsedPublicKey::new(&aws_lc_rs::signature::ED25519, identity);
    assert!(key.verify(message.as_bytes(), &signature).is_ok(), "the forgery is one");
    let forged = format!("{message}.{}", BASE64_URL_SAFE_NO_PAD.encode(signature));
    for (endpoint, _) in ENDPOINTS {
        assert_eq!(present(&gateway, endpoint, &forged).await.error(), REFUSED, "{endpoint}");
    }
    let good = signer.sign_as(None, Some("1"), &claims(&gateway, &id, &json!({})));
    assert_eq!(present(&gateway, "/token", &good).await.error(), (400, "invalid_grant"));
}

/// Draft of client ID metadata documents, §8.2: who declares keys authenticates with them, whatever else
/// the document lists, and also while the keys cannot be fetched.
#[tokio::test]
async fn s11_a_document_that_declares_keys_has_no_way_without() {
    let methods = [
        json!({ "token_endpoint_auth_method": "private_key_jwt" }),
        json!({ "token_endpoint_auth_method": "private_key_jwt",
            "token_endpoint_auth_methods_supported": ["none", "private_key_jwt"] }),
        json!({ "token_endpoint_auth_methods_supported": ["none", "private_key_jwt"] }),
    ];
    for more in methods {
        let gateway = Gateway::start();
        let signer = Signer::new("1");
        let mut document = json!({
            "client_id": URL,
            "client_name": "App",
            "redirect_uris": [CALLBACK],
            "jwks_uri": "https://app.example/keys",
        });
        document.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        gateway.documents.publish("client", OK, &document.to_string());
        let app = App { id: URL.into(), secret: None };
        let (answer, verifier) = gateway.consent(&app, "alice", &[("resource", TIME)]).await;
        let redeemed = gateway.redeem(&app, &answer["code"], &verifier).await;
        assert_eq!(redeemed.error(), REFUSED, "{more}");
        let assertion = signer.sign_as(None, Some("1"), &claims(&gateway, URL, &json!({})));
        let unfetched = present(&gateway, "/token", &assertion).await;
        assert_eq!(unfetched.error(), (503, "temporarily_unavailable"), "{more}");
        gateway.documents.publish("keys", OK, &jwks(&[&signer]).to_string());
        gateway.clock.advance(120);
        let assertion = signer.sign_as(None, Some("1"), &claims(&gateway, URL, &json!({})));
        let good = present(&gateway, "/token", &assertion).await;
        assert_eq!(good.error(), (400, "invalid_grant"), "{more}");
    }
}
