//! The content of the consent page: a request in words for the person who decides.

use std::time::Duration;

use super::{flow_state::open_page, pending::STEP};
use crate::{
    model::{
        AuthorizationRequest, Catalogue, ClientId, CsrfToken, McpServer, PendingAuthorization,
        Prompt, ProviderName, RedirectUri, Reply, ResourceUri, Scopes, SealedAuthorization, User,
    },
    oauth::{BrowserContext, ConsentFlow, Core, Error, Sessions},
    upstream::LoginProvider,
};

/// The data of the consent page.
#[derive(Debug)]
pub struct ConsentPage {
    /// The pending authorization that the form returns.
    pub flow: SealedAuthorization,
    /// The CSRF token that the form returns.
    pub csrf: CsrfToken,
    /// The display name of the client.
    pub client_name: String,
    /// The identifier of the client.
    pub client_id: ClientId,
    /// The source of the client's name.
    pub client_origin: ClientOrigin,
    /// The redirect URI, unless a device polls for the outcome.
    pub redirect_uri: Option<RedirectUri>,
    /// The destination of the response.
    pub destination: Destination,
    /// The requested servers.
    pub servers: Vec<ServerLabel>,
    /// The servers to choose from, if the client named none.
    pub choices: Vec<ServerLabel>,
    /// The requested scopes.
    pub scopes: Vec<ScopeLabel>,
    /// The maximum duration of the access, or `None` if it lasts until it is revoked.
    pub lasts: Option<Duration>,
    /// The time without use after which the access ends.
    pub lasts_unused: Duration,
    /// The name of the logged-in person, if the policy allows them the request.
    pub person: Option<String>,
    /// `true` if that person consented to the same request before.
    pub remembers_consent: bool,
    /// The available login methods.
    pub ways: LoginWays,
    /// The account that the policy denied.
    pub refused: Option<String>,
    /// The reason that the page is shown again.
    pub remark: Option<Remark>,
}

/// The source of a client's name.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ClientOrigin {
    /// A client metadata document, which this host publishes.
    Published(String),
    /// The operator, who registered the client.
    Operator,
    /// The client itself.
    Unverified,
}

/// A server in words.
#[derive(Debug)]
pub struct ServerLabel {
    /// The display name from the catalogue.
    pub title: String,
    /// The public URL of the server.
    pub resource: String,
}

impl ServerLabel {
    /// Returns the label of `server`.
    #[must_use]
    pub fn of(server: &McpServer) -> Self {
        Self { title: server.title.clone(), resource: server.resource.to_string() }
    }
}

/// A scope in words.
#[derive(Debug)]
pub struct ScopeLabel {
    /// The scope as the client requested it.
    pub scope: String,
    /// The description from the catalogue, if there is one.
    pub words: Option<String>,
}

/// The reason that a consent page is shown again.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Remark {
    /// The login code is wrong.
    WrongCode,
    /// The policy denied the account that logged in.
    Refused,
    /// The form has expired, or the browser lost its cookies.
    Stale,
    /// The callback of the login provider came too late, or the browser lost its cookies.
    Interrupted,
}

impl ConsentPage {
    /// Returns `true` if the login code was wrong.
    #[must_use]
    pub fn wrong_code(&self) -> bool {
        self.remark == Some(Remark::WrongCode)
    }

    /// Returns `true` if the form or the callback of an earlier page could not be used.
    #[must_use]
    pub fn interrupted(&self) -> bool {
        matches!(self.remark, Some(Remark::Stale | Remark::Interrupted))
    }

    /// Returns `true` if at least one scope has a description.
    #[must_use]
    pub fn says_what(&self) -> bool {
        self.scopes.iter().any(|label| label.words.is_some())
    }
}

/// The destination of the response.
#[derive(Debug)]
pub enum Destination {
    /// A web host, or a private-use scheme.
    Away(String),
    /// A loopback address: a program on the machine of the person.
    Loopback(String),
    /// The device that displays this user code.
    Device(String),
}

/// The available login methods.
#[derive(Clone, Debug)]
pub struct LoginWays {
    /// The login providers.
    pub providers: Vec<LoginWay>,
    /// `true` if login codes of the operator are enabled.
    pub local: bool,
}

/// A login provider on the page.
#[derive(Clone, Debug)]
pub struct LoginWay {
    /// The name, which the form returns.
    pub name: String,
    /// The name for people.
    pub title: String,
}

impl LoginWay {
    /// Returns the value of the button.
    #[must_use]
    pub fn decision(&self) -> String {
        match self.name.as_str() {
            "github" => "github".to_owned(),
            name => format!("login:{name}"),
        }
    }
}

/// The account that a consent page shows.
struct Account {
    /// The logged-in person, if the policy allows them the request.
    user: Option<User>,
    /// The name of the account that the policy denied.
    refused: Option<String>,
}

impl ConsentFlow {
    /// Builds the consent page of `pending` and binds it to the browser of `browser`.
    pub(in crate::oauth) async fn consent_page(
        &self,
        pending: PendingAuthorization,
        browser: &BrowserContext,
    ) -> Result<ConsentPage, Error> {
        let (csrf, end) = (CsrfToken::generate()?, self.core.now().plus(STEP));
        let mut pending = open_page(pending, &csrf, &browser.session, end);
        let Account { user, refused } = self.sessions.account(&pending, browser).await?;
        let picks = matches!(pending.prompt, Prompt::SelectAccount | Prompt::Login);
        pending.pick_account = picks || browser.was_refused || user.is_some() || refused.is_some();
        let (request, catalogue) = (&pending.request, self.core.catalogue());
        let remembers_consent = match &user {
            Some(user) if pending.prompt == Prompt::Needed => {
                self.sessions.remembers_consent(user, request).await?
            }
            _ => false,
        };
        Ok(ConsentPage {
            csrf,
            client_name: request.client_name.clone(),
            client_id: request.client_id.clone(),
            client_origin: self.core.client_origin(&request.client_id).await?,
            redirect_uri: match &request.reply {
                Reply::Redirect(redirect) => Some(redirect.uri.clone()),
                Reply::Device(_) => None,
            },
            destination: Destination::of(&request.reply),
            servers: server_labels(&catalogue, request),
            scopes: scope_labels(&catalogue, &request.resources, &request.scopes),
            choices: self.core.choices(&catalogue, request, user.as_ref()).await?,
            lasts: matches!(request.reply, Reply::Device(_))
                .then_some(self.core.config.lifetimes.device_grant),
            lasts_unused: self.core.config.lifetimes.refresh_token,
            person: user.map(|user| user.name),
            remembers_consent,
            ways: LoginWays {
                providers: self.core.login_ways(),
                local: self.core.config.local_login,
            },
            refused,
            remark: None,
            flow: self.pending.seal(&pending)?,
        })
    }
}

impl Sessions {
    /// Returns the account of the page of `pending`.
    async fn account(
        &self,
        pending: &PendingAuthorization,
        browser: &BrowserContext,
    ) -> Result<Account, Error> {
        let known = match pending.prompt {
            Prompt::Login => None,
            _ => self.session_user(browser).await?,
        };
        let (user, refused) = match known {
            Some(user) if self.may_have(&user, &pending.request).await? => (Some(user), None),
            known => (None, known.map(|user| user.name)),
        };
        Ok(Account { user, refused: pending.refused.clone().or(refused) })
    }
}

/// Returns the servers of `request` in words.
fn server_labels(catalogue: &Catalogue, request: &AuthorizationRequest) -> Vec<ServerLabel> {
    let servers = request.resources.iter().filter_map(|uri| catalogue.by_resource(uri));
    servers.map(ServerLabel::of).collect()
}

/// Returns `scopes` of servers in words. The first of the servers that describes a scope counts.
pub(in crate::oauth) fn scope_labels(
    catalogue: &Catalogue,
    resources: &[ResourceUri],
    scopes: &Scopes,
) -> Vec<ScopeLabel> {
    let words = |scope: &str| {
        let mut servers = resources.iter().filter_map(|uri| catalogue.by_resource(uri));
        servers.find_map(|server| server.scopes.description(scope)).map(str::to_owned)
    };
    let label = |scope: &str| ScopeLabel { scope: scope.to_owned(), words: words(scope) };
    scopes.iter().map(label).collect()
}

impl Core {
    /// Returns the source of the name of the client `id`.
    async fn client_origin(&self, id: &ClientId) -> Result<ClientOrigin, Error> {
        if let Some(host) = crate::oauth::client::id_document::publisher(id) {
            return Ok(ClientOrigin::Published(host));
        }
        Ok(match self.store.clients.client(id, self.now()).await? {
            Some(client) if client.preregistered => ClientOrigin::Operator,
            _ => ClientOrigin::Unverified,
        })
    }

    pub(in crate::oauth) fn login_ways(&self) -> Vec<LoginWay> {
        let way = |(name, provider): (&ProviderName, &LoginProvider)| LoginWay {
            name: name.to_string(),
            title: provider.title().to_owned(),
        };
        self.providers.iter().map(way).collect()
    }

    /// Returns the servers that the person can choose.
    ///
    /// Returns an empty list if `request` names its servers. A logged-in person sees only the servers
    /// that they may use, if there are any.
    async fn choices(
        &self,
        catalogue: &Catalogue,
        request: &AuthorizationRequest,
        user: Option<&User>,
    ) -> Result<Vec<ServerLabel>, Error> {
        if !request.resources.is_empty() {
            return Ok(Vec::new());
        }
        let mut theirs = Vec::new();
        if let Some(user) = user {
            let seen = self.seen(user.person()).await?;
            let client = Some(&request.client_id);
            theirs.extend(catalogue.iter().filter(|server| {
                let resource = std::slice::from_ref(&server.resource);
                self.judged(&seen, user, client, resource).is_allowed()
            }));
        }
        if theirs.is_empty() {
            theirs.extend(catalogue.iter());
        }
        Ok(theirs.into_iter().map(ServerLabel::of).collect())
    }
}

impl Destination {
    fn of(reply: &Reply) -> Self {
        match reply {
            Reply::Device(device) => Self::Device(device.user_code.clone()),
            Reply::Redirect(redirect) => {
                let host = redirect.uri.destination();
                if crate::oauth::client::redirect_uri::stays_local(&redirect.uri) {
                    Self::Loopback(host)
                } else {
                    Self::Away(host)
                }
            }
        }
    }
}
