//! The authorization request and its responses (RFC 6749 §4.1.1, §4.1.2; `iss` of RFC 9207).

use gateway_contract::audit::EventKind;

use super::{device_decision::DeviceAnswer, pkce, prompt};
use crate::{
    model::{
        AuthorizationRequest, Caller, Client, ClientId, Fingerprint, InvalidScope, Issuer,
        PendingAuthorization, Prompt, Redirect, RedirectUri, Reply, ResourceUri, Scopes,
    },
    oauth::{
        BrowserContext, Error, ErrorCode, Params, Requests, client::redirect_uri, quoted::quoted,
    },
};

/// A failed authorization request, with the place to report it.
#[derive(Debug)]
pub enum AuthorizeError {
    /// Reported on a page of this server, because the client or the redirect URI is not trustworthy
    /// (RFC 6749 §4.1.2.1: "MUST NOT automatically redirect").
    Page(Error),
    /// Reported to the client, with a redirect to this URL.
    Redirect(String, Error),
    /// Reported to the client through a link on a page of this server.
    ///
    /// Used if the person has not interacted yet, because an attacker may have registered the URI.
    Link {
        /// The target of the link.
        url: String,
        /// The destination, as displayed to the person.
        destination: String,
        /// The error to report.
        error: Error,
    },
}

impl AuthorizeError {
    /// Converts a redirect to `uri` into a link on a page.
    fn by_a_link(self, uri: &RedirectUri) -> Self {
        match self {
            Self::Redirect(url, error) => Self::Link { url, destination: uri.destination(), error },
            other => other,
        }
    }
}

/// A request that passed all checks, with the client that sent it.
pub(in crate::oauth) struct CheckedRequest {
    pub(in crate::oauth) request: AuthorizationRequest,
    pub(in crate::oauth) client: Client,
    pub(in crate::oauth) prompt: Prompt,
}

/// The checked parameters that do not determine the recipient of the response.
struct CheckedParameters {
    code_challenge: String,
    resources: Vec<ResourceUri>,
    scopes: Scopes,
    prompt: Prompt,
}

/// A request that is rejected before the person has seen a page.
pub(in crate::oauth) struct RefusedUnseen {
    error: Error,
    /// The recipient of the error response, once it is checked.
    recipient: Option<Recipient>,
    state: Option<String>,
}

/// A client with one of its redirect URIs.
struct Recipient {
    client: Box<Client>,
    redirect_uri: RedirectUri,
}

impl Requests {
    /// Checks an authorization request.
    ///
    /// Checks the client and the redirect URI first, so that no error is sent to an unchecked address.
    pub(in crate::oauth) async fn check_request(
        &self,
        params: &Params,
    ) -> Result<CheckedRequest, RefusedUnseen> {
        let page = |error| RefusedUnseen { error, recipient: None, state: None };
        let client = self.requesting_client(params).await.map_err(page)?;
        let redirect_uri = redirect_of(&client, params).map_err(page)?;
        let state = state(params).map_err(page)?;
        match self.check_parameters(params, &client) {
            Ok(CheckedParameters { code_challenge, resources, scopes, prompt }) => {
                let redirect = Redirect { uri: redirect_uri, state, code_challenge };
                let request = AuthorizationRequest {
                    client_name: client.display_name().to_owned(),
                    client_id: client.id.clone(),
                    resources,
                    scopes,
                    reply: Reply::Redirect(redirect),
                };
                Ok(CheckedRequest { request, client, prompt })
            }
            Err(error) => {
                let recipient = Some(Recipient { client: Box::new(client), redirect_uri });
                Err(RefusedUnseen { error, recipient, state })
            }
        }
    }

    fn check_parameters(
        &self,
        params: &Params,
        client: &Client,
    ) -> Result<CheckedParameters, Error> {
        if params.required("response_type", "response_type is missing")? != "code" {
            return Err(Error::UnsupportedResponseType);
        }
        if !client.may_use("authorization_code") {
            let why = "the client is not registered for authorization_code";
            return Err(Error::UnauthorizedClient(why));
        }
        let code_challenge = pkce::challenge(params)?;
        let resources = self.core.resources_or_choice(params)?;
        let scopes = self.requested_scopes(params, &resources)?;
        let prompt = prompt::read(params)?;
        Ok(CheckedParameters { code_challenge, resources, scopes, prompt })
    }

    /// Checks that the client and the redirect URI of `pending` are still registered.
    pub(in crate::oauth) async fn check_again(
        &self,
        pending: &PendingAuthorization,
    ) -> Result<(), Error> {
        let request = &pending.request;
        let client = match (self.clients.client(&request.client_id).await, &pending.registration) {
            (Err(Error::InvalidClient), Some(evicted)) if self.core.now() < pending.expires_at => {
                evicted.clone()
            }
            (client, _) => client?,
        };
        match &request.reply {
            Reply::Redirect(redirect) => {
                let registered = &client.metadata.redirect_uris;
                let is_known =
                    registered.iter().any(|known| redirect_uri::matches(known, &redirect.uri));
                if is_known { Ok(()) } else { Err(unregistered(&redirect.uri)) }
            }
            Reply::Device(_) => Ok(()),
        }
    }

    /// Returns the error response to a request before the person has seen a page.
    ///
    /// RFC 9700 §4.11.2: "The authorization server MUST always authenticate the user first" before it
    /// redirects. Without this rule, an attacker who registers a client could use this server as an open
    /// redirector. The browser is redirected only if the person consented to the client before, or the
    /// operator registered the client.
    pub(in crate::oauth) async fn refuse_unseen(
        &self,
        RefusedUnseen { error, recipient, state }: RefusedUnseen,
        browser: &BrowserContext,
    ) -> AuthorizeError {
        let Some(Recipient { client, redirect_uri }) = recipient else {
            return AuthorizeError::Page(error);
        };
        let is_known = match self.is_known_to(&client, &redirect_uri, browser).await {
            Ok(is_known) => is_known,
            Err(error) => return AuthorizeError::Page(error),
        };
        let refused = refusal(&self.core.config.issuer, &redirect_uri, state.as_deref(), error);
        if is_known { refused } else { refused.by_a_link(&redirect_uri) }
    }

    /// Returns the error response to a checked request before the person has decided, such as one with
    /// `prompt=none`.
    ///
    /// A client without consent learns nothing about the login state: every browser gets the same page.
    pub(in crate::oauth) async fn refuse_unasked(
        &self,
        request: &AuthorizationRequest,
        client: &Client,
        error: Error,
        browser: &BrowserContext,
    ) -> AuthorizeError {
        let Reply::Redirect(redirect) = &request.reply else {
            return AuthorizeError::Page(error);
        };
        let answer = |error| {
            refusal(&self.core.config.issuer, &redirect.uri, redirect.state.as_deref(), error)
        };
        match self.is_known_to(client, &redirect.uri, browser).await {
            Ok(true) => answer(error),
            Ok(false) if error.is_about_the_person() => {
                answer(Error::InteractionRequired).by_a_link(&redirect.uri)
            }
            Ok(false) => answer(error).by_a_link(&redirect.uri),
            Err(error) => AuthorizeError::Page(error),
        }
    }

    async fn is_known_to(
        &self,
        client: &Client,
        uri: &RedirectUri,
        browser: &BrowserContext,
    ) -> Result<bool, Error> {
        Ok(client.preregistered || self.sessions.knows_client(browser, &client.id, uri).await?)
    }

    async fn requesting_client(&self, params: &Params) -> Result<Client, Error> {
        let id = params.required("client_id", "client_id is missing")?;
        self.clients.client(&ClientId::parsed(id)).await
    }

    /// Returns the scopes of the request.
    ///
    /// They are limited to grantable scopes, unless `resources` is empty because the server has yet to
    /// be chosen.
    pub(in crate::oauth) fn requested_scopes(
        &self,
        params: &Params,
        resources: &[ResourceUri],
    ) -> Result<Scopes, Error> {
        let asked = Scopes::parse(params.one("scope")?.unwrap_or(""))
            .map_err(|InvalidScope| Error::InvalidScope("scope contains an invalid character"))?;
        Ok(if resources.is_empty() { asked } else { self.grantable_scopes(&asked, resources) })
    }

    /// Returns the scopes to grant: the requested scopes that the servers define.
    ///
    /// Unknown scopes are dropped, because clients also request scopes of other servers. If none
    /// remains, the client gets the basic scopes.
    pub(in crate::oauth) fn grantable_scopes(
        &self,
        asked: &Scopes,
        resources: &[ResourceUri],
    ) -> Scopes {
        let granted = asked.intersection(&self.core.known_scopes(resources));
        if granted.is_empty() { self.core.basic_scopes(resources) } else { granted }
    }
}

fn unregistered(uri: &RedirectUri) -> Error {
    Error::UnregisteredRedirectUri(quoted(uri.as_str()))
}

/// The maximum length of `state` in characters.
///
/// RFC 6749 sets no limit. Clients use about 20 to 300 characters.
const MAX_STATE: usize = 2_048;

/// Returns the `state` of the client.
///
/// It must be printable ASCII (RFC 6749 appendix A.5). Its length is limited, because it is kept
/// until the response.
fn state(params: &Params) -> Result<Option<String>, Error> {
    let Some(state) = params.one("state")? else { return Ok(None) };
    if state.len() > MAX_STATE {
        return Err(Error::InvalidRequest("state is longer than 2048 characters"));
    }
    if !state.bytes().all(|byte| byte == b' ' || byte.is_ascii_graphic()) {
        return Err(Error::InvalidRequest("state must contain only printable ASCII characters"));
    }
    Ok(Some(state.to_owned()))
}

/// Returns the redirect URI of the request, or the only registered one if the request names none.
fn redirect_of(client: &Client, params: &Params) -> Result<RedirectUri, Error> {
    let registered = &client.metadata.redirect_uris;
    match (params.one("redirect_uri")?, registered.as_slice()) {
        (None, [only]) => Ok(only.clone()),
        (None, _) => Err(Error::InvalidRequest("redirect_uri is missing")),
        (Some(given), _) => {
            let given = RedirectUri::new(given);
            if registered.iter().any(|known| redirect_uri::matches(known, &given)) {
                Ok(given)
            } else {
                Err(unregistered(&given))
            }
        }
    }
}

/// Returns the redirect URL with `parameters`, `state` and `iss`, or `None` if the URI is invalid.
///
/// Every response includes `iss`, errors too (RFC 9207 §2). The metadata announces this, so clients
/// reject responses without it.
pub(in crate::oauth) fn response(
    issuer: &Issuer,
    redirect_uri: &RedirectUri,
    state: Option<&str>,
    parameters: &[(&str, &str)],
) -> Option<String> {
    let mut all = parameters.to_vec();
    all.extend(state.map(|state| ("state", state)));
    all.push(("iss", issuer.as_str()));
    redirect_uri.with_query(&all)
}

/// Returns the error response of RFC 6749 §4.1.2.1.
pub(in crate::oauth) fn refusal(
    issuer: &Issuer,
    redirect_uri: &RedirectUri,
    state: Option<&str>,
    error: Error,
) -> AuthorizeError {
    let description = error.to_string();
    let parameters =
        [("error", error.code().as_str()), ("error_description", description.as_str())];
    match response(issuer, redirect_uri, state, &parameters) {
        Some(url) => AuthorizeError::Redirect(url, error),
        None => AuthorizeError::Page(error),
    }
}

impl Requests {
    /// Returns the error response to a checked request, in the step `by`.
    ///
    /// A device learns only of a denial. After any other failure the person may try again.
    pub(in crate::oauth) async fn refuse(
        &self,
        request: &AuthorizationRequest,
        error: Error,
        by: &Fingerprint,
        caller: &Caller,
    ) -> AuthorizeError {
        // RFC 6749 §4.1.2.1 has no code for this: an unregistered client gets no redirect.
        if matches!(error, Error::InvalidClient) {
            return AuthorizeError::Page(error);
        }
        match &request.reply {
            Reply::Redirect(redirect) => {
                let state = redirect.state.as_deref();
                refusal(&self.core.config.issuer, &redirect.uri, state, error)
            }
            Reply::Device(device) if error.code() == ErrorCode::AccessDenied => {
                let told = async {
                    let generation = self.core.store.grants.generation().await?;
                    let denied = EventKind::ConsentDenied;
                    let denied = self.core.draft_of_request(denied, request, caller);
                    let entry = self.core.entry(denied.denied("device"));
                    let by = (by, entry.as_ref());
                    self.answer_device(device, DeviceAnswer::Deny, by, generation).await
                };
                AuthorizeError::Page(told.await.err().unwrap_or(error))
            }
            Reply::Device(_) => AuthorizeError::Page(error),
        }
    }
}
