//! The official servers, used by each of the official SDKs through the proxy, in each of its modes, by
//! two users at once; what a server asks its client included, whatever their eras.

use std::thread;

use gateway_tests::proxy::Proxy;
use serde_json::{Value, json};

use crate::{
    clients::{CLIENTS, Client, ROUNDS},
    servers::{Ask, MARKS, USERS, asks, catalogue, prepare, serve_pages},
};

/// Every cell of servers × SDKs, two users at once; prints the table.
pub fn every_cell() {
    let data = tempfile::tempdir().expect("a directory");
    prepare(data.path());
    let page = serve_pages();
    let proxy = Proxy::serving(&catalogue(data.path()), &[]);
    let asks = [0, 1].map(|user| asks(user, data.path(), &page));
    let mut table = Vec::new();
    for client in &CLIENTS {
        let answers = thread::scope(|scope| {
            let runs = [0, 1].map(|user| {
                let (proxy, asks) = (&proxy, &asks[user]);
                scope.spawn(move || client.drive(proxy, USERS[user], MARKS[user], asks))
            });
            runs.map(|run| run.join().expect("a client"))
        });
        for user in [0, 1] {
            assert_eq!(answers[user].len(), asks[user].len(), "{}", client.name);
            for (ask, answer) in asks[user].iter().zip(&answers[user]) {
                assert_own(client, user, ask, answer);
            }
        }
        table.push(answers);
    }
    print(&asks[0], &table);
}

/// A user gets what is theirs, each time, and nothing of the other.
fn assert_own(client: &Client, user: usize, ask: &Ask, answer: &Value) {
    let cell = format!("{}, {} {}, {}", client.name, ask.server, ask.tool, USERS[user]);
    assert_eq!(answer["revision"], client.revision, "{cell}");
    let tools = answer["tools"].as_array().expect("tools");
    assert!(!tools.is_empty(), "{cell}");
    let results = answer["results"].as_array().expect("results");
    if ask.tool == "-" {
        return;
    }
    assert!(tools.contains(&json!(ask.tool)), "{cell}: {tools:?}");
    assert_eq!(results.len(), ROUNDS, "{cell}");
    for result in results {
        let text = result.to_string();
        assert!(text.contains(&ask.word), "{cell}: {text}");
        assert!(!text.contains(MARKS[1 - user]), "{cell} sees the other's: {text}");
        assert_ne!(result["isError"], true, "{cell}: {text}");
    }
}

/// A row for what is asked, a column for each client.
fn print(asks: &[Ask], table: &[[Vec<Value>; 2]]) {
    for (number, client) in CLIENTS.iter().enumerate() {
        println!("{}: {}, which speaks {}", number + 1, client.name, client.revision);
    }
    print!("{:<48} {:<12}", "server and tool", "version");
    (1..=CLIENTS.len()).for_each(|number| print!(" {number:<6}"));
    println!();
    for (at, ask) in asks.iter().enumerate() {
        let version = table[0][0][at]["server"]["version"].as_str().unwrap_or("?");
        print!("{:<48} {version:<12}", format!("{} {}", ask.server, ask.tool));
        for answers in table {
            let calls = answers[0][at]["results"].as_array().map_or(0, Vec::len);
            print!(" {:<6}", if calls == 0 { "lists" } else { "works" });
        }
        println!();
    }
}
