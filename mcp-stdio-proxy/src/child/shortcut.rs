//! What `npx` and `uvx` end up running, so that it can be started without them the next time: they
//! cost half a second and a process or two of their own (proc(5)).

use std::collections::HashMap;
use std::path::Path;

/// The longest chain of wrappers.
const DEPTH: usize = 6;

/// Whether `command` only looks for the program to run.
#[must_use]
pub fn is_finder(command: &str) -> bool {
    matches!(base(command), "npx" | "uvx")
}

/// The command line of the server that `leader`, a finder, has started.
#[must_use]
pub fn of(leader: u32) -> Option<Vec<String>> {
    let mut children: HashMap<u32, Vec<u32>> = HashMap::new();
    for entry in std::fs::read_dir("/proc").ok()?.flatten() {
        let pid = entry.file_name().to_str().and_then(|name| name.parse().ok());
        if let Some((pid, parent)) = pid.and_then(|pid| Some((pid, parent_in(leader, pid)?))) {
            children.entry(parent).or_default().push(pid);
        }
    }
    let mut pid = leader;
    for _ in 0..DEPTH {
        let line = command_line(pid)?;
        if !is_wrapper(&line) {
            // A name is looked for in the path, as it was; anything else must be a file.
            let program = Path::new(line.first()?);
            let found = program.is_absolute() && program.exists();
            let named = program.components().count() == 1;
            return (pid != leader && (found || named)).then_some(line);
        }
        // Which of several would be the server cannot be told.
        pid = match children.get(&pid)?.as_slice() {
            [only] => *only,
            _ => return None,
        };
    }
    None
}

/// The parent of `pid`, if it is in the process group of `leader`.
fn parent_in(leader: u32, pid: u32) -> Option<u32> {
    let stat = std::fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
    // The name, in parentheses, may contain anything.
    let (_, fields) = stat.rsplit_once(") ")?;
    let mut fields = fields.split(' ').skip(1).map(|field| field.parse().ok());
    let (parent, group): (u32, u32) = (fields.next()??, fields.next()??);
    (group == leader).then_some(parent)
}

fn command_line(pid: u32) -> Option<Vec<String>> {
    let line = std::fs::read(format!("/proc/{pid}/cmdline")).ok()?;
    let line = line.strip_suffix(b"\0").unwrap_or(&line);
    line.split(|byte| *byte == 0).map(|arg| String::from_utf8(arg.to_vec()).ok()).collect()
}

/// Whether this is a finder, or a shell between a finder and its find.
fn is_wrapper(line: &[String]) -> bool {
    let arg = |at: usize| line.get(at).map_or("", |arg| base(arg));
    let first = arg(0);
    // npm writes what it does where its command line was.
    let npm = line.first().is_some_and(|arg| arg.starts_with("npm "));
    let finder =
        |name: &str| matches!(name, "uv" | "uvx" | "npx" | "npm" | "npx-cli.js" | "npm-cli.js");
    npm || finder(first)
        || (matches!(first, "sh" | "dash" | "bash") && (arg(1) == "-c" || finder(arg(1))))
        || (first == "node" && finder(arg(1)))
}

fn base(path: &str) -> &str {
    path.rsplit('/').next().unwrap_or(path)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn wrappers_are_told_from_servers() {
        let wrapper = |line: &[&str]| {
            is_wrapper(&line.iter().map(|arg| (*arg).to_owned()).collect::<Vec<_>>())
        };
        for line in [
            &["npm exec @modelcontextprotocol/server-everything"][..],
            &["node", "/usr/bin/npx", "-y", "x"],
            &["sh", "-c", "mcp-server-x"],
            &["/usr/local/bin/uv", "tool", "uvx", "x"],
        ] {
            assert!(wrapper(line), "{line:?}");
        }
        for line in
            [&["node", "/x/.bin/mcp-server"][..], &["/venv/bin/python", "/x/npm-like"], &["sh"]]
        {
            assert!(!wrapper(line), "{line:?}");
        }
        assert!(is_finder("/usr/bin/npx") && is_finder("uvx") && !is_finder("node"));
    }
}
