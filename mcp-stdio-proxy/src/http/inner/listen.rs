//! Listening on a TCP address or a Unix socket.

use std::fs::{self, Permissions};
use std::io;
use std::net::TcpListener;
use std::os::unix::fs::{FileTypeExt as _, MetadataExt as _, PermissionsExt as _};
use std::os::unix::net::UnixListener;
use std::path::{Path, PathBuf};

use actix_web::dev::Server;
use actix_web::web::Data;
use actix_web::{App, HttpServer};

use super::routes;
use crate::config::inner_address::InnerAddress;
use crate::http::AppState;

/// The mode of the socket. Its group has access, for an auth-service that runs as another user.
const MODE: u32 = 0o660;

/// A bound address. A Unix socket is removed when dropped.
pub enum Listener {
    /// A listener on a Unix socket.
    Unix(UnixListener, Socket),
    /// A listener on a TCP address.
    Tcp(TcpListener),
}

/// The file of a Unix socket.
pub struct Socket {
    path: PathBuf,
    inode: u64,
}

impl Drop for Socket {
    fn drop(&mut self) {
        // A successor may have replaced the file; its socket stays.
        if fs::symlink_metadata(&self.path).is_ok_and(|file| file.ino() == self.inode) {
            let _gone = fs::remove_file(&self.path);
        }
    }
}

impl Listener {
    /// Binds the listener to `address`.
    pub fn bind(address: &InnerAddress) -> io::Result<Self> {
        match address {
            InnerAddress::Tcp(address) => TcpListener::bind(address).map(Self::Tcp),
            InnerAddress::Unix(path) => {
                bind_socket(path).map(|(listener, file)| Self::Unix(listener, file))
            }
        }
    }
}

/// Binds a socket at `path`, replacing a stale one. The socket appears there atomically with its final mode.
fn bind_socket(path: &Path) -> io::Result<(UnixListener, Socket)> {
    match fs::symlink_metadata(path) {
        Ok(file) if !file.file_type().is_socket() => {
            let why = "there is a file that is not a socket";
            return Err(io::Error::new(io::ErrorKind::AlreadyExists, why));
        }
        _ => {}
    }
    let directory = path.parent().filter(|parent| !parent.as_os_str().is_empty());
    let unfinished = directory.unwrap_or(Path::new(".")).join(format!(".{}", std::process::id()));
    let _stale = fs::remove_file(&unfinished);
    let listener = UnixListener::bind(&unfinished)?;
    let finish = || {
        fs::set_permissions(&unfinished, Permissions::from_mode(MODE))?;
        let inode = fs::symlink_metadata(&unfinished)?.ino();
        fs::rename(&unfinished, path)?;
        Ok(Socket { path: path.to_owned(), inode })
    };
    let file = finish().inspect_err(|_: &io::Error| {
        let _gone = fs::remove_file(&unfinished);
    })?;
    Ok((listener, file))
}

/// Returns the server of the inner interface, and the socket file, which must be kept while it runs.
pub fn serve(listener: Listener, app: Data<AppState>) -> io::Result<(Server, Option<Socket>)> {
    let app = move || App::new().app_data(app.clone()).configure(routes);
    let server = HttpServer::new(app).workers(1).disable_signals();
    match listener {
        Listener::Tcp(listener) => Ok((server.listen(listener)?.run(), None)),
        Listener::Unix(listener, file) => Ok((server.listen_uds(listener)?.run(), Some(file))),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_socket_is_replaced_and_another_file_is_not() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("inner");
        let (first, old) = bind_socket(&path).unwrap();
        let (_second, new) = bind_socket(&path).unwrap();
        assert_eq!(fs::metadata(&path).unwrap().permissions().mode() & 0o777, MODE);
        drop((first, old));
        assert!(path.exists(), "the file of the successor stays");
        drop(new);
        assert!(!path.exists());
        fs::write(&path, "").unwrap();
        assert!(bind_socket(&path).is_err());
        assert_eq!(fs::read_dir(directory.path()).unwrap().count(), 1, "nothing is left behind");
    }
}
