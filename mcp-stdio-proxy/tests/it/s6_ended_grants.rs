//! What rests on a revoked grant ends: streams, calls, processes; and what rests on an access token that is
//! over, if its client can come back to it.

use std::time::{Duration, Instant};

use jsonwebtoken::get_current_timestamp;
use serde_json::{Value, json};

use crate::client::{PATIENCE, Response, send};
use crate::issuer::{KeyServer, Signer, changed, jwks};
use crate::support::{
    ERA_SERVER, Modern, PROXY, Proxy, SERVER, Session, call, eventually, is_alive, text,
};

const VERSION: &str = "2025-11-25";

struct Scene {
    signer: Signer,
    keys: KeyServer,
    proxy: Proxy,
}

impl Scene {
    fn start(options: &[&str]) -> Self {
        Self::with_command(options, &[SERVER])
    }

    fn with_command(options: &[&str], command: &[&str]) -> Self {
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
    fn identity(&self, grant: &str, token: &str) -> String {
        self.identity_with(grant, token, &json!({}))
    }

    fn identity_with(&self, grant: &str, token: &str, changes: &Value) -> String {
        let end = get_current_timestamp() + 3600;
        let rests = json!({"grant_hash": grant, "token_hash": token, "token_exp": end});
        self.signer.identity(&changed(rests, changes))
    }

    fn session(&self, identity: &str) -> Session<'_> {
        self.proxy.session_of(&[("X-MCP-Identity", identity)], VERSION, &json!({}))
    }

    /// The status of a call with `identity`, which opens nothing that stays.
    fn status(&self, identity: &str) -> u16 {
        self.proxy.post(&[("X-MCP-Identity", identity)], &call(1, "pid", &json!({}))).status
    }

    /// Opens a stream that is told of changes to the tools.
    fn listen(&self, identity: &str) -> Response {
        let client = self.proxy.modern(json!({}));
        let params = json!({"notifications": {"toolsListChanged": true}});
        let body = client.request("l", "subscriptions/listen", &params);
        let mut stream = client.send(&body, &[("X-MCP-Identity", identity)]);
        assert_eq!(stream.status, 200);
        assert!(stream.event().is_some());
        stream
    }

    fn modern_call(&self, identity: &str, tool: &str, arguments: &Value) -> Response {
        let client = self.proxy.modern(json!({}));
        let params = json!({"name": tool, "arguments": arguments});
        let body = client.request("c", "tools/call", &params);
        client.send(&body, &[("X-MCP-Identity", identity)])
    }

    /// What the server has received from everybody of this era.
    fn received(&self, identity: &str, method: &str) -> usize {
        let answer = self.modern_call(identity, "received", &json!({})).answer().1;
        let all: Vec<Value> = serde_json::from_str(text(&answer)).unwrap();
        all.iter().filter(|one| one["method"] == method).count()
    }
}

/// Reads to the end, which has to come; comments come all the while.
fn assert_ends(what: &str, stream: &mut Response) {
    let start = Instant::now();
    while stream.line().is_some() {
        assert!(start.elapsed() < PATIENCE, "{what} goes on");
    }
}

fn assert_goes_on(what: &str, stream: &mut Response, span: Duration) {
    let start = Instant::now();
    while start.elapsed() < span {
        assert!(stream.line().is_some(), "{what} has ended");
    }
}

fn assert_revoked(what: &str, stream: &mut Response) {
    let error = stream.event().unwrap_or_else(|| panic!("{what} has no answer")).json();
    assert_eq!(error["error"]["code"], -32000, "{what}");
    assert!(error["error"]["message"].as_str().unwrap().contains("was revoked"), "{what}");
    assert!(stream.event().is_none(), "{what}");
}

#[test]
fn s6_streams_and_calls_of_a_revoked_grant_end_and_others_go_on() {
    let scene = Scene::start(&["--stream-after", "0.05"]);
    let (one, two) = (scene.identity("g1", "t1"), scene.identity("g2", "t2"));
    let (mine, other) = (scene.session(&one), scene.session(&two));
    let pid = other.pid();
    assert_eq!(mine.pid(), pid, "one process for both");
    let (mut standing, mut kept) = (mine.get(&[]), other.get(&[]));
    let mut hanging = mine.post(&call(7, "hang", &json!({})));
    let mut sleeping = other.post(&call(8, "sleep", &json!({"ms": 3000, "say": "slept"})));
    scene.keys.feed.end(&["unknown", "g1"]);
    assert_revoked("the call", &mut hanging);
    assert_ends("the stream", &mut standing);
    // The same answer as that of the gateway itself.
    let challenge = ("X-MCP-Challenge", "Bearer resource_metadata=\"https://x\"");
    let headers = [&mine.headers()[..], &[challenge]].concat();
    for method in ["POST", "GET", "DELETE"] {
        let json = [
            ("Content-Type", "application/json"),
            ("Accept", "application/json, text/event-stream"),
        ];
        let body = call(1, "pid", &json!({})).to_string();
        let body = if method == "POST" { body.as_bytes() } else { b"" };
        let refused = send(scene.proxy.port, method, "/mcp", &[&headers[..], &json].concat(), body);
        assert_eq!(refused.status, 401, "{method}");
        let told = refused.header("www-authenticate").unwrap();
        assert!(
            told.starts_with(challenge.1) && told.contains("error=\"invalid_token\""),
            "{told}"
        );
    }
    // A later identity of the same grant fares no better.
    assert_eq!(scene.status(&scene.identity("g1", "t9")), 401);
    assert_eq!(text(&sleeping.event().unwrap().json()), "slept");
    assert_goes_on("the stream of the other grant", &mut kept, Duration::from_millis(300));
    assert_eq!(other.pid(), pid);
    let answer = other.call("received", &json!({}));
    let all: Vec<Value> = serde_json::from_str(text(&answer)).unwrap();
    let told = all.iter().filter(|one| one["method"] == "notifications/cancelled").count();
    assert_eq!(told, 1, "the server knows that nobody waits");
}

/// Nothing was sent yet: the client gets the status that makes it log in again.
#[test]
fn s6_a_request_that_waits_for_its_answer_is_refused() {
    let scene = Scene::start(&["--stream-after", "30"]);
    let identity = scene.identity("g1", "t1");
    scene.status(&scene.identity("g2", "t2"));
    std::thread::scope(|scope| {
        let (proxy, identity) = (&scene.proxy, &identity);
        let waiting = scope.spawn(move || {
            proxy.post(&[("X-MCP-Identity", identity)], &call(1, "hang", &json!({}))).status
        });
        eventually("it is in flight", || proxy.state()["calls"] == 1);
        scene.keys.feed.end(&["g1"]);
        assert_eq!(waiting.join().unwrap(), 401);
    });
}

/// Clients of 2026-07-28, with servers of either era.
#[test]
fn s6_modern_streams_and_calls_end() {
    for mode in ["--legacy", "--modern"] {
        let scene = Scene::with_command(&["--stream-after", "0.05"], &[ERA_SERVER, mode]);
        let (one, two) = (scene.identity("g1", "t1"), scene.identity("g2", "t2"));
        let (mut mine, mut other) = (scene.listen(&one), scene.listen(&two));
        let mut hanging = scene.modern_call(&one, "hang", &json!({}));
        scene.keys.feed.end(&["g1"]);
        assert_revoked(mode, &mut hanging);
        assert_ends(mode, &mut mine);
        assert_goes_on(mode, &mut other, Duration::from_millis(300));
        assert_eq!(scene.modern_call(&one, "pid", &json!({})).status, 401, "{mode}");
        // The call; and from a server of its own era the subscription, too.
        let expected = if mode == "--modern" { 2 } else { 1 };
        eventually("the server knows", || {
            scene.received(&two, "notifications/cancelled") == expected
        });
    }
}

/// A call that waits for its client ends, too: another grant cannot go on with it.
#[test]
fn s6_a_call_that_waits_for_its_client_ends() {
    let scene = Scene::with_command(&[], &[ERA_SERVER, "--legacy"]);
    let (one, two) = (scene.identity("g1", "t1"), scene.identity("g2", "t2"));
    let client = Modern {
        proxy: &scene.proxy,
        user: None,
        capabilities: json!({"elicitation": {"form": {}}, "roots": {}}),
    };
    let mut params = json!({
        "name": "ask",
        "arguments": {"questions": [{"method": "roots/list", "params": {}}]},
    });
    let send = |identity: &str, params: &Value| {
        let body = client.request("a", "tools/call", params);
        client.send(&body, &[("X-MCP-Identity", identity)])
    };
    let asked = send(&one, &params).answer().1;
    let state = asked["result"]["requestState"].as_str().unwrap_or_else(|| panic!("{asked}"));
    let key = asked["result"]["inputRequests"].as_object().unwrap().keys().next().unwrap().clone();
    params["requestState"] = state.into();
    params["inputResponses"] = json!({ key: {"roots": []} });
    let plain = json!({"name": "pid", "arguments": {}});
    assert_eq!(send(&two, &plain).status, 200);
    scene.keys.feed.end(&["g1"]);
    eventually("the grant has ended", || send(&one, &plain).status == 401);
    assert_eq!(send(&one, &params).status, 401);
    let answer = send(&two, &params).answer().1;
    assert!(answer["error"]["message"].as_str().unwrap().contains("revoked"), "{answer}");
}

/// A stream can be opened again with the next access token; a call goes on to its answer.
#[test]
fn s6_the_end_of_an_access_token_ends_streams_and_no_calls() {
    let scene = Scene::start(&["--stream-after", "0.05"]);
    let end = get_current_timestamp() + 3;
    let short = scene.identity_with("g1", "t1", &json!({"token_exp": end}));
    let session = scene.session(&short);
    let mut standing = session.get(&[]);
    let mut listening = scene.listen(&short);
    let mut sleeping = session.post(&call(8, "sleep", &json!({"ms": 5000, "say": "slept"})));
    assert_ends("GET", &mut standing);
    assert!(get_current_timestamp() >= end, "not before its time");
    assert_ends("subscriptions/listen", &mut listening);
    assert_eq!(text(&sleeping.event().unwrap().json()), "slept");
    // The next access token of the grant.
    let next = scene.identity("g1", "t2");
    let id = ("Mcp-Session-Id", session.id.as_str());
    let mut resumed = scene.proxy.get(&[("X-MCP-Identity", &next), id]);
    assert_goes_on("with the next token", &mut resumed, Duration::from_millis(500));
    // But not past a revocation, whenever the call was made.
    let short = scene.identity_with("g1", "t3", &json!({"token_exp": get_current_timestamp() + 1}));
    let mut hanging =
        scene.proxy.post(&[("X-MCP-Identity", &short), id], &call(9, "hang", &json!({})));
    assert_goes_on("the call", &mut hanging, Duration::from_millis(2500));
    scene.keys.feed.end(&["g1"]);
    assert_revoked("the call", &mut hanging);
}

/// RFC 7009 of an access token alone: its streams and calls end, those of the next one go on.
#[test]
fn s6_an_access_token_ends_alone() {
    let scene = Scene::start(&["--stream-after", "0.05"]);
    let (old, new) = (scene.identity("g", "t1"), scene.identity("g", "t2"));
    let (first, second) = (scene.session(&old), scene.session(&new));
    let pid = second.pid();
    let (mut standing, mut kept) = (first.get(&[]), second.get(&[]));
    let mut hanging = first.post(&call(7, "hang", &json!({})));
    scene.keys.feed.end(&["t1"]);
    assert_revoked("the call", &mut hanging);
    assert_ends("the stream", &mut standing);
    assert_eq!(scene.status(&old), 401);
    assert_goes_on("the stream of the other token", &mut kept, Duration::from_millis(300));
    assert_eq!(second.pid(), pid, "the grant keeps the process");
}

/// With the last grant of a person ends the process, whichever way it is shared.
#[test]
fn s6_a_person_without_grants_has_no_process() {
    let scene = Scene::start(&[]);
    let (one, two) = (scene.identity("g1", "t1"), scene.identity("g2", "t2"));
    let bob = scene.identity_with("g3", "t3", &json!({"sub": "github:8"}));
    let (session, neighbour) = (scene.session(&one), scene.session(&bob));
    let (pid, theirs) = (session.pid(), neighbour.pid());
    assert_eq!(scene.session(&two).pid(), pid);
    scene.keys.feed.end(&["g1"]);
    eventually("the first grant has ended", || scene.status(&one) == 401);
    assert!(is_alive(pid), "the other one keeps it");
    scene.keys.feed.end(&["g2"]);
    eventually("it ends with the last", || !is_alive(pid));
    assert_eq!(neighbour.pid(), theirs);
    // Of a new grant nothing is held against the person.
    let fresh = scene.identity("g4", "t4");
    assert_ne!(scene.session(&fresh).pid(), pid);
    // A process of its own for each session.
    let apart = Scene::start(&["--isolation", "session"]);
    let pid = apart.session(&apart.identity("g1", "t1")).pid();
    apart.keys.feed.end(&["g1"]);
    eventually("it ends with its session", || !is_alive(pid));
    // One for all stays.
    let shared = Scene::start(&["--isolation", "shared"]);
    let pid = shared.session(&shared.identity("g1", "t1")).pid();
    shared.keys.feed.end(&["g1"]);
    eventually("the grant has ended", || shared.status(&shared.identity("g1", "t1")) == 401);
    assert_eq!(shared.session(&shared.identity("g2", "t2")).pid(), pid);
}

/// A grant that was not used for as long as its access token lived keeps no process.
#[test]
fn s6_a_grant_that_is_not_used_any_more_keeps_no_process() {
    let scene = Scene::start(&[]);
    let now = get_current_timestamp();
    let old = scene.identity_with("g1", "t1", &json!({"token_exp": now + 1}));
    let session = scene.session(&scene.identity("g2", "t2"));
    assert_eq!(scene.status(&old), 200);
    let pid = session.pid();
    eventually("its token is over", || get_current_timestamp() > now + 1);
    scene.keys.feed.end(&["g2"]);
    eventually("the process ends", || !is_alive(pid));
}

/// The gateway let it through just before: what was told meanwhile counts.
#[test]
fn s6_an_identity_that_comes_after_the_news_is_refused() {
    let scene = Scene::start(&[]);
    let (never_seen, of_token) = (scene.identity("g1", "t1"), scene.identity("g2", "t2"));
    scene.keys.feed.end(&["g1", "t2"]);
    let before = scene.identity("g3", "t3");
    assert_eq!(scene.status(&before), 200);
    scene.keys.feed.asked();
    eventually("it is read", || scene.keys.feed.asked().iter().any(|one| one == "?after=0-2"));
    for identity in [&never_seen, &of_token] {
        assert_eq!(scene.status(identity), 401);
    }
    assert_eq!(scene.status(&scene.identity("g2", "t4")), 200);
}

/// A server that starts while the grant ends is not asked what its client wanted.
#[test]
fn s6_a_call_that_waits_for_a_process_is_never_made() {
    let slow = format!("sleep 3; exec {SERVER}");
    let scene = Scene::with_command(&["--stream-after", "30"], &["sh", "-c", &slow]);
    let (one, two) = (scene.identity("g1", "t1"), scene.identity("g2", "t2"));
    std::thread::scope(|scope| {
        let (proxy, one, two) = (&scene.proxy, &one, &two);
        let kept = scope.spawn(move || {
            let body = call(1, "sleep", &json!({"ms": 0, "say": "kept"}));
            text(&proxy.post(&[("X-MCP-Identity", two)], &body).answer().1).to_owned()
        });
        let revoked = scope.spawn(move || {
            let body = call(1, "sleep", &json!({"ms": 0, "say": "never"}));
            proxy.post(&[("X-MCP-Identity", one)], &body).status
        });
        // One that is late is refused all the same.
        std::thread::sleep(Duration::from_secs(1));
        scene.keys.feed.end(&["g1"]);
        assert_eq!(revoked.join().unwrap(), 401);
        assert_eq!(kept.join().unwrap(), "kept");
    });
    let headers = [("X-MCP-Identity", two.as_str())];
    let received = scene.proxy.post(&headers, &call(1, "received", &json!({}))).answer().1;
    assert!(!text(&received).contains("never"), "{received}");
}

/// A feed that is silent for a lease counts as bad news for what is open, not for who comes.
#[test]
fn s6_without_the_feed_nothing_goes_on_for_longer_than_a_lease() {
    let scene = Scene::start(&["--stream-after", "0.05", "--grants-lease", "1.5"]);
    let identity = scene.identity("g1", "t1");
    let session = scene.session(&identity);
    let (pid, mut standing) = (session.pid(), session.get(&[]));
    let mut hanging = session.post(&call(7, "hang", &json!({})));
    assert_goes_on("the stream", &mut standing, Duration::from_secs(3));
    scene.keys.feed.set_down(true);
    let error = hanging.event().unwrap().json();
    assert!(
        error["error"]["message"].as_str().unwrap().contains("cannot be checked now"),
        "{error}"
    );
    assert_ends("the stream", &mut standing);
    eventually("the log says so", || scene.proxy.log().contains("no word of ended grants"));
    // The gateway has just let these in.
    assert_eq!(session.pid(), pid);
    let (mut standing, mut listening) = (session.get(&[]), scene.listen(&identity));
    assert_ends("the next stream", &mut standing);
    assert_ends("the next subscription", &mut listening);
    // An identity that demands nothing of the feed, as those of an older gateway.
    let older = scene.signer.identity(&json!({"sub": "github:9"}));
    let mut of_older = scene.session(&older).get(&[]);
    assert_goes_on("the stream of an older gateway", &mut of_older, Duration::from_secs(3));
    scene.keys.feed.set_down(false);
    eventually("it is read again", || scene.proxy.log().contains("is read again"));
    let mut standing = session.get(&[]);
    assert_goes_on("a stream", &mut standing, Duration::from_secs(3));
}

/// Nothing that was told meanwhile is lost, and nothing ends without need.
#[test]
fn s6_the_feed_is_read_on_from_where_it_was_left() {
    let scene = Scene::start(&[]);
    let (one, two) = (scene.identity("g1", "t1"), scene.identity("g2", "t2"));
    let (mut mine, mut other) = (scene.session(&one).get(&[]), scene.session(&two).get(&[]));
    scene.keys.feed.end(&["before"]);
    eventually("it is read", || scene.keys.feed.asked().iter().any(|one| one == "?after=0-1"));
    scene.keys.feed.set_down(true);
    eventually("it is missed", || scene.proxy.log().contains("cannot be read"));
    scene.keys.feed.end(&["g1", "after"]);
    scene.keys.feed.asked();
    scene.keys.feed.set_down(false);
    assert_ends("the stream", &mut mine);
    let asked = scene.keys.feed.asked();
    assert!(
        asked.iter().all(|query| ["?after=0-1", "?after=0-3"].contains(&&**query)),
        "{asked:?}"
    );
    assert_goes_on("the other stream", &mut other, Duration::from_millis(500));
    assert!(!scene.proxy.log().contains("were missed"));
}

/// Who has missed something cannot tell what has ended: everything of before does.
#[test]
fn s6_a_reset_ends_what_was_open() {
    let scene = Scene::start(&["--stream-after", "0.05"]);
    let identity = scene.identity("g1", "t1");
    let session = scene.session(&identity);
    let (pid, mut standing) = (session.pid(), session.get(&[]));
    let mut listening = scene.listen(&identity);
    let mut hanging = session.post(&call(7, "hang", &json!({})));
    scene.keys.feed.lose();
    assert_ends("the stream", &mut standing);
    assert_ends("the subscription", &mut listening);
    assert!(hanging.event().unwrap().json()["error"].is_object());
    // The grant may well live, and does as far as the gateway knows.
    assert_eq!(session.pid(), pid);
    let mut standing = session.get(&[]);
    assert_goes_on("a stream of afterwards", &mut standing, Duration::from_secs(1));
}

/// The feed is beside the keys, unless its place is given.
#[test]
fn s6_the_feed_can_be_elsewhere() {
    let elsewhere = KeyServer::start(None);
    let url = elsewhere.url.replace("/jwks", "/ended-grants");
    let scene = Scene::start(&[]);
    let options = ["--identity-jwks", &scene.keys.url, "--ended-grants", &url];
    let proxy = Proxy::with_command(&options, &[SERVER]);
    eventually("it is read", || !elsewhere.feed.asked().is_empty());
    drop(proxy);
    let alone =
        std::process::Command::new(PROXY).args(["--ended-grants", &url, "--", SERVER]).output();
    let alone = alone.unwrap();
    assert!(!alone.status.success());
    assert!(String::from_utf8_lossy(&alone.stderr).contains("--identity-jwks"), "{alone:?}");
}
