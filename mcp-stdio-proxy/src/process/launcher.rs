//! The launcher, the first program of every process: it sets resource limits and the parent-death signal,
//! confines the process, and then executes the server. A parent could do none of this without unsafe code
//! between fork and exec (prctl(2), setrlimit(2), landlock(7)).

use std::ffi::{OsStr, OsString};
use std::fs::File;
use std::io::{self, Read as _, Write as _};
use std::os::unix::process::CommandExt as _;
use std::path::Path;
use std::process::{Command, ExitCode};

use rustix::process::{
    Resource, Rlimit, Signal, getpid, getppid, set_parent_process_death_signal, setrlimit,
};

use super::confinement::Confinement;
use crate::config::catalogue::ResourceLimits;

/// The first argument that turns the program into a launcher.
pub(super) const VERB: &str = "__launch";
/// The same, followed by the `argv[0]` of the server.
const VERB_NAMED: &str = "__launch-named";
/// The path of the launcher, which stays valid even if the file is replaced.
pub(super) const PROGRAM: &str = "/proc/self/exe";

/// Returns the arguments of the launcher that precede the command.
pub(super) fn arguments(
    name: Option<&str>,
    limits: &ResourceLimits,
    confinement: Confinement,
) -> impl Iterator<Item = String> {
    let limit =
        |limit: Option<u64>| limit.map_or_else(|| "-".to_owned(), |limit| limit.to_string());
    let verb = match name {
        Some(name) => vec![VERB_NAMED.to_owned(), name.to_owned()],
        None => vec![VERB.to_owned()],
    };
    let settings = [
        getpid().as_raw_pid().to_string(),
        confinement.name().to_owned(),
        limit(limits.memory),
        limit(limits.files),
        limit(limits.processes),
    ];
    verb.into_iter().chain(settings)
}

/// Executes the server if `args`, the arguments of the program, ask for it. Returns `None` if they do not,
/// and the exit code if the execution fails.
pub fn launch(mut args: impl Iterator<Item = OsString>) -> Option<ExitCode> {
    let verb = args.next()?;
    let name = if verb == VERB {
        None
    } else if verb == VERB_NAMED {
        args.next()
    } else {
        return None;
    };
    let error = become_server(name, args);
    // The proxy reads and logs the stderr of its children. If it does not, nothing else can be done.
    let _written = writeln!(io::stderr(), "{error}");
    Some(ExitCode::from(127))
}

fn become_server(name: Option<OsString>, mut args: impl Iterator<Item = OsString>) -> io::Error {
    let bad = || io::Error::other("wrong arguments");
    let mut next = || args.next().and_then(|arg| arg.into_string().ok()).ok_or_else(bad);
    let prepared = next().and_then(|parent| {
        die_with(&parent)?;
        // Before the limits, since it briefly needs a file descriptor.
        Confinement::from_name(&next()?).ok_or_else(bad)?.enter()?;
        for resource in [Resource::Data, Resource::Nofile, Resource::Nproc] {
            limit(resource, &next()?)?;
        }
        // A core file would expose one person's secrets in a directory that others may read.
        set_limit(Resource::Core, 0)?;
        Ok(())
    });
    match (prepared, args.next()) {
        (Err(error), _) => error,
        (Ok(()), None) => bad(),
        (Ok(()), Some(command)) => {
            let name = name.unwrap_or_else(|| command.clone());
            unstarted(&command, &Command::new(&command).arg0(name).args(args).exec())
        }
    }
}

/// Explains why the existing file `command` could not be executed.
fn unstarted(command: &OsStr, error: &io::Error) -> io::Error {
    let command = Path::new(command);
    let shown = command.display();
    match interpreter(command).filter(|_| error.kind() == io::ErrorKind::NotFound) {
        Some(name) => io::Error::other(format!(
            "cannot run {shown}: its first line names {name:?}, which is not there"
        )),
        None => io::Error::other(format!("cannot run {shown}: {error}")),
    }
}

/// Returns the interpreter that the first line of a script names.
fn interpreter(script: &Path) -> Option<String> {
    let mut line = Vec::new();
    File::open(script).ok()?.take(256).read_to_end(&mut line).ok()?;
    let line = String::from_utf8_lossy(line.strip_prefix(b"#!")?).into_owned();
    line.lines().next()?.split_whitespace().next().map(str::to_owned)
}

/// Sets the parent-death signal. A server that does not notice the end of its input must not outlive a proxy
/// that was killed.
fn die_with(parent: &str) -> io::Result<()> {
    set_parent_process_death_signal(Some(Signal::KILL))?;
    // The parent may have died before the line above.
    match getppid().map(|pid| pid.as_raw_pid().to_string()) {
        Some(pid) if pid != parent => Err(io::Error::other("the proxy has ended")),
        _ => Ok(()),
    }
}

fn limit(resource: Resource, text: &str) -> io::Result<()> {
    if text == "-" {
        return Ok(());
    }
    set_limit(resource, text.parse().map_err(io::Error::other)?)
}

fn set_limit(resource: Resource, value: u64) -> io::Result<()> {
    let limit = Rlimit { current: Some(value), maximum: Some(value) };
    Ok(setrlimit(resource, limit)?)
}
