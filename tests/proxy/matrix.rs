//! The official servers, used by each of the official SDKs through the proxy, by two users at once.

use std::{
    env, fs,
    io::Write as _,
    net::TcpListener,
    path::{Path, PathBuf},
    process::{Command, Output},
    thread,
};

use gateway_tests::{proxy::Proxy, stack::root};
use serde_json::{Value, json};

/// The users. Each has files, a repository, a memory and a page of their own.
const USERS: [&str; 2] = ["github:1", "github:2"];
/// What is in everything that belongs to them.
const MARKS: [&str; 2] = ["mark-of-alice", "mark-of-bob"];
/// How their ids are written in paths.
const NAMES: [&str; 2] = ["github_3a1", "github_3a2"];
/// Calls of each tool.
const ROUNDS: usize = 3;

/// What one user asks of one server, and what the answer must contain.
struct Ask {
    server: &'static str,
    /// `-`: the list of tools is enough.
    tool: &'static str,
    arguments: Value,
    word: String,
}

/// Every cell of servers × SDKs, two users at once; prints the table.
pub fn every_cell() {
    let data = tempfile::tempdir().expect("a directory");
    prepare(data.path());
    let page = serve_pages();
    let proxy = Proxy::serving(&catalogue(data.path()), &[]);
    let asks = [0, 1].map(|user| asks(user, data.path(), &page));
    let mut table = Vec::new();
    for (sdk, program) in sdks() {
        let answers = thread::scope(|scope| {
            let runs = [0, 1].map(|user| {
                let (proxy, asks, program) = (&proxy, &asks[user], &program);
                scope.spawn(move || drive(proxy, program, USERS[user], asks))
            });
            runs.map(|run| run.join().expect("a client"))
        });
        for user in [0, 1] {
            assert_eq!(answers[user].len(), asks[user].len(), "{sdk}");
            for (ask, answer) in asks[user].iter().zip(&answers[user]) {
                assert_own(sdk, user, ask, answer);
            }
        }
        table.push((sdk, answers));
    }
    print(&asks[0], &table);
}

/// A user gets what is theirs, each time, and nothing of the other.
fn assert_own(sdk: &str, user: usize, ask: &Ask, answer: &Value) {
    let cell = format!("{sdk}, {}, {}", ask.server, USERS[user]);
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

fn print(asks: &[Ask], table: &[(&str, [Vec<Value>; 2])]) {
    print!("{:<20} {:<12} {:>5}", "server", "version", "tools");
    for (sdk, _) in table {
        print!("  {sdk}");
    }
    println!();
    for (at, ask) in asks.iter().enumerate() {
        let of = |row: &(&str, [Vec<Value>; 2])| row.1[0][at].clone();
        let first = of(&table[0]);
        let version = first["server"]["version"].as_str().unwrap_or("?");
        let tools = first["tools"].as_array().map_or(0, Vec::len);
        print!("{:<20} {version:<12} {tools:>5}", ask.server);
        for row in table {
            let calls = of(row)["results"].as_array().map_or(0, Vec::len) * USERS.len();
            let cell = if calls == 0 { "listed".to_owned() } else { format!("{calls} calls") };
            print!("  {cell:<width$}", width = row.0.len());
        }
        println!();
    }
}

/// The SDKs as programs that take a user, and for each server a URL, a tool and its arguments.
fn sdks() -> [(&'static str, Vec<PathBuf>); 3] {
    let clients = root().join("tests/clients");
    let tools = root().join(".tools");
    let python = vec![tools.join("client-python-2/bin/python"), clients.join("python/direct.py")];
    let typescript = vec!["node".into(), clients.join("typescript/direct.mjs")];
    // Beside this test: target/debug/deps/…, target/debug/direct.
    let test = env::current_exe().expect("this program");
    let debug = test.parent().and_then(Path::parent).expect("target/debug");
    let rust = vec![debug.join("direct")];
    [("Python 2.3.0", python), ("TypeScript 2.4.0", typescript), ("Rust 3.11.0", rust)]
}

fn drive(proxy: &Proxy, program: &[PathBuf], user: &str, asks: &[Ask]) -> Vec<Value> {
    let mut command = Command::new(&program[0]);
    command.args(&program[1..]).arg(user).env("ROUNDS", ROUNDS.to_string());
    for ask in asks {
        command.args([&proxy.url(ask.server), ask.tool, &ask.arguments.to_string()]);
    }
    let Output { status, stdout, stderr } = command.output().expect("the client runs");
    let (text, errors) = (String::from_utf8_lossy(&stdout), String::from_utf8_lossy(&stderr));
    assert!(status.success(), "{program:?}: {text}\n{errors}\n{}", proxy.log());
    text.lines().map(|line| serde_json::from_str(line).expect("JSON")).collect()
}

/// The eight official servers; whatever one keeps, it keeps for each user apart.
fn catalogue(data: &Path) -> Value {
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
    })
}

fn asks(user: usize, data: &Path, page: &str) -> Vec<Ask> {
    let mark = MARKS[user];
    let own = |name: &str| data.join(NAMES[user]).join(name);
    let thought = json!({
        "thought": mark, "nextThoughtNeeded": true, "thoughtNumber": 1, "totalThoughts": user + 5,
    });
    let entity = json!({ "entities": [
        { "name": mark, "entityType": "mark", "observations": [mark] },
    ]});
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
fn prepare(data: &Path) {
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
fn serve_pages() -> String {
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
