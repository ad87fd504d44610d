//! What a server process can reach of the proxy, and of the servers of other people (proc(5),
//! landlock(7)). On a system without Landlock the log has to say that servers are not separated.

use std::io::{BufRead as _, BufReader};
use std::process::{Child, Command, Output, Stdio};

use landlock::{AccessFs, CompatLevel, Compatible as _, Ruleset, RulesetAttr as _, Scope};
use rustix::process::getpid;
use rustix::thread::{CapabilitySet, capabilities};
use serde_json::{Value, json};

use mcp_stdio_proxy::process::confinement::Confinement;

use crate::support::{PROXY, Proxy, SERVER, call, eventually, is_alive, text};

/// Returns what this kernel offers, by a look of the test's own.
pub(crate) fn kernel() -> Confinement {
    let ruleset = || Ruleset::default().set_compatibility(CompatLevel::HardRequirement);
    if ruleset().scope(Scope::Signal).is_ok() {
        Confinement::Full
    } else if ruleset().handle_access(AccessFs::Refer).is_ok() {
        Confinement::Tracing
    } else {
        Confinement::Privileges
    }
}

pub(crate) const SECRET: &str = "a-secret-of-the-gateway";

/// Calls a tool of the faulty server for `user`.
pub(crate) fn reach(proxy: &Proxy, user: &str, tool: &str, arguments: &Value) -> String {
    let answer = proxy.post(&[("X-User-Id", user)], &call(1, tool, arguments)).answer().1;
    text(&answer).to_owned()
}

fn pid(proxy: &Proxy, user: &str) -> u32 {
    reach(proxy, user, "pid", &json!({})).parse().unwrap()
}

fn read(proxy: &Proxy, user: &str, path: &str) -> String {
    reach(proxy, user, "read", &json!({"path": path}))
}

pub(crate) fn is_denied(outcome: &str) -> bool {
    outcome.starts_with("denied: ") && outcome.contains("os error")
}

/// A process without a domain; dropped, it is killed.
pub(crate) struct Bystander(pub(crate) Child);

impl Bystander {
    pub(crate) fn start() -> Self {
        Self::of(Command::new("sleep").arg("1000"))
    }

    fn of(command: &mut Command) -> Self {
        Self(command.env("SECRET", SECRET).spawn().unwrap())
    }
}

impl Drop for Bystander {
    fn drop(&mut self) {
        let _ended = self.0.kill();
        let _ended = self.0.wait();
    }
}

/// Runs `program` without the capabilities that permit root everything. What it may read is then what
/// another user's programs may read of each other.
fn unprivileged(program: &str) -> Command {
    let over = CapabilitySet::SYS_PTRACE | CapabilitySet::SYS_ADMIN | CapabilitySet::PERFMON;
    if !capabilities(None).unwrap().permitted.intersects(over) {
        return Command::new(program);
    }
    let less = "-sys_ptrace,-sys_admin,-perfmon";
    let mut command = Command::new("setpriv");
    command.arg(format!("--bounding-set={less}")).arg(format!("--inh-caps={less}")).arg(program);
    command
}

pub(crate) fn said(output: &Output) -> String {
    String::from_utf8_lossy(&output.stdout).into_owned()
}

#[test]
pub(crate) fn s9_the_log_says_how_servers_are_separated() {
    assert_eq!(Confinement::detect(), kernel());
    let proxy = Proxy::start(&[]);
    let expected = match kernel() {
        Confinement::Full => {
            "INFO  mcp_stdio_proxy::process::confinement] each server process is confined"
        }
        Confinement::Tracing => "server processes can signal each other",
        Confinement::Privileges | Confinement::Off => "not separated from each other",
    };
    eventually("the separation is logged", || proxy.log().contains(expected));
    assert_eq!(proxy.log().matches(expected).count(), 1, "{}", proxy.log());
}

/// The row: `/proc/PPID/environ`, and the environments of siblings.
#[test]
fn s9_a_server_cannot_read_the_proxy_or_another_persons_server() {
    let secrets =
        [("GITHUB_CLIENT_SECRET", SECRET), ("REDIS_URL", SECRET), ("VERIFY_SECRET", SECRET)];
    let proxy = Proxy::with(&["--pass-env", "VERIFY_SECRET", "--", SERVER], &secrets);
    let (alice, bob) = (pid(&proxy, "alice"), pid(&proxy, "bob"));
    let own = read(&proxy, "alice", "/proc/self/environ");
    assert!(own.contains(SECRET), "it can read its own: {own}");
    let child: u32 = reach(&proxy, "alice", "fork", &json!({})).parse().unwrap();
    for file in ["environ", "maps"] {
        let outcome = read(&proxy, "alice", &format!("/proc/{child}/{file}"));
        assert!(!is_denied(&outcome), "it can read what it started: {file}: {outcome}");
    }
    // Root without Landlock would be stopped by nothing but its lack of capabilities.
    let mut others = vec![proxy.process.id()];
    let bystander = Bystander::start();
    if matches!(kernel(), Confinement::Full | Confinement::Tracing) {
        others.extend([bob, bystander.0.id()]);
    } else {
        eventually("the log warns", || proxy.log().contains("not separated from each other"));
    }
    for other in others {
        for file in ["environ", "maps", "auxv", "io", "stack"] {
            let outcome = read(&proxy, "alice", &format!("/proc/{other}/{file}"));
            assert!(is_denied(&outcome), "{other} {file}: {outcome}");
        }
        // Opening it takes the right to attach with ptrace(2).
        let memory = json!({"path": format!("/proc/{other}/mem")});
        assert!(is_denied(&reach(&proxy, "alice", "open", &memory)), "{other}");
        // To root alone the numbers in `fd` are no secret; what they stand for is.
        for link in ["fd/0", "exe"] {
            let path = json!({"path": format!("/proc/{other}/{link}")});
            assert!(is_denied(&reach(&proxy, "alice", "open", &path)), "{other} {link}");
        }
        for directory in ["map_files", "cwd", "root"] {
            let path = json!({"path": format!("/proc/{other}/{directory}/")});
            let outcome = reach(&proxy, "alice", "list", &path);
            assert!(is_denied(&outcome), "{other} {directory}: {outcome}");
        }
    }
    assert_eq!(pid(&proxy, "alice"), alice);
}

#[test]
fn s9_a_server_cannot_signal_the_proxy_or_another_persons_server() {
    let mut proxy = Proxy::start(&[]);
    let (bob, bystander) = (pid(&proxy, "bob"), Bystander::start());
    let signal = |pid: u32| reach(&proxy, "alice", "signal", &json!({"pid": pid}));
    let child: u32 = reach(&proxy, "alice", "fork", &json!({})).parse().unwrap();
    assert_eq!(signal(child), "signalled", "it can end what it started");
    if kernel() == Confinement::Full {
        for other in
            [bob, proxy.process.id(), bystander.0.id(), getpid().as_raw_pid().cast_unsigned()]
        {
            assert!(is_denied(&signal(other)), "{other}");
        }
    } else {
        eventually("the log warns", || {
            let log = proxy.log();
            log.contains("can signal each other") || log.contains("not separated")
        });
    }
    // The proxy can signal all of them.
    assert!(proxy.terminate());
    assert!(!is_alive(bob) && !is_alive(child));
}

#[test]
fn s9_abstract_sockets_are_not_shared() {
    if kernel() != Confinement::Full {
        return s9_the_log_says_how_servers_are_separated();
    }
    let proxy = Proxy::start(&[]);
    let name = json!({"path": format!("mcp-test-{}", proxy.port)});
    assert_eq!(reach(&proxy, "alice", "listen", &name), "listening");
    assert!(is_denied(&reach(&proxy, "bob", "connect", &name)));
    assert_eq!(reach(&proxy, "alice", "connect", &name), "connected");
}

/// Also what no server is: another program of the same user.
#[test]
fn s9_no_program_of_the_same_user_can_read_the_proxy() {
    let arguments = ["--listen", "127.0.0.1:0", "--", SERVER];
    let mut proxy = Bystander::of(unprivileged(PROXY).args(arguments).stderr(Stdio::piped()));
    let log = BufReader::new(proxy.0.stderr.take().unwrap());
    assert!(log.lines().map_while(Result::ok).any(|line| line.contains("listening on")));
    let bystander = Bystander::of(unprivileged("sleep").arg("1000"));
    for (pid, readable) in [(proxy.0.id(), false), (bystander.0.id(), true)] {
        let mut outcome = None;
        eventually("setpriv has become the program", || {
            let reader = unprivileged("cat").arg(format!("/proc/{pid}/environ")).output().unwrap();
            let done = !readable || said(&reader).contains(SECRET);
            outcome = Some(reader);
            done
        });
        let outcome = outcome.unwrap();
        assert_eq!(outcome.status.success(), readable, "{outcome:?}");
        assert_eq!(said(&outcome).contains(SECRET), readable, "{outcome:?}");
    }
}
