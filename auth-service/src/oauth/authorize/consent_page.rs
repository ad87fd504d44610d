//! The consent page: what it shows of a request, in words for the person who decides.

use std::time::Duration;

use super::pending::STEP;
use crate::{
    model::{
        AuthorizationRequest, CsrfToken, PendingAuthorization, Prompt, Reply, SealedAuthorization,
        Stage, in_words,
    },
    oauth::{ConsentFlow, Error, Visitor},
};

/// What the consent page shows and carries.
#[derive(Debug)]
pub struct ConsentPage {
    /// The pending authorization that the form returns.
    pub flow: SealedAuthorization,
    /// The token that the form returns.
    pub csrf: CsrfToken,
    /// The client's name.
    pub client_name: String,
    /// The host that vouches for the name, if one does.
    pub publisher: Option<String>,
    /// Where the answer goes.
    pub destination: Destination,
    /// Title and address of each server.
    pub servers: Vec<(String, String)>,
    /// Title and address of each server to choose from, if the client named none.
    pub choices: Vec<(String, String)>,
    /// The scopes, each with what it permits in words, if the catalogue has any.
    pub scopes: Vec<(String, Option<String>)>,
    /// How long the access lasts in all, if it does not last until it is revoked.
    pub lasts: Option<Duration>,
    /// Who is logged in.
    pub person: Option<String>,
    /// Whether that person allowed the same before.
    pub approved_before: bool,
    /// The ways to log in.
    pub ways: LoginWays,
    /// The account that may not use what is asked for.
    pub refused: Option<String>,
    /// Why the page is shown once more.
    pub remark: Option<Remark>,
}

/// Why a consent page is shown once more.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Remark {
    /// A login code was tried and not known.
    WrongCode,
    /// The account that has just logged in is refused.
    Refused,
    /// The form was open for too long, or its browser has lost its cookies.
    Stale,
    /// The same, on the way back from the login provider.
    Interrupted,
}

impl ConsentPage {
    /// Whether a login code was tried and not known.
    #[must_use]
    pub fn wrong_code(&self) -> bool {
        self.remark == Some(Remark::WrongCode)
    }

    /// Whether the page was shown before and could not be used.
    #[must_use]
    pub fn interrupted(&self) -> bool {
        matches!(self.remark, Some(Remark::Stale | Remark::Interrupted))
    }

    /// Whether the ways to log in are for another account than the one that is known here.
    #[must_use]
    pub fn is_for_another(&self) -> bool {
        self.person.is_some() || self.refused.is_some()
    }

    /// Whether anything is known of what the scopes permit.
    #[must_use]
    pub fn says_what(&self) -> bool {
        self.scopes.iter().any(|(_, words)| words.is_some())
    }

    /// How long the access lasts in words, such as "7 days".
    #[must_use]
    pub fn term(&self) -> Option<String> {
        self.lasts.map(in_words)
    }
}

/// Where the answer goes.
#[derive(Debug)]
pub enum Destination {
    /// To a host, or to a scheme of this machine.
    Away(String),
    /// To a program on the machine of the person.
    Loopback(String),
    /// To the device that shows this code.
    Device(String),
}

/// The ways to log in.
#[derive(Clone, Copy, Debug)]
pub struct LoginWays {
    /// At GitHub.
    pub github: bool,
    /// With a code of the operator.
    pub local: bool,
}

/// Title and address of each server; each scope with what it permits.
type InWords = (Vec<(String, String)>, Vec<(String, Option<String>)>);

impl ConsentFlow {
    /// The consent page of `pending`, bound to the browser of `visitor` from now on.
    pub(in crate::oauth) async fn consent_page(
        &self,
        mut pending: PendingAuthorization,
        visitor: &Visitor,
    ) -> Result<ConsentPage, Error> {
        let csrf = CsrfToken::generate()?;
        pending.browser = visitor.browser.fingerprint();
        pending.stage = Stage::AwaitingConsent { csrf: csrf.fingerprint() };
        pending.expires_at = self.core.now().plus(STEP);
        let request = &pending.request;
        let known = match pending.prompt {
            Prompt::Login => None,
            _ => self.sessions.session_user(visitor).await?,
        };
        let (user, refused) = match known {
            Some(user) if self.sessions.may_have(&user, request) => (Some(user), None),
            known => (None, known.map(|user| user.name)),
        };
        let refused = pending.refused.clone().or(refused);
        let picks = matches!(pending.prompt, Prompt::SelectAccount | Prompt::Login);
        let pick_account = picks || visitor.was_refused || user.is_some() || refused.is_some();
        let approved_before = match &user {
            Some(user) if pending.prompt == Prompt::Needed => {
                self.sessions.approved_before(user, request).await?
            }
            _ => false,
        };
        let (servers, scopes) = self.in_words(request);
        pending.pick_account = pick_account;
        let request = &pending.request;
        Ok(ConsentPage {
            csrf,
            client_name: request.client_name.clone(),
            publisher: crate::oauth::client::id_document::publisher(&request.client_id),
            destination: Destination::of(&request.reply),
            servers,
            scopes,
            choices: self.choices(request, user.as_ref()),
            lasts: matches!(request.reply, Reply::Device(_))
                .then_some(self.core.config.lifetimes.device_grant),
            person: user.map(|user| user.name),
            approved_before,
            ways: LoginWays {
                github: self.core.github.is_some(),
                local: self.core.config.local_login,
            },
            refused,
            remark: None,
            flow: self.pending.seal(&pending)?,
        })
    }

    /// The servers and the scopes of `request`.
    fn in_words(&self, request: &AuthorizationRequest) -> InWords {
        let catalogue = self.core.catalogue();
        let there = request.resources.iter().filter_map(|uri| catalogue.by_resource(uri));
        let servers: Vec<_> = there.collect();
        let described = |scope: &str| {
            let mut words = servers.iter().filter_map(|server| server.scopes.description(scope));
            words.next().map(str::to_owned)
        };
        let scopes = request.scopes.iter().map(|scope| (scope.to_owned(), described(scope)));
        let named =
            servers.iter().map(|server| (server.title.clone(), server.resource.to_string()));
        (named.collect(), scopes.collect())
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
