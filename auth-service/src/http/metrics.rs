//! Handler of `GET /metrics`, which is served on a separate address (Prometheus text format 0.0.4).

use actix_web::{HttpResponse, web::Data};

use crate::oauth::AuthServer;

/// Returns all metrics in the Prometheus text format.
pub async fn metrics(server: Data<AuthServer>) -> HttpResponse {
    HttpResponse::Ok()
        .content_type("text/plain; version=0.0.4; charset=utf-8")
        .body(server.verifier.metrics_page().await)
}
