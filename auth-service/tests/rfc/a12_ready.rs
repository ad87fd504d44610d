//! `/ready`, the metrics and `doctor` tell a Redis that never takes writes from one that is full.

use gateway_tests::port::free_address;

use gateway_tests::redis::Redis;
use serde_json::{Value, json};

use crate::support::Gateway;

/// What `/ready` answers.
async fn ready(gateway: &Gateway) -> (u16, Value) {
    let answer = gateway.get("auth.gw.example", "/ready").await;
    (answer.status, answer.body)
}

/// Whether `doctor` reports an error of Redis that says `part`.
fn is_reported(gateway: &Gateway, part: &str) -> bool {
    let (_, output) = gateway.cli_output(&["doctor", "--json", "--address", "127.0.0.1"]);
    let report: Value = serde_json::from_str(&output).unwrap();
    report["findings"].as_array().unwrap().iter().any(|finding| {
        finding["check"] == "redis"
            && finding["level"] == "error"
            && finding["says"].as_str().unwrap().contains(part)
    })
}

fn refused() -> (u16, Value) {
    (503, json!({ "status": "unavailable", "storage": "unusable" }))
}

#[tokio::test]
async fn a12_a_replica_is_not_ready() {
    let gateway = Gateway::with(&[("PUBLIC_PORT", "1")]);
    gateway.await_ready().await;
    assert_eq!(ready(&gateway).await, (200, json!({ "status": "ok" })));
    assert_eq!(gateway.redis.cli(&["KEYS", "mcpgw:trial*"]).trim(), "", "nothing stays");
    gateway.redis.cli(&["REPLICAOF", "127.0.0.1", "1"]);
    assert_eq!(ready(&gateway).await, refused());
    assert!(is_reported(&gateway, "a replica of 127.0.0.1:1"));
    gateway.redis.cli(&["REPLICAOF", "NO", "ONE"]);
    gateway.await_ready().await;
    assert!(!is_reported(&gateway, "replica"));
}

#[tokio::test]
async fn a12_a_node_of_a_cluster_is_not_ready() {
    let gateway = Gateway::beside(Redis::cluster_node(), &[("PUBLIC_PORT", "1")]);
    assert_eq!(ready(&gateway).await, refused(), "a node without slots");
    assert!(is_reported(&gateway, "a node of a Redis Cluster"));
    // A cluster of one node takes single keys, and no script of the gateway that needs two.
    gateway.redis.cli(&["CLUSTER", "ADDSLOTSRANGE", "0", "16383"]);
    while !gateway.redis.cli(&["CLUSTER", "INFO"]).contains("cluster_state:ok") {
        tokio::time::sleep(std::time::Duration::from_millis(20)).await;
    }
    assert_eq!(ready(&gateway).await, refused(), "a node with all slots");
}

#[tokio::test]
async fn a12_a_redis_that_refuses_for_now_is_ready() {
    let free = free_address().to_string();
    let gateway = Gateway::with(&[("PUBLIC_PORT", "1"), ("METRICS_LISTEN", &free)]);
    gateway.await_ready().await;
    let writable = async || {
        let page = gateway.http.get(format!("http://{free}/metrics")).send().await.unwrap();
        let page = page.text().await.unwrap();
        let line = page.lines().find_map(|line| line.strip_prefix("mcp_auth_redis_writable "));
        line.unwrap().to_owned()
    };
    assert_eq!(writable().await, "1");
    for (setting, refusing, usual) in [("maxmemory", "1", "0"), ("min-replicas-to-write", "1", "0")]
    {
        gateway.redis.cli(&["CONFIG", "SET", setting, refusing]);
        let expected = json!({ "status": "ok", "storage": "refuses writes" });
        assert_eq!(ready(&gateway).await, (200, expected), "{setting}");
        assert_eq!(writable().await, "0", "{setting}");
        if setting == "maxmemory" {
            assert!(is_reported(&gateway, "nine tenths of its memory"));
        }
        gateway.redis.cli(&["CONFIG", "SET", setting, usual]);
        assert_eq!(ready(&gateway).await, (200, json!({ "status": "ok" })), "{setting}");
    }
}
