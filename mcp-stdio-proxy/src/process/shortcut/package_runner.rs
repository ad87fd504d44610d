//! Package runners, which find and install a package before they execute it, and their command lines.

/// The names under which package runners and their parts are executed.
const NAMES: [&str; 6] = ["npx", "npm", "npx-cli.js", "npm-cli.js", "uvx", "uv"];
/// Options of package runners that name a package.
const PACKAGE: [&str; 4] = ["-p", "--package", "--from", "--with"];
/// Other options of package runners that take a value.
const VALUED: [&str; 27] = [
    "-c",
    "--call",
    "-w",
    "--workspace",
    "--registry",
    "--cache",
    "--prefix",
    "--userconfig",
    "--loglevel",
    "--script-shell",
    "--python",
    "--index",
    "--default-index",
    "-i",
    "--index-url",
    "--extra-index-url",
    "-f",
    "--find-links",
    "--cache-dir",
    "--directory",
    "--project",
    "--env-file",
    "--constraints",
    "--overrides",
    "--exclude-newer",
    "--config-file",
    "--with-requirements",
];

/// Returns `true` if the command is a package runner.
#[must_use]
pub fn is_package_runner(command: &str, args: &[String]) -> bool {
    let arg = |at: usize| args.get(at).map_or("", String::as_str);
    match base(command) {
        "npx" | "uvx" => true,
        "npm" => matches!(arg(0), "exec" | "x"),
        "uv" => (arg(0), arg(1)) == ("tool", "run"),
        _ => false,
    }
}

/// Returns the package that a package runner looks for: its name, and the packages that options add.
#[must_use]
pub fn package(command: &str, args: &[String]) -> String {
    let verbs = match base(command) {
        "npm" => 1,
        "uv" => 2,
        _ => 0,
    };
    let mut named = vec![base(command)];
    let mut args = args.iter().skip(verbs).map(String::as_str);
    while let Some(arg) = args.next() {
        let (option, value) =
            arg.split_once('=').map_or((arg, None), |(one, two)| (one, Some(two)));
        if PACKAGE.contains(&option) {
            named.extend(value.or_else(|| args.next()));
        } else if VALUED.contains(&option) {
            if value.is_none() {
                args.next();
            }
        } else if !arg.starts_with('-') {
            named.push(arg);
            break;
        }
    }
    named.join(" ")
}

/// Returns `true` if a command line belongs to a wrapper. That is a package runner, a shell between a runner
/// and its program, or the launcher before it executes the runner.
pub(super) fn is_wrapper(line: &[String]) -> bool {
    let arg = |at: usize| line.get(at).map_or("", |arg| base(arg));
    // npm overwrites its command line with a title.
    let is_npm = line.first().is_some_and(|arg| arg.starts_with("npm "));
    let is_package_runner = |name: &str| NAMES.contains(&name);
    let is_shell = matches!(arg(0), "sh" | "dash" | "bash" | "ash" | "busybox");
    let is_launcher = arg(1).starts_with(super::super::launcher::VERB);
    is_npm
        || is_launcher
        || is_package_runner(arg(0))
        || is_package_runner(arg(1))
        || (arg(0) == "env" && is_package_runner(arg(2)))
        || (is_shell && (arg(1) == "-c" || arg(2) == "-c"))
}

fn base(path: &str) -> &str {
    path.rsplit('/').next().unwrap_or(path)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn owned(line: &[&str]) -> Vec<String> {
        line.iter().map(|arg| (*arg).to_owned()).collect()
    }

    #[test]
    fn wrappers_are_told_from_servers() {
        for line in [
            &["npm exec @modelcontextprotocol/server-everything"][..],
            &["node", "/usr/bin/npx", "-y", "x"],
            &["python3", "/opt/uvx", "x"],
            &["sh", "-c", "mcp-server-x"],
            &["/usr/local/bin/uv", "tool", "uvx", "x"],
            &["/proc/self/exe", "__launch", "7", "full", "-", "-", "-", "/usr/bin/npx", "x"],
        ] {
            assert!(is_wrapper(&owned(line)), "{line:?}");
        }
        for line in
            [&["node", "/x/.bin/mcp-server"][..], &["/venv/bin/python", "/x/npm-like"], &["sh"]]
        {
            assert!(!is_wrapper(&owned(line)), "{line:?}");
        }
    }

    #[test]
    fn a_finder_is_told_by_its_command() {
        for line in [
            &["/usr/bin/npx"][..],
            &["uvx", "x"],
            &["npm", "exec", "x"],
            &["uv", "tool", "run", "x"],
        ] {
            assert!(is_package_runner(line[0], &owned(&line[1..])), "{line:?}");
        }
        for line in [&["node", "npx"][..], &["npm", "start"], &["uv", "run", "x"], &["uv"]] {
            assert!(!is_package_runner(line[0], &owned(&line[1..])), "{line:?}");
        }
    }

    #[test]
    fn a_package_is_the_same_whatever_its_server_is_told() {
        for (command, line, expected) in [
            ("/usr/bin/npx", &["-y", "pkg@1", "--port", "1"][..], "npx pkg@1"),
            ("npx", &["--yes", "--registry", "https://r", "pkg@1", "x"], "npx pkg@1"),
            ("npx", &["--package=a", "-p", "b", "run"], "npx a b run"),
            ("uvx", &["--from", "a==1", "tool", "x"], "uvx a==1 tool"),
            ("uvx", &["--python=3.12", "a"], "uvx a"),
            ("npm", &["exec", "-y", "a"], "npm a"),
            ("uv", &["tool", "run", "a"], "uv a"),
        ] {
            assert_eq!(package(command, &owned(line)), expected);
        }
    }
}
