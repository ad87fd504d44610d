//! Errors are said once, in one form, and name what was looked for and where.

use std::net::TcpListener;
use std::os::unix::fs::PermissionsExt as _;
use std::process::Command;

use serde_json::json;

use crate::config::File;
use crate::support::{PROXY, Proxy, SERVER, eventually, initialize};

/// Runs the proxy and returns what it says on stderr and stdout; it has to fail.
fn fails(args: &[&str]) -> (String, String) {
    let output =
        Command::new(PROXY).args(args).env("MCP_PROXY_LISTEN", "127.0.0.1:0").output().unwrap();
    assert!(!output.status.success(), "{args:?}");
    let text = |bytes: &[u8]| String::from_utf8(bytes.to_vec()).unwrap();
    (text(&output.stderr), text(&output.stdout))
}

#[test]
fn p12_what_ends_the_program_is_said_once_in_the_form_of_the_command_line() {
    for args in [&["--config", "/no/such.json"][..], &["check", "--config", "/no/such.json"]] {
        let (said, _) = fails(args);
        assert_eq!(
            said,
            "error: cannot read /no/such.json: No such file or directory (os error 2)\n"
        );
    }
    let taken = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = taken.local_addr().unwrap().to_string();
    let (said, _) = fails(&["--listen", &address, "--", SERVER]);
    let last = said.lines().last().unwrap();
    assert_eq!(
        last,
        format!("error: cannot listen on {address}: Address already in use (os error 98)")
    );
    let metrics = fails(&["--metrics-listen", &address, "--", SERVER]).0;
    assert_eq!(metrics.matches("in use").count(), 1, "{metrics}");
    for args in [&[][..], &["--config", "x", "--", "y"], &["--name", "A b", "--", "y"]] {
        let (said, _) = fails(args);
        assert!(said.starts_with("error: ") && said.lines().count() == 1, "{said}");
    }
    drop(taken);
    let (said, _) = fails(&["healthcheck", "--listen", &address]);
    assert_eq!(said.matches("Connection refused").count(), 1, "{said}");
}

#[test]
fn p12_a_failed_start_names_what_was_looked_for_and_where() {
    let directory = tempfile::tempdir().unwrap();
    let script = directory.path().join("script");
    std::fs::write(&script, "#!/no/interpreter -x\n").unwrap();
    std::fs::set_permissions(&script, std::fs::Permissions::from_mode(0o755)).unwrap();
    let path = std::env::var_os("PATH").unwrap().into_string().unwrap();
    let search = format!("there is no program \"no-such\" in PATH ({path})");
    let own = format!("{}/own", directory.path().display());
    for (entry, said) in [
        (json!({"command": "no-such"}), search.as_str()),
        (json!({"command": "no-such", "env": {"PATH": own}}), &format!("in PATH ({own})")),
        (json!({"command": "/no/such"}), "there is no program /no/such"),
        (json!({"command": "./such", "cwd": "/etc"}), "there is no program /etc/./such"),
        (json!({"command": "/etc/passwd"}), "/etc/passwd is not an executable file"),
        (
            json!({"command": SERVER, "cwd": "/no/directory"}),
            "its directory /no/directory cannot be used: No such file or directory (os error 2)",
        ),
        (
            json!({"command": script}),
            "its first line names \"/no/interpreter\", which is not there",
        ),
    ] {
        let file = File::new(&json!({"one": entry}));
        let proxy = Proxy::with(&["--config", file.path()], &[]);
        let answer =
            proxy.post_to("/one/mcp", &[], &initialize("2025-11-25", &json!({}))).answer().1;
        // The client learns of the kind of failure and of no path.
        let told = answer["error"]["message"].as_str().unwrap_or_default().to_owned();
        assert!(told.contains("\"one\"") && !told.contains("/no/"), "{answer}");
        eventually(said, || proxy.log().contains(said));
        assert_eq!(proxy.log().matches(said).count(), 1, "{}", proxy.log());
    }
}

#[test]
fn p12_check_says_what_failed_once() {
    let file = File::new(&json!({"bad": {"command": "/no/such"}}));
    let (_, table) = fails(&["check", "--config", file.path()]);
    let line = table.lines().find(|line| line.starts_with("bad ")).unwrap();
    let failed = line.split_once("FAILED: ").unwrap().1;
    assert_eq!(failed, "cannot start server \"bad\": there is no program /no/such");
}

#[test]
fn p12_a_bad_edit_is_said_once() {
    let file = File::new(&json!({"one": {"command": SERVER}}));
    let proxy = Proxy::with(&["--config", file.path()], &[]);
    file.write(&json!({"mcpServers": {"one": {"command": SERVER, "args": ["x"]}}}).to_string());
    eventually("the file is watched", || proxy.log().contains("changed: 1 servers"));
    std::fs::remove_file(file.path()).unwrap();
    eventually("it is noticed", || proxy.log().contains("the servers stay as they were"));
    assert_eq!(proxy.log().matches("No such file").count(), 1, "{}", proxy.log());
    let status = proxy.post_to("/one/mcp", &[], &initialize("2025-11-25", &json!({}))).status;
    assert_eq!(status, 200);
}

#[test]
fn p12_the_help_has_one_command() {
    let output = Command::new(PROXY).arg("--help").output().unwrap();
    let help = String::from_utf8(output.stdout).unwrap();
    assert!(help.contains("Usage: mcp-stdio-proxy [OPTIONS] -- COMMAND [ARGS]...\n"), "{help}");
    assert!(!help.contains("Commands:"), "{help}");
    assert!(help.contains("\nActions:\n") && help.contains("healthcheck"), "{help}");
    // In the usage and where it is explained.
    assert_eq!(help.matches("COMMAND").count(), 2, "{help}");
}
