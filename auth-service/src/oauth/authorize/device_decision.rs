//! What the person decided about a device (RFC 8628 §3.3).

use std::time::Duration;

use crate::{
    model::{AuthorizationRequest, Device, DeviceDecision, Fingerprint, User, UserCode},
    oauth::{Error, Requests},
};

/// How long both codes may be used. Whoever phishes with a code has to find somebody within this time,
/// and whoever guesses has as many tries as fit in it.
pub(super) const LIFE: Duration = Duration::from_mins(5);

/// The person took longer than the device waits.
const EXPIRED: Error =
    Error::InvalidRequest("the code of this device has expired; start again on the device");

impl Requests {
    /// Tells a device what the person decided in the step `by`, which may be repeated: who allowed which
    /// request, or nobody.
    pub(in crate::oauth) async fn answer_device(
        &self,
        device: &Device,
        allowed: Option<(User, &AuthorizationRequest)>,
        by: &Fingerprint,
    ) -> Result<(), Error> {
        let now = self.core.now();
        if !self.core.config.device_grant {
            return Err(Error::InvalidRequest("devices cannot be connected here"));
        }
        let waiting = self.core.store.device(&device.code, now).await?;
        if waiting.is_some_and(|record| record.expires_at <= now) {
            return Err(EXPIRED);
        }
        let shown = UserCode::typed(&device.user_code);
        let (user, request) = allowed.unzip();
        let request = request.cloned();
        let decision =
            DeviceDecision { user, request, by: Some(by.clone()), expires_at: now.plus(LIFE) };
        if self.core.store.decide_device((&device.code, &shown), &decision, now).await? {
            Ok(())
        } else {
            Err(Error::InvalidRequest("this code was used already; start again on the device"))
        }
    }
}
