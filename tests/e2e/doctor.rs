//! `auth-service doctor` on the gateway as it runs, and on a Traefik with mistakes.

use gateway_tests::port::free_address;
use std::{
    fs,
    net::SocketAddr,
    process::{Child, Command, Stdio},
    time::{Duration, Instant},
};

use gateway_tests::stack::{Stack, root};
use serde_json::Value;

use crate::{
    Scenario,
    edge::{await_listener, like},
};

pub const SCENARIOS: &[Scenario] = &[
    ("the_doctor_finds_a_healthy_gateway_healthy", healthy),
    ("the_doctor_finds_a_route_that_nobody_guards", unguarded),
    ("the_doctor_finds_a_certificate_that_nobody_trusts", untrusted),
];

/// What the doctor says with `arguments`, and whether it found an error.
pub fn examine(command: &mut Command) -> (bool, Vec<Value>) {
    let output = command.output().unwrap();
    let report: Value = serde_json::from_slice(&output.stdout)
        .unwrap_or_else(|error| panic!("{error}: {}", String::from_utf8_lossy(&output.stderr)));
    assert_eq!(report["ok"], output.status.success(), "{report}");
    (output.status.success(), report["findings"].as_array().unwrap().clone())
}

/// The program with the settings of `stack`.
pub fn program(stack: &Stack, arguments: &[&str]) -> Command {
    let mut command = like(stack.pid("auth-service"));
    command.args(arguments);
    command
}

/// Waits until the doctor finds no error: other scenarios break things at the same time.
pub fn await_health(mut examined: impl FnMut() -> Command) -> Vec<Value> {
    let deadline = Instant::now() + Duration::from_secs(60);
    loop {
        let (ok, findings) = examine(&mut examined());
        if ok {
            return findings;
        }
        assert!(Instant::now() < deadline, "{findings:#?}");
        std::thread::sleep(Duration::from_millis(500));
    }
}

pub fn of<'a>(findings: &'a [Value], check: &str) -> Vec<&'a Value> {
    findings.iter().filter(|finding| finding["check"] == check).collect()
}

fn healthy(stack: &Stack) {
    let findings = await_health(|| program(stack, &["doctor", "--json", "--ca", stack.ca()]));
    let well: Vec<&str> = of(&findings, "discovery")
        .iter()
        .map(|finding| finding["subject"].as_str().unwrap())
        .collect();
    for url in [stack.issuer(), stack.url("time"), stack.url("everything")] {
        assert!(well.contains(&url), "{url}: {well:?}");
    }
    for check in
        ["configuration", "servers", "keys", "redis", "clock", "provider", "dns", "certificates"]
    {
        assert!(!of(&findings, check).is_empty(), "{check} is missing");
    }
    assert!(of(&findings, "redis").iter().all(|finding| finding["level"] == "ok"), "{findings:#?}");
}

fn untrusted(stack: &Stack) {
    let (ok, findings) = examine(&mut program(stack, &["doctor", "--json"]));
    assert!(!ok);
    let certificates = of(&findings, "certificates");
    let told = "its certificate is from an authority that is not trusted";
    assert!(certificates.iter().any(|finding| finding["says"] == told), "{certificates:#?}");
}

/// A Traefik with the routing of the gateway, its API, and what somebody added.
struct Routed {
    process: Child,
    api: SocketAddr,
    _directory: tempfile::TempDir,
}

impl Routed {
    fn start(stack: &Stack, added: &str) -> Self {
        let directory = tempfile::tempdir().unwrap();
        let dynamic = directory.path().join("dynamic");
        fs::create_dir(&dynamic).unwrap();
        for entry in fs::read_dir(root().join("traefik/dynamic")).unwrap() {
            let entry = entry.unwrap();
            fs::copy(entry.path(), dynamic.join(entry.file_name())).unwrap();
        }
        fs::write(dynamic.join("added.yml"), added).unwrap();
        let (api, web, websecure) = (free_address(), free_address(), free_address());
        let text = format!(
            "api:\n  insecure: true\nentryPoints:\n  traefik:\n    address: \"{api}\"\n  web:\n    \
             address: \"{web}\"\n  websecure:\n    address: \"{websecure}\"\n    http:\n      \
             middlewares: [hygiene@file]\nproviders:\n  file:\n    directory: \"{}\"\n",
            dynamic.display()
        );
        let file = directory.path().join("traefik.yml");
        fs::write(&file, text).unwrap();
        let process = like(stack.pid("traefik"))
            .arg(format!("--configFile={}", file.display()))
            .env("ENTRY_POINTS", "websecure")
            .stdout(Stdio::null())
            .spawn()
            .unwrap();
        await_listener(api);
        Self { process, api, _directory: directory }
    }
}

impl Drop for Routed {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

fn unguarded(stack: &Stack) {
    let router = |name: &str, rest: &str| {
        format!(
            "    {name}:\n      rule: Host(`{name}.mcp.localhost`)\n      entryPoints: [websecure]\n      \
             tls: {{}}\n      {rest}\n"
        )
    };
    let routers = [
        router("open", "service: backend\n      middlewares: [cors]"),
        router("sent", "service: backend\n      middlewares: [elsewhere]"),
        router("closed", "service: backend\n      middlewares: [mcp@file]"),
        router("closed-twice", "service: backend\n      middlewares: [inner]"),
        router("shown", "service: api@internal"),
        router("broken", "service: backend\n      middlewares: [missing]"),
    ];
    // Where no server is reached, this is for who is inside.
    let inside = "    inside:\n      rule: PathPrefix(`/api`)\n      entryPoints: [web]\n      \
                  service: api@internal\n";
    let added = format!(
        "http:\n  routers:\n{}{inside}  middlewares:\n    inner:\n      chain:\n        middlewares: [cors, mcp]\n    \
         elsewhere:\n      redirectScheme:\n        scheme: https\n  services:\n    backend:\n      \
         loadBalancer:\n        servers: [{{ url: \"http://127.0.0.1:1\" }}]\n",
        routers.concat()
    );
    let traefik = Routed::start(stack, &added);
    let deadline = Instant::now() + Duration::from_secs(30);
    let told = loop {
        let mut doctor = program(stack, &["doctor", "--json", "--ca", stack.ca()]);
        let (_, findings) =
            examine(doctor.env("TRAEFIK_API_URL", format!("http://{}", traefik.api)));
        let traefik: Vec<Value> = of(&findings, "traefik").into_iter().cloned().collect();
        // It listens before it has read its routes.
        if traefik.len() > 2 {
            break traefik;
        }
        assert!(Instant::now() < deadline, "{traefik:#?}");
        std::thread::sleep(Duration::from_millis(200));
    };
    let about = |router: &str| {
        let subject = format!("{router}@file");
        told.iter().find(|finding| finding["subject"] == *subject).map(|finding| {
            assert_eq!(finding["level"], "error");
            finding["says"].as_str().unwrap()
        })
    };
    assert_eq!(about("open"), Some("is not guarded by auth-service"));
    // Over TLS a redirect to https sends nobody anywhere.
    assert_eq!(about("sent"), Some("is not guarded by auth-service"));
    assert_eq!(about("shown"), Some("publishes Traefik's own api@internal"));
    assert!(about("broken").unwrap().starts_with("does not work"));
    assert_eq!((about("closed"), about("closed-twice"), about("inside")), (None, None, None));
    let good = ["auth-api", "auth-pages", "server-oauth", "server"];
    assert!(good.iter().all(|router| about(router).is_none()), "{told:#?}");
    let guarded = told.iter().find(|finding| finding["level"] == "ok").unwrap();
    assert_eq!(guarded["says"], "3 routes call /verify");
}
