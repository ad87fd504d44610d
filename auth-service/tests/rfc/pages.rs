//! The frame of all pages: style sheet, policy, name and operator, language.

use gateway_tests::{
    browser::{Browser, Page},
    pkce,
};
use serde_json::json;
use url::Url;

use crate::{
    rfc8628::GRANT,
    support::{Answer, Gateway, ISSUER, TIME},
};

fn header<'a>(page: &'a Page, name: &str) -> &'a str {
    page.headers.get(name).map_or("", |value| value.to_str().unwrap())
}

/// The path or URL of the style sheet.
fn style(page: &Page) -> &str {
    let rest = page.body.split("<link rel=\"stylesheet\" href=\"").nth(1).unwrap();
    rest.split('"').next().unwrap()
}

async fn root(gateway: &Gateway) -> Page {
    let mut browser = gateway.browser();
    browser.set_header("Accept", "text/html");
    browser.get(&Url::parse(&format!("{ISSUER}/")).unwrap()).await
}

#[tokio::test]
async fn the_style_sheet_has_its_hash_in_its_url_and_is_kept_for_good() {
    let gateway = Gateway::start();
    let page = root(&gateway).await;
    let path = style(&page);
    assert_eq!(
        header(&page, "content-security-policy"),
        "default-src 'none'; style-src 'self'; img-src 'self'; form-action 'self'; \
         frame-ancestors 'none'; base-uri 'none'"
    );
    assert!(!page.body.contains("style="), "{}", page.body);
    assert!(!page.body.contains("<script") && !page.body.contains("<style"), "{}", page.body);
    let get = async |path: &str| {
        gateway.http.get(format!("{}{path}", gateway.base)).send().await.unwrap()
    };
    let sheet = get(path).await;
    let header = |name: &str| sheet.headers()[name].to_str().unwrap().to_owned();
    assert_eq!(sheet.status(), 200);
    assert_eq!(header("content-type"), "text/css; charset=utf-8");
    assert_eq!(header("cache-control"), "public, max-age=31536000, immutable");
    assert_eq!(header("x-content-type-options"), "nosniff");
    let text = sheet.text().await.unwrap();
    assert!(text.contains("prefers-color-scheme") && text.contains("forced-colors"));
    assert!(!text.contains("url(") && !text.contains("@import"), "nothing else is loaded");
    // That of another version, while an update rolls out: no cache keeps it under this name.
    let other = get("/assets/AAAAAAAAAAAAAAAA.css").await;
    assert_eq!(
        (other.status().as_u16(), &other.headers()["cache-control"]),
        (200, &"no-store".parse().unwrap())
    );
    assert_eq!(get("/assets/other.js").await.status(), 404);
}

/// There, `/assets` is the server's own.
#[tokio::test]
async fn a_page_on_the_host_of_a_server_has_its_style_sheet_from_the_login_host() {
    let gateway = Gateway::start();
    let mut browser = gateway.browser().reach("time.gw.example", &gateway.base);
    browser.set_header("Accept", "text/html");
    let page = browser.get(&Url::parse("https://time.gw.example/mcp").unwrap()).await;
    assert_eq!(page.status, 200);
    assert!(style(&page).starts_with("https://auth.gw.example/assets/"), "{}", page.body);
    let policy = header(&page, "content-security-policy");
    assert!(policy.contains("style-src https://auth.gw.example; img-src 'self'"), "{policy}");
}

#[tokio::test]
async fn every_page_names_the_gateway_and_its_operator() {
    for (contact, shown) in [
        ("it@example.com", "<a href=\"mailto:it@example.com\">it@example.com</a>"),
        ("https://example.com/?a=1&b", "<a href=\"https://example.com/?a=1&#38;b\">"),
        ("Ann <room 12>", "Ann &#60;room 12&#62;"),
    ] {
        let settings = [("GATEWAY_NAME", "Team <gateway>"), ("OPERATOR_CONTACT", contact)];
        let gateway = Gateway::with(&settings);
        let app = gateway.app().await;
        let consent = app.authorize_url(&pkce::pair().1, &[]);
        let error = app.authorize_url(&pkce::pair().1, &[("client_id", "nobody")]);
        for url in [consent, error] {
            let page = gateway.browser().get(&url).await;
            assert!(page.body.contains("<strong>Team &#60;gateway&#62;</strong>"), "{}", page.body);
            assert!(page.body.contains("<span>auth.gw.example</span>"), "{}", page.body);
            let footer = page.body.split("<footer>").nth(1).unwrap();
            assert!(footer.contains(shown), "{contact}: {footer}");
        }
    }
    let page = root(&Gateway::start()).await;
    assert!(page.body.contains("MCP gateway") && !page.body.contains("<footer>"), "{}", page.body);
}

/// A refusal says whom to ask and what to tell them.
#[tokio::test]
async fn a_refusal_says_whom_to_ask() {
    let gateway = Gateway::with(&[("OPERATOR_CONTACT", "it@example.com")]);
    let app = gateway.app().await;
    let mut browser = gateway.browser();
    let url = app.authorize_url(&pkce::pair().1, &[("resource", crate::support::GIT)]);
    let page = browser.get(&url).await;
    let code = gateway.login_code("mallory").await;
    let refused = browser.decide(&page, "local", &code).await;
    assert_eq!(refused.status, 403);
    let alert =
        refused.body.split("role=\"alert\"").nth(1).unwrap().split("</div>").next().unwrap();
    let id = header(&refused, "x-request-id");
    assert!(!id.is_empty());
    for part in ["mallory may not use", "mailto:it@example.com", "tell them", "not_allowed", id] {
        assert!(alert.contains(part), "{part}: {alert}");
    }
    assert!(refused.body.contains("value=\"deny\""), "{}", refused.body);
}

/// The codes of a device.
async fn device(gateway: &Gateway) -> Answer {
    let metadata = json!({
        "client_name": "Television",
        "token_endpoint_auth_method": "none",
        "grant_types": [GRANT],
    });
    let client = gateway.register(metadata).await.text("client_id");
    let form = [("client_id", client.as_str()), ("resource", TIME)];
    gateway.post("/device_authorization", &form).await
}

/// Every kind of page, opened with `language`.
async fn pages(gateway: &Gateway, language: &'static str) -> Vec<(&'static str, Page)> {
    let visitor = || {
        let mut browser = gateway.browser().reach("time.gw.example", &gateway.base);
        browser.set_header("Accept-Language", language);
        browser.set_header("Accept", "text/html");
        browser
    };
    let mut pages = of_the_flow(gateway, &visitor).await;
    pages.extend(of_itself(gateway, &visitor).await);
    pages
}

fn url(text: &str) -> Url {
    Url::parse(text).unwrap()
}

/// The pages of an authorization, from the question to its end.
async fn of_the_flow(
    gateway: &Gateway,
    visitor: &impl Fn() -> Browser,
) -> Vec<(&'static str, Page)> {
    let app = gateway.app().await;
    let authorize = |more: &[(&str, &str)]| app.authorize_url(&pkce::pair().1, more);
    let mut pages = Vec::new();
    let mut browser = visitor();
    let consent = browser.get(&authorize(&[])).await;
    let wrong = browser.decide(&consent, "local", "WRNG-WRNG-WRNG-WRNG").await;
    let git = browser.get(&authorize(&[("resource", crate::support::GIT)])).await;
    let code = gateway.login_code("mallory").await;
    pages.push(("refused", browser.decide(&git, "local", &code).await));
    let code = gateway.login_code("alice").await;
    pages.push(("continue", browser.decide(&consent, "local", &code).await));
    pages.push(("signed in", browser.get(&authorize(&[])).await));
    pages.push(("consent", consent));
    pages.push(("wrong code", wrong));
    pages.push(("choose", visitor().get(&authorize(&[("resource", "")])).await));
    for (name, decision) in [("device allowed", "local"), ("device declined", "deny")] {
        let device = device(gateway).await;
        let mut browser = visitor();
        let page = browser.get(&url(&device.text("verification_uri_complete"))).await;
        let code = gateway.login_code("alice").await;
        pages.push((name, browser.decide(&page, decision, &code).await));
        pages.push(("device", page));
    }
    pages
}

/// The pages that stand alone, and those of errors.
async fn of_itself(gateway: &Gateway, visitor: &impl Fn() -> Browser) -> Vec<(&'static str, Page)> {
    let at = |path: &str| url(&format!("{ISSUER}{path}"));
    let app = gateway.app().await;
    let authorize = |more: &[(&str, &str)]| app.authorize_url(&pkce::pair().1, more);
    let mut pages = Vec::new();
    pages.push(("code", visitor().get(&at("/device")).await));
    pages.push(("wrong device code", visitor().get(&at("/device?user_code=BCDF-GHJK")).await));
    pages.push(("gateway", visitor().get(&at("/")).await));
    pages.push(("missing", visitor().get(&at("/nothing")).await));
    pages.push(("server", visitor().get(&url("https://time.gw.example/mcp")).await));
    let wrong_host = format!("https://time.gw.example/authorize?sent_on=1&client_id={}", app.id);
    pages.push(("wrong host", visitor().get(&url(&wrong_host)).await));
    pages.push(("reopened", visitor().get(&at("/authorize/consent")).await));
    for (name, more) in [
        ("unregistered", ("client_id", "nobody")),
        ("redirect", ("redirect_uri", "https://elsewhere.example/")),
        ("target", ("resource", "https://elsewhere.example/mcp")),
        ("silent", ("prompt", "none")),
        ("refused request", ("code_challenge_method", "plain")),
    ] {
        pages.push((name, visitor().get(&authorize(&[more])).await));
    }
    let mut foreign = visitor().from_site("cross-site");
    pages.push(("foreign form", foreign.post(&at("/authorize/consent"), &[]).await));
    pages.push(("form", visitor().post(&at("/authorize/consent"), &[]).await));
    pages.push(("login", visitor().get(&at("/callback?state=x&code=y")).await));
    pages
}

/// The words of a page: no tags, and nothing that the protocol says in English.
fn words(page: &Page) -> String {
    let main = page.body.split("<body").nth(1).unwrap();
    let main = main.split("<span lang=\"en\">").enumerate().map(|(index, part)| match index {
        0 => part,
        _ => part.split_once("</span>").unwrap().1,
    });
    let main: String = main.collect();
    main.split('<')
        .filter_map(|part| part.split_once('>'))
        .map(|(_, text)| text)
        .collect::<Vec<_>>()
        .join(" ")
}

#[tokio::test]
async fn every_page_is_there_in_both_languages() {
    let gateway = Gateway::with(&[("RATE_LIMIT_REGISTER", "0")]);
    let english = pages(&gateway, "fr, en;q=0.5").await;
    let german = pages(&gateway, "de-CH, en;q=0.5").await;
    assert!(english.len() > 20, "{}", english.len());
    for (code, other, pages) in [("en", "de", &english), ("de", "en", &german)] {
        for (name, page) in pages {
            assert!(
                page.body.contains(&format!("<html lang=\"{code}\">")),
                "{name}: {}",
                page.body
            );
            assert_eq!(header(page, "vary"), "Accept-Language", "{name}");
            assert_eq!(page.body.matches("<h1>").count(), 1, "{name}: {}", page.body);
            assert!(!page.body.contains(&format!("lang=\"{other}\"")) || code == "de", "{name}");
            assert!(page.body.starts_with("<!doctype html>"), "{name}: {}", page.body);
        }
    }
    // No English sentence is left on a German page.
    let foreign = [" the ", " your ", " this ", " you ", " and ", " is "];
    for ((name, german), (_, english)) in german.iter().zip(&english) {
        assert_eq!(german.status, english.status, "{name}");
        let words = words(german);
        for word in foreign {
            assert!(!words.contains(word), "{name} says “{word}”: {words}");
        }
    }
    let mut statuses: Vec<u16> = english.iter().map(|(_, page)| page.status.as_u16()).collect();
    statuses.sort_unstable();
    statuses.dedup();
    assert_eq!(statuses, [200, 400, 403, 404, 405], "errors keep their status");
    // What is told to the operator finds the line of the log.
    for (name, page) in english.iter().filter(|(_, page)| page.status.as_u16() >= 400) {
        let is_told = page.body.contains(header(page, "x-request-id"));
        assert!(is_told || page.body.contains("<form"), "{name}: {}", page.body);
    }
}
