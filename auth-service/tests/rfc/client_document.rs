//! Client ID Metadata Documents (MCP 2025-11-25, draft-ietf-oauth-client-id-metadata-document).

use gateway_tests::pkce;
use serde_json::json;

use crate::support::{App, CALLBACK, Gateway, TIME, without_request_id};

const URL: &str = "https://app.example/client";
pub(crate) const OK: &str =
    "200 OK\r\nContent-Type: application/json\r\nCache-Control: max-age=600";

pub(crate) fn document(id: &str, redirect: &str) -> String {
    let document = json!({ "client_id": id, "client_name": "App", "redirect_uris": [redirect] });
    document.to_string()
}

fn app() -> App {
    App { id: URL.into(), secret: None }
}

async fn status_of_authorize(gateway: &Gateway) -> u16 {
    let url = app().authorize_url(&pkce::pair().1, &[]);
    gateway.browser().get(&url).await.status.as_u16()
}

/// From the document to tokens, without a registration; the port of the loopback URI is free.
#[tokio::test]
async fn a_client_needs_no_registration() {
    let gateway = Gateway::start();
    gateway.documents.publish("client", OK, &document(URL, "http://127.0.0.1/callback"));
    let tokens = gateway.tokens(&app(), "alice", TIME).await;
    let access = tokens.text("access_token");
    let identity = gateway.verify(TIME, &access).await;
    assert_eq!(identity.headers["x-client-id"], URL);
    assert_eq!(gateway.refresh(&app(), &tokens.text("refresh_token")).await.status, 200);
}

/// What is not a document of this client is refused on a page of our own, in one way.
#[tokio::test]
async fn a_wrong_document_is_refused_without_saying_why() {
    let gateway = Gateway::start();
    let mut pages = Vec::new();
    let other = document("https://app.example/other", CALLBACK);
    let huge = document(URL, CALLBACK).replace("App", &"x".repeat(20_000));
    for (head, body) in [
        (OK, other.as_str()),
        (OK, "no JSON"),
        (OK, &huge),
        ("404 Not Found", &document(URL, CALLBACK)),
        ("302 Found\r\nLocation: https://app.example/elsewhere", ""),
    ] {
        gateway.documents.publish("client", head, body);
        gateway.documents.publish("elsewhere", OK, &document(URL, CALLBACK));
        let url = app().authorize_url(&pkce::pair().1, &[]);
        let page = gateway.browser().get(&url).await;
        assert_eq!((page.status.as_u16(), page.next()), (503, None), "{head}");
        pages.push(without_request_id(&page.body));
        // What failed is not asked again at once.
        gateway.clock.advance(30);
    }
    pages.dedup();
    assert_eq!(pages.len(), 1, "{pages:?}");
    gateway.documents.publish("client", OK, &document(URL, CALLBACK));
    assert_eq!(status_of_authorize(&gateway).await, 200);
}

/// The redirect URI must be one of the document's.
#[tokio::test]
async fn only_redirect_uris_of_the_document_are_used() {
    let gateway = Gateway::start();
    gateway.documents.publish("client", OK, &document(URL, "https://app.example/cb"));
    assert_eq!(status_of_authorize(&gateway).await, 400);
}

/// A document is kept as long as its headers say, and longer if it cannot be fetched again.
#[tokio::test]
async fn a_document_is_kept_and_outlives_a_failing_fetch() {
    let gateway = Gateway::start();
    gateway.documents.publish("client", OK, &document(URL, CALLBACK));
    gateway.consent(&App { id: URL.into(), secret: None }, "alice", &[]).await;
    gateway.documents.publish("client", OK, &document(URL, "https://app.example/cb"));
    gateway.clock.advance(599);
    assert_eq!(status_of_authorize(&gateway).await, 200, "kept");
    gateway.clock.advance(1);
    assert_eq!(status_of_authorize(&gateway).await, 400, "fetched again");
    gateway.documents.withdraw("client");
    gateway.documents.publish("client", "500 Oops", "");
    gateway.clock.advance(600);
    assert_eq!(status_of_authorize(&gateway).await, 400, "the last one serves");
}

/// The hosts of known clients refuse fetches from data centres: then what is shipped here serves.
#[tokio::test]
async fn a_known_client_works_when_its_document_cannot_be_fetched() {
    let gateway = Gateway::start();
    let claude = "https://claude.ai/oauth/claude-code-client-metadata";
    let app = App { id: claude.into(), secret: None };
    let more = [("redirect_uri", "http://localhost:54321/callback")];
    let page = gateway.browser().get(&app.authorize_url(&pkce::pair().1, &more)).await;
    assert_eq!(page.status, 200);
    assert!(page.body.contains("Claude Code") && page.body.contains("<strong>claude.ai</strong>"));
    let elsewhere = [("redirect_uri", "https://evil.example/callback")];
    let page = gateway.browser().get(&app.authorize_url(&pkce::pair().1, &elsewhere)).await;
    assert_eq!(page.status, 400);
}

/// The operator says whose documents are taken; a pinned one and one that was kept are no exceptions.
#[tokio::test]
async fn documents_of_denied_hosts_are_not_used() {
    let page = async |gateway: &Gateway, id: &str| {
        let app = App { id: id.into(), secret: None };
        let more = [("redirect_uri", "http://localhost:54321/callback")];
        gateway.browser().get(&app.authorize_url(&pkce::pair().1, &more)).await.status.as_u16()
    };
    let claude = "https://claude.ai/oauth/claude-code-client-metadata";
    for (allow, deny, statuses) in [
        ("", "*.example", (400, 200)),
        ("app.example", "", (200, 400)),
        ("claude.ai, app.example", "claude.ai", (200, 400)),
    ] {
        let settings = [("CLIENT_DOCUMENT_ALLOW", allow), ("CLIENT_DOCUMENT_DENY", deny)];
        let gateway = Gateway::with(&settings);
        gateway.documents.publish("client", OK, &document(URL, "http://localhost/callback"));
        assert_eq!((page(&gateway, URL).await, page(&gateway, claude).await), statuses, "{allow}");
    }
}

/// What is known of the clients of `OpenAI` serves in the same way.
#[tokio::test]
async fn the_documents_of_openai_are_shipped() {
    let gateway = Gateway::start();
    for (id, redirect, status) in [
        ("client.json", "https://chatgpt.com/connector_platform_oauth_redirect", 200),
        ("client.json", "https://chatgpt.com/elsewhere", 400),
        ("codex/client.json", "http://127.0.0.1:54321/callback", 200),
        ("codex/client.json", "http://127.0.0.1:54321/other", 400),
        ("unknown/client.json", "http://127.0.0.1:54321/callback", 503),
    ] {
        let app = App { id: format!("https://chatgpt.com/oauth/{id}"), secret: None };
        let url = app.authorize_url(&pkce::pair().1, &[("redirect_uri", redirect)]);
        let page = gateway.browser().get(&url).await;
        assert_eq!(page.status, status, "{id} {redirect}");
        assert_eq!(page.headers.contains_key("retry-after"), status == 503, "{id}");
    }
}

/// A document that changes between `/authorize` and `/token` does not break the flow that began with
/// the old one: what was checked then is what counts.
#[tokio::test]
async fn a_flow_ends_with_what_it_began_with() {
    let gateway = Gateway::start();
    gateway.documents.publish("client", OK, &document(URL, CALLBACK));
    let (answer, verifier) = gateway.consent(&app(), "alice", &[]).await;
    gateway.documents.publish("client", OK, &document(URL, "https://app.example/cb"));
    let keys = gateway.redis.cli(&["KEYS", "mcpgw:client-document:*"]);
    assert_eq!(gateway.redis.cli(&["DEL", keys.trim()]).trim(), "1");
    let tokens = gateway.redeem(&app(), &answer["code"], &verifier).await;
    assert_eq!(tokens.status, 200, "{tokens:?}");
    assert_eq!(status_of_authorize(&gateway).await, 400, "the new one holds for the next flow");
}
