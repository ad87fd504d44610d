//! Tools of the faulty server that reach for other processes.

use std::io;
use std::os::linux::net::SocketAddrExt as _;
use std::os::unix::net::{SocketAddr, UnixListener, UnixStream};

use rustix::process::{Pid, test_kill_process};
use serde_json::Value;

/// Runs the tool `name`. Returns what it found, or why it was denied; `None` for an unknown tool.
pub(crate) fn reach(name: &str, arguments: &Value) -> Option<String> {
    let path = arguments["path"].as_str().unwrap_or_default();
    let outcome = match name {
        "read" => std::fs::read(path).map(|text| String::from_utf8_lossy(&text).into_owned()),
        "list" => list(path),
        "open" => std::fs::File::open(path).map(|_| "opened".to_owned()),
        "signal" => signal(&arguments["pid"]).map(|()| "signalled".to_owned()),
        "listen" => listen(path).map(|()| "listening".to_owned()),
        "connect" => connect(path).map(|()| "connected".to_owned()),
        _ => return None,
    };
    Some(outcome.unwrap_or_else(|error| format!("denied: {error}")))
}

fn list(path: &str) -> io::Result<String> {
    let names = std::fs::read_dir(path)?.map(|entry| Ok(entry?.file_name().display().to_string()));
    Ok(names.collect::<io::Result<Vec<_>>>()?.join(" "))
}

/// Sends no signal, but checks as kill(2) does.
fn signal(pid: &Value) -> io::Result<()> {
    let pid = pid.as_i64().and_then(|pid| Pid::from_raw(i32::try_from(pid).ok()?));
    Ok(test_kill_process(pid.ok_or(io::ErrorKind::InvalidInput)?)?)
}

fn listen(name: &str) -> io::Result<()> {
    let listener = UnixListener::bind_addr(&SocketAddr::from_abstract_name(name)?)?;
    std::thread::spawn(move || listener.accept());
    Ok(())
}

fn connect(name: &str) -> io::Result<()> {
    UnixStream::connect_addr(&SocketAddr::from_abstract_name(name)?).map(drop)
}
