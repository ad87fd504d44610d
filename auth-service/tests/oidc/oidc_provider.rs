//! The relying party with a real provider, through whole code flows.

use std::sync::{
    Arc,
    atomic::{AtomicI64, Ordering::SeqCst},
};

use auth_service::{
    config::{OfflineAccess, OidcProvider},
    model::{Clock, Prompt, ProviderName, Sighting, SystemClock, UnixTime},
    upstream::{LoginRequest, Logout, OidcClient, OidcError, RefreshError},
};
use gateway_tests::{browser::Browser, openid::OpenIdProvider, wait::eventually};
use secrecy::{ExposeSecret, SecretString};
use serde_json::{Value, json};
use url::form_urlencoded;

use crate::{
    login::{groups, query},
    standin::StandIn,
};

const CALLBACK: &str = "http://127.0.0.1:9/callback/a";
const RETURNED: [&str; 2] = ["code", "iss"];

/// A provider with a client of it.
struct Real {
    op: OpenIdProvider,
    client: OidcClient,
    clock: Arc<Ahead>,
}

/// A clock that is ahead of the provider's by some seconds.
struct Ahead(AtomicI64);

impl Clock for Ahead {
    fn now(&self) -> UnixTime {
        UnixTime(SystemClock.now().0 + self.0.load(SeqCst))
    }
}

fn start(name: &str, options: Value) -> Real {
    start_with(name, options, |_| {})
}

fn start_with(name: &str, mut options: Value, change: impl FnOnce(&mut OidcProvider)) -> Real {
    options["redirect"] = json!(CALLBACK);
    let op = OpenIdProvider::start(&options);
    let (id, secret) = OpenIdProvider::CLIENT;
    let secret = Some(secret.to_owned().into());
    let mut provider = OidcProvider::new(op.issuer.clone(), id.to_owned(), secret);
    change(&mut provider);
    let name = ProviderName::parse(name).unwrap();
    let clock = Arc::new(Ahead(AtomicI64::new(0)));
    let shared = Arc::clone(&clock);
    let client = OidcClient::new(name, provider, CALLBACK.to_owned(), shared).unwrap();
    Real { op, client, clock }
}

impl Real {
    /// The code and `iss` of a login, with its verifier.
    async fn authorize(&self, browser: &mut Browser, person: &str) -> ([String; 2], String) {
        let request = LoginRequest { state: "the state", prompt: Prompt::Needed, offline: true };
        let start = self.client.start(&request).await.unwrap();
        let back = self.op.log_in(browser, &start.url, person).await;
        assert!(back.as_str().starts_with(CALLBACK), "{back}");
        let query = query(back.as_str());
        assert_eq!(query["state"], "the state");
        (RETURNED.map(|name| query[name].clone()), start.verifier)
    }

    async fn log_in(&self, person: &str) -> Sighting {
        self.log_in_from(&mut self.op.browser(), person).await
    }

    async fn log_in_from(&self, browser: &mut Browser, person: &str) -> Sighting {
        let ([code, iss], verifier) = self.authorize(browser, person).await;
        self.client.identify((&code, Some(&iss)), &verifier).await.unwrap()
    }

    async fn refresh(&self, sighting: &Sighting) -> Result<Sighting, RefreshError> {
        let token = sighting.token.as_ref().and_then(|token| token.refresh.as_ref()).unwrap();
        let renewed = self.client.renew(token).await?;
        self.client.facts(renewed, &sighting.id).await
    }
}

#[tokio::test]
async fn a_person_logs_in_with_each_algorithm() {
    for algorithm in ["RS256", "RS512", "PS256", "ES256", "EdDSA"] {
        let real = start("a", json!({ "algorithm": algorithm }));
        real.op.add("alice", &["staff", "admins"]).await;
        let sighting = real.log_in("alice").await;
        assert_eq!(sighting.subject(), "a:alice", "{algorithm}");
        assert_eq!(sighting.login.as_deref(), Some("alice"));
        assert_eq!(sighting.display_name.as_deref(), Some("The alice"));
        assert_eq!(sighting.email.as_deref(), Some("alice@example.org"));
        assert_eq!(sighting.groups, groups(&["admins", "staff"]));
        let summary = real.client.summary().await.unwrap();
        assert_eq!((summary.keys, summary.offline_access), (3, Some(true)));
        assert!(summary.backchannel_logout && summary.userinfo);
        real.client.try_credentials().await.unwrap();
    }
}

#[tokio::test]
async fn a_thin_token_is_completed() {
    let real = start("a", json!({ "thin": true }));
    real.op.add("alice", &["staff"]).await;
    let sighting = real.log_in("alice").await;
    assert_eq!(sighting.groups, groups(&["staff"]));
    assert_eq!(sighting.email.as_deref(), Some("alice@example.org"));
    real.op
        .set_person("bob", &json!({ "email": "bob@example.org", "email_verified": false }))
        .await;
    let bob = real.log_in("bob").await;
    assert_eq!((bob.email, bob.login, bob.groups), (None, None, groups(&[])));
}

#[tokio::test]
async fn keys_are_rotated_between_two_logins() {
    let real = start("a", json!({}));
    real.op.add("alice", &["staff"]).await;
    let before = real.log_in("alice").await;
    real.op.rotate_keys().await;
    // The keys were fetched less than a minute ago. A token that cannot be verified says nothing.
    let outcome = real.refresh(&before).await;
    assert!(matches!(outcome, Err(RefreshError::NoAnswer(_))), "{outcome:?}");
    real.clock.0.store(60, SeqCst);
    let again = real.log_in("alice").await;
    assert_eq!(again.id, before.id);
    assert!(real.refresh(&again).await.is_ok());
}

#[tokio::test]
async fn a_refresh_follows_groups_and_notices_a_deleted_account() {
    for thin in [false, true] {
        let real = start("a", json!({ "thin": thin }));
        real.op.add("alice", &["staff", "admins"]).await;
        let first = real.log_in("alice").await;
        real.op.add("alice", &["staff"]).await;
        let second = real.refresh(&first).await.unwrap();
        assert_eq!(second.groups, groups(&["staff"]));
        let spent =
            first.token.as_ref().and_then(|token| token.refresh.as_ref()).unwrap().expose_secret();
        assert_ne!(
            second.token.as_ref().and_then(|token| token.refresh.as_ref()).unwrap().expose_secret(),
            spent,
            "rotated"
        );
        real.op.remove("alice").await;
        let gone = real.refresh(&second).await;
        assert_eq!(gone.unwrap_err(), RefreshError::Denied("invalid_grant".to_owned()));
    }
}

/// Why only one instance may refresh for a person at a time: the provider ends the whole grant.
#[tokio::test]
async fn a_refresh_token_that_is_used_twice_ends_the_grant() {
    let real = start("a", json!({}));
    real.op.add("alice", &["staff"]).await;
    let first = real.log_in("alice").await;
    let second = real.refresh(&first).await.unwrap();
    assert!(matches!(real.refresh(&first).await, Err(RefreshError::Denied(_))));
    assert!(matches!(real.refresh(&second).await, Err(RefreshError::Denied(_))));
}

#[tokio::test]
async fn a_code_is_for_one_login() {
    let real = start("a", json!({}));
    real.op.add("alice", &["staff"]).await;
    let mut browser = real.op.browser();
    let ([code, iss], verifier) = real.authorize(&mut browser, "alice").await;
    let answer = (code.as_str(), Some(iss.as_str()));
    let ([other, _], _) = real.authorize(&mut real.op.browser(), "alice").await;
    let swapped = real.client.identify((&other, Some(&iss)), &verifier).await;
    assert!(matches!(swapped, Err(OidcError::Refused(_))), "{swapped:?}");
    assert!(real.client.identify(answer, &verifier).await.is_ok());
    let again = real.client.identify(answer, &verifier).await;
    assert!(matches!(again, Err(OidcError::Refused(_))), "{again:?}");
}

#[tokio::test]
async fn wrong_credentials_are_the_operators_fault() {
    let real = start_with("a", json!({}), |provider| {
        provider.client_secret = Some("wrong".to_owned().into());
    });
    let outcome = real.client.try_credentials().await;
    assert!(matches!(outcome, Err(OidcError::Misconfigured(_))), "{outcome:?}");
    let outcome = real.client.renew(&SecretString::from("r".to_owned())).await;
    assert!(matches!(outcome, Err(RefreshError::Misconfigured(_))), "{outcome:?}");
}

#[tokio::test]
async fn without_offline_access_there_is_no_refresh_token() {
    let never = |provider: &mut OidcProvider| provider.offline_access = OfflineAccess::Never;
    let real = start_with("a", json!({}), never);
    real.op.add("alice", &["staff"]).await;
    assert!(real.log_in("alice").await.token.is_none());
}

/// The same people, groups and addresses at two providers: two people, and no answer crosses over.
#[tokio::test]
async fn two_providers_have_nothing_in_common() {
    let (one, two) = (start("a", json!({})), start("b", json!({})));
    for real in [&one, &two] {
        real.op.add("alice", &["admins"]).await;
    }
    let (first, second) = (one.log_in("alice").await, two.log_in("alice").await);
    assert_eq!((first.subject(), second.subject()), ("a:alice".into(), "b:alice".into()));
    assert_eq!(first.email, second.email);
    let ([code, iss], verifier) = two.authorize(&mut two.op.browser(), "alice").await;
    let outcome = one.client.identify((&code, Some(&iss)), &verifier).await;
    assert!(matches!(outcome, Err(OidcError::Invalid(_))), "{outcome:?}");
    let lied = one.client.identify((&code, Some(&one.op.issuer)), &verifier).await;
    assert!(matches!(lied, Err(OidcError::Refused(_))), "{lied:?}");
    let without = one.client.identify((&code, None), &verifier).await;
    assert!(matches!(without, Err(OidcError::Invalid(_))), "{without:?}");
}

#[tokio::test]
async fn a_logout_at_the_provider_is_announced() {
    let receiver = StandIn::start();
    receiver.json("/backchannel-logout/a", json!({}));
    let real = start("a", json!({ "logout": format!("{}/backchannel-logout/a", receiver.base) }));
    real.op.add("alice", &["staff"]).await;
    let mut browser = real.op.browser();
    let sighting = real.log_in_from(&mut browser, "alice").await;
    assert!(sighting.sid.is_some());
    real.op.log_out(&mut browser).await;
    eventually("a logout token", || receiver.count("/backchannel-logout/a") == 1);
    let body = receiver.seen("/backchannel-logout/a").remove(0).body;
    let mut form = form_urlencoded::parse(body.as_bytes()).into_owned();
    let (_, token) = form.find(|(name, _)| name == "logout_token").unwrap();
    let Logout { id, sid, .. } = real.client.logout(&token).await.unwrap();
    assert_eq!((id.as_deref(), &sid), (Some("alice"), &sighting.sid));
    // At another provider it is nothing, and it is no ID token.
    let other = start("b", json!({}));
    assert!(matches!(other.client.logout(&token).await, Err(OidcError::Invalid(_))));
    // What has offline access is not ended by a logout (§2.7).
    assert!(real.refresh(&sighting).await.is_ok());
}
