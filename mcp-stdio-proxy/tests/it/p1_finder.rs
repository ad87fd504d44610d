//! Servers that are found by `npx` or `uvx`, here scripts of those names: a start from memory is the start that
//! the finder made.

use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::thread;

use serde_json::{Value, json};
use tempfile::TempDir;

use crate::config::File;
use crate::support::{ERA_SERVER, Modern, Proxy, SERVER, call, eventually, initialize, text};

/// A finder, which notes each time that it is asked.
struct Finder {
    directory: TempDir,
    name: &'static str,
}

impl Finder {
    /// `body` is shell; `$1` is the package, and `$dir` a directory of its own.
    fn new(name: &'static str, body: &str) -> Self {
        let directory = tempfile::tempdir().unwrap();
        let dir = directory.path().display();
        let script = format!("#!/bin/sh\ndir={dir}\necho asked >>$dir/log\nshift\n{body}\n");
        write_program(&directory.path().join(name), &script);
        Self { directory, name }
    }

    fn path(&self, name: &str) -> String {
        self.directory.path().join(name).to_str().unwrap().to_owned()
    }

    fn command(&self) -> String {
        self.path(self.name)
    }

    /// How often it was asked.
    fn asked(&self) -> usize {
        std::fs::read_to_string(self.path("log")).unwrap_or_default().lines().count()
    }
}

fn write_program(path: &Path, script: &str) {
    std::fs::write(path, script).unwrap();
    std::fs::set_permissions(path, PermissionsExt::from_mode(0o755)).unwrap();
}

/// Serves `one`, with a process for each session.
fn serve(entry: &Value, options: &[&str], env: &[(&str, &str)]) -> Proxy {
    let file = File::new(&json!({"one": entry}));
    Proxy::with(&[&["--config", file.path(), "--isolation", "session"], options].concat(), env)
}

/// Calls a tool of a new process of `user`.
fn afresh(proxy: &Proxy, user: &str, tool: &str, arguments: &Value) -> Value {
    let user = ("X-User-Id", user);
    let opened = proxy.post_to("/one/mcp", &[user], &initialize("2025-11-25", &json!({})));
    let Some(id) = opened.header("mcp-session-id").map(str::to_owned) else { return opened.json() };
    let headers = [user, ("Mcp-Session-Id", &*id)];
    let answer = proxy.post_to("/one/mcp", &headers, &call(1, tool, arguments)).answer().1;
    crate::client::send(proxy.port, "DELETE", "/one/mcp", &headers, b"");
    answer
}

fn environ(proxy: &Proxy, user: &str) -> Vec<String> {
    let answer = afresh(proxy, user, "read", &json!({"path": "/proc/self/environ"}));
    let mut all: Vec<_> = text(&answer).split_terminator('\0').map(str::to_owned).collect();
    // What a shell counts for itself.
    all.retain(|one| !one.starts_with("SHLVL=") && !one.starts_with("_="));
    all.sort_unstable();
    all
}

fn variable<'a>(environ: &'a [String], name: &str) -> Option<&'a str> {
    environ.iter().find_map(|one| one.strip_prefix(name)?.strip_prefix('='))
}

#[test]
fn p1_a_start_from_memory_has_the_environment_that_the_finder_made() {
    for (name, run) in [("npx", "\"$@\"; exit $?"), ("uvx", "exec \"$@\"")] {
        let body = format!(
            "export PATH=$dir/.bin:$PATH NODE_OPTIONS=--max-old-space-size=99 npm_command=exec \
             VIRTUAL_ENV=$dir LIST=$LIST:$dir EMPTY= TWO='a\nb=c'; unset LANG; {run}"
        );
        let finder = Finder::new(name, &body);
        let entry = json!({"command": finder.command(), "args": ["-y", SERVER, "", "a b", "é"],
            "env": {"NODE_OPTIONS": "--own", "LIST": "one"}});
        let proxy = serve(&entry, &[], &[("LANG", "C")]);
        let first = environ(&proxy, "u");
        assert!(variable(&first, "PATH").unwrap().starts_with(&finder.path(".bin:")), "{first:?}");
        assert_eq!(variable(&first, "TWO"), Some("a\nb=c"));
        assert_eq!(variable(&first, "LANG"), None);
        for _ in 0..2 {
            assert_eq!(environ(&proxy, "u"), first);
        }
        assert_eq!(text(&afresh(&proxy, "u", "args", &json!({}))), "|a b|é");
        assert_eq!(finder.asked(), 1, "{name}: {}", proxy.log());
    }
}

#[test]
fn p1_two_people_keep_their_own_values() {
    let finder = Finder::new("npx", "export NPM_WHO=$WHO PATH=$WHO/.bin:$PATH; exec \"$@\"");
    let entry = json!({"command": finder.command(), "args": ["-y", SERVER, "{user}"],
        "env": {"WHO": "/home/{user}"}});
    let proxy = serve(&entry, &[], &[]);
    for _ in 0..2 {
        for user in ["alice", "bob"] {
            let home = format!("/home/{user}");
            let all = environ(&proxy, user);
            assert_eq!(variable(&all, "WHO"), Some(&*home), "{all:?}");
            assert_eq!(variable(&all, "NPM_WHO"), Some(&*home), "{all:?}");
            let path = variable(&all, "PATH").unwrap();
            assert!(
                path.starts_with(&format!("{home}/.bin:")) && path.matches("/.bin").count() == 1
            );
            assert_eq!(text(&afresh(&proxy, user, "args", &json!({}))), user);
        }
    }
    assert_eq!(finder.asked(), 2, "once for each: {}", proxy.log());
}

/// A server in Perl, which writes the title over its arguments and its environment.
const TITLED: &str = r#"
$| = 1;
my ($args, $mark) = (join('|', @ARGV), $ENV{MARK});
$0 = $ENV{TITLE};
while (<STDIN>) {
    next unless /"id":\s*(\d+)/;
    my $id = $1;
    if (/"initialize"/) {
        print qq({"jsonrpc":"2.0","id":$id,"result":{"protocolVersion":"2025-11-25","capabilities":{},"serverInfo":{"name":"t","version":"1"}}}\n);
    } else {
        print qq({"jsonrpc":"2.0","id":$id,"result":{"content":[{"type":"text","text":"$args $mark"}]}}\n);
    }
}
"#;

/// The package runner is used again unless its find was seen in time. The same program is started in both cases.
#[test]
fn p1_a_server_that_sets_its_title_is_started_as_it_was() {
    for title in ["impostor", "perl", "perl impostor", "x", &"long ".repeat(500)] {
        let finder =
            Finder::new("npx", "export MARK=made; PATH=$dir:$PATH exec perl $dir/titled.pl \"$@\"");
        std::fs::write(finder.path("titled.pl"), TITLED).unwrap();
        write_program(Path::new(&finder.path("impostor")), "#!/bin/sh\ntouch $0.ran; exec cat\n");
        let entry = json!({"command": finder.command(), "args": ["-y", "one", "two"],
            "env": {"TITLE": title}});
        let proxy = serve(&entry, &[], &[]);
        for _ in 0..3 {
            assert_eq!(text(&afresh(&proxy, "u", "args", &json!({}))), "one|two made", "{title}");
        }
        assert!(!Path::new(&finder.path("impostor.ran")).exists());
    }
}

/// Such servers keep what their libraries print from the client.
#[test]
fn p1_a_server_that_moves_its_pipes_is_remembered() {
    let finder = Finder::new("uvx", "perl $dir/moved.pl \"$@\"; exit $?");
    let moved = "sleep 1; open(my $in, '<&', STDIN); open(my $out, '>&', STDOUT); \
        open(STDOUT, '>&', STDERR); open(STDIN, '<', '/dev/null'); select($out);\n";
    let script = TITLED.replace("$0 = $ENV{TITLE};", moved).replace("<STDIN>", "<$in>");
    std::fs::write(
        finder.path("moved.pl"),
        script.replace("$| = 1;", "").replace("select($out);", "select($out); $| = 1;"),
    )
    .unwrap();
    let entry = json!({"command": finder.command(), "args": ["-y", "one"]});
    let proxy = serve(&entry, &[], &[]);
    for _ in 0..3 {
        assert_eq!(text(&afresh(&proxy, "u", "args", &json!({}))).trim(), "one", "{}", proxy.log());
    }
    assert_eq!(finder.asked(), 1, "{}", proxy.log());
}

/// A name that is not that of the program: what it is called is what it was called.
#[test]
fn p1_the_name_of_a_program_is_kept() {
    let finder = Finder::new("npx", "exec bash -c 'exec -a other \"$@\"' - \"$@\"");
    let entry = json!({"command": finder.command(), "args": ["-y", SERVER, "own"]});
    let proxy = serve(&entry, &[], &[]);
    for _ in 0..3 {
        let line = afresh(&proxy, "u", "read", &json!({"path": "/proc/self/cmdline"}));
        assert_eq!(text(&line), "other\0own\0");
    }
    assert_eq!(finder.asked(), 1, "{}", proxy.log());
}

/// A finder that does more than a command, its environment and its name can say is asked each time.
#[test]
fn p1_what_cannot_be_repeated_is_not_remembered() {
    for run in ["cd $dir; exec \"$@\"", "\"$@\" 2>/dev/null", "\"$@\" | cat"] {
        let finder = Finder::new("npx", run);
        let entry = json!({"command": finder.command(), "args": ["-y", SERVER]});
        let proxy = serve(&entry, &[], &[]);
        let first = afresh(&proxy, "u", "cwd", &json!({}));
        assert_eq!(text(&afresh(&proxy, "u", "cwd", &json!({}))), text(&first), "{run}");
        assert_eq!(finder.asked(), 2, "{run}");
    }
}

/// The finder installs the server into a cache, which is then cleaned.
#[test]
fn p1_after_a_cache_clean_the_finder_is_asked_again_within_the_request() {
    let binary = format!("cp {ERA_SERVER} $dir/cache/server");
    let script = format!(
        "printf '#!/bin/sh\\n{ERA_SERVER} \"$@\"\\nexit $?\\n' >$dir/cache/server; chmod +x $dir/cache/server"
    );
    for install in [binary, script] {
        let body = format!(
            "[ -e $dir/cache ] || {{ mkdir $dir/cache; {install}; }}\n$dir/cache/server \"$@\"; exit $?"
        );
        let finder = Finder::new("npx", &body);
        let entry = json!({"command": finder.command(), "args": ["-y", "--both"]});
        let proxy = serve(&entry, &["--idle-timeout", "0.2"], &[]);
        let client = Modern { user: Some("m"), ..proxy.modern(json!({})) };
        let modern = || {
            let body = client.request("m", "tools/call", &json!({"name": "pid", "arguments": {}}));
            let headers = Modern::headers(&body);
            let headers: Vec<_> = headers.iter().map(|(name, value)| (&**name, &**value)).collect();
            let answer =
                proxy.post_to("/one/mcp", &[&headers[..], &[("X-User-Id", "m")]].concat(), &body);
            text(&answer.answer().1).parse::<u32>().unwrap()
        };
        for _ in 0..2 {
            assert!(text(&afresh(&proxy, "u", "pid", &json!({}))).parse::<u32>().is_ok());
            let pid = modern();
            eventually("it is idle", || !crate::support::is_alive(pid));
            std::fs::remove_dir_all(finder.path("cache")).unwrap();
        }
        assert!(text(&afresh(&proxy, "u", "pid", &json!({}))).parse::<u32>().is_ok());
        modern();
    }
}

/// A remembered program that is there, executable, and ends.
#[test]
fn p1_a_start_from_memory_that_ends_is_no_failure_of_the_server() {
    let body = "[ -e $dir/part ] || touch $dir/part\nexec $dir/server \"$@\"";
    let finder = Finder::new("npx", body);
    let server = format!(
        "#!/bin/sh\n[ -e {}/part ] || exit 7\nexec {SERVER}\n",
        finder.directory.path().display()
    );
    write_program(Path::new(&finder.path("server")), &server);
    let entry = json!({"command": finder.command(), "args": ["-y", "x"], "prewarm": 1});
    let proxy = serve(&entry, &[], &[]);
    for _ in 0..5 {
        assert!(text(&afresh(&proxy, "u", "pid", &json!({}))).parse::<u32>().is_ok());
        // One that was held ready needs it no longer.
        let _gone = std::fs::remove_file(finder.path("part"));
    }
}

/// An installation in the directory of another one fails.
const INSTALLS: &str = "if ! [ -e $dir/installed ]; then mkdir $dir/installing || exit 3; sleep 0.7; \
     rmdir $dir/installing; touch $dir/installed; fi; ";

#[test]
fn p1_first_starts_of_a_package_come_one_after_the_other() {
    let finder = Finder::new("npx", &format!("{INSTALLS} exec {ERA_SERVER} --both"));
    let entry = |port: &str| json!({"command": finder.command(), "args": ["-y", "pkg", port]});
    let file = File::new(&json!({"one": entry("1"), "two": entry("2")}));
    let proxy = Proxy::with(&["--config", file.path()], &[]);
    thread::scope(|scope| {
        for (number, path) in ["/one/mcp", "/two/mcp"].repeat(3).into_iter().enumerate() {
            let proxy = &proxy;
            scope.spawn(move || {
                let user = format!("u{number}");
                let answer = if number < 4 {
                    let hello = initialize("2025-11-25", &json!({}));
                    proxy.post_to(path, &[("X-User-Id", &user)], &hello).json()
                } else {
                    let body = proxy.modern(json!({})).request(1, "tools/list", &json!({}));
                    let headers = Modern::headers(&body);
                    let own = headers.iter().map(|(name, value)| (&**name, &**value));
                    let headers: Vec<_> = own.chain([("X-User-Id", &*user)]).collect();
                    proxy.post_to(path, &headers, &body).json()
                };
                assert!(answer["result"].is_object(), "{answer}");
            });
        }
    });
}

/// Tries until the package is installed, and returns the answer.
fn persist(mut attempt: impl FnMut() -> Value) -> Value {
    let mut last = attempt();
    let said = last["error"]["message"].as_str().unwrap_or_else(|| panic!("{last}")).to_owned();
    assert!(said.contains("is being installed") && said.contains("\"one\""), "{said}");
    eventually("it is installed", || {
        last = attempt();
        let said = last["error"]["message"].as_str();
        assert!(said.is_none_or(|said| said.contains("is being installed")), "{last}");
        said.is_none()
    });
    last
}

/// Longer than a start may take; `sleep` is not mistaken for a server.
#[test]
fn p1_an_installation_goes_on_after_the_deadline() {
    let slow = "[ -e $dir/installed ] || sleep 3; touch $dir/installed; ";
    let options = ["--start-timeout", "0.5", "--probe-timeout", "0.3"];
    for user in [Some("u"), None] {
        let finder = Finder::new("npx", &format!("{slow} exec {ERA_SERVER} --both"));
        let entry = json!({"command": finder.command(), "args": ["-y", "pkg"], "maxProcesses": 2});
        let file = File::new(&json!({"one": entry}));
        let proxy = Proxy::with(&[&["--config", file.path()], &options[..]].concat(), &[]);
        let own: Vec<_> = user.map(|user| ("X-User-Id", user)).into_iter().collect();
        let hello = initialize("2025-11-25", &json!({}));
        let opened = persist(|| proxy.post_to("/one/mcp", &own, &hello).json());
        assert!(opened["result"]["serverInfo"].is_object(), "{opened}");
        assert!(finder.asked() <= 2, "it is installed once: {}", finder.asked());
    }
    for method in ["tools/list", "server/discover"] {
        let finder = Finder::new("npx", &format!("{slow} exec {ERA_SERVER} --modern"));
        let entry = json!({"command": finder.command(), "args": ["-y", "pkg"]});
        let file = File::new(&json!({"one": entry}));
        let proxy = Proxy::with(&[&["--config", file.path()], &options[..]].concat(), &[]);
        let body = proxy.modern(json!({})).request(1, method, &json!({}));
        let headers = Modern::headers(&body);
        let headers: Vec<_> = headers.iter().map(|(name, value)| (&**name, &**value)).collect();
        let listed = persist(|| proxy.post_to("/one/mcp", &headers, &body).json());
        assert!(listed["result"].is_object(), "{listed}");
        // It was not taken for a silent one.
        let state = crate::client::send(proxy.port, "GET", "/servers", &[], b"").json();
        assert_eq!(state["servers"]["one"]["era"], "modern");
    }
}

/// The end of the proxy does not wait for an installation.
#[test]
fn p1_an_installation_ends_with_the_proxy() {
    let finder = Finder::new("npx", "echo $$ >$dir/pid; sleep 1000");
    let entry = json!({"command": finder.command(), "args": ["-y", "pkg"]});
    let file = File::new(&json!({"one": entry}));
    let mut proxy = Proxy::with(&["--config", file.path(), "--start-timeout", "0.2"], &[]);
    let answer = proxy.post_to("/one/mcp", &[], &initialize("2025-11-25", &json!({}))).json();
    let said = answer["error"]["message"].as_str().unwrap();
    assert!(said.contains("is being installed"), "{said}");
    let pid: u32 = std::fs::read_to_string(finder.path("pid")).unwrap().trim().parse().unwrap();
    assert!(crate::support::is_alive(pid));
    assert!(proxy.terminate());
    assert!(!crate::support::is_alive(pid));
}
