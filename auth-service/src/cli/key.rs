//! Command `key generate`: creates signing keys and root keys.

use std::{fs::OpenOptions, io::Write, os::unix::fs::OpenOptionsExt, path::PathBuf};

use anyhow::Context;
use clap::Subcommand;

use crate::keys;

/// The subcommands of `key`.
#[derive(Debug, Subcommand)]
pub(super) enum Command {
    /// Generate a P-256 key for ES256, or a root key for `SECRETS_KEY_FILE`. To rotate, put the new key
    /// first in the file and keep the old one below until everything it signed or sealed has expired.
    Generate {
        /// Generate a root key, from which the keys that encrypt stored records are derived.
        #[arg(long)]
        secrets: bool,
        /// Write to this file (mode 0600, never overwritten) instead of standard output.
        #[arg(long)]
        out: Option<PathBuf>,
        /// Do nothing if the file exists: for container start-up.
        #[arg(long, requires = "out")]
        if_missing: bool,
    },
}

/// Generates a key. Fails if the file exists, unless `if_missing` is `true`.
pub(super) fn generate(
    secrets: bool,
    out: Option<&PathBuf>,
    if_missing: bool,
) -> anyhow::Result<()> {
    if if_missing && out.is_some_and(|path| path.exists()) {
        return Ok(());
    }
    let key = if secrets { keys::generate_root_key()? } else { keys::generate_key()? };
    let Some(path) = out else { return super::say(key.trim_end()) };
    let mut file = OpenOptions::new()
        .write(true)
        .create_new(true)
        .mode(0o600)
        .open(path)
        .with_context(|| format!("cannot create {}", path.display()))?;
    Ok(file.write_all(key.as_bytes())?)
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;

    #[test]
    fn a_key_is_never_overwritten() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("key.pem");
        generate(false, Some(&path), true).unwrap();
        let key = fs::read_to_string(&path).unwrap();
        assert!(key.contains("PRIVATE KEY"));
        generate(false, Some(&path), true).unwrap();
        assert!(generate(false, Some(&path), false).is_err());
        assert_eq!(fs::read_to_string(&path).unwrap(), key);
    }
}
