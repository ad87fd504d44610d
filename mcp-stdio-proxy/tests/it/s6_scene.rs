//! A proxy that checks identities and reads a feed of ended grants, and what its clients have open.

use std::time::{Duration, Instant};

use jsonwebtoken::get_current_timestamp;
use serde_json::{Value, json};

use crate::client::{PATIENCE, Response};
use crate::issuer::{KeyServer, Signer, changed, jwks};
use crate::support::{Proxy, SERVER, Session, call, eventually, text};

pub(crate) const VERSION: &str = "2025-11-25";

pub(crate) struct Scene {
    pub(crate) signer: Signer,
    pub(crate) keys: KeyServer,
    pub(crate) proxy: Proxy,
}

impl Scene {
    pub(crate) fn start(options: &[&str]) -> Self {
        Self::with_command(options, &[SERVER])
    }

    pub(crate) fn with_command(options: &[&str], command: &[&str]) -> Self {
        let signer = Signer::es256("one");
        let keys = KeyServer::start(Some(jwks(&[&signer])));
        let own = ["--identity-jwks", &keys.url, "--keep-alive", "0.1"];
        let proxy = Proxy::with_command(&[&own[..], options].concat(), command);
        let scene = Self { signer, keys, proxy };
        eventually("the keys are known", || scene.proxy.log().contains("the gateway has 1 keys"));
        eventually("the feed is read", || {
            scene.keys.feed.asked().iter().any(|query| query.starts_with("?after="))
        });
        scene
    }

    /// An identity of the person `github:7` by an access token of a grant, for an hour.
    pub(crate) fn identity(&self, grant: &str, token: &str) -> String {
        self.identity_with(grant, token, &json!({}))
    }

    pub(crate) fn identity_with(&self, grant: &str, token: &str, changes: &Value) -> String {
        let end = get_current_timestamp() + 3600;
        let rests = json!({"grant_hash": grant, "token_hash": token, "token_exp": end});
        self.signer.identity(&changed(rests, changes))
    }

    pub(crate) fn session(&self, identity: &str) -> Session<'_> {
        self.proxy.session_of(&[("X-MCP-Identity", identity)], VERSION, &json!({}))
    }

    /// The status of a call with `identity`, which opens nothing that stays.
    pub(crate) fn status(&self, identity: &str) -> u16 {
        self.proxy.post(&[("X-MCP-Identity", identity)], &call(1, "pid", &json!({}))).status
    }

    /// Opens a stream that is told of changes to the tools.
    pub(crate) fn listen(&self, identity: &str) -> Response {
        let client = self.proxy.modern(json!({}));
        let params = json!({"notifications": {"toolsListChanged": true}});
        let body = client.request("l", "subscriptions/listen", &params);
        let mut stream = client.send(&body, &[("X-MCP-Identity", identity)]);
        assert_eq!(stream.status, 200);
        assert!(stream.event().is_some());
        stream
    }

    pub(crate) fn modern_call(&self, identity: &str, tool: &str, arguments: &Value) -> Response {
        let client = self.proxy.modern(json!({}));
        let params = json!({"name": tool, "arguments": arguments});
        let body = client.request("c", "tools/call", &params);
        client.send(&body, &[("X-MCP-Identity", identity)])
    }

    /// What the server has received from everybody of this era.
    pub(crate) fn received(&self, identity: &str, method: &str) -> usize {
        let answer = self.modern_call(identity, "received", &json!({})).answer().1;
        let all: Vec<Value> = serde_json::from_str(text(&answer)).unwrap();
        all.iter().filter(|one| one["method"] == method).count()
    }
}

/// Reads to the end, which has to come; comments come all the while.
pub(crate) fn assert_ends(what: &str, stream: &mut Response) {
    let start = Instant::now();
    while stream.line().is_some() {
        assert!(start.elapsed() < PATIENCE, "{what} goes on");
    }
}

pub(crate) fn assert_goes_on(what: &str, stream: &mut Response, span: Duration) {
    let start = Instant::now();
    while start.elapsed() < span {
        assert!(stream.line().is_some(), "{what} has ended");
    }
}

pub(crate) fn assert_revoked(what: &str, stream: &mut Response) {
    let error = stream.event().unwrap_or_else(|| panic!("{what} has no answer")).json();
    assert_eq!(error["error"]["code"], -32000, "{what}");
    assert!(error["error"]["message"].as_str().unwrap().contains("was revoked"), "{what}");
    assert!(stream.event().is_none(), "{what}");
}
