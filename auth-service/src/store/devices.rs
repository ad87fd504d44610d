//! Devices that wait for a person's answer (RFC 8628).

use serde::{Deserialize, Serialize};

use super::{Error, Expiring, Key, Store, Ttl};
use crate::model::{DeviceDecision, DeviceRecord, Fingerprint, UnixTime, UserCode};

impl Expiring for DeviceRecord {
    fn expires_at(&self) -> Option<UnixTime> {
        Some(self.kept_until)
    }
}

impl Expiring for DeviceDecision {
    fn expires_at(&self) -> Option<UnixTime> {
        Some(self.expires_at)
    }
}

/// What a user code leads to.
#[derive(Serialize, Deserialize)]
struct Shown {
    device: Fingerprint,
    expires_at: UnixTime,
}

impl Expiring for Shown {
    fn expires_at(&self) -> Option<UnixTime> {
        Some(self.expires_at)
    }
}

/// How many devices may wait for an answer. A record has 1.5 KB at most.
const PLACES: u32 = 8_192;

/// Notes a decision, the first one, about a device that is still there; its user code is of no more use.
const DECIDE: &str = r"
if redis.call('EXISTS', KEYS[1]) == 0 then return 0 end
redis.call('DEL', KEYS[3])
return redis.call('SET', KEYS[2], ARGV[1], 'NX', 'EX', ARGV[2]) and 1 or 0
";

impl Store {
    /// Stores what the device of `device` asks for. Returns `false` if another one shows the same
    /// user code, or too many devices wait already.
    pub async fn put_device(
        &self,
        (device, shown): (&Fingerprint, &UserCode),
        record: &DeviceRecord,
        now: UnixTime,
    ) -> Result<bool, Error> {
        let times = (now, record.kept_until);
        if !self.reserve(&Key::Devices, device.as_str(), PLACES, times).await? {
            return Ok(false);
        }
        let user_code = Shown { device: device.clone(), expires_at: record.expires_at };
        let ttl = Ttl::until(now, record.expires_at);
        if !self.put_new(&Key::UserCode(&shown.fingerprint()), &user_code, ttl).await? {
            return Ok(false);
        }
        self.put(&Key::Device(device), record, Ttl::until(now, record.kept_until)).await?;
        Ok(true)
    }

    /// What the device of `device` asks for.
    pub async fn device(
        &self,
        device: &Fingerprint,
        now: UnixTime,
    ) -> Result<Option<DeviceRecord>, Error> {
        self.read(&Key::Device(device), now).await
    }

    /// What the device that shows `code` asks for.
    pub async fn device_showing(
        &self,
        code: &UserCode,
        now: UnixTime,
    ) -> Result<Option<DeviceRecord>, Error> {
        let shown: Option<Shown> = self.read(&Key::UserCode(&code.fingerprint()), now).await?;
        match shown {
            Some(shown) => self.device(&shown.device, now).await,
            None => Ok(None),
        }
    }

    /// Notes the decision about a device if it still asks; the first one holds, and the step that made
    /// it may repeat it. The user code is of no more use.
    pub async fn decide_device(
        &self,
        (device, shown): (&Fingerprint, &UserCode),
        decision: &DeviceDecision,
        now: UnixTime,
    ) -> Result<bool, Error> {
        if self.device(device, now).await?.is_none() {
            return Ok(false);
        }
        let script = redis::Script::new(DECIDE);
        let mut call = script.prepare_invoke();
        call.key(Key::Device(device).text()).key(Key::DeviceDecision(device).text());
        call.key(Key::UserCode(&shown.fingerprint()).text());
        call.arg(serde_json::to_string(decision)?);
        call.arg(Ttl::until(now, decision.expires_at).seconds());
        let is_first: bool = call.invoke_async(&mut self.pool.get().await?).await?;
        if is_first || decision.by.is_none() {
            return Ok(is_first);
        }
        let made = self.device_decision(device, now).await?;
        Ok(made.is_some_and(|made| made.by == decision.by))
    }

    /// The decision about a device, taken or not.
    pub async fn device_decision(
        &self,
        device: &Fingerprint,
        now: UnixTime,
    ) -> Result<Option<DeviceDecision>, Error> {
        self.read(&Key::DeviceDecision(device), now).await
    }

    /// Takes the decision about a device; of two that ask, one gets it, and the device code is gone.
    pub async fn take_device_decision(
        &self,
        device: &Fingerprint,
        now: UnixTime,
    ) -> Result<Option<DeviceDecision>, Error> {
        let decision = self.take(&Key::DeviceDecision(device), now).await?;
        if decision.is_some() {
            self.delete(&Key::Device(device)).await?;
            self.leave(&Key::Devices, device.as_str()).await?;
        }
        Ok(decision)
    }

    /// Notes that a device asks now; answers when it asked before.
    pub async fn note_device_poll(
        &self,
        device: &Fingerprint,
        now: UnixTime,
    ) -> Result<Option<UnixTime>, Error> {
        let mut command = redis::cmd("SET");
        command.arg(Key::DevicePoll(device).text()).arg(now.0).arg("GET").arg("EX").arg(60);
        let before: Option<i64> = command.query_async(&mut self.pool.get().await?).await?;
        Ok(before.map(UnixTime))
    }
}
