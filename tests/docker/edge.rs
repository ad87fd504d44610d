//! What is outside: TLS, redirects, and what is written down.

use std::fs;

use gateway_tests::{client::Reply, stack::Gateway};

use crate::{Scenario, Stage, run};

pub(crate) const SCENARIOS: &[Scenario] = &[
    ("the_compose_file_gives_no_warning", the_compose_file_gives_no_warning),
    ("plain_http_only_redirects", plain_http_only_redirects),
    ("secrets_are_fresh_and_private", secrets_are_fresh_and_private),
];

/// Last: everything that was written while all else happened.
pub(crate) const LOGS: &[Scenario] = &[("no_log_has_a_token", no_log_has_a_token)];

fn the_compose_file_gives_no_warning(stage: &Stage) {
    let output = stage.compose.output("docker", &["compose", "config", "--quiet"]);
    assert!(output.status.success() && output.stderr.is_empty(), "{output:?}");
}

fn plain_http_only_redirects(stage: &Stage) {
    run(async {
        let port = stage.compose.setting("HTTP_PORT");
        for path in ["/mcp", "/.well-known/oauth-protected-resource", "/x?y=z"] {
            let url = format!("http://time.mcp.localhost:{port}{path}");
            let reply = Reply::read(stage.compose.http().get(url)).await;
            let there = stage.compose.url("time").replace("/mcp", path);
            assert!([301, 308].contains(&reply.status.as_u16()), "{reply:?}");
            assert_eq!(reply.header("location"), there);
        }
    });
}

fn secrets_are_fresh_and_private(stage: &Stage) {
    use std::os::unix::fs::PermissionsExt;
    let mode = fs::metadata(stage.compose.path(".env")).unwrap().permissions().mode();
    assert_eq!(mode & 0o777, 0o600);
    let secrets = ["REDIS_PASSWORD", "VERIFY_SECRET"].map(|name| stage.compose.setting(name));
    assert!(secrets.iter().all(|secret| secret.len() == 64) && secrets[0] != secrets[1]);
    let before = fs::read_to_string(stage.compose.path(".env")).unwrap();
    let again = stage.compose.output("scripts/setup", &["--domain", "other.example", "--yes"]);
    assert!(!again.status.success());
    assert_eq!(fs::read_to_string(stage.compose.path(".env")).unwrap(), before);
}

fn no_log_has_a_token(stage: &Stage) {
    let fleet = stage.fleet();
    let requests = fs::read_to_string(stage.compose.path("logs/access.log")).unwrap();
    assert!(requests.contains("/authorize") && requests.contains("/token"));
    let logs = stage.compose.services().into_iter().map(|service| {
        let output = stage.compose.output("docker", &["logs", &stage.compose.container(&service)]);
        [output.stdout, output.stderr]
            .map(|text| String::from_utf8_lossy(&text).into_owned())
            .concat()
    });
    let logs: String = logs.collect();
    assert!(logs.contains("Traefik version") && logs.contains("auth_service"));
    let mut secrets = fleet.tokens.clone();
    secrets.extend(["REDIS_PASSWORD", "VERIFY_SECRET"].map(|name| stage.compose.setting(name)));
    assert!(secrets.len() > 20);
    for text in [requests, logs] {
        for secret in &secrets {
            assert!(!text.contains(secret.as_str()));
        }
        for part in ["code=", "state=", "code_challenge=", "Bearer ey"] {
            assert!(!text.contains(part), "a log has {part}");
        }
    }
}
