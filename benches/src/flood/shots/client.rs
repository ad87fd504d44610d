//! Registration (RFC 7591) and its management (RFC 7592).

use reqwest::Method as Verb;
use serde_json::{Value, json};

use super::{Vector, junk};
use crate::flood::kit::{Kit, Registration};
use crate::flood::probe::{CONTACTS, LARGEST_BODY, Largest};
use crate::flood::shot::{Answer, Shot};

/// The grant type of devices (RFC 8628).
pub const DEVICE_CODE: &str = "urn:ietf:params:oauth:grant-type:device_code";

/// The requests.
pub const VECTORS: &[Vector] = &[
    Vector::new("POST /register, a public client", |kit, n| register(kit, n, Method::Public))
        .expecting(201)
        .learning(keep),
    Vector::new("POST /register, with a secret", |kit, n| register(kit, n, Method::Secret))
        .expecting(201)
        .learning(keep),
    Vector::new("POST /register, with a key", |kit, n| register(kit, n, Method::Key))
        .expecting(201)
        .learning(keep),
    Vector::new("POST /register, to be deleted", |kit, n| register(kit, n, Method::Public))
        .expecting(201)
        .learning(doom),
    Vector::new("POST /register, the same each time", |kit, _| register(kit, 0, Method::Public)),
    Vector::new("POST /register, as text of another site", |kit, number| {
        let body = metadata(kit, &kit.largest, number, Method::Public).to_string();
        let shot = Shot::new(Verb::POST, "/register").body(body);
        shot.header("Content-Type", "text/plain").header("Origin", "https://flood.example")
    }),
    Vector::new("POST /register, 64 KiB", |_, number| {
        Shot::json(
            "/register",
            json!({ "client_name": junk(number, LARGEST_BODY - 64) }).to_string(),
        )
    })
    .expecting(400),
    Vector::new("GET /register/{id}", |kit, number| manage(kit, number, Verb::GET)).expecting(200),
    Vector::new("PUT /register/{id}", update).expecting(200),
    Vector::new("DELETE /register/{id}", delete).expecting(204),
    Vector::new("GET /register/{id}, a junk token", |_, number| {
        let path = format!("/register/{}", junk(number, 22));
        Shot::get(path).header("Authorization", format!("Bearer {}", junk(number, 8192)))
    })
    .expecting(401),
];

/// How a client authenticates.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Method {
    /// Not at all.
    Public,
    /// By a secret.
    Secret,
    /// By a key.
    Key,
}

/// The largest metadata, unlike those of every other `number`.
#[must_use]
pub fn metadata(kit: &Kit, largest: &Largest, number: u64, method: Method) -> Value {
    // What the others have more takes some of the room.
    let less = match method {
        Method::Public => 0,
        Method::Secret => 40 / CONTACTS,
        Method::Key => 400 / CONTACTS,
    };
    let contact = "x".repeat(largest.contact.saturating_sub(less));
    let mut metadata = json!({
        "client_name": format!("Flood {number:020}"),
        "redirect_uris": [format!("https://flood.example/{}", "x".repeat(largest.path))],
        "grant_types": ["authorization_code", "refresh_token", DEVICE_CODE],
        "response_types": ["code"],
        "token_endpoint_auth_method": match method {
            Method::Public => "none",
            Method::Secret => "client_secret_basic",
            Method::Key => "private_key_jwt",
        },
        "contacts": vec![contact; CONTACTS],
    });
    if method == Method::Key {
        metadata["jwks"] = json!({ "keys": [kit.jwk()] });
    }
    metadata
}

/// The registration that `answer` tells of.
#[must_use]
pub fn registration(shot: &Shot, answer: &Answer) -> Option<Registration> {
    if answer.status != 201 {
        return None;
    }
    Some(Registration {
        id: answer.member("client_id")?,
        token: answer.member("registration_access_token").unwrap_or_default(),
        secret: answer.member("client_secret"),
        metadata: serde_json::from_str(shot.sent()).ok()?,
    })
}

fn register(kit: &Kit, number: u64, method: Method) -> Shot {
    Shot::json("/register", metadata(kit, &kit.largest, number, method).to_string())
}

fn keep(kit: &Kit, shot: &Shot, answer: &Answer) {
    let Some(registration) = registration(shot, answer) else { return };
    let pool = match registration.metadata["token_endpoint_auth_method"].as_str() {
        Some("private_key_jwt") => &kit.signing,
        Some("client_secret_basic") => &kit.confidential,
        _ => &kit.clients,
    };
    pool.put(registration);
}

fn doom(kit: &Kit, shot: &Shot, answer: &Answer) {
    if let Some(registration) = registration(shot, answer) {
        kit.doomed.put(registration);
    }
}

fn managed(registration: Option<Registration>, number: u64, verb: Verb) -> Shot {
    let (id, token) = registration
        .map_or_else(|| (junk(number, 22), junk(number, 43)), |known| (known.id, known.token));
    let shot = Shot::new(verb, format!("/register/{id}"));
    shot.header("Authorization", format!("Bearer {token}"))
}

fn manage(kit: &Kit, number: u64, verb: Verb) -> Shot {
    managed(kit.confidential.look(number), number, verb)
}

fn update(kit: &Kit, number: u64) -> Shot {
    let known = kit.confidential.look(number);
    let mut body = metadata(kit, &kit.largest, number, Method::Secret);
    body["client_id"] = json!(known.as_ref().map(|known| &known.id));
    let shot = managed(known, number, Verb::PUT);
    shot.header("Content-Type", "application/json").body(body.to_string())
}

fn delete(kit: &Kit, number: u64) -> Shot {
    managed(kit.doomed.take(), number, Verb::DELETE)
}
