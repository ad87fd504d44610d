//! A gateway with real OpenID providers beside GitHub and login codes.

use gateway_tests::{
    browser::{Browser, Page},
    openid::OpenIdProvider,
};
use serde_json::{Value, json};
use tempfile::TempDir;

pub(crate) use crate::provider_login::{set_real_time, table, until};
use crate::{
    provider_login::{consent_page, try_tokens},
    support::{Answer, App, Gateway, ISSUER, TIME},
};

/// A gateway and its providers, `a` and `b`, with the time of this machine.
pub(crate) struct WithProviders {
    pub(crate) gateway: Gateway,
    pub(crate) a: OpenIdProvider,
    pub(crate) b: OpenIdProvider,
    _directory: TempDir,
}

/// The options of a provider whose name is `name`.
fn options(name: &str) -> Value {
    json!({ "redirect": format!("{ISSUER}/callback/{name}") })
}

impl WithProviders {
    /// Starts a gateway with the access file `policy`, to which the providers are added.
    pub(crate) fn start(policy: &str, settings: &[(&str, &str)]) -> Self {
        Self::start_with(policy, settings, |_| {})
    }

    /// Starts one whose providers have the options that `change` makes.
    pub(crate) fn start_with(
        policy: &str,
        settings: &[(&str, &str)],
        change: impl Fn(&mut Value),
    ) -> Self {
        let start = |name| {
            let mut options = options(name);
            change(&mut options);
            OpenIdProvider::start(&options)
        };
        let (a, b) = (start("a"), start("b"));
        let directory = tempfile::tempdir().unwrap();
        let file = directory.path().join("access.toml");
        let text = format!("{policy}\n{}{}", table("a", &a), table("b", &b));
        std::fs::write(&file, text).unwrap();
        let file = file.display().to_string();
        let own = [
            ("ACCESS_FILE", file.as_str()),
            ("ALLOWED_GITHUB_USERS", ""),
            ("SECRET", OpenIdProvider::CLIENT.1),
        ];
        let gateway = Gateway::with(&[&own[..], settings].concat());
        set_real_time(&gateway);
        Self { gateway, a, b, _directory: directory }
    }

    pub(crate) fn op(&self, name: &str) -> &OpenIdProvider {
        if name == "a" { &self.a } else { &self.b }
    }

    /// The consent page of a new browser, with its verifier.
    pub(crate) async fn page(&self, app: &App, resource: &str) -> (Browser, Page, String) {
        consent_page(&self.gateway, app, resource).await
    }

    /// Tokens of `person` of the provider `name` for the server at `resource`, or the answer without a code.
    pub(crate) async fn try_tokens(
        &self,
        app: &App,
        whom: (&str, &str),
        resource: &str,
    ) -> Result<Answer, Page> {
        try_tokens((&self.gateway, self.op(whom.0)), app, whom, resource).await
    }

    /// Tokens of `person` of the provider `name`.
    pub(crate) async fn tokens(&self, app: &App, whom: (&str, &str), resource: &str) -> Answer {
        let tokens = self.try_tokens(app, whom, resource).await.unwrap();
        assert_eq!(tokens.status, 200, "{tokens:?}");
        tokens
    }

    pub(crate) async fn status(&self, token: &str) -> u16 {
        self.gateway.verify(TIME, token).await.status
    }
}
