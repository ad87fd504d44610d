//! Resolves the host names of login providers with the system resolver, with one thread per name.
//!
//! Providers may be known only in `/etc/hosts` or mDNS, so this uses `getaddrinfo`, which cannot be
//! cancelled. Concurrent lookups of the same name share one call, even if earlier callers have
//! given up. So an unresponsive name server blocks one thread, and not one for each login.

use std::{
    collections::HashMap,
    io,
    net::{SocketAddr, ToSocketAddrs},
    sync::Arc,
};

use futures_util::{
    FutureExt,
    future::{BoxFuture, Shared},
};
use parking_lot::Mutex;
use reqwest::dns::{Addrs, Name, Resolve, Resolving};

type Found = Result<Vec<SocketAddr>, Arc<io::Error>>;
type InFlight = HashMap<String, Shared<BoxFuture<'static, Found>>>;
type LookUp = fn(&str) -> io::Result<Vec<SocketAddr>>;

/// A resolver that coalesces concurrent lookups of the same name.
pub(super) struct ProviderResolver {
    look_up: LookUp,
    in_flight: Arc<Mutex<InFlight>>,
}

impl Default for ProviderResolver {
    fn default() -> Self {
        Self::by(|name| Ok((name, 0).to_socket_addrs()?.collect()))
    }
}

impl ProviderResolver {
    fn by(look_up: LookUp) -> Self {
        Self { look_up, in_flight: Arc::default() }
    }

    fn found(&self, name: &str) -> Shared<BoxFuture<'static, Found>> {
        let mut in_flight = self.in_flight.lock();
        if let Some(shared) = in_flight.get(name) {
            return shared.clone();
        }
        let (look_up, ending, text) = (self.look_up, Arc::clone(&self.in_flight), name.to_owned());
        let thread = tokio::task::spawn_blocking(move || {
            let found = look_up(&text).map_err(Arc::new);
            ending.lock().remove(&text);
            found
        });
        let joined = async { thread.await.unwrap_or_else(|error| Err(Arc::new(error.into()))) };
        let shared = joined.boxed().shared();
        in_flight.insert(name.to_owned(), shared.clone());
        shared
    }
}

impl Resolve for ProviderResolver {
    fn resolve(&self, name: Name) -> Resolving {
        let found = self.found(name.as_str());
        Box::pin(async move { Ok(Box::new(found.await?.into_iter()) as Addrs) })
    }
}

#[cfg(test)]
mod tests {
    use std::{
        sync::atomic::{AtomicUsize, Ordering::SeqCst},
        time::Duration,
    };

    use super::*;

    static CALLS: AtomicUsize = AtomicUsize::new(0);

    #[expect(clippy::unnecessary_wraps, reason = "it stands for a look-up that may fail")]
    fn slow(_: &str) -> io::Result<Vec<SocketAddr>> {
        CALLS.fetch_add(1, SeqCst);
        std::thread::sleep(Duration::from_millis(200));
        Ok(vec![SocketAddr::from(([192, 0, 2, 1], 0))])
    }

    #[tokio::test]
    async fn s10_equal_look_ups_share_one_thread_also_when_their_callers_gave_up() {
        let resolver = ProviderResolver::by(slow);
        let ask = || resolver.resolve("github.example".parse().unwrap());
        for _ in 0..20 {
            assert!(tokio::time::timeout(Duration::from_millis(1), ask()).await.is_err());
        }
        let found = futures_util::future::join_all((0..20).map(|_| ask())).await;
        assert!(found.into_iter().all(|found| found.unwrap().count() == 1));
        assert_eq!(CALLS.load(SeqCst), 1);
        assert!(resolver.in_flight.lock().is_empty());
        assert_eq!(ask().await.unwrap().count(), 1);
        assert_eq!(CALLS.load(SeqCst), 2, "results are not cached");
    }
}
