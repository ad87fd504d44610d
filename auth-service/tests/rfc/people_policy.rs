//! The access policy in `/verify`, in grants and on the pages.

use std::sync::Arc;

use auth_service::admission::PolicyFile;
use gateway_tests::pkce;
use serde_json::json;
use tempfile::TempDir;

use crate::{
    forger::parts,
    support::{Answer, CALLBACK, GIT, Gateway, TIME, answer},
};

/// A gateway with an access file for people with login codes.
struct Ruled {
    gateway: Gateway,
    directory: TempDir,
}

fn start(rules: &str, servers: &serde_json::Value) -> Ruled {
    let directory = tempfile::tempdir().unwrap();
    let file = directory.path().join("access.toml");
    std::fs::write(&file, format!("[login]\nallow = [\"local:*\"]\n{rules}")).unwrap();
    let name = file.display().to_string();
    let own = [("ACCESS_FILE", name.as_str()), ("ALLOWED_GITHUB_USERS", "")];
    let gateway = Gateway::with(&own);
    gateway.set_servers(servers);
    Ruled { gateway, directory }
}

/// What `/verify` says to a call of `tool`, as its headers state it (MCP 2026-07-28).
async fn call(gateway: &Gateway, resource: &str, token: &str, tool: Option<&str>) -> Answer {
    let bearer = format!("Bearer {token}");
    let mut headers = vec![("Authorization", bearer.as_str())];
    if let Some(tool) = tool {
        let modern = [("MCP-Protocol-Version", "2026-07-28"), ("Mcp-Method", "tools/call")];
        headers.extend(modern.into_iter().chain([("Mcp-Name", tool)]));
    }
    gateway.forwarded(resource, &headers).await
}

#[tokio::test]
async fn rules_say_who_may_use_which_server() {
    let rules = "[[rule]]\nwho = [\"local:alice\"]\nservers = [\"*\"]\n\
                 [[rule]]\nwho = [\"*\"]\nservers = [\"time\"]\n";
    let Ruled { gateway, .. } = start(rules, &json!({ "time": {}, "git": {} }));
    let app = gateway.app().await;
    for resource in [TIME, GIT] {
        let tokens = gateway.tokens(&app, "alice", resource).await;
        assert_eq!(gateway.verify(resource, &tokens.text("access_token")).await.status, 200);
    }
    gateway.tokens(&app, "bob", TIME).await;
    let mut browser = gateway.browser();
    let page = browser.get(&app.authorize_url(&pkce::pair().1, &[("resource", GIT)])).await;
    let refused = browser.decide(&page, "local", &gateway.login_code("bob").await).await;
    assert_eq!(refused.status, 403, "{refused:?}");
}

/// The list of a server narrows the policy and never widens it, in all forms that entries have.
#[tokio::test]
async fn allow_narrows_what_the_policy_allows() {
    let rules = "[[rule]]\nwho = [\"local:alice\"]\nservers = [\"*\"]\n";
    for (allow, person, is_admitted) in [
        (json!(["alice"]), "alice", true),
        (json!(["local:alice"]), "alice", true),
        (json!(["*"]), "alice", true),
        (json!(["bob"]), "alice", false),
        (json!(["github:alice"]), "alice", false),
        (json!(["group:okta:staff", "role:dev"]), "alice", false),
        // The policy does not allow bob, whatever the list says.
        (json!(["bob", "*"]), "bob", false),
    ] {
        let Ruled { gateway, .. } = start(rules, &json!({ "time": { "allow": allow } }));
        let app = gateway.app().await;
        let mut browser = gateway.browser();
        let page = browser.get(&app.authorize_url(&pkce::pair().1, &[])).await;
        let done = browser.decide(&page, "local", &gateway.login_code(person).await).await;
        let admitted = done.next().is_some_and(|next| next.as_str().starts_with(CALLBACK));
        assert_eq!(admitted, is_admitted, "{allow} {person}: {done:?}");
    }
}

#[tokio::test]
async fn a_denied_tool_is_refused_without_a_challenge() {
    let rules = "[[rule]]\nwho = [\"*\"]\nservers = [\"*\"]\ntools = [\"read_*\", \"delete_*\"]\n\
                 [[rule]]\neffect = \"deny\"\nwho = [\"*\"]\nservers = [\"*\"]\ntools = [\"delete_*\"]\n";
    // The others are not behind the proxy: a call without headers could be of any tool, and at the last one every call.
    let servers = json!({
        "time": {},
        "git": { "url": "http://127.0.0.1:9/mcp", "checksHeaders": true },
        "own": { "url": "http://127.0.0.1:9/mcp" },
    });
    let Ruled { gateway, .. } = start(rules, &servers);
    let app = gateway.app().await;
    let git = gateway.tokens(&app, "alice", GIT).await.text("access_token");
    for (tool, status) in [(None, 403), (Some("read_file"), 200), (Some("write_file"), 403)] {
        assert_eq!(call(&gateway, GIT, &git, tool).await.status, status, "{tool:?}");
    }
    let url = "https://own.gw.example/mcp";
    let own = gateway.tokens(&app, "alice", url).await.text("access_token");
    assert_eq!(call(&gateway, url, &own, Some("read_file")).await.status, 403);
    let token = gateway.tokens(&app, "alice", TIME).await.text("access_token");
    for (tool, status) in [
        (None, 200),
        (Some("read_file"), 200),
        (Some("write_file"), 403),
        (Some("delete_file"), 403),
        (Some("DELETE_file"), 403),
        // "read_file" and an invisible character, in the encoding of MCP.
        (Some("=?base64?cmVhZF9maWxl4oCL?="), 403),
    ] {
        let answer = call(&gateway, TIME, &token, tool).await;
        assert_eq!(answer.status, status, "{tool:?}: {answer:?}");
        if status == 403 {
            assert!(!answer.headers.contains_key("www-authenticate"), "{answer:?}");
            assert_eq!(answer.body["error"], "access_denied");
        }
    }
    let identity = gateway.verify(TIME, &token).await.headers["x-mcp-identity"].clone();
    let claims = parts(identity.to_str().unwrap()).remove(1);
    assert_eq!(claims["tools_allow"], json!(["delete_*", "read_*"]));
    assert_eq!(claims["tools_deny"], json!(["delete_*"]));
}

/// Rules of other people and other clients do not apply, and one ends when its time is over.
#[tokio::test]
async fn a_rule_ends_when_its_time_is_over() {
    let end = 1_800_000_000 + 1000;
    let until = "2027-01-15T08:16:40Z";
    let rules =
        format!("[[rule]]\nwho = [\"local:alice\"]\nservers = [\"time\"]\nuntil = {until}\n");
    let Ruled { gateway, .. } = start(&rules, &json!({ "time": {} }));
    let app = gateway.app().await;
    let token = gateway.tokens(&app, "alice", TIME).await.text("access_token");
    gateway.clock.advance(end - gateway.config_now() - 1);
    assert_eq!(gateway.verify(TIME, &token).await.status, 200);
    gateway.clock.advance(1);
    assert_eq!(gateway.verify(TIME, &token).await.status, 401);
}

/// A rule that allows scopes caps what is granted, and what a token may use.
#[tokio::test]
async fn scopes_of_rules_cap_what_is_granted() {
    let rules = "[[rule]]\nwho = [\"*\"]\nservers = [\"*\"]\nscopes = [\"mcp\"]\n";
    let servers =
        json!({ "time": { "scopes": ["mcp"], "tools": { "scopes": { "set_*": "time:write" } } } });
    let Ruled { gateway, .. } = start(rules, &servers);
    let app = gateway.app().await;
    let (answer, verifier) = gateway.consent(&app, "alice", &[("scope", "mcp time:write")]).await;
    let tokens = gateway.redeem(&app, &answer["code"], &verifier).await;
    assert_eq!(tokens.status, 200, "{tokens:?}");
    assert_eq!(tokens.text("scope"), "mcp");
    let identity = gateway.verify(TIME, &tokens.text("access_token")).await;
    assert_eq!(identity.headers["x-auth-scopes"], "mcp");
}

/// Whoever is not named may do nothing: a client that acts for itself needs a rule, too.
#[tokio::test]
async fn a_client_of_its_own_needs_to_be_allowed() {
    let rules = "[[rule]]\nwho = [\"*\"]\nservers = [\"*\"]\n";
    let Ruled { gateway, directory } = start(rules, &json!({ "time": {} }));
    let (denying, _) = PolicyFile::start(&gateway.config).unwrap();
    let create = ["client", "create", "--name", "job", "--grant", "client-credentials"];
    let said = gateway.cli_json(&[&create[..], &["--server", "time", "--json"]].concat());
    let (id, secret) = (said["client_id"].as_str().unwrap(), said["client_secret"].as_str());
    let ask = async || {
        let form = [("grant_type", "client_credentials")];
        let request = gateway.http.post(format!("{}/token", gateway.base)).form(&form);
        answer(request.basic_auth(id, secret)).await
    };
    assert_eq!(ask().await.error(), (400, "unauthorized_client"));
    let file = directory.path().join("access.toml");
    let allowed = format!("[login]\nallow = [\"local:*\", \"client:{id}\"]\n{rules}");
    std::fs::write(&file, allowed).unwrap();
    let (policy, _) = PolicyFile::start(&gateway.config).unwrap();
    gateway.access.send_replace(Arc::new(policy));
    let tokens = ask().await;
    assert_eq!(tokens.status, 200, "{tokens:?}");
    let token = tokens.text("access_token");
    assert_eq!(gateway.verify(TIME, &token).await.status, 200);
    gateway.access.send_replace(Arc::new(denying));
    assert_eq!(gateway.verify(TIME, &token).await.status, 401);
}
