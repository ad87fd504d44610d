//! Everything that runs: its files, and the order in which it starts.

mod auth;
mod data;
mod edge;

use std::{
    fs,
    path::{Path, PathBuf},
    sync::Arc,
    time::Duration,
};

use gateway_tests::stack::root;
use tokio::net::TcpStream;

use crate::{
    cluster::Cluster,
    fleet::{Fleet, Recipe},
    names::{INSTANCES, Name, PUBLIC_PORT},
    options::Options,
    relay::{self, Network},
};

/// The parent domain of the hosts.
pub const DOMAIN: &str = "mcp.localhost";

/// The only MCP server.
pub const SERVER: &str = "reader";

/// The longest time that everything may take to start.
const START: Duration = Duration::from_secs(60);

/// Everything that runs.
pub struct Stack {
    /// The directory of its files.
    pub home: PathBuf,
    /// The processes.
    pub fleet: Fleet,
    /// The network between them.
    pub network: Arc<Network>,
    /// The Redis nodes.
    pub cluster: Cluster,
    /// The commands of auth-service.
    pub operator: Recipe,
    /// The programs whose clocks can be shifted.
    pub clocks: Vec<Name>,
}

impl Stack {
    /// Starts everything and waits until it serves.
    pub async fn start(options: &Options) -> Self {
        let home = fs::canonicalize(&options.home).expect("the directory of the run");
        let cluster = Cluster { is_single: options.single };
        let (fleet, network) = (Fleet::default(), Arc::new(Network::default()));
        fs::create_dir_all(home.join("logs")).expect("a directory");
        edge::write_servers(&home);
        let clocks = clocks(options, cluster);
        for name in &clocks {
            set_clock(&home, *name, 0);
        }
        let relayed = [cluster.nodes(), cluster.sentinels()].concat();
        relay::start(&relayed, &network, &fleet.pids).await;
        for (name, recipe) in data::recipes(&home, options, cluster, &clocks) {
            fleet.add(name, recipe);
        }
        cluster.settled(START).await.expect("Redis starts");
        cluster.acquainted(START).await.expect("the sentinels know each other and all nodes");
        let direct = reqwest::Client::builder().no_proxy().build().expect("a client");
        let redis_url = auth::redis_url(cluster);
        let operator = auth::recipe(&home, &redis_url, Name::Other, &clocks);
        for number in 0..INSTANCES {
            let name = Name::Auth(number);
            fleet.add(name, auth::recipe(&home, &redis_url, name, &clocks));
            await_ready(&direct, &format!("http://{}/ready", name.address())).await;
        }
        for (name, recipe) in edge::recipes(&home) {
            fleet.add(name, recipe);
        }
        await_ready(&direct, &format!("http://{}/readyz", Name::Proxy.address())).await;
        let stack = Self { home, fleet, network, cluster, operator, clocks };
        let metadata = "/.well-known/oauth-authorization-server";
        await_ready(&stack.http(), &(issuer() + metadata)).await;
        stack
    }

    /// Undoes all faults.
    pub fn restore(&self) {
        self.network.lift_all();
        for name in &self.clocks {
            self.shift_clock(*name, 0);
        }
        for node in self.cluster.nodes() {
            let _absent = fs::remove_file(self.disk(node).join("filler"));
        }
        for name in self.fleet.names() {
            self.fleet.resume(name);
            self.fleet.start(name);
        }
    }

    /// Empties nodes whose data are damaged, as an operator does, if another node is the master. Never returns.
    pub async fn repair(&self) {
        loop {
            tokio::time::sleep(Duration::from_millis(500)).await;
            for node in self.cluster.nodes() {
                if TcpStream::connect(node.address()).await.is_ok()
                    || !data::is_damaged(&self.home, node)
                {
                    continue;
                }
                let master = self.cluster.master().await.map(Name::Redis);
                if !self.cluster.is_single
                    && master.is_some_and(|master| master != node)
                    && data::empty(&self.home, node).is_ok()
                {
                    self.fleet.surprised(format!("{node} had a damaged append-only file"));
                }
            }
        }
    }

    /// Shifts the clock of a program by so many seconds.
    pub fn shift_clock(&self, name: Name, seconds: i64) {
        set_clock(&self.home, name, seconds);
    }

    /// The directory of a Redis node, which is a small file system of its own.
    pub fn disk(&self, node: Name) -> PathBuf {
        data::disk(&self.home, node)
    }

    /// Returns a client that reaches Traefik under every host of the gateway.
    pub fn http(&self) -> reqwest::Client {
        let pem = fs::read(self.home.join("ca.pem")).expect("the CA");
        let authority = reqwest::Certificate::from_pem(&pem).expect("a certificate");
        let mut client = reqwest::Client::builder()
            .tls_certs_only([authority])
            .redirect(reqwest::redirect::Policy::none())
            .no_proxy();
        for host in ["auth", SERVER] {
            client = client.resolve(&format!("{host}.{DOMAIN}"), Name::Traefik.address());
        }
        client.build().expect("a client")
    }
}

/// Returns the issuer.
pub fn issuer() -> String {
    format!("https://auth.{DOMAIN}:{PUBLIC_PORT}")
}

/// Returns the URL of the MCP server.
pub fn server_url() -> String {
    format!("https://{SERVER}.{DOMAIN}:{PUBLIC_PORT}/mcp")
}

/// Returns the programs whose clocks can be shifted. Valkey and libfaketime do not start together.
fn clocks(options: &Options, cluster: Cluster) -> Vec<Name> {
    let mut clocks: Vec<Name> = (0..INSTANCES).map(Name::Auth).collect();
    if !options.valkey {
        clocks.extend(cluster.nodes().last());
    }
    clocks
}

/// Writes the shift of a clock, which libfaketime reads each second.
fn set_clock(home: &Path, name: Name, seconds: i64) {
    fs::create_dir_all(home.join("clocks")).expect("a directory");
    // In one step: a program must not read half a number.
    let (file, new) = (clock_file(home, name), home.join("clocks/new"));
    fs::write(&new, format!("{seconds:+}\n")).expect("a clock");
    fs::rename(new, file).expect("a clock");
}

fn clock_file(home: &Path, name: Name) -> PathBuf {
    home.join(format!("clocks/{name}"))
}

/// Returns the environment of a program whose clock is in `home`; `more` is preloaded, too.
fn faketime(home: &Path, name: Name, more: &str) -> Vec<(String, String)> {
    let directory = root().join(".tools/libfaketime/usr/lib");
    let machines = fs::read_dir(&directory).expect("libfaketime").flatten();
    let files = machines.map(|machine| machine.path().join("faketime/libfaketimeMT.so.1"));
    let library = files.into_iter().find(|file| file.exists()).expect("libfaketime");
    let pairs = [
        ("LD_PRELOAD", format!("{} {more}", library.display())),
        ("FAKETIME_TIMESTAMP_FILE", clock_file(home, name).display().to_string()),
        ("FAKETIME_CACHE_DURATION", "1".to_owned()),
        ("FAKETIME_DONT_FAKE_MONOTONIC", "1".to_owned()),
    ];
    pairs.map(|(key, value)| (key.to_owned(), value)).into()
}

/// Returns a program that `scripts/chaos` has built, or one of `QUICKSTART_BIN`.
fn built(program: &str) -> PathBuf {
    if let Some(directory) = std::env::var_os("QUICKSTART_BIN") {
        return PathBuf::from(directory).join(program);
    }
    let target = std::env::var_os("CARGO_TARGET_DIR");
    let target = target.map_or_else(|| root().join("target"), PathBuf::from);
    target.join("quickstart").join(program)
}

fn texts(words: &[&str]) -> Vec<String> {
    words.iter().map(|&word| word.to_owned()).collect()
}

async fn await_ready(http: &reqwest::Client, url: &str) {
    let deadline = tokio::time::Instant::now() + START;
    while !http.get(url).send().await.is_ok_and(|answer| answer.status().is_success()) {
        assert!(tokio::time::Instant::now() < deadline, "{url} does not answer");
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
}
