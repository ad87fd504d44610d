//! Servers from the containers that run, by their labels. Docker is asked for its list of containers
//! and its events, and for nothing else, so that a socket proxy need permit no more.

use std::{collections::HashMap, sync::Arc, time::Duration};

use bollard::{
    ClientVersion, Docker,
    errors::Error as EngineError,
    models::ContainerSummary,
    query_parameters::{EventsOptionsBuilder, ListContainersOptions},
};
use futures_util::{FutureExt, StreamExt};
use tokio::{sync::watch, time::sleep};

use super::{docker_labels, stated_server::Site};
use crate::{
    config::{Config, DockerEndpoint},
    model::{Chain, Clock, Listing, Mistake, Offer, Source, SystemClock},
};

/// What Docker 25 and later speak; older ones tell what they do.
const VERSION: ClientVersion = ClientVersion { major_version: 1, minor_version: 44 };

/// How long an answer may take, in seconds.
const PATIENCE: u64 = 5;

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
}

impl DockerServers {
    /// Docker as `config` names it, if it does.
    #[must_use]
    pub fn new(config: &Config) -> Option<Self> {
        let endpoint = config.docker.clone()?;
        Some(Self { endpoint, site: Site::new(config) })
    }

    /// The servers that run now.
    pub async fn read(&self) -> Result<Listing, Error> {
        Ok(self.listing(&self.connect().await?.1))
    }

    /// The containers that run now.
    pub async fn containers(&self) -> Result<Vec<Container>, Error> {
        let (_, containers) = self.connect().await?;
        let read = |container: ContainerSummary| Container {
            name: name(&container),
            status: container.status.unwrap_or_default(),
        };
        Ok(containers.into_iter().map(read).collect())
    }

    /// The names of the containers that run with `option` on their command line or `variable` in their
    /// environment. Looking into a container may be refused; its command line is in the list.
    pub async fn running_with(&self, option: &str, variable: &str) -> Result<Vec<String>, Error> {
        let (docker, containers) = self.connect().await?;
        let set = format!("{variable}=");
        let is_set = |entry: &String| entry.strip_prefix(&set).is_some_and(|it| !it.is_empty());
        let mut found = Vec::new();
        for container in &containers {
            let (command, id) = (container.command.as_deref(), container.id.as_deref());
            let inside = docker.inspect_container(id.unwrap_or_default(), None);
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
        let (docker, containers) = match self.connect().await {
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
        let mut events = std::pin::pin!(docker.events(Some(options.build())));
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
            match docker.list_containers(None::<ListContainersOptions>).await {
                Ok(containers) => self.publish(&containers, publish),
                Err(error) => return (self.failed(error), true),
            }
        }
    }

    /// A connection in a version that both sides speak, and what runs.
    async fn connect(&self) -> Result<(Docker, Vec<ContainerSummary>), Error> {
        match self.ask(&VERSION).await {
            Err(EngineError::DockerResponseServerError { status_code: 400, message }) => {
                let Some(version) = supported(&message) else {
                    let refused =
                        EngineError::DockerResponseServerError { status_code: 400, message };
                    return Err(self.failed(refused));
                };
                self.ask(&version).await
            }
            other => other,
        }
        .map_err(|error| self.failed(error))
    }

    async fn ask(
        &self,
        version: &ClientVersion,
    ) -> Result<(Docker, Vec<ContainerSummary>), EngineError> {
        let docker = match &self.endpoint {
            DockerEndpoint::Unix(path) => Docker::connect_with_unix(path, PATIENCE, version)?,
            DockerEndpoint::Tcp(address) => Docker::connect_with_http(address, PATIENCE, version)?,
        };
        let docker = stating(docker, *version);
        let containers = docker.list_containers(None::<ListContainersOptions>).await?;
        Ok((docker, containers))
    }

    fn publish(&self, containers: &[ContainerSummary], publish: &watch::Sender<Arc<Listing>>) {
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
    fn listing(&self, containers: &[ContainerSummary]) -> Listing {
        let mut containers: Vec<&ContainerSummary> = containers.iter().collect();
        containers.sort_by_key(|container| (container.created, container.id.clone()));
        let mut listing = Listing::default();
        for container in containers {
            let name = name(container);
            let labels = container.labels.as_ref();
            match labels.and_then(|labels| docker_labels::read(labels, &name, &self.site)) {
                None => {}
                Some(Ok(server)) => {
                    listing.offers.push(Offer { source: Source::Container(name), server });
                }
                Some(Err(problem)) => {
                    listing.mistakes.push(Mistake { source: Source::Container(name), problem });
                }
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

/// The client with `version` in every path: without one, which the library leaves out, Docker means the
/// newest it has, and will refuse that one day.
fn stating(docker: Docker, version: ClientVersion) -> Docker {
    docker.with_request_modifier(move |mut request| {
        let uri = request.uri();
        let parts = (uri.scheme_str(), uri.authority(), uri.path_and_query());
        if let (Some(scheme), Some(authority), Some(path)) = parts
            && !path.as_str().starts_with("/v1.")
            && let Ok(stated) = format!("{scheme}://{authority}/v{version}{path}").parse()
        {
            *request.uri_mut() = stated;
        }
        request
    })
}

/// The version in "client version 1.44 is too new. Maximum supported API version is 1.41", or in its
/// counterpart for a client that is too old.
fn supported(refusal: &str) -> Option<ClientVersion> {
    let (_, rest) = refusal.split_once("supported API version is ")?;
    let (major, rest) = rest.split_once('.')?;
    let minor: String = rest.chars().take_while(char::is_ascii_digit).collect();
    let version = (major.parse().ok()?, minor.parse().ok()?);
    Some(ClientVersion { major_version: version.0, minor_version: version.1 })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_refusal_tells_the_version() {
        for (refusal, minor) in [
            ("client version 1.44 is too new. Maximum supported API version is 1.41", 41),
            (
                "client version 1.44 is too old. Minimum supported API version is 1.52, please \
                 upgrade your client to a newer version",
                52,
            ),
        ] {
            let version = supported(refusal).unwrap();
            assert_eq!((version.major_version, version.minor_version), (1, minor));
        }
        assert!(supported("invalid filter 'x'").is_none());
        assert!(supported("supported API version is x.y").is_none());
    }
}
