//! What clients send that is not quite what the RFCs say, and hurts nobody.

use gateway_tests::pkce;
use serde_json::{Value, json};

use crate::support::{CALLBACK, Gateway, TIME, answer};

/// RFC 8707 §2: a query in `resource` is allowed, though it names nothing here.
#[tokio::test]
async fn a7_a_query_in_the_resource_matches_its_server() {
    let gateway = Gateway::start();
    let app = gateway.app().await;
    for resource in [
        "https://time.gw.example/mcp?x",
        "https://time.gw.example/mcp?api_key=1&y=/../z",
        "https://time.gw.example/mcp/?",
        "https://time.gw.example?x=1",
    ] {
        let (answer, verifier) = gateway.consent(&app, "alice", &[("resource", resource)]).await;
        let form = [
            ("grant_type", "authorization_code"),
            ("client_id", app.id.as_str()),
            ("redirect_uri", CALLBACK),
            ("code", &answer["code"]),
            ("code_verifier", &verifier),
            ("resource", resource),
        ];
        let token = gateway.post("/token", &form).await.text("access_token");
        assert_eq!(gateway.verify(TIME, &token).await.status, 200, "{resource}");
    }
}

/// RFC 6749 §2.3.1: the secret proves the client, wherever it stands.
#[tokio::test]
async fn a7_a_secret_may_come_in_either_way() {
    let gateway = Gateway::start();
    for method in ["client_secret_basic", "client_secret_post"] {
        let app = gateway.app_with(method).await;
        let secret = app.secret.clone().unwrap();
        for (basic, sent, status) in [
            (true, secret.as_str(), 400),
            (false, &secret, 400),
            (true, "wrong", 401),
            (false, "wrong", 401),
            (true, "", 401),
            (false, "", 401),
        ] {
            let mut form = vec![("grant_type", "refresh_token"), ("refresh_token", "x")];
            if !basic {
                form.extend([("client_id", app.id.as_str()), ("client_secret", sent)]);
            }
            let mut request = gateway.http.post(format!("{}/token", gateway.base)).form(&form);
            if basic {
                request = request.basic_auth(&app.id, Some(sent));
            }
            assert_eq!(answer(request).await.status, status, "{method}, basic {basic}: {sent}");
        }
    }
}

/// Libraries send `Authorization: Basic` with an empty password for public clients.
#[tokio::test]
async fn a7_an_empty_basic_secret_is_none() {
    let gateway = Gateway::start();
    let public = gateway.app().await;
    let confidential = gateway.app_with("client_secret_post").await;
    let send = async |user: &str, password: Option<&str>, form: &[(&str, &str)]| {
        let form = [&[("grant_type", "refresh_token"), ("refresh_token", "x")], form].concat();
        let request = gateway.http.post(format!("{}/token", gateway.base)).form(&form);
        let answer = answer(request.basic_auth(user, password)).await;
        (answer.status, answer.body["error"].as_str().unwrap().to_owned())
    };
    let unknown_token = (400, "invalid_grant".to_owned());
    let id = ("client_id", public.id.as_str());
    for (user, password, form) in [
        (public.id.as_str(), Some(""), &[][..]),
        (&public.id, None, &[]),
        (&public.id, Some(""), &[id]),
        ("", Some(""), &[id]),
    ] {
        assert_eq!(send(user, password, form).await, unknown_token, "{user} {form:?}");
    }
    let secret = confidential.secret.as_deref().unwrap();
    let post = [("client_secret", secret)];
    assert_eq!(send(&confidential.id, Some(""), &post).await, unknown_token);
    let refused = (401, "invalid_client".to_owned());
    assert_eq!(send(&confidential.id, Some(""), &[]).await, refused);
    assert_eq!(send(&public.id, Some("x"), &[]).await, refused);
    let other = [("client_id", confidential.id.as_str())];
    assert_eq!(send(&public.id, Some(""), &other).await.0, 400);
    assert_eq!(send("", Some(""), &[]).await, (400, "invalid_request".to_owned()));
}

/// RFC 7591 §3.2.1: what nothing depends on is dropped, and the answer shows what is registered.
#[tokio::test]
async fn a7_irrelevant_members_do_not_refuse_a_registration() {
    let gateway = Gateway::start();
    for (member, value) in [
        ("logo_uri", json!("")),
        ("logo_uri", json!("not a URL")),
        ("logo_uri", json!("data:image/png;base64,AAAA")),
        ("logo_uri", json!("x".repeat(5000))),
        ("client_uri", json!(7)),
        ("tos_uri", json!([])),
        ("policy_uri", json!({})),
        ("policy_uri#fr", json!([])),
        ("contacts", json!([])),
        ("contacts", json!("me@app.example")),
        ("contacts", json!([null])),
        ("software_id", json!({ "a": 1 })),
        ("software_version", json!(2)),
        ("scope", json!([])),
        ("scope", json!(["mcp"])),
        ("jwks", json!({})),
        ("jwks", json!({ "keys": [] })),
        ("jwks_uri", json!("http://app.example/jwks")),
        ("application_type", json!("")),
        ("software_statement", json!("x.y.z")),
        ("client_name", json!("")),
        ("client_name", json!(null)),
    ] {
        let mut metadata = json!({ "redirect_uris": [CALLBACK] });
        metadata[member] = value.clone();
        let registered = gateway.register(metadata).await;
        assert_eq!(registered.status, 201, "{member}: {value}: {registered:?}");
        let shown = registered.body.get(member);
        assert!(shown.is_none() || member == "application_type", "{member}: {shown:?}");
    }
    // What has a default gets it.
    let defaults = json!({
        "redirect_uris": [CALLBACK], "grant_types": [], "response_types": [],
        "token_endpoint_auth_method": "",
    });
    let registered = gateway.register(defaults).await;
    assert_eq!(registered.body["grant_types"], json!(["authorization_code", "refresh_token"]));
    assert_eq!(registered.body["response_types"], json!(["code"]));
    assert_eq!(registered.body["token_endpoint_auth_method"], "client_secret_basic");
    let more = json!({ "redirect_uris": [CALLBACK], "response_types": ["code", "code id_token"] });
    assert_eq!(gateway.register(more).await.body["response_types"], json!(["code"]));
    let contacts: Vec<_> = (0..20).map(|n| format!("{n}{}@a.example", "x".repeat(300))).collect();
    let large = json!({ "redirect_uris": [CALLBACK], "client_name": "A", "contacts": contacts });
    let registered = gateway.register(large).await;
    assert_eq!((registered.status, &registered.body["client_name"]), (201, &json!("A")));
}

/// What a client needs is refused by the name of the member, and of the setting that decides.
#[tokio::test]
async fn a7_an_error_names_the_member_and_the_setting() {
    let gateway = Gateway::start();
    let with = |member: &str, value: Value| {
        let mut metadata = json!({ "redirect_uris": [CALLBACK] });
        metadata[member] = value;
        metadata
    };
    for (metadata, named) in [
        (with("redirect_uris", json!(["zed://x/cb"])), &["'zed://x/cb'", "REDIRECT_SCHEMES"][..]),
        (with("redirect_uris", json!(["http://a.example/cb"])), &["'http://a.example/cb'"]),
        (with("redirect_uris", json!(["https://a.example/c\u{202e}b"])), &["%E2%80%AE"]),
        (with("redirect_uris", json!("x")), &["redirect_uris"]),
        (with("grant_types", json!("authorization_code")), &["grant_types"]),
        (with("response_types", json!(["token"])), &["response_types"]),
        (with("token_endpoint_auth_method", json!("magic")), &["token_endpoint_auth_method"]),
        (with("client_name", json!("A\u{202e}B")), &["client_name"]),
        (with("client_name", json!("x".repeat(101))), &["client_name"]),
    ] {
        let refused = gateway.register(metadata.clone()).await;
        assert_eq!(refused.status, 400, "{metadata}");
        let text = refused.text("error_description");
        assert!(named.iter().all(|name| text.contains(name)), "{metadata}: {text}");
        let is_fit = |c: char| (' '..='~').contains(&c) && c != '"' && c != '\\';
        assert!(text.chars().all(is_fit), "RFC 6749 §5.2: {text}");
    }
}

/// The page and the description say which redirect URI came.
#[tokio::test]
async fn a7_an_unregistered_redirect_uri_is_shown() {
    let gateway = Gateway::start();
    let app = gateway.app().await;
    for (uri, shown) in [
        ("https://other.example/cb", "https://other.example/cb"),
        ("https://x/<script>alert(1)</script>\"", "&#60;script&#62;"),
    ] {
        let url = app.authorize_url(&pkce::pair().1, &[("redirect_uri", uri)]);
        let page = gateway.browser().get(&url).await;
        assert_eq!((page.status.as_u16(), page.next()), (400, None));
        assert!(page.body.contains(shown) && !page.body.contains("<script"), "{}", page.body);
    }
}

/// Joiners are part of emoji and of Persian; other characters that cannot be seen are refused.
#[tokio::test]
async fn a7_names_with_joiners_are_fine() {
    let gateway = Gateway::start();
    for (name, status) in [
        ("Dev \u{1f469}\u{200d}\u{1f4bb}", 201),
        ("\u{645}\u{6cc}\u{200c}\u{62e}\u{648}\u{627}\u{647}\u{645}", 201),
        ("Cla\u{200d}ude", 400),
        ("Cla\u{200b}ude", 400),
        ("Claude\u{200d}", 400),
        ("\u{202b}Claude", 400),
    ] {
        let metadata = json!({ "redirect_uris": [CALLBACK], "client_name": name });
        let registered = gateway.register(metadata).await;
        assert_eq!(registered.status, status, "{name:?}");
        if status == 201 {
            assert_eq!(registered.body["client_name"], name);
        }
    }
}
