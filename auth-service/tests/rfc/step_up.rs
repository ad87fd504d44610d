//! MCP 2025-11-25 "Scope Challenge Handling", 2026-07-28 scope hierarchies and `Mcp-*` headers.

use base64::{Engine, prelude::BASE64_STANDARD};
use serde_json::{Value, json};

use crate::support::{Answer, App, Gateway, TIME};

const WRITE: [(&str, &str); 3] = [
    ("MCP-Protocol-Version", "2026-07-28"),
    ("Mcp-Method", "tools/call"),
    ("Mcp-Name", "write_file"),
];

fn files() -> Value {
    json!({
        "scopes": ["files:read"],
        "scopeDetails": {
            "files:read": "look at files",
            "files:write": { "description": "change files", "includes": ["files:read"] },
        },
        "tools": { "scopes": { "write_*": "files:write", "delete_*": "files:delete" } },
    })
}

struct Held {
    gateway: Gateway,
    app: App,
    token: String,
}

impl Held {
    /// A token with `scope` for one server with those rules.
    async fn with(scope: &str, server: Value) -> Self {
        let gateway = Gateway::start();
        gateway.set_servers(&json!({ "time": server }));
        let app = gateway.app().await;
        let (answer, verifier) = gateway.consent(&app, "alice", &[("scope", scope)]).await;
        let token = gateway.redeem(&app, &answer["code"], &verifier).await.text("access_token");
        Self { gateway, app, token }
    }

    async fn ask(&self, headers: &[(&str, &str)]) -> Answer {
        let bearer = format!("Bearer {}", self.token);
        let all: Vec<_> = headers.iter().copied().chain([("Authorization", &*bearer)]).collect();
        self.gateway.forwarded(TIME, &all).await
    }
}

/// RS-8: a call that needs more is told all the scopes at once, with those the token has.
#[tokio::test]
async fn a_tool_that_needs_a_scope_asks_for_it() {
    let held = Held::with("files:read", files()).await;
    let refused = held.ask(&WRITE).await;
    assert_eq!(refused.error(), (403, "insufficient_scope"));
    let challenge = refused.header("www-authenticate");
    assert!(challenge.contains("scope=\"files:read files:write\""), "{challenge}");
    assert!(challenge.contains("resource_metadata="), "{challenge}");
    assert_eq!(held.ask(&[]).await.status, 200, "first use needs only the basic scope");
    // A new authorization for what was asked is what the client does then.
    let more = [("scope", "files:read files:write")];
    let (answer, verifier) = held.gateway.consent(&held.app, "alice", &more).await;
    let tokens = held.gateway.redeem(&held.app, &answer["code"], &verifier).await;
    let stepped_up = Held { token: tokens.text("access_token"), ..held };
    assert_eq!(stepped_up.ask(&WRITE).await.status, 200);
}

/// RS-9: "a broader scope satisfies a narrower demand"; what is behind us learns of both.
#[tokio::test]
async fn a_broader_scope_is_enough() {
    let held = Held::with("files:write", files()).await;
    let admitted = held.ask(&WRITE).await;
    assert_eq!(admitted.status, 200);
    assert_eq!(admitted.header("x-auth-scopes"), "files:read files:write");
}

/// RS-14: headers of an older revision decide nothing, and the proxy is told the scopes to decide by.
#[tokio::test]
async fn without_validated_headers_the_proxy_decides() {
    let held = Held::with("files:read", files()).await;
    let older = [("MCP-Protocol-Version", "2025-11-25"), WRITE[1], WRITE[2]];
    let passed = held.ask(&older).await;
    assert_eq!((passed.status, passed.header("x-auth-scopes")), (200, "files:read"));
}

/// Where no proxy reads the body, a call that states nothing may be any call.
#[tokio::test]
async fn a_native_server_with_rules_gets_only_what_is_stated() {
    let mut server = files();
    server["url"] = json!("http://127.0.0.1:1/mcp");
    server["checksHeaders"] = json!(true);
    let held = Held::with("files:read", server).await;
    let list = [WRITE[0], ("Mcp-Method", "tools/list")];
    let read = [WRITE[0], WRITE[1], ("Mcp-Name", "read_file")];
    assert_eq!(held.ask(&list).await.status, 200);
    assert_eq!(held.ask(&read).await.status, 200);
    let unstated = held.ask(&[]).await;
    assert_eq!(unstated.error(), (403, "insufficient_scope"));
    let challenge = unstated.header("www-authenticate");
    assert!(challenge.contains("\"files:delete files:read files:write\""), "{challenge}");
}

/// A lenient server folds case and trims, so other spellings need what the tool needs, as in the proxy.
#[tokio::test]
async fn a_native_server_gets_no_tool_under_another_spelling() {
    let mut server = files();
    server["url"] = json!("http://127.0.0.1:1/mcp");
    server["checksHeaders"] = json!(true);
    let held = Held::with("files:read", server).await;
    let [version, method, (_, tool)] = WRITE;
    let mut spellings = vec![tool.to_uppercase(), tool.replacen('w', "W", 1)];
    for hidden in [format!("{tool}\u{200b}"), format!(" {tool}"), format!("{tool}\0")] {
        let coded = BASE64_STANDARD.encode(hidden);
        spellings.push(format!("=?base64?{coded}?="));
    }
    for name in spellings {
        let answer = held.ask(&[version, method, ("Mcp-Name", &name)]).await;
        assert_eq!(answer.error(), (403, "insufficient_scope"), "{name}");
    }
    for other in ["Tools/Call", "tools_call", "tools/Call"] {
        let answer = held.ask(&[version, ("Mcp-Method", other), ("Mcp-Name", tool)]).await;
        assert_eq!(answer.error(), (403, "insufficient_scope"), "{other}");
    }
}

/// AS-20, RS-10, RS-11: the resource advertises what basic use needs, the server all there is.
#[tokio::test]
async fn the_minimal_scopes_are_advertised() {
    let held = Held::with("files:read", files()).await;
    let resource =
        held.gateway.get("time.gw.example", "/.well-known/oauth-protected-resource").await;
    assert_eq!(resource.body["scopes_supported"], json!(["files:read"]));
    let server =
        held.gateway.get("auth.gw.example", "/.well-known/oauth-authorization-server").await;
    let all = json!(["files:delete", "files:read", "files:write", "offline_access"]);
    assert_eq!(server.body["scopes_supported"], all);
    let refused = held.gateway.forwarded(TIME, &[]).await;
    assert!(refused.header("www-authenticate").contains("scope=\"files:read\""));
}

/// RFC 6749 §6: a refresh may ask for less than was granted, also for what a broader scope includes.
#[tokio::test]
async fn a_refresh_narrows_to_an_included_scope() {
    let gateway = Gateway::start();
    gateway.set_servers(&json!({ "time": files() }));
    let app = gateway.app().await;
    let (answer, verifier) = gateway.consent(&app, "alice", &[("scope", "files:write")]).await;
    let tokens = gateway.redeem(&app, &answer["code"], &verifier).await;
    let refresh = async |scope: &str| {
        let form = [
            ("grant_type", "refresh_token"),
            ("client_id", app.id.as_str()),
            ("refresh_token", &tokens.text("refresh_token")),
            ("scope", scope),
        ];
        gateway.post("/token", &form).await
    };
    assert_eq!(refresh("files:read").await.body["scope"], "files:read");
    assert_eq!(refresh("files:delete").await.error(), (400, "invalid_scope"));
}
