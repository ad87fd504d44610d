//! Routes of the MCP endpoint, `/mcp`, `/{server}/mcp` and `/` (Streamable HTTP), and of the operational
//! endpoints.

mod answer;
mod body;
mod call;
mod caller;
mod cors;
mod delete;
mod finish;
pub mod guard;
mod headers;
mod http_error;
pub mod inner;
pub mod listener;
mod modern;
mod origin;
mod post;
mod request_log;
mod sse;
mod status;
mod stream;
mod submit;
mod tools;
mod wire;

use std::sync::Arc;
use std::time::Duration;

use actix_web::guard::fn_guard;
use actix_web::http::header::{ALLOW, HOST};
use actix_web::http::{Method, StatusCode};
use actix_web::{HttpRequest, HttpResponse, Resource, web};

use crate::access::identity::Identities;
use crate::config::catalogue::watch::Watch;
use crate::instances::server::Server;
use crate::messages::error;
use crate::operations::metrics::Metrics;
use crate::sessions::{SessionBinding, SessionRegistry};
use guard::Guard;
use http_error::HttpError;
pub use status::{is_of_user, metrics_page};

/// The time that a request for an unknown server waits for a reload of the configuration file.
const LOOK: Duration = Duration::from_secs(1);

/// The state shared by all request handlers.
pub struct AppState {
    /// The servers and sessions.
    pub registry: Arc<SessionRegistry>,
    /// The watcher of the configuration file, if servers come from a file.
    pub watch: Option<Arc<Watch>>,
    /// The allowed hosts and origins.
    pub guard: Guard,
    /// The server of `/mcp`, if there is only one.
    pub single: Option<Arc<str>>,
    /// The verifier of the gateway's signed identities, if they are required.
    pub identities: Option<Arc<Identities>>,
    /// The metrics of the proxy.
    pub metrics: Arc<Metrics>,
}

/// The paths of the endpoint without a gateway. `/` is an alias of `/mcp` for a server whose public URL is a
/// bare origin, and many clients append a slash.
const PATHS: [&str; 5] = ["/mcp", "/{server}/mcp", "/", "/mcp/", "/{server}/mcp/"];

/// Registers the routes.
pub fn routes(config: &mut web::ServiceConfig) {
    for path in PATHS {
        config.service(endpoint(path));
    }
    config
        // The gateway vouches for any path that it has let through.
        .service(endpoint("/{path:.*}").guard(fn_guard(|request| {
            request.head().headers().get(headers::SERVER).is_some_and(|name| !name.is_empty())
        })))
        .route("/healthz", web::get().to(status::alive))
        .route("/readyz", web::get().to(status::ready))
        .route("/servers", web::get().to(status::servers))
        .default_service(web::to(status::not_found));
}

fn endpoint(path: &str) -> Resource {
    web::resource(path)
        .route(web::post().to(post::post))
        .route(web::get().to(stream::get))
        .route(web::delete().to(delete::delete))
        .route(web::method(Method::OPTIONS).to(cors::preflight))
        .default_service(web::to(not_allowed))
}

async fn not_allowed() -> HttpResponse {
    let text = error::answer("", error::TRANSPORT, "use POST, GET or DELETE");
    HttpResponse::MethodNotAllowed()
        .insert_header((ALLOW, "POST, GET, DELETE"))
        .content_type("application/json")
        .body(text)
}

impl AppState {
    /// Checks the source and the identity of a request, and finds its server.
    async fn enter(&self, request: &HttpRequest) -> Result<Arc<Server>, HttpError> {
        let host = headers::text(request.headers(), HOST).unwrap_or_default();
        headers::check_source(&self.guard, host, request.headers())?;
        let chosen = headers::server(request.headers())?;
        let name = match (request.match_info().get("server"), &self.single) {
            (None, Some(single)) => single,
            (Some(path), Some(single)) if path == &**single => single,
            (Some(_), Some(_)) => "",
            // The server for which the gateway checked the token takes precedence.
            (path, None) => match (chosen, path) {
                (Some(chosen), _) => chosen,
                (None, Some(name)) => name,
                (None, None) => guard::first_label(host),
            },
        };
        if let Some(identities) = &self.identities {
            caller::check(request, identities, name).await?;
        }
        self.server(name).await.ok_or_else(|| {
            HttpError::new(
                StatusCode::NOT_FOUND,
                error::NOT_FOUND,
                "no server has this name; it is the first part of the path (/NAME/mcp) or of the host name",
            )
        })
    }

    /// Returns the server `name`. For an unknown name, the configuration file is read again first: whatever
    /// directed the client here may have read a newer version.
    async fn server(&self, name: &str) -> Option<Arc<Server>> {
        let found = self.registry.server(name);
        let (None, Some(watch)) = (&found, &self.watch) else { return found };
        // Bounded, in case the file system hangs.
        let _ = tokio::time::timeout(LOOK, watch.look()).await;
        self.registry.server(name)
    }

    /// Finds the session of a request.
    fn binding(
        &self,
        request: &HttpRequest,
        server: &Arc<Server>,
    ) -> Result<SessionBinding, HttpError> {
        let principal = caller::principal(request)?;
        let binding = match headers::text(request.headers(), headers::SESSION) {
            Some(id) => {
                let binding = self.registry.binding(id, server, principal.as_deref());
                binding.ok_or_else(HttpError::no_session)?
            }
            // "Servers that require a session ID SHOULD respond to requests without an Mcp-Session-Id header
            // (other than initialization) with HTTP 400".
            None => self.registry.ambient(server, principal).ok_or_else(|| {
                HttpError::bad_request(
                    "the Mcp-Session-Id header is missing; send initialize first",
                )
            })?,
        };
        caller::note(request, &binding.instance);
        binding.session.touch();
        binding.instance.touch();
        Ok(binding)
    }
}
