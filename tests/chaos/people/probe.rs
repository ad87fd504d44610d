//! A person who does nothing but calls, ten times a second, to measure the time without service.

use std::{sync::Arc, time::Duration};

use gateway_tests::{browser::Browser, chaos::history::Path, chaos::random::Random};

use super::{Gateway, connect::connect};

/// The name of the person. Nobody revokes what they have.
const NAME: &str = "probe";

/// The time between two calls.
const PAUSE: Duration = Duration::from_millis(100);

/// Logs in. Returns the access token that [`probe`] calls with.
pub async fn log_in(gateway: &Gateway) -> String {
    let id = gateway.register(NAME).await;
    let id = id.done().expect("a registration before the first fault").clone();
    let mut browser = Browser::new(gateway.edge.clone());
    let tokens = connect(gateway, &mut browser, (NAME, &id), &mut Random::of(0, NAME)).await;
    tokens.expect("a login before the first fault").access
}

/// Calls until the run is over.
pub async fn probe(gateway: Arc<Gateway>, token: String) {
    while !gateway.is_over() {
        let call = gateway.call(Path::Edge, &token);
        tokio::join!(call, tokio::time::sleep(PAUSE));
    }
}
