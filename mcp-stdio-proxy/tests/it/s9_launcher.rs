//! How the launcher confines a server: levels, capabilities, limits, and what stays as it was.

use std::process::{Command, Output, Stdio};

use rustix::process::getpid;
use serde_json::{Value, json};

use mcp_stdio_proxy::process::confinement::Confinement;

use crate::config::File;
use crate::s9_confinement::{Bystander, kernel, reach, said};
use crate::support::{PROXY, Proxy, SERVER, call, text};

/// Runs a shell script as a server of this confinement.
fn launched(confinement: &str, script: &str) -> Output {
    let parent = getpid().as_raw_pid().to_string();
    let arguments = ["__launch", &parent, confinement, "-", "-", "-", "/bin/sh", "-c", script];
    Command::new(PROXY).args(arguments).stdin(Stdio::null()).output().unwrap()
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
    for confinement in ["privileges", kernel().name()] {
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
    let domain = kernel();
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
    if kernel() == Confinement::Privileges {
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
