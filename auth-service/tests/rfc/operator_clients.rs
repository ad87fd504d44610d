//! Clients that the operator registers on the command line.

use serde_json::json;

use crate::support::{App, CALLBACK, Gateway, TIME};

/// A client for people gets codes as a registered one does, for ever, and manages nothing.
#[tokio::test]
async fn a_client_of_the_operator_works_as_a_registered_one() {
    let gateway = Gateway::with(&[("CLIENT_LIFETIME", "2592000")]);
    let create = ["client", "create", "--name", "Portal", "--redirect-uri", CALLBACK];
    let created = gateway.cli_json(&[&create[..], &["--auth", "post", "--json"]].concat());
    let text = |member: &str| created[member].as_str().unwrap().to_owned();
    let app = App { id: text("client_id"), secret: Some(text("client_secret")) };
    gateway.clock.advance(2_592_000 * 10);
    let tokens = gateway.tokens(&app, "alice", TIME).await;
    assert_eq!(gateway.verify(TIME, &tokens.text("access_token")).await.status, 200);
    assert!(tokens.body["refresh_token"].is_string());
    let url = format!("{}/register/{}", gateway.base, app.id);
    let managed = crate::support::answer(gateway.http.delete(url).bearer_auth("x")).await;
    assert_eq!(managed.error(), (401, "invalid_token"));
    assert_eq!(gateway.redis.cli(&["TTL", &format!("mcpgw:client:{}", app.id)]).trim(), "-1");
}

/// The secret is shown once and kept as a hash; the listings are for people and for scripts.
#[tokio::test]
async fn clients_are_listed_without_their_secrets() {
    let gateway = Gateway::start();
    let registered = gateway.app().await;
    let made = gateway.cli(&[
        "client",
        "create",
        "--name",
        "Nightly",
        "--grant",
        "client-credentials",
        "--server",
        "time",
    ]);
    let made = made.unwrap();
    let value = |name: &str| {
        let line = made.lines().find(|line| line.starts_with(&format!("{name} "))).unwrap();
        line.split_whitespace().last().unwrap().to_owned()
    };
    let (id, secret) = (value("client_id"), value("client_secret"));
    assert_eq!(value("server"), TIME);
    let listed = gateway.cli(&["client", "list"]).unwrap();
    let shown = gateway.cli(&["client", "show", &id]).unwrap();
    let json = gateway.cli_list(&["client", "list", "--json=lines"]);
    let ids: Vec<_> = json.iter().map(|client| &client["client_id"]).collect();
    assert_eq!(ids, [&json!(id), &json!(registered.id)]);
    assert_eq!(json[0]["preregistered"], true);
    assert_eq!(json[0]["own_access"], json!({ "resources": [TIME], "scopes": "mcp" }));
    assert_eq!(json[1]["preregistered"], false);
    assert!(listed.contains(&id) && listed.contains("Nightly") && shown.contains(TIME));
    let stored = gateway.redis.cli(&["GET", &format!("mcpgw:client:{id}")]);
    for text in [&listed, &shown, &json!(json).to_string(), &stored] {
        assert!(!text.contains(&secret), "{text}");
    }
    let public = gateway.cli_json(&[
        "client",
        "create",
        "--name",
        "App",
        "--redirect-uri",
        CALLBACK,
        "--auth",
        "none",
        "--json",
    ]);
    assert!(public.get("client_secret").is_none());
}

/// What cannot work is refused with a reason, and nothing is stored.
#[tokio::test]
async fn a_client_that_could_not_work_is_not_created() {
    let gateway = Gateway::start();
    let machine = ["--grant", "client-credentials"];
    for (options, reason) in [
        (vec![], "--redirect-uri"),
        (vec!["--redirect-uri", "javascript:x"], "redirect URI"),
        (vec!["--redirect-uri", CALLBACK, "--server", "time"], "client-credentials"),
        (machine.to_vec(), "--server is missing"),
        (
            [&machine[..], &["--redirect-uri", CALLBACK, "--server", "time"]].concat(),
            "require each other",
        ),
        ([&machine[..], &["--server", "nothing"]].concat(), "no server \"nothing\""),
        (
            [&machine[..], &["--server", "time", "--scope", "admin"]].concat(),
            "these servers have mcp",
        ),
        ([&machine[..], &["--server", "time", "--auth", "none"]].concat(), "authenticates"),
    ] {
        let refused =
            gateway.cli(&[&["client", "create", "--name", "X"][..], &options[..]].concat());
        let refused = refused.unwrap_err();
        assert!(refused.contains(reason), "{options:?}: {refused}");
    }
    assert!(gateway.cli_list(&["client", "list", "--json=lines"]).is_empty());
    assert!(gateway.cli(&["client", "show", "-x"]).unwrap_err().contains("no client \"-x\""));
    assert!(gateway.cli(&["client", "delete", "--yes", "x"]).unwrap_err().contains("no client"));
}
