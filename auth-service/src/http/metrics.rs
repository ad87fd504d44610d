//! Handler of `GET /metrics`, which is served on a separate address (Prometheus text format 0.0.4).

use actix_web::{HttpResponse, web::Data};
use gateway_contract::metrics::CONTENT_TYPE;

use crate::oauth::AuthServer;

/// Returns all metrics in the Prometheus text format.
pub async fn metrics(server: Data<AuthServer>) -> HttpResponse {
    HttpResponse::Ok().content_type(CONTENT_TYPE).body(server.verifier.metrics_page().await)
}
