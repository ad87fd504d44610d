//! A person at a desk: a home directory, a browser that programs open, a terminal.

use std::{
    fs,
    os::unix::fs::PermissionsExt,
    path::{Path, PathBuf},
    process::{Command, Stdio},
    time::Duration,
};

use gateway_tests::stack::{Stack, root};
use serde_json::Value;
use tempfile::TempDir;

/// Node.js 22.
pub(crate) const NODE: &str = "node-linux-{}/bin/node";

/// The names by which programs look for a browser.
const OPENERS: [&str; 4] = ["xdg-open", "sensible-browser", "x-www-browser", "www-browser"];

/// Where one person works with one program.
pub(crate) struct Desk {
    /// The URL of the MCP server.
    pub(crate) url: String,
    /// The CA of the gateway.
    pub(crate) ca: String,
    /// The base URL of the model.
    pub(crate) model: String,
    directory: TempDir,
}

impl Desk {
    /// Furnishes one whose browser trusts the gateway of `stack`.
    pub(crate) fn new(stack: &Stack, model: &str) -> Self {
        let directory = tempfile::tempdir().expect("a directory");
        let desk = Self {
            url: stack.url("time").to_owned(),
            ca: stack.ca().to_owned(),
            model: model.to_owned(),
            directory,
        };
        for name in ["home", "work", "bin"] {
            fs::create_dir(desk.path(name)).expect("a directory");
        }
        let browser = format!(
            "#!/bin/sh\n\
             # In the background, as a desktop does it, and with nothing of the program's environment.\n\
             exec >/dev/null 2>&1 </dev/null\n\
             CERTIFICATE={} SEEN={} HOME={} setsid env -u NODE_OPTIONS -u NODE_EXTRA_CA_CERTS node {} \"$1\" &\n",
            stack.path("cert.pem").display(),
            desk.path("seen").display(),
            desk.path("bin").display(),
            root().join("tests/pages/log-in.mjs").display(),
        );
        for name in OPENERS {
            let path = desk.path("bin").join(name);
            fs::write(&path, &browser).expect("written");
            fs::set_permissions(&path, fs::Permissions::from_mode(0o755)).expect("executable");
        }
        desk
    }

    /// A file of the desk.
    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.directory.path().join(name)
    }

    /// Writes a file below the home directory.
    pub(crate) fn write_home(&self, name: &str, text: &str) {
        let path = self.path("home").join(name);
        fs::create_dir_all(path.parent().expect("a parent")).expect("a directory");
        fs::write(path, text).expect("written");
    }

    /// A program at this desk, with nothing of the environment of this test.
    pub(crate) fn command(&self, program: impl AsRef<Path>) -> Command {
        let mut command = Command::new(program.as_ref());
        let path =
            [&*self.path("bin").display().to_string(), "/usr/local/bin:/usr/bin:/bin"].join(":");
        command
            .env_clear()
            .env("PATH", path)
            .env("HOME", self.path("home"))
            .env("BROWSER", self.path("bin").join("xdg-open"))
            .env("LANG", "C.UTF-8")
            .env("TERM", "xterm-256color")
            .current_dir(self.path("work"))
            .stdin(Stdio::null());
        command
    }

    /// A native program among the installed packages, which trusts the CA; `{}` in its path stands for the machine.
    pub(crate) fn native(&self, program: &str, arguments: &[&str]) -> Command {
        let mut command = self.command(native(program));
        command.args(arguments).env("NODE_EXTRA_CA_CERTS", &self.ca);
        command
    }

    /// A JavaScript program among the installed packages, which gets Node.js 22.
    pub(crate) fn node(&self, script: &str) -> Command {
        let mut command = self.command(native(NODE));
        command.arg(package(script)).env("NODE_EXTRA_CA_CERTS", &self.ca);
        command
    }

    /// The pages that the person has seen so far.
    pub(crate) fn pages(&self) -> Vec<Value> {
        let text = fs::read_to_string(self.path("seen")).unwrap_or_default();
        text.lines().map(|line| serde_json::from_str(line).expect("JSON")).collect()
    }

    /// Returns `true` if a login has led back to the program since there were `before` pages, and the program has
    /// had time to fetch its tokens.
    pub(crate) fn has_come_back(&self, before: usize) -> bool {
        let pages = self.pages();
        let back =
            |page: &Value| page["url"].as_str().is_some_and(|url| url.ends_with("/callback"));
        let done = pages.iter().skip(before).any(back);
        if done {
            std::thread::sleep(Duration::from_secs(3));
        }
        done
    }
}

/// A file of the installed npm packages.
pub(crate) fn package(name: &str) -> PathBuf {
    root().join(".tools/programs/node_modules").join(name)
}

/// A program for this machine, whose `{}` stands for the machine as npm names it.
pub(crate) fn native(name: &str) -> PathBuf {
    package(&name.replace("{}", MACHINE))
}

/// This machine.
const MACHINE: &str = if cfg!(target_arch = "aarch64") { "arm64" } else { "x64" };

/// The version of an npm package, whose `{}` stands for the machine.
pub(crate) fn version(name: &str) -> String {
    let text = fs::read(native(name).join("package.json")).expect("an installed package");
    let package: Value = serde_json::from_slice(&text).expect("JSON");
    package["version"].as_str().expect("a version").to_owned()
}
