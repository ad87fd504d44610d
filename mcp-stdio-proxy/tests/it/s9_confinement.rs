//! What a server process can reach of the proxy, and of the servers of other people (proc(5),
//! landlock(7)). On a system without Landlock the log has to say that servers are not separated.

use std::io::{BufRead as _, BufReader};
use std::process::{Child, Command, Output, Stdio};

use rustix::process::getpid;
use rustix::thread::{CapabilitySet, capabilities};
use serde_json::{Value, json};

use mcp_stdio_proxy::child::confinement::Confinement;

use crate::config::File;
use crate::support::{PROXY, Proxy, SERVER, call, eventually, is_alive, text};

const SECRET: &str = "a-secret-of-the-gateway";

/// Calls a tool of the faulty server for `user`.
fn reach(proxy: &Proxy, user: &str, tool: &str, arguments: &Value) -> String {
    let answer = proxy.post(&[("X-User-Id", user)], &call(1, tool, arguments)).answer().1;
    text(&answer).to_owned()
}

fn pid(proxy: &Proxy, user: &str) -> u32 {
    reach(proxy, user, "pid", &json!({})).parse().unwrap()
}

fn read(proxy: &Proxy, user: &str, path: &str) -> String {
    reach(proxy, user, "read", &json!({"path": path}))
}

fn is_denied(outcome: &str) -> bool {
    outcome.starts_with("denied: ") && outcome.contains("os error")
}

/// A process without a domain; dropped, it is killed.
struct Bystander(Child);

impl Bystander {
    fn start() -> Self {
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

/// Runs a shell script as a server of this confinement.
fn launched(confinement: &str, script: &str) -> Output {
    let parent = getpid().as_raw_pid().to_string();
    let arguments = ["__launch", &parent, "-", "-", "-", confinement, "/bin/sh", "-c", script];
    Command::new(PROXY).args(arguments).stdin(Stdio::null()).output().unwrap()
}

fn said(output: &Output) -> String {
    String::from_utf8_lossy(&output.stdout).into_owned()
}

#[test]
fn s9_the_log_says_how_servers_are_separated() {
    let log = Proxy::start(&[]).log();
    let expected = match Confinement::detect() {
        Confinement::Full => {
            "INFO  mcp_stdio_proxy::child::confinement] each server process is confined"
        }
        Confinement::Tracing => "server processes can signal each other",
        Confinement::Privileges | Confinement::Off => "not separated from each other",
    };
    assert_eq!(log.matches(expected).count(), 1, "{log}");
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
    if matches!(Confinement::detect(), Confinement::Full | Confinement::Tracing) {
        others.extend([bob, bystander.0.id()]);
    } else {
        assert!(proxy.log().contains("not separated from each other"), "{}", proxy.log());
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
    if Confinement::detect() == Confinement::Full {
        for other in
            [bob, proxy.process.id(), bystander.0.id(), getpid().as_raw_pid().cast_unsigned()]
        {
            assert!(is_denied(&signal(other)), "{other}");
        }
    } else {
        let log = proxy.log();
        assert!(log.contains("can signal each other") || log.contains("not separated"), "{log}");
    }
    // The proxy can signal all of them.
    assert!(proxy.terminate());
    assert!(!is_alive(bob) && !is_alive(child));
}

#[test]
fn s9_abstract_sockets_are_not_shared() {
    if Confinement::detect() != Confinement::Full {
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

/// The capabilities that permit root everything are gone, and execve(2) does not give them back.
#[test]
fn s9_a_server_of_root_has_no_capabilities_over_other_processes() {
    let bystander = Bystander::start();
    let script = format!(
        "grep -E '^(CapPrm|CapEff|NoNewPrivs)' /proc/self/status; \
        cat /proc/{}/environ",
        bystander.0.id()
    );
    for confinement in ["privileges", Confinement::detect().name()] {
        let outcome = said(&launched(confinement, &script));
        assert!(outcome.contains("NoNewPrivs:\t1"), "{outcome}");
        let bits = |name: &str| {
            let line = outcome.lines().find_map(|line| line.strip_prefix(name)).unwrap();
            u64::from_str_radix(line.trim(), 16).unwrap()
        };
        for capability in [16, 17, 19, 21, 38] {
            assert_eq!((bits("CapPrm:") | bits("CapEff:")) >> capability & 1, 0, "{outcome}");
        }
    }
}

/// A namespace of its own makes a user root in it, with all capabilities there.
#[test]
fn s9_a_user_namespace_is_no_way_out() {
    if !matches!(Confinement::detect(), Confinement::Full | Confinement::Tracing) {
        return s9_the_log_says_how_servers_are_separated();
    }
    let bystander = Bystander::start();
    let script = format!("unshare --user --map-root-user cat /proc/{}/environ", bystander.0.id());
    let outcome = launched(Confinement::detect().name(), &script);
    assert!(!said(&outcome).contains(SECRET), "{outcome:?}");
}

/// What servers do with files and namespaces works as without a domain.
#[test]
fn s9_a_domain_does_not_change_a_servers_own_work() {
    let directory = tempfile::tempdir().unwrap();
    let script = format!(
        "cd {} && mkdir -p a b && echo x >a/f && mv a/f b/f && ln b/f a/g && cat a/g && rm -r a b && \
         unshare --user --map-root-user --mount sh -c 'mount -t tmpfs t . && echo mounted'",
        directory.path().display()
    );
    let without = said(&launched("off", &script));
    assert!(without.starts_with("x\n"), "{without}");
    let domain = Confinement::detect();
    if domain == Confinement::Full {
        assert_eq!(said(&launched("full", &script)), without);
    }
    if matches!(domain, Confinement::Full | Confinement::Tracing) {
        assert_eq!(said(&launched("tracing", &script)), "x\n");
    }
}

/// A kernel that lost what was found at the start, or a wrong argument.
#[test]
fn s9_a_server_that_cannot_be_confined_is_not_started() {
    let outcome = launched("unknown", "echo started");
    assert_eq!((outcome.status.code(), said(&outcome).as_str()), (Some(127), ""));
    if Confinement::detect() == Confinement::Privileges {
        for level in ["full", "tracing"] {
            assert_eq!(launched(level, "echo started").status.code(), Some(127));
        }
    }
}

/// Descriptors are closed on exec; those that the proxy itself was started with are not its own.
#[test]
fn s9_a_server_inherits_its_three_descriptors_and_writes_no_core_file() {
    let proxy = Proxy::start(&[]);
    for user in ["alice", "bob"] {
        let inherited = open_on_exec();
        let list = reach(&proxy, user, "list", &json!({"path": "/proc/self/fd"}));
        let mut open: Vec<u32> = list.split(' ').map(|name| name.parse().unwrap()).collect();
        open.retain(|fd| !inherited.contains(fd));
        // The last is that of the directory.
        open.sort_unstable();
        assert!(open.starts_with(&[0, 1, 2]) && open.len() == 4, "{open:?}, beside {inherited:?}");
    }
    let limits = reach(&proxy, "alice", "limits", &json!({}));
    let core = limits.lines().find(|line| line.starts_with("Max core file size")).unwrap();
    assert_eq!(core.split_whitespace().rev().nth(1), Some("0"), "{core}");
}

/// The descriptors beyond the standard ones that this process passes on.
fn open_on_exec() -> Vec<u32> {
    let all = std::fs::read_dir("/proc/self/fdinfo").unwrap().flatten();
    let all = all.filter_map(|entry| entry.file_name().to_str()?.parse().ok());
    all.filter(|fd| *fd > 2)
        .filter(|fd| {
            let info =
                std::fs::read_to_string(format!("/proc/self/fdinfo/{fd}")).unwrap_or_default();
            let flags = info.lines().find_map(|line| line.strip_prefix("flags:"));
            let flags = flags.and_then(|flags| u32::from_str_radix(flags.trim(), 8).ok());
            flags.is_some_and(|flags| flags & 0o2_000_000 == 0)
        })
        .collect()
}

/// For servers that need sudo, or a program that snap installed.
#[test]
fn s9_an_entry_can_ask_for_no_confinement() {
    for (confine, privileges) in [(json!(false), "0"), (json!(true), "1"), (Value::Null, "1")] {
        let file = File::new(&json!({"one": {"command": SERVER, "confine": confine}}));
        let proxy = Proxy::with(&["--config", file.path()], &[]);
        let ask = call(1, "status", &json!({}));
        let answer = proxy.post_to("/one/mcp", &[("X-User-Id", "u")], &ask).answer().1;
        let line = format!("NoNewPrivs:\t{privileges}");
        assert!(text(&answer).contains(&line), "{confine}: {answer}");
    }
}
