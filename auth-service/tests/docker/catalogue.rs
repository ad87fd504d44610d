//! Containers come and go, and the catalogue with them.

use std::{
    collections::HashMap,
    sync::Arc,
    time::{Duration, Instant},
};

use auth_service::{
    config::Config,
    model::{Catalogue, ServerName},
    servers::Sources,
};
use serde_json::{Value, json};
use tempfile::TempDir;
use tokio::{sync::watch, task::JoinHandle};

use crate::{
    engine::{Engine, SOCKET},
    socket_proxy::SocketProxy,
};

/// What people are promised.
const SOON: Duration = Duration::from_secs(1);

/// The providers of one test, at work.
pub(crate) struct Watched {
    directory: TempDir,
    catalogue: watch::Receiver<Arc<Catalogue>>,
    task: JoinHandle<()>,
}

impl Watched {
    pub(crate) async fn start(endpoint: &str, servers: Option<&Value>) -> Self {
        let directory = tempfile::tempdir().unwrap();
        let file = directory.path().join("servers.json");
        let settings = HashMap::from([
            ("BASE_DOMAIN".to_owned(), "gw.example".to_owned()),
            ("REDIS_URL".to_owned(), "redis://127.0.0.1/0".to_owned()),
            ("SIGNING_KEY_FILE".to_owned(), "key.pem".to_owned()),
            ("MCP_SERVERS_FILE".to_owned(), file.display().to_string()),
            ("DOCKER_ENDPOINT".to_owned(), endpoint.to_owned()),
        ]);
        if let Some(servers) = servers {
            write(&directory, servers);
        }
        let mut providers = Sources::new(&Config::from_map(settings).unwrap());
        let listing = providers.start().await.unwrap();
        let (publish, catalogue) = watch::channel(Arc::new(listing.catalogue()));
        Self { directory, catalogue, task: tokio::spawn(providers.watch(publish)) }
    }

    pub(crate) fn url(&self, name: &str) -> Option<String> {
        let name = ServerName::parse(name).unwrap();
        self.catalogue.borrow().by_name(&name).map(|server| server.resource.to_string())
    }

    /// Waits until `name` is at `url`; how long it took.
    pub(crate) async fn expect(&self, name: &str, url: Option<&str>) -> Duration {
        let since = Instant::now();
        while self.url(name).as_deref() != url {
            assert!(since.elapsed() < Duration::from_secs(20), "{name} is at {:?}", self.url(name));
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
        since.elapsed()
    }
}

impl Drop for Watched {
    fn drop(&mut self) {
        self.task.abort();
    }
}

fn write(directory: &TempDir, servers: &Value) {
    let text = json!({ "mcpServers": servers }).to_string();
    std::fs::write(directory.path().join("servers.json"), text).unwrap();
}

pub(crate) fn socket() -> String {
    format!("unix://{SOCKET}")
}

const ENABLE: (&str, &str) = ("mcp.enable", "true");

#[tokio::test]
async fn a_container_is_a_server_within_a_second_and_for_as_long_as_it_runs() {
    let engine = Engine::new("runs");
    let (first, second) = (engine.name("one"), engine.name("two"));
    engine.run("one", &[ENABLE]);
    let watched = Watched::start(&socket(), None).await;
    assert_eq!(watched.url(&first), Some(format!("https://{first}.gw.example/mcp")));
    assert_eq!(watched.url(&second), None);

    let rule = ("traefik.http.routers.x.rule", "Host(`runs-two.example`)");
    engine.run("two", &[ENABLE, rule]);
    let took = watched.expect(&second, Some("https://runs-two.example/mcp")).await;
    assert!(took < SOON, "{took:?}");

    engine.remove("two");
    let took = watched.expect(&second, None).await;
    assert!(took < SOON, "{took:?}");
    assert!(watched.url(&first).is_some());
}

#[tokio::test]
async fn file_and_containers_are_one_catalogue_and_a_mistake_hurts_nobody_else() {
    let engine = Engine::new("both");
    let (good, taken, wrong) = (engine.name("good"), engine.name("taken"), engine.name("wrong"));
    let at_file =
        json!({ taken.clone(): { "command": "x", "resource": "https://file.example/mcp" } });
    let watched = Watched::start(&socket(), Some(&at_file)).await;
    engine.run("taken", &[ENABLE]);
    engine.run("wrong", &[ENABLE, ("mcp.alow", "alice")]);
    engine.run("good", &[ENABLE]);
    let url = format!("https://{good}.gw.example/mcp");
    watched.expect(&good, Some(&url)).await;
    assert_eq!(watched.url(&taken).as_deref(), Some("https://file.example/mcp"));
    assert_eq!(watched.url(&wrong), None);

    // What was taken is free once the file lets go of it, and the others stay.
    write(&watched.directory, &json!({ "other": { "command": "x" } }));
    let took = watched.expect("other", Some("https://other.gw.example/mcp")).await;
    assert!(took < SOON, "{took:?}");
    watched.expect(&taken, Some(&format!("https://{taken}.gw.example/mcp"))).await;
    write(&watched.directory, &json!({ "other": { "scopes": "no list" } }));
    engine.remove("taken");
    watched.expect(&taken, None).await;
    assert!(watched.url("other").is_some() && watched.url(&good).is_some());
}

#[tokio::test]
async fn a_socket_proxy_need_permit_lists_images_and_events_only() {
    let engine = Engine::new("proxy");
    let (one, two) = (engine.name("one"), engine.name("two"));
    let (url_one, url_two) =
        (format!("https://{one}.gw.example/mcp"), format!("https://{two}.gw.example/mcp"));
    let proxy = SocketProxy::start();
    let watched = Watched::start(&proxy.endpoint, None).await;
    engine.run("one", &[ENABLE]);
    let took = watched.expect(&one, Some(&url_one)).await;
    assert!(took < SOON, "{took:?}");

    // While Docker cannot be asked, what was known stays; after it, what is.
    proxy.cut();
    engine.remove("one");
    engine.run("two", &[ENABLE]);
    tokio::time::sleep(Duration::from_millis(1500)).await;
    assert_eq!((watched.url(&one), watched.url(&two)), (Some(url_one), None));
    proxy.mend();
    watched.expect(&two, Some(&url_two)).await;
    assert_eq!(watched.url(&one), None);
    engine.remove("two");
    let took = watched.expect(&two, None).await;
    assert!(took < SOON, "events are heard again: {took:?}");
    assert_eq!(proxy.refused(), Vec::<String>::new());
}

#[tokio::test]
async fn docker_may_come_later_than_the_gateway() {
    let engine = Engine::new("later");
    let name = engine.name("one");
    engine.run("one", &[ENABLE]);
    let proxy = SocketProxy::start();
    proxy.cut();
    let at_file = json!({ "time": { "command": "x" } });
    let watched = Watched::start(&proxy.endpoint, Some(&at_file)).await;
    assert!(watched.url("time").is_some() && watched.url(&name).is_none());
    proxy.mend();
    watched.expect(&name, Some(&format!("https://{name}.gw.example/mcp"))).await;
    assert!(watched.url("time").is_some());
}
