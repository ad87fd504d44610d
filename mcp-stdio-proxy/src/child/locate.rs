//! Finds the program of a command as a shell would (POSIX, "Command Search and Execution").

use std::ffi::{OsStr, OsString};
use std::io;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};

/// The program that `command` names, seen from directory `cwd`, with the `PATH` of `env`.
pub(super) fn locate(
    command: &str,
    cwd: Option<&Path>,
    env: &[(OsString, OsString)],
) -> io::Result<PathBuf> {
    if command.contains('/') {
        let path = cwd.unwrap_or(Path::new("")).join(command);
        return executable(&path).map(|()| path);
    }
    let path = env.iter().rev().find(|(name, _)| name == "PATH").map(|(_, value)| value);
    let path = path.map_or(OsStr::new("/usr/local/bin:/usr/bin:/bin"), OsString::as_os_str);
    let mut found = Err(io::ErrorKind::NotFound.into());
    for directory in std::env::split_paths(path).filter(|one| one.is_absolute()) {
        let path = directory.join(command);
        match executable(&path) {
            Ok(()) => return Ok(path),
            Err(error) if error.kind() == io::ErrorKind::PermissionDenied => found = Err(error),
            Err(_) => {}
        }
    }
    found
}

fn executable(path: &Path) -> io::Result<()> {
    let metadata = std::fs::metadata(path)?;
    if metadata.is_file() && metadata.permissions().mode() & 0o111 != 0 {
        return Ok(());
    }
    Err(io::ErrorKind::PermissionDenied.into())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_is_searched_in_the_path_and_a_path_is_not() {
        let env = |path: &str| vec![(OsString::from("PATH"), OsString::from(path))];
        assert_eq!(locate("sh", None, &env("/nowhere:/bin")).unwrap(), Path::new("/bin/sh"));
        let kind = |result: io::Result<PathBuf>| result.unwrap_err().kind();
        assert_eq!(kind(locate("sh", None, &env("/nowhere:."))), io::ErrorKind::NotFound);
        assert_eq!(kind(locate("/", None, &env("/bin"))), io::ErrorKind::PermissionDenied);
        assert_eq!(kind(locate("/bin/none", None, &env("/bin"))), io::ErrorKind::NotFound);
        let relative = locate("bin/sh", Some(Path::new("/")), &[]).unwrap();
        assert_eq!(relative, Path::new("/bin/sh"));
    }
}
