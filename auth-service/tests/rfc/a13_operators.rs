//! The commands of an operator: names and times for people, and nothing between the answers.

use std::process::{Command, Stdio};

use serde_json::json;

use crate::support::{GIT, Gateway, TIME};

/// `--server` is a name or a URL, wherever it stands.
#[tokio::test]
async fn a13_a_server_is_named_by_its_name_or_its_url() {
    let gateway = Gateway::start();
    for server in ["time", TIME, "https://TIME.gw.example:443/mcp/"] {
        let minted =
            gateway.cli(&["token", "mint", "--user", "alice", "--server", server]).unwrap();
        assert_eq!(gateway.verify(TIME, &minted).await.status, 200, "{server}");
        let said = gateway.cli(&["token", "revoke", "--yes", "--server", server]).unwrap();
        assert!(said.starts_with("1 revoked"), "{server}: {said}");
        assert_eq!(gateway.verify(TIME, &minted).await.status, 401, "{server}");
    }
    for command in [&["token", "revoke", "--yes"][..], &["token", "mint", "--user", "alice"]] {
        let refused = gateway.cli(&[command, &["--server", "tyme"]].concat()).unwrap_err();
        assert!(refused.contains("no server \"tyme\"") && refused.contains("time"), "{refused}");
    }
}

#[tokio::test]
async fn a13_one_persons_grant_to_one_client_is_revoked() {
    let gateway = Gateway::start();
    // From now on it has the clock of the machine.
    gateway.cli(&["server", "list"]).unwrap();
    let (one, two) = (gateway.app().await, gateway.app().await);
    let alice = gateway.tokens(&one, "alice", TIME).await.text("access_token");
    let alice_elsewhere = gateway.tokens(&two, "alice", TIME).await.text("access_token");
    let bob = gateway.tokens(&one, "bob", TIME).await.text("access_token");
    let live = async || {
        let mut live = Vec::new();
        for token in [&alice, &alice_elsewhere, &bob] {
            live.push(gateway.verify(TIME, token).await.status == 200);
        }
        live
    };
    let said =
        gateway.cli(&["token", "revoke", "--yes", "--user", "Alice", "--client", &one.id]).unwrap();
    assert!(said.starts_with("1 revoked"), "{said}");
    assert_eq!(live().await, [false, true, true]);
    let grants = gateway.cli_list(&["token", "list", "--json=lines"]);
    let of_bob = grants.iter().find(|grant| grant["client_id"] == one.id.as_str()).unwrap();
    gateway.cli(&["token", "revoke", "--yes", "--grant", of_bob["id"].as_str().unwrap()]).unwrap();
    assert_eq!(live().await, [false, true, false]);
    for wrong in [&["--user", "alice", "--all"][..], &["--jti", "x", "--client", "y"], &[]] {
        assert!(
            gateway.cli(&[&["token", "revoke", "--yes"], wrong].concat()).is_err(),
            "{wrong:?}"
        );
    }
}

#[tokio::test]
async fn a13_the_tables_have_ids_servers_and_times_for_people() {
    let gateway = Gateway::start();
    gateway.cli(&["server", "list"]).unwrap();
    let app = gateway.app().await;
    gateway.tokens(&app, "alice", GIT).await;
    let id = gateway.cli_list(&["token", "list", "--json=lines"])[0]["id"].clone();
    let grants = &gateway.cli(&["token", "list"]).unwrap();
    let table = gateway.cli(&["token", "list", "--tokens"]).unwrap();
    for part in [id.as_str().unwrap(), GIT, "local:alice", &app.id] {
        assert!(grants.contains(part), "{part}: {grants}");
    }
    // The second in which it was made may still last.
    let says = |text: &str, either: [&str; 2]| either.iter().any(|words| text.contains(words));
    assert!(says(grants, ["in 29 days", "in 30 days"]), "{grants}");
    assert!(says(&table, ["in 59 minutes", "in 60 minutes"]), "{table}");
    let clients = gateway.cli(&["client", "list"]).unwrap();
    assert!(says(&clients, ["in 89 days", "in 90 days"]), "{clients}");
    let kept = gateway.cli(&["token", "revoke", "--yes", "--before", "1d"]).unwrap();
    assert!(kept.starts_with("0 revoked"), "{kept}");
    let revoked =
        gateway.cli(&["token", "revoke", "--yes", "--before", "2999-01-01T00:00:00Z"]).unwrap();
    assert!(revoked.starts_with("1 revoked"), "{revoked}");
}

/// A command says what was asked on standard output, and nothing else anywhere.
#[tokio::test]
async fn a13_there_is_no_log_between_the_answers() {
    let gateway = Gateway::start();
    gateway.cli(&["server", "list"]).unwrap();
    let app = gateway.app().await;
    gateway.tokens(&app, "alice", TIME).await;
    for arguments in [
        &["user", "login-code", "alice"][..],
        &["token", "mint", "--user", "alice", "--server", "time"],
        &["token", "revoke", "--yes", "--user", "alice"],
        &["client", "delete", "--yes", &app.id],
    ] {
        let (code, errors) = gateway.cli_errors(arguments);
        assert_eq!((code, &*errors), (true, ""), "{arguments:?}");
    }
}

/// What `head` no longer reads is no error.
#[tokio::test]
async fn a13_a_closed_pipe_ends_a_command_silently() {
    let gateway = Gateway::start();
    let (reader, writer) = std::io::pipe().unwrap();
    drop(reader);
    let mut command: Command = gateway.command(&["server", "list"]);
    let output = command.stdout(writer).stderr(Stdio::piped()).output().unwrap();
    assert_eq!(String::from_utf8_lossy(&output.stderr), "");
    assert!(output.status.success(), "{output:?}");
}

#[tokio::test]
async fn a13_unknown_keys_of_the_file_are_told() {
    let gateway = Gateway::start();
    gateway.set_servers(&json!({ "time": { "gallery": true, "x-note": "mine" } }));
    let list = gateway.cli(&["server", "list"]).unwrap();
    assert!(list.contains("\"gallery\"") && list.contains("\"x-note\""), "{list}");
    let json = gateway.cli_json(&["server", "list", "--json"]);
    assert_eq!(json["unknown"].as_array().map(Vec::len), Some(2), "{json}");
    let (_, told) = gateway.cli_output(&["doctor", "--address", "127.0.0.1"]);
    assert!(told.contains("\"gallery\""), "{told}");
    let remedy = "remove the key, or correct its name";
    assert_eq!(told.matches(remedy).count(), 1, "equal remedies are said once: {told}");
}
