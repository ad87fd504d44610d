//! Pending device authorizations and the decisions about them (RFC 8628).

use serde::{Deserialize, Serialize};

use super::{AuditEntry, DeviceRecords, Error, Key, Ttl};
use crate::model::{DeviceDecision, DeviceRecord, Fingerprint, UnixTime, UserCode};

/// The device code that a user code belongs to.
#[derive(Serialize, Deserialize)]
pub(super) struct Shown {
    device: Fingerprint,
    pub(super) expires_at: UnixTime,
}

/// The maximum number of pending device authorizations, of at most 1.5 KB each.
const PLACES: u32 = 8_192;

impl DeviceRecords {
    /// Stores a device authorization request. Returns `false` if the user code is in use, or if too
    /// many requests are pending.
    pub async fn put_device(
        &self,
        (device, shown): (&Fingerprint, &UserCode),
        record: &DeviceRecord,
        now: UnixTime,
    ) -> Result<bool, Error> {
        let times = (now, record.kept_until);
        if !self.records.reserve(&Key::Devices, device.as_str(), PLACES, times).await? {
            return Ok(false);
        }
        let user_code = Shown { device: device.clone(), expires_at: record.expires_at };
        let ttl = Ttl::until(now, record.expires_at);
        if !self.records.put_new(&Key::UserCode(&shown.fingerprint()), &user_code, ttl).await? {
            return Ok(false);
        }
        self.records.put_live(&Key::Device(device), record, times, None).await?;
        Ok(true)
    }

    /// Reads the device authorization request of `device`, a fingerprint of the device code.
    pub async fn device(
        &self,
        device: &Fingerprint,
        now: UnixTime,
    ) -> Result<Option<DeviceRecord>, Error> {
        self.records.read_live(&Key::Device(device), now).await
    }

    /// Reads the device authorization request of the user code `code`.
    pub async fn device_showing(
        &self,
        code: &UserCode,
        now: UnixTime,
    ) -> Result<Option<DeviceRecord>, Error> {
        let shown: Option<Shown> =
            self.records.read(&Key::UserCode(&code.fingerprint()), now).await?;
        match shown {
            Some(shown) => self.device(&shown.device, now).await,
            None => Ok(None),
        }
    }

    /// Stores the decision about a pending device authorization with its event, and deletes its user code.
    /// Returns `true` for the first decision, and for a retry of the step that made it.
    pub async fn decide_device(
        &self,
        (device, shown): (&Fingerprint, &UserCode),
        decision: &DeviceDecision,
        now: UnixTime,
        entry: Option<&AuditEntry>,
    ) -> Result<bool, Error> {
        if self.device(device, now).await?.is_none() {
            return Ok(false);
        }
        let key = Key::DeviceDecision(device);
        let times = (now, decision.expires_at);
        let posting = self.records.index_other(&key, decision, times, entry).await?;
        let ttl = Ttl::until(now, decision.expires_at);
        let is_first = self.records.put_new_posting(&key, decision, ttl, &posting).await?;
        self.records.delete(&Key::UserCode(&shown.fingerprint())).await?;
        // The device may have been revoked or redeemed since it was read.
        if is_first && !self.records.exists(&Key::Device(device)).await? {
            self.records.delete(&key).await?;
            return Ok(false);
        }
        if is_first || decision.by.is_none() {
            return Ok(is_first);
        }
        let made = self.device_decision(device, now).await?;
        Ok(made.is_some_and(|made| made.by == decision.by))
    }

    /// Reads the decision about a device authorization without consuming it.
    pub async fn device_decision(
        &self,
        device: &Fingerprint,
        now: UnixTime,
    ) -> Result<Option<DeviceDecision>, Error> {
        self.records.read_live(&Key::DeviceDecision(device), now).await
    }

    /// Consumes the decision about a device authorization, and deletes its device code. Only one of
    /// several concurrent callers receives the decision.
    pub async fn take_device_decision(
        &self,
        device: &Fingerprint,
        now: UnixTime,
    ) -> Result<Option<DeviceDecision>, Error> {
        let decision: Option<DeviceDecision> =
            self.records.take(&Key::DeviceDecision(device), now).await?;
        let decision = self.records.unless_revoked(decision).await?;
        if decision.is_some() {
            self.records.delete(&Key::Device(device)).await?;
            self.records.leave(&Key::Devices, device.as_str()).await?;
        }
        Ok(decision)
    }

    /// Records the time of a token request of a device. Returns the time of the previous one, if it
    /// was within the last minute.
    pub async fn note_device_poll(
        &self,
        device: &Fingerprint,
        now: UnixTime,
    ) -> Result<Option<UnixTime>, Error> {
        let mut command = redis::cmd("SET");
        command.arg(Key::DevicePoll(device).text()).arg(now.0).arg("GET").arg("EX").arg(60);
        let before: Option<i64> = command.query_async(&mut self.records.pool.get().await?).await?;
        Ok(before.map(UnixTime))
    }
}
