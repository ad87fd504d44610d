//! What all services of a run stand on: one Redis, one signing key, one catalogue.

use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context as _, ensure};
use serde_json::json;
use tempfile::TempDir;

use crate::process::Program;
use gateway_tests::port::free_address;

/// The name of the MCP server that tokens are for.
pub const SERVER: &str = "echo";
/// The domain of a run.
pub const DOMAIN: &str = "bench.example";

/// A user of Redis who may not follow changes, and the password.
const UNTOLD: (&str, &str) = ("untold", "bench");

/// Where the programs are.
#[derive(Clone, Debug)]
pub struct Places {
    /// Our own programs.
    pub own: PathBuf,
    /// The virtual environment of the predecessor.
    pub predecessor: PathBuf,
    /// Traefik.
    pub traefik: PathBuf,
}

/// See the module.
pub struct Stage {
    /// Where the programs are.
    pub places: Places,
    /// The private key, in PEM.
    pub key: PathBuf,
    /// Redis.
    pub redis: Program,
    predecessor_key: String,
    directory: TempDir,
}

impl Stage {
    /// Starts Redis and writes the files.
    pub fn set(places: Places) -> anyhow::Result<Self> {
        let directory = tempfile::tempdir()?;
        let address = free_address();
        let mut redis = Command::new("redis-server");
        redis.args(["--bind", "127.0.0.1", "--port", &address.port().to_string(), "--save", ""]);
        redis.args(["--user", UNTOLD.0, "on", &format!(">{}", UNTOLD.1), "~*", "&*", "+@all"]);
        redis.args(["-client|tracking", "--appendonly", "no"]).arg("--dir").arg(directory.path());
        let redis = Program::start(&mut redis, address, &directory.path().join("redis.log"))?;
        let key = directory.path().join("signing-key.pem");
        let made = Command::new(places.own.join("auth-service"))
            .args(["key", "generate", "--out"])
            .arg(&key)
            .output()?;
        ensure!(made.status.success(), "{}", String::from_utf8_lossy(&made.stderr));
        let entry = json!({ "url": "http://127.0.0.1:9/mcp", "allow": ["*"] });
        let servers = json!({ "mcpServers": { SERVER: entry } });
        std::fs::write(directory.path().join("servers.json"), servers.to_string())?;
        let predecessor_key = rsa_key()?;
        Ok(Self { places, key, redis, predecessor_key, directory })
    }

    /// Where files of the run go.
    #[must_use]
    pub fn path(&self) -> &Path {
        self.directory.path()
    }

    /// The URL of Redis.
    #[must_use]
    pub fn redis_url(&self) -> String {
        format!("redis://{}/0", self.redis.address)
    }

    /// The URL of Redis for a user who is not told of changes.
    #[must_use]
    pub fn untold_redis_url(&self) -> String {
        format!("redis://{}:{}@{}/0", UNTOLD.0, UNTOLD.1, self.redis.address)
    }

    /// Where our service keeps its certificate and the authority.
    #[must_use]
    pub fn tls_directory(&self) -> PathBuf {
        self.path().join("auth-tls")
    }

    /// The issuer of our service.
    #[must_use]
    pub fn issuer(&self) -> String {
        format!("https://auth.{DOMAIN}")
    }

    /// The host of the server.
    #[must_use]
    pub fn host(&self) -> String {
        format!("{SERVER}.{DOMAIN}")
    }

    /// The resource identifier of the server.
    #[must_use]
    pub fn resource(&self) -> String {
        format!("https://{}/mcp", self.host())
    }

    /// The environment of our service.
    #[must_use]
    pub fn settings(&self) -> Vec<(String, String)> {
        pairs(&[
            ("BASE_DOMAIN", DOMAIN),
            ("REDIS_URL", &self.redis_url()),
            ("SIGNING_KEY_FILE", &self.key.display().to_string()),
            ("MCP_SERVERS_FILE", &self.path().join("servers.json").display().to_string()),
            ("AUTH_TLS_DIR", &self.tls_directory().display().to_string()),
            ("AUTH_WORKERS", "1"),
            ("RUST_LOG", "warn"),
        ])
    }

    /// The environment of the predecessor.
    #[must_use]
    pub fn predecessor_settings(&self) -> Vec<(String, String)> {
        pairs(&[
            ("GITHUB_CLIENT_ID", "bench"),
            ("GITHUB_CLIENT_SECRET", "bench"),
            ("JWT_SECRET", "0123456789abcdef0123456789abcdef"),
            ("JWT_ALGORITHM", "RS256"),
            ("JWT_PRIVATE_KEY_B64", &self.predecessor_key),
            ("BASE_DOMAIN", DOMAIN),
            ("REDIS_URL", &format!("redis://{}/1", self.redis.address)),
            ("REDIS_PASSWORD", ""),
            ("ACCESS_TOKEN_LIFETIME", "86400"),
            ("REFRESH_TOKEN_LIFETIME", "86400"),
            ("SESSION_TIMEOUT", "3600"),
            ("CLIENT_LIFETIME", "0"),
            ("ALLOWED_GITHUB_USERS", "*"),
            ("MCP_PROTOCOL_VERSION", "2025-06-18"),
            ("LOG_LEVEL", "ERROR"),
        ])
    }

    /// Starts a program of the run.
    pub fn start(
        &self,
        command: &mut Command,
        address: SocketAddr,
        name: &str,
    ) -> anyhow::Result<Program> {
        Program::start(command.current_dir(self.path()), address, &self.path().join(name))
    }
}

fn pairs(list: &[(&str, &str)]) -> Vec<(String, String)> {
    list.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect()
}

/// The predecessor signs with RS256 only; its key is PEM in base64.
fn rsa_key() -> anyhow::Result<String> {
    use base64::Engine as _;
    let output = Command::new("openssl").args(["genrsa", "2048"]).output().context("openssl")?;
    ensure!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    Ok(base64::engine::general_purpose::STANDARD.encode(output.stdout))
}
