//! Pending authorizations: how they are sealed into the requester's browser, and opened again.

use std::time::Duration;

use crate::{
    model::{
        AuthorizationRequest, Client, CsrfToken, Identifier, PendingAuthorization, Prompt,
        SealedAuthorization, Stage,
    },
    oauth::{Error, Pending, Visitor},
};

/// How long a person may take for one step.
pub(in crate::oauth) const STEP: Duration = Duration::from_mins(10);

/// The use of the seal.
pub const SEAL: &str = "pending authorization";

/// The longest sealed record that goes into cookies.
const MAX_COOKIES: usize = 7_600;

/// The longest request, as JSON: what is left of the cookies without base64, the seal, and what the
/// stage at the provider adds.
const MAX_REQUEST: usize = 5_000;

/// What came back from a browser.
pub(in crate::oauth) enum Opened {
    /// A pending authorization of this browser.
    Valid(Box<PendingAuthorization>),
    /// One of this browser that has ended: the page may be shown again.
    Late(Box<PendingAuthorization>),
    /// One of another browser, or of this one before it lost its cookies: likewise.
    Foreign(Box<PendingAuthorization>),
    /// Nothing that this server sealed.
    Unknown,
}

impl Pending {
    /// Begins a pending authorization for `request` of `client`.
    pub(in crate::oauth) fn pending(
        &self,
        request: AuthorizationRequest,
        client: &Client,
        prompt: Prompt,
        visitor: &Visitor,
    ) -> Result<PendingAuthorization, Error> {
        let size = serde_json::to_vec(&request).map_or(usize::MAX, |text| text.len());
        if size > MAX_REQUEST {
            return Err(Error::InvalidRequest(
                "the request is too long: state, redirect_uri, scope and resource together",
            ));
        }
        let is_registered = !client.id.as_str().contains("://");
        Ok(PendingAuthorization {
            id: Identifier::generate()?,
            request,
            prompt,
            pick_account: false,
            refused: None,
            registration: (client.unused && is_registered).then(|| client.clone()),
            browser: visitor.browser.fingerprint(),
            stage: Stage::AwaitingConsent { csrf: CsrfToken::generate()?.fingerprint() },
            expires_at: self.core.now().plus(STEP),
        })
    }

    /// Seals `pending` for a form.
    pub(in crate::oauth) fn seal(
        &self,
        pending: &PendingAuthorization,
    ) -> Result<SealedAuthorization, Error> {
        Ok(SealedAuthorization::presented(self.core.pending_seal.close(pending)?))
    }

    /// Seals `pending` for cookies. A registration that does not fit is left out: it then has to be
    /// still in the store when the person is back.
    pub(in crate::oauth) fn seal_for_cookie(
        &self,
        mut pending: PendingAuthorization,
    ) -> Result<SealedAuthorization, Error> {
        let sealed = self.seal(&pending)?;
        if sealed.reveal().len() <= MAX_COOKIES {
            return Ok(sealed);
        }
        pending.registration = None;
        self.seal(&pending)
    }

    /// Opens what the browser of `visitor` returned.
    pub(in crate::oauth) fn open(&self, sealed: &SealedAuthorization, visitor: &Visitor) -> Opened {
        let Some(pending) = self.core.pending_seal.open::<PendingAuthorization>(sealed.reveal())
        else {
            return Opened::Unknown;
        };
        let pending = Box::new(pending);
        if !visitor.is(&pending.browser) {
            Opened::Foreign(pending)
        } else if self.core.now() < pending.expires_at {
            Opened::Valid(pending)
        } else {
            Opened::Late(pending)
        }
    }
}
