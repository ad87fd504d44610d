//! Authentication of the caller of `/verify`: only a trusted proxy may describe a request by `X-Forwarded-*`.

use std::net::{IpAddr, Ipv4Addr};

use actix_web::{
    HttpResponse,
    dev::RequestHead,
    http::header::{self, HeaderName, HeaderValue},
};
use serde_json::json;

use crate::{
    model::{Caller, current_request},
    oauth::AuthServer,
};

/// The header with the secret shared by the proxy and this service (`VERIFY_SECRET`).
const SECRET: HeaderName = HeaderName::from_static("x-verify-secret");

/// Returns `true` if the peer may call `/verify`: it sends `VERIFY_SECRET` exactly once or, where none is set, has a
/// trusted address.
pub(super) fn is_known(server: &AuthServer, head: &RequestHead) -> bool {
    // A Unix socket has no peer address: its clients are on this machine.
    let peer = head.peer_addr.map_or(Ipv4Addr::LOCALHOST.into(), |peer| peer.ip());
    server.verifier.may_ask(peer, || {
        let mut secrets = head.headers().get_all(&SECRET);
        let secret = secrets.next().filter(|_| secrets.next().is_none());
        secret.map(HeaderValue::as_bytes)
    })
}

/// Returns the address of the client of a request.
pub(super) fn client_address(server: &AuthServer, head: &RequestHead) -> IpAddr {
    // A Unix socket has no peer address: its clients are on this machine.
    let peer = head.peer_addr.map_or(Ipv4Addr::LOCALHOST.into(), |peer| peer.ip());
    // A line that is not text becomes `?`. Like any other invalid address, it ends the chain.
    let mut lines = head.headers().get_all("x-forwarded-for");
    let mut chain = lines.next().map_or("", |line| line.to_str().unwrap_or("?"));
    let joined;
    if let Some(second) = lines.next() {
        let rest = std::iter::once(second).chain(lines).map(|line| line.to_str().unwrap_or("?"));
        joined = std::iter::once(chain).chain(rest).collect::<Vec<_>>().join(",");
        chain = &joined;
    }
    server.core.client_address(peer, chain)
}

/// Returns the sender of a request.
pub(super) fn caller(server: &AuthServer, head: &RequestHead) -> Caller {
    let user_agent = head.headers().get(header::USER_AGENT).and_then(|value| value.to_str().ok());
    Caller {
        address: client_address(server, head),
        user_agent: user_agent.map(str::to_owned),
        request_id: current_request().map(|id| id.to_string()),
    }
}

/// Returns the response to an untrusted peer, which reveals nothing about tokens or servers.
pub(super) fn refuse() -> HttpResponse {
    log::warn!(target: "audit", "rejected /verify from an untrusted peer");
    HttpResponse::Forbidden().json(json!({
        "error": "access_denied",
        "error_description": "this peer may not call /verify; see TRUSTED_PROXIES and \
                              VERIFY_SECRET",
    }))
}
