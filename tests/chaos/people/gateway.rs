//! The gateway as clients see it: requests whose answers are outcomes, and the history they go into.

use std::{
    net::SocketAddr,
    sync::atomic::{AtomicBool, Ordering::SeqCst},
    time::Duration,
};

use gateway_tests::chaos::history::{Act, History, Id, Outcome, Path, Target, Tokens, Way};
use reqwest::{RequestBuilder, Response, StatusCode, header};
use serde_json::{Value, json};

use super::Vault;
use crate::{
    names::{Name, PUBLIC_PORT},
    stack::{DOMAIN, SERVER, Stack, issuer, server_url},
};

/// The longest time that a client waits for an answer.
const PATIENCE: Duration = Duration::from_secs(5);

/// The reason of an answer that its client did not wait for.
pub const HUNG_UP: &str = "the client hung up";

/// The tokens of a token response, as they came.
#[derive(Clone, Debug)]
pub struct Issued {
    /// The access token.
    pub access: String,
    /// The refresh token.
    pub refresh: String,
}

/// The gateway.
pub struct Gateway {
    /// What runs.
    pub stack: Stack,
    /// What clients saw.
    pub history: History,
    /// The tokens of all people.
    pub vault: Vault,
    /// Reaches Traefik.
    pub edge: reqwest::Client,
    direct: reqwest::Client,
    /// `true` once people are to finish.
    pub is_over: AtomicBool,
}

impl Gateway {
    /// Makes the clients of `stack`.
    pub fn new(stack: Stack) -> Self {
        let direct = reqwest::Client::builder().no_proxy().build().expect("a client");
        let edge = stack.http();
        let (history, vault) = (History::default(), Vault::default());
        Self { stack, history, vault, edge, direct, is_over: AtomicBool::new(false) }
    }

    /// Returns `true` once people are to finish.
    pub fn is_over(&self) -> bool {
        self.is_over.load(SeqCst)
    }

    /// Registers a public client of this name.
    pub async fn register(&self, name: &str) -> Outcome<String> {
        let began = self.history.now();
        let metadata = json!({
            "client_name": name,
            "redirect_uris": [super::connect::CALLBACK],
            "token_endpoint_auth_method": "none",
        });
        let request = self.edge.post(format!("{}/register", issuer())).json(&metadata);
        let outcome = body(request, PATIENCE).await;
        let outcome = text(outcome, "client_id");
        let id = outcome.clone().map(|id| Id::of(&id));
        self.history.add(began, Act::Register(id));
        outcome
    }

    /// Redeems a code.
    pub async fn redeem(&self, path: Path, code: &str, form: &[(&str, &str)]) -> Outcome<Issued> {
        let began = self.history.now();
        let outcome = issued(body(self.token(path).form(form), PATIENCE).await);
        self.history.add(began, Act::Redeem(Id::of(code), path, names(&outcome)));
        outcome
    }

    /// Uses a refresh token, and waits no longer than `patience`.
    pub async fn refresh(
        &self,
        path: Path,
        (client, token): (&str, &str),
        patience: Duration,
    ) -> Outcome<Issued> {
        let began = self.history.now();
        let form =
            [("grant_type", "refresh_token"), ("client_id", client), ("refresh_token", token)];
        let outcome = issued(body(self.token(path).form(&form), patience).await);
        self.history.add(began, Act::Refresh(Id::of(token), path, names(&outcome)));
        outcome
    }

    /// The same with the patience of a client.
    pub async fn patient_refresh(&self, path: Path, token: (&str, &str)) -> Outcome<Issued> {
        self.refresh(path, token, PATIENCE).await
    }

    /// Calls the tool of the server, or asks an instance whether the call would be allowed.
    pub async fn call(&self, path: Path, token: &str) -> Outcome<()> {
        let began = self.history.now();
        let request = match path {
            Path::Edge => self.edge.post(server_url()).json(&json!({
                "jsonrpc": "2.0", "id": 1, "method": "tools/call",
                "params": { "name": "read", "arguments": { "path": "/proc/version" } },
            })),
            Path::Instance(number) => self
                .direct
                .get(format!("http://{}/verify", Name::Auth(number).address()))
                .header("X-Forwarded-Method", "POST")
                .header("X-Forwarded-Proto", "https")
                .header("X-Forwarded-Host", format!("{SERVER}.{DOMAIN}:{PUBLIC_PORT}"))
                .header("X-Forwarded-Uri", "/mcp"),
        };
        let request = request.header(header::ACCEPT, "application/json, text/event-stream");
        let outcome = outcome(request.bearer_auth(token), PATIENCE).await.map(drop);
        self.history.add(began, Act::Call(Id::of(token), path, outcome.clone()));
        outcome
    }

    /// Opens a stream of the server.
    pub async fn stream(&self, token: &str) -> Option<Response> {
        let request = self.edge.get(server_url()).bearer_auth(token);
        let request = request.header(header::ACCEPT, "text/event-stream");
        let answer = tokio::time::timeout(PATIENCE, request.send()).await.ok()?.ok()?;
        (answer.status() == StatusCode::OK).then_some(answer)
    }

    /// Revokes a token of a client (RFC 7009), until the answer is known or the run is over.
    pub async fn revoke(&self, client: &str, token: &str, target: Target) -> Outcome<()> {
        loop {
            let began = self.history.now();
            let form = [("client_id", client), ("token", token)];
            let request = self.edge.post(format!("{}/revoke", issuer())).form(&form);
            let outcome = outcome(request, PATIENCE).await.map(drop);
            let act = Act::Revoke(target.clone(), Way::Endpoint, outcome.clone());
            self.history.add(began, act);
            if !outcome.is_unknown() || self.is_over() {
                return outcome;
            }
            tokio::time::sleep(Duration::from_millis(300)).await;
        }
    }

    /// A request to the token endpoint.
    fn token(&self, path: Path) -> RequestBuilder {
        match path {
            Path::Edge => self.edge.post(format!("{}/token", issuer())),
            Path::Instance(number) => {
                let address: SocketAddr = Name::Auth(number).address();
                let host = format!("auth.{DOMAIN}:{PUBLIC_PORT}");
                self.direct.post(format!("http://{address}/token")).header(header::HOST, host)
            }
        }
    }
}

/// Sends a request. Statuses that a client takes as final are refusals; all others are unknown.
async fn outcome(request: RequestBuilder, patience: Duration) -> Outcome<String> {
    let exchange = async {
        let answer = request.send().await?;
        let status = answer.status();
        Ok::<_, reqwest::Error>((status, answer.text().await?))
    };
    match tokio::time::timeout(patience, exchange).await {
        Err(_) if patience < PATIENCE => Outcome::Unknown(HUNG_UP.into()),
        Err(_) => Outcome::Unknown("no answer in time".into()),
        Ok(Err(error)) => Outcome::Unknown(short(&error)),
        Ok(Ok((status, text))) if status.is_success() => Outcome::Done(text),
        Ok(Ok((status, text))) => {
            let parsed: Value = serde_json::from_str(&text).unwrap_or_default();
            let error = parsed["error"].as_str().unwrap_or("").to_owned();
            let said = format!("{} {error}", status.as_u16());
            match status {
                StatusCode::BAD_REQUEST | StatusCode::UNAUTHORIZED => Outcome::Refused(said),
                _ => Outcome::Unknown(said),
            }
        }
    }
}

/// Sends a request whose answer is JSON.
async fn body(request: RequestBuilder, patience: Duration) -> Outcome<Value> {
    match outcome(request, patience).await {
        Outcome::Done(text) => match serde_json::from_str(&text) {
            Ok(value) => Outcome::Done(value),
            Err(_) => Outcome::Unknown("an answer that is no JSON".into()),
        },
        Outcome::Refused(why) => Outcome::Refused(why),
        Outcome::Unknown(why) => Outcome::Unknown(why),
    }
}

fn text(outcome: Outcome<Value>, member: &str) -> Outcome<String> {
    outcome.map(|value| value[member].as_str().unwrap_or("").to_owned())
}

fn issued(outcome: Outcome<Value>) -> Outcome<Issued> {
    let member = |value: &Value, name: &str| value[name].as_str().expect("a token").to_owned();
    outcome.map(|value| Issued {
        access: member(&value, "access_token"),
        refresh: member(&value, "refresh_token"),
    })
}

/// Returns the names of tokens in the history.
fn names(outcome: &Outcome<Issued>) -> Outcome<Tokens> {
    outcome
        .clone()
        .map(|issued| Tokens { access: Id::of(&issued.access), refresh: Id::of(&issued.refresh) })
}

/// Returns the kind of an error, without the URL, which may hold a code.
fn short(error: &reqwest::Error) -> String {
    let kind = match error {
        _ if error.is_connect() => "no connection",
        _ if error.is_timeout() => "no answer in time",
        _ => "the connection broke",
    };
    kind.to_owned()
}
