//! A login at the stand-in, every part of which a test can change.

use std::{
    collections::HashMap,
    sync::{
        Arc,
        atomic::{AtomicI64, Ordering::SeqCst},
    },
};

use auth_service::{
    config::OidcProvider,
    model::{Clock, Groups, Prompt, ProviderName, Sighting, UnixTime},
    upstream::{LoginRequest, LoginStart, OidcClient, OidcError},
};
use serde_json::{Value, json};
use url::Url;

use crate::{
    signer::{ALGORITHMS, OWN, Signer},
    standin::StandIn,
};

pub(crate) const CALLBACK: &str = "https://auth.gw.example/callback/own";
pub(crate) const DISCOVERY: &str = "/.well-known/openid-configuration";
pub(crate) const CLIENT: &str = "gateway";
const START: i64 = 1_800_000_000;

/// A clock that a test sets.
pub(crate) struct TestClock(AtomicI64);

impl TestClock {
    pub(crate) fn advance(&self, seconds: i64) {
        self.0.fetch_add(seconds, SeqCst);
    }
}

impl Clock for TestClock {
    fn now(&self) -> UnixTime {
        UnixTime(self.0.load(SeqCst))
    }
}

/// A stand-in with the client under test.
pub(crate) struct Login {
    pub(crate) op: StandIn,
    pub(crate) client: OidcClient,
    pub(crate) clock: Arc<TestClock>,
}

/// A signed ID token to be: its header, its claims, and the key.
pub(crate) struct Token {
    pub(crate) header: Value,
    pub(crate) claims: Value,
    pub(crate) algorithm: &'static str,
    pub(crate) signer: &'static Signer,
}

impl Token {
    pub(crate) fn sign(&self) -> String {
        self.signer.sign(self.algorithm, &self.header, &self.claims.to_string())
    }

    /// Replaces a claim, or removes it with `null`.
    pub(crate) fn with(mut self, claim: &str, value: Value) -> Self {
        set(&mut self.claims, claim, value);
        self
    }

    pub(crate) fn with_header(mut self, member: &str, value: Value) -> Self {
        set(&mut self.header, member, value);
        self
    }
}

fn set(object: &mut Value, member: &str, value: Value) {
    if value.is_null() {
        object.as_object_mut().unwrap().remove(member);
    } else {
        object[member] = value;
    }
}

impl Login {
    /// The stand-in with good answers, and a client with the usual settings.
    pub(crate) fn start() -> Self {
        Self::with(|_| {})
    }

    /// The same, with changed settings.
    pub(crate) fn with(change: impl FnOnce(&mut OidcProvider)) -> Self {
        let op = StandIn::start();
        op.json(DISCOVERY, discovery(&op.base));
        let keys: Vec<Value> = ["RS256", "ES256", "ES384", "EdDSA"]
            .map(|algorithm| OWN.jwk(algorithm, kid(algorithm)))
            .into();
        op.json("/jwks", json!({ "keys": keys }));
        let secret = Some("secret".to_owned().into());
        let mut provider = OidcProvider::new(op.base.clone(), CLIENT.to_owned(), secret);
        change(&mut provider);
        let clock = Arc::new(TestClock(AtomicI64::new(START)));
        let name = ProviderName::parse("own").unwrap();
        let shared = Arc::clone(&clock);
        let client = OidcClient::new(name, provider, CALLBACK.to_owned(), shared).unwrap();
        Self { op, client, clock }
    }

    /// Begins a login, and returns the parameters of the authorization request.
    pub(crate) async fn begin(&self) -> (LoginStart, HashMap<String, String>) {
        let request = LoginRequest { state: "state", prompt: Prompt::Needed, offline: true };
        let start = self.client.start(&request).await.unwrap();
        let query = query(&start.url);
        (start, query)
    }

    /// The token of a good answer.
    pub(crate) fn token(&self, nonce: &str) -> Token {
        let now = self.clock.now().0;
        let claims = json!({
            "iss": self.op.base,
            "sub": "u1",
            "aud": CLIENT,
            "exp": now + 300,
            "iat": now,
            "nonce": nonce,
            "sid": "s1",
            "preferred_username": "alice",
            "name": "Alice",
            "email": "alice@acme.com",
            "email_verified": true,
            "groups": ["staff"],
        });
        let header = json!({ "alg": "RS256", "typ": "JWT", "kid": kid("RS256") });
        Token { header, claims, algorithm: "RS256", signer: &OWN }
    }

    /// Completes a login with the token that `change` makes of a good one.
    pub(crate) async fn log_in(
        &self,
        change: impl FnOnce(Token) -> Token,
    ) -> Result<Sighting, OidcError> {
        self.log_in_with(|token| change(token).sign()).await
    }

    /// Completes a login with the text that `sign` makes of a good token.
    pub(crate) async fn log_in_with(
        &self,
        sign: impl FnOnce(Token) -> String,
    ) -> Result<Sighting, OidcError> {
        let (start, query) = self.begin().await;
        let token = sign(self.token(&query["nonce"]));
        self.op.json("/token", tokens(Some(&token)));
        self.client.identify(("code", None), &start.verifier).await
    }
}

/// The answer of the token endpoint.
pub(crate) fn tokens(id_token: Option<&str>) -> Value {
    let mut answer = json!({
        "access_token": "access",
        "token_type": "Bearer",
        "expires_in": 3600,
        "refresh_token": "refresh-2",
    });
    set(&mut answer, "id_token", id_token.map_or(Value::Null, |token| json!(token)));
    answer
}

pub(crate) fn discovery(base: &str) -> Value {
    json!({
        "issuer": base,
        "authorization_endpoint": format!("{base}/authorize?tenant=1"),
        "token_endpoint": format!("{base}/token"),
        "jwks_uri": format!("{base}/jwks"),
        "userinfo_endpoint": format!("{base}/userinfo"),
        "scopes_supported": ["openid", "profile", "email", "groups", "offline_access"],
        "id_token_signing_alg_values_supported": ALGORITHMS,
    })
}

pub(crate) fn kid(algorithm: &str) -> &'static str {
    match algorithm {
        "ES256" => "p256",
        "ES384" => "p384",
        "EdDSA" => "ed",
        _ => "rsa",
    }
}

pub(crate) fn query(url: &str) -> HashMap<String, String> {
    Url::parse(url).unwrap().query_pairs().into_owned().collect()
}

pub(crate) fn groups(groups: &[&str]) -> Groups {
    Groups::Known(groups.iter().map(|&group| group.to_owned()).collect())
}

/// Fails unless the error is that of a failed check, with this text.
pub(crate) fn assert_invalid<T: std::fmt::Debug>(outcome: Result<T, OidcError>, why: &str) {
    match outcome {
        Err(OidcError::Invalid(text)) => assert!(text.contains(why), "{text:?} is not {why:?}"),
        other => panic!("{why}: {other:?}"),
    }
}

#[tokio::test]
async fn a_good_answer_gives_the_facts() {
    let login = Login::start();
    let sighting = login.log_in(|token| token).await.unwrap();
    assert_eq!(sighting.subject(), "own:u1");
    assert_eq!(sighting.login.as_deref(), Some("alice"));
    assert_eq!(sighting.display_name.as_deref(), Some("Alice"));
    assert_eq!(sighting.email.as_deref(), Some("alice@acme.com"));
    assert_eq!(sighting.groups, groups(&["staff"]));
    assert_eq!(sighting.sid.as_deref(), Some("s1"));
    assert!(sighting.token.is_some());
    assert!(!format!("{sighting:?}").contains("refresh-2"), "secrets are redacted");
    assert_eq!(login.op.count("/userinfo"), 0, "nothing was missing");
}
