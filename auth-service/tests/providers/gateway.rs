//! A gateway with one provider, `a`, whose people are admitted by groups.

use gateway_tests::provider::Provider;
use reqwest::StatusCode;
use tempfile::TempDir;

use crate::{
    provider_login::{set_real_time, table, try_tokens, until},
    support::{Answer, App, Gateway, TIME, grants},
};

/// Where the provider sends people back.
pub(crate) const BACK: &str = "https://auth.gw.example/callback/a";

/// Guests log in, and no rule allows them a server.
const POLICY: &str = r#"
[login]
allow = ["group:a:staff", "group:a:guests"]
[[rule]]
who = ["group:a:staff"]
servers = ["*"]
"#;

/// The gateway, its provider, and an app.
pub(crate) struct Behind<P> {
    pub(crate) op: P,
    pub(crate) gateway: Gateway,
    pub(crate) app: App,
    _directory: TempDir,
}

impl<P: Provider> Behind<P> {
    pub(crate) async fn start(op: P) -> Self {
        let directory = tempfile::tempdir().unwrap();
        let file = directory.path().join("access.toml");
        std::fs::write(&file, format!("{POLICY}{}", table("a", &op))).unwrap();
        let settings = [
            ("ACCESS_FILE", file.to_str().unwrap()),
            ("ALLOWED_GITHUB_USERS", ""),
            ("SECRET", op.client().1),
            ("FACTS_CHECK_INTERVAL", "10"),
            ("FACTS_GRACE", "10"),
        ];
        let gateway = Gateway::with(&settings);
        set_real_time(&gateway);
        let app = gateway.app().await;
        Self { op, gateway, app, _directory: directory }
    }

    /// Tokens of a person who is admitted.
    pub(crate) async fn tokens(&self, person: &str) -> Answer {
        let provider = (&self.gateway, &self.op);
        let tokens = try_tokens(provider, &self.app, ("a", person), TIME).await.unwrap();
        assert_eq!(tokens.status, 200, "{tokens:?}");
        tokens
    }

    /// Checks that a person gets no code, but the page that denies the server.
    pub(crate) async fn assert_refused(&self, person: &str) {
        let provider = (&self.gateway, &self.op);
        let refused = try_tokens(provider, &self.app, ("a", person), TIME).await.unwrap_err();
        assert_eq!(refused.status, StatusCode::FORBIDDEN, "{refused:?}");
        assert!(refused.body.contains("may not use"), "{}", refused.body);
    }

    /// The answer of `/verify`.
    pub(crate) async fn verify(&self, tokens: &Answer) -> Answer {
        self.gateway.verify(TIME, &tokens.text("access_token")).await
    }

    /// Checks that a person is admitted as `subject` with this name.
    pub(crate) async fn assert_admitted(&self, tokens: &Answer, subject: &str, name: &str) {
        let identity = self.verify(tokens).await;
        assert_eq!(identity.status, 200, "{identity:?}");
        assert_eq!(identity.headers["x-user-id"], subject);
        assert_eq!(identity.headers["x-user-name"], name);
    }

    pub(crate) async fn refresh(&self, tokens: &Answer) -> Answer {
        self.gateway.refresh(&self.app, &tokens.text("refresh_token")).await
    }

    /// Lets the time pass after which people are checked again.
    pub(crate) fn pass_interval(&self) {
        self.gateway.clock.advance(11);
    }

    /// Checks that the next refresh after the interval is denied, and that the grant is ended with its tokens.
    pub(crate) async fn assert_out_at_refresh(&self, tokens: &Answer) {
        assert_eq!(self.verify(tokens).await.status, 200, "not checked yet");
        let before = grants(&self.gateway).await.len();
        self.pass_interval();
        let refused = self.refresh(tokens).await;
        assert_eq!(refused.error(), (400, "invalid_grant"));
        assert_eq!(self.verify(tokens).await.status, 401);
        assert_eq!(grants(&self.gateway).await.len(), before - 1, "the grant is ended");
    }

    /// Checks that the person is out by the schedule, without a refresh.
    pub(crate) async fn assert_out_on_schedule(&self, tokens: &Answer) {
        assert_eq!(self.verify(tokens).await.status, 200, "not checked yet");
        self.pass_interval();
        until("the grant ends", async || self.verify(tokens).await.status == 401).await;
    }
}
