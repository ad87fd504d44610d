//! The last use of a grant: coarse, collected without a write, and gone with the grant.

use std::{
    process::{Command, Stdio},
    time::{Duration, Instant},
};

use auth_service::{
    model::{Clock, UnixTime},
    oauth::{Operation, Origin, RequestTarget},
    store::{Filter, Store},
};

use crate::{
    made_up::commands,
    s6_reader::hash_of,
    support::{Gateway, TIME, grants},
};

const TARGET: RequestTarget<'_> = RequestTarget { authority: "time.gw.example", path: "/mcp" };

/// A request that is admitted is noted in memory, and written with the others; a list tells and selects by it.
#[tokio::test]
async fn the_last_use_is_written_later_and_listed() {
    let gateway = Gateway::start();
    let (app, server) = (gateway.app().await, gateway.instance());
    let used = gateway.tokens(&app, "alice", TIME).await.text("access_token");
    let unused = gateway.tokens(&app, "bob", TIME).await.text("access_token");
    let verify = async |token: &str, address: &str, agent| {
        let header = format!("Bearer {token}");
        let origin = || Origin { address: address.parse().unwrap(), user_agent: agent };
        let from = Some(origin);
        let header = Some(header.as_bytes());
        server.verifier.verify_from(TARGET, header, &Operation::Unstated, from).await.is_ok()
    };
    let last = async |user: &str| {
        let all = grants(&gateway).await;
        let of = all.into_iter().find(|entry| entry.grant.user.name == user).unwrap();
        of.last_use.map(|last| (last.at.0 - gateway.config_now(), last.network, last.program))
    };
    assert!(verify(&used, "203.0.113.9", Some("claude-code/2.0 (cli)")).await);
    assert!(!verify("nonsense", "198.51.100.1", None).await);
    assert_eq!(last("alice").await, None, "it is in memory");
    server.verifier.write_uses().await.unwrap();
    let expected = Some((0, "203.0.113.0/24".to_owned(), "claude-code"));
    assert_eq!(last("alice").await, expected);
    // In the same minute the first counts.
    assert!(verify(&used, "198.51.100.1", None).await);
    server.verifier.write_uses().await.unwrap();
    assert_eq!(last("alice").await, expected);
    gateway.clock.advance(120);
    assert!(verify(&used, "2001:db8::1:2:3:4", None).await);
    server.verifier.write_uses().await.unwrap();
    assert_eq!(last("alice").await, Some((0, "2001:db8::/64".to_owned(), "unstated")));
    assert_eq!(last("bob").await, None);

    let store = Store::open(&gateway.config.redis).unwrap();
    let now = gateway.clock.now();
    let named = async |filter: Filter| {
        let page = store.maintenance.grants(&filter, None, (10, now)).await.unwrap();
        page.entries.into_iter().map(|entry| entry.grant.user.name).collect::<Vec<_>>()
    };
    let recent = Some(UnixTime(now.0 - 60));
    let (used_since, unused_since) = (recent, recent);
    assert_eq!(named(Filter { used_since, ..Filter::default() }).await, ["alice"]);
    assert_eq!(named(Filter { unused_since, ..Filter::default() }).await, ["bob"]);
    let person = store.maintenance.last_use_of("local:alice").await.unwrap().unwrap();
    assert_eq!(person.program, "unstated");
    gateway.revoke("alice").await;
    let left = gateway.redis.cli(&["HKEYS", &format!("mcpgw:uses:{}", hash_of("local:alice"))]);
    assert_eq!(left.trim(), "-", "the grant is gone");
    assert_eq!(gateway.verify(TIME, &unused).await.status, 200);
}

/// `/verify` writes nothing, whatever it notes.
#[tokio::test]
async fn a_use_costs_no_command() {
    let gateway = Gateway::start();
    let app = gateway.app().await;
    let token = gateway.tokens(&app, "alice", TIME).await.text("access_token");
    // The relay of audit events has moved the registration, the login, the consent and the grant.
    crate::audit_flow::events(&gateway, 4).await;
    let deadline = Instant::now() + Duration::from_secs(20);
    loop {
        gateway.redis.cli(&["CONFIG", "RESETSTAT"]);
        for _ in 0..20 {
            gateway.clock.advance(60);
            assert_eq!(gateway.verify(TIME, &token).await.status, 200);
        }
        let commands = commands(&gateway.redis);
        assert!(commands.iter().all(|(name, _)| !name.starts_with('h')), "{commands:?}");
        // Until Redis tells of changes each request asks it.
        if commands.is_empty() {
            return;
        }
        assert!(Instant::now() < deadline, "{commands:?}");
    }
}

/// A program that is stopped writes what it has.
#[tokio::test]
async fn what_was_noted_is_written_when_the_program_stops() {
    let gateway = Gateway::start();
    let minted = gateway.cli(&["token", "mint", "--user", "alice", "--server", "time"]).unwrap();
    let address = gateway_tests::port::free_address().to_string();
    let mut serve: Command = gateway.command(&["serve"]);
    serve.env("AUTH_LISTEN", &address).stderr(Stdio::null());
    let mut program = serve.spawn().unwrap();
    let request = || {
        let verify = gateway.http.get(format!("http://{address}/verify"));
        let verify = verify
            .header("X-Forwarded-Host", TARGET.authority)
            .header("X-Forwarded-Uri", TARGET.path);
        let verify = verify.header("X-Forwarded-For", "203.0.113.9").bearer_auth(&minted);
        verify.header("User-Agent", "codex_cli_rs/0.50").send()
    };
    let deadline = Instant::now() + Duration::from_secs(30);
    while !request().await.is_ok_and(|answer| answer.status() == 200) {
        assert!(Instant::now() < deadline, "it does not start");
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    Command::new("kill").arg(program.id().to_string()).status().unwrap();
    assert!(program.wait().unwrap().success());
    let key = format!("mcpgw:uses:{}", hash_of("local:alice"));
    let written = gateway.redis.cli(&["HGET", &key, "-"]);
    assert!(written.trim().ends_with(" 203.0.113.0/24 codex"), "{written}");
}
