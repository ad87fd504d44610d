//! How the feed of ended grants is followed, and what its silence means; and the end of access tokens.

use std::time::Duration;

use jsonwebtoken::get_current_timestamp;
use serde_json::json;

use crate::issuer::KeyServer;
use crate::s6_scene::{Scene, assert_ends, assert_goes_on, assert_revoked};
use crate::support::{PROXY, Proxy, SERVER, call, eventually, text};

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
    assert!(error["error"]["message"].as_str().unwrap().contains("revocation status"), "{error}");
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
    assert!(!scene.proxy.log().contains("been missed"));
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
