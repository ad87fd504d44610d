//! The commands for grants, people, clients, sign-ins and servers: what they select, ask and print, and how they end.

use std::{
    io::Write,
    process::{Command, Stdio},
};

use serde_json::Value;

use crate::{
    session::{log_in, web_app},
    support::{GIT, Gateway, TIME},
};

/// The exit code of a command, and what it wrote to standard output and standard error.
fn run(gateway: &Gateway, arguments: &[&str]) -> (i32, String, String) {
    let output = gateway.command(arguments).stdin(Stdio::null()).output().unwrap();
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    (output.status.code().unwrap(), text(&output.stdout), text(&output.stderr))
}

fn document(gateway: &Gateway, arguments: &[&str]) -> Value {
    let (code, out, errors) = run(gateway, arguments);
    assert_eq!(code, 0, "{arguments:?}: {errors}");
    serde_json::from_str(&out).unwrap_or_else(|error| panic!("{error}: {out}"))
}

/// A gateway with the clock of this machine, and two grants of alice and one of bob.
async fn gateway_with_grants(settings: &[(&str, &str)]) -> (Gateway, [String; 3]) {
    let gateway = Gateway::with(settings);
    gateway.cli(&["server", "list"]).unwrap();
    let (one, two) = (gateway.app().await, gateway.app().await);
    let tokens = [
        gateway.tokens(&one, "alice", TIME).await.text("access_token"),
        gateway.tokens(&two, "alice", GIT).await.text("access_token"),
        gateway.tokens(&one, "bob", TIME).await.text("access_token"),
    ];
    (gateway, tokens)
}

async fn live(gateway: &Gateway, tokens: &[String; 3]) -> [bool; 3] {
    let [one, two, three] = tokens;
    [
        gateway.verify(TIME, one).await.status == 200,
        gateway.verify(GIT, two).await.status == 200,
        gateway.verify(TIME, three).await.status == 200,
    ]
}

#[tokio::test]
async fn nothing_ends_unless_it_is_confirmed() {
    let (gateway, tokens) = gateway_with_grants(&[]).await;
    let app = gateway.app().await;
    for command in [
        &["grant", "revoke", "--user", "alice"][..],
        &["token", "revoke", "--user", "alice"],
        &["token", "revoke", "--all"],
        &["user", "block", "alice"],
        &["user", "sign-out", "alice"],
        &["session", "end", "--user", "alice"],
        &["client", "delete", &app.id],
        &["client", "refuse", &app.id],
    ] {
        let (code, out, errors) = run(&gateway, command);
        assert_eq!((code, &*out), (4, ""), "{command:?}");
        assert!(errors.contains("--yes"), "{command:?}: {errors}");
    }
    let (code, out, errors) = run(&gateway, &["grant", "revoke", "--user", "alice", "--dry-run"]);
    assert_eq!(code, 0, "{errors}");
    assert!(out.contains(TIME) && out.contains(GIT) && errors.contains("nothing"), "{out}{errors}");
    assert_eq!(live(&gateway, &tokens).await, [true, true, true]);
    let (code, out, _) = run(&gateway, &["grant", "revoke", "--user", "alice", "--yes"]);
    assert_eq!((code, out.starts_with("2 revoked")), (0, true), "{out}");
    assert_eq!(live(&gateway, &tokens).await, [false, false, true]);
}

/// The program with a terminal, on which `answer` is typed.
fn on_terminal(gateway: &Gateway, arguments: &[&str], answer: &str) -> (i32, String) {
    let program = gateway.command(arguments);
    let script = "import os, pty, sys\n\
                  sys.exit(os.waitstatus_to_exitcode(pty.spawn(sys.argv[1:])))";
    let mut command = Command::new("python3");
    command.args(["-c", script]).arg(program.get_program()).args(program.get_args());
    let variables = program.get_envs().filter_map(|(name, value)| Some((name, value?)));
    command.envs(variables).stdin(Stdio::piped()).stdout(Stdio::piped());
    let mut child = command.spawn().unwrap();
    child.stdin.take().unwrap().write_all(answer.as_bytes()).unwrap();
    let output = child.wait_with_output().unwrap();
    (output.status.code().unwrap(), String::from_utf8_lossy(&output.stdout).into_owned())
}

#[tokio::test]
async fn on_a_terminal_the_operator_sees_what_ends_and_is_asked() {
    let (gateway, tokens) = gateway_with_grants(&[]).await;
    let command = ["grant", "revoke", "--server", "time"];
    let (code, said) = on_terminal(&gateway, &command, "n\n");
    assert_eq!(code, 4, "{said}");
    assert!(said.contains("Revoke 2 grants of 2 people? [y/N]"), "{said}");
    assert!(said.contains("local:alice") && said.contains("local:bob"), "{said}");
    assert_eq!(live(&gateway, &tokens).await, [true, true, true]);
    let (code, said) = on_terminal(&gateway, &command, "y\n");
    assert_eq!((code, said.contains("2 revoked")), (0, true), "{said}");
    assert_eq!(live(&gateway, &tokens).await, [false, true, false]);
}

#[tokio::test]
async fn each_end_has_its_exit_code() {
    let (gateway, _) = gateway_with_grants(&[]).await;
    for (code, command) in [
        (0, &["grant", "list"][..]),
        (2, &["grant", "revoke", "--yes"]),
        (2, &["grant", "revoke", "--yes", "--all", "--user", "alice"]),
        (2, &["grant", "list", "--older-than", "someday"]),
        (3, &["grant", "show", "x"]),
        (3, &["grant", "revoke", "--yes", "x"]),
        (3, &["grant", "revoke", "--yes", "--user", "nobody"]),
        (3, &["grant", "revoke", "--yes", "--older-than", "1000d"]),
        (3, &["token", "revoke", "--yes", "--user", "nobody"]),
        (3, &["grant", "list", "--server", "tyme"]),
        (3, &["client", "show", "x"]),
        (3, &["client", "readmit", "x"]),
        (3, &["user", "show", "nobody"]),
        (3, &["user", "unblock", "alice"]),
        (3, &["session", "end", "--yes", "x"]),
        (3, &["server", "show", "tyme"]),
        (5, &["server", "check", "time"]),
        (5, &["server", "tools", "time"]),
        (6, &["doctor", "--address", "127.0.0.1"]),
    ] {
        let (found, out, errors) = run(&gateway, command);
        assert_eq!(found, code, "{command:?}: {out}{errors}");
    }
    let mut away = gateway.command(&["grant", "list"]);
    let status = away.env("REDIS_URL", "redis://127.0.0.1:1/0").output().unwrap().status;
    assert_eq!(status.code(), Some(5));
}

#[tokio::test]
async fn grants_are_selected_by_person_client_server_and_age() {
    let (gateway, tokens) = gateway_with_grants(&[]).await;
    let ids = |filter: &[&str]| -> Vec<String> {
        let list = document(&gateway, &[&["grant", "list", "--json"], filter].concat());
        assert_eq!((&list["cursor"], &list["complete"]), (&Value::Null, &Value::Bool(true)));
        let grants = list["grants"].as_array().unwrap();
        grants.iter().map(|grant| grant["id"].as_str().unwrap().to_owned()).collect()
    };
    let all = ids(&[]);
    assert_eq!(all.len(), 3);
    assert_eq!(ids(&["--user", "alice"]).len(), 2);
    assert_eq!(ids(&["--user", "alice", "--server", "time"]).len(), 1);
    assert_eq!(ids(&["--older-than", "1d"]).len(), 0);
    assert_eq!(ids(&["--older-than", "2999-01-01"]).len(), 3);
    assert_eq!(ids(&["--unused-for", "2999-01-01T00:00:00Z"]).len(), 3);
    assert_eq!(ids(&["--used-since", "1d"]).len(), 0);
    let lines = run(&gateway, &["grant", "list", "--json=lines"]).1;
    let read = |line: &str| serde_json::from_str::<Value>(line).unwrap()["id"].clone();
    assert_eq!(lines.lines().map(read).collect::<Vec<_>>(), all);
    let shown = document(&gateway, &["grant", "show", &all[0], "--json"]);
    assert_eq!(
        (shown["id"].as_str(), shown["tokens"].as_array().map(Vec::len)),
        (Some(&*all[0]), Some(1))
    );
    // A combination that no index has ends grants one by one.
    let revoke = ["grant", "revoke", "--yes", "--user", "alice", "--server", "time"];
    assert_eq!(run(&gateway, &revoke).1, "1 revoked\n");
    assert_eq!(live(&gateway, &tokens).await, [false, true, true]);
    let bob = ids(&["--user", "bob"]);
    assert_eq!(run(&gateway, &["grant", "revoke", "--yes", &bob[0], "x"]).1, "1 revoked\n");
    assert_eq!(live(&gateway, &tokens).await, [false, true, false]);
    let revoke =
        ["grant", "revoke", "--yes", "--older-than", "2999-01-01", "--unused-for", "2999-01-01"];
    assert_eq!(run(&gateway, &revoke).1, "1 revoked\n");
}

/// A list that is longer than a page is one document, too, and goes on where another one has stopped.
#[tokio::test]
async fn a_long_list_is_one_document() {
    let (gateway, _) = gateway_with_grants(&[]).await;
    let first = document(&gateway, &["grant", "list", "--json", "--limit", "2"]);
    assert_eq!(first["grants"].as_array().unwrap().len(), 2);
    let cursor = first["cursor"].as_str().unwrap();
    let rest = document(&gateway, &["grant", "list", "--json", "--cursor", cursor]);
    assert_eq!(rest["grants"].as_array().unwrap().len(), 1);
    assert_ne!(rest["grants"][0]["id"], first["grants"][1]["id"]);
}

#[tokio::test]
async fn a_person_is_blocked_signed_out_and_admitted_again() {
    let (gateway, tokens) = gateway_with_grants(&[("ADMIN_USERS", "local:bob")]).await;
    let people = document(&gateway, &["user", "list", "--json"]);
    let subjects: Vec<&str> = people["users"]
        .as_array()
        .unwrap()
        .iter()
        .filter_map(|one| one["subject"].as_str())
        .collect();
    assert!(subjects.contains(&"local:alice") && subjects.contains(&"local:bob"), "{people}");
    let (_, out, _) = run(&gateway, &["user", "block", "--yes", "Alice"]);
    assert!(out.starts_with("blocked; 2 grants revoked"), "{out}");
    assert_eq!(live(&gateway, &tokens).await, [false, false, true]);
    let alice = document(&gateway, &["user", "show", "alice", "--json"]);
    assert!(alice["blocked_since"].is_i64(), "{alice}");
    let (code, _, errors) = run(&gateway, &["user", "block", "--yes", "bob"]);
    assert_eq!(code, 4, "{errors}");
    assert!(errors.contains("last administrator"), "{errors}");
    assert_eq!(run(&gateway, &["user", "unblock", "alice"]).1, "unblocked\n");
    let (code, out, _) = run(&gateway, &["user", "sign-out", "--yes", "bob"]);
    assert_eq!((code, live(&gateway, &tokens).await), (0, [false, false, false]), "{out}");
}

#[tokio::test]
async fn a_client_is_refused_and_admitted_again() {
    let gateway = Gateway::start();
    gateway.cli(&["server", "list"]).unwrap();
    let app = gateway.app().await;
    let token = gateway.tokens(&app, "alice", TIME).await.text("access_token");
    let (_, out, _) = run(&gateway, &["client", "refuse", "--yes", &app.id]);
    assert!(out.starts_with("refused; 1 grants"), "{out}");
    assert_eq!(gateway.verify(TIME, &token).await.status, 401);
    let refused = document(&gateway, &["client", "list", "--refused", "--json"]);
    assert_eq!(refused["clients"][0]["client_id"], app.id.as_str());
    assert_eq!(run(&gateway, &["client", "readmit", &app.id]).1, "readmitted\n");
    assert_eq!(
        document(&gateway, &["client", "list", "--refused", "--json"])["clients"],
        Value::Array(vec![])
    );
}

#[tokio::test]
async fn sign_ins_are_listed_and_ended() {
    let gateway = Gateway::start();
    gateway.cli(&["server", "list"]).unwrap();
    let app = web_app(&gateway).await;
    for _ in 0..2 {
        log_in(&gateway, &mut gateway.browser(), &app).await;
    }
    let list = || document(&gateway, &["session", "list", "--user", "alice", "--json"]);
    let sessions = list()["sessions"].as_array().unwrap().clone();
    assert_eq!(sessions.len(), 2, "{sessions:?}");
    let id = sessions[0]["id"].as_str().unwrap();
    let (_, out, errors) = run(&gateway, &["session", "end", "--dry-run", id]);
    assert!(out.contains(id) && errors.contains("nothing was changed"), "{out}{errors}");
    assert_eq!(run(&gateway, &["session", "end", "--yes", id]).1, "1 ended\n");
    assert_eq!(list()["sessions"].as_array().unwrap().len(), 1);
    assert_eq!(run(&gateway, &["session", "end", "--yes", "--user", "alice"]).1, "1 ended\n");
    assert_eq!(list()["sessions"], Value::Array(vec![]));
}

/// What strangers have chosen changes nothing on the terminal of an operator.
#[tokio::test]
async fn names_of_strangers_are_shown_without_control_characters() {
    let gateway = Gateway::start();
    gateway.cli(&["server", "list"]).unwrap();
    let metadata = serde_json::json!({ "redirect_uris": ["https://app.example/cb"],
        "client_name": "A\u{202e}B", "token_endpoint_auth_method": "none" });
    gateway.register(metadata).await;
    let (_, table, _) = run(&gateway, &["client", "list"]);
    assert!(!table.contains('\u{202e}') && !table.contains('\u{1b}'), "{table:?}");
}
