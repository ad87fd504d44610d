//! Client metadata documents where they cannot be fetched, are not wanted, or change
//! (draft-ietf-oauth-client-id-metadata-document).

use std::sync::{
    Arc,
    atomic::{AtomicUsize, Ordering::SeqCst},
};

use gateway_tests::{browser::Page, pkce};
use reqwest::dns::{Name, Resolve, Resolving};
use serde_json::json;

use crate::{
    client_document::{OK, document},
    session::{WEB, code, url},
    support::{App, CALLBACK, GIT, Gateway},
};

const URL: &str = "https://app.example/client";

fn app(id: &str) -> App {
    App { id: id.into(), secret: None }
}

async fn authorize(gateway: &Gateway, id: &str, redirect: &str) -> Page {
    let url = app(id).authorize_url(&pkce::pair().1, &[("redirect_uri", redirect)]);
    gateway.browser().get(&url).await
}

/// A host that answers no look-up, as behind a firewall that drops packets.
#[derive(Default)]
struct Silent {
    in_flight: Arc<AtomicUsize>,
    asked: AtomicUsize,
}

struct InFlight(Arc<AtomicUsize>);

impl Drop for InFlight {
    fn drop(&mut self) {
        self.0.fetch_sub(1, SeqCst);
    }
}

impl Resolve for Silent {
    fn resolve(&self, _: Name) -> Resolving {
        self.asked.fetch_add(1, SeqCst);
        self.in_flight.fetch_add(1, SeqCst);
        let in_flight = InFlight(Arc::clone(&self.in_flight));
        Box::pin(async move {
            std::future::pending::<()>().await;
            drop(in_flight);
            Err("never".into())
        })
    }
}

/// A program that refreshes its token gives up after seconds; the look-up of its document takes longer, and its
/// refresh token would be rotated without it.
#[tokio::test]
async fn a11_a_token_does_not_wait_for_a_document() {
    let (gateway, silent) = Gateway::resolving(|_| Arc::new(Silent::default()));
    let app = app("https://claude.ai/oauth/claude-code-client-metadata");
    let redirect = ("redirect_uri", "http://localhost:1/callback");
    let (verifier, challenge) = pkce::pair();
    let mut browser = gateway.browser();
    let page = browser.get(&app.authorize_url(&challenge, &[redirect])).await;
    let done = browser.decide(&page, "local", &gateway.login_code("alice").await).await;
    let code = code(&done).expect("a code");
    let form = [
        ("grant_type", "authorization_code"),
        ("client_id", &app.id),
        redirect,
        ("code", &code),
        ("code_verifier", &verifier),
    ];
    // What failed is looked up again after 30 s.
    gateway.clock.advance(30);
    let asked = silent.asked.load(SeqCst);
    let tokens = gateway.post("/token", &form).await;
    assert_eq!(tokens.status, 200, "{tokens:?}");
    assert_eq!(silent.asked.load(SeqCst), asked + 1, "it is looked up all the same");
    assert_eq!(silent.in_flight.load(SeqCst), 1, "the answer came before the look-up ended");
}

/// A switch turns documents off: then they are not announced, and clients register.
#[tokio::test]
async fn a11_documents_can_be_turned_off() {
    for (setting, on) in [("false", false), ("off", false), ("true", true), ("", true)] {
        let gateway = Gateway::with(&[("CLIENT_DOCUMENTS", setting)]);
        gateway.documents.publish("client", OK, &document(URL, CALLBACK));
        let path = "/.well-known/oauth-authorization-server";
        let metadata = gateway.get("auth.gw.example", path).await.body;
        assert_eq!(metadata["client_id_metadata_document_supported"], on, "{setting}");
        let page = authorize(&gateway, URL, CALLBACK).await;
        assert_eq!(page.status, if on { 200 } else { 400 }, "{setting}");
        let claude = "https://claude.ai/oauth/claude-code-client-metadata";
        let pinned = authorize(&gateway, claude, "http://localhost:1/callback").await;
        assert_eq!(pinned.status, page.status, "{setting}");
        gateway.tokens(&gateway.app().await, "alice", GIT).await;
    }
}

/// A client whose documents are not accepted learns what helps, on the page and at the token endpoint.
#[tokio::test]
async fn a11_a_document_that_is_not_accepted_is_told_as_that() {
    for setting in [("CLIENT_DOCUMENTS", "off"), ("CLIENT_DOCUMENT_DENY", "app.example")] {
        let gateway = Gateway::with(&[setting]);
        gateway.documents.publish("client", OK, &document(URL, CALLBACK));
        let page = authorize(&gateway, URL, CALLBACK).await;
        assert!(page.body.contains("from app.example"), "{}", page.body);
        assert!(page.body.contains("registers here") && !page.body.contains("expired"));
        let answer = gateway.redeem(&app(URL), "code", &pkce::pair().0).await;
        assert_eq!(answer.error(), (401, "invalid_client"));
        assert!(answer.text("error_description").contains("app.example"), "{answer:?}");
    }
}

/// The host that did not answer is named, wherever the client or the person meets the fault.
#[tokio::test]
async fn a11_the_host_that_did_not_answer_is_named() {
    let gateway = Gateway::start();
    gateway.documents.publish("client", "404 Not Found", "");
    let page = authorize(&gateway, URL, CALLBACK).await;
    assert_eq!(page.status, 503);
    assert!(page.body.contains("publishes at app.example."), "{}", page.body);
    assert!(page.body.contains("operator"), "{}", page.body);
    let answer = gateway.redeem(&app(URL), "code", &pkce::pair().0).await;
    assert_eq!(answer.error(), (503, "temporarily_unavailable"));
    assert!(answer.text("error_description").contains("app.example"), "{answer:?}");
}

/// Programs whose documents cannot be fetched from everywhere are known all the same, with the redirect URIs that
/// they use and no others.
#[tokio::test]
async fn a11_well_known_programs_need_no_fetch() {
    let gateway = Gateway::start();
    for (id, redirects, name) in [
        (
            "https://github.com/copilot/cli/client-metadata.json",
            &["http://127.0.0.1:43117/callback"][..],
            "GitHub Copilot CLI",
        ),
        (
            "https://vscode.dev/oauth/client-metadata.json",
            &[
                "http://127.0.0.1:33418/",
                "http://127.0.0.1:50123/",
                "http://127.0.0.1:33418",
                "https://vscode.dev/redirect",
            ],
            "Visual Studio Code",
        ),
        (
            "https://opencode.ai/oauth/opencode/client.json",
            &["http://127.0.0.1:51675/callback", "http://localhost:51675/callback"],
            "opencode",
        ),
        ("https://zed.dev/oauth/client-metadata.json", &["http://127.0.0.1:1/callback"], "Zed"),
        (
            "https://chatgpt.com/oauth/codex/client.json",
            &["http://127.0.0.1:1/callback", "http://localhost:1/callback"],
            "Codex",
        ),
    ] {
        for redirect in redirects {
            let page = authorize(&gateway, id, redirect).await;
            assert_eq!(page.status, 200, "{redirect}: {}", page.body);
            assert!(page.body.contains(name), "{name}");
        }
        for elsewhere in ["https://evil.example/callback", "http://127.0.0.1:1/other"] {
            assert_eq!(authorize(&gateway, id, elsewhere).await.status, 400, "{id} {elsewhere}");
        }
    }
    // Another document on the same host is somebody else's.
    let other = "https://github.com/somebody/client-metadata.json";
    assert_eq!(authorize(&gateway, other, "http://127.0.0.1:1/callback").await.status, 503);
}

/// §3: a path of `/` alone is legal. A port is not accepted: strangers could have others' ports tried.
#[tokio::test]
async fn a11_a_document_may_be_at_the_root_and_at_no_other_port() {
    let gateway = Gateway::start();
    let page = authorize(&gateway, "https://app.example/", CALLBACK).await;
    assert_eq!(page.status, 503, "it is looked for: {}", page.body);
    for id in ["https://app.example", "https://app.example:8443/client"] {
        assert_eq!(authorize(&gateway, id, CALLBACK).await.status, 400, "{id}");
    }
}

/// §8.4: what a person allowed under one name is asked again under another one; the grants go on.
#[tokio::test]
async fn a11_a_client_that_changes_its_name_is_asked_about_again() {
    let gateway = Gateway::start();
    let publish = |name: &str| {
        let document = json!({ "client_id": URL, "client_name": name, "redirect_uris": [WEB] });
        gateway.documents.publish("client", OK, &document.to_string());
    };
    publish("App");
    let app = app(URL);
    let mut browser = gateway.browser();
    let page = browser.get(&url(&app, &[])).await;
    let done = browser.decide(&page, "local", &gateway.login_code("alice").await).await;
    assert!(code(&done).is_some(), "{done:?}");
    let unchanged = browser.get(&url(&app, &[])).await;
    assert!(code(&unchanged).is_some(), "{unchanged:?}");
    publish("Another name");
    gateway.clock.advance(600);
    let page = browser.get(&url(&app, &[])).await;
    assert_eq!(page.status, 200);
    assert!(page.body.contains("Another name"));
    let done = browser.decide(&page, "allow", "").await;
    assert!(code(&done).is_some(), "{done:?}");
    assert!(code(&browser.get(&url(&app, &[])).await).is_some(), "remembered under the new name");
}
