//! The authorization request and its answers (RFC 6749 §4.1.1, §4.1.2; `iss` of RFC 9207).

use super::{pkce, prompt};
use crate::{
    model::{
        AuthorizationRequest, Client, ClientId, Fingerprint, InvalidScope, Issuer,
        PendingAuthorization, Prompt, Redirect, RedirectUri, Reply, ResourceUri, Scopes,
    },
    oauth::{Error, ErrorCode, Params, Requests, Visitor, client::redirect_uri, quoted::quoted},
};

/// Why an authorization request ends, and where that is said.
#[derive(Debug)]
pub enum AuthorizeError {
    /// On a page of our own: client or redirect URI are not to be trusted (RFC 6749 §4.1.2.1:
    /// "MUST NOT automatically redirect").
    Page(Error),
    /// To the client: this URL.
    Redirect(String, Error),
    /// To the client, by a link on a page of our own: nobody was asked anything yet, and a stranger
    /// may have registered the address.
    Link {
        /// The link.
        url: String,
        /// Where it leads, for people.
        destination: String,
        /// What is wrong.
        error: Error,
    },
}

impl AuthorizeError {
    /// Turns a redirect to `uri` into a link on a page.
    fn by_a_link(self, uri: &RedirectUri) -> Self {
        match self {
            Self::Redirect(url, error) => Self::Link { url, destination: uri.destination(), error },
            other => other,
        }
    }
}

/// A request that is refused before its person has seen a page.
pub(in crate::oauth) struct RefusedUnseen {
    error: Error,
    /// The client and where it may be told, once both are checked.
    reply_to: Option<(Box<Client>, RedirectUri)>,
    state: Option<String>,
}

impl Requests {
    /// Checks an authorization request: first the client and where the answer would go, then the
    /// rest, so that no error is ever sent to an unchecked address.
    pub(in crate::oauth) async fn check_request(
        &self,
        params: &Params,
    ) -> Result<(AuthorizationRequest, Client, Prompt), RefusedUnseen> {
        let page = |error| RefusedUnseen { error, reply_to: None, state: None };
        let client = self.requesting_client(params).await.map_err(page)?;
        let redirect_uri = redirect_of(&client, params).map_err(page)?;
        let state = state(params).map_err(page)?;
        match self.check_parameters(params, &client) {
            Ok((code_challenge, resources, scopes, prompt)) => {
                let redirect = Redirect { uri: redirect_uri, state, code_challenge };
                let request = AuthorizationRequest {
                    client_name: client.display_name().to_owned(),
                    client_id: client.id.clone(),
                    resources,
                    scopes,
                    reply: Reply::Redirect(redirect),
                };
                Ok((request, client, prompt))
            }
            Err(error) => {
                let reply_to = Some((Box::new(client), redirect_uri));
                Err(RefusedUnseen { error, reply_to, state })
            }
        }
    }

    fn check_parameters(
        &self,
        params: &Params,
        client: &Client,
    ) -> Result<(String, Vec<ResourceUri>, Scopes, Prompt), Error> {
        if params.required("response_type", "response_type is missing")? != "code" {
            return Err(Error::UnsupportedResponseType);
        }
        if !client.may_use("authorization_code") {
            let why = "the client did not register authorization_code";
            return Err(Error::UnauthorizedClient(why));
        }
        let code_challenge = pkce::challenge(params)?;
        let resources = self.core.resources_or_choice(params)?;
        let scopes = self.requested_scopes(params, &resources)?;
        Ok((code_challenge, resources, scopes, prompt::read(params)?))
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

    /// The error response to a request whose person has not seen a page yet.
    ///
    /// RFC 9700 §4.11.2: "The authorization server MUST always authenticate the user first" before
    /// it redirects; or else anybody who registers a client turns a link to this server into one to
    /// a site or a program of theirs. The browser goes there unasked only if this person consented
    /// to the client before, or the operator registered it.
    pub(in crate::oauth) async fn refuse_unseen(
        &self,
        RefusedUnseen { error, reply_to, state }: RefusedUnseen,
        visitor: &Visitor,
    ) -> AuthorizeError {
        let Some((client, uri)) = reply_to else { return AuthorizeError::Page(error) };
        let is_known = match self.is_known_to(&client, &uri, visitor).await {
            Ok(is_known) => is_known,
            Err(error) => return AuthorizeError::Page(error),
        };
        let refused = refusal(&self.core.config.issuer, &uri, state.as_deref(), error);
        if is_known { refused } else { refused.by_a_link(&uri) }
    }

    /// The error response to a checked request whose person has decided nothing yet, such as one with
    /// `prompt=none`. A client that this person never consented to learns
    /// nothing about who is logged in here: every visitor gets the same page.
    pub(in crate::oauth) async fn refuse_unasked(
        &self,
        pending: &PendingAuthorization,
        client: &Client,
        error: Error,
        visitor: &Visitor,
    ) -> AuthorizeError {
        let Reply::Redirect(redirect) = &pending.request.reply else {
            return AuthorizeError::Page(error);
        };
        let answer = |error| {
            refusal(&self.core.config.issuer, &redirect.uri, redirect.state.as_deref(), error)
        };
        match self.is_known_to(client, &redirect.uri, visitor).await {
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
        visitor: &Visitor,
    ) -> Result<bool, Error> {
        Ok(client.preregistered || self.sessions.knows_client(visitor, &client.id, uri).await?)
    }

    async fn requesting_client(&self, params: &Params) -> Result<Client, Error> {
        let id = params.required("client_id", "client_id is missing")?;
        self.clients.client(&ClientId::parsed(id)).await
    }

    /// The scopes of the request, as far as `resources` are known already.
    pub(in crate::oauth) fn requested_scopes(
        &self,
        params: &Params,
        resources: &[ResourceUri],
    ) -> Result<Scopes, Error> {
        let asked = Scopes::parse(params.one("scope")?.unwrap_or(""))
            .map_err(|InvalidScope| Error::InvalidScope("scope has a character it may not have"))?;
        Ok(if resources.is_empty() { asked } else { self.grantable_scopes(&asked, resources) })
    }

    /// The scopes to grant: what is asked for and known here. Unknown ones are dropped, since
    /// clients ask for what other servers have. A client that asks for nothing known gets the basic set.
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

/// The longest `state` that is accepted, in characters. RFC 6749 sets no bound; clients use some 20
/// to 300.
const MAX_STATE: usize = 2_048;

/// The client's `state`: printable ASCII (RFC 6749 appendix A.5), of bounded length, since it is
/// kept until the answer.
fn state(params: &Params) -> Result<Option<String>, Error> {
    let Some(state) = params.one("state")? else { return Ok(None) };
    if state.len() > MAX_STATE {
        return Err(Error::InvalidRequest("state is longer than 2048 characters"));
    }
    if !state.bytes().all(|byte| byte == b' ' || byte.is_ascii_graphic()) {
        return Err(Error::InvalidRequest("state may only have printable ASCII characters"));
    }
    Ok(Some(state.to_owned()))
}

/// The redirect URI of the request: the registered one it names, or the only registered one.
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

/// The URL that takes `parameters`, `state` and `iss` to the client. RFC 9207 §2: `iss` is in every
/// response, errors included, since a client that was told so refuses the others.
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

/// The error response of RFC 6749 §4.1.2.1.
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
    /// The error response to a request that was checked before, in the step `by`. A device learns only
    /// that it was declined; after another failure the person may try again.
    pub(in crate::oauth) async fn refuse(
        &self,
        request: &AuthorizationRequest,
        error: Error,
        by: &Fingerprint,
    ) -> AuthorizeError {
        // RFC 6749 §4.1.2.1 has no code for it: a client that is not registered is not told.
        if matches!(error, Error::InvalidClient) {
            return AuthorizeError::Page(error);
        }
        match &request.reply {
            Reply::Redirect(redirect) => {
                let state = redirect.state.as_deref();
                refusal(&self.core.config.issuer, &redirect.uri, state, error)
            }
            Reply::Device(device) if error.code() == ErrorCode::AccessDenied => {
                let told = self.answer_device(device, None, by).await;
                AuthorizeError::Page(told.err().unwrap_or(error))
            }
            Reply::Device(_) => AuthorizeError::Page(error),
        }
    }
}
