//! What `REDIS_URL` may name: TLS and a user of Redis work, and what cannot store records stops the start.

use gateway_tests::port::free_port;
use std::{
    process::Stdio,
    time::{Duration, Instant},
};

use auth_service::{config::CertificateSource, keys, model::SystemClock};
use gateway_tests::{redis::Redis, sentinel::SentinelGroup};

use crate::support::{Gateway, TIME};

/// What `serve` prints when it fails at the start.
async fn failure(gateway: &Gateway) -> String {
    let mut command = gateway.command(&["serve"]);
    command.env("AUTH_LISTEN", "127.0.0.1:0").stdout(Stdio::null()).stderr(Stdio::piped());
    let mut program = command.spawn().unwrap();
    let deadline = Instant::now() + Duration::from_secs(30);
    while program.try_wait().unwrap().is_none() {
        if Instant::now() > deadline {
            program.kill().unwrap();
            panic!("it runs: {:?}", program.wait_with_output());
        }
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    let output = program.wait_with_output().unwrap();
    assert!(!output.status.success());
    String::from_utf8(output.stderr).unwrap()
}

#[tokio::test]
async fn a_cluster_stops_the_start() {
    let gateway = Gateway::beside(Redis::cluster_node(), &[]);
    let says = failure(&gateway).await;
    assert!(says.contains("a node of a Redis Cluster, which is not supported"), "{says}");
}

#[tokio::test]
async fn a_replica_or_a_sentinel_in_place_of_redis_stops_the_start() {
    let group = SentinelGroup::start();
    for (url, part) in [
        (group.node_url(1), "names a replica, which takes no writes"),
        (group.sentinel_as_redis(), "write redis+sentinel://HOST:PORT/0?master=NAME"),
    ] {
        let gateway = Gateway::beside(Redis::start(), &[("REDIS_URL", &url)]);
        let says = failure(&gateway).await;
        assert!(says.contains(part), "{says}");
    }
}

/// `rediss://` with a certificate authority of its own and a user with the permissions of the documentation.
#[tokio::test]
async fn redis_is_reached_by_tls_as_a_user() {
    let directory = tempfile::tempdir().unwrap();
    let source = CertificateSource::Own {
        directory: directory.path().to_owned(),
        names: vec!["localhost".to_owned(), "127.0.0.1".to_owned()],
    };
    keys::server_config(&source, &SystemClock).unwrap();
    let file = |name: &str| directory.path().join(name).display().to_string();
    let (port, ca, certificate, key) =
        (free_port().to_string(), file("ca.pem"), file("cert.pem"), file("key.pem"));
    let mut options = vec!["--tls-port", &port, "--tls-cert-file", &certificate];
    options.extend(["--tls-key-file", &key, "--tls-ca-cert-file", &ca, "--tls-auth-clients", "no"]);
    options.extend(["--user", "gateway", "on", ">secret", "~mcpgw:*", "+@all", "-@admin"]);
    options.extend(["-@dangerous", "+info", "+role", "+client|tracking"]);
    let redis = Redis::with(&options);
    let url = format!("rediss://gateway:secret@127.0.0.1:{port}/0");
    let gateway = Gateway::beside(redis, &[("REDIS_URL", &url), ("REDIS_CA_FILE", &ca)]);
    let app = gateway.app().await;
    let tokens = gateway.tokens(&app, "alice", TIME).await;
    assert_eq!(gateway.verify(TIME, &tokens.text("access_token")).await.status, 200);
    gateway.await_ready().await;
    let others = Gateway::beside(Redis::start(), &[("REDIS_URL", &url)]);
    assert_eq!(others.get("auth.gw.example", "/ready").await.status, 503, "an unknown authority");
}
