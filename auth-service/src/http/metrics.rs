//! `GET /metrics` on an address of its own (Prometheus, exposition format 0.0.4).

use actix_web::{HttpResponse, web::Data};

use crate::oauth::AuthServer;

/// The page.
pub async fn metrics(server: Data<AuthServer>) -> HttpResponse {
    HttpResponse::Ok()
        .content_type("text/plain; version=0.0.4; charset=utf-8")
        .body(server.verifier.metrics_page().await)
}
