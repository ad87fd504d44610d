//! HTTP clients that are created on first use. A client loads the system's CA certificates, which
//! take half a megabyte of memory. A service whose users are all logged in does not need them.

use std::sync::OnceLock;

use reqwest::{Client, Result};

/// An HTTP client that is created on first use.
pub(super) struct LazyClient {
    make: Box<dyn Fn() -> Result<Client> + Send + Sync>,
    made: OnceLock<Client>,
}

impl LazyClient {
    /// Creates a lazy client that calls `make` on first use, and again after a failure.
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
