//! Resolves the host names in URLs of anonymous requests, to public addresses only (SSRF
//! protection).
//!
//! `getaddrinfo` cannot be cancelled, and blocks a thread for up to half a minute if a name server
//! does not answer. Invented names would block all threads of the pool. The lookups here need no
//! thread, and are cancelled together with their fetch.

use std::{
    net::SocketAddr,
    time::{Duration, SystemTime},
};

use hickory_resolver::{
    TokioResolver,
    config::{ConnectionConfig, NameServerConfig, ResolverConfig},
    net::{NetError, runtime::TokioRuntimeProvider},
    proto::rr::Name,
};
use parking_lot::Mutex;
use reqwest::dns::{Addrs, Name as HostName, Resolve, Resolving};

use super::public_address::is_public;

/// The file that lists the name servers of this machine.
const RESOLV_CONF: &str = "/etc/resolv.conf";
/// The timeout of one query to a name server. With all retries, the total stays below the timeout
/// of a fetch.
const TIMEOUT: Duration = Duration::from_secs(1);
const RETRIES: usize = 2;

/// A resolver that queries the name servers of this machine, or a given one.
pub struct PublicResolver {
    only: Option<SocketAddr>,
    /// The current resolver, and the modification time of the file that it was created from.
    made: Mutex<Option<(Option<SystemTime>, TokioResolver)>>,
}

impl PublicResolver {
    /// Creates a resolver that queries the name servers of `/etc/resolv.conf`.
    #[must_use]
    pub fn of_system() -> Self {
        Self { only: None, made: Mutex::default() }
    }

    /// Creates a resolver that queries the name server at `address` over UDP.
    #[must_use]
    pub fn asking(address: SocketAddr) -> Self {
        Self { only: Some(address), made: Mutex::default() }
    }

    /// Returns the current resolver. Recreates it if the file has changed, like the C library does.
    fn current(&self) -> Result<TokioResolver, NetError> {
        let changed = || std::fs::metadata(RESOLV_CONF).and_then(|file| file.modified()).ok();
        let age = self.only.map_or_else(changed, |_| None);
        let mut made = self.made.lock();
        match &*made {
            Some((of, resolver)) if *of == age => Ok(resolver.clone()),
            _ => {
                let resolver = self.make()?;
                *made = Some((age, resolver.clone()));
                Ok(resolver)
            }
        }
    }

    fn make(&self) -> Result<TokioResolver, NetError> {
        let mut builder = match self.only {
            None => TokioResolver::builder_tokio()?,
            Some(address) => {
                let mut connection = ConnectionConfig::udp();
                connection.port = address.port();
                let server = NameServerConfig::new(address.ip(), true, vec![connection]);
                let config = ResolverConfig::from_name_servers(vec![server]);
                TokioResolver::builder_with_config(config, TokioRuntimeProvider::default())
            }
        };
        let options = builder.options_mut();
        options.timeout = TIMEOUT;
        options.attempts = RETRIES;
        // Documents are cached instead.
        options.cache_size = 0;
        builder.build()
    }
}

impl Resolve for PublicResolver {
    fn resolve(&self, name: HostName) -> Resolving {
        let resolver = self.current();
        Box::pin(async move {
            let mut name = Name::from_utf8(name.as_str())?;
            // Do not append the search domains of this network.
            name.set_fqdn(true);
            let found = resolver?.lookup_ip(name).await?;
            let addresses: Vec<SocketAddr> =
                found.iter().map(|address| SocketAddr::new(address, 0)).collect();
            if addresses.is_empty() || !addresses.iter().all(|address| is_public(address.ip())) {
                return Err("the host name does not resolve to public addresses only".into());
            }
            Ok(Box::new(addresses.into_iter()) as Addrs)
        })
    }
}
