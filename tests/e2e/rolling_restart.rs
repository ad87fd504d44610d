//! Two instances of auth-service behind one Traefik, restarted in turn while requests come in: none is lost.

use gateway_tests::port::free_address;
use std::{
    fs,
    net::SocketAddr,
    process::{Child, Command},
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicUsize, Ordering::SeqCst},
    },
    time::{Duration, Instant},
};

use gateway_tests::stack::Stack;

use crate::edge::{await_listener, like, static_file};

pub const SCENARIOS: &[crate::Scenario] =
    &[("a_rolling_restart_loses_no_request", a_rolling_restart)];

const PATIENCE: Duration = Duration::from_secs(60);

/// A running program, ended when dropped.
struct Program(Child);

impl Drop for Program {
    fn drop(&mut self) {
        let _ended = (self.0.kill(), self.0.wait());
    }
}

fn instance(stack: &Stack, address: SocketAddr, public: SocketAddr) -> Program {
    let mut command = like(stack.pid("auth-service"));
    command.arg("serve").env("AUTH_LISTEN", address.to_string()).env_remove("AUTH_TLS_LISTEN");
    command.env("PUBLIC_PORT", public.port().to_string());
    Program(command.env("SHUTDOWN_DELAY", "3s").spawn().unwrap())
}

/// A request that is sent again and again, and the status that it is answered with.
struct Probe {
    request: reqwest::RequestBuilder,
    expected: u16,
}

impl Probe {
    async fn status(&self) -> Result<u16, reqwest::Error> {
        let request = self.request.try_clone().unwrap();
        request.send().await.map(|answer| answer.status().as_u16())
    }

    async fn await_first(&self) {
        let begun = Instant::now();
        while self.status().await.ok() != Some(self.expected) {
            assert!(begun.elapsed() < PATIENCE, "{:?}", self.status().await);
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    }
}

fn a_rolling_restart(stack: &Stack) {
    let directory = tempfile::tempdir().unwrap();
    let [public, checks, first, second] = [(); 4].map(|()| free_address());
    let mut instances = [first, second].map(|address| (address, instance(stack, address, public)));
    let config = static_file(stack, directory.path(), public);
    let inner = format!(
        "entryPoints:\n  checks:\n    address: \"{checks}\"\n    forwardedHeaders:\n      \
         trustedIPs: [\"127.0.0.1/32\"]\n"
    );
    let file = directory.path().join("traefik.yml");
    fs::write(&file, config.replacen("entryPoints:\n", &inner, 1)).unwrap();
    let traefik = like(stack.pid("traefik"))
        .arg(format!("--configFile={}", file.display()))
        .env("AUTH_URL", format!("http://{first},http://{second}"))
        .env("AUTH_VERIFY_URL", format!("http://{checks}/verify"))
        .env("CHECKS_ENTRY_POINT", "checks")
        .env_remove("AUTH_CA_FILE")
        .stdout(fs::File::create(directory.path().join("traefik.log")).unwrap())
        .spawn();
    let _traefik = Program(traefik.unwrap());
    await_listener(public);
    let ca = reqwest::Certificate::from_pem(&fs::read(stack.ca()).unwrap()).unwrap();
    let mut client = reqwest::Client::builder().tls_certs_only([ca]).no_proxy();
    for host in ["auth", "time"] {
        client = client.resolve(&format!("{host}.mcp.localhost"), public);
    }
    let http = client.build().unwrap();
    let url =
        |host: &str, path: &str| format!("https://{host}.mcp.localhost:{}{path}", public.port());
    let form = [("grant_type", "refresh_token"), ("client_id", "unknown"), ("refresh_token", "x")];
    let probes = [
        Probe { request: http.post(url("time", "/mcp")).body("{}"), expected: 401 },
        Probe { request: http.post(url("auth", "/token")).form(&form), expected: 401 },
        Probe { request: http.get(url("auth", "/jwks")), expected: 200 },
    ];
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build().unwrap();
    let (is_over, answered) = (Arc::new(AtomicBool::new(false)), Arc::new(AtomicUsize::new(0)));
    runtime.block_on(async {
        let mut tasks = Vec::new();
        for probe in probes {
            probe.await_first().await;
            let (is_over, answered) = (Arc::clone(&is_over), Arc::clone(&answered));
            tasks.push(tokio::spawn(async move {
                while !is_over.load(SeqCst) {
                    let status = probe.status().await;
                    assert_eq!(status.as_ref().ok(), Some(&probe.expected), "{status:?}");
                    answered.fetch_add(1, SeqCst);
                    tokio::time::sleep(Duration::from_millis(2)).await;
                }
            }));
        }
        for (address, program) in &mut instances {
            let ended = end(&mut program.0).await;
            assert!(ended.success(), "{ended}");
            *program = instance(stack, *address, public);
            let request = http.get(format!("http://{address}/ready"));
            Probe { request, expected: 200 }.await_first().await;
            // Until Traefik has seen it, too.
            tokio::time::sleep(Duration::from_secs(2)).await;
        }
        is_over.store(true, SeqCst);
        for task in tasks {
            task.await.unwrap();
        }
    });
    assert!(answered.load(SeqCst) > 100, "{answered:?} requests only");
}

/// Ends a program as a deployment does.
async fn end(program: &mut Child) -> std::process::ExitStatus {
    let kill = Command::new("kill").args(["-TERM", &program.id().to_string()]).status();
    assert!(kill.unwrap().success());
    let begun = Instant::now();
    loop {
        if let Some(status) = program.try_wait().unwrap() {
            return status;
        }
        assert!(begun.elapsed() < PATIENCE, "it does not end");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}
