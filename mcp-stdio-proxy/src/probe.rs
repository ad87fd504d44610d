//! Detection of the server's protocol era: once per command, in a process of its own. A server stays with the
//! era that it is first addressed in, and some exit when they do not know it (stdio transport, "Backward
//! Compatibility").

use std::sync::Arc;
use std::time::{Duration, Instant};

use gateway_contract::revision::{Era, MODERN};
use parking_lot::Mutex;
use serde::Deserialize;

use crate::catalogue::Entry;
use crate::child::Child;
use crate::protocol::{error, message, meta};

/// The time for which a probe without an answer is cached.
const SILENCE: Duration = Duration::from_mins(10);

/// The result of an era probe by `server/discover`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Finding {
    /// The server has answered like one of this era.
    Era(Era),
    /// The server did not answer: "The server is legacy", as far as one can tell.
    Silence,
}

/// The cached era of a command.
struct Found {
    entry: Arc<Entry>,
    era: Era,
    /// The expiry, if the era is uncertain.
    until: Option<Instant>,
}

/// The detected era of one server.
#[derive(Default)]
pub struct Verdict {
    last: Mutex<Option<Found>>,
    /// The command whose server rejects `initialize` and answers `server/discover`.
    without_handshake: Mutex<Option<Arc<Entry>>>,
    /// Locked during a probe.
    pub asking: tokio::sync::Mutex<()>,
}

impl Verdict {
    /// Returns the era of the server that `entry` starts, if it is known.
    pub fn of(&self, entry: &Arc<Entry>) -> Option<Era> {
        let last = self.last.lock();
        let found = last.as_ref()?;
        let holds = found.until.is_none_or(|until| Instant::now() < until);
        (Arc::ptr_eq(&found.entry, entry) && holds).then_some(found.era)
    }

    /// Returns `true` if the server that `entry` starts is known to have no handshake.
    pub fn has_no_handshake(&self, entry: &Arc<Entry>) -> bool {
        self.without_handshake.lock().as_ref().is_some_and(|known| Arc::ptr_eq(known, entry))
    }

    /// Records that the server that `entry` starts has no handshake.
    pub fn note_no_handshake(&self, entry: Arc<Entry>) {
        *self.without_handshake.lock() = Some(entry);
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
    pub fn note(&self, entry: Arc<Entry>, finding: Finding) -> Era {
        let (era, until) = match finding {
            Finding::Era(era) => (era, None),
            Finding::Silence => (Era::Legacy, Some(Instant::now() + SILENCE)),
        };
        *self.last.lock() = Some(Found { entry, era, until });
        era
    }
}

/// Probes `child`, which must not be used for anything else.
pub async fn ask(child: &Child, within: Duration) -> Finding {
    let params = format!("{{\"_meta\":{{{}}}}}", meta::of_proxy());
    match child.first_errand("server/discover", &params, within).await {
        Ok(answer) => std::str::from_utf8(&answer).map_or(Finding::Era(Era::Legacy), read),
        Err(_) => Finding::Silence,
    }
}

/// Determines the era from an answer. "The fallback MUST NOT be keyed to one specific error code", so any
/// other answer counts as legacy.
fn read(answer: &str) -> Finding {
    #[derive(Deserialize)]
    struct Discovered {
        #[serde(rename = "supportedVersions")]
        versions: Vec<String>,
    }
    let Ok(envelope) = message::parse(answer) else { return Finding::Era(Era::Legacy) };
    let found = envelope.result.and_then(|text| serde_json::from_str::<Discovered>(text).ok());
    let speaks = found.is_some_and(|found| found.versions.iter().any(|one| one == MODERN));
    let refusal = envelope.error.and_then(message::error_code);
    let modern = [error::HEADER_MISMATCH, error::MISSING_CAPABILITY].map(i64::from);
    let is_modern = speaks || refusal.is_some_and(|code| modern.contains(&code));
    Finding::Era(if is_modern { Era::Modern } else { Era::Legacy })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_is_of_the_revision_makes_a_server_modern() {
        let era = |rest: &str| read(&format!(r#"{{"jsonrpc":"2.0","id":1,{rest}}}"#));
        let modern = Finding::Era(Era::Modern);
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
            assert_eq!(era(other), Finding::Era(Era::Legacy), "{other}");
        }
    }

    #[test]
    fn a_verdict_is_about_one_command() {
        let [entry, other] = [0; 2].map(|_| Arc::new(Entry::of_command("a".into(), vec![])));
        let verdict = Verdict::default();
        assert_eq!(verdict.of(&entry), None);
        assert_eq!(verdict.note(Arc::clone(&entry), Finding::Era(Era::Modern)), Era::Modern);
        assert_eq!(verdict.of(&entry), Some(Era::Modern));
        assert_eq!(verdict.of(&other), None);
        assert_eq!(verdict.note(Arc::clone(&entry), Finding::Silence), Era::Legacy);
        assert_eq!(verdict.of(&entry), Some(Era::Legacy));
    }
}
