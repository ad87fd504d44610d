//! The settings of the log.

use std::fmt;
use std::path::PathBuf;
use std::str::FromStr;

use crate::lines::Rotation;

/// The setting `LOG_FORMAT`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Format {
    /// Lines for people.
    #[default]
    Text,
    /// One JSON object a line.
    Json,
}

/// A text that names no format.
#[derive(Debug, PartialEq, Eq)]
pub struct UnknownFormat;

impl fmt::Display for UnknownFormat {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("not text or json")
    }
}

impl std::error::Error for UnknownFormat {}

impl FromStr for Format {
    type Err = UnknownFormat;

    fn from_str(text: &str) -> Result<Self, UnknownFormat> {
        match text {
            "text" => Ok(Self::Text),
            "json" => Ok(Self::Json),
            _ => Err(UnknownFormat),
        }
    }
}

/// The settings of the log.
#[derive(Clone, Debug, Default)]
pub struct Settings {
    /// `LOG_FORMAT`: the format of lines.
    pub format: Format,
    /// `LOG_FILE`: a file that gets each line in addition to stderr.
    pub file: Option<PathBuf>,
    /// `LOG_MAX_SIZE` and `LOG_KEEP`: the rotation of the file.
    pub rotation: Rotation,
}
