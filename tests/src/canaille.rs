//! A real OpenID provider: `canaille` of PyPI, with accounts, groups and pages.

use std::{
    io::{BufRead, BufReader, Write},
    os::unix::process::CommandExt as _,
    path::PathBuf,
    process::{Child, ChildStdin, ChildStdout, Command, Stdio},
    sync::Mutex,
};

use rustix::process::{Pid, Signal, kill_process_group};
use serde_json::{Value, json};
use tempfile::TempDir;
use url::Url;

use crate::{
    browser::Browser,
    port::free_port,
    provider::{Provider, await_port},
    stack::root,
};

const PASSWORD: &str = "correct-horse";

/// A running provider, gone when dropped.
pub struct Canaille {
    issuer: String,
    server: Child,
    administration: Child,
    lines: Mutex<(ChildStdin, BufReader<ChildStdout>)>,
    _directory: TempDir,
}

impl Canaille {
    /// Starts one whose client has the callback `redirect`, and waits until it listens. Its client has no audience
    /// and no algorithm yet.
    #[must_use]
    pub fn start(redirect: &str) -> Self {
        let directory = tempfile::tempdir().expect("a directory");
        let port = free_port();
        let mut administration = ending_with_this("python")
            .arg(root().join("tests/providers/administer_canaille.py"))
            .arg(directory.path())
            .args([&port.to_string(), redirect])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .expect("setpriv is installed");
        let input = administration.stdin.take().expect("its input");
        let mut output = BufReader::new(administration.stdout.take().expect("its output"));
        let mut line = String::new();
        output.read_line(&mut line).expect("a line");
        assert_eq!(line, "ready\n", "canaille could not be prepared");
        let server = ending_with_this("canaille")
            .args(["run", "--bind", &format!("127.0.0.1:{port}")])
            .env("CANAILLE_CONFIG", directory.path().join("canaille.toml"))
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .expect("setpriv is installed");
        await_port("canaille", port);
        Self {
            issuer: format!("http://127.0.0.1:{port}"),
            server,
            administration,
            lines: Mutex::new((input, output)),
            _directory: directory,
        }
    }

    /// Runs a command of the program and returns its output.
    fn run(&self, arguments: &[&str]) -> String {
        let mut lines = self.lines.lock().expect("no other command failed");
        writeln!(lines.0, "{}", json!(arguments)).expect("it reads");
        let mut line = String::new();
        lines.1.read_line(&mut line).expect("a line");
        let answer: Value = serde_json::from_str(&line).expect("JSON");
        let output = answer["output"].as_str();
        output.unwrap_or_else(|| panic!("canaille {arguments:?}: {answer}")).to_owned()
    }

    /// Changes a property of the client.
    pub fn set_client(&self, option: &str, value: &str) {
        self.run(&["set", "client", "gateway", "--quiet", option, value]);
    }

    /// Makes ID tokens be for the client. Without it, their audience is an empty list.
    pub fn set_audience(&self) {
        self.set_client("--audience", "gateway");
    }

    /// Adds a person without groups, and returns the id.
    pub fn add(&self, person: &str) -> String {
        let email = format!("{person}@example.org");
        let name = format!("The {person}");
        let create = ["create", "user", "--quiet", "--user-name", person, "--password", PASSWORD];
        let rest = ["--family-name", person, "--formatted-name", &name, "--emails", &email];
        self.run(&[&create[..], &rest[..]].concat());
        let user = self.run(&["get", "user", "--user-name", person]);
        let user: Value = serde_json::from_str(&user).expect("JSON");
        user[0]["id"].as_str().expect("an id").to_owned()
    }

    /// Creates a group with these members, of which the first owns it.
    pub fn add_group(&self, group: &str, members: &[&str]) {
        let owner = members.first().expect("a member");
        let create = ["create", "group", "--quiet", "--display-name", group, "--owner", owner];
        self.run(&[&create[..], &as_options(members)[..]].concat());
    }

    /// Replaces the members of a group.
    pub fn set_members(&self, group: &str, members: &[&str]) {
        self.run(&[&["set", "group", group, "--quiet"][..], &as_options(members)[..]].concat());
    }

    /// Locks an account.
    pub fn lock(&self, person: &str) {
        self.set_lock_date(person, "2020-01-01T00:00:00Z");
    }

    /// Unlocks an account.
    pub fn unlock(&self, person: &str) {
        self.set_lock_date(person, "2999-01-01T00:00:00Z");
    }

    fn set_lock_date(&self, person: &str, date: &str) {
        self.run(&["set", "user", person, "--quiet", "--lock-date", date]);
    }
}

impl Provider for Canaille {
    fn issuer(&self) -> &str {
        &self.issuer
    }

    fn client(&self) -> (&str, &str) {
        ("gateway", "gateway-secret")
    }

    async fn log_in(&self, browser: &mut Browser, from: &str, person: &str) -> Url {
        let mut page = browser.get(&Url::parse(from).expect("a URL")).await;
        for _ in 0..12 {
            if let Some(next) = page.next() {
                if !next.as_str().starts_with(&self.issuer) {
                    return next;
                }
                page = browser.get(&next).await;
                continue;
            }
            let csrf = page.hidden("csrf_token");
            let field = if page.body.contains("name=\"password\"") {
                ("password", PASSWORD)
            } else if page.body.contains("name=\"login\"") {
                ("login", person)
            } else {
                ("answer", "accept")
            };
            let url = page.url.clone();
            page = browser.post(&url, &[("csrf_token", &csrf), field]).await;
        }
        panic!("the login does not end: {page:?}");
    }
}

/// A program of its packages that ends when the thread of the test does.
fn ending_with_this(program: &str) -> Command {
    let path: PathBuf = root().join(".tools/canaille/bin").join(program);
    assert!(path.exists(), "{} is missing: scripts/test --providers installs it", path.display());
    let mut command = Command::new("setpriv");
    command.args(["--pdeathsig", "KILL"]).arg(path).process_group(0);
    command
}

fn as_options<'a>(members: &[&'a str]) -> Vec<&'a str> {
    members.iter().flat_map(|member| ["--members", member]).collect()
}

impl Drop for Canaille {
    fn drop(&mut self) {
        for process in [&mut self.server, &mut self.administration] {
            // With its workers, which outlive it.
            let group = i32::try_from(process.id()).ok().and_then(Pid::from_raw);
            let _ = group.map(|group| kill_process_group(group, Signal::KILL));
            let _ = process.wait();
        }
    }
}
