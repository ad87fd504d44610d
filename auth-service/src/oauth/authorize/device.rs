//! Device authorization (RFC 8628): a program without a browser shows a code, and a person allows it
//! in a browser elsewhere.

use std::time::Duration;

use serde::Serialize;

use crate::{
    model::{
        AuthorizationRequest, Client, Device, DeviceCode, DeviceDecision, DeviceRecord,
        Fingerprint, Prompt, Reply, User, UserCode,
    },
    oauth::{
        AuthServer, AuthorizeError, ConsentPage, DEVICE_CODE, Endpoint, Error, Params, Visitor,
    },
};

/// How long both codes may be used. Whoever phishes with a code has to find somebody within this time,
/// and whoever guesses has as many tries as fit in it.
const LIFE: Duration = Duration::from_mins(5);

/// The person took longer than the device waits.
const EXPIRED: Error =
    Error::InvalidRequest("the code of this device has expired; start again on the device");

/// How often a device may ask, in seconds.
pub(in crate::oauth) const INTERVAL: u8 = 5;

/// The answer to a device (RFC 8628 §3.2).
#[derive(Serialize)]
pub struct DeviceAuthorization {
    device_code: String,
    user_code: String,
    verification_uri: String,
    verification_uri_complete: String,
    expires_in: u64,
    interval: u8,
}

impl AuthServer {
    /// Begins the flow of a device of `client`.
    pub async fn authorize_device(
        &self,
        client: Client,
        params: &Params,
    ) -> Result<DeviceAuthorization, Error> {
        if !client.may_use(DEVICE_CODE) {
            return Err(Error::UnauthorizedClient("the client did not register device_code"));
        }
        let resources = self.resources_or_choice(params)?;
        let scopes = self.requested_scopes(params, &resources)?;
        let (device, user_code) = (DeviceCode::generate()?, UserCode::for_typing()?);
        let (code, shown) = (device.fingerprint(), user_code.reveal().to_owned());
        let request = AuthorizationRequest {
            client_name: client.display_name().to_owned(),
            client_id: client.id,
            resources,
            scopes,
            reply: Reply::Device(Device { code: code.clone(), user_code: shown.clone() }),
        };
        let now = self.now();
        let expires_at = now.plus(LIFE);
        let record = DeviceRecord { request, expires_at, kept_until: expires_at.plus(LIFE) };
        if !self.store.put_device((&code, &user_code), &record, now).await? {
            return Err(Error::Busy);
        }
        let page = self.config.issuer.at(Endpoint::Device.path());
        Ok(DeviceAuthorization {
            device_code: device.reveal().to_owned(),
            verification_uri_complete: format!("{page}?user_code={shown}"),
            user_code: shown,
            verification_uri: page,
            expires_in: LIFE.as_secs(),
            interval: INTERVAL,
        })
    }

    /// The consent page of the device that shows `code`; `None` when no device does.
    pub async fn begin_device(
        &self,
        code: &UserCode,
        visitor: &Visitor,
    ) -> Result<Option<ConsentPage>, AuthorizeError> {
        self.device_page(code, visitor).await.map_err(AuthorizeError::Page)
    }

    async fn device_page(
        &self,
        code: &UserCode,
        visitor: &Visitor,
    ) -> Result<Option<ConsentPage>, Error> {
        let record = self.store.device_showing(code, self.now()).await?;
        let Some(record) = record.filter(|record| self.now() < record.expires_at) else {
            return Ok(None);
        };
        let client = self.client(&record.request.client_id).await?;
        let pending = self.pending(record.request, &client, Prompt::Consent, visitor)?;
        self.consent_page(pending, visitor).await.map(Some)
    }

    /// Tells a device what the person decided in the step `by`, which may be repeated: who allowed which
    /// request, or nobody.
    pub(in crate::oauth) async fn answer_device(
        &self,
        device: &Device,
        allowed: Option<(User, &AuthorizationRequest)>,
        by: &Fingerprint,
    ) -> Result<(), Error> {
        let now = self.now();
        if !self.config.device_grant {
            return Err(Error::InvalidRequest("devices cannot be connected here"));
        }
        let waiting = self.store.device(&device.code, now).await?;
        if waiting.is_some_and(|record| record.expires_at <= now) {
            return Err(EXPIRED);
        }
        let shown = UserCode::typed(&device.user_code);
        let (user, request) = allowed.unzip();
        let request = request.cloned();
        let decision =
            DeviceDecision { user, request, by: Some(by.clone()), expires_at: now.plus(LIFE) };
        if self.store.decide_device((&device.code, &shown), &decision, now).await? {
            Ok(())
        } else {
            Err(Error::InvalidRequest("this code was used already; start again on the device"))
        }
    }
}
