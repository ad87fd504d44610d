//! Filtering proxy for the Docker socket (`docker-proxy`). It answers only the requests of Traefik's provider and of
//! the catalogue, and forwards only the members that these two need. Labels that come from an image, environments and
//! command lines are removed.
//!
//! It runs as a separate process: access to the socket amounts to root on the machine, and `serve` is exposed to
//! untrusted clients.

mod engine;
mod events;
mod members;
mod request;

use std::{net::SocketAddr, sync::Arc};

use actix_web::{
    App, HttpRequest, HttpResponse, HttpServer,
    dev::Server,
    http::{Method, StatusCode},
    web::{self, Data},
};
use serde::Serialize;

use self::{
    engine::{Engine, Failure},
    request::EngineRequest,
};
use crate::{
    config::DockerProxyConfig,
    model::Chain,
    servers::{FILTER, ImageLabels},
};

/// The maximum number of connections. Traefik and auth-service use about five each.
const MOST_CONNECTIONS: usize = 64;

/// The reason why the proxy cannot run.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The listening address cannot be bound.
    #[error("cannot listen on {0} (DOCKER_PROXY_LISTEN)")]
    Listen(SocketAddr, #[source] std::io::Error),
    /// The HTTP client for the socket cannot be built.
    #[error("cannot create the client of DOCKER_SOCKET")]
    Client(#[from] reqwest::Error),
    /// The HTTP server failed.
    #[error("the HTTP server failed")]
    Run(#[source] std::io::Error),
}

/// The state shared by all requests.
struct Proxy {
    engine: Engine,
    images: ImageLabels,
}

/// Serves until SIGTERM or SIGINT.
pub async fn serve(config: &DockerProxyConfig) -> Result<(), Error> {
    let listener = std::net::TcpListener::bind(config.listen)
        .map_err(|error| Error::Listen(config.listen, error))?;
    log::info!("listening on {} for {}", config.listen, config.socket.display());
    server(config, listener)?.await.map_err(Error::Run)
}

/// Builds the HTTP server of `config` on `listener`.
pub fn server(
    config: &DockerProxyConfig,
    listener: std::net::TcpListener,
) -> Result<Server, Error> {
    let proxy = Proxy { engine: Engine::new(&config.socket)?, images: ImageLabels::default() };
    let proxy = Data::from(Arc::new(proxy));
    let app = move || App::new().app_data(proxy.clone()).default_service(web::to(answer));
    // A stream of events ends when its client disconnects, even while there are no events.
    let http = HttpServer::new(app)
        .workers(1)
        .max_connections(MOST_CONNECTIONS)
        .h1_allow_half_closed(false)
        .shutdown_timeout(1);
    Ok(http.listen(listener).map_err(Error::Run)?.run())
}

async fn answer(request: HttpRequest, proxy: Data<Proxy>) -> HttpResponse {
    let uri = request.uri();
    let head = *request.method() == Method::HEAD;
    if !head && *request.method() != Method::GET {
        return refusal(StatusCode::FORBIDDEN, "only GET and HEAD are permitted");
    }
    let request = match EngineRequest::read(uri.path(), uri.query().unwrap_or("")) {
        Ok(request) => request,
        Err(refused) => {
            log::warn!("refused {}: {}", request.method(), refused.why);
            return refusal(refused.status, refused.why);
        }
    };
    match proxy.answer(&request).await {
        Ok(answer) => answer,
        Err(Failure::Rejection(status, message)) => refusal(status, &message),
        Err(Failure::Unreadable(error)) => {
            log::warn!("Docker: {error}");
            refusal(
                StatusCode::BAD_GATEWAY,
                "the response of Docker is unusable; see the log of the proxy",
            )
        }
        Err(Failure::Gone(error)) => {
            log::warn!("Docker does not answer: {}", Chain(&error));
            refusal(StatusCode::BAD_GATEWAY, "Docker does not answer")
        }
    }
}

impl Proxy {
    async fn answer(&self, request: &EngineRequest) -> Result<HttpResponse, Failure> {
        let version = request.version();
        match request {
            EngineRequest::Ping => self.engine.ping().await,
            EngineRequest::Version { .. } => {
                let mut answer: members::Versions = self.engine.get(&request.target()).await?;
                FILTER.clone_into(&mut answer.platform.name);
                Ok(json(&answer))
            }
            EngineRequest::List { .. } => {
                let mut all: Vec<members::Summary> = self.engine.get(&request.target()).await?;
                for container in &mut all {
                    self.filter(version, container).await;
                }
                Ok(json(&all))
            }
            EngineRequest::Inspect { .. } => {
                let mut one: members::Container = self.engine.get(&request.target()).await?;
                self.filter(version, &mut one).await;
                Ok(json(&one))
            }
            EngineRequest::Events { .. } => {
                let stream = self.engine.stream(&request.target()).await?;
                let events = events::filtered(stream);
                Ok(HttpResponse::Ok().content_type("application/json").streaming(events))
            }
        }
    }

    /// Removes the labels of the image, the environment and the command line of a container.
    async fn filter(&self, version: &str, container: &mut impl members::Described) {
        let labels = container.labels().map(std::mem::take).unwrap_or_default();
        let image = container.image().map(str::to_owned);
        let inspect = async |id: &str| self.engine.image_labels(version, id).await;
        let labels = self.images.operators(labels, image.as_deref(), inspect).await;
        if let Some(place) = container.labels() {
            *place = labels.into_labels();
        }
        container.redact();
    }
}

fn json(answer: &impl Serialize) -> HttpResponse {
    HttpResponse::Ok().json(answer)
}

/// Returns an error response in Docker's format.
fn refusal(status: StatusCode, message: &str) -> HttpResponse {
    HttpResponse::build(status).json(serde_json::json!({ "message": message }))
}
