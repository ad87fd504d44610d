//! `/token`, `/revoke` and `/introspect` with what a stranger has: made-up codes and tokens, and clients
//! of their own.

use auth_service::model::{Clock as _, SystemClock};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::json;

use super::client::DEVICE_CODE;
use super::{Vector, junk};
use crate::flood::kit::Kit;
use crate::flood::probe::LARGEST_BODY;
use crate::flood::shot::Shot;

/// The length of a code or token: what a body holds beside the id of a client.
const LONG: usize = LARGEST_BODY - (16 << 10);

/// The requests.
pub const VECTORS: &[Vector] = &[
    Vector::new("POST /token, a junk code", |kit, number| {
        let (code, verifier) = (junk(number, LONG), junk(number, 43));
        of_client(
            kit,
            number,
            &[("grant_type", "authorization_code"), ("code", &code), ("code_verifier", &verifier)],
        )
    })
    .expecting(400),
    Vector::new("POST /token, a junk refresh token", |kit, number| {
        let token = junk(number, LONG);
        of_client(kit, number, &[("grant_type", "refresh_token"), ("refresh_token", &token)])
    })
    .expecting(400),
    Vector::new("POST /token, a junk device code", |kit, number| {
        let code = junk(number, LONG);
        of_client(kit, number, &[("grant_type", DEVICE_CODE), ("device_code", &code)])
    })
    .expecting(400),
    Vector::new("POST /token, client credentials", |kit, number| {
        with_secret(kit, number, "/token", &[("grant_type", "client_credentials")])
    })
    .expecting(400),
    Vector::new("POST /token, a wrong secret", |_, number| {
        let (id, secret) = (junk(number, 22), junk(number, 8192));
        let basic = STANDARD.encode(format!("{id}:{secret}"));
        Shot::form("/token", &[("grant_type", "client_credentials")])
            .header("Authorization", format!("Basic {basic}"))
    })
    .expecting(401),
    Vector::new("POST /token, an unknown grant", |kit, number| {
        of_client(kit, number, &[("grant_type", &junk(number, LONG))])
    })
    .expecting(400),
    Vector::new("POST /token, very many parameters", |kit, number| {
        let form = of_client(kit, number, &[]);
        let more = "&a=b".repeat(LONG / 4);
        let body = format!("{}{more}", form.sent());
        form.body(body)
    })
    .expecting(400),
    Vector::new("POST /token, a signed assertion", |kit, number| {
        let client = kit.signing.look(number).map_or_else(|| junk(number, 22), |client| client.id);
        asserted(kit, number, &client)
    })
    .expecting(400),
    Vector::new("POST /token, an assertion of a document", |kit, number| {
        asserted(kit, number, &format!("https://flood-{number}.invalid/client.json"))
    }),
    Vector::new("POST /token, a junk assertion", |_, number| {
        let assertion = format!("{}.{}", junk(number, LONG / 2), junk(number, LONG / 2));
        with_assertion(&assertion)
    })
    .expecting(401),
    Vector::new("POST /revoke, a junk token", |kit, number| {
        let token = junk(number, LONG);
        with_secret(kit, number, "/revoke", &[("token", &token)])
    })
    .expecting(200),
    Vector::new("POST /revoke, a forged token", |kit, number| {
        with_secret(kit, number, "/revoke", &[("token", &forged(kit, number))])
    })
    .expecting(200),
    Vector::new("POST /introspect, a junk token", |kit, number| {
        let token = junk(number, LONG);
        with_secret(kit, number, "/introspect", &[("token", &token)])
    })
    .expecting(200),
];

/// An access token in every respect but the signature, which has to be checked to find that out.
#[must_use]
pub fn forged(kit: &Kit, number: u64) -> String {
    let key = kit.key_ids.look(number).unwrap_or_else(|| junk(number, 43));
    let header = json!({ "typ": "at+jwt", "alg": "ES256", "kid": key });
    let claims = json!({
        "iss": kit.issuer(), "sub": junk(number, 4096), "aud": kit.server(),
        "iat": now(), "exp": now() + 3600, "jti": junk(number, 22), "grant_id": junk(number, 22),
        "client_id": junk(number, 22), "scope": "mcp", "preferred_username": junk(number, 1024),
    });
    kit.signed(&header, &claims)
}

fn of_client(kit: &Kit, number: u64, more: &[(&str, &str)]) -> Shot {
    let client = kit.clients.look(number).map_or_else(|| junk(number, 22), |client| client.id);
    let mut pairs = vec![("client_id", client.as_str())];
    pairs.extend(more);
    Shot::form("/token", &pairs)
}

fn with_secret(kit: &Kit, number: u64, path: &str, pairs: &[(&str, &str)]) -> Shot {
    let (id, secret) = match kit.confidential.look(number) {
        Some(client) => (client.id, client.secret.unwrap_or_default()),
        None => (junk(number, 22), junk(number, 43)),
    };
    // RFC 6749 §2.3.1: form-encoded first.
    let encode = |text: &str| url::form_urlencoded::byte_serialize(text.as_bytes()).collect();
    let parts: [String; 2] = [encode(&id), encode(&secret)];
    let basic = STANDARD.encode(parts.join(":"));
    Shot::form(path, pairs).header("Authorization", format!("Basic {basic}"))
}

/// An assertion that `client` signed, good for an hour and used once.
fn asserted(kit: &Kit, number: u64, client: &str) -> Shot {
    let header = json!({ "typ": "JWT", "alg": "ES256" });
    let claims = json!({
        "iss": client, "sub": client, "aud": kit.issuer(), "exp": now() + 3600,
        "jti": junk(number, LONG / 2),
    });
    with_assertion(&kit.signed(&header, &claims))
}

fn with_assertion(assertion: &str) -> Shot {
    let kind = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer";
    Shot::form(
        "/token",
        &[
            ("grant_type", "client_credentials"),
            ("client_assertion_type", kind),
            ("client_assertion", assertion),
        ],
    )
}

fn now() -> i64 {
    SystemClock.now().0
}
