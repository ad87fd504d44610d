//! Streams of the MCP server, which end with their grant.

use std::{sync::Arc, time::Duration};

use gateway_tests::chaos::history::{Act, Id};

use super::Gateway;

/// Reads a stream until it ends, or for `life`. Records it if it was opened.
pub(super) async fn read(gateway: Arc<Gateway>, token: String, life: Duration) {
    let began = gateway.history.now();
    let Some(mut stream) = gateway.stream(&token).await else { return };
    let reading = async { while let Ok(Some(_)) = stream.chunk().await {} };
    let over = async {
        while !gateway.is_over() {
            tokio::time::sleep(Duration::from_millis(200)).await;
        }
    };
    tokio::select! {
        () = reading => {}
        () = over => {}
        () = tokio::time::sleep(life) => {}
    }
    gateway.history.add(began, Act::Stream(Id::of(&token)));
}
