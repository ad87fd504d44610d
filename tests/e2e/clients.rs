//! Five official clients, each with all that an authorization server meets: both ways to be known, both
//! forms of a resource, refresh, step-up.

use std::{panic::AssertUnwindSafe, thread};

use gateway_tests::{
    sdk::{Driver, Sdk},
    stack::Stack,
};
use serde_json::{Value, json};

use crate::{
    Scenario,
    operation::{challenged, edit, publish},
    run,
};

pub const SCENARIOS: &[Scenario] = &[("five_official_clients_do_everything", the_matrix)];

/// A client whose metadata document is published by others; a copy is shipped with the gateway.
const DOCUMENT: &str = "https://claude.ai/oauth/claude-code-client-metadata";

/// A column of the table: its name, and what it shows of a client.
type Column = (&'static str, fn(&Stack, &Servers, Driver));

const COLUMNS: [Column; 5] = [
    ("DCR, path", |_, servers, client| registers(client, &servers.path)),
    ("DCR, bare origin", |_, servers, client| registers(client, &servers.bare)),
    ("CIMD", |_, servers, client| is_known_by_its_document(client, &servers.path)),
    ("refresh", |_, servers, client| refreshes(client, &servers.path)),
    ("step-up", |stack, _, client| steps_up(stack, client)),
];

/// The URLs of the servers.
struct Servers {
    path: String,
    bare: String,
}

fn the_matrix(stack: &Stack) {
    let origin = stack.url("time").trim_end_matches("/mcp").replace("//time.", "//bare.");
    let bare = json!({ "command": "mcp-server-time", "resource": origin });
    run(publish(stack, "bare", bare, &origin));
    let servers = &Servers { path: stack.url("time").to_owned(), bare: origin };
    // A client is a row, and the rows are independent.
    let rows = thread::scope(|scope| {
        let rows = Sdk::ALL.map(|sdk| scope.spawn(move || row(stack, servers, sdk)));
        rows.map(|row| row.join().expect("a row"))
    });
    let head: String = COLUMNS.iter().map(|(name, _)| format!("{name:18}")).collect();
    println!("{:36}{head}", "");
    let mut failed = 0;
    for (sdk, row) in Sdk::ALL.iter().zip(rows) {
        let verdicts = row.map(|done| format!("{:18}", if done { "ok" } else { "FAILED" }));
        println!("{:36}{}", sdk.package(), verdicts.concat());
        failed += row.iter().filter(|done| !**done).count();
    }
    assert_eq!(failed, 0, "cells failed, see above");
}

fn row(stack: &Stack, servers: &Servers, sdk: Sdk) -> [bool; COLUMNS.len()] {
    COLUMNS.map(|(_, show)| {
        let cell = || show(stack, servers, Driver::start(sdk, stack));
        std::panic::catch_unwind(AssertUnwindSafe(cell)).is_ok()
    })
}

/// What all of them can do at a server.
fn use_it(client: &mut Driver) {
    client.call("get_current_time", &utc()).assert_says("is_dst");
}

fn utc() -> Value {
    json!({ "timezone": "UTC" })
}

fn registers(mut client: Driver, url: &str) {
    let opened = client.open(url, &[]);
    assert_eq!(opened.body["tools"].as_array().map(Vec::len), Some(2));
    assert_eq!(opened.claims["aud"], url);
    assert_eq!(opened.claims["preferred_username"], "octocat");
    assert!(!opened.claims["client_id"].as_str().unwrap().contains(':'), "{}", opened.claims);
    use_it(&mut client);
}

fn is_known_by_its_document(mut client: Driver, url: &str) {
    let opened = client.open(url, &[("client_id", DOCUMENT)]);
    assert_eq!(opened.claims["client_id"], DOCUMENT);
    use_it(&mut client);
}

fn refreshes(mut client: Driver, url: &str) {
    let opened = client.open(url, &[]);
    let later = client.expire_and_call("get_current_time", &utc());
    later.assert_says("is_dst");
    assert_ne!(later.claims["jti"], opened.claims["jti"]);
    assert_eq!(later.claims["grant_id"], opened.claims["grant_id"], "of the same consent");
    assert_eq!((opened.logins, later.logins), (1, 1));
}

/// The server comes to want a second scope while the client has a token.
fn steps_up(stack: &Stack, mut client: Driver) {
    let name = format!("step-{}", client.name());
    let url = stack.url("time").replace("//time.", &format!("//{name}."));
    let with = |scopes: Value| json!({ "command": "mcp-server-time", "scopes": scopes });
    run(publish(stack, &name, with(json!(["mcp"])), &url));
    let before = client.open(&url, &[]);
    use_it(&mut client);
    run(edit(stack, &name, with(json!(["mcp", "clock"]))));
    run(challenged(stack, &url, "clock"));
    let after = client.call("get_current_time", &utc());
    after.assert_says("is_dst");
    assert_eq!((before.logins, after.logins), (1, 2));
    let scopes: Vec<&str> = after.claims["scope"].as_str().unwrap().split(' ').collect();
    assert!(scopes.contains(&"mcp") && scopes.contains(&"clock"), "{scopes:?}");
}
