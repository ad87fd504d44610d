//! Redis or Valkey, each node on a small file system of its own, and the sentinels.

use std::{
    fs,
    path::{Path, PathBuf},
    process::Command,
};

use gateway_tests::stack::root;

use super::{faketime, texts};
use crate::{
    cluster::Cluster,
    fleet::Recipe,
    names::{MASTER_SET, Name},
    options::Options,
};

/// The size of the file system of a node.
const DISK: &str = "size=64m";

/// The settings of each node, as docker/redis-sentinel.yml has them. The append-only file is rewritten early, so that
/// this meets faults, too.
const NODE: &str = "\
bind 127.0.0.1
protected-mode no
appendonly yes
save 300 1
maxmemory 256mb
maxmemory-policy noeviction
auto-aof-rewrite-min-size 4mb
";

/// The settings of a node with replicas. A master that no replica follows takes no writes.
const REPLICATED: &str = "\
min-replicas-to-write 1
min-replicas-max-lag 5
repl-diskless-sync-delay 0
";

/// The directory of a node.
pub(super) fn disk(home: &Path, node: Name) -> PathBuf {
    home.join(format!("{node}-data"))
}

/// Writes the configuration of all nodes and sentinels, and returns how they are started.
pub(super) fn recipes(
    home: &Path,
    options: &Options,
    cluster: Cluster,
    clocks: &[Name],
) -> Vec<(Name, Recipe)> {
    let program = if options.valkey { valkey() } else { "redis-server".into() };
    let recipe = |name: Name, mode: &str| Recipe {
        program: program.clone(),
        arguments: [
            texts(&[&format!("{name}.conf")]),
            texts(mode.split_terminator(' ').collect::<Vec<_>>().as_slice()),
        ]
        .concat(),
        environment: if clocks.contains(&name) {
            // Before jemalloc, whose start asks for the time, which libfaketime cannot answer yet.
            faketime(home, name, "libc.so.6")
        } else {
            Vec::new()
        },
        directory: home.to_owned(),
        log: home.join(format!("logs/{name}.log")),
    };
    let nodes = cluster.nodes().into_iter().map(|name| {
        mount(&disk(home, name));
        let mut text = node(home, name, cluster);
        if options.forgetful {
            text = text.replace("appendonly yes", "appendonly no");
        }
        write(home, name, &text);
        (name, recipe(name, ""))
    });
    let nodes: Vec<_> = nodes.collect();
    let sentinels = cluster.sentinels().into_iter().map(|name| {
        write(home, name, &sentinel(home, name));
        (name, recipe(name, "--sentinel"))
    });
    nodes.into_iter().chain(sentinels).collect()
}

/// Returns `true` if a node has ended because its append-only file is damaged, by its log.
///
/// Redis 7.0 leaves a hole in the file when the disk was full during a write, and does not start with it.
pub(super) fn is_damaged(home: &Path, node: Name) -> bool {
    let log = fs::read_to_string(home.join(format!("logs/{node}.log"))).unwrap_or_default();
    log.lines().last().is_some_and(|line| line.contains("Bad file format reading the append only"))
}

/// Removes the data of a node.
pub(super) fn empty(home: &Path, node: Name) -> std::io::Result<()> {
    fs::remove_dir_all(disk(home, node).join("appendonlydir"))
}

fn node(home: &Path, name: Name, cluster: Cluster) -> String {
    let (address, relay) = (name.address(), name.relay());
    let mut text = format!("{NODE}port {}\ndir {}\n", address.port(), disk(home, name).display());
    if cluster.is_single {
        // A crash must not lose what was acknowledged: no replica has it.
        text += "appendfsync always\n";
        return text;
    }
    text += REPLICATED;
    text += &format!("replica-announce-ip {}\n", relay.ip());
    text += &format!("replica-announce-port {}\n", relay.port());
    let first = Name::Redis(0).relay();
    if name != Name::Redis(0) {
        text += &format!("replicaof {} {}\n", first.ip(), first.port());
    }
    text
}

/// Returns the settings of a sentinel. It is quicker than the one of docker/redis-sentinel.yml, so that more failovers
/// fit into a run.
fn sentinel(home: &Path, name: Name) -> String {
    let (address, relay, first) = (name.address(), name.relay(), Name::Redis(0).relay());
    let directory = home.join(format!("{name}-data"));
    fs::create_dir_all(&directory).expect("a directory");
    format!(
        "bind 127.0.0.1\nport {}\ndir {}\n\
         sentinel monitor {MASTER_SET} {} {} 2\n\
         sentinel down-after-milliseconds {MASTER_SET} 1500\n\
         sentinel failover-timeout {MASTER_SET} 6000\n\
         sentinel parallel-syncs {MASTER_SET} 2\n\
         sentinel announce-ip {}\nsentinel announce-port {}\n",
        address.port(),
        directory.display(),
        first.ip(),
        first.port(),
        relay.ip(),
        relay.port(),
    )
}

fn write(home: &Path, name: Name, text: &str) {
    fs::write(home.join(format!("{name}.conf")), text).expect("a configuration");
}

/// Gives a directory a file system of its own. It is gone with the mount namespace of the run.
fn mount(directory: &Path) {
    fs::create_dir_all(directory).expect("a directory");
    let mut command = Command::new("mount");
    command.args(["-t", "tmpfs", "-o", DISK, "chaos"]).arg(directory);
    assert!(command.status().expect("mount runs").success(), "{command:?}");
}

/// The Valkey that `scripts/chaos` has unpacked.
fn valkey() -> PathBuf {
    root().join(".tools/valkey/valkey-server")
}
