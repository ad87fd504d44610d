//! The Docker Engine of this machine, and the containers of one test.

use std::{
    io::Write,
    path::Path,
    process::{Command, Stdio},
    sync::OnceLock,
};

/// Where it listens.
pub(crate) const SOCKET: &str = "/var/run/docker.sock";

/// The containers of one test; gone when dropped.
pub(crate) struct Engine {
    tag: String,
}

impl Engine {
    pub(crate) fn new(test: &str) -> Self {
        image();
        Self { tag: format!("mcpgw-test-{}-{test}", std::process::id()) }
    }

    /// A name of this test alone: for servers, so that tests that run side by side do not see each
    /// other's as conflicts.
    pub(crate) fn name(&self, short: &str) -> String {
        format!("{}-{short}", self.tag)
    }

    /// Starts a container that does nothing, with these labels.
    pub(crate) fn run(&self, short: &str, labels: &[(&str, &str)]) {
        self.run_with(short, labels, &[]);
    }

    /// The same with more options of `docker run`.
    pub(crate) fn run_with(&self, short: &str, labels: &[(&str, &str)], more: &[&str]) {
        let name = self.name(short);
        let tag = format!("mcpgw.test={}", self.tag);
        let labels: Vec<String> =
            labels.iter().map(|(key, value)| format!("{key}={value}")).chain([tag]).collect();
        let mut arguments = vec!["run", "--detach", "--rm", "--network", "none", "--name", &name];
        for label in &labels {
            arguments.extend(["--label", label]);
        }
        arguments.extend(more);
        arguments.extend([image(), "/busybox", "sleep", "600"]);
        docker(&arguments);
    }

    /// Makes the image `short` with these labels, in place of one of that name; its name.
    pub(crate) fn image(&self, short: &str, labels: &[(&str, &str)]) -> String {
        let name = format!("{}:{short}", self.tag);
        let mut build = Command::new("docker")
            .args(["build", "--quiet", "--tag", &name, "-"])
            .stdin(Stdio::piped())
            .stdout(Stdio::null())
            .spawn()
            .expect("docker runs");
        let labels = labels.iter().map(|(key, value)| format!("LABEL {key}={value:?}\n"));
        let file = format!("FROM {}\n{}", image(), labels.collect::<String>());
        build.stdin.take().unwrap().write_all(file.as_bytes()).unwrap();
        assert!(build.wait().unwrap().success(), "docker build");
        name
    }

    /// Starts a container of an image on the usual network, with these labels and a secret.
    pub(crate) fn run_image(&self, short: &str, image: &str, labels: &[(&str, &str)]) {
        let name = self.name(short);
        let tag = format!("mcpgw.test={}", self.tag);
        let labels: Vec<String> =
            labels.iter().map(|(key, value)| format!("{key}={value}")).chain([tag]).collect();
        let mut arguments = vec!["run", "--detach", "--rm", "--name", &name];
        arguments.extend(["--env", "PASSWORD=secret"]);
        for label in &labels {
            arguments.extend(["--label", label]);
        }
        arguments.extend([image, "/busybox", "sleep", "600"]);
        docker(&arguments);
    }

    pub(crate) fn remove(&self, short: &str) {
        docker(&["rm", "--force", &self.name(short)]);
    }
}

impl Drop for Engine {
    fn drop(&mut self) {
        let ours = docker(&[
            "ps",
            "--all",
            "--quiet",
            "--filter",
            &format!("label=mcpgw.test={}", self.tag),
        ]);
        for id in ours.lines() {
            docker(&["rm", "--force", id]);
        }
        let reference = format!("reference={}", self.tag);
        let images = docker(&["images", "--quiet", "--filter", &reference]);
        for id in images.lines() {
            docker(&["rmi", "--force", id]);
        }
    }
}

/// An image of one static program, made here.
fn image() -> &'static str {
    static IMAGE: OnceLock<&str> = OnceLock::new();
    IMAGE.get_or_init(|| {
        let name = "mcpgw-test-busybox";
        let busybox = ["/bin", "/usr/bin"].iter().find(|at| Path::new(at).join("busybox").exists());
        let directory = busybox.expect("busybox, of the Debian package busybox-static");
        let mut tar = Command::new("tar")
            .args(["--create", "--dereference", "--directory", directory, "busybox"])
            .stdout(Stdio::piped())
            .spawn()
            .expect("tar runs");
        let made = Command::new("docker")
            .args(["import", "-", name])
            .stdin(tar.stdout.take().expect("a pipe"))
            .output()
            .expect("docker runs");
        assert!(tar.wait().expect("tar ends").success());
        assert!(made.status.success(), "{}", String::from_utf8_lossy(&made.stderr));
        name
    })
}

pub(crate) fn docker(arguments: &[&str]) -> String {
    let output = Command::new("docker").args(arguments).output().expect("docker runs");
    let error = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "docker {arguments:?}: {error}");
    String::from_utf8(output.stdout).unwrap().trim().to_owned()
}
