//! The HTTP endpoints. Each handler parses a request, calls [`AuthServer`](crate::oauth::AuthServer) once and renders
//! the response.

mod access_log;
mod account;
mod admin;
mod assets;
mod authorize;
mod backchannel_logout;
mod bearer;
mod body;
mod browser;
mod callback;
mod caller;
mod client_form;
mod client_links;
mod device;
mod discovery;
mod ended_grants;
mod error;
mod error_pages;
mod forwarded;
mod front;
mod health;
mod introspect;
mod jwks;
mod limits;
mod manage;
mod metrics;
mod navigation;
mod operation;
mod page;
#[cfg(test)]
mod proptests;
mod register;
mod request_id;
mod requested_host;
mod revoke;
mod token;
mod verify;
mod welcome;

use actix_web::{
    FromRequest, Handler, HttpResponse, Resource, Responder, Route,
    dev::HttpServiceFactory,
    http::header::ALLOW,
    middleware::from_fn,
    web::{self, PayloadConfig, ServiceConfig},
};
use serde_json::json;

pub use front::service;
pub use metrics::metrics;

use crate::oauth::Endpoint;

/// The maximum size of a request body, in bytes. OAuth requests are far smaller.
const MAX_BODY: usize = 64 * 1024;

/// Registers all routes except `/verify`.
fn routes(config: &mut ServiceConfig) {
    let server = "/.well-known/oauth-authorization-server";
    let openid = "/.well-known/openid-configuration";
    let resource = "/.well-known/oauth-protected-resource";
    let with_path = |known: &str| format!("{known}/{{path:.*}}");
    config.app_data(PayloadConfig::new(MAX_BODY));
    // RFC 8414 §3.1 inserts the path of an issuer after the well-known part, OpenID Connect
    // Discovery §4 appends it. Clients try either with the path of the MCP server.
    let appended = |known: &str| format!("/{{path:.*}}{known}");
    for known in [server, openid] {
        for path in [known, &with_path(known), &appended(known)] {
            config.service(readable(path, discovery::server));
        }
    }
    for path in [resource, &with_path(resource), &appended(resource)] {
        config.service(readable(path, discovery::resource));
    }
    config
        .service(readable(Endpoint::Assets.path(), assets::assets))
        .service(bounded_page(Endpoint::Authorize, authorize::show))
        .service(
            writable(Endpoint::Consent, authorize::decide)
                .route(web::get().to(authorize::reopened))
                .wrap(from_fn(limits::for_browsers(Endpoint::Consent))),
        )
        .service(bounded_page(Endpoint::Callback, callback::callback))
        .service(bounded_page(Endpoint::ProviderCallback, callback::callback))
        .service(bounded(Endpoint::BackchannelLogout, backchannel_logout::logout))
        .service(bounded(Endpoint::Token, token::token))
        .service(bounded(Endpoint::DeviceAuthorization, device::authorize))
        .service(bounded_page(Endpoint::Device, device::show))
        .service(bounded(Endpoint::Register, register::register))
        .service(
            web::resource(Endpoint::Manage.path())
                .route(web::get().to(manage::read))
                .route(web::put().to(manage::update))
                .route(web::delete().to(manage::delete))
                .default_service(not_allowed("GET, PUT, DELETE"))
                .wrap(from_fn(limits::for_clients(Endpoint::Manage))),
        )
        .service(bounded(Endpoint::Revoke, revoke::revoke))
        .service(bounded(Endpoint::Introspect, introspect::introspect))
        .service(readable(Endpoint::Jwks.path(), jwks::jwks))
        .service(readable(Endpoint::EndedGrants.path(), ended_grants::ended_grants))
        .service(readable(Endpoint::Health.path(), health::health))
        .service(readable(Endpoint::Ready.path(), health::ready))
        .configure(account::routes)
        .configure(admin::routes)
        .default_service(web::to(welcome::show));
}

/// Returns a resource for GET and HEAD, which RFC 9110 §9.1 requires together.
fn readable<F, Args>(path: &str, handler: F) -> Resource
where
    F: Handler<Args, Output: Responder>,
    Args: FromRequest + 'static,
{
    web::resource(path)
        .route(web::get().to(handler.clone()))
        .route(web::head().to(handler))
        .default_service(not_allowed("GET, HEAD"))
}

/// Returns a resource for POST.
fn writable<F, Args>(endpoint: Endpoint, handler: F) -> Resource
where
    F: Handler<Args, Output: Responder>,
    Args: FromRequest + 'static,
{
    web::resource(endpoint.path())
        .route(web::post().to(handler))
        .default_service(not_allowed("POST"))
}

/// Returns a resource for POST, rate-limited per client address.
fn bounded<F, Args>(endpoint: Endpoint, handler: F) -> impl HttpServiceFactory + 'static
where
    F: Handler<Args, Output: Responder>,
    Args: FromRequest + 'static,
{
    writable(endpoint, handler).wrap(from_fn(limits::for_clients(endpoint)))
}

/// Returns a page for GET, rate-limited per client address, which only a navigation opens.
fn bounded_page<F, Args>(endpoint: Endpoint, handler: F) -> impl HttpServiceFactory + 'static
where
    F: Handler<Args, Output: Responder>,
    Args: FromRequest + 'static,
{
    readable(endpoint.path(), handler)
        .wrap(from_fn(navigation::only))
        .wrap(from_fn(limits::for_browsers(endpoint)))
}

/// Returns a route that answers 405 with the allowed methods (RFC 9110 §15.5.6).
fn not_allowed(methods: &'static str) -> Route {
    web::to(move || std::future::ready(method_not_allowed(methods)))
}

fn method_not_allowed(methods: &'static str) -> HttpResponse {
    HttpResponse::MethodNotAllowed().insert_header((ALLOW, methods)).json(json!({
        "error": "invalid_request",
        "error_description": "method not allowed; see the Allow header",
    }))
}

async fn not_found() -> HttpResponse {
    HttpResponse::NotFound().json(json!({
        "error": "not_found",
        "error_description": "no such endpoint",
    }))
}
