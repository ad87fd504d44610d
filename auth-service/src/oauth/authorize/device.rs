//! Device authorization (RFC 8628).
//!
//! A device without a browser displays a user code, and a person allows it in a browser elsewhere.

use serde::Serialize;

use super::device_decision::LIFE;
use crate::{
    model::{
        AuthorizationRequest, Client, Device, DeviceCode, DeviceRecord, Prompt, Reply, UserCode,
    },
    oauth::{
        AuthorizeError, BrowserContext, ConsentFlow, ConsentPage, DEVICE_CODE, Endpoint, Error,
        Params,
    },
};

/// The minimum polling interval of a device, in seconds.
pub(in crate::oauth) const INTERVAL: u8 = 5;

/// The device authorization response (RFC 8628 §3.2).
#[derive(Serialize)]
pub struct DeviceAuthorization {
    device_code: String,
    user_code: String,
    verification_uri: String,
    verification_uri_complete: String,
    expires_in: u64,
    interval: u8,
}

impl ConsentFlow {
    /// Starts the device flow for `client`.
    pub async fn authorize_device(
        &self,
        client: Client,
        params: &Params,
    ) -> Result<DeviceAuthorization, Error> {
        if !client.may_use(DEVICE_CODE) {
            return Err(Error::UnauthorizedClient("the client is not registered for device_code"));
        }
        let generation = self.core.store.grants.generation().await?;
        let resources = self.core.resources_or_choice(params)?;
        let scopes = self.requests.requested_scopes(params, &resources)?;
        let (device, user_code) = (DeviceCode::generate()?, UserCode::for_typing()?);
        let (code, shown) = (device.fingerprint(), user_code.reveal().to_owned());
        let request = AuthorizationRequest {
            client_name: client.display_name().to_owned(),
            client_id: client.id,
            resources,
            scopes,
            reply: Reply::Device(Device { code: code.clone(), user_code: shown.clone() }),
        };
        let now = self.core.now();
        let expires_at = now.plus(LIFE);
        let kept_until = expires_at.plus(LIFE);
        let record = DeviceRecord { request, generation, expires_at, kept_until };
        if !self.core.store.devices.put_device((&code, &user_code), &record, now).await? {
            return Err(Error::Busy);
        }
        let page = self.core.config.issuer.at(Endpoint::Device.path());
        Ok(DeviceAuthorization {
            device_code: device.reveal().to_owned(),
            verification_uri_complete: format!("{page}?user_code={shown}"),
            user_code: shown,
            verification_uri: page,
            expires_in: LIFE.as_secs(),
            interval: INTERVAL,
        })
    }

    /// Returns the consent page of the device that displays `code`, or `None` if the code is unknown.
    pub async fn begin_device(
        &self,
        code: &UserCode,
        browser: &BrowserContext,
    ) -> Result<Option<ConsentPage>, AuthorizeError> {
        self.device_page(code, browser).await.map_err(AuthorizeError::Page)
    }

    async fn device_page(
        &self,
        code: &UserCode,
        browser: &BrowserContext,
    ) -> Result<Option<ConsentPage>, Error> {
        let record = self.core.store.devices.device_showing(code, self.core.now()).await?;
        let Some(record) = record.filter(|record| self.core.now() < record.expires_at) else {
            return Ok(None);
        };
        let client = self.clients.client(&record.request.client_id).await?;
        let flow = self.pending.start(record.request, &client, Prompt::Consent, browser)?;
        self.consent_page(flow.into_pending(), browser).await.map(Some)
    }
}
