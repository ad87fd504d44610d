//! `scripts/lib/environment.sh`: which variables each program of the quickstart gets.

use std::{
    collections::BTreeMap,
    process::Command,
    time::{Duration, Instant},
};

use gateway_tests::stack::root;

/// Launches `env` in the place of a program, and returns the environment that it prints.
fn environment_of(program: &str, shell: &[(&str, &str)]) -> BTreeMap<String, String> {
    let directory = tempfile::tempdir().expect("a directory");
    let script = format!(
        "set -eu\n. '{0}/scripts/lib/common.sh'\n. '{0}/scripts/lib/environment.sh'\n\
         . '{0}/scripts/lib/processes.sh'\nlaunch {program} env\nwait",
        root().display()
    );
    let status = Command::new("sh")
        .args(["-c", &script])
        .env_clear()
        .env("PATH", std::env::var_os("PATH").expect("PATH"))
        .envs(shell.iter().copied())
        .env("ROOT", root())
        .env("RUN", directory.path())
        .env("LOGS", directory.path())
        .status();
    assert!(status.expect("sh runs").success());
    let log = directory.path().join(format!("{program}.log"));
    let deadline = Instant::now() + Duration::from_secs(10);
    loop {
        let text = std::fs::read_to_string(&log).unwrap_or_default();
        if text.contains("PATH=") {
            let pairs = text.lines().filter_map(|line| line.split_once('='));
            return pairs.map(|(name, value)| (name.to_owned(), value.to_owned())).collect();
        }
        assert!(Instant::now() < deadline, "{program} printed nothing: {text}");
        std::thread::sleep(Duration::from_millis(10));
    }
}

/// What the shell of an operator may have.
const SHELL: &[(&str, &str)] = &[
    ("HOME", "/home/operator"),
    ("LC_ALL", "C.UTF-8"),
    ("SSL_CERT_FILE", "/etc/ssl/own.pem"),
    ("RUST_LOG", "debug"),
    ("HTTPS_PROXY", "http://user:password@proxy:3128"),
    ("AWS_SECRET_ACCESS_KEY", "not ours"),
    ("SSH_AUTH_SOCK", "/run/agent"),
    ("TWO_LINES", "a\nGITHUB_CLIENT_SECRET=b"),
    ("BASE_DOMAIN", "mcp.localhost"),
    ("PUBLIC_PORT", "8443"),
    ("GITHUB_CLIENT_ID", "id"),
    ("GITHUB_CLIENT_SECRET", "secret"),
    ("GITHUB_CLIENT_SECRET_FILE", "/run/secrets/github"),
    ("REDIS_URL", "redis://:password@127.0.0.1/0"),
    ("REDIS_PASSWORD_FILE", "/run/secrets/redis"),
    ("REGISTRATION_TOKEN", "token"),
    ("SIGNING_KEY_FILE", "signing-key.pem"),
    ("VERIFY_SECRET", "secret"),
    ("AUTH_URL", "http://127.0.0.1:1"),
    ("AUTH_VERIFY_URL", "https://127.0.0.1:1/verify"),
    ("AUTH_CA_FILE", "ca.pem"),
    ("PROXY_URL", "http://127.0.0.1:2"),
    ("CERT_FILE", "cert.pem"),
    ("KEY_FILE", "cert-key.pem"),
    ("MCP_ISOLATION", "session"),
];

/// What is in `SHELL` and needed by nobody who is named below.
fn names(program: &str) -> Vec<String> {
    // A shell adds its own.
    let own = ["PWD", "OLDPWD", "SHLVL", "_", "PATH"];
    let mut names: Vec<_> = environment_of(program, SHELL).into_keys().collect();
    names.retain(|name| !own.contains(&name.as_str()));
    names
}

#[test]
fn s9_redis_gets_no_setting_and_no_secret() {
    assert_eq!(names("redis"), ["HOME", "LC_ALL", "SSL_CERT_FILE"]);
}

#[test]
fn s9_the_proxy_gets_its_own_settings_and_no_secret() {
    let expected = ["HOME", "LC_ALL", "MCP_ISOLATION", "RUST_LOG", "SSL_CERT_FILE"];
    assert_eq!(names("proxy"), expected);
}

#[test]
fn s9_traefik_gets_what_its_files_read() {
    let expected = [
        "AUTH_CA_FILE",
        "AUTH_URL",
        "AUTH_VERIFY_URL",
        "BASE_DOMAIN",
        "CERT_FILE",
        "HOME",
        "KEY_FILE",
        "LC_ALL",
        "PROXY_URL",
        "PUBLIC_PORT",
        "SSL_CERT_FILE",
        "VERIFY_SECRET",
    ];
    assert_eq!(names("traefik"), expected);
}

/// Its settings, each also as a file, and the way to the login provider.
#[test]
fn s9_auth_service_gets_its_settings_and_nothing_else() {
    let got = names("auth-service");
    for name in [
        "BASE_DOMAIN",
        "GITHUB_CLIENT_SECRET",
        "GITHUB_CLIENT_SECRET_FILE",
        "HTTPS_PROXY",
        "REDIS_PASSWORD_FILE",
        "REDIS_URL",
        "REGISTRATION_TOKEN",
        "RUST_LOG",
        "SIGNING_KEY_FILE",
        "SSL_CERT_FILE",
        "VERIFY_SECRET",
    ] {
        assert!(got.iter().any(|one| one == name), "{name} is missing: {got:?}");
    }
    for name in ["AWS_SECRET_ACCESS_KEY", "SSH_AUTH_SOCK", "TWO_LINES", "PROXY_URL", "KEY_FILE"] {
        assert!(!got.iter().any(|one| one == name), "{name}: {got:?}");
    }
}

/// A value is passed as it is, also one that looks like code or like several.
#[test]
fn s9_values_are_passed_as_they_are() {
    let value = "a b  $(touch x) 'c' \"d\" * = \\";
    let shell = [("RUST_LOG", value), ("HOME", "/")];
    assert_eq!(environment_of("proxy", &shell).get("RUST_LOG").map(String::as_str), Some(value));
}

/// The list of processes shows nobody a value.
#[test]
fn s9_no_value_is_an_argument() {
    let script = std::fs::read_to_string(root().join("scripts/lib/environment.sh")).expect("read");
    let code = script.lines().filter(|line| !line.trim_start().starts_with('#'));
    assert!(code.into_iter().all(|line| !line.contains("env -i")));
}

/// Each person has a memory of their own, by a file name that no user id can leave.
#[test]
fn s11_servers_that_keep_something_keep_it_for_each_person() {
    let read = |name: &str| std::fs::read_to_string(root().join(name)).expect("read");
    let servers: serde_json::Value =
        serde_json::from_str(&read("scripts/quickstart-servers.json")).expect("JSON");
    let file = &servers["mcpServers"]["memory"]["env"]["MEMORY_FILE_PATH"];
    assert_eq!(file, "@DATA@/memory/{user}.jsonl");
    let compose = read("docker-compose.yml");
    for (server, own) in
        [("memory", "MEMORY_FILE_PATH=/data/{user}.jsonl"), ("tmux", "TMUX_TMPDIR=/tmp/{user}")]
    {
        let line = format!("command: [--name={server}, ");
        let line = compose.lines().find(|text| text.trim_start().starts_with(&line));
        assert!(line.is_some_and(|line| line.contains(own)), "{server}: {line:?}");
    }
}
