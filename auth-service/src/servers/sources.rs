//! The providers of the server catalogue combined: the file and Docker.

use std::sync::Arc;

use tokio::sync::watch;

use super::{DockerError, DockerServers, ServersError, ServersFile};
use crate::{
    config::Config,
    model::{Catalogue, Chain, Listing, Mistake},
};

/// The error of a provider.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The file provider failed.
    #[error(transparent)]
    File(#[from] ServersError),
    /// The Docker provider failed.
    #[error(transparent)]
    Docker(#[from] DockerError),
}

/// The providers of servers, and their listings at startup.
pub struct Sources {
    file: ServersFile,
    docker: Option<DockerServers>,
    known: [Arc<Listing>; 2],
}

impl Sources {
    /// Creates the providers of `config`.
    #[must_use]
    pub fn new(config: &Config) -> Self {
        let (file, docker) = (ServersFile::new(config), DockerServers::new(config));
        Self { file, docker, known: <[_; 2]>::default() }
    }

    /// Reads the current listing of all providers.
    pub async fn read(&self) -> Result<Listing, Error> {
        let docker = match &self.docker {
            Some(docker) => docker.read().await?,
            None => Listing::default(),
        };
        Ok(Listing::merged([&self.file.read()?, &docker]))
    }

    /// Reads the listing at startup. The file must be readable; Docker may become available later.
    pub async fn start(&mut self) -> Result<Listing, ServersError> {
        let file = self.file.read()?;
        let docker = match &self.docker {
            Some(docker) => docker.read().await.unwrap_or_else(|error| {
                log::warn!("servers from Docker are not available yet: {}", Chain(&error));
                Listing::default()
            }),
            None => Listing::default(),
        };
        let whole = Listing::merged([&file, &docker]);
        tell(&whole, &Listing::default());
        self.known = [Arc::new(file), Arc::new(docker)];
        Ok(whole)
    }

    /// Publishes the catalogue whenever it changes, until all receivers are dropped. Logs the
    /// mistakes in each new listing.
    pub async fn watch(self, publish: watch::Sender<Arc<Catalogue>>) {
        let [file, docker] = self.known;
        let (to_file, file) = watch::channel(file);
        let (to_docker, docker) = watch::channel(docker);
        let asking = async {
            match self.docker {
                Some(docker) => docker.watch(to_docker).await,
                // Keep the sender alive, because a closed channel would end the merge.
                None => to_docker.closed().await,
            }
        };
        tokio::join!(self.file.watch(to_file), asking, merge(file, docker, publish));
    }
}

async fn merge(
    mut file: watch::Receiver<Arc<Listing>>,
    mut docker: watch::Receiver<Arc<Listing>>,
    publish: watch::Sender<Arc<Catalogue>>,
) {
    let together = |parts: [Arc<Listing>; 2]| Listing::merged(parts.iter().map(Arc::as_ref));
    let mut told = together([file.borrow().clone(), docker.borrow().clone()]);
    loop {
        let changed = tokio::select! {
            changed = file.changed() => changed,
            changed = docker.changed() => changed,
            () = publish.closed() => return,
        };
        if changed.is_err() {
            return;
        }
        let parts = [file.borrow_and_update().clone(), docker.borrow_and_update().clone()];
        let whole = together(parts);
        tell(&whole, &told);
        told.clone_from(&whole);
        let catalogue = whole.catalogue();
        publish.send_if_modified(|current| {
            let differs = **current != catalogue;
            *current = Arc::new(catalogue);
            differs
        });
    }
}

/// Logs the mistakes in `listing` that are not in `told`, so that each is logged once.
fn tell(listing: &Listing, told: &Listing) {
    let new = |now: &'static str, ours: &[Mistake], theirs: &[Mistake]| {
        for mistake in ours.iter().filter(|mistake| !theirs.contains(mistake)) {
            log::error!("{now}: {mistake}");
        }
    };
    new("not a server", &listing.mistakes, &told.mistakes);
    new("a label claims a resource of another owner", &listing.claims, &told.claims);
    new("ignored labels", &listing.ignored, &told.ignored);
}
