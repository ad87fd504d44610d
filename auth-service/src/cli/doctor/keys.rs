//! Check of the signing keys: they exist, are private, and are not too old.

use std::{os::unix::fs::PermissionsExt, time::UNIX_EPOCH};

use super::{
    Patient,
    finding::{Finding, Findings},
};
use crate::{
    keys::SigningKeys,
    model::{Chain, Clock, SystemClock},
};

const DAY: i64 = 86_400;
/// The age in days beyond which a key is reported. Keys should be rotated about once a year.
const OLD: i64 = 400;

pub(super) fn check(patient: &Patient) -> Vec<Finding> {
    let mut findings = Findings::of("keys");
    let file = &patient.config.signing_key_file;
    let keys = match SigningKeys::load(file) {
        Ok(keys) => keys.jwks().keys.len(),
        Err(error) => {
            let remedy = "generate one (auth-service key generate --out FILE) and name it in SIGNING_KEY_FILE";
            findings.error(None, Chain(&error).to_string(), remedy);
            return findings.into_vec();
        }
    };
    let Ok(metadata) = std::fs::metadata(file) else { return findings.into_vec() };
    // A Docker secret is readable only inside its container.
    let mounted = file.starts_with("/run/secrets");
    if !mounted && metadata.permissions().mode() & 0o077 != 0 {
        let says = "other users of this machine can read the signing key";
        findings.error(None, says, &format!("chmod 600 {}", file.display()));
    }
    let changed = metadata.modified().ok().and_then(|time| time.duration_since(UNIX_EPOCH).ok());
    let changed = changed.and_then(|since| i64::try_from(since.as_secs()).ok());
    let days = changed.map_or(0, |changed| (SystemClock.now().0 - changed) / DAY);
    if days > OLD {
        let remedy = "put the output of `auth-service key generate` above the old key, restart, and \
                      remove the old key a day later";
        findings.warning(None, format!("the signing key is {days} days old"), remedy);
    } else {
        findings.ok(None, format!("{keys} in {}, changed {days} days ago", file.display()));
    }
    findings.into_vec()
}
