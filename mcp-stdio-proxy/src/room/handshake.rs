//! `initialize` towards a server: once for its first client, again after each restart
//! (MCP "Lifecycle").

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::task::Poll;
use std::time::Instant;

use serde::Deserialize;
use serde_json::value::RawValue;

use super::Room;
use crate::child::calls::Call;
use crate::child::quota::Permit;
use crate::child::{Audience, Child};
use crate::protocol::message;
use crate::protocol::splice::{self, span};
use crate::protocol::version::{self, NEWEST_HANDSHAKE};
use crate::stream::{First, Stream};
use crate::sync::lock;
use crate::unavailable::Unavailable;

/// The parameters of `initialize`. Clients that differ in what the server would notice, which is
/// the version and their capabilities, cannot share a process.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Hello {
    params: String,
    /// The `protocolVersion` asked for.
    pub version: String,
    capabilities: String,
}

impl Hello {
    /// Reads the parameters of a client's `initialize`.
    #[must_use]
    pub fn of_client(params: &str) -> Option<Self> {
        #[derive(Deserialize)]
        struct Params<'a> {
            #[serde(borrow, rename = "protocolVersion")]
            version: &'a RawValue,
            #[serde(borrow)]
            capabilities: Option<&'a RawValue>,
        }
        let read: Params<'_> = serde_json::from_str(params).ok()?;
        let capabilities = read.capabilities.map_or("{}", RawValue::get).to_owned();
        let asked: String = serde_json::from_str(read.version.get()).ok()?;
        if version::has_handshake(&asked) {
            return Some(Self { params: params.to_owned(), version: asked, capabilities });
        }
        // "Otherwise, the server MUST respond with another protocol version it supports. This
        // SHOULD be the latest version": a server might echo what it does not know.
        let mut settled = params.to_owned();
        settled.replace_range(span(params, read.version.get())?, &format!("{NEWEST_HANDSHAKE:?}"));
        Some(Self { params: settled, version: NEWEST_HANDSHAKE.to_owned(), capabilities })
    }

    /// What the proxy says for itself, to speak for clients that did not or cannot.
    #[must_use]
    pub fn of_proxy(version: &str) -> Self {
        let params = serde_json::json!({
            "protocolVersion": version,
            "capabilities": {},
            "clientInfo": { "name": "mcp-stdio-proxy", "version": env!("CARGO_PKG_VERSION") },
        });
        let (version, capabilities) = (version.to_owned(), "{}".to_owned());
        Self { params: params.to_string(), version, capabilities }
    }

    /// What the proxy says when no client has named a version.
    #[must_use]
    pub fn newest() -> Self {
        Self::of_proxy(NEWEST_HANDSHAKE)
    }

    /// Whether a server would treat the two alike.
    #[must_use]
    pub fn is_like(&self, other: &Self) -> bool {
        self.version == other.version && self.capabilities == other.capabilities
    }
}

const INITIALIZED: &str = r#"{"jsonrpc":"2.0","method":"notifications/initialized"}"#;

impl Room {
    /// The result of `initialize`, for a client that will say `initialized` itself.
    pub async fn open(&self, permit: Permit) -> Result<String, Unavailable> {
        let mut result = self.starting.lock().await;
        if let (Some(_), Some(result)) = (self.live(), &*result) {
            return Ok(result.clone());
        }
        self.start(&mut result, permit).await?;
        result.clone().ok_or(Unavailable::Closed)
    }

    /// A process that is ready for requests, started and greeted by the proxy if need be.
    pub async fn ready(&self, permit: Permit) -> Result<Arc<Child>, Unavailable> {
        let mut result = self.starting.lock().await;
        if let Some(child) = self.live() {
            return Ok(child);
        }
        let child = self.start(&mut result, permit).await?;
        self.say_initialized(&child).await;
        Ok(child)
    }

    /// Says `notifications/initialized` for the client, unless it was said.
    pub async fn say_initialized(&self, child: &Child) {
        if self.greet() {
            child.send(splice::line(INITIALIZED, &mut [])).await;
        }
    }

    async fn start(
        &self,
        result: &mut Option<String>,
        permit: Permit,
    ) -> Result<Arc<Child>, Unavailable> {
        self.note_crash();
        self.backend.may_start(&self.health)?;
        let turn = self.backend.turn().await;
        let child = self.backend.start(permit, self.user.as_deref())?;
        let audience: std::sync::Weak<dyn Audience> = self.me.clone();
        child.set_audience(audience);
        match self.initialize(&child).await {
            Ok(answer) => *result = Some(answer),
            Err(error) => {
                child.end();
                log::error!(server = &*self.backend.name; "{error}");
                self.note_failure(&error, &child.obituary());
                return Err(error);
            }
        }
        drop(turn);
        self.backend.answered(child.pid);
        self.greeted.store(false, Ordering::Relaxed);
        let mut live = lock(&self.live);
        *live = Some(Arc::clone(&child));
        // Closed while it was starting: whoever closed the room found no process to end.
        if self.closed.load(Ordering::SeqCst) {
            child.end();
            *live = None;
            return Err(Unavailable::Closed);
        }
        Ok(child)
    }

    fn note_crash(&self) {
        if let Some(dead) = lock(&self.live).take()
            && dead.crashed()
        {
            self.backend.crashed(&dead.obituary());
            self.health.crashed(dead.age());
        }
        lock(&self.asks).clear();
    }

    /// Holds a failed start against the server, unless one user alone may be the cause.
    fn note_failure(&self, error: &Unavailable, why: &str) {
        if matches!(error, Unavailable::Refused { .. }) {
            // The server works: it does not like what the client says.
        } else if self.backend.entry().is_personal() {
            self.health.failed();
        } else {
            self.backend.failed(why);
        }
    }

    async fn initialize(&self, child: &Child) -> Result<String, Unavailable> {
        let (server, id) = (&self.backend.name, child.calls.next_id());
        let stream = Stream::answers(1);
        let call = Call {
            id: id.to_string().into(),
            token: None,
            stream: Arc::clone(&stream),
            session: 0,
            since: Instant::now(),
            tools: None,
        };
        let ended = |_| Unavailable::Ended {
            server: Arc::clone(server),
            status: format!(": {}", child.farewell()),
        };
        child.calls.add(id, call).map_err(ended)?;
        let params = &self.hello.params;
        let text =
            format!(r#"{{"jsonrpc":"2.0","id":{id},"method":"initialize","params":{params}}}"#);
        child.send(splice::line(&text, &mut [])).await;
        let within = self.backend.start_timeout();
        let first = std::future::poll_fn(|cx| match stream.poll_first(cx) {
            Poll::Ready(First::Answer(payload)) => Poll::Ready(Some(payload.to_bytes())),
            Poll::Ready(_) => Poll::Ready(None),
            Poll::Pending => Poll::Pending,
        });
        let answer = tokio::time::timeout(within, first).await.map_err(|_| Unavailable::Mute {
            server: Arc::clone(server),
            seconds: within.as_secs(),
        })?;
        if child.has_ended() {
            return Err(ended(crate::child::calls::Refused::Gone));
        }
        let answer = answer.unwrap_or_default();
        let text = std::str::from_utf8(&answer).unwrap_or_default();
        match message::parse(text).ok().and_then(|envelope| envelope.result) {
            Some(result) => Ok(result.to_owned()),
            None => {
                Err(Unavailable::Refused { server: Arc::clone(server), answer: text.to_owned() })
            }
        }
    }
}
