//! `mcp-servers.json` while it is watched.

use std::{fs::File, path::Path, sync::Arc, time::Duration};

use auth_service::{model::Listing, servers::ServersFile};
use serde_json::json;
use tokio::sync::watch;

use crate::support::Gateway;

fn write(path: &Path, user: &str) {
    let servers = json!({ "mcpServers": { "time": { "command": "x", "allow": [user] } } });
    std::fs::write(path, servers.to_string()).unwrap();
}

/// So do two edits within a tick of the clock, and `rsync -t`.
#[tokio::test]
async fn an_edit_that_leaves_length_and_time_is_taken_over() {
    let gateway = Gateway::start();
    let path = &gateway.config.servers_file;
    let file = ServersFile::new(&gateway.config);
    write(path, "alice");
    let time = std::fs::metadata(path).unwrap().modified().unwrap();
    let (publish, mut listing) = watch::channel(Arc::new(Listing::default()));
    tokio::spawn(file.clone().watch(publish));
    for user in ["alice", "bobby"] {
        write(path, user);
        File::options().write(true).open(path).unwrap().set_modified(time).unwrap();
        let changed = tokio::time::timeout(Duration::from_secs(20), listing.changed()).await;
        changed.unwrap_or_else(|_| panic!("{user} is not taken over")).unwrap();
        assert_eq!(**listing.borrow_and_update(), file.read().unwrap());
    }
}
