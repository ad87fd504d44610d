//! Before `/verify` reads `X-Forwarded-*`: whether the peer is one whose word counts.

use std::net::Ipv4Addr;

use actix_web::{
    HttpResponse,
    dev::RequestHead,
    http::header::{HeaderName, HeaderValue},
};
use serde_json::json;

use crate::oauth::AuthServer;

/// The header with the secret that proxy and service share.
const SECRET: HeaderName = HeaderName::from_static("x-verify-secret");

/// Whether what it says of a request may be believed.
pub(super) fn is_known(server: &AuthServer, head: &RequestHead) -> bool {
    // A listener on a socket file has no addresses: whoever writes to it is on this machine.
    let peer = head.peer_addr.map_or(Ipv4Addr::LOCALHOST.into(), |peer| peer.ip());
    server.verifier.may_ask(peer, || {
        let mut secrets = head.headers().get_all(&SECRET);
        let secret = secrets.next().filter(|_| secrets.next().is_none());
        secret.map(HeaderValue::as_bytes)
    })
}

/// What everybody else gets; it says nothing about tokens or servers.
pub(super) fn refuse() -> HttpResponse {
    log::warn!(target: "audit", "somebody asked /verify who is not a proxy of ours");
    HttpResponse::Forbidden().json(json!({
        "error": "access_denied",
        "error_description": "only the gateway's proxy may ask this: see TRUSTED_PROXIES and \
                              VERIFY_SECRET",
    }))
}
