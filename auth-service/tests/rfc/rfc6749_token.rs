//! RFC 6749 §4.1.3, §5: the token endpoint and authorization codes.

use futures_util::future::join_all;

use crate::support::{App, CALLBACK, Gateway, TIME};

/// §5.1: the shape of the answer and its headers.
#[tokio::test]
async fn a_code_becomes_tokens() {
    let gateway = Gateway::start();
    let tokens = gateway.tokens(&gateway.app().await, "alice", TIME).await;
    assert_eq!(tokens.body["token_type"], "Bearer");
    assert_eq!(tokens.body["expires_in"], 3600);
    assert_eq!(tokens.header("cache-control"), "no-store");
    assert_eq!(tokens.header("pragma"), "no-cache");
    assert_eq!(gateway.verify(TIME, &tokens.text("access_token")).await.status, 200);
}

/// §4.1.3: the code is bound to the client, the redirect URI and the verifier, and a wrong try
/// does not use it up.
#[tokio::test]
async fn a_code_is_of_use_only_to_whom_it_was_issued() {
    let gateway = Gateway::start();
    let (app, other) = (gateway.app().await, gateway.app().await);
    let (answer, verifier) = gateway.consent(&app, "alice", &[]).await;
    let code = answer["code"].as_str();
    let wrong = "x".repeat(43);
    assert_eq!(gateway.redeem(&other, code, &verifier).await.error(), (400, "invalid_grant"));
    assert_eq!(gateway.redeem(&app, code, &wrong).await.error(), (400, "invalid_grant"));
    assert_eq!(gateway.redeem(&app, code, "").await.error(), (400, "invalid_request"));
    let elsewhere = [
        ("grant_type", "authorization_code"),
        ("client_id", app.id.as_str()),
        ("redirect_uri", "http://127.0.0.1:1/callback"),
        ("code", code),
        ("code_verifier", verifier.as_str()),
    ];
    assert_eq!(gateway.post("/token", &elsewhere).await.error(), (400, "invalid_grant"));
    assert_eq!(gateway.redeem(&app, code, &verifier).await.status, 200);
}

/// §4.1.2: a code lives shortly.
#[tokio::test]
async fn a_code_ends_after_five_minutes() {
    let gateway = Gateway::start();
    let app = gateway.app().await;
    let (answer, verifier) = gateway.consent(&app, "alice", &[]).await;
    gateway.clock.advance(300);
    let late = gateway.redeem(&app, &answer["code"], &verifier).await;
    assert_eq!(late.error(), (400, "invalid_grant"));
}

/// §4.1.2: of twenty concurrent redemptions one succeeds, and what it got is revoked by a later one.
#[tokio::test]
async fn a_code_is_redeemed_once_and_a_replay_revokes_what_it_gave() {
    let gateway = Gateway::start();
    let app = gateway.app().await;
    let (answer, verifier) = gateway.consent(&app, "alice", &[]).await;
    let tries = (0..20).map(|_| gateway.redeem(&app, &answer["code"], &verifier));
    let answers = join_all(tries).await;
    let (won, lost): (Vec<_>, Vec<_>) = answers.iter().partition(|answer| answer.status == 200);
    assert_eq!((won.len(), lost.len()), (1, 19));
    assert!(lost.iter().all(|answer| answer.error() == (400, "invalid_grant")));
    assert_eq!(gateway.verify(TIME, &won[0].text("access_token")).await.status, 200);
    gateway.clock.advance(11);
    let late = gateway.redeem(&app, &answer["code"], &verifier).await;
    assert_eq!(late.error(), (400, "invalid_grant"));
    let revoked = gateway.verify(TIME, &won[0].text("access_token")).await;
    assert_eq!(revoked.error(), (401, "invalid_token"));
    let refused = gateway.refresh(&app, &won[0].text("refresh_token")).await;
    assert_eq!(refused.error(), (400, "invalid_grant"));
}

/// §2.3, §5.2: a client authenticates by the method it registered, and by no other.
#[tokio::test]
async fn a_client_proves_itself_as_it_registered() {
    let gateway = Gateway::start();
    let post = gateway.app_with("client_secret_post").await;
    let basic = gateway.app_with("client_secret_basic").await;
    let form = |app: &App| {
        vec![
            ("grant_type".to_owned(), "refresh_token".to_owned()),
            ("refresh_token".to_owned(), "x".to_owned()),
            ("client_id".to_owned(), app.id.clone()),
        ]
    };
    let send = async |form: Vec<(String, String)>, basic: Option<(&str, &str)>| {
        let mut request = gateway.http.post(format!("{}/token", gateway.base)).form(&form);
        if let Some((user, password)) = basic {
            request = request.basic_auth(user, Some(password));
        }
        crate::support::answer(request).await
    };
    let with_secret = |app: &App, secret: &str| {
        let mut form = form(app);
        form.push(("client_secret".to_owned(), secret.to_owned()));
        form
    };
    let secret = |app: &App| app.secret.clone().unwrap();
    // invalid_grant: authenticated, and the refresh token is unknown.
    assert_eq!(send(with_secret(&post, &secret(&post)), None).await.status, 400);
    let good = send(form(&basic), Some((&basic.id, &secret(&basic)))).await;
    assert_eq!(good.error(), (400, "invalid_grant"));
    for refused in [
        send(form(&post), None).await,
        send(with_secret(&post, "wrong"), None).await,
        send(with_secret(&post, &secret(&basic)), None).await,
        send(form(&basic), None).await,
        send(form(&basic), Some((&basic.id, "wrong"))).await,
    ] {
        assert_eq!(refused.error(), (401, "invalid_client"));
        assert!(refused.header("www-authenticate").starts_with("Basic "));
        assert_eq!(refused.header("cache-control"), "no-store");
    }
    let both = send(with_secret(&basic, "x"), Some((&basic.id, "x"))).await;
    assert_eq!(both.error(), (400, "invalid_request"));
}

/// §5.2: every fault has its code in JSON, never a page or a 422.
#[tokio::test]
async fn a_faulty_request_is_told_why() {
    let gateway = Gateway::start();
    let app = gateway.app().await;
    let id = ("client_id", app.id.as_str());
    for (form, expected) in [
        (vec![], (400, "invalid_request")),
        (vec![id], (400, "invalid_request")),
        (vec![id, ("grant_type", "password")], (400, "unsupported_grant_type")),
        (vec![id, ("grant_type", "authorization_code")], (400, "invalid_request")),
        (vec![id, ("grant_type", "refresh_token")], (400, "invalid_request")),
        (vec![id, id, ("grant_type", "refresh_token")], (400, "invalid_request")),
        (vec![("client_id", "gone"), ("grant_type", "refresh_token")], (401, "invalid_client")),
    ] {
        assert_eq!(gateway.post("/token", &form).await.error(), expected, "{form:?}");
    }
    let json = gateway.http.post(format!("{}/token", gateway.base)).json(&"x");
    assert_eq!(crate::support::answer(json).await.error(), (400, "invalid_request"));
    let redirect = [id, ("grant_type", "authorization_code"), ("redirect_uri", CALLBACK)];
    assert_eq!(gateway.post("/token", &redirect).await.error(), (400, "invalid_request"));
}
