//! What sessions have said outlives the process, and two sessions of one user do not undo each other's.

use std::thread;
use std::time::Duration;

use serde_json::{Value, json};

use crate::client::Response;
use crate::support::{ERA_SERVER, Modern, Proxy, Session, eventually, is_alive, text};

const ALICE: &[(&str, &str)] = &[("X-User-Id", "alice")];
const UPDATED: &str = "notifications/resources/updated";

fn session(proxy: &Proxy) -> Session<'_> {
    proxy.session_of(ALICE, "2025-11-25", &json!({}))
}

fn ask(session: &Session<'_>, method: &str, params: &Value) -> Value {
    let body = json!({"jsonrpc": "2.0", "id": "r", "method": method, "params": params});
    session.post(&body).answer().1
}

fn does(session: &Session<'_>, method: &str, params: &Value) {
    let answer = ask(session, method, params);
    assert!(answer["result"].is_object(), "{method}: {answer}");
}

fn subscribe(session: &Session<'_>, uri: &str) {
    does(session, "resources/subscribe", &json!({"uri": uri}));
}

fn unsubscribe(session: &Session<'_>, uri: &str) {
    does(session, "resources/unsubscribe", &json!({"uri": uri}));
}

fn level(session: &Session<'_>, level: &str) {
    does(session, "logging/setLevel", &json!({"level": level}));
}

/// The resources that the process knows of.
fn resources(session: &Session<'_>) -> String {
    text(&session.call("resources", &json!({}))).to_owned()
}

/// The parameters of what the process has received with this method.
fn received(session: &Session<'_>, method: &str) -> Vec<Value> {
    let all: Vec<Value> =
        serde_json::from_str(text(&session.call("received", &json!({})))).unwrap();
    let theirs = all.into_iter().filter(|one| one["method"] == method);
    theirs.map(|one| one["params"].clone()).collect()
}

fn change(session: &Session<'_>, method: &str, params: &Value) {
    session.call("change", &json!({"method": method, "params": params}));
}

fn updated(session: &Session<'_>, uri: &str) {
    change(session, UPDATED, &json!({"uri": uri}));
}

fn end_process(session: &Session<'_>, by_idleness: bool) {
    let pid = session.pid();
    if !by_idleness {
        assert!(session.call("die", &json!({}))["error"].is_object());
    }
    eventually("it has ended", || !is_alive(pid));
}

fn next(stream: &mut Response) -> Value {
    stream.event().expect("an event").json()
}

/// A hint of where to look: the next message is this one, so none came before it.
fn next_is(stream: &mut Response, method: &str, member: &str, value: &str) {
    let message = next(stream);
    assert_eq!((&message["method"], &message["params"][member]), (&json!(method), &json!(value)));
}

#[test]
fn p6_subscriptions_and_levels_are_told_to_the_next_process() {
    for isolation in ["principal", "session", "shared"] {
        let options = ["--isolation", isolation, "--idle-timeout", "0.4"];
        let proxy = Proxy::of_era("--legacy", &options);
        let one = session(&proxy);
        subscribe(&one, "a:1");
        subscribe(&one, "a:2");
        subscribe(&one, "a:3");
        unsubscribe(&one, "a:3");
        assert!(ask(&one, "resources/subscribe", &json!({"uri": "no:such"}))["error"].is_object());
        if isolation != "shared" {
            level(&one, "warning");
        }
        end_process(&one, false);
        assert_eq!(resources(&one), "a:1 a:2", "{isolation}");
        let levels = if isolation == "shared" { json!([]) } else { json!([{"level": "warning"}]) };
        assert_eq!(json!(received(&one, "logging/setLevel")), levels);
        // After the end of its handshake.
        let all: Vec<Value> =
            serde_json::from_str(text(&one.call("received", &json!({})))).unwrap();
        assert_eq!(all[1]["method"], "notifications/initialized");
        let other = session(&proxy);
        drop(other.delete());
        assert_eq!(resources(&one), "a:1 a:2");
    }
}

/// The next process may be started by the handshake of another session.
#[test]
fn p6_a_handshake_of_another_session_starts_the_same_process() {
    let proxy = Proxy::of_era("--legacy", &[]);
    let one = session(&proxy);
    subscribe(&one, "a:1");
    level(&one, "notice");
    end_process(&one, false);
    let other = session(&proxy);
    assert_eq!(resources(&other), "a:1");
    assert_eq!(received(&other, "logging/setLevel"), [json!({"level": "notice"})]);
    assert_eq!(received(&other, "notifications/initialized").len(), 1);
    // The session that has subscribed is told, and no other.
    let (mut first, mut second) = (one.get(&[]), other.get(&[]));
    updated(&other, "a:1");
    change(&other, "notifications/tools/list_changed", &json!({"n": "end"}));
    next_is(&mut first, UPDATED, "uri", "a:1");
    next_is(&mut second, "notifications/tools/list_changed", "n", "end");
}

#[test]
fn p6_one_session_does_not_end_the_subscription_of_another() {
    for isolation in ["principal", "shared"] {
        let proxy = Proxy::of_era("--legacy", &["--isolation", isolation]);
        let (a, b) = (session(&proxy), session(&proxy));
        assert_eq!(a.pid(), b.pid());
        for one in [&a, &b] {
            subscribe(one, "a:1");
        }
        subscribe(&b, "a:2");
        let (mut heard_a, mut heard_b) = (a.get(&[]), b.get(&[]));
        unsubscribe(&b, "a:1");
        // Which it never had.
        unsubscribe(&b, "a:9");
        assert!(resources(&a).split(' ').any(|uri| uri == "a:1"), "{isolation}");
        for uri in ["a:1", "a:2", "a:1"] {
            updated(&a, uri);
        }
        change(&a, "notifications/tools/list_changed", &json!({"n": "end"}));
        next_is(&mut heard_a, UPDATED, "uri", "a:1");
        next_is(&mut heard_a, UPDATED, "uri", "a:1");
        next_is(&mut heard_b, UPDATED, "uri", "a:2");
        next_is(&mut heard_b, "notifications/tools/list_changed", "n", "end");
        // The end of a session is the end of its own subscriptions alone.
        subscribe(&b, "a:1");
        assert_eq!(b.delete().status, 204);
        let left = resources(&a);
        assert!(left.contains("a:1") && !left.contains("a:2"), "{left}");
        unsubscribe(&a, "a:1");
        assert_eq!(resources(&a), "");
    }
}

/// What the server does not know it says itself.
#[test]
fn p6_what_is_odd_is_for_the_server_to_answer() {
    let proxy = Proxy::of_era("--legacy", &[]);
    let one = session(&proxy);
    for (method, params) in [
        ("resources/subscribe", json!({"uri": 7})),
        ("resources/unsubscribe", json!({})),
        ("logging/setLevel", json!({"level": "loud"})),
    ] {
        drop(ask(&one, method, &params));
        assert_eq!(received(&one, method), [params], "{method}");
    }
    end_process(&one, false);
    assert_eq!(received(&one, "logging/setLevel"), Vec::<Value>::new());
}

#[test]
fn p6_each_session_has_its_own_log_level() {
    let proxy = Proxy::of_era("--legacy", &[]);
    let (a, b) = (session(&proxy), session(&proxy));
    let (mut heard_a, mut heard_b) = (a.get(&[]), b.get(&[]));
    level(&a, "debug");
    level(&b, "error");
    assert_eq!(received(&a, "logging/setLevel"), [json!({"level": "debug"})]);
    // Those about no request go to each session that wants them.
    let notified = |level: &str| json!({"method": "notifications/message", "params": {"level": level, "data": level}});
    thread::scope(|scope| {
        let busy = scope.spawn(|| b.call("sleep", &json!({"ms": 1000, "say": "done"})));
        eventually("it is in flight", || proxy.state()["calls"] == 1);
        for level in ["debug", "error"] {
            a.call("change", &notified(level));
        }
        next_is(&mut heard_a, "notifications/message", "level", "debug");
        next_is(&mut heard_a, "notifications/message", "level", "error");
        next_is(&mut heard_b, "notifications/message", "level", "error");
        busy.join().unwrap();
    });
    // In a request of one session alone they go to that.
    let (before, _) = b.post(&crate::support::call(1, "log", &json!({}))).answer();
    assert_eq!(before.len(), 1, "{before:?}");
    assert_eq!(before[0]["params"]["level"], "error");
    let (before, _) = a.post(&crate::support::call(1, "log", &json!({}))).answer();
    assert_eq!(before.len(), 2, "{before:?}");
    // The next process is told the lowest.
    end_process(&a, false);
    assert_eq!(received(&b, "logging/setLevel"), [json!({"level": "debug"})]);
    // Without the session that wanted it the server logs less.
    a.delete();
    assert_eq!(
        received(&b, "logging/setLevel"),
        [json!({"level": "debug"}), json!({"level": "error"})]
    );
}

#[test]
fn p6_an_open_stream_keeps_its_process() {
    for mode in ["--legacy", "--modern"] {
        let proxy = Proxy::of_era(mode, &["--idle-timeout", "0.3"]);
        let one = session(&proxy);
        let pid = one.pid();
        let mut stream = one.get(&[]);
        thread::sleep(Duration::from_millis(1500));
        assert_eq!(one.pid(), pid, "{mode}");
        change(&one, "notifications/tools/list_changed", &json!({}));
        assert_eq!(next(&mut stream)["method"], "notifications/tools/list_changed");
        drop(stream);
        eventually("nobody reads", || !is_alive(pid));
    }
    for mode in ["--legacy", "--modern"] {
        let proxy = Proxy::of_era(mode, &["--idle-timeout", "0.3"]);
        let client = Modern { user: Some("m"), ..proxy.modern(json!({})) };
        let pid = client.pid();
        let filter = json!({"notifications": {"toolsListChanged": true}});
        let mut stream = client.ask("subscriptions/listen", &filter);
        next(&mut stream);
        thread::sleep(Duration::from_millis(1500));
        assert_eq!(client.pid(), pid, "{mode}");
        let tools = "notifications/tools/list_changed";
        client.call("change", &json!({"method": tools, "params": {}}));
        assert_eq!(next(&mut stream)["method"], tools);
        drop(stream);
        eventually("nobody listens", || !is_alive(pid));
    }
}

/// It may come back for what has changed, within an hour.
#[test]
fn p6_a_subscriber_keeps_its_process() {
    let proxy = Proxy::of_era("--legacy", &["--idle-timeout", "0.3"]);
    let one = session(&proxy);
    subscribe(&one, "a:1");
    let pid = one.pid();
    thread::sleep(Duration::from_millis(1500));
    assert_eq!(one.pid(), pid);
    unsubscribe(&one, "a:1");
    eventually("it is idle", || !is_alive(pid));
}

/// Where there are too few processes, those that somebody waits for are the last to go.
#[test]
fn p6_a_process_that_is_waited_for_makes_way_last() {
    let proxy = Proxy::of_era("--legacy", &["--max-children", "2"]);
    let users = ["a", "b"].map(|user| {
        let session = proxy.session_of(&[("X-User-Id", user)], "2025-11-25", &json!({}));
        (session.pid(), session)
    });
    let _stream = users[0].1.get(&[]);
    thread::sleep(Duration::from_millis(1200));
    let third = proxy.session_of(&[("X-User-Id", "c")], "2025-11-25", &json!({}));
    assert!(is_alive(third.pid()) && is_alive(users[0].0) && !is_alive(users[1].0));
}

/// Without waiting for a request: nobody might make one.
#[test]
fn p6_a_process_that_has_died_under_a_subscription_is_started_again() {
    for mode in ["--legacy", "--modern"] {
        let proxy = Proxy::of_era(mode, &[]);
        let one = session(&proxy);
        subscribe(&one, "a:1");
        let mut stream = one.get(&[]);
        let pid = one.pid();
        let process = rustix::process::Pid::from_raw(pid.cast_signed()).unwrap();
        rustix::process::kill_process(process, rustix::process::Signal::KILL).unwrap();
        let pids = || proxy.state()["pids"].clone();
        eventually("it is started again", || {
            pids().as_array().is_some_and(|pids| pids.iter().any(|one| *one != pid))
        });
        updated(&one, "a:1");
        next_is(&mut stream, UPDATED, "uri", "a:1");
    }
}

/// A server that asks for roots when it begins, and again when they have changed.
const ROOTED: &str = r#"
$| = 1;
my ($roots, $asks, $changes) = ('none', 0, 0);
while (<STDIN>) {
    chomp;
    if (/"method":\s*"notifications\/(initialized|roots\/list_changed)"/) {
        $changes++ if $1 ne 'initialized';
        $asks++;
        print qq({"jsonrpc":"2.0","id":"r$asks","method":"roots/list"}\n);
    } elsif (/"roots":\s*(\[.*\])/ && !/"method"/) {
        $roots = join ' ', ($1 =~ /"uri":\s*"([^"]*)"/g);
    } elsif (/"id":\s*(\d+)/) {
        my ($id, $uris) = ($1, "$roots/$changes");
        if (/"initialize"/) {
            print qq({"jsonrpc":"2.0","id":$id,"result":{"protocolVersion":"2025-11-25","capabilities":{},"serverInfo":{"name":"r","version":"1"}}}\n);
        } elsif (/"die"/) {
            exit 9;
        } else {
            print qq({"jsonrpc":"2.0","id":$id,"result":{"content":[{"type":"text","text":"$uris"}]}}\n);
        }
    }
}
"#;

/// Answers the question of the server that is next on `stream`.
fn tell_roots(session: &Session<'_>, stream: &mut Response, uris: &[&str]) {
    let asked = next(stream);
    answer_roots(session, &asked, uris);
}

fn answer_roots(session: &Session<'_>, asked: &Value, uris: &[&str]) {
    assert_eq!(asked["method"], "roots/list");
    let roots: Vec<_> = uris.iter().map(|uri| json!({"uri": uri})).collect();
    let answer = json!({"jsonrpc": "2.0", "id": asked["id"], "result": {"roots": roots}});
    assert_eq!(session.post(&answer).status, 202);
}

#[test]
fn p6_roots_are_told_to_the_next_process_and_are_those_of_all_sessions() {
    let proxy = Proxy::with_command(&[], &["perl", "-e", ROOTED]);
    let capabilities = json!({"roots": {"listChanged": true}});
    let open = || proxy.session_of(ALICE, "2025-11-25", &capabilities);
    let roots = |session: &Session<'_>| text(&session.call("roots", &json!({}))).to_owned();
    let changed = json!({"jsonrpc": "2.0", "method": "notifications/roots/list_changed"});

    let a = open();
    let mut stream = a.get(&[]);
    tell_roots(&a, &mut stream, &["file:///a"]);
    eventually("they are known", || roots(&a) == "file:///a/0");
    drop(stream);
    // Nobody reads a stream on which the client could be asked.
    assert!(a.call("die", &json!({}))["error"].is_object());
    assert_eq!(roots(&a), "file:///a/0");

    let b = open();
    let mut stream = b.get(&[]);
    assert_eq!(b.post(&changed).status, 202);
    tell_roots(&b, &mut stream, &["file:///b", "file:///a"]);
    eventually("both are known", || roots(&b) == "file:///b file:///a/1");
    drop(stream);
    assert!(a.call("die", &json!({}))["error"].is_object());
    eventually("that they have changed is told again", || roots(&a).ends_with("/1"));
    let all = roots(&a);
    assert!(all.contains("file:///a") && all.contains("file:///b"), "{all}");
}

/// While there was no process, too.
#[test]
fn p6_roots_that_have_changed_are_asked_for_again() {
    let proxy = Proxy::with_command(&[], &["perl", "-e", ROOTED]);
    let capabilities = json!({"roots": {"listChanged": true}});
    let a = proxy.session_of(ALICE, "2025-11-25", &capabilities);
    let roots = || text(&a.call("roots", &json!({}))).to_owned();
    let mut stream = a.get(&[]);
    tell_roots(&a, &mut stream, &["file:///old"]);
    eventually("they are known", || roots() == "file:///old/0");
    assert!(a.call("die", &json!({}))["error"].is_object());
    let changed = json!({"jsonrpc": "2.0", "method": "notifications/roots/list_changed"});
    assert_eq!(a.post(&changed).status, 202);
    // It asks in the call, which comes first, or before it.
    let (mut asked, answer) = a.post(&crate::support::call(1, "roots", &json!({}))).answer();
    assert_eq!(text(&answer), "none/1");
    let asked = asked.pop().unwrap_or_else(|| next(&mut stream));
    answer_roots(&a, &asked, &["file:///new"]);
    eventually("they are known", || roots() == "file:///new/1");
}

/// A shared process has no roots of anybody.
#[test]
fn p6_a_shared_process_is_told_no_roots() {
    let proxy = Proxy::with_command(&["--isolation", "shared"], &["perl", "-e", ROOTED]);
    let a = proxy.session_of(ALICE, "2025-11-25", &json!({"roots": {"listChanged": true}}));
    let changed = json!({"jsonrpc": "2.0", "method": "notifications/roots/list_changed"});
    for _ in 0..2 {
        assert_eq!(a.post(&changed).status, 202);
        assert_eq!(text(&a.call("roots", &json!({}))), "none/0");
        assert!(a.call("die", &json!({}))["error"].is_object());
    }
}

/// Two that listen to one resource, of clients of 2026-07-28.
#[test]
fn p6_one_listener_does_not_end_the_subscription_of_another() {
    let proxy = Proxy::with_command(&[], &[ERA_SERVER, "--legacy"]);
    let client = Modern { user: Some("m"), ..proxy.modern(json!({})) };
    let filter = json!({"notifications": {"resourceSubscriptions": ["a:1"]}});
    let mut streams: Vec<_> = (0..2)
        .map(|number| {
            let body = client.request(number, "subscriptions/listen", &filter);
            let mut stream = client.send(&body, &[]);
            next(&mut stream);
            stream
        })
        .collect();
    drop(streams.pop());
    let resources = || text(&client.call("resources", &json!({}))).to_owned();
    for _ in 0..2 {
        assert!(resources().contains("a:1"));
        client.call("change", &json!({"method": UPDATED, "params": {"uri": "a:1"}}));
        assert_eq!(next(&mut streams[0])["method"], UPDATED);
        assert!(client.call("die", &json!({}))["error"].is_object());
    }
}
