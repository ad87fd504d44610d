//! A real OpenID provider: `oidc-provider` of npm, in a process of its own (`tests/providers/oidc.mjs`).

use std::{
    io::{BufRead, BufReader},
    path::Path,
    process::{Child, Command, Stdio},
};

use serde_json::{Value, json};
use url::Url;

use crate::{
    browser::{Browser, Page},
    provider::{Provider, http},
};

/// A running provider, gone when dropped.
pub struct OpenIdProvider {
    /// Its issuer identifier, on loopback.
    pub issuer: String,
    http: reqwest::Client,
    process: Child,
}

impl OpenIdProvider {
    /// The only client it knows, with a secret that has to be encoded.
    pub const CLIENT: (&'static str, &'static str) = ("gateway", "gateway secret/+%");

    /// Starts one with the options that `oidc.mjs` describes, and waits until it listens.
    pub fn start(options: &Value) -> Self {
        let root = Path::new(env!("CARGO_MANIFEST_DIR"));
        let packages = root.join("../.tools/providers");
        assert!(packages.is_dir(), "{} is missing: scripts/test installs it", packages.display());
        let mut process = Command::new("node")
            .arg(root.join("providers/oidc.mjs"))
            .arg(packages)
            .arg(options.to_string())
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .expect("node is installed");
        let mut line = String::new();
        let output = process.stdout.take().expect("its output");
        BufReader::new(output).read_line(&mut line).expect("a line");
        assert!(line.starts_with("http://127.0.0.1:"), "it did not start: {line}");
        Self { issuer: line.trim().to_owned(), http: http(), process }
    }

    /// Adds a person, or changes their claims.
    pub async fn set_person(&self, id: &str, claims: &Value) {
        let url = format!("{}/test/people/{id}", self.issuer);
        self.administer(self.http.put(url).body(claims.to_string())).await;
    }

    /// Adds a person with the usual claims and these groups.
    pub async fn add(&self, id: &str, groups: &[&str]) {
        let claims = json!({
            "name": format!("The {id}"),
            "preferred_username": id,
            "email": format!("{id}@example.org"),
            "email_verified": true,
            "groups": groups,
        });
        self.set_person(id, &claims).await;
    }

    /// Deletes the account of a person.
    pub async fn remove(&self, id: &str) {
        self.administer(self.http.delete(format!("{}/test/people/{id}", self.issuer))).await;
    }

    /// Replaces the signing keys.
    pub async fn rotate_keys(&self) {
        self.administer(self.http.post(format!("{}/test/rotate", self.issuer))).await;
    }

    async fn administer(&self, request: reqwest::RequestBuilder) {
        assert_eq!(request.send().await.expect("an answer").status(), 204);
    }

    /// A browser that has no session there.
    pub fn browser(&self) -> Browser {
        Browser::new(self.http.clone())
    }

    /// Logs `person` in from the authorization URL, consents, and returns the callback URL.
    pub async fn log_in(&self, browser: &mut Browser, from: &str, person: &str) -> Url {
        let mut page = browser.get(&Url::parse(from).expect("a URL")).await;
        for _ in 0..12 {
            if let Some(next) = page.next() {
                if !next.as_str().starts_with(&self.issuer) {
                    return next;
                }
                page = browser.get(&next).await;
                continue;
            }
            let prompt = page.hidden("prompt");
            let form = [("prompt", prompt.as_str()), ("login", person), ("password", "any")];
            page = browser.post(&page.url.clone(), &form).await;
        }
        panic!("the login does not end: {page:?}");
    }

    /// Logs out in `browser`, as with the button of another application.
    pub async fn log_out(&self, browser: &mut Browser) -> Page {
        let end = Url::parse(&format!("{}/session/end", self.issuer)).expect("a URL");
        let page = browser.get(&end).await;
        let xsrf = page.hidden("xsrf");
        let confirm = end.join("/session/end/confirm").expect("a URL");
        browser.post(&confirm, &[("xsrf", &xsrf), ("logout", "yes")]).await
    }
}

impl Provider for OpenIdProvider {
    fn issuer(&self) -> &str {
        &self.issuer
    }

    fn client(&self) -> (&str, &str) {
        Self::CLIENT
    }

    async fn log_in(&self, browser: &mut Browser, from: &str, person: &str) -> Url {
        Self::log_in(self, browser, from, person).await
    }
}

impl Drop for OpenIdProvider {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}
