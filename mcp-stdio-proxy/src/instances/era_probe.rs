//! Detection of the server's protocol era: once per command, in a process of its own. A server stays with the
//! era that it is first addressed in, and some exit when they do not know it (stdio transport, "Backward
//! Compatibility").

use std::sync::Arc;
use std::time::{Duration, Instant};

use gateway_contract::revision::{Era, MODERN};
use parking_lot::Mutex;
use serde::Deserialize;

use crate::config::catalogue::ServerConfig;
use crate::messages::{error, message, meta};
use crate::process::Process;

/// The time for which a probe without an answer is cached.
const SILENCE: Duration = Duration::from_mins(10);

/// The result of an era probe by `server/discover`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ProbeResult {
    /// The server has answered like one of this era.
    Era(Era),
    /// The server did not answer: "The server is legacy", as far as one can tell.
    Silence,
}

/// The cached era of a command.
struct CachedEra {
    config: Arc<ServerConfig>,
    era: Era,
    /// The expiry, if the era is uncertain.
    until: Option<Instant>,
}

/// The detected era of one server.
#[derive(Default)]
pub struct EraCache {
    last: Mutex<Option<CachedEra>>,
    /// The command whose server rejects `initialize` and answers `server/discover`.
    without_handshake: Mutex<Option<Arc<ServerConfig>>>,
    /// Locked during a probe.
    pub asking: tokio::sync::Mutex<()>,
}

impl EraCache {
    /// Returns the era of the server that `config` starts, if it is known.
    pub fn of(&self, config: &Arc<ServerConfig>) -> Option<Era> {
        let last = self.last.lock();
        let found = last.as_ref()?;
        let holds = found.until.is_none_or(|until| Instant::now() < until);
        (Arc::ptr_eq(&found.config, config) && holds).then_some(found.era)
    }

    /// Returns `true` if the server that `config` starts is known to have no handshake.
    pub fn has_no_handshake(&self, config: &Arc<ServerConfig>) -> bool {
        self.without_handshake.lock().as_ref().is_some_and(|known| Arc::ptr_eq(known, config))
    }

    /// Records that the server that `config` starts has no handshake.
    pub fn note_no_handshake(&self, config: Arc<ServerConfig>) {
        *self.without_handshake.lock() = Some(config);
    }

    /// Records that the server has answered `initialize`, so an uncertain result need not be probed again.
    pub fn confirm(&self) {
        if let Some(found) = self.last.lock().as_mut()
            && found.era == Era::Legacy
        {
            found.until = None;
        }
    }

    /// Records the result of a probe.
    pub fn note(&self, config: Arc<ServerConfig>, finding: ProbeResult) -> Era {
        let (era, until) = match finding {
            ProbeResult::Era(era) => (era, None),
            ProbeResult::Silence => (Era::Legacy, Some(Instant::now() + SILENCE)),
        };
        *self.last.lock() = Some(CachedEra { config, era, until });
        era
    }
}

/// Probes `process`, which must not be used for anything else.
pub async fn ask(process: &Process, within: Duration) -> ProbeResult {
    let params = format!("{{\"_meta\":{{{}}}}}", meta::of_proxy());
    match process.first_request("server/discover", &params, within).await {
        Ok(answer) => read(answer.text()),
        Err(_) => ProbeResult::Silence,
    }
}

/// Determines the era from an answer. "The fallback MUST NOT be keyed to one specific error code", so any
/// other answer counts as legacy.
fn read(answer: &str) -> ProbeResult {
    #[derive(Deserialize)]
    struct Discovered {
        #[serde(rename = "supportedVersions")]
        versions: Vec<String>,
    }
    let Ok(envelope) = message::parse(answer) else { return ProbeResult::Era(Era::Legacy) };
    let found = envelope.result.and_then(|text| serde_json::from_str::<Discovered>(text).ok());
    let speaks = found.is_some_and(|found| found.versions.iter().any(|one| one == MODERN));
    let refusal = envelope.error.and_then(message::error_code);
    let modern = [error::HEADER_MISMATCH, error::MISSING_CAPABILITY].map(i64::from);
    let is_modern = speaks || refusal.is_some_and(|code| modern.contains(&code));
    ProbeResult::Era(if is_modern { Era::Modern } else { Era::Legacy })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_is_of_the_revision_makes_a_server_modern() {
        let era = |rest: &str| read(&format!(r#"{{"jsonrpc":"2.0","id":1,{rest}}}"#));
        let modern = ProbeResult::Era(Era::Modern);
        assert_eq!(era(r#""result":{"supportedVersions":["2026-07-28"]}"#), modern);
        assert_eq!(era(r#""error":{"code":-32021,"message":""}"#), modern);
        for other in [
            r#""result":{}"#,
            r#""result":{"supportedVersions":["2027-01-01"]}"#,
            r#""result":{"supportedVersions":"2026-07-28"}"#,
            r#""error":{"code":-32601,"message":""}"#,
            r#""error":{"code":-32022,"message":"","data":{"supported":["2025-11-25"]}}"#,
            r#""error":7"#,
        ] {
            assert_eq!(era(other), ProbeResult::Era(Era::Legacy), "{other}");
        }
    }

    #[test]
    fn a_verdict_is_about_one_command() {
        let [config, other] =
            [0; 2].map(|_| Arc::new(ServerConfig::of_command("a".into(), vec![])));
        let cache = EraCache::default();
        assert_eq!(cache.of(&config), None);
        assert_eq!(cache.note(Arc::clone(&config), ProbeResult::Era(Era::Modern)), Era::Modern);
        assert_eq!(cache.of(&config), Some(Era::Modern));
        assert_eq!(cache.of(&other), None);
        assert_eq!(cache.note(Arc::clone(&config), ProbeResult::Silence), Era::Legacy);
        assert_eq!(cache.of(&config), Some(Era::Legacy));
    }
}
