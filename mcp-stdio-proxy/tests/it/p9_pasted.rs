//! A configuration that was pasted from an MCP client means what its writer means.

use std::process::{Command, Output};

use serde_json::{Value, json};

use crate::config::File;
use crate::support::{PROXY, Proxy, SERVER, call, eventually, initialize, text};

/// Runs `check` on a file with these servers.
fn check(servers: &Value, options: &[&str], env: &[(&str, &str)]) -> (Output, String) {
    let file = File::new(servers);
    let output = Command::new(PROXY)
        .args(["check", "--config", file.path()])
        .args(options)
        .envs(env.iter().copied())
        .output()
        .unwrap();
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    (output, said)
}

#[test]
fn p9_a_disabled_server_is_not_served() {
    let file = File::new(&json!({
        "on": {"command": SERVER, "disabled": false, "autoApprove": [], "type": "stdio"},
        "off": {"command": SERVER, "disabled": true},
    }));
    let proxy = Proxy::with(&["--config", file.path()], &[]);
    let status = |name: &str| {
        proxy.post_to(&format!("/{name}/mcp"), &[], &initialize("2025-11-25", &json!({}))).status
    };
    assert_eq!((status("on"), status("off")), (200, 404));
    file.write(&json!({"mcpServers": {"on": {"command": SERVER, "disabled": true}}}).to_string());
    eventually("it is disabled", || status("on") == 404);
}

#[test]
fn p9_what_the_proxy_cannot_do_stops_the_start_by_name() {
    for (key, value) in [
        ("headers", json!({"Authorization": "Bearer x"})),
        ("timeout", json!(60)),
        ("autoApprove", json!(["read"])),
        ("alwaysAllow", json!(["read"])),
        ("type", json!("sse")),
        ("type", json!("http")),
        ("comand", json!("x")),
        ("disbled", json!(true)),
    ] {
        let mut entry = json!({"command": SERVER});
        entry[key] = value;
        let (output, said) =
            check(&json!({"good": {"command": SERVER}, "pasted": entry}), &[], &[]);
        assert!(!output.status.success(), "{key}");
        assert!(
            said.contains("server \"pasted\": ") && said.contains(&format!("\"{key}\"")),
            "{said}"
        );
        // The operator sees all of it in one line, and once.
        assert_eq!(said.lines().count(), 1, "{said}");
    }
}

#[test]
fn p9_variables_are_those_that_the_operator_passes_on() {
    let servers = json!({"one": {
        "command": "sh",
        "args": ["-c", "exec \"$1\" \"$TOKEN\" \"$OTHER\" \"$2\"", "x", SERVER, "$${LITERAL}"],
        "env": {"TOKEN": "${MY_TOKEN}", "OTHER": "${NOT_PASSED:-default}"},
    }});
    let file = File::new(&servers);
    let env = [("MY_TOKEN", "t0ken"), ("NOT_PASSED", "s3cret")];
    for options in [&["--pass-env", "MY_TOKEN"][..], &["--pass-env", "A,MY_TOKEN"]] {
        let proxy = Proxy::with(&[&["--config", file.path()], options].concat(), &env);
        let ask = call(1, "args", &json!({}));
        let answer = proxy.post_to("/one/mcp", &[("X-User-Id", "u")], &ask).answer().1;
        assert_eq!(text(&answer), "t0ken|default|${LITERAL}");
        assert!(!proxy.log().contains("t0ken"), "{}", proxy.log());
    }
    let by_variable = [env[0], ("MCP_PASS_ENV", "MY_TOKEN")];
    let proxy = Proxy::with(&["--config", file.path()], &by_variable);
    let ask = call(1, "args", &json!({}));
    let answer = proxy.post_to("/one/mcp", &[("X-User-Id", "u")], &ask).answer().1;
    assert!(text(&answer).starts_with("t0ken|"));
}

#[test]
fn p9_a_secret_of_the_proxy_is_no_value_of_a_variable() {
    for (name, options) in [
        ("REDIS_PASSWORD", &[][..]),
        ("GITHUB_CLIENT_SECRET", &["--pass-env", "OTHER"]),
        ("NONE", &["--pass-env", "NONE"]),
    ] {
        let servers = json!({"one": {"command": SERVER, "env": {"A": format!("x${{{name}}}")}}});
        let env = [("REDIS_PASSWORD", "s3cret"), ("GITHUB_CLIENT_SECRET", "s3cret")];
        let (output, said) = check(&servers, options, &env);
        assert!(!output.status.success(), "{name}");
        let expected = format!("\"env.A\": ${{{name}}} has no value");
        assert!(said.contains(&expected) && said.contains("--pass-env"), "{said}");
        assert!(!said.contains("s3cret"));
    }
}
