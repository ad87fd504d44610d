//! `GET /health`: the process answers. `GET /ready`: its storage does, too.

use actix_web::{HttpResponse, http::header, web::Data};
use serde_json::json;

use super::error::RETRY_AFTER;
use crate::{model::Chain, oauth::AuthServer};

/// Alive.
pub(super) async fn health() -> HttpResponse {
    HttpResponse::Ok().json(json!({ "status": "ok" }))
}

/// Able to work.
pub(super) async fn ready(server: Data<AuthServer>) -> HttpResponse {
    match server.ready().await {
        Ok(()) => HttpResponse::Ok().json(json!({ "status": "ok" })),
        Err(error) => {
            log::warn!("not ready: {}", Chain(&error));
            HttpResponse::ServiceUnavailable()
                .insert_header((header::RETRY_AFTER, RETRY_AFTER))
                .json(json!({ "status": "unavailable", "storage": "unreachable" }))
        }
    }
}
