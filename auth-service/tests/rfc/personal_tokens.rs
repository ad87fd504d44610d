//! Personal access tokens: access tokens (RFC 9068) that the operator mints.

use serde_json::json;

use crate::support::{GIT, Gateway, TIME};

/// One access token under a grant of its own, listed with its label, gone when revoked.
#[tokio::test]
async fn a_minted_token_works_until_it_is_revoked() {
    let gateway = Gateway::start();
    let mint = |more: &[&str]| {
        let usual = ["token", "mint", "--user", "Alice", "--server", "time"];
        gateway.cli(&[&usual[..], more].concat()).unwrap()
    };
    let (first, second) = (mint(&["--label", "backup job"]), mint(&["--server", "git"]));
    let admitted = gateway.verify(TIME, &first).await;
    assert_eq!((admitted.status, admitted.header("x-user-id")), (200, "local:alice"));
    assert_eq!(admitted.header("x-client-id"), "personal-access-token");
    assert_eq!(gateway.verify(GIT, &first).await.error(), (401, "invalid_token"));
    assert_eq!(gateway.verify(GIT, &second).await.status, 200);
    let grants = gateway.cli_list(&["token", "list", "--json=lines"]);
    let labelled = grants.iter().find(|grant| grant["client_name"] == "backup job").unwrap();
    let token = &labelled["tokens"][0];
    assert_eq!(token["grant"], labelled["id"]);
    assert_eq!(token["resources"], json!([TIME]));
    assert!(gateway.cli(&["token", "list"]).unwrap().contains("backup job"));
    let jti = token["jti"].as_str().unwrap();
    gateway.cli(&["token", "revoke", "--yes", "--jti", jti]).unwrap();
    assert_eq!(gateway.verify(TIME, &first).await.error(), (401, "invalid_token"));
    assert_eq!(gateway.verify(TIME, &second).await.status, 200);
    gateway.cli(&["token", "revoke", "--yes", "--user", "alice"]).unwrap();
    assert_eq!(gateway.verify(TIME, &second).await.error(), (401, "invalid_token"));
}

/// It lives as long as was said: 90 days if nothing was, a year at most.
#[tokio::test]
async fn a_minted_token_ends() {
    let gateway = Gateway::start();
    let mint = |expires: &[&str]| {
        let usual = ["token", "mint", "--user", "alice", "--server", "time"];
        gateway.cli(&[&usual[..], expires].concat())
    };
    let (hours, days) = (mint(&["--expires", "12h"]).unwrap(), mint(&[]).unwrap());
    gateway.clock.advance(12 * 3600 - 60);
    assert_eq!(gateway.verify(TIME, &hours).await.status, 200);
    gateway.clock.advance(60);
    assert_eq!(gateway.verify(TIME, &hours).await.error(), (401, "invalid_token"));
    gateway.clock.advance(89 * 86_400);
    assert_eq!(gateway.verify(TIME, &days).await.status, 200);
    gateway.clock.advance(86_400);
    assert_eq!(gateway.verify(TIME, &days).await.error(), (401, "invalid_token"));
    assert!(mint(&["--expires", "365d"]).is_ok());
    for bad in ["366d", "0s", "1w", "soon"] {
        assert!(mint(&["--expires", bad]).is_err(), "{bad}");
    }
}

/// Who may use a server is asked when the token is minted and each time it is used.
#[tokio::test]
async fn a_minted_token_gives_no_more_than_a_login() {
    let gateway = Gateway::start();
    let mint = |user: &[&str], server: &str| {
        gateway.cli(&[&["token", "mint", "--server", server, "--user"][..], user].concat())
    };
    assert!(mint(&["bob"], "git").unwrap_err().contains("not allowed"));
    assert!(
        mint(&["github:7"], "time").unwrap_err().contains("not allowed"),
        "not named as octocat"
    );
    assert!(mint(&["github:7", "--login", "mallory"], "time").is_err());
    let alice = mint(&["alice"], "git").unwrap();
    let octocat = mint(&["github:7", "--login", "octocat"], "git").unwrap();
    let admitted = gateway.verify(GIT, &octocat).await;
    assert_eq!((admitted.status, admitted.header("x-user-id")), (200, "github:7"));
    assert_eq!(gateway.verify(GIT, &alice).await.status, 200);
    gateway.set_servers(&json!({ "git": { "command": "x", "allow": ["octocat"] } }));
    assert_eq!(gateway.verify(GIT, &alice).await.error(), (401, "invalid_token"));
    assert_eq!(gateway.verify(GIT, &octocat).await.status, 200);
}
