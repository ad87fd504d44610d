//! The decision of a person about a device (RFC 8628 §3.3).

use std::time::Duration;

use crate::{
    model::{
        AuthorizationRequest, Device, DeviceDecision, Fingerprint, Generation, User, UserCode,
    },
    oauth::{Error, Requests, StepFault},
    store::AuditEntry,
};

/// The lifetime of the device code and the user code.
///
/// It limits the time for phishing with a code, and the number of attempts to guess one.
pub(super) const LIFE: Duration = Duration::from_mins(5);

/// The error for a decision that comes after the codes have expired.
const EXPIRED: Error = Error::Step(StepFault::DeviceExpired);

/// The answer of a person to the request of a device.
pub(in crate::oauth) enum DeviceAnswer<'a> {
    /// The device gets access as this person.
    Allow {
        user: User,
        /// The allowed request, with the server that the person chose.
        request: &'a AuthorizationRequest,
    },
    /// The device gets `access_denied`.
    Deny,
}

impl Requests {
    /// Stores the answer of a person to a device, for the device to poll.
    ///
    /// `by` identifies the step, so that repeating it is idempotent, and comes with the event. `generation` is that of the decision.
    pub(in crate::oauth) async fn answer_device(
        &self,
        device: &Device,
        answer: DeviceAnswer<'_>,
        (by, entry): (&Fingerprint, Option<&AuditEntry>),
        generation: Generation,
    ) -> Result<(), Error> {
        let now = self.core.now();
        if !self.core.config.device_grant {
            return Err(Error::InvalidRequest("the device grant is disabled on this server"));
        }
        let waiting = self.core.store.devices.device(&device.code, now).await?;
        if waiting.is_some_and(|record| record.expires_at <= now) {
            return Err(EXPIRED);
        }
        let shown = UserCode::typed(&device.user_code);
        let (user, request) = match answer {
            DeviceAnswer::Allow { user, request } => (Some(user), Some(request.clone())),
            DeviceAnswer::Deny => (None, None),
        };
        let (by, expires_at) = (Some(by.clone()), now.plus(LIFE));
        let decision = DeviceDecision { user, request, by, generation, expires_at };
        let (devices, codes) = (&self.core.store.devices, (&device.code, &shown));
        if devices.decide_device(codes, &decision, now, entry).await? {
            Ok(())
        } else {
            Err(Error::Step(StepFault::DeviceUsed))
        }
    }
}
