//! Pending authorizations, sealed into the browser instead of being stored on the server.

use std::time::Duration;

use super::flow_state::{FlowState, Started};
use crate::{
    model::{
        AuthorizationRequest, Client, CsrfToken, Identifier, PendingAuthorization, Prompt,
        SealedAuthorization, Stage,
    },
    oauth::{BrowserContext, Error, Pending, client::id_document::is_document},
};

/// The time that a person may take for one step.
pub(in crate::oauth) const STEP: Duration = Duration::from_mins(10);

/// The purpose that the sealing key is bound to.
pub const SEAL: &str = "pending authorization";

/// The maximum size of a sealed record that is stored in cookies, in bytes.
const MAX_COOKIES: usize = 7_600;

/// The maximum size of a request as JSON, in bytes.
///
/// This is the space in the cookies without the overhead of base64, the seal and the provider stage.
const MAX_REQUEST: usize = 5_000;

/// The result of opening a sealed authorization that a browser returned.
pub(in crate::oauth) enum Opened {
    /// A valid authorization of this browser.
    Valid(FlowState),
    /// An expired authorization of this browser. The page may be shown again.
    Late(FlowState),
    /// An authorization of another browser, or of this one before it lost its cookies. The page may be
    /// shown again.
    Foreign(Box<PendingAuthorization>),
    /// Data that this server did not seal.
    Unknown,
}

impl Pending {
    /// Starts the flow of `request` of `client`.
    pub(in crate::oauth) fn start(
        &self,
        request: AuthorizationRequest,
        client: &Client,
        prompt: Prompt,
        browser: &BrowserContext,
    ) -> Result<Started, Error> {
        let size = serde_json::to_vec(&request).map_or(usize::MAX, |text| text.len());
        if size > MAX_REQUEST {
            return Err(Error::InvalidRequest(
                "state, redirect_uri, scope and resource are too long together",
            ));
        }
        let csrf = CsrfToken::generate()?;
        let pending = PendingAuthorization {
            id: Identifier::generate()?,
            request,
            prompt,
            pick_account: false,
            refused: None,
            registration: (client.unused && !is_document(&client.id)).then(|| client.clone()),
            browser: browser.session.fingerprint(),
            stage: Stage::AwaitingConsent { csrf: csrf.fingerprint() },
            expires_at: self.core.now().plus(STEP),
        };
        Ok(Started::new(pending))
    }

    /// Seals `pending` for the consent form.
    pub(in crate::oauth) fn seal(
        &self,
        pending: &PendingAuthorization,
    ) -> Result<SealedAuthorization, Error> {
        Ok(SealedAuthorization::presented(self.core.pending_seal.close(pending)?))
    }

    /// Seals `pending` for cookies.
    ///
    /// Omits the client registration if the record is too large. The registration must then still be in
    /// the store when the person returns.
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

    /// Opens a sealed authorization that the browser of `browser` returned.
    pub(in crate::oauth) fn open(
        &self,
        sealed: &SealedAuthorization,
        browser: &BrowserContext,
    ) -> Opened {
        let Some(pending) = self.core.pending_seal.open::<PendingAuthorization>(sealed.reveal())
        else {
            return Opened::Unknown;
        };
        if !browser.is(&pending.browser) {
            Opened::Foreign(Box::new(pending))
        } else if self.core.now() < pending.expires_at {
            Opened::Valid(FlowState::of(pending))
        } else {
            Opened::Late(FlowState::of(pending))
        }
    }
}
