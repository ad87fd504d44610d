//! The relays in front of the Redis nodes and the sentinels, which cut, delay and swallow what others send them.

mod carry;
mod network;
mod owner;

use std::sync::Arc;

use tokio::net::TcpListener;

pub use self::network::{Links, Network, Trouble};
use self::{carry::carry, network::Link, owner::owner};
use crate::{fleet::Pids, names::Name};

/// Starts the relays in front of `names`.
pub async fn start(names: &[Name], network: &Arc<Network>, pids: &Arc<Pids>) {
    for name in names.iter().copied() {
        let listener = TcpListener::bind(name.relay()).await.expect("the port of a relay");
        let (network, pids) = (Arc::clone(network), Arc::clone(pids));
        tokio::spawn(async move {
            loop {
                // Without descriptors for a moment.
                let Ok((near, peer)) = listener.accept().await else { continue };
                let from = owner(peer, name.relay(), &pids);
                let link = Link { from, to: name };
                tokio::spawn(carry(near, link, network.rules()));
            }
        });
    }
}
