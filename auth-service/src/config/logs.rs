//! Settings of the log and the audit log.

use std::path::PathBuf;

use gateway_contract::{
    audit,
    lines::{Rotation, Size},
    logging,
};

use super::{Raw, check::Check};

/// The settings of the log and the audit log.
#[derive(Clone, Debug, Default)]
pub struct LogsConfig {
    /// `LOG_FORMAT`, `LOG_FILE`, `LOG_MAX_SIZE` and `LOG_KEEP`: the format and the file of the log. Default: text on
    /// standard error.
    pub log: logging::Settings,
    /// `AUDIT_LOG` and `AUDIT_EVENTS`: the file of audit events, and which are recorded. Default: no file, and all
    /// that are on by default.
    pub audit: audit::Settings,
}

impl LogsConfig {
    pub(super) fn read(check: &mut Check, raw: &Raw) -> Self {
        let format = check.parsed("LOG_FORMAT", raw.log_format.as_deref(), "text");
        let size: Option<Size> = check.parsed("LOG_MAX_SIZE", raw.log_max_size.as_deref(), "50MB");
        let rotation = Rotation {
            max_size: size.map_or(Rotation::default().max_size, |size| size.0),
            keep: check.number("LOG_KEEP", raw.log_keep.as_ref(), Rotation::default().keep),
        };
        let file = raw.log_file.as_ref().map(PathBuf::from);
        let filter = check.parsed("AUDIT_EVENTS", raw.audit_events.as_deref(), "");
        Self {
            log: logging::Settings { format: format.unwrap_or_default(), file, rotation },
            audit: audit::Settings {
                target: raw.audit_log.as_deref().and_then(audit::Target::parse),
                filter: filter.unwrap_or_default(),
                rotation,
            },
        }
    }
}
