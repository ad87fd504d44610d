//! HTTP clients that are made when they are first used: one reads the system's certificates and keeps
//! them, half a megabyte that a service whose people are logged in has no use for.

use std::sync::OnceLock;

use reqwest::{Client, Result};

/// A client that may not exist yet.
pub(super) struct LazyClient {
    make: Box<dyn Fn() -> Result<Client> + Send + Sync>,
    made: OnceLock<Client>,
}

impl LazyClient {
    /// The client that `make` makes.
    pub(super) fn new(make: impl Fn() -> Result<Client> + Send + Sync + 'static) -> Self {
        Self { make: Box::new(make), made: OnceLock::new() }
    }

    pub(super) fn get(&self) -> Result<&Client> {
        if let Some(client) = self.made.get() {
            return Ok(client);
        }
        let client = (self.make)()?;
        Ok(self.made.get_or_init(|| client))
    }
}
