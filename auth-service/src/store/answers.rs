//! Idempotency of the final step of an authorization flow: recorded outcomes, kept for a minute,
//! and claims on steps in progress.

use super::{Error, Key, LoginRecords};
use crate::model::{AnswerRecord, Fingerprint, UnixTime};

/// The maximum number of simultaneous claims. It is bounded because an anonymous request can start
/// a step that waits for the login provider.
const PLACES: u32 = 4_096;

/// Claims a step, unless another request has a claim on it that has not expired. If all places are
/// taken, the step continues without a claim.
const CLAIM: &str = r"
redis.call('ZREMRANGEBYSCORE', KEYS[1], '-inf', ARGV[1])
if redis.call('ZSCORE', KEYS[1], ARGV[3]) then return 0 end
if redis.call('ZCARD', KEYS[1]) < tonumber(ARGV[4]) then
    redis.call('ZADD', KEYS[1], ARGV[2], ARGV[3])
end
return 1
";

impl LoginRecords {
    /// Claims `step` until `end`. Returns `false` if another request is processing it.
    pub async fn claim_step(
        &self,
        step: &Fingerprint,
        (now, end): (UnixTime, UnixTime),
    ) -> Result<bool, Error> {
        let script = redis::Script::new(CLAIM);
        let mut call = script.prepare_invoke();
        call.key(Key::Steps.text()).arg(now.0).arg(end.0).arg(step.as_str()).arg(PLACES);
        Ok(call.invoke_async(&mut self.records.pool.get().await?).await?)
    }

    /// Releases the claim on `step`.
    pub async fn release_step(&self, step: &Fingerprint) -> Result<(), Error> {
        self.records.leave(&Key::Steps, step.as_str()).await
    }

    /// Stores the outcome of `step`.
    pub async fn put_answer(
        &self,
        step: &Fingerprint,
        record: &AnswerRecord,
        now: UnixTime,
    ) -> Result<(), Error> {
        self.records.put_live(&Key::Answer(step), record, (now, record.expires_at), None).await
    }

    /// Reads the recorded outcome of `step`. Returns `None` if there is none or it has expired.
    pub async fn answer(
        &self,
        step: &Fingerprint,
        now: UnixTime,
    ) -> Result<Option<AnswerRecord>, Error> {
        self.records.read_live(&Key::Answer(step), now).await
    }
}
