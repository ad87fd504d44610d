//! The settings of the audit log.

use std::path::PathBuf;

use super::Filter;
use crate::lines::Rotation;

/// The setting `AUDIT_LOG`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Target {
    /// Standard output (`-`).
    Stdout,
    /// The file with this path.
    File(PathBuf),
}

impl Target {
    /// Parses the setting. Empty text means that there is no audit log.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        match text {
            "" => None,
            "-" => Some(Self::Stdout),
            path => Some(Self::File(path.into())),
        }
    }
}

/// The settings of the audit log.
#[derive(Clone, Debug, Default)]
pub struct Settings {
    /// `AUDIT_LOG`: where events are written, if anywhere.
    pub target: Option<Target>,
    /// `AUDIT_EVENTS`: the kinds of events that are recorded.
    pub filter: Filter,
    /// `LOG_MAX_SIZE` and `LOG_KEEP`: the rotation of the file.
    pub rotation: Rotation,
}
