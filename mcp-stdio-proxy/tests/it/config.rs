//! Many servers from `mcp-servers.json`, their environment, their tools, and edits of the file.

use std::path::PathBuf;
use std::sync::atomic::{AtomicU32, Ordering};

use serde_json::{Value, json};

use crate::client::send;
use crate::support::{Proxy, SERVER, call, eventually, initialize, is_alive, text};

/// A file of its own for each test.
pub(crate) struct File(PathBuf);

impl File {
    pub(crate) fn new(servers: &Value) -> Self {
        static COUNT: AtomicU32 = AtomicU32::new(0);
        let name = format!(
            "mcp-servers-{}-{}.json",
            std::process::id(),
            COUNT.fetch_add(1, Ordering::Relaxed)
        );
        let file = Self(std::env::temp_dir().join(name));
        file.write(&json!({"mcpServers": servers}).to_string());
        file
    }

    pub(crate) fn write(&self, text: &str) {
        std::fs::write(&self.0, text).unwrap();
    }

    pub(crate) fn path(&self) -> &str {
        self.0.to_str().unwrap()
    }
}

impl Drop for File {
    fn drop(&mut self) {
        let _removed = std::fs::remove_file(&self.0);
    }
}

fn ask(proxy: &Proxy, path: &str, headers: &[(&str, &str)], body: &Value) -> Value {
    let headers = [&[("X-User-Id", "u")], headers].concat();
    proxy.post_to(path, &headers, body).answer().1
}

fn tool(proxy: &Proxy, path: &str, name: &str) -> String {
    text(&ask(proxy, path, &[], &call(1, name, &json!({})))).to_owned()
}

#[test]
fn a_server_is_found_by_path_and_by_host() {
    let file = File::new(&json!({
        "one": {"command": SERVER, "args": ["--one"]},
        "two": {"command": SERVER, "args": ["--two"], "allow": ["*"]},
        "native": {"url": "http://127.0.0.1:1/mcp"},
    }));
    let proxy = Proxy::with(&["--config", file.path(), "--allow-host", "*.mcp.localhost"], &[]);
    assert_eq!(tool(&proxy, "/one/mcp", "args"), "--one");
    assert_eq!(tool(&proxy, "/two/mcp", "args"), "--two");
    let host = [("Host", "two.mcp.localhost:8443")];
    for path in ["/mcp", "/"] {
        let answer = ask(&proxy, path, &host, &call(1, "args", &json!({})));
        assert_eq!(text(&answer), "--two", "{path}");
        // The gateway's choice comes first.
        let chosen = [host[0], ("X-MCP-Server", "one")];
        let answer = ask(&proxy, path, &chosen, &call(1, "args", &json!({})));
        assert_eq!(text(&answer), "--one", "{path}");
    }
    for path in ["/three/mcp", "/native/mcp", "/mcp", "/", "/%2e%2e/mcp"] {
        let response = proxy.post_to(path, &[], &initialize("2025-11-25", &json!({})));
        assert_eq!(response.status, 404, "{path}");
        let hint = response.json()["error"]["message"].as_str().unwrap().to_owned();
        assert!(!hint.contains("one\"") && hint.contains("/NAME/mcp"), "{hint}");
    }
}

#[test]
fn a_server_sees_its_own_environment_and_none_of_the_gateways() {
    let directory = std::env::temp_dir().canonicalize().unwrap();
    let file = File::new(&json!({"one": {
        "command": SERVER, "env": {"OWN": "1"}, "cwd": directory,
    }}));
    let secrets =
        [("GITHUB_CLIENT_SECRET", "s3cret"), ("REDIS_URL", "redis://"), ("ASKED_FOR", "1")];
    let proxy = Proxy::with(&["--config", file.path(), "--pass-env", "ASKED_FOR"], &secrets);
    let env = tool(&proxy, "/one/mcp", "env");
    for name in ["PATH", "OWN", "ASKED_FOR"] {
        assert!(env.split(' ').any(|one| one == name), "{name}: {env}");
    }
    for name in ["GITHUB_CLIENT_SECRET", "REDIS_URL", "RUST_LOG"] {
        assert!(!env.contains(name), "{env}");
    }
    assert_eq!(tool(&proxy, "/one/mcp", "cwd"), directory.to_str().unwrap());
}

#[test]
fn each_user_has_a_directory_of_their_own() {
    let base = std::env::temp_dir().canonicalize().unwrap();
    let base = base.join(format!("mcp-users-{}", std::process::id()));
    let cwd = base.join("{user}");
    let file = File::new(&json!({"one": {"command": SERVER, "args": ["{user}"], "cwd": cwd}}));
    let proxy = Proxy::with(&["--config", file.path()], &[]);
    for (user, escaped) in [("github:1", "github_3a1"), ("../x", "_2e_2e_2fx")] {
        let ask = call(1, "cwd", &json!({}));
        let answer = proxy.post_to("/one/mcp", &[("X-User-Id", user)], &ask).answer().1;
        assert_eq!(text(&answer), base.join(escaped).to_str().unwrap());
    }
    let nobody = proxy.post_to("/one/mcp", &[], &initialize("2025-11-25", &json!({})));
    let answer = nobody.answer().1;
    assert!(answer["error"]["message"].as_str().unwrap().contains("\"one\""), "{answer}");
    std::fs::remove_dir_all(base).unwrap();
}

#[test]
fn the_operating_system_holds_a_server_to_its_limits() {
    let limits = json!({"memory": 500_000_000, "files": 77, "processes": 5000});
    let file = File::new(&json!({"one": {"command": SERVER, "limits": limits}}));
    let proxy = Proxy::with(&["--config", file.path()], &[]);
    let said = tool(&proxy, "/one/mcp", "limits");
    for (name, value) in
        [("Max data size", 500_000_000), ("Max open files", 77), ("Max processes", 5000)]
    {
        let line = said.lines().find(|line| line.starts_with(name)).unwrap();
        assert!(line.contains(&format!(" {value} ")), "{line}");
    }
}

/// `npx` and `uvx` cost time and a process; what they find is started directly the second time.
#[test]
fn a_finder_is_asked_once() {
    let directory = std::env::temp_dir().join(format!("mcp-finder-{}", std::process::id()));
    std::fs::create_dir_all(&directory).unwrap();
    let finder = directory.join("npx");
    std::fs::write(&finder, "#!/bin/sh\necho asked >&2\nshift\n\"$@\"\nexit $?\n").unwrap();
    std::process::Command::new("chmod").arg("+x").arg(&finder).status().unwrap();
    let file = File::new(&json!({"one": {"command": finder, "args": ["-y", SERVER, "own"]}}));
    let proxy = Proxy::with(&["--config", file.path(), "--isolation", "session"], &[]);
    for _ in 0..3 {
        let response = proxy.post_to("/one/mcp", &[], &initialize("2025-11-25", &json!({})));
        let id = response.header("mcp-session-id").unwrap().to_owned();
        let ask = call(1, "args", &json!({}));
        let answer = proxy.post_to("/one/mcp", &[("Mcp-Session-Id", &id)], &ask).answer().1;
        assert_eq!(text(&answer), "own");
    }
    eventually("it is logged", || proxy.log().contains("asked"));
    assert_eq!(proxy.log().matches("] asked").count(), 1, "{}", proxy.log());
    std::fs::remove_dir_all(directory).unwrap();
}

#[test]
fn tools_are_hidden_and_refused_by_rule_and_scope() {
    let rules = json!({"allow": ["read_*", "write_*"], "scopes": {"write_*": "w"}});
    let file = File::new(&json!({"one": {"command": SERVER, "tools": rules}}));
    let proxy = Proxy::with(&["--config", file.path()], &[]);
    for (scopes, seen) in [("r", vec!["read_a"]), ("r w", vec!["read_a", "write_b"])] {
        let scopes = [("X-Auth-Scopes", scopes)];
        let list = json!({"jsonrpc": "2.0", "id": "l", "method": "tools/list"});
        let answer = ask(&proxy, "/one/mcp", &scopes, &list);
        assert_eq!(answer["id"], "l");
        let tools = answer["result"]["tools"].as_array().unwrap();
        assert_eq!(tools.iter().map(|tool| &tool["name"]).collect::<Vec<_>>(), seen);
        // Nor may it be called without waiting for the answer.
        let silent =
            json!({"jsonrpc": "2.0", "method": "tools/call", "params": {"name": "secret_c"}});
        let refusal = ask(&proxy, "/one/mcp", &scopes, &silent);
        assert_eq!(refusal["error"]["message"], "this tool is not available");
        for (name, refused) in [("read_a", false), ("write_b", seen.len() == 1), ("secret_c", true)]
        {
            let answer = ask(&proxy, "/one/mcp", &scopes, &call(1, name, &json!({})));
            let said = answer["error"]["message"].as_str().unwrap();
            assert_eq!(said.starts_with("this tool "), refused, "{name}: {said}");
        }
    }
}

/// MCP 2025-11-25, "Runtime Insufficient Scope Errors": 403, with all the scopes at once.
#[test]
fn a_call_that_lacks_a_scope_gets_the_challenge_of_the_gateway() {
    let rules = json!({"scopes": {"write_*": "w"}, "deny": ["secret_*"]});
    let file = File::new(&json!({"one": {"command": SERVER, "tools": rules}}));
    let proxy = Proxy::with(&["--config", file.path()], &[]);
    let beginning = "Bearer resource_metadata=\"https://one.example/m\"";
    let ask = |name: &str, scopes: &str| {
        let headers =
            [("X-User-Id", "u"), ("X-Auth-Scopes", scopes), ("X-MCP-Challenge", beginning)];
        proxy.post_to("/one/mcp", &headers, &call(1, name, &json!({})))
    };
    let refused = ask("write_b", "r");
    assert_eq!(refused.status, 403);
    let challenge = refused.header("www-authenticate").unwrap();
    assert!(challenge.starts_with(&format!("{beginning}, scope=\"r w\"")), "{challenge}");
    assert!(challenge.contains("error=\"insufficient_scope\""), "{challenge}");
    assert_eq!(refused.json()["id"], 1);
    for (name, scopes) in [("write_b", "r w"), ("read_a", "r"), ("secret_c", "r")] {
        let served = ask(name, scopes);
        assert_eq!(served.status, 200, "{name}");
        assert!(served.header("www-authenticate").is_none());
    }
}

#[test]
fn an_edit_is_taken_over_and_touches_only_what_changed() {
    let same = json!({"command": SERVER});
    let file = File::new(&json!({"same": same, "other": same, "gone": same}));
    let proxy = Proxy::with(&["--config", file.path()], &[]);
    let pid = |name: &str| tool(&proxy, &format!("/{name}/mcp"), "pid").parse::<u32>().unwrap();
    let (kept, changed, gone) = (pid("same"), pid("other"), pid("gone"));
    file.write("{ not json");
    eventually("the bad edit is logged with its place", || {
        proxy.log().contains(&format!("{}:1:3", file.path()))
    });
    assert_eq!(pid("other"), changed);
    let edited = json!({"same": same, "other": {"command": SERVER, "args": ["new"]}, "more": same});
    file.write(&json!({"mcpServers": edited}).to_string());
    // At once: auth-service may have read the file before, and then lets people in.
    assert_ne!(pid("more"), kept);
    assert_eq!(pid("same"), kept);
    assert_eq!(tool(&proxy, "/other/mcp", "args"), "new");
    eventually("what is not needed ends", || !is_alive(changed) && !is_alive(gone));
    assert_eq!(proxy.post_to("/gone/mcp", &[], &initialize("2025-11-25", &json!({}))).status, 404);
}

#[test]
fn a_bad_file_stops_the_start_with_its_place() {
    let file = File::new(&json!({}));
    file.write("{\n  \"mcpServers\": {\n    \"a\": {\"command\": 5}\n  }\n}");
    let output = std::process::Command::new(env!("CARGO_BIN_EXE_mcp-stdio-proxy"))
        .args(["--listen", "127.0.0.1:0", "--config", file.path()])
        .output()
        .unwrap();
    assert!(!output.status.success());
    let said = String::from_utf8(output.stderr).unwrap();
    assert!(said.contains(&format!("{}:3:", file.path())), "{said}");
}

#[test]
fn check_prints_a_table_of_what_works_and_what_does_not() {
    let check = |servers: &Value| {
        let file = File::new(servers);
        let output = std::process::Command::new(env!("CARGO_BIN_EXE_mcp-stdio-proxy"))
            .args(["check", "--config", file.path()])
            .output()
            .unwrap();
        (output.status.success(), String::from_utf8(output.stdout).unwrap())
    };
    let good = json!({"command": SERVER});
    let (success, table) = check(&json!({"good": good}));
    assert!(success && table.contains("3: read_a, write_b, secret_c"), "{table}");
    assert!(table.contains("faulty") && table.contains("2025-11-25"), "{table}");
    let (success, table) = check(&json!({"good": good, "bad": {"command": "/no/such"}}));
    assert!(!success && table.contains("3: read_a"), "{table}");
    assert!(table.lines().any(|line| line.starts_with("bad ") && line.contains("FAILED")));
}

#[test]
fn processes_are_held_ready_and_replaced() {
    let file = File::new(&json!({"one": {"command": SERVER, "prewarm": 1}}));
    let proxy = Proxy::with(&["--config", file.path()], &[]);
    let state = || send(proxy.port, "GET", "/servers", &[], b"").json()["servers"]["one"].clone();
    eventually("one is ready", || state()["warm"] == 1);
    assert_eq!(state()["state"], "untried");
    assert_eq!(state()["pids"], json!([]));
    let session = proxy.post_to("/one/mcp", &[], &initialize("2025-11-25", &json!({})));
    assert_eq!(session.status, 200);
    eventually("another one is ready", || state()["warm"] == 1);
    assert_eq!(state()["pids"].as_array().unwrap().len(), 1);
    assert_eq!(state()["state"], "ok");
}

/// What is held ready for one server does not keep another from starting.
#[test]
fn processes_held_ready_make_way() {
    let warm = json!({"command": SERVER, "prewarm": 2});
    let file = File::new(&json!({"warm": warm, "cold": {"command": SERVER}}));
    let proxy = Proxy::with(&["--config", file.path(), "--max-children", "2"], &[]);
    let state = || send(proxy.port, "GET", "/servers", &[], b"").json()["servers"].clone();
    eventually("both are ready", || state()["warm"]["warm"] == 2);
    let response = proxy.post_to("/cold/mcp", &[], &initialize("2025-11-25", &json!({})));
    assert_eq!(response.status, 200);
    assert_eq!(state()["cold"]["pids"].as_array().unwrap().len(), 1);
}

#[test]
fn a_server_may_have_a_bound_of_its_own() {
    let file = File::new(&json!({"one": {"command": SERVER, "maxProcesses": 1}}));
    let proxy = Proxy::with(&["--config", file.path()], &[]);
    let open = || proxy.post_to("/one/mcp", &[], &initialize("2025-11-25", &json!({})));
    assert_eq!(open().status, 200);
    let second = open();
    assert_eq!((second.status, second.header("retry-after")), (503, Some("5")));
}

/// Another user and group, and none of ours beside them.
#[test]
fn a_server_runs_as_whom_its_entry_says() {
    let root = rustix::process::geteuid().is_root();
    // Only root can become somebody else; others can become who they are.
    let own = (rustix::process::geteuid().as_raw(), rustix::process::getegid().as_raw());
    let (uid, gid) = if root { (65534, 65533) } else { own };
    let file = File::new(&json!({"one": {"command": "/bin/sh", "uid": uid, "gid": gid,
        "args": ["-c", format!("exec {SERVER}")]}}));
    let proxy = Proxy::with(&["--config", file.path()], &[]);
    let status = tool(&proxy, "/one/mcp", "status");
    let of = |name: &str| {
        let line = status.lines().find_map(|line| line.strip_prefix(name)).unwrap();
        line.split_whitespace().map(str::to_owned).collect::<Vec<_>>()
    };
    assert_eq!(of("Uid:"), vec![uid.to_string(); 4]);
    assert_eq!(of("Gid:"), vec![gid.to_string(); 4]);
    assert!(!root || of("Groups:").is_empty(), "{status}");
}
