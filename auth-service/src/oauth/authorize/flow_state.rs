//! The states of an authorization flow, and the transitions between them.
//!
//! A pending authorization is sealed into the browser in one of three states. The columns are the
//! buttons of the page, and the callback of the login provider:
//!
//! | state | `server` | `allow`, `local` | `provider` | `deny` | callback |
//! |---|---|---|---|---|---|
//! | server choice | consent | page again | page again | denied | page again |
//! | consent | page again | consented | at the provider | denied | page again |
//! | at the provider | refused | refused | refused | refused | consented |
//!
//! A form without the CSRF token of the open page is refused. While the person is at the provider, so
//! is a callback of another login. A request that comes too late, or without the cookies of the browser,
//! shows the page again.
//!
//! A consented flow ends with the response to the client. It returns to its page if the policy denies
//! the account, or if the login code is wrong. Only a new flow may skip the page, with a remembered
//! consent.

use super::consent_form::Decision;
use crate::model::{
    BrowserSession, CsrfToken, Fingerprint, LoginCode, LoginState, PendingAuthorization,
    ProviderLogin, ResourceUri, Scopes, Stage, UnixTime,
};

/// The state of a pending authorization that the browser returned.
pub(in crate::oauth) enum FlowState {
    /// The page offers servers, because the client named none.
    ServerChoice { pending: Box<PendingAuthorization>, csrf: Fingerprint },
    /// The page asks for consent.
    Consent { pending: Box<PendingAuthorization>, csrf: Fingerprint },
    /// The person has consented and is at the login provider.
    AtProvider { pending: Box<PendingAuthorization>, login: ProviderLogin },
}

/// The transition that a submitted form causes.
pub(super) enum Decided {
    /// The person denied the request, which ends the flow.
    Denied,
    /// The person chose the server with this URL.
    Server(ServerChoice, String),
    /// The person consented, and is to log in at the provider with this name.
    Departure(Departure, String),
    /// The person consented as the account that is logged in.
    LoggedIn(Consented),
    /// The person consented, and logs in with this code.
    LoginCode(Consented, LoginCode),
    /// The open page does not offer this decision.
    NotOffered(Box<PendingAuthorization>),
}

/// The transition that a callback of the login provider causes.
pub(super) enum CalledBack {
    /// The person returned from the provider.
    Returned(Returned),
    /// The page is open, so the callback is late or repeated, and the page is shown again.
    PageOpen(Box<PendingAuthorization>),
}

/// A flow whose person returned from the provider, before the provider is asked for the account.
pub(super) struct Returned {
    pub(super) consented: Consented,
    pub(super) login: ProviderLogin,
}

/// The error for a form or callback that the flow does not wait for.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct NotAwaited;

/// A new flow, of which the browser has no page yet.
pub(in crate::oauth) struct Started(PendingAuthorization);

/// A flow whose person chose a server on the page.
pub(super) struct ServerChoice(Box<PendingAuthorization>);

/// A flow whose person consented and leaves for the login provider.
pub(super) struct Departure(Box<PendingAuthorization>);

/// A flow with the consent of the person. Only such a flow ends with a code or an allowed device.
pub(in crate::oauth) struct Consented(Box<PendingAuthorization>);

impl FlowState {
    /// Determines the state of `pending`.
    pub(super) fn of(pending: PendingAuthorization) -> Self {
        let pending = Box::new(pending);
        match pending.stage.clone() {
            Stage::AtProvider(login) => Self::AtProvider { pending, login },
            Stage::AwaitingConsent { csrf } if pending.request.resources.is_empty() => {
                Self::ServerChoice { pending, csrf }
            }
            Stage::AwaitingConsent { csrf } => Self::Consent { pending, csrf },
        }
    }

    /// Returns the pending authorization, which is the same in all states.
    pub(super) fn pending(&self) -> &PendingAuthorization {
        match self {
            Self::ServerChoice { pending, .. }
            | Self::Consent { pending, .. }
            | Self::AtProvider { pending, .. } => pending,
        }
    }

    /// Returns the pending authorization, to show its page again.
    pub(super) fn into_pending(self) -> PendingAuthorization {
        match self {
            Self::ServerChoice { pending, .. }
            | Self::Consent { pending, .. }
            | Self::AtProvider { pending, .. } => *pending,
        }
    }

    /// Applies a submitted form. Fails unless the page with this CSRF token is open.
    pub(super) fn decide(
        self,
        csrf: &CsrfToken,
        decision: Decision,
    ) -> Result<Decided, NotAwaited> {
        let submitted = csrf.fingerprint();
        match self {
            Self::ServerChoice { pending, csrf } if csrf.matches(&submitted) => {
                Ok(match decision {
                    Decision::Deny => Decided::Denied,
                    Decision::Server(url) => Decided::Server(ServerChoice(pending), url),
                    Decision::LoggedIn | Decision::Provider(_) | Decision::Local(_) => {
                        Decided::NotOffered(pending)
                    }
                })
            }
            Self::Consent { pending, csrf } if csrf.matches(&submitted) => Ok(match decision {
                Decision::Deny => Decided::Denied,
                Decision::LoggedIn => Decided::LoggedIn(Consented(pending)),
                Decision::Local(code) => Decided::LoginCode(Consented(pending), code),
                Decision::Provider(name) => Decided::Departure(Departure(pending), name),
                Decision::Server(_) => Decided::NotOffered(pending),
            }),
            Self::ServerChoice { .. } | Self::Consent { .. } | Self::AtProvider { .. } => {
                Err(NotAwaited)
            }
        }
    }

    /// Applies a callback for `provider`. Fails if the person is there for another login, or at another provider
    /// (RFC 9700 §4.4.2).
    pub(super) fn call_back(
        self,
        provider: &str,
        state: &LoginState,
    ) -> Result<CalledBack, NotAwaited> {
        match self {
            Self::AtProvider { pending, login }
                if login.state.matches(&state.fingerprint())
                    && login.provider.as_str() == provider =>
            {
                let consented = Consented(pending);
                Ok(CalledBack::Returned(Returned { consented, login }))
            }
            Self::AtProvider { .. } => Err(NotAwaited),
            Self::ServerChoice { pending, .. } | Self::Consent { pending, .. } => {
                Ok(CalledBack::PageOpen(pending))
            }
        }
    }
}

/// Opens the page of `pending`, which is legal in every state. The form must return `csrf`, from the
/// browser of `session`, before `end`.
pub(super) fn open_page(
    pending: PendingAuthorization,
    csrf: &CsrfToken,
    session: &BrowserSession,
    end: UnixTime,
) -> PendingAuthorization {
    PendingAuthorization {
        browser: session.fingerprint(),
        stage: Stage::AwaitingConsent { csrf: csrf.fingerprint() },
        expires_at: end,
        ..pending
    }
}

impl Started {
    pub(super) const fn new(pending: PendingAuthorization) -> Self {
        Self(pending)
    }

    pub(super) const fn pending(&self) -> &PendingAuthorization {
        &self.0
    }

    pub(super) fn into_pending(self) -> PendingAuthorization {
        self.0
    }

    /// Skips the page, because the person consented to the same request before.
    pub(super) fn consented_before(&self) -> Consented {
        Consented(Box::new(self.0.clone()))
    }
}

impl ServerChoice {
    pub(super) fn pending(&self) -> &PendingAuthorization {
        &self.0
    }

    /// Continues with the chosen server, to which the person has yet to consent.
    pub(super) fn choose(mut self, server: ResourceUri, scopes: Scopes) -> PendingAuthorization {
        self.0.request.resources = vec![server];
        self.0.request.scopes = scopes;
        *self.0
    }

    /// Offers the servers again.
    pub(super) fn again(self) -> PendingAuthorization {
        *self.0
    }
}

impl Departure {
    pub(super) fn pending(&self) -> &PendingAuthorization {
        &self.0
    }

    /// Sends the person to the provider for `login`, until `end`.
    pub(super) fn depart(self, login: ProviderLogin, end: UnixTime) -> PendingAuthorization {
        PendingAuthorization { stage: Stage::AtProvider(login), expires_at: end, ..*self.0 }
    }
}

impl Consented {
    pub(in crate::oauth) fn pending(&self) -> &PendingAuthorization {
        &self.0
    }

    /// Returns to the page, for another account or login.
    pub(super) fn again(self) -> PendingAuthorization {
        *self.0
    }
}

#[cfg(test)]
mod tests;
