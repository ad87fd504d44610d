//! The Docker provider of the catalogue: servers from the operator's labels of running containers.
//! It reads only the list of containers, the events and the labels of images, so that a socket
//! proxy can block everything else.

use std::{collections::HashMap, sync::Arc, time::Duration};

use bollard::{
    errors::Error as EngineError, models::ContainerSummary, query_parameters::EventsOptionsBuilder,
};
use futures_util::{FutureExt, StreamExt};
use gateway_contract::backoff::Backoff;
use tokio::{sync::watch, time::sleep};

use super::{
    docker_engine::{Engine, Running},
    docker_labels,
    image_labels::ImageLabels,
    label_claims::LabelClaims,
    stated_server::Site,
};
use crate::{
    config::{Config, DockerEndpoint},
    model::{Chain, Clock, Listing, Mistake, Offer, Source, SystemClock},
};

/// The debounce delay after an event. A starting container causes a burst of events, which needs
/// only one new list.
const SETTLE: Duration = Duration::from_millis(50);

/// The delay before a second look after an event, which may arrive before the list reflects it.
const LOOK_AGAIN: Duration = Duration::from_millis(400);

/// The interval of periodic lists without events, because a broken event stream looks like an idle
/// one.
const LOOK_ANYWAY: Duration = Duration::from_secs(30);

/// The number of seconds before the start for which events are requested, so that none is lost
/// between the first list and the event stream.
const OVERLAP: i64 = 10;

/// The delays between connection attempts.
const BACKOFF: Backoff = Backoff::new(Duration::from_millis(250), Duration::from_secs(10));

/// The option and the environment variable that make mcp-stdio-proxy require signed identities.
pub const IDENTITY_DEMAND: (&str, &str) = ("--identity-jwks", "MCP_IDENTITY_JWKS");

/// The error of a request to Docker.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// Docker is unreachable, or rejected the request.
    #[error("DOCKER_ENDPOINT: {0}")]
    Engine(DockerEndpoint, #[source] EngineError),
    /// Docker closed the event stream.
    #[error("DOCKER_ENDPOINT: {0} closed the event stream")]
    Ended(DockerEndpoint),
}

/// A running container, as Docker describes it.
#[derive(Clone, Debug)]
pub struct Container {
    /// The name without the leading slash.
    pub name: String,
    /// The status as text, for example `Up 3 minutes (healthy)`.
    pub status: String,
}

/// A provider that reads servers from Docker, and watches for changes.
#[derive(Clone)]
pub struct DockerServers {
    endpoint: DockerEndpoint,
    site: Site,
    images: Arc<ImageLabels>,
}

impl DockerServers {
    /// Creates the provider. Returns `None` if `config` has no Docker endpoint.
    #[must_use]
    pub fn new(config: &Config) -> Option<Self> {
        let endpoint = config.docker.clone()?;
        Some(Self { endpoint, site: Site::new(config), images: Arc::default() })
    }

    /// Reads the servers that are running now.
    pub async fn read(&self) -> Result<Listing, Error> {
        let engine = self.connect().await?;
        Ok(self.listing(&self.running(&engine).await?))
    }

    /// Lists the containers that are running now.
    pub async fn containers(&self) -> Result<Vec<Container>, Error> {
        let engine = self.connect().await?;
        let read = |container: Running| Container {
            name: name(&container.summary),
            status: container.summary.status.unwrap_or_default(),
        };
        Ok(self.running(&engine).await?.into_iter().map(read).collect())
    }

    /// Returns `true` if the endpoint is an `auth-service docker-proxy`, which can hide the labels
    /// of images from Traefik as well.
    pub async fn is_filtered(&self) -> Result<bool, Error> {
        Ok(self.connect().await?.filtered)
    }

    /// Returns the names of running containers that have the option of [`IDENTITY_DEMAND`] on their
    /// command line, or its variable in their environment. A socket proxy may deny access to the
    /// environment; the command line is part of the list.
    pub async fn demanding_identity(&self) -> Result<Vec<String>, Error> {
        let (option, variable) = IDENTITY_DEMAND;
        let engine = self.connect().await?;
        let set = format!("{variable}=");
        let is_set = |entry: &String| entry.strip_prefix(&set).is_some_and(|it| !it.is_empty());
        let mut found = Vec::new();
        for Running { summary: container, .. } in &self.running(&engine).await? {
            let (command, id) = (container.command.as_deref(), container.id.as_deref());
            let inside = engine.docker.inspect_container(id.unwrap_or_default(), None);
            let environment = inside.await.ok().and_then(|inside| inside.config?.env);
            if command.is_some_and(|command| command.contains(option))
                || environment.is_some_and(|entries| entries.iter().any(is_set))
            {
                found.push(name(container));
            }
        }
        Ok(found)
    }

    /// Publishes the servers whenever they change, until all receivers are dropped. While Docker is
    /// unreachable, the last known state stays published.
    pub async fn watch(self, publish: watch::Sender<Arc<Listing>>) {
        let mut backoff = BACKOFF;
        let mut told = false;
        loop {
            let (error, worked) = tokio::select! {
                ended = self.follow(&publish, told) => ended,
                () = publish.closed() => return,
            };
            if worked {
                backoff.reset();
                told = false;
            }
            if !told {
                let count = publish.borrow().offers.len();
                log::warn!("servers from Docker unchanged, {count}: {}", Chain(&error));
                told = true;
            }
            sleep(backoff.delay()).await;
        }
    }

    /// Publishes changes until the connection fails. Returns the error, and `true` if the
    /// connection had been established. `back` is `true` if the log must report that Docker is
    /// available again.
    async fn follow(&self, publish: &watch::Sender<Arc<Listing>>, back: bool) -> (Error, bool) {
        let since = SystemClock.now().0 - OVERLAP;
        let connected = async {
            let engine = self.connect().await?;
            let containers = self.running(&engine).await?;
            Ok((engine, containers))
        };
        let (engine, containers) = match connected.await {
            Ok(connected) => connected,
            Err(error) => return (error, false),
        };
        if back {
            log::info!("Docker is available again at {}", self.endpoint);
        }
        self.publish(&containers, publish);
        let kinds = ["start", "die", "stop", "destroy", "rename"].map(str::to_owned).to_vec();
        let filters = HashMap::from([
            ("type".to_owned(), vec!["container".to_owned()]),
            ("event".to_owned(), kinds),
        ]);
        let options = EventsOptionsBuilder::default().since(&since.to_string()).filters(&filters);
        let mut events = std::pin::pin!(engine.docker.events(Some(options.build())));
        let mut wait = LOOK_ANYWAY;
        loop {
            wait = match tokio::time::timeout(wait, events.next()).await {
                Ok(Some(Ok(_))) => {
                    sleep(SETTLE).await;
                    // One list covers all events that have arrived by now.
                    while let Some(Some(Ok(_))) = events.next().now_or_never() {}
                    LOOK_AGAIN
                }
                Ok(Some(Err(error))) => return (self.failed(error), true),
                Ok(None) => return (Error::Ended(self.endpoint.clone()), true),
                Err(_) => LOOK_ANYWAY,
            };
            match self.running(&engine).await {
                Ok(containers) => self.publish(&containers, publish),
                Err(error) => return (error, true),
            }
        }
    }

    async fn connect(&self) -> Result<Engine, Error> {
        Engine::connect(&self.endpoint).await.map_err(|error| self.failed(error))
    }

    async fn running(&self, engine: &Engine) -> Result<Vec<Running>, Error> {
        engine.running(&self.images).await.map_err(|error| self.failed(error))
    }

    fn publish(&self, containers: &[Running], publish: &watch::Sender<Arc<Listing>>) {
        let listing = self.listing(containers);
        let count = listing.offers.len();
        let changed = publish.send_if_modified(|current| {
            let differs = **current != listing;
            *current = Arc::new(listing);
            differs
        });
        if changed {
            log::info!("servers changed: {count} in Docker");
        }
    }

    /// Builds the listing, oldest container first, so that a newer one cannot take its name or URL.
    fn listing(&self, containers: &[Running]) -> Listing {
        let mut containers: Vec<&Running> = containers.iter().collect();
        containers
            .sort_by_key(|container| (container.summary.created, container.summary.id.clone()));
        let mut listing = Listing::default();
        let mut claims = LabelClaims::new(&self.site);
        for Running { summary, labels } in containers {
            let name = name(summary);
            let source = Source::Container(name.clone());
            let mistake = |problem: String| Mistake { source: source.clone(), problem };
            if let Some(keys) = &labels.ignored {
                listing.ignored.push(mistake(format!(
                    "labels are ignored because its image has them, too: {keys}"
                )));
            }
            if let Some(reason) = &labels.withheld {
                listing.mistakes.push(mistake(reason.clone()));
            }
            let server = docker_labels::read(&labels.labels, &name, &self.site);
            let stated = server.as_ref().and_then(|server| server.as_ref().ok());
            claims.add(&labels.labels, &source, stated.map(|server| &server.name), &mut listing);
            match server {
                None => {}
                Some(Ok(server)) => listing.offers.push(Offer { source, server }),
                Some(Err(problem)) => listing.mistakes.push(mistake(problem)),
            }
        }
        listing
    }

    fn failed(&self, error: EngineError) -> Error {
        Error::Engine(self.endpoint.clone(), error)
    }
}

fn name(container: &ContainerSummary) -> String {
    let first = container.names.as_ref().and_then(|names| names.first());
    let name = first.or(container.id.as_ref());
    name.map_or("", |name| name.trim_start_matches('/')).to_owned()
}
