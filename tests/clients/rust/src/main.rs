//! The official Rust SDK as a headless client of the gateway.
//!
//! Reads commands from its input and writes answers to its output, a line of JSON each; see
//! `tests/src/sdk.rs`. `SSL_CERT_FILE` names the CA.

use std::{env, error::Error, fs, io};

use gateway_tests::browser::Browser;
use rmcp::{
    RoleClient, ServiceExt,
    model::CallToolRequestParams,
    service::{RunningService, ServiceError},
    transport::{
        AuthClient, AuthorizationManager, AuthorizationRequest, StreamableHttpClientTransport,
        auth::{
            AuthorizationCallback, CredentialStore, InMemoryCredentialStore, OAuthState,
            WWWAuthenticateParams,
        },
        streamable_http_client::StreamableHttpClientTransportConfig,
    },
};
use serde_json::{Value, json};
use url::Url;

type Result<T> = std::result::Result<T, Box<dyn Error>>;

/// One client at one server.
struct Connection {
    http: reqwest::Client,
    url: Url,
    callback: String,
    login_code: Option<String>,
    logins: u32,
    store: InMemoryCredentialStore,
    client: AuthClient<reqwest::Client>,
    service: RunningService<RoleClient, ()>,
}

/// A person at a browser: from the authorization URL to the URL that the client gets called at.
async fn log_in(
    http: &reqwest::Client,
    authorize: &str,
    callback: &str,
    code: Option<&str>,
) -> Result<String> {
    let mut browser = Browser::new(http.clone());
    let page = browser.get(&Url::parse(authorize)?).await;
    let decision = if code.is_some() { "local" } else { "github" };
    let done = browser.decide(&page, decision, code.unwrap_or_default()).await;
    Ok(browser.follow(done, &format!("{callback}?")).await.into())
}

impl Connection {
    async fn open(command: &Value) -> Result<Self> {
        let text = |name: &str| command[name].as_str().map(str::to_owned);
        let (url, callback) = (text("url").ok_or("url")?, text("callback").ok_or("callback")?);
        let login_code = text("login_code");
        let authority = reqwest::Certificate::from_pem(&fs::read(env::var("SSL_CERT_FILE")?)?)?;
        let http = reqwest::Client::builder()
            .tls_certs_only([authority])
            .redirect(reqwest::redirect::Policy::none())
            // Servers close an idle connection after some seconds, perhaps while it is used again.
            .pool_idle_timeout(std::time::Duration::from_secs(2))
            .no_proxy()
            .build()?;

        let store = InMemoryCredentialStore::new();
        let mut manager = AuthorizationManager::new(&url).await?;
        manager.with_client(http.clone())?;
        manager.set_credential_store(store.clone());
        let mut state = OAuthState::Unauthorized(manager);
        let mut request = AuthorizationRequest::new(&callback).with_client_name("Rust SDK driver");
        if let Some(id) = text("client_id") {
            request = request.with_client_metadata_url(id);
        }
        state.start_authorization(request).await?;
        let authorize = state.get_authorization_url().await?;
        let back = log_in(&http, &authorize, &callback, login_code.as_deref()).await?;
        state.handle_callback_url(&back).await?;
        let manager = state.into_authorization_manager().ok_or("not authorized")?;

        let client = AuthClient::new(http.clone(), manager);
        let config = StreamableHttpClientTransportConfig::with_uri(url.as_str());
        let transport = StreamableHttpClientTransport::with_client(client.clone(), config);
        let service = ().serve(transport).await?;
        let url = Url::parse(&url)?;
        Ok(Self { http, url, callback, login_code, logins: 1, store, client, service })
    }

    async fn tools(&self) -> Result<Value> {
        let tools = self.service.list_all_tools().await?;
        Ok(json!({ "tools": tools.into_iter().map(|tool| tool.name).collect::<Vec<_>>() }))
    }

    /// Calls a tool; a challenge for more scope is answered with the SDK's upgrade, and a second try.
    async fn call(&mut self, command: &Value) -> Result<Value> {
        let result = match self.try_to_call(command).await {
            Err(error) => {
                let challenge = error.auth_challenge().map(str::to_owned).ok_or(error)?;
                self.step_up(&challenge).await?;
                self.try_to_call(command).await?
            }
            Ok(result) => result,
        };
        Ok(json!({ "result": result }))
    }

    async fn try_to_call(&self, command: &Value) -> std::result::Result<Value, ServiceError> {
        let tool = command["tool"].as_str().unwrap_or_default().to_owned();
        let arguments = command["arguments"].as_object().cloned().unwrap_or_default();
        let request = CallToolRequestParams::new(tool).with_arguments(arguments);
        let result = self.service.call_tool(request).await?;
        Ok(serde_json::to_value(result).expect("a result is JSON"))
    }

    async fn step_up(&mut self, challenge: &str) -> Result<()> {
        let asked = WWWAuthenticateParams::parse(challenge, &self.url);
        assert!(asked.is_insufficient_scope(), "{challenge}");
        let manager = self.client.auth_manager.lock().await;
        let scope = asked.scope.ok_or("the challenge names no scope")?;
        let authorize = manager.request_scope_upgrade(&scope).await?;
        let code = self.login_code.as_deref();
        let back = log_in(&self.http, &authorize, &self.callback, code).await?;
        let back = AuthorizationCallback::from_redirect_url(&back)?;
        let issuer = back.issuer.as_deref();
        manager.exchange_code_for_token_with_issuer(&back.code, &back.csrf_token, issuer).await?;
        self.logins += 1;
        Ok(())
    }

    /// Makes the access token old by the clock, so that the SDK refreshes it before the next request.
    async fn expire(&self) -> Result<()> {
        let mut credentials = self.store.load().await?.ok_or("no credentials")?;
        credentials.token_received_at = Some(0);
        Ok(self.store.save(credentials).await?)
    }

    async fn answer(&self, mut answer: Value) -> Result<Value> {
        answer["token"] = self.client.get_access_token().await?.into();
        answer["logins"] = self.logins.into();
        Ok(answer)
    }
}

#[tokio::main]
async fn main() -> Result<()> {
    let mut connection: Option<Connection> = None;
    for line in io::stdin().lines() {
        let command: Value = serde_json::from_str(&line?)?;
        let answer = match (command["do"].as_str(), connection.as_mut()) {
            (Some("open"), _) => {
                let opened = connection.insert(Connection::open(&command).await?);
                opened.answer(opened.tools().await?).await?
            }
            (Some(what), Some(open)) => {
                if what == "expire-and-call" {
                    open.expire().await?;
                }
                let answer = open.call(&command).await?;
                open.answer(answer).await?
            }
            _ => return Err("open first".into()),
        };
        println!("{answer}");
    }
    Ok(())
}
