//! The device code grant (RFC 8628 §3.4, §3.5).

use gateway_contract::audit::EventKind;

use super::response::Part;
use crate::{
    model::{Caller, Client, DeviceCode, RefreshToken},
    oauth::{Error, GrantFault, Params, TokenIssuer, TokenResponse, authorize::device::INTERVAL},
};

impl TokenIssuer {
    /// Redeems a device code of `client`, once a person has allowed the device.
    pub async fn redeem_device_code(
        &self,
        client: &Client,
        params: &Params,
        caller: &Caller,
    ) -> Result<TokenResponse, Error> {
        let code = params.required("device_code", "device_code is missing")?;
        let device = DeviceCode::presented(code).fingerprint();
        let now = self.core.now();
        let record = self.core.store.devices.device(&device, now).await?;
        let record = record.ok_or(Error::InvalidGrant(GrantFault::Unknown))?;
        if record.request.client_id != client.id {
            return Err(Error::InvalidGrant(GrantFault::OtherClient));
        }
        if record.expires_at <= now {
            return Err(Error::ExpiredToken);
        }
        let before = self.core.store.devices.note_device_poll(&device, now).await?;
        if before.is_some_and(|before| now.0 - before.0 < i64::from(INTERVAL)) {
            return Err(Error::SlowDown);
        }
        let decision = self.core.store.devices.device_decision(&device, now).await?;
        let decision = decision.ok_or(Error::AuthorizationPending)?;
        // A denial stays stored until it expires, because the device may have lost the response.
        let user = decision.user.ok_or(Error::AccessDenied("the user denied the request"))?;
        let request = decision.request.unwrap_or(record.request);
        let published = self.core.published(&request.resources);
        if !self.core.admission(&user, Some(&client.id), &published).await?.is_allowed() {
            return Err(Error::InvalidGrant(GrantFault::NotAllowed));
        }
        let resources = self.core.narrowed_resources(params, &published)?;
        let grant = self.new_grant(decision.generation.grant_id()?, user, request);
        let granted = self.core.draft_about(EventKind::GrantCreated, &grant).by_the_person();
        let granted = self.core.entry(granted.reason("device").from(caller));
        self.core.store.grants.put_grant(&grant, now, granted.as_ref()).await?;
        // A concurrent request took the decision, or it was revoked. The grant has its generation, and is
        // revoked with it.
        if self.core.store.devices.take_device_decision(&device, now).await?.is_none() {
            let ended = self.core.draft_about(EventKind::GrantEnded, &grant);
            let ended = self.core.entry(ended.reason("device code revoked").from(caller));
            self.core.store.grants.revoke_grant(&grant.id, ended.as_ref()).await?;
            return Err(Error::InvalidGrant(GrantFault::Unknown));
        }
        self.clients.renew_client(client).await?;
        let part = Part { resources, scopes: grant.scopes.clone() };
        self.issue_tokens(client, &grant, part, (&RefreshToken::generate()?, caller)).await
    }
}
