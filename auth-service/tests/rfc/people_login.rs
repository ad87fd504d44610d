//! Logins at several OpenID providers, and what keeps them apart.

use gateway_tests::{github::Mood, openid::OpenIdProvider, pkce};
use serde_json::json;
use url::Url;

use crate::{
    people::{WithProviders, set_real_time},
    support::{CALLBACK, Gateway, ISSUER, TIME, query},
};

const ALL: &str = r#"
[login]
allow = ["*"]
[[rule]]
who = ["*"]
servers = ["*"]
"#;

#[tokio::test]
async fn people_of_several_providers_log_in_side_by_side() {
    let all = WithProviders::start(ALL, &[]);
    let app = all.gateway.app().await;
    let (_, page, _) = all.page(&app, TIME).await;
    for button in ["Provider a", "Provider b", "GitHub", "value=\"login:a\"", "value=\"local\""] {
        assert!(page.body.contains(button), "{button}: {}", page.body);
    }
    for name in ["a", "b"] {
        all.op(name).add("alice", &["staff"]).await;
        let tokens = all.tokens(&app, (name, "alice"), TIME).await;
        let identity = all.gateway.verify(TIME, &tokens.text("access_token")).await;
        assert_eq!(identity.status, 200);
        // The same name and address at two providers are two people.
        assert_eq!(identity.headers["x-user-id"], format!("{name}:alice"));
        assert_eq!(identity.headers["x-user-name"], "alice");
        assert_eq!(identity.headers["x-user-email"], "alice@example.org");
    }
}

#[tokio::test]
async fn one_provider_of_variables_needs_no_file() {
    let op = OpenIdProvider::start(&json!({ "redirect": format!("{ISSUER}/callback/oidc") }));
    op.add("alice", &["staff"]).await;
    op.add("bob", &["guests"]).await;
    let (id, secret) = OpenIdProvider::CLIENT;
    let settings = [
        ("OIDC_ISSUER", op.issuer.as_str()),
        ("OIDC_CLIENT_ID", id),
        ("OIDC_CLIENT_SECRET", secret),
        ("OIDC_ALLOW", "group:staff"),
    ];
    let gateway = Gateway::with(&settings);
    set_real_time(&gateway);
    let app = gateway.app().await;
    for (person, is_admitted) in [("alice", true), ("bob", false)] {
        let (_, challenge) = pkce::pair();
        let mut browser = gateway.browser();
        let page = browser.get(&app.authorize_url(&challenge, &[])).await;
        let there = browser.decide(&page, "login:oidc", "").await.next().unwrap();
        let back = op.log_in(&mut op.browser(), there.as_str(), person).await;
        assert!(back.as_str().starts_with(&format!("{ISSUER}/callback/oidc?")), "{back}");
        let done = browser.get(&back).await;
        let admitted = done.next().is_some_and(|next| query(&next).contains_key("code"));
        assert_eq!(admitted, is_admitted, "{person}: {done:?}");
        if !is_admitted {
            assert_eq!(done.status, 403);
            assert!(done.body.contains("bob may not use"), "{}", done.body);
        }
    }
    // Of the one who was refused, nothing is kept.
    let facts = gateway.redis.cli(&["KEYS", "mcpgw:facts:*"]);
    assert_eq!(facts.lines().filter(|line| !line.is_empty()).count(), 1, "{facts}");
}

#[tokio::test]
async fn an_empty_list_admits_nobody() {
    let op = OpenIdProvider::start(&json!({ "redirect": format!("{ISSUER}/callback/oidc") }));
    op.add("alice", &["staff"]).await;
    let (id, secret) = OpenIdProvider::CLIENT;
    let settings = [
        ("OIDC_ISSUER", op.issuer.as_str()),
        ("OIDC_CLIENT_ID", id),
        ("OIDC_CLIENT_SECRET", secret),
        ("OIDC_ALLOW", ""),
    ];
    let gateway = Gateway::with(&settings);
    set_real_time(&gateway);
    let app = gateway.app().await;
    let mut browser = gateway.browser();
    let page = browser.get(&app.authorize_url(&pkce::pair().1, &[])).await;
    let there = browser.decide(&page, "login:oidc", "").await.next().unwrap();
    let back = op.log_in(&mut op.browser(), there.as_str(), "alice").await;
    assert_eq!(browser.get(&back).await.status, 403);
}

/// RFC 9700 §4.4: the answer of one provider is of no use at the callback of another one, and each answer must
/// name its issuer (RFC 9207).
#[tokio::test]
async fn an_answer_of_another_provider_is_refused() {
    let all = WithProviders::start(ALL, &[]);
    for op in [&all.a, &all.b] {
        op.add("alice", &[]).await;
    }
    let app = all.gateway.app().await;
    let (mut other, page, _) = all.page(&app, TIME).await;
    let at_b = other.decide(&page, "login:b", "").await.next().unwrap();
    let back_b = query(&all.b.log_in(&mut all.b.browser(), at_b.as_str(), "alice").await);
    let (a, b) = (all.a.issuer.as_str(), all.b.issuer.as_str());
    let own = "";
    for (callback, code, iss, error) in [
        ("/callback/b", own, Some(a), None),
        ("/callback", own, Some(a), None),
        ("/callback/b", back_b["code"].as_str(), Some(b), None),
        ("/callback/a", own, Some(b), Some("access_denied")),
        ("/callback/a", own, None, Some("access_denied")),
        ("/callback/a", back_b["code"].as_str(), Some(a), Some("access_denied")),
    ] {
        let (mut browser, page, _) = all.page(&app, TIME).await;
        let at_a = browser.decide(&page, "login:a", "").await.next().unwrap();
        let back = query(&all.a.log_in(&mut all.a.browser(), at_a.as_str(), "alice").await);
        let code = if code == own { back["code"].as_str() } else { code };
        let mut url = Url::parse(&format!("{ISSUER}{callback}")).unwrap();
        url.query_pairs_mut().append_pair("state", &back["state"]).append_pair("code", code);
        if let Some(iss) = iss {
            url.query_pairs_mut().append_pair("iss", iss);
        }
        let refused = browser.get(&url).await;
        let answered = refused.next().map(|next| query(&next)["error"].clone());
        assert_eq!(answered.as_deref(), error, "{callback} {iss:?}: {refused:?}");
        if error.is_none() {
            assert_eq!(refused.status, 400);
        }
    }
    let good = all.tokens(&app, ("a", "alice"), TIME).await;
    assert_eq!(all.status(&good.text("access_token")).await, 200);
}

/// A group means nothing at another provider, and the form of its name is not interpreted.
#[tokio::test]
async fn a_group_counts_at_its_own_provider_alone() {
    let policy = r#"
[login]
allow = ["group:a:admins"]
[[rule]]
who = ["*"]
servers = ["*"]
"#;
    let all = WithProviders::start(policy, &[]);
    let app = all.gateway.app().await;
    let odd =
        ["/admins", "Admins", "admins ", "*", "group:a:admins", "role:x", "a,admins", "x\nadmins"];
    for (name, groups, is_admitted) in [
        ("a", &["admins"][..], true),
        ("b", &["admins"][..], false),
        ("a", &odd[..], false),
        ("a", &[][..], false),
    ] {
        all.op(name).add("alice", groups).await;
        let tokens = all.try_tokens(&app, (name, "alice"), TIME).await;
        assert_eq!(tokens.is_ok(), is_admitted, "{name} {groups:?}: {tokens:?}");
    }
}

/// A provider that is down stops nobody of the others.
#[tokio::test]
async fn a_provider_that_is_down_stops_no_other_one() {
    let mut all = WithProviders::start(ALL, &[]);
    all.b.add("alice", &[]).await;
    let down = OpenIdProvider::start(&json!({ "redirect": "https://auth.gw.example/callback/x" }));
    drop(std::mem::replace(&mut all.a, down));
    let app = all.gateway.app().await;
    let (mut browser, page, _) = all.page(&app, TIME).await;
    let refused = browser.decide(&page, "login:a", "").await;
    let answer = query(&refused.next().unwrap());
    assert_eq!(answer["error"], "temporarily_unavailable");
    assert!(refused.next().unwrap().as_str().starts_with(CALLBACK));
    let tokens = all.tokens(&app, ("b", "alice"), TIME).await;
    assert_eq!(all.status(&tokens.text("access_token")).await, 200);
    all.gateway.github.set(Mood::LogsIn { id: 583_231, login: "octocat".into() });
    let (mut browser, page, _) = all.page(&app, TIME).await;
    let sent = browser.decide(&page, "github", "").await;
    assert!(query(&browser.follow(sent, CALLBACK).await).contains_key("code"));
}

/// A name that was another provider before gives nobody the access of others.
#[tokio::test]
async fn the_name_of_a_provider_stays_with_its_issuer() {
    let all = WithProviders::start(ALL, &[]);
    all.a.add("alice", &[]).await;
    let app = all.gateway.app().await;
    let tokens = all.tokens(&app, ("a", "alice"), TIME).await;
    all.gateway.redis.cli(&["SET", "mcpgw:provider-issuer:a", "\"https://before.example\""]);
    let (mut browser, page, _) = all.page(&app, TIME).await;
    let refused = browser.decide(&page, "login:a", "").await;
    assert_eq!(query(&refused.next().unwrap())["error"], "server_error");
    let said = all.gateway.cli(&["provider", "forget", "a"]).unwrap();
    assert!(said.contains("1 people"), "{said}");
    assert_eq!(all.status(&tokens.text("access_token")).await, 401);
    let tokens = all.tokens(&app, ("a", "alice"), TIME).await;
    assert_eq!(all.status(&tokens.text("access_token")).await, 200);
}
