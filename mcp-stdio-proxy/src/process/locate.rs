//! Lookup of the program of a command, as in a shell (POSIX, "Command Search and Execution").
//!
//! The crate `which` would only replace the loop over `PATH`. It also searches relative directories, and it
//! does not report why a program cannot be executed.

use std::ffi::{OsStr, OsString};
use std::io;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};

/// The default search path, as in a shell.
const DEFAULT_PATH: &str = "/usr/local/bin:/usr/bin:/bin";

/// The reason why the program of a command cannot be executed, with the path or the directories searched.
#[derive(Debug, thiserror::Error)]
pub enum NotFound {
    /// No directory of the search path contains the program.
    #[error("there is no program \"{command}\" in PATH ({path})")]
    InPath {
        /// The name of the program.
        command: String,
        /// The searched directories.
        path: String,
    },
    /// No file exists at the path.
    #[error("there is no program {}", .0.display())]
    At(PathBuf),
    /// The file is not executable.
    #[error("{} is not an executable file", .0.display())]
    NotExecutable(PathBuf),
    /// The path cannot be accessed.
    #[error("{}: {}", .0.display(), .1)]
    Closed(PathBuf, io::Error),
}

impl NotFound {
    pub(super) fn kind(&self) -> io::ErrorKind {
        match self {
            Self::InPath { .. } | Self::At(_) => io::ErrorKind::NotFound,
            Self::NotExecutable(_) => io::ErrorKind::PermissionDenied,
            Self::Closed(_, error) => error.kind(),
        }
    }
}

/// Returns the program that `command` names, relative to the directory `cwd` and with the `PATH` of `env`.
pub(super) fn locate(
    command: &str,
    cwd: Option<&Path>,
    env: &[(OsString, OsString)],
) -> Result<PathBuf, NotFound> {
    if command.contains('/') {
        let path = cwd.unwrap_or(Path::new("")).join(command);
        return check(&path).map(|()| path);
    }
    let path = env.iter().rev().find(|(name, _)| name == "PATH").map(|(_, value)| value);
    let path = path.map_or(OsStr::new(DEFAULT_PATH), OsString::as_os_str);
    let mut unusable = None;
    for directory in std::env::split_paths(path).filter(|one| one.is_absolute()) {
        let path = directory.join(command);
        match check(&path) {
            Ok(()) => return Ok(path),
            Err(error) if error.kind() == io::ErrorKind::PermissionDenied => unusable = Some(error),
            Err(_) => {}
        }
    }
    Err(unusable.unwrap_or_else(|| NotFound::InPath {
        command: command.to_owned(),
        path: path.to_string_lossy().into_owned(),
    }))
}

fn check(path: &Path) -> Result<(), NotFound> {
    let metadata = std::fs::metadata(path).map_err(|error| match error.kind() {
        io::ErrorKind::NotFound => NotFound::At(path.to_owned()),
        _ => NotFound::Closed(path.to_owned(), error),
    })?;
    if metadata.is_file() && metadata.permissions().mode() & 0o111 != 0 {
        return Ok(());
    }
    Err(NotFound::NotExecutable(path.to_owned()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_is_searched_in_the_path_and_a_path_is_not() {
        let env = |path: &str| vec![(OsString::from("PATH"), OsString::from(path))];
        assert_eq!(locate("sh", None, &env("/nowhere:/bin")).unwrap(), Path::new("/bin/sh"));
        let kind = |result: Result<PathBuf, NotFound>| result.unwrap_err().kind();
        assert_eq!(kind(locate("sh", None, &env("/nowhere:."))), io::ErrorKind::NotFound);
        assert_eq!(kind(locate("/", None, &env("/bin"))), io::ErrorKind::PermissionDenied);
        assert_eq!(kind(locate("/bin/none", None, &env("/bin"))), io::ErrorKind::NotFound);
        let relative = locate("bin/sh", Some(Path::new("/")), &[]).unwrap();
        assert_eq!(relative, Path::new("/bin/sh"));
    }

    #[test]
    fn p12_what_was_looked_for_is_named_and_where() {
        let env = [(OsString::from("PATH"), OsString::from("/nowhere:/bin"))];
        for (command, said) in [
            ("no-such", "there is no program \"no-such\" in PATH (/nowhere:/bin)"),
            ("/bin/no-such", "there is no program /bin/no-such"),
            ("./no-such", "there is no program /etc/./no-such"),
            ("/etc/passwd", "/etc/passwd is not an executable file"),
            ("/etc/passwd/x", "/etc/passwd/x: Not a directory (os error 20)"),
        ] {
            let error = locate(command, Some(Path::new("/etc")), &env).unwrap_err();
            assert_eq!(error.to_string(), said);
        }
    }
}
