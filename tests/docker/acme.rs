//! Certificates by ACME (RFC 8555), from Pebble, the test server of Let's Encrypt, in place of Let's Encrypt.

use gateway_tests::port::free_port;
use std::{
    fs,
    path::Path,
    process::{Child, Command, Stdio},
};

use gateway_tests::stack::root;
use serde_json::json;

use crate::{
    Scenario, Stage,
    compose::{bridge, eventually},
};

pub(crate) const SCENARIOS: &[Scenario] =
    &[("each_host_gets_a_certificate_by_acme", each_host_gets_a_certificate)];

/// Pebble, and a name server for it that knows every name as this machine.
struct Pebble {
    programs: [Child; 2],
    /// Where it says which authority it is.
    management: String,
    /// Its port for clients.
    port: u16,
}

impl Pebble {
    /// `ports` are those of Traefik for HTTP and TLS.
    fn start(directory: &Path, ports: [u16; 2]) -> Self {
        let [http, tls] = ports;
        let local = || format!("127.0.0.1:{}", free_port());
        let (management, names_at, port) = (local(), local(), free_port());
        let config = json!({ "pebble": {
            "listenAddress": format!("{}:{port}", bridge()),
            "managementListenAddress": management,
            "certificate": directory.join("acme-ca.pem"),
            "privateKey": directory.join("acme-ca-key.pem"),
            "httpPort": http,
            "tlsPort": tls,
            "ocspResponderURL": "",
        } });
        let file = directory.join("pebble.json");
        fs::write(&file, config.to_string()).unwrap();
        let program = |name: &str| Command::new(root().join(".tools/pebble/usr/bin").join(name));
        let none = ["-http01", "", "-https01", "", "-tlsalpn01", ""];
        let names = program("pebble-challtestsrv")
            .args(["-dns01", &names_at, "-defaultIPv4", "127.0.0.1", "-defaultIPv6", ""])
            .args(["-management", &local()])
            .args(none)
            .stdout(Stdio::null())
            .spawn()
            .expect("scripts/test --docker unpacks it");
        let pebble = program("pebble")
            .args(["-dnsserver", &names_at, "-config"])
            .arg(file)
            .env("PEBBLE_VA_NOSLEEP", "1")
            .stdout(Stdio::null())
            .spawn()
            .expect("scripts/test --docker unpacks it");
        Self { programs: [names, pebble], management, port }
    }
}

impl Drop for Pebble {
    fn drop(&mut self) {
        for process in &mut self.programs {
            let _ = process.kill();
            let _ = process.wait();
        }
    }
}

fn each_host_gets_a_certificate(stage: &Stage) {
    let compose = &stage.compose;
    let directory = compose.path("certificates");
    let name = format!("subjectAltName=IP:{}", bridge());
    let made = Command::new("openssl")
        .args(["req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes"])
        .args(["-days", "1", "-subj", "/CN=Pebble", "-addext", &name])
        .args(["-keyout", "acme-ca-key.pem", "-out", "acme-ca.pem"])
        .current_dir(&directory)
        .output()
        .unwrap();
    assert!(made.status.success(), "{made:?}");
    let port = |name: &str| compose.setting(name).parse().unwrap();
    let pebble = Pebble::start(&directory, [port("HTTP_PORT"), port("PUBLIC_PORT")]);
    let before = fs::read_to_string(compose.path(".env")).unwrap();
    let settings = [
        "CERT_FILE=".to_owned(),
        "KEY_FILE=".to_owned(),
        "ACME_EMAIL=operator@example.org".to_owned(),
        format!("ACME_CA_SERVER=https://{}:{}/dir", bridge(), pebble.port),
        "ACME_CA_CERTIFICATES=/etc/certificates/acme-ca.pem".to_owned(),
        // A server of the file has no container that names its host.
        "CERT_NAMES=notes".to_owned(),
    ];
    fs::write(compose.path(".env"), format!("{before}{}\n", settings.join("\n"))).unwrap();
    compose.run("docker", &["compose", "up", "--detach", "--wait"]);
    let authority = compose.path("acme-root.pem");
    let authority = authority.to_str().unwrap();
    let roots = format!("https://{}/roots/0", pebble.management);
    compose.run("curl", &["--silent", "--fail", "--insecure", "--output", authority, &roots]);
    for host in ["auth", "time", "everything-http", "notes"] {
        let url = compose.url(host);
        eventually(&format!("{host} has a certificate"), || {
            let ask = ["--silent", "--cacert", authority, "--output", "/dev/null", &url];
            compose.output("curl", &ask).status.success()
        });
    }
    fs::write(compose.path(".env"), before).unwrap();
    compose.run("docker", &["compose", "up", "--detach", "--wait"]);
}
