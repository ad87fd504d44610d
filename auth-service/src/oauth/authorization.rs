//! The authorization request and its answers (RFC 6749 §4.1.1, §4.1.2; `iss` of RFC 9207).

use super::{AuthServer, Error, Params, pinned_documents::pinned, pkce, prompt, redirect_uri};
use crate::model::{
    AuthorizationRequest, Client, ClientId, InvalidScope, Issuer, Prompt, Redirect, RedirectUri,
    Reply, ResourceUri, Scopes,
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

impl AuthServer {
    /// Checks an authorization request: first who asks and where the answer would go, then the
    /// rest, so that no error is ever sent to an unchecked address.
    pub(super) async fn check_request(
        &self,
        params: &Params,
    ) -> Result<(AuthorizationRequest, Prompt), AuthorizeError> {
        let client = self.requesting_client(params).await.map_err(AuthorizeError::Page)?;
        let redirect_uri = redirect_of(&client, params).map_err(AuthorizeError::Page)?;
        let refuse = |error| self.refuse_unseen((&client, &redirect_uri), params, error);
        let state = params.one("state").map_err(refuse)?.map(str::to_owned);
        let missing = "response_type is missing";
        if params.required("response_type", missing).map_err(refuse)? != "code" {
            return Err(refuse(Error::UnsupportedResponseType));
        }
        if !client.may_use("authorization_code") {
            return Err(refuse(Error::UnauthorizedClient(
                "the client did not register authorization_code",
            )));
        }
        let code_challenge = pkce::challenge(params).map_err(refuse)?;
        let resources = self.requested_resources(params).map_err(refuse)?;
        let scopes = self.requested_scopes(params, &resources).map_err(refuse)?;
        let prompt = prompt::read(params).map_err(refuse)?;
        let redirect = Redirect { uri: redirect_uri, state, code_challenge };
        let request = AuthorizationRequest {
            client_name: client.display_name().to_owned(),
            client_id: client.id,
            resources,
            scopes,
            reply: Reply::Redirect(redirect),
        };
        Ok((request, prompt))
    }

    /// The error response to a request of which nobody has seen a page yet.
    ///
    /// RFC 9700 §4.11.2: "The authorization server MUST always authenticate the user first" before
    /// it redirects, with the exception of `prompt=none`; or else anybody who registers a client
    /// turns a link to this server into one to a site of theirs. What stays on the machine of the
    /// person is no such site, nor are those of clients that the operator or we ourselves know.
    fn refuse_unseen(
        &self,
        (client, uri): (&Client, &RedirectUri),
        params: &Params,
        error: Error,
    ) -> AuthorizeError {
        let silent = params.many("prompt").any(|text| text.split(' ').any(|word| word == "none"));
        let trusted = client.preregistered || pinned(&client.id).is_some();
        let state = params.one("state").ok().flatten();
        match refusal(&self.config.issuer, uri, state, error) {
            AuthorizeError::Redirect(url, error)
                if redirect_uri::is_web(uri) && !silent && !trusted =>
            {
                AuthorizeError::Link { url, destination: uri.destination(), error }
            }
            other => other,
        }
    }

    async fn requesting_client(&self, params: &Params) -> Result<Client, Error> {
        let id = params.required("client_id", "client_id is missing")?;
        self.client(&ClientId::parsed(id)).await
    }

    /// The scopes to grant: what is asked for and known here. Unknown ones are dropped, since
    /// clients ask for what other servers have; who asks for nothing known gets the basic set.
    pub(super) fn requested_scopes(
        &self,
        params: &Params,
        resources: &[ResourceUri],
    ) -> Result<Scopes, Error> {
        let known = self.known_scopes(resources);
        let asked = Scopes::parse(params.one("scope")?.unwrap_or(""))
            .map_err(|InvalidScope| Error::InvalidScope("scope has a character it may not have"))?;
        let granted = asked.intersection(&known);
        Ok(if granted.is_empty() { self.basic_scopes(resources) } else { granted })
    }
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
                Err(Error::InvalidRequest("redirect_uri is not registered for this client"))
            }
        }
    }
}

/// The URL that takes `parameters`, `state` and `iss` to the client. RFC 9207 §2: `iss` is in every
/// response, errors included, since a client that was told so refuses the others.
pub(super) fn response(
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
pub(super) fn refusal(
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

impl AuthServer {
    /// The error response to a request that was checked before. A device learns only that it was
    /// declined; after another failure the person may try again.
    pub(super) async fn refuse(
        &self,
        request: &AuthorizationRequest,
        error: Error,
    ) -> AuthorizeError {
        match &request.reply {
            Reply::Redirect(redirect) => {
                let state = redirect.state.as_deref();
                refusal(&self.config.issuer, &redirect.uri, state, error)
            }
            Reply::Device(device) if matches!(error, Error::AccessDenied(_)) => {
                let told = self.answer_device(device, None).await;
                AuthorizeError::Page(told.err().unwrap_or(error))
            }
            Reply::Device(_) => AuthorizeError::Page(error),
        }
    }
}
