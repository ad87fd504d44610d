//! A web server with TLS for client metadata documents: `openssl s_server`, whose files are whole HTTP
//! answers. Every name resolves to it.

use std::{
    io::{BufRead, BufReader},
    net::SocketAddr,
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
};

use reqwest::dns::{Addrs, Name, Resolve, Resolving};

pub(crate) struct DocumentHost {
    process: Child,
    address: SocketAddr,
    files: PathBuf,
}

impl DocumentHost {
    pub(crate) fn start(directory: &Path) -> Self {
        let files = directory.join("documents");
        std::fs::create_dir(&files).unwrap();
        let made = Command::new("openssl")
            .args(["req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1"])
            .args(["-nodes", "-keyout", "key.pem", "-out", "cert.pem", "-days", "2", "-subj"])
            .args(["/CN=documents", "-addext", "subjectAltName=DNS:app.example"])
            .args(["-addext", "basicConstraints=critical,CA:FALSE"])
            .current_dir(&files)
            .stderr(Stdio::null())
            .status();
        assert!(made.unwrap().success());
        // A server that is still in use when the test ends is never dropped; this one ends with the thread.
        let mut process = Command::new("setpriv")
            .args(["--pdeathsig", "KILL", "openssl"])
            .args(["s_server", "-accept", "127.0.0.1:0", "-cert", "cert.pem", "-key", "key.pem"])
            .arg("-HTTP")
            .current_dir(&files)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        // "ACCEPT 127.0.0.1:PORT"
        let mut output = BufReader::new(process.stdout.take().unwrap());
        let address = loop {
            let mut line = String::new();
            assert_ne!(output.read_line(&mut line).unwrap(), 0, "openssl s_server has ended");
            if let Some(address) = line.trim().strip_prefix("ACCEPT ") {
                break address.parse().unwrap();
            }
        };
        // It goes on to print each request.
        std::thread::spawn(move || std::io::copy(&mut output, &mut std::io::sink()));
        Self { process, address, files }
    }

    /// The certificate to trust.
    pub(crate) fn authority(&self) -> reqwest::Certificate {
        let pem = std::fs::read(self.files.join("cert.pem")).unwrap();
        reqwest::Certificate::from_pem(&pem).unwrap()
    }

    /// Publishes `body` at `https://app.example/{name}` with these status and header lines.
    pub(crate) fn publish(&self, name: &str, head: &str, body: &str) {
        let length = body.len();
        let answer = format!(
            "HTTP/1.1 {head}\r\nContent-Length: {length}\r\nConnection: close\r\n\r\n{body}"
        );
        std::fs::write(self.files.join(name), answer).unwrap();
    }

    /// Takes a document away.
    pub(crate) fn withdraw(&self, name: &str) {
        std::fs::remove_file(self.files.join(name)).unwrap();
    }
}

impl Resolve for DocumentHost {
    fn resolve(&self, _: Name) -> Resolving {
        let address = self.address;
        Box::pin(async move { Ok(Box::new(std::iter::once(address)) as Addrs) })
    }
}

impl Drop for DocumentHost {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}
