//! Handlers of the liveness check `GET /health` and the readiness check `GET /ready`.

use std::sync::atomic::Ordering;

use actix_web::{HttpResponse, http::header, web::Data};
use serde_json::{Value, json};

use super::error::RETRY_AFTER;
use crate::{model::Chain, oauth::AuthServer, store::Trial};

/// Answers 200 as long as the process serves requests. Does not ask Redis.
pub(super) async fn health() -> HttpResponse {
    HttpResponse::Ok().json(json!({ "status": "ok" }))
}

/// Answers 200 if Redis answers and takes writes, and 503 if it is unusable. Answers 503 as well until the
/// first invalidations of Redis arrive, and after a stop signal.
///
/// While Redis temporarily refuses writes, people who are logged in are still served. The answer is then 200 with
/// `"storage": "refuses writes"`.
pub(super) async fn ready(server: Data<AuthServer>) -> HttpResponse {
    if server.is_draining.load(Ordering::Relaxed) {
        return unavailable(&json!({ "status": "stopping" }));
    }
    match server.core.ready().await {
        Ok(_) if !server.core.store.has_started() => {
            unavailable(&json!({ "status": "starting", "storage": "connecting" }))
        }
        Ok(Trial::Written) => HttpResponse::Ok().json(json!({ "status": "ok" })),
        Ok(Trial::Refused(error)) => {
            log::warn!("Redis refuses writes: {error}");
            HttpResponse::Ok().json(json!({ "status": "ok", "storage": "refuses writes" }))
        }
        Err(error) => {
            log::warn!("not ready: {}", Chain(&error));
            unavailable(&json!({ "status": "unavailable", "storage": "unusable" }))
        }
    }
}

fn unavailable(body: &Value) -> HttpResponse {
    HttpResponse::ServiceUnavailable().insert_header((header::RETRY_AFTER, RETRY_AFTER)).json(body)
}
