//! Servers from the containers that run, by the labels that operators gave them. Docker is asked for its
//! list of containers, for its events and for the labels of images, and for nothing else, so that a socket
//! proxy need permit no more.

use std::{collections::HashMap, sync::Arc, time::Duration};

use bollard::{
    errors::Error as EngineError, models::ContainerSummary, query_parameters::EventsOptionsBuilder,
};
use futures_util::{FutureExt, StreamExt};
use tokio::{sync::watch, time::sleep};

use super::{
    docker_engine::{Engine, Running},
    docker_labels,
    image_labels::ImageLabels,
    label_claims::Claims,
    stated_server::Site,
};
use crate::{
    config::{Config, DockerEndpoint},
    model::{Chain, Clock, Listing, Mistake, Offer, Source, SystemClock},
};

/// Events come in bursts: of all that a container does when it starts, one list is asked for.
const SETTLE: Duration = Duration::from_millis(50);

/// An event may be told before the list shows it.
const LOOK_AGAIN: Duration = Duration::from_millis(400);

/// A stream of events that fell silent looks like one that has nothing to tell.
const LOOK_ANYWAY: Duration = Duration::from_secs(30);

/// Events of this many seconds before the start are told again, so that none falls between the first
/// list and the stream.
const OVERLAP: i64 = 10;

/// Between attempts to reach Docker.
const BACK_OFF: (Duration, Duration) = (Duration::from_millis(250), Duration::from_secs(10));

/// The option and the variable by which a mcp-stdio-proxy demands signed identities.
pub const IDENTITY_DEMAND: (&str, &str) = ("--identity-jwks", "MCP_IDENTITY_JWKS");

/// Docker does not say which containers run.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// It cannot be asked, or refuses.
    #[error("DOCKER_ENDPOINT: {0}")]
    Engine(DockerEndpoint, #[source] EngineError),
    /// It tells of no more events.
    #[error("DOCKER_ENDPOINT: {0} ended the stream of events")]
    Ended(DockerEndpoint),
}

/// A container, as Docker describes it.
#[derive(Clone, Debug)]
pub struct Container {
    /// Its name.
    pub name: String,
    /// How it does, in Docker's words: `Up 3 minutes (healthy)`.
    pub status: String,
}

/// Asks Docker, and listens to it.
#[derive(Clone)]
pub struct DockerServers {
    endpoint: DockerEndpoint,
    site: Site,
    images: Arc<ImageLabels>,
}

impl DockerServers {
    /// Docker as `config` names it, if it does.
    #[must_use]
    pub fn new(config: &Config) -> Option<Self> {
        let endpoint = config.docker.clone()?;
        Some(Self { endpoint, site: Site::new(config), images: Arc::default() })
    }

    /// The servers that run now.
    pub async fn read(&self) -> Result<Listing, Error> {
        let engine = self.connect().await?;
        Ok(self.listing(&self.running(&engine).await?))
    }

    /// The containers that run now.
    pub async fn containers(&self) -> Result<Vec<Container>, Error> {
        let engine = self.connect().await?;
        let read = |container: Running| Container {
            name: name(&container.summary),
            status: container.summary.status.unwrap_or_default(),
        };
        Ok(self.running(&engine).await?.into_iter().map(read).collect())
    }

    /// Returns `true` if `auth-service docker-proxy` stands before Docker, so that Traefik can be kept from
    /// labels of images, too.
    pub async fn is_filtered(&self) -> Result<bool, Error> {
        Ok(self.connect().await?.filtered)
    }

    /// The names of the containers that run with the option of [`IDENTITY_DEMAND`] on their command line or
    /// with its variable in their environment. Looking into a container may be refused; its command line is
    /// in the list.
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

    /// Publishes what runs whenever it changes, for as long as somebody listens. While Docker cannot
    /// be asked, the last known state stays.
    pub async fn watch(self, publish: watch::Sender<Arc<Listing>>) {
        let mut pause = BACK_OFF.0;
        let mut told = false;
        loop {
            let (error, worked) = tokio::select! {
                ended = self.follow(&publish, told) => ended,
                () = publish.closed() => return,
            };
            if worked {
                (pause, told) = (BACK_OFF.0, false);
            }
            if !told {
                let count = publish.borrow().offers.len();
                log::warn!("servers of Docker stay as they are, {count}: {}", Chain(&error));
                told = true;
            }
            sleep(pause).await;
            pause = (pause * 2).min(BACK_OFF.1);
        }
    }

    /// Publishes until Docker is lost; answers why, and whether it had been there. `back` is whether
    /// somebody waits to hear that it is there again.
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
            log::info!("Docker answers again at {}", self.endpoint);
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
                    // The list shows what the rest of them would tell.
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

    /// The oldest container comes first, so that a second one takes nothing from it.
    fn listing(&self, containers: &[Running]) -> Listing {
        let mut containers: Vec<&Running> = containers.iter().collect();
        containers
            .sort_by_key(|container| (container.summary.created, container.summary.id.clone()));
        let mut listing = Listing::default();
        let mut claims = Claims::new(&self.site);
        for Running { summary, labels } in containers {
            let name = name(summary);
            let source = Source::Container(name.clone());
            let mistake = |problem: String| Mistake { source: source.clone(), problem };
            if let Some(keys) = &labels.ignored {
                listing.ignored.push(mistake(format!("its image has these labels, too: {keys}")));
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
