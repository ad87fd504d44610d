//! The eight official servers, and two of the conformance suite's that speak one era each: what two users
//! ask them, and what must come back.

use std::{fs, io::Write as _, net::TcpListener, path::Path, process::Command, thread};

use gateway_tests::stack::root;
use serde_json::{Value, json};

use crate::conformance;

/// The users. Each has files, a repository, a memory and a page of their own.
pub const USERS: [&str; 2] = ["github:1", "github:2"];
/// What is in everything that belongs to them, and what they answer a server that asks.
pub const MARKS: [&str; 2] = ["mark-of-alice", "mark-of-bob"];
/// How their ids are written in paths.
const NAMES: [&str; 2] = ["github_3a1", "github_3a2"];

/// What one user asks of one server, and what the answer must contain.
pub struct Ask {
    /// The name of the server.
    pub server: &'static str,
    /// `-`: the list of tools is enough.
    pub tool: &'static str,
    /// What the tool gets.
    pub arguments: Value,
    /// What it answers.
    pub word: String,
}

/// All of them; whatever one keeps, it keeps for each user apart.
pub fn catalogue(data: &Path) -> Value {
    let (node, python) =
        (root().join(".tools/node/node_modules/.bin"), root().join(".tools/python/bin"));
    let own = |name: &str| data.join("{user}").join(name);
    let playwright = root().join(".tools/servers/node_modules/.bin/playwright-mcp");
    let mut browser =
        vec!["--headless".to_owned(), "--isolated".to_owned(), "--no-sandbox".to_owned()];
    browser.extend(chromium().into_iter().flat_map(|path| ["--executable-path".to_owned(), path]));
    json!({
        "everything": { "command": node.join("mcp-server-everything") },
        "filesystem": { "command": node.join("mcp-server-filesystem"), "args": [own("files")] },
        "memory": {
            "command": node.join("mcp-server-memory"),
            "env": { "MEMORY_FILE_PATH": own("memory.jsonl") },
        },
        "sequential-thinking": { "command": node.join("mcp-server-sequential-thinking") },
        // It writes what it has seen into its directory.
        "playwright": { "command": playwright, "args": browser, "cwd": own("browser") },
        "fetch": { "command": python.join("mcp-server-fetch"), "args": ["--allow-private-ips"] },
        "time": { "command": python.join("mcp-server-time"), "args": ["--local-timezone", "UTC"] },
        "git": { "command": python.join("mcp-server-git"), "args": ["--repository", own("repository")] },
        "handshake-only": { "command": conformance::python(), "args": conformance::fixture("legacy") },
        "no-handshake": { "command": conformance::python(), "args": conformance::fixture("modern") },
    })
}

/// What `user` asks, row by row.
pub fn asks(user: usize, data: &Path, page: &str) -> Vec<Ask> {
    let mark = MARKS[user];
    let own = |name: &str| data.join(NAMES[user]).join(name);
    let thought = json!({
        "thought": mark, "nextThoughtNeeded": true, "thoughtNumber": 1, "totalThoughts": user + 5,
    });
    let entity = json!({ "entities": [
        { "name": mark, "entityType": "mark", "observations": [mark] },
    ]});
    let prompt = json!({ "prompt": "Say something", "maxTokens": 10 });
    let zone = ["Asia/Tokyo", "Africa/Lagos"][user];
    let ask = |server, tool, arguments, word: &str| Ask {
        server,
        tool,
        arguments,
        word: word.to_owned(),
    };
    let browse = if chromium().is_some() { "browser_navigate" } else { "-" };
    let page = format!("{page}/{mark}");
    vec![
        ask("everything", "echo", json!({ "message": mark }), mark),
        ask("everything", "trigger-elicitation-request", json!({}), mark),
        ask("everything", "trigger-sampling-request", prompt.clone(), mark),
        ask("filesystem", "list_directory", json!({ "path": own("files") }), mark),
        // It says what it has added: nothing, once it is there.
        ask("memory", "create_entities", entity, "content"),
        ask("memory", "read_graph", json!({}), mark),
        ask(
            "sequential-thinking",
            "sequentialthinking",
            thought,
            &format!("\\\"totalThoughts\\\": {}", user + 5),
        ),
        ask("playwright", browse, json!({ "url": page }), mark),
        ask("fetch", "fetch", json!({ "url": page }), mark),
        ask("time", "get_current_time", json!({ "timezone": zone }), zone),
        ask("git", "git_log", json!({ "repo_path": own("repository") }), mark),
        ask("handshake-only", "test_elicitation", json!({ "message": "Who?" }), mark),
        ask("handshake-only", "test_sampling", prompt.clone(), mark),
        ask("no-handshake", "test_elicitation", json!({ "message": "Who?" }), mark),
        ask("no-handshake", "test_sampling", prompt, mark),
    ]
}

/// A browser, if there is one.
fn chromium() -> Option<String> {
    ["/usr/bin/chromium", "/usr/bin/google-chrome"]
        .into_iter()
        .find(|path| Path::new(path).exists())
        .map(str::to_owned)
}

/// Directories, files and repositories of the users.
pub fn prepare(data: &Path) {
    for (name, mark) in NAMES.iter().zip(MARKS) {
        let own = data.join(name);
        fs::create_dir_all(own.join("files")).expect("a directory");
        fs::write(own.join("files").join(mark), mark).expect("a file");
        let repository = own.join("repository").display().to_string();
        git(&["init", "--quiet", &repository]);
        let identity = ["-c", "user.name=test", "-c", "user.email=test@localhost"];
        let commit = ["-C", &repository, "commit", "--quiet", "--allow-empty", "-m", mark];
        git(&[&identity[..], &commit[..]].concat());
    }
}

fn git(arguments: &[&str]) {
    assert!(Command::new("git").args(arguments).status().expect("git").success());
}

/// A web server on loopback whose pages say their own path.
pub fn serve_pages() -> String {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
    let url = format!("http://{}", listener.local_addr().expect("an address"));
    thread::spawn(move || {
        for mut connection in listener.incoming().flatten() {
            thread::spawn(move || {
                let path = path_of(&connection);
                let body =
                    format!("<html><title>{path}</title><body><p>This is {path}</p></body></html>");
                let _sent = write!(
                    connection,
                    "HTTP/1.1 200 OK\r\nContent-Type: text/html\r\nContent-Length: {}\r\nConnection: close\r\n\r\n{body}",
                    body.len(),
                );
            });
        }
    });
    url
}

/// The path that a request asks for; its headers are read to their end.
fn path_of(connection: &std::net::TcpStream) -> String {
    use std::io::{BufRead as _, BufReader};
    let mut lines = BufReader::new(connection).lines().map_while(Result::ok);
    let first = lines.next().unwrap_or_default();
    lines.take_while(|line| !line.is_empty()).for_each(drop);
    first.split(' ').nth(1).unwrap_or_default().to_owned()
}
