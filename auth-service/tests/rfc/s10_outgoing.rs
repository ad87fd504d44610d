//! Fetches that strangers cause are limited, and never delay the logins of others.

use std::{
    cell::Cell,
    net::{TcpListener, UdpSocket},
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering::SeqCst},
    },
    time::Duration,
};

use auth_service::upstream::{ClientDocuments, FAILURE_KEPT, GitHub, GithubError, PublicResolver};
use auth_service::{
    config::ProviderKind,
    model::{ProviderName, WantedFacts},
};
use futures_util::{
    StreamExt,
    future::{join_all, ready},
    stream::{self, FuturesUnordered},
};
use gateway_tests::pkce;
use reqwest::dns::{Name, Resolve, Resolving};
use serde_json::json;

use crate::{
    document_host::DocumentHost,
    support::{App, CALLBACK, GIT, Gateway, query},
};

const URL: &str = "https://app.example/client";
const OK: &str = "200 OK\r\nContent-Type: application/json\r\nCache-Control: max-age=600";
/// As many client ids as a flood has at least, and as many requests at a time.
const FLOOD: usize = 600;
const CONCURRENT: usize = 150;
/// The limit of fetches in flight; and that of one site.
const IN_ALL: usize = 64;
const PER_SITE: usize = 8;

/// Never answers for hosts below `silent`, and counts.
struct PartlySilent {
    documents: Arc<DocumentHost>,
    asked: AtomicUsize,
    waiting: Arc<AtomicUsize>,
    most: AtomicUsize,
}

struct Waiting(Arc<AtomicUsize>);

impl Drop for Waiting {
    fn drop(&mut self) {
        self.0.fetch_sub(1, SeqCst);
    }
}

impl PartlySilent {
    fn beside(documents: Arc<DocumentHost>) -> Arc<Self> {
        let (asked, most) = (AtomicUsize::new(0), AtomicUsize::new(0));
        Arc::new(Self { documents, asked, waiting: Arc::default(), most })
    }
}

impl Resolve for PartlySilent {
    fn resolve(&self, name: Name) -> Resolving {
        self.asked.fetch_add(1, SeqCst);
        if !name.as_str().ends_with(".silent") {
            return self.documents.resolve(name);
        }
        self.most.fetch_max(self.waiting.fetch_add(1, SeqCst) + 1, SeqCst);
        let waiting = Waiting(Arc::clone(&self.waiting));
        Box::pin(async move {
            std::future::pending::<()>().await;
            drop(waiting);
            Err("never".into())
        })
    }
}

fn document(id: &str) -> String {
    json!({ "client_id": id, "client_name": "App", "redirect_uris": [CALLBACK] }).to_string()
}

fn app(id: impl Into<String>) -> App {
    App { id: id.into(), secret: None }
}

async fn status_of_authorize(gateway: &Gateway, id: &str) -> u16 {
    let url = app(id).authorize_url(&pkce::pair().1, &[]);
    gateway.browser().get(&url).await.status.as_u16()
}

/// Logs in with GitHub, and returns the status of the token request.
async fn log_in_with_github(gateway: &Gateway) -> u16 {
    let app = gateway.app().await;
    let (verifier, challenge) = pkce::pair();
    let mut browser = gateway.browser();
    let page = browser.get(&app.authorize_url(&challenge, &[("resource", GIT)])).await;
    let sent = browser.decide(&page, "github", "").await;
    let back = query(&browser.follow(sent, CALLBACK).await);
    gateway.redeem(&app, &back["code"], &verifier).await.status
}

/// Asks for clients of ever new hosts while `work` is done, and for `FLOOD` of them at least.
async fn beside_a_flood<T>(
    gateway: &Gateway,
    host: impl Fn(usize) -> String,
    work: impl Future<Output = T>,
) -> T {
    let done = Cell::new(false);
    let numbers = stream::iter(0..).take_while(|&number| ready(number < FLOOD || !done.get()));
    let requests = numbers.map(|number| {
        let url = app(format!("https://{}/client", host(number)));
        let url = url.authorize_url(&pkce::pair().1, &[]);
        let here = format!("{}{}", gateway.base, &url[url::Position::BeforePath..]);
        gateway.http.get(here).header("Host", "auth.gw.example").send()
    });
    let flood = requests.buffer_unordered(CONCURRENT).for_each(|answer| {
        // A machine under load may be too slow for the time limit of a request's head.
        if let Ok(answer) = answer {
            assert_eq!(answer.status(), 503);
        }
        ready(())
    });
    let work = async {
        let worked = work.await;
        done.set(true);
        worked
    };
    tokio::join!(work, flood).0
}

/// Hosts of as many sites: no more than the limit in flight, and a client from elsewhere comes through
/// although its document was never fetched before.
#[tokio::test]
async fn s10_silent_hosts_delay_nobody_else() {
    let (gateway, resolver) = Gateway::resolving(PartlySilent::beside);
    gateway.documents.publish("client", OK, &document(URL));
    let others = async {
        // In the middle of the flood.
        while resolver.waiting.load(SeqCst) < IN_ALL {
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
        assert_eq!(log_in_with_github(&gateway).await, 200);
        let mut tries = 0;
        while status_of_authorize(&gateway, URL).await != 200 {
            tries += 1;
            assert!(tries < 100, "a good client is locked out");
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
        assert!(resolver.waiting.load(SeqCst) > 0, "the flood was over before");
    };
    beside_a_flood(&gateway, |number| format!("h{number}.site{number}.silent"), others).await;
    let most = resolver.most.load(SeqCst);
    assert_eq!(most, IN_ALL, "in flight");
    assert_eq!(resolver.waiting.load(SeqCst), 0);
}

/// Hosts of one domain have a limit of their own, far below that of all.
#[tokio::test]
async fn s10_one_site_cannot_take_all_that_may_be_in_flight() {
    let (gateway, resolver) = Gateway::resolving(PartlySilent::beside);
    gateway.documents.publish("client", OK, &document(URL));
    let others = async {
        while resolver.waiting.load(SeqCst) < PER_SITE {
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
        assert_eq!(status_of_authorize(&gateway, URL).await, 200);
    };
    beside_a_flood(&gateway, |number| format!("h{number}.evil.silent"), others).await;
    let most = resolver.most.load(SeqCst);
    assert_eq!(most, PER_SITE, "in flight");
}

/// Requests for the same document wait for one fetch, and share what became of it.
#[tokio::test]
async fn s10_equal_urls_are_fetched_once() {
    let (gateway, resolver) = Gateway::resolving(PartlySilent::beside);
    let requests = (0..50).map(|_| status_of_authorize(&gateway, "https://a.b.silent/client"));
    assert_eq!(join_all(requests).await, [503; 50]);
    assert_eq!(resolver.asked.load(SeqCst), 1);
    // The failure is remembered, for this URL and for its host.
    assert_eq!(status_of_authorize(&gateway, "https://a.b.silent/client").await, 503);
    assert_eq!(status_of_authorize(&gateway, "https://a.b.silent/other").await, 503);
    assert_eq!(resolver.asked.load(SeqCst), 1);
    gateway.clock.advance(i64::try_from(FAILURE_KEPT.as_secs()).unwrap());
    assert_eq!(status_of_authorize(&gateway, "https://a.b.silent/other").await, 503);
    assert_eq!(resolver.asked.load(SeqCst), 2, "not for longer");
}

/// A document that is of no use is remembered too, but says nothing of others on its host.
#[tokio::test]
async fn s10_a_wrong_document_is_not_fetched_again_at_once() {
    let (gateway, resolver) = Gateway::resolving(PartlySilent::beside);
    gateway.documents.publish("client", OK, "no JSON");
    gateway.documents.publish("missing", "404 Not Found", "");
    for _ in 0..3 {
        assert_eq!(status_of_authorize(&gateway, URL).await, 503);
        assert_eq!(status_of_authorize(&gateway, "https://app.example/missing").await, 503);
    }
    assert_eq!(resolver.asked.load(SeqCst), 2);
    let good = "https://app.example/good";
    gateway.documents.publish("good", OK, &document(good));
    gateway.documents.publish("client", OK, &document(URL));
    assert_eq!(status_of_authorize(&gateway, good).await, 200);
    gateway.clock.advance(i64::try_from(FAILURE_KEPT.as_secs()).unwrap());
    assert_eq!(status_of_authorize(&gateway, URL).await, 200);
}

/// Anybody can begin logins and send made-up codes: the requests to GitHub have a limit, and those above
/// it are told to come back.
#[tokio::test]
async fn s10_logins_at_the_provider_are_limited() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let gateway = Gateway::start();
    let ProviderKind::Github(github) = &gateway.config.providers[0].kind else { panic!() };
    let mut config = (**github).clone();
    config.base_url = format!("http://{}", listener.local_addr().unwrap()).parse().unwrap();
    // It takes connections and never answers.
    let taken = Arc::new(AtomicUsize::new(0));
    let counted = Arc::clone(&taken);
    std::thread::spawn(move || {
        let mut held = Vec::new();
        for connection in listener.incoming() {
            held.push(connection);
            counted.fetch_add(1, SeqCst);
        }
    });
    let callback = "https://auth.gw.example/callback".to_owned();
    let name = ProviderName::github();
    let github = GitHub::new(name, &config, callback, gateway.clock.clone()).unwrap();
    let wanted = WantedFacts::default();
    let logins: FuturesUnordered<_> =
        (0..100).map(|_| github.identify("code", "verifier", &wanted)).collect();
    let above: Vec<_> = logins.take(100 - 64).collect().await;
    assert!(above.iter().all(|login| matches!(login, Err(GithubError::Busy))), "{above:?}");
    assert_eq!(taken.load(SeqCst), 64);
}

/// A name server that is silent holds no thread: `getaddrinfo` would hold one for each name.
#[tokio::test]
async fn s10_look_ups_of_strangers_names_need_no_threads() {
    let server = UdpSocket::bind("127.0.0.1:0").unwrap();
    let address = server.local_addr().unwrap();
    server.set_nonblocking(true).unwrap();
    let (gateway, _) = Gateway::resolving(|_| Arc::new(PublicResolver::asking(address)));
    let threads = || std::fs::read_dir("/proc/self/task").unwrap().count();
    // Others of this process have their own tests.
    let before = threads();
    let mut most = 0;
    let others = async {
        assert_eq!(log_in_with_github(&gateway).await, 200);
        for _ in 0..20 {
            most = most.max(threads());
            tokio::time::sleep(Duration::from_millis(25)).await;
        }
    };
    beside_a_flood(&gateway, |number| format!("h{number}.site{number}.test"), others).await;
    let mut query = [0; 512];
    assert!(server.recv_from(&mut query).is_ok(), "nothing was looked up");
    assert!(most < before + 200, "{before} threads before, {most} during the flood");
}

/// What the name server says is believed only if every address is public.
#[tokio::test]
async fn s10_a_name_with_an_address_of_ones_own_network_is_refused() {
    let server = tokio::net::UdpSocket::bind("127.0.0.1:0").await.unwrap();
    let address = server.local_addr().unwrap();
    let answering = tokio::spawn(async move {
        let mut query = [0; 512];
        loop {
            let (length, from) = server.recv_from(&mut query).await.unwrap();
            server.send_to(&reply(&query[..length]), from).await.unwrap();
        }
    });
    let resolver = PublicResolver::asking(address);
    let found = resolver.resolve("public.example".parse().unwrap()).await.unwrap();
    assert_eq!(found.map(|address| address.ip().to_string()).collect::<Vec<_>>(), ["8.8.8.8"]);
    for name in ["inner.example", "mixed.example", "unknown.example"] {
        assert!(resolver.resolve(name.parse().unwrap()).await.is_err(), "{name}");
    }
    let documents = ClientDocuments::resolving_by(Arc::new(resolver), None);
    let now = auth_service::model::UnixTime(0);
    let error = documents.fetch("https://inner.example/client", now).await.unwrap_err();
    assert!(error.to_string().contains("public addresses"), "{error}");
    answering.abort();
}

/// The answer of a name server (RFC 1035 §4.1) with the addresses of the first label.
fn reply(query: &[u8]) -> Vec<u8> {
    let length = usize::from(query[12]);
    let label = String::from_utf8_lossy(&query[13..13 + length]).to_ascii_lowercase();
    let addresses: &[[u8; 4]] = match label.as_str() {
        "public" => &[[8, 8, 8, 8]],
        "inner" => &[[10, 0, 0, 1]],
        "mixed" => &[[8, 8, 8, 8], [127, 0, 0, 1]],
        _ => &[],
    };
    let end = 12 + query[12..].iter().position(|&byte| byte == 0).unwrap() + 5;
    let is_a = query[end - 4..end - 2] == [0, 1];
    let addresses = if is_a { addresses } else { &[] };
    let count = u8::try_from(addresses.len()).unwrap();
    let mut reply = [&query[..2], &[0x81, 0x80, 0, 1, 0, count, 0, 0, 0, 0]].concat();
    reply.extend_from_slice(&query[12..end]);
    for address in addresses {
        reply.extend_from_slice(&[0xc0, 12, 0, 1, 0, 1, 0, 0, 0, 60, 0, 4]);
        reply.extend_from_slice(address);
    }
    reply
}
