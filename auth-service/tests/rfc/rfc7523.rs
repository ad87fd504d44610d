//! RFC 7523: clients that authenticate with a signed JWT (`private_key_jwt`).

use auth_service::{keys::generate_key, model::Clock};
use base64::{Engine, prelude::BASE64_URL_SAFE_NO_PAD};
use gateway_tests::pkce;
use jsonwebtoken::{Algorithm, EncodingKey, Header, jwk::Jwk};
use serde_json::{Value, json};

use crate::support::{Answer, App, CALLBACK, Gateway, ISSUER, TIME};

pub(crate) const TYPE: &str = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer";
pub(crate) const URL: &str = "https://app.example/client";
pub(crate) const OK: &str =
    "200 OK\r\nContent-Type: application/json\r\nCache-Control: max-age=600";

/// A client's key pair.
pub(crate) struct Signer {
    key: EncodingKey,
    jwk: Value,
}

impl Signer {
    pub(crate) fn new(kid: &str) -> Self {
        let key = EncodingKey::from_ec_pem(generate_key().unwrap().as_bytes()).unwrap();
        let mut jwk = Jwk::from_encoding_key(&key, Algorithm::ES256).unwrap();
        jwk.common.key_id = Some(kid.to_owned());
        Self { key, jwk: serde_json::to_value(jwk).unwrap() }
    }

    fn sign(&self, kid: Option<&str>, claims: &Value) -> String {
        self.sign_as(Some("JWT"), kid, claims)
    }

    pub(crate) fn sign_as(&self, typ: Option<&str>, kid: Option<&str>, claims: &Value) -> String {
        let mut header = Header::new(Algorithm::ES256);
        (header.typ, header.kid) = (typ.map(str::to_owned), kid.map(str::to_owned));
        jsonwebtoken::encode(&header, claims, &self.key).unwrap()
    }
}

pub(crate) fn jwks(signers: &[&Signer]) -> Value {
    json!({ "keys": signers.iter().map(|signer| &signer.jwk).collect::<Vec<_>>() })
}

/// Good claims of `id`, with `more` in their place; `null` takes one away.
pub(crate) fn claims(gateway: &Gateway, id: &str, more: &Value) -> Value {
    let now = gateway.clock.now().0;
    let mut claims = json!({
        "iss": id, "sub": id, "aud": ISSUER, "iat": now, "exp": now + 60, "jti": pkce::pair().0,
    });
    let all = claims.as_object_mut().unwrap();
    all.extend(more.as_object().unwrap().clone());
    all.retain(|_, value| !value.is_null());
    claims
}

/// What `endpoint` says to an assertion that comes with an unknown token.
pub(crate) async fn present(gateway: &Gateway, endpoint: &str, assertion: &str) -> Answer {
    let form = [
        ("client_assertion_type", TYPE),
        ("client_assertion", assertion),
        ("grant_type", "refresh_token"),
        ("refresh_token", "unknown"),
        ("token", "unknown"),
    ];
    gateway.post(endpoint, &form).await
}

pub(crate) async fn registered(gateway: &Gateway, keys: Value) -> String {
    let mut metadata = json!({
        "redirect_uris": [CALLBACK], "token_endpoint_auth_method": "private_key_jwt",
    });
    metadata.as_object_mut().unwrap().extend(keys.as_object().unwrap().clone());
    let answer = gateway.register(metadata).await;
    assert_eq!(answer.status, 201, "{answer:?}");
    answer.text("client_id")
}

/// A client with keys, by registration or by document.
pub(crate) async fn clients(gateway: &Gateway, signer: &Signer) -> [String; 2] {
    let document = json!({
        "client_id": URL,
        "client_name": "App",
        "redirect_uris": [CALLBACK],
        "token_endpoint_auth_method": "private_key_jwt",
        "jwks_uri": "https://app.example/keys",
    });
    gateway.documents.publish("client", OK, &document.to_string());
    gateway.documents.publish("keys", OK, &jwks(&[signer]).to_string());
    [registered(gateway, json!({ "jwks": jwks(&[signer]) })).await, URL.to_owned()]
}

/// §2.2, §3: a good assertion authenticates at each endpoint, whichever way the audience is written,
/// and works once (§3 rule 7: "The authorization server MAY ensure that JWTs are not replayed").
#[tokio::test]
async fn a_good_assertion_authenticates_once_at_every_endpoint() {
    let gateway = Gateway::start();
    let signer = Signer::new("1");
    for id in clients(&gateway, &signer).await {
        for (endpoint, answer) in
            [("/token", (400, "invalid_grant")), ("/revoke", (200, "")), ("/introspect", (200, ""))]
        {
            for aud in [json!(ISSUER), json!([ISSUER])] {
                let claims = claims(&gateway, &id, &json!({ "aud": aud }));
                let assertion = signer.sign(Some("1"), &claims);
                let first = present(&gateway, endpoint, &assertion).await;
                assert_eq!(first.error(), answer, "{id} {endpoint}: {first:?}");
                let again = present(&gateway, endpoint, &assertion).await;
                assert_eq!(again.error(), (401, "invalid_client"), "{endpoint}");
            }
        }
    }
}

/// §3: each of its rules, at each endpoint; all faults look the same.
#[tokio::test]
async fn a_bad_assertion_is_refused_everywhere() {
    let gateway = Gateway::start();
    let (signer, thief) = (Signer::new("1"), Signer::new("1"));
    for id in clients(&gateway, &signer).await {
        let now = gateway.clock.now().0;
        let with = |more: Value| signer.sign(Some("1"), &claims(&gateway, &id, &more));
        let good = claims(&gateway, &id, &json!({}));
        let part = |value: &Value| BASE64_URL_SAFE_NO_PAD.encode(value.to_string());
        let none = format!("{}.{}.", part(&json!({ "alg": "none", "kid": "1" })), part(&good));
        let mut shared = Header::new(Algorithm::HS256);
        shared.kid = Some("1".to_owned());
        let public =
            EncodingKey::from_secret(signer.jwk["x"].as_str().unwrap().as_bytes()).unwrap();
        let mut critical = Header::new(Algorithm::ES256);
        critical.crit = Some(vec!["b64".to_owned()]);
        for (bad, assertion) in [
            ("expired", with(json!({ "exp": now - 31 }))),
            ("good for too long", with(json!({ "exp": now + 3700 }))),
            ("without exp", with(json!({ "exp": null }))),
            ("not good yet", with(json!({ "nbf": now + 40 }))),
            ("of the future", with(json!({ "iat": now + 40 }))),
            ("for another", with(json!({ "aud": "https://other.example" }))),
            ("for nobody", with(json!({ "aud": [] }))),
            ("without jti", with(json!({ "jti": null }))),
            ("with an empty jti", with(json!({ "jti": "" }))),
            ("of another issuer", with(json!({ "iss": "other" }))),
            ("of an unknown client", with(json!({ "iss": "other", "sub": "other" }))),
            ("signed by another key", thief.sign(Some("1"), &good)),
            ("of a key that is not there", signer.sign(Some("2"), &good)),
            ("not signed", none),
            ("HS256", jsonwebtoken::encode(&shared, &good, &public).unwrap()),
            ("critical", jsonwebtoken::encode(&critical, &good, &signer.key).unwrap()),
            ("no JWT", "a.b.c".to_owned()),
        ] {
            for endpoint in ["/token", "/revoke", "/introspect"] {
                let answer = present(&gateway, endpoint, &assertion).await;
                assert_eq!(answer.error(), (401, "invalid_client"), "{bad} at {endpoint}");
            }
        }
        let fresh = present(&gateway, "/token", &signer.sign(None, &good)).await;
        assert_eq!(fresh.error(), (400, "invalid_grant"), "none of them used its jti up");
    }
}

/// RFC 6749 §2.3: "MUST NOT use more than one authentication method in each request"; RFC 7521 §4.2:
/// `client_id` may be absent, and must not be another.
#[tokio::test]
async fn an_assertion_comes_alone() {
    let gateway = Gateway::start();
    let signer = Signer::new("1");
    let id = registered(&gateway, json!({ "jwks": jwks(&[&signer]) })).await;
    let send = async |more: &[(&str, &str)], basic: bool| {
        let assertion = signer.sign(None, &claims(&gateway, &id, &json!({})));
        let mut form = vec![
            ("client_assertion_type", TYPE),
            ("client_assertion", &assertion),
            ("grant_type", "refresh_token"),
            ("refresh_token", "unknown"),
        ];
        form.retain(|(name, _)| !more.iter().any(|(other, _)| other == name));
        form.extend(more);
        let mut request = gateway.http.post(format!("{}/token", gateway.base)).form(&form);
        if basic {
            request = request.basic_auth(&id, Some("x"));
        }
        let answer = crate::support::answer(request).await;
        (answer.status, answer.text("error"))
    };
    let expect = |status: u16, error: &str| (status, error.to_owned());
    assert_eq!(send(&[("client_id", &id)], false).await, expect(400, "invalid_grant"));
    assert_eq!(send(&[("client_id", "other")], false).await, expect(401, "invalid_client"));
    assert_eq!(send(&[("client_secret", "x")], false).await, expect(400, "invalid_request"));
    assert_eq!(send(&[], true).await, expect(400, "invalid_request"));
    let saml = "urn:ietf:params:oauth:client-assertion-type:saml2-bearer";
    let other = [("client_assertion_type", saml)];
    assert_eq!(send(&other, false).await, expect(400, "invalid_request"));
    let alone =
        [("client_id", id.as_str()), ("refresh_token", "x"), ("grant_type", "refresh_token")];
    assert_eq!(gateway.post("/token", &alone).await.error(), (401, "invalid_client"));
    let app = gateway.app().await;
    let foreign = signer.sign(None, &claims(&gateway, &app.id, &json!({})));
    let refused = present(&gateway, "/token", &foreign).await;
    assert_eq!(refused.error(), (401, "invalid_client"), "a public client has no assertions");
}

/// A new key at `jwks_uri` is found, but made-up names of keys do not make this server fetch at will;
/// keys that cannot be fetched are a fault of ours, not of the client.
#[tokio::test]
async fn keys_are_fetched_again_when_a_new_one_is_named() {
    let gateway = Gateway::start();
    let (old, new) = (Signer::new("1"), Signer::new("2"));
    gateway.documents.publish("keys", OK, &jwks(&[&old]).to_string());
    let id = registered(&gateway, json!({ "jwks_uri": "https://app.example/keys" })).await;
    let try_with = async |signer: &Signer, kid: &str| {
        let assertion = signer.sign(Some(kid), &claims(&gateway, &id, &json!({})));
        let answer = present(&gateway, "/token", &assertion).await;
        (answer.status, answer.text("error"))
    };
    let good = (400, "invalid_grant".to_owned());
    let bad = (401, "invalid_client".to_owned());
    assert_eq!(try_with(&old, "1").await, good);
    gateway.documents.publish("keys", OK, &jwks(&[&old, &new]).to_string());
    assert_eq!(try_with(&new, "2").await, bad, "just fetched");
    gateway.clock.advance(60);
    assert_eq!(try_with(&new, "2").await, good);
    gateway.documents.withdraw("keys");
    gateway.documents.publish("keys", "500 Oops", "");
    gateway.clock.advance(600);
    assert_eq!(try_with(&new, "2").await, good, "kept for an hour more");
    gateway.clock.advance(3600);
    assert_eq!(try_with(&new, "2").await, (503, "temporarily_unavailable".to_owned()));
}

/// RFC 8414 §2: the methods and algorithms are announced, for each endpoint.
#[tokio::test]
async fn the_method_and_its_algorithms_are_announced() {
    let gateway = Gateway::start();
    let path = "/.well-known/oauth-authorization-server";
    let metadata = gateway.get("auth.gw.example", path).await.body;
    for endpoint in ["token", "revocation", "introspection"] {
        let methods = &metadata[format!("{endpoint}_endpoint_auth_methods_supported")];
        assert!(methods.as_array().unwrap().contains(&json!("private_key_jwt")), "{endpoint}");
        let algorithms =
            &metadata[format!("{endpoint}_endpoint_auth_signing_alg_values_supported")];
        assert_eq!(algorithms, &json!(["ES256", "RS256", "PS256", "EdDSA"]), "{endpoint}");
    }
}

/// A document that declares `none` and lists keys besides: it may come without an assertion, but a wrong
/// one is refused, and without one it has not authenticated for introspection (RFC 7662 §2.1).
#[tokio::test]
async fn a_document_with_a_choice_of_methods_allows_each() {
    let gateway = Gateway::start();
    let (signer, thief) = (Signer::new("1"), Signer::new("1"));
    let document = json!({
        "client_id": URL,
        "client_name": "App",
        "redirect_uris": [CALLBACK],
        "token_endpoint_auth_method": "none",
        "token_endpoint_auth_methods_supported": ["none", "private_key_jwt"],
        "jwks_uri": "https://app.example/keys",
    });
    gateway.documents.publish("client", OK, &document.to_string());
    gateway.documents.publish("keys", OK, &jwks(&[&signer]).to_string());
    let app = App { id: URL.into(), secret: None };
    let tokens = gateway.tokens(&app, "alice", TIME).await;
    let access = tokens.text("access_token");
    let public = [("client_id", URL), ("token", access.as_str())];
    assert_eq!(gateway.post("/introspect", &public).await.error(), (401, "invalid_client"));
    let signed_by = |who: &Signer| who.sign(Some("1"), &claims(&gateway, URL, &json!({})));
    let (good, bad) = (signed_by(&signer), signed_by(&thief));
    let form = |assertion| {
        [("client_assertion_type", TYPE), ("client_assertion", assertion), ("token", &*access)]
    };
    assert_eq!(gateway.post("/introspect", &form(&bad)).await.error(), (401, "invalid_client"));
    let answer = gateway.post("/introspect", &form(&good)).await;
    assert_eq!(answer.body["active"], true, "{answer:?}");
}

/// RFC 7518 §3, RFC 8037: every algorithm that is announced works (`ChatGPT` signs with RS256), and
/// a client can keep itself to one.
#[tokio::test]
async fn every_announced_algorithm_works() {
    let gateway = Gateway::start();
    let pem = |arguments: &[&str]| {
        let made = std::process::Command::new("openssl").arg("genpkey").args(arguments).output();
        made.unwrap().stdout
    };
    let rsa = pem(&["-algorithm", "RSA", "-pkeyopt", "rsa_keygen_bits:2048"]);
    let rsa = EncodingKey::from_rsa_pem(&rsa).unwrap();
    let ed = EncodingKey::from_ed_pem(&pem(&["-algorithm", "ED25519"])).unwrap();
    for (key, algorithm, only, status) in [
        (&rsa, Algorithm::RS256, "RS256", 400),
        (&rsa, Algorithm::PS256, "PS256", 400),
        (&rsa, Algorithm::PS256, "RS256", 401),
        (&rsa, Algorithm::RS512, "RS256", 401),
        (&ed, Algorithm::EdDSA, "EdDSA", 400),
    ] {
        let mut jwk = Jwk::from_encoding_key(key, algorithm).unwrap();
        jwk.common.key_algorithm = None;
        let keys = json!({
            "jwks": { "keys": [jwk] }, "token_endpoint_auth_signing_alg": only,
        });
        let id = registered(&gateway, keys).await;
        let claims = claims(&gateway, &id, &json!({}));
        let assertion = jsonwebtoken::encode(&Header::new(algorithm), &claims, key).unwrap();
        let answer = present(&gateway, "/token", &assertion).await;
        assert_eq!(answer.status, status, "{algorithm:?}, {only}: {answer:?}");
    }
}
