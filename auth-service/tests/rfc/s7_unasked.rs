//! Nobody is sent to a client unasked that they never consented to, and no such client learns who is
//! logged in (S7); a remembered consent is not used by other sites (S8).

use gateway_tests::{browser::Page, pkce};
use serde_json::json;
use url::Url;

use crate::{
    session::{WEB, code, log_in, named_app, url, web_app},
    support::{App, CALLBACK, GIT, Gateway, ISSUER, link, query, without_request_id},
};

const NATIVE: [&str; 3] =
    ["cursor://anysphere.cursor-mcp/oauth/callback", "com.example.app:/cb", CALLBACK];

async fn client(gateway: &Gateway) -> App {
    let mut uris = NATIVE.to_vec();
    uris.push(WEB);
    let metadata = json!({ "redirect_uris": uris, "token_endpoint_auth_method": "none" });
    App { id: gateway.register(metadata).await.text("client_id"), secret: None }
}

fn ask(app: &App, uri: &str, more: &[(&str, &str)]) -> Url {
    let all = [&[("redirect_uri", uri)][..], more].concat();
    app.authorize_url(&pkce::pair().1, &all)
}

#[tokio::test]
async fn s7_no_error_is_sent_to_a_strangers_client_unasked() {
    let gateway = Gateway::start();
    let app = client(&gateway).await;
    for uri in [&NATIVE[..], &[WEB]].concat() {
        for fault in [
            ("response_type", "token"),
            ("code_challenge", ""),
            ("scope", "a\"b"),
            ("resource", "https://other.example/mcp"),
            ("prompt", "none"),
            ("prompt", "none login"),
        ] {
            let page = gateway.browser().get(&ask(&app, uri, &[fault])).await;
            assert_eq!((page.status.as_u16(), page.next()), (400, None), "{uri} {fault:?}");
            let told = link(&page).unwrap();
            assert!(told.as_str().starts_with(uri), "{told}");
            assert_eq!(query(&told)["iss"], ISSUER);
        }
    }
}

/// `prompt=none` of a client that this person never consented to answers all visitors alike.
#[tokio::test]
async fn s7_a_strangers_client_does_not_learn_who_is_logged_in() {
    let gateway = Gateway::start();
    let (known, stranger) = (web_app(&gateway).await, named_app(&gateway, "Stranger").await);
    let mut visitors = [gateway.browser(), gateway.browser(), gateway.browser()];
    log_in(&gateway, &mut visitors[1], &known).await;
    let page = visitors[2].get(&url(&known, &[])).await;
    visitors[2].decide(&page, "local", &gateway.login_code("mallory").await).await;
    let silent = url(&stranger, &[("prompt", "none"), ("resource", GIT)]);
    let mut pages = Vec::new();
    for visitor in &mut visitors {
        let page = visitor.get(&silent).await;
        assert!(page.next().is_none(), "{page:?}");
        pages.push((page.status, without_request_id(&page.body)));
    }
    assert!(pages.iter().all(|page| *page == pages[0]), "{pages:#?}");
    assert!(pages[0].1.contains("interaction_required"));
    // A client that this person consented to is told, in an answer of its own.
    let known_silent = url(&known, &[("prompt", "none"), ("resource", GIT)]);
    let told = visitors[1].get(&known_silent).await.next().unwrap();
    assert_eq!(query(&told)["error"], "consent_required");
}

/// A remembered consent hands out no code to a navigation that another site began.
#[tokio::test]
async fn s8_another_site_cannot_use_a_remembered_consent() {
    let gateway = Gateway::start();
    let app = web_app(&gateway).await;
    let mut browser = gateway.browser();
    log_in(&gateway, &mut browser, &app).await;
    let visit = async |site: &'static str, more: &[(&str, &str)]| -> (Page, _) {
        let mut tab = gateway.browser();
        tab.cookies.clone_from(&browser.cookies);
        tab.set_header("Sec-Fetch-Site", site);
        (tab.get(&url(&app, more)).await, tab)
    };
    for site in ["none", "same-origin"] {
        assert!(code(&visit(site, &[]).await.0).is_some(), "{site}");
        assert!(code(&visit(site, &[("prompt", "none")]).await.0).is_some(), "{site}");
    }
    for site in ["cross-site", "same-site", "", "None", "x"] {
        let (page, mut tab) = visit(site, &[]).await;
        assert_eq!((page.status.as_u16(), page.next()), (200, None), "{site}");
        assert!(page.body.contains("Continue, as alice"), "{}", page.body);
        let silent = visit(site, &[("prompt", "none")]).await.0;
        assert_eq!(query(&silent.next().unwrap())["error"], "interaction_required", "{site}");
        // One click, on our page.
        tab.set_header("Sec-Fetch-Site", "same-origin");
        assert!(code(&tab.decide(&page, "allow", "").await).is_some(), "{site}");
    }
}
