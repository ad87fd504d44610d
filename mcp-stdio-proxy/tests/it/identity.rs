//! `--identity-jwks`: a proxy that is reached around its gateway serves nobody.

use jsonwebtoken::get_current_timestamp;
use serde_json::{Value, json};

use crate::client::{Response, send};
use crate::config::File;
use crate::issuer::{KeyServer, Signer, changed, claims, jwks, message};
use crate::support::{Proxy, SERVER, call, eventually, text};

struct Scene {
    signer: Signer,
    keys: KeyServer,
    proxy: Proxy,
}

impl Scene {
    fn start() -> Self {
        let signer = Signer::es256("one");
        let keys = KeyServer::start(Some(jwks(&[&signer])));
        let proxy = Proxy::start(&["--identity-jwks", &keys.url]);
        let scene = Self { signer, keys, proxy };
        eventually("the keys are known", || scene.proxy.log().contains("the gateway has 1 keys"));
        scene
    }

    /// A call with these headers.
    fn call(&self, headers: &[(&str, &str)]) -> Response {
        self.proxy.post(headers, &call(1, "pid", &json!({})))
    }

    fn status(&self, identity: &str) -> u16 {
        self.call(&[("X-MCP-Identity", identity)]).status
    }

    fn pid(&self, identity: &str) -> String {
        text(&self.call(&[("X-MCP-Identity", identity)]).answer().1).to_owned()
    }

    fn refuses(&self, what: &str, headers: &[(&str, &str)]) {
        assert_refused(what, self.call(headers));
    }
}

fn assert_refused(what: &str, response: Response) {
    assert_eq!(response.status, 401, "{what}");
    assert_eq!(response.header("www-authenticate"), Some("MCP-Identity"), "{what}");
    let error = response.json();
    assert_eq!(error["error"]["code"], -32000, "{what}");
    let message = error["error"]["message"].as_str().unwrap();
    assert!(message.contains("through its gateway only"), "{what}: {message}");
}

fn assert_not_now(response: &Response) {
    assert_eq!(response.status, 503);
    assert_eq!(response.header("retry-after"), Some("5"));
}

/// The identity names the user; plain headers agree, or are not there.
#[test]
fn who_comes_through_the_gateway_is_served_as_the_identity_says() {
    let scene = Scene::start();
    let alice = scene.signer.identity(&json!({}));
    let identity = ("X-MCP-Identity", alice.as_str());
    let pid = scene.pid(&alice);
    assert_eq!(scene.pid(&scene.signer.identity(&json!({"jti": "another text"}))), pid);
    assert_ne!(scene.pid(&scene.signer.identity(&json!({"sub": "github:8"}))), pid);
    for same in [[("X-User-Id", "github:7"), ("X-Auth-Scopes", "mcp")], [("X-User-Id", ""); 2]] {
        assert_eq!(scene.call(&[&[identity], &same[..]].concat()).status, 200);
    }
    let accented = scene.signer.identity(&json!({"sub": "local:zoë"}));
    let accented = ("X-MCP-Identity", accented.as_str());
    assert_eq!(scene.call(&[accented, ("X-User-Id", "local:zo?")]).status, 200);
    eventually("the request is logged", || scene.proxy.log().contains("principal=github:7"));
}

#[test]
fn what_does_not_prove_to_come_through_the_gateway_is_refused() {
    let scene = Scene::start();
    let good = scene.signer.identity(&json!({}));
    let identity = ("X-MCP-Identity", good.as_str());
    scene.refuses("nothing", &[]);
    scene.refuses("no identity", &[("X-User-Id", "github:7"), ("X-Auth-Scopes", "mcp")]);
    scene.refuses("twice", &[identity, identity]);
    for (what, other) in [
        ("another user", ("X-User-Id", "github:8")),
        ("a user of the same length", ("X-User-Id", "github?7")),
        ("more scopes", ("X-Auth-Scopes", "mcp admin")),
    ] {
        scene.refuses(what, &[identity, other]);
    }
    scene.refuses("two users", &[identity, ("X-User-Id", "github:7"), ("X-User-Id", "github:8")]);
    for (method, body) in [("GET", &b""[..]), ("DELETE", b""), ("POST", b"[]"), ("POST", b"{")] {
        let headers = [("Content-Type", "application/json"), ("X-User-Id", "github:7")];
        let response = send(scene.proxy.port, method, "/mcp", &headers, body);
        assert_refused(method, response);
    }
    assert_eq!(send(scene.proxy.port, "GET", "/healthz", &[], b"").status, 200);
    assert_eq!(scene.status(&good), 200);
}

/// RFC 8725: type, algorithm, key, and every claim.
#[test]
fn an_identity_that_is_wrong_in_one_thing_is_none() {
    let scene = Scene::start();
    let (signer, now) = (&scene.signer, get_current_timestamp());
    let refuses = |what: &str, token: &str| scene.refuses(what, &[("X-MCP-Identity", token)]);
    for changes in [
        json!({"mcp_server": "another"}),
        json!({"mcp_server": null}),
        json!({"exp": now - 6}),
        json!({"exp": null}),
        json!({"exp": "never"}),
        json!({"sub": null}),
        json!({"sub": ""}),
        json!({"sub": "a\nb"}),
        json!({"sub": "x".repeat(257)}),
        json!({"scope": null}),
    ] {
        refuses(&changes.to_string(), &signer.identity(&changes));
    }
    for changes in [
        json!({"typ": "at+jwt"}),
        json!({"typ": "JWT"}),
        json!({"typ": null}),
        json!({"kid": null}),
        json!({"alg": "HS256"}),
        json!({"alg": "RS256"}),
        json!({"crit": ["exp"]}),
    ] {
        let token = signer.sign(&changed(signer.header(), &changes), &claims());
        refuses(&changes.to_string(), &token);
    }
    let none = message(&changed(signer.header(), &json!({"alg": "none"})), &claims());
    for unsigned in [format!("{none}."), none] {
        refuses("alg none", &unsigned);
    }
    refuses("another key with this kid", &Signer::es256("one").identity(&json!({})));
    refuses("no token", "github:7");
    refuses("empty", "");
    assert_eq!(scene.status(&signer.identity(&json!({}))), 200);
    assert_eq!(scene.keys.asked(), 1, "no reason to ask again");
}

/// Clocks may differ by five seconds; what is remembered ends, too.
#[test]
fn an_identity_ends() {
    let scene = Scene::start();
    let end = get_current_timestamp() - 3;
    let token = scene.signer.identity(&json!({"exp": end}));
    assert_eq!(scene.status(&token), 200);
    eventually("it has ended", || scene.status(&token) == 401);
    assert!(get_current_timestamp() >= end + 5);
}

/// The scopes of the identity open tools.
#[test]
fn tools_are_opened_by_the_scopes_of_the_identity() {
    let signer = Signer::es256("one");
    let keys = KeyServer::start(Some(jwks(&[&signer])));
    let rules = json!({"scopes": {"pid": "w"}});
    let file = File::new(&json!({"server": {"command": SERVER, "tools": rules}}));
    let options = ["--config", file.path(), "--identity-jwks", &keys.url];
    let proxy = Proxy::with(&options, &[]);
    eventually("the keys are known", || proxy.log().contains("the gateway has 1 keys"));
    let call_with = |scope: &str| {
        let token = signer.identity(&json!({"scope": scope}));
        let headers = [("X-MCP-Identity", token.as_str())];
        let answer = proxy.post_to("/server/mcp", &headers, &call(1, "pid", &json!({})));
        answer.answer().1
    };
    assert!(call_with("mcp w")["result"].is_object());
    assert!(call_with("mcp")["error"].is_object());
}

/// A new key is taken at once; one that was withdrawn takes along what it signed.
#[test]
fn keys_can_be_replaced() {
    let scene = Scene::start();
    let old = scene.signer.identity(&json!({}));
    assert_eq!(scene.status(&old), 200);
    let (second, third) = (Signer::rs256("two"), Signer::es256("three"));
    scene.keys.publish(Some(jwks(&[&second, &third])));
    assert_eq!(scene.status(&second.identity(&json!({}))), 200);
    assert_eq!(scene.status(&third.identity(&json!({}))), 200);
    assert_eq!(scene.keys.asked(), 2);
    // Its key is not known any more, and whether there is a newer one is asked later.
    assert_not_now(&scene.call(&[("X-MCP-Identity", &old)]));
    assert_eq!(scene.keys.asked(), 2);
}

/// Anybody can name a key.
#[test]
fn keys_that_nobody_knows_are_asked_for_once_in_ten_seconds() {
    let scene = Scene::start();
    let made_up = |kid| Signer::es256(kid).identity(&json!({}));
    scene.refuses("a made-up key", &[("X-MCP-Identity", &made_up("x"))]);
    assert_eq!(scene.keys.asked(), 2);
    for kid in ["y", "z"] {
        assert_not_now(&scene.call(&[("X-MCP-Identity", &made_up(kid))]));
    }
    assert_eq!(scene.keys.asked(), 2);
    assert_eq!(scene.status(&scene.signer.identity(&json!({}))), 200);
}

/// The two programs start in any order.
#[test]
fn until_the_keys_are_there_nobody_is_served() {
    let signer = Signer::es256("one");
    let keys = KeyServer::start(None);
    let proxy = Proxy::start(&["--identity-jwks", &keys.url]);
    let token = signer.identity(&json!({}));
    let status = || proxy.post(&[("X-MCP-Identity", &token)], &call(1, "pid", &json!({}))).status;
    let good: Value = serde_json::from_str(&jwks(&[&signer])).unwrap();
    let long = changed(good.clone(), &json!({"pad": "x".repeat(64 << 10)}));
    for bad in [None, Some("<html>".to_owned()), Some(json!({"keys": []}).to_string())]
        .into_iter()
        .chain([Some(long.to_string())])
    {
        keys.publish(bad);
        let before = keys.asked();
        eventually("it is asked for this", || keys.asked() > before + 1);
        let response = proxy.post(&[("X-MCP-Identity", &token)], &call(1, "pid", &json!({})));
        assert_not_now(&response);
    }
    assert_eq!(send(proxy.port, "GET", "/healthz", &[], b"").status, 200);
    keys.publish(Some(good.to_string()));
    eventually("the keys are asked for again", || status() == 200);
}

#[test]
fn without_the_option_nothing_is_asked_for() {
    let proxy = Proxy::start(&[]);
    let headers = [("X-User-Id", "github:7"), ("X-MCP-Identity", "whatever")];
    assert_eq!(proxy.post(&headers, &call(1, "pid", &json!({}))).status, 200);
}
