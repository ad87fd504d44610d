//! The endpoints; each handler takes a request apart, makes one call and renders the answer.

mod access_log;
mod authorize;
mod bearer;
mod body;
mod browser;
mod callback;
mod client_form;
mod discovery;
mod error;
mod forwarded;
mod health;
mod introspect;
mod jwks;
mod manage;
mod page;
mod register;
mod revoke;
mod token;
mod verify;

use actix_web::{
    HttpResponse,
    web::{self, PayloadConfig, ServiceConfig},
};

pub use access_log::access_log;

use crate::oauth::Endpoint;

/// No request to an authorization server is larger.
const MAX_BODY: usize = 64 * 1024;

/// The route table.
pub fn routes(config: &mut ServiceConfig) {
    let well_known = "/.well-known";
    let server = format!("{well_known}/oauth-authorization-server");
    let openid = format!("{well_known}/openid-configuration");
    let resource = format!("{well_known}/oauth-protected-resource");
    let manage = format!("{}/{{client_id}}", Endpoint::Register.path());
    config
        .app_data(PayloadConfig::new(MAX_BODY))
        // RFC 8414 §3.1 inserts the path of an issuer after the well-known part, OpenID Connect
        // Discovery §4 appends; clients try either with the path of the MCP server.
        .route(&server, web::get().to(discovery::server))
        .route(&format!("{server}/{{path:.*}}"), web::get().to(discovery::server))
        .route(&openid, web::get().to(discovery::server))
        .route(&format!("{openid}/{{path:.*}}"), web::get().to(discovery::server))
        .route(&format!("/{{path:.*}}{openid}"), web::get().to(discovery::server))
        .route(&resource, web::get().to(discovery::resource))
        .route(&format!("{resource}/{{path:.*}}"), web::get().to(discovery::resource))
        .route(Endpoint::Authorize.path(), web::get().to(authorize::show))
        .route(Endpoint::Consent.path(), web::post().to(authorize::decide))
        .route(Endpoint::Callback.path(), web::get().to(callback::callback))
        .route(Endpoint::Token.path(), web::post().to(token::token))
        .route(Endpoint::Register.path(), web::post().to(register::register))
        .service(
            web::resource(manage.as_str())
                .route(web::get().to(manage::read))
                .route(web::put().to(manage::update))
                .route(web::delete().to(manage::delete)),
        )
        .route(Endpoint::Revoke.path(), web::post().to(revoke::revoke))
        .route(Endpoint::Introspect.path(), web::post().to(introspect::introspect))
        .route(Endpoint::Jwks.path(), web::get().to(jwks::jwks))
        .route(Endpoint::Verify.path(), web::route().to(verify::verify))
        .route(Endpoint::Health.path(), web::get().to(health::health))
        .route(Endpoint::Ready.path(), web::get().to(health::ready))
        .default_service(web::to(not_found));
}

async fn not_found() -> HttpResponse {
    HttpResponse::NotFound().json(serde_json::json!({
        "error": "not_found",
        "error_description": "there is no such endpoint, or not with this method",
    }))
}
