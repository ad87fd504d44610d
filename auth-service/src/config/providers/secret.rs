//! Client secrets, which stand in a file or a variable and never in the access file.

use std::path::{Path, PathBuf};

use secrecy::SecretString;

/// The place of a client secret.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum SecretSource {
    /// `client_secret_file`: a file, relative to the access file.
    File(PathBuf),
    /// `client_secret_variable`: the name of an environment variable.
    Variable(String),
}

impl SecretSource {
    /// Reads the secret. `directory` is that of the access file, and `variable` looks up variables.
    pub fn read(
        &self,
        directory: &Path,
        variable: impl Fn(&str) -> Option<String>,
    ) -> Result<SecretString, String> {
        let text = match self {
            Self::File(path) => {
                let path = directory.join(path);
                std::fs::read_to_string(&path).map_err(|error| {
                    format!("client_secret_file: cannot read {}: {error}", path.display())
                })?
            }
            Self::Variable(name) => variable(name).unwrap_or_default(),
        };
        match (text.trim(), self) {
            ("", Self::File(path)) => {
                Err(format!("client_secret_file: {} is empty", path.display()))
            }
            ("", Self::Variable(name)) => {
                Err(format!("client_secret_variable: the variable {name} is not set"))
            }
            (text, _) => Ok(text.to_owned().into()),
        }
    }
}
