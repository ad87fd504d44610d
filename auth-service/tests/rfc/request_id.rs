//! The request id: each answer has a new one, and a client's own is not believed.

use std::collections::HashSet;

use gateway_contract::audit::is_id;

use crate::support::{Gateway, TIME};

#[tokio::test]
async fn each_answer_of_verify_has_an_id_of_its_own() {
    let gateway = Gateway::start();
    let app = gateway.app().await;
    let token = gateway.tokens(&app, "alice", TIME).await.text("access_token");
    let bearer = format!("Bearer {token}");
    let mut seen = HashSet::new();
    for (url, authorization, status) in [
        (TIME, bearer.as_str(), 200),
        (TIME, bearer.as_str(), 200),
        (TIME, "Bearer x", 401),
        ("https://no.gw.example/mcp", "Bearer x", 404),
        ("https://time.gw.example/a/../mcp;", "Bearer x", 400),
    ] {
        let own = [("Authorization", authorization), ("X-Request-Id", "made-up")];
        let answer = gateway.forwarded(url, &own).await;
        assert_eq!(answer.status, status, "{url}");
        let ids = answer.headers.get_all("x-request-id").iter().count();
        let id = answer.header("x-request-id").to_owned();
        assert!(ids == 1 && is_id(&id), "{url}: {ids} {id}");
        assert!(seen.insert(id), "{url}");
    }
}

#[tokio::test]
async fn each_answer_of_other_endpoints_has_one_too() {
    let gateway = Gateway::start();
    for (path, status) in
        [("/health", 200), ("/authorize", 400), ("/token", 405), ("/no-such-page", 404)]
    {
        let url = format!("{}{path}", gateway.base);
        let answer = gateway.http.get(url).header("X-Request-Id", "made-up").send().await.unwrap();
        assert_eq!(answer.status(), status, "{path}");
        let id = answer.headers().get("x-request-id").unwrap().to_str().unwrap();
        assert!(is_id(id), "{path}: {id}");
    }
}
