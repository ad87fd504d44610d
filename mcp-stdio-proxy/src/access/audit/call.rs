//! The audit event of a tool call.

use std::sync::Arc;
use std::sync::atomic::{AtomicU8, Ordering};
use std::time::Instant;

use gateway_contract::audit::{Event, EventKind, Outcome};

use super::{Audit, Source};
use crate::messages::message::{Envelope, error_code};
use crate::messages::object::value;

/// The server has not answered yet.
const OPEN: u8 = 0;
/// The server has requested input of the client first.
const ASKED: u8 = 1;
/// The event has been written.
const WRITTEN: u8 = 2;

/// An admitted tool call. It is recorded once: with its response, or when nothing waits for one any more.
pub struct ToolCall {
    audit: Audit,
    source: Source,
    server: Arc<str>,
    tool: String,
    begun: Instant,
    state: AtomicU8,
}

impl ToolCall {
    /// Creates the record of a call that begins now.
    #[must_use]
    pub fn new(audit: Audit, source: Source, server: Arc<str>, tool: String) -> Arc<Self> {
        let (begun, state) = (Instant::now(), AtomicU8::new(OPEN));
        Arc::new(Self { audit, source, server, tool, begun, state })
    }

    /// Records the response of the server, unless it only requests input of the client.
    pub fn answered(&self, envelope: &Envelope<'_>) {
        if let Some(error) = envelope.error {
            let code = error_code(error).map_or_else(|| "?".to_owned(), |code| code.to_string());
            return self.report(Outcome::Failed, Some(&format!("error {code}")));
        }
        let result = envelope.result.unwrap_or_default();
        if has(result, "resultType", "\"input_required\"") {
            self.state.fetch_max(ASKED, Ordering::Relaxed);
        } else if has(result, "isError", "true") {
            self.report(Outcome::Failed, Some("is_error"));
        } else {
            self.report(Outcome::Ok, None);
        }
    }

    /// Records an error response of the proxy itself.
    pub fn failed(&self, code: i32) {
        self.report(Outcome::Failed, Some(&format!("error {code}")));
    }

    fn report(&self, outcome: Outcome, reason: Option<&str>) {
        if self.state.swap(WRITTEN, Ordering::Relaxed) == WRITTEN {
            return;
        }
        self.audit.write(EventKind::ToolCalled, |event: &mut Event<'_>| {
            event.outcome = outcome;
            event.reason = reason.map(|reason| reason.to_owned().into());
            event.server = Some((&*self.server).into());
            event.tool = Some((&*self.tool).into());
            event.ms = Some(u64::try_from(self.begun.elapsed().as_millis()).unwrap_or(u64::MAX));
            self.source.add_to(event);
        });
    }
}

impl Drop for ToolCall {
    fn drop(&mut self) {
        match *self.state.get_mut() {
            OPEN => self.report(Outcome::Failed, Some("unanswered")),
            ASKED => self.report(Outcome::Ok, Some("input_required")),
            _ => {}
        }
    }
}

/// Returns `true` if the member `name` of the object `text` has the value `wanted`. Most responses do not
/// contain the name at all, so a substring search comes first.
fn has(text: &str, name: &str, wanted: &str) -> bool {
    memchr::memmem::find(text.as_bytes(), name.as_bytes()).is_some()
        && value(text, name).is_some_and(|value| value == wanted)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::messages::message::parse;

    #[test]
    fn the_outcome_is_that_of_the_answer() {
        let state = |rest: &str| {
            let call = ToolCall::new(Audit::default(), Source::default(), "x".into(), "t".into());
            let text = format!(r#"{{"jsonrpc":"2.0","id":1,{rest}}}"#);
            call.answered(&parse(&text).unwrap());
            call.state.load(Ordering::Relaxed)
        };
        assert_eq!(state(r#""result":{"content":[]}"#), WRITTEN);
        assert_eq!(state(r#""result":{"resultType":"input_required"}"#), ASKED);
        assert_eq!(state(r#""error":{"code":-32603,"message":""}"#), WRITTEN);
        assert!(has(r#"{"content":[], "isError" : true}"#, "isError", "true"));
        for other in
            [r#"{"isError":false}"#, r#"{"content":[{"isError":true}]}"#, r#"{"x":"isError"}"#]
        {
            assert!(!has(other, "isError", "true"), "{other}");
        }
    }
}
