//! What needs no client: documents, unknown paths, other methods, and servers without a token.

use reqwest::Method;
use serde_json::Value;

use super::token::forged;
use super::{Vector, junk};
use crate::flood::kit::Kit;
use crate::flood::shot::{Answer, Host, Shot};

/// A call of a tool.
const CALL: &str =
    r#"{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"echo","arguments":{}}}"#;

/// The requests.
pub const VECTORS: &[Vector] = &[
    Vector::new("GET /.well-known, of the issuer", |_, number| {
        Shot::get(format!("/.well-known/oauth-authorization-server/{}", junk(number, 8192)))
    })
    .expecting(200),
    Vector::new("GET /.well-known, of a server", |_, _| {
        Shot::get("/.well-known/oauth-protected-resource/mcp").at(Host::Server)
    })
    .expecting(200),
    Vector::new("GET /.well-known, of no server", |_, number| {
        let path = format!("/.well-known/oauth-protected-resource/{}", junk(number, 8192));
        Shot::get(path).at(Host::Nobody)
    })
    .expecting(404),
    Vector::new("GET /assets/{name}", |_, number| {
        Shot::get(format!("/assets/{}.css", junk(number, 4096)))
    })
    .expecting(200),
    Vector::new("GET /jwks", |_, _| Shot::get("/jwks")).expecting(200).learning(keep_key_id),
    Vector::new("GET /health", |_, _| Shot::get("/health")).expecting(200),
    Vector::new("GET, an unknown path", |_, number| {
        Shot::get(format!("/{}", junk(number, 32_000)))
    }),
    Vector::new("PUT /token", |_, _| Shot::get("/token").by(Method::PUT)).expecting(405),
    Vector::new("OPTIONS /token", |_, number| {
        let shot =
            Shot::get("/token").by(Method::OPTIONS).header("Origin", "https://flood.example");
        shot.header("Access-Control-Request-Method", "POST")
            .header("Access-Control-Request-Headers", junk(number, 8192))
    }),
    Vector::new("POST /mcp, without a token", |_, _| call(Host::Server)).expecting(401),
    Vector::new("POST /mcp, a junk token", |_, number| {
        let shot = call(Host::Server).header("Mcp-Name", junk(number, 8192));
        shot.header("Authorization", format!("Bearer {}", junk(number, 24_000)))
    })
    .expecting(401),
    Vector::new("POST /mcp, a forged token", |kit, number| {
        let bearer = format!("Bearer {}", forged(kit, number));
        call(Host::Server).header("Authorization", bearer)
    })
    .expecting(401),
    Vector::new("POST /mcp, of no server", |_, _| call(Host::Nobody)).expecting(404),
    Vector::new("POST /mcp, 1 MiB without a token", |_, number| {
        call(Host::Server).body(junk(number, 1 << 20))
    })
    .expecting(401),
];

fn keep_key_id(kit: &Kit, _: &Shot, answer: &Answer) {
    let keys: Value = serde_json::from_str(&answer.body).unwrap_or_default();
    if let Some(id) = keys["keys"][0]["kid"].as_str() {
        kit.key_ids.put(id.to_owned());
    }
}

fn call(host: Host) -> Shot {
    let shot = Shot::json("/mcp", CALL.to_owned()).at(host);
    let shot = shot.header("Accept", "application/json, text/event-stream");
    shot.header("MCP-Protocol-Version", "2026-07-28").header("Mcp-Method", "tools/call")
}

/// Kept beside the others, so that nobody adds an endpoint without its flood.
#[cfg(test)]
mod tests {
    use auth_service::oauth::Endpoint;

    use crate::flood::shots::all;

    #[test]
    fn every_endpoint_of_strangers_is_flooded() {
        // Asked by Traefik, by probes and by proxies on the inside; strangers reach /verify by the host of a server.
        let inside = [Endpoint::Verify, Endpoint::Ready, Endpoint::EndedGrants];
        for endpoint in Endpoint::ALL.into_iter().filter(|endpoint| !inside.contains(endpoint)) {
            let path = endpoint.path().replace("{client_id}", "{id}");
            let is_there =
                all().iter().any(|vector| vector.name.split([' ', ',']).any(|word| word == path));
            assert!(is_there, "{path}");
        }
    }
}
