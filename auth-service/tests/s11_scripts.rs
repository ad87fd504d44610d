//! What the scripts write is not for everybody on the machine, and an image with labels of Traefik is refused.
#![expect(
    clippy::unwrap_used,
    reason = "the helpers of a test stop at the first thing that is not as it should be"
)]

use std::{
    fs,
    os::unix::fs::{MetadataExt, PermissionsExt},
    path::{Path, PathBuf},
    process::{Command, Output},
};

use tempfile::TempDir;

/// The group of the containers' user, as in the Dockerfile.
const GROUP: u32 = 65532;

/// A directory of a gateway that is set up, and a Docker that knows its services and one image.
struct Project(TempDir);

impl Project {
    fn new() -> Self {
        let directory = tempfile::tempdir().unwrap();
        let root = Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap();
        let copied = Command::new("cp")
            .args(["-R", root.join("scripts").to_str().unwrap()])
            .arg(directory.path())
            .status();
        assert!(copied.unwrap().success());
        let project = Self(directory);
        fs::write(project.path(".env"), "BASE_DOMAIN=gw.example\nCERT_FILE=x\n").unwrap();
        fs::create_dir(project.path("bin")).unwrap();
        project
    }

    fn path(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }

    /// A `docker` in which an image has the labels `labels`, one a line as `"key"="value"`.
    fn docker(&self, labels: &str) {
        let program = format!(
            "#!/bin/sh\ncase \"$*\" in\n*--format*) cat <<'END'\n{labels}\nEND\n;;\n*--services*) echo \
             time ;;\n'run '*) exit 1 ;;\nesac\n"
        );
        fs::write(self.path("bin/docker"), program).unwrap();
        fs::set_permissions(self.path("bin/docker"), fs::Permissions::from_mode(0o755)).unwrap();
    }

    fn run(&self, script: &str, arguments: &[&str]) -> Output {
        let path = format!("{}:/usr/local/bin:/usr/bin:/bin", self.path("bin").display());
        Command::new("sh")
            // What a careless administrator has.
            .args(["-c", "umask 000; exec \"$0\" \"$@\""])
            .arg(self.path(script))
            .args(arguments)
            .env("PATH", path)
            .env("ADD_SERVER_TOKEN", "secret from the environment")
            .current_dir(self.0.path())
            .output()
            .unwrap()
    }

    /// That of `run`, which has to succeed; `false` where the group cannot be changed.
    fn runs_as_root(&self, script: &str, arguments: &[&str]) -> bool {
        let output = self.run(script, arguments);
        let error = String::from_utf8_lossy(&output.stderr);
        if error.contains("run this as root") {
            return false;
        }
        assert!(output.status.success(), "{error}");
        true
    }

    /// Owner and containers may read the file, and nobody else.
    fn is_private(&self, name: &str) {
        let metadata = fs::metadata(self.path(name)).unwrap();
        assert_eq!(metadata.mode() & 0o777, 0o640, "{name}");
        assert_eq!(metadata.gid(), GROUP, "{name}");
    }
}

#[test]
fn s11_secrets_of_the_file_are_for_its_owner_and_the_containers() {
    let project = Project::new();
    project.docker("");
    let file = "servers/mcp-servers.json";
    let add = ["wiki", "--file", "--env", "TOKEN=secret", "--", "npx", "wiki"];
    if !project.runs_as_root("scripts/add-server", &add) {
        assert!(!project.path(file).exists() && !project.path(&format!("{file}.new")).exists());
        return;
    }
    project.is_private(file);
    // Also one that was readable by all.
    fs::set_permissions(project.path(file), fs::Permissions::from_mode(0o644)).unwrap();
    let add = ["notes", "--file", "--env-from", "TOKEN", "--", "npx", "notes"];
    assert!(project.runs_as_root("scripts/add-server", &add));
    project.is_private(file);
    let text = fs::read_to_string(project.path(file)).unwrap();
    assert!(text.contains("secret from the environment"), "{text}");
    assert!(project.runs_as_root("scripts/add-server", &["--remove", "notes"]));
    project.is_private(file);
    assert!(!project.path(&format!("{file}.new")).exists());
}

#[test]
fn s11_what_setup_and_add_server_write_is_private() {
    let project = Project::new();
    project.docker("");
    let secrets = ["notes", "--no-start", "--env", "TOKEN=secret", "--", "npx", "notes"];
    let output = project.run("scripts/add-server", &secrets);
    assert!(output.status.success(), "{output:?}");
    let mode = |name: &str| fs::metadata(project.path(name)).unwrap().mode() & 0o777;
    assert_eq!(mode("servers/notes.yml"), 0o600);
    fs::remove_file(project.path(".env")).unwrap();
    let set_up = ["--domain", "localhost", "--no-github", "--servers", "time", "--yes"];
    let output = project.run("scripts/setup", &set_up);
    assert!(output.status.success(), "{output:?}");
    assert_eq!(mode(".env"), 0o600);
    assert_eq!(mode("certificates/ca-key.pem"), 0o600);
    assert_eq!(mode("certificates/cert-key.pem"), 0o600);
    if fs::metadata(project.path(".env")).unwrap().uid() == 0 {
        project.is_private("servers/mcp-servers.json");
    }
}

#[test]
fn a8_setup_knows_what_stands_in_front() {
    let project = Project::new();
    fs::remove_file(project.path(".env")).unwrap();
    let with = |more: &[&str]| {
        let base = ["--domain", "mcp.example.com", "--no-github", "--servers", "time", "--yes"];
        project.run("scripts/setup", &[&base, more].concat())
    };
    for wrong in [
        &["--front", "cloudflare"][..],
        &["--front", "10.0.0.0/8; rm"],
        &["--front", "10.0.0.1", "--email", "a@example.com"],
        &[],
    ] {
        assert!(!with(wrong).status.success(), "{wrong:?}");
    }
    let output = with(&["--front", "172.30.0.0/24,2001:db8::/32"]);
    assert!(output.status.success(), "{output:?}");
    let text = fs::read_to_string(project.path(".env")).unwrap();
    for line in ["FRONT_PROXIES=172.30.0.0/24,2001:db8::/32", "ACME_EMAIL="] {
        assert!(text.lines().any(|one| one == line), "{line}: {text}");
    }
    assert!(!text.contains("CERT_FILE"), "{text}");
}

/// What was pasted goes on to the script itself, where no list of processes shows it.
#[test]
fn s11_pasted_secrets_are_in_no_command_line() {
    let project = Project::new();
    let pasted =
        r#"{"mcpServers": {"x": {"command": "npx", "env": {"TOKEN": "secret", "PATH": "p"}}}}"#;
    fs::write(project.path("pasted.json"), pasted).unwrap();
    fs::write(project.path("told"), "#!/bin/sh\necho \"$@\"; echo \"$ADD_SERVER_TOKEN\"\n")
        .unwrap();
    fs::set_permissions(project.path("told"), fs::Permissions::from_mode(0o755)).unwrap();
    let output = Command::new("python3")
        .arg(project.path("scripts/lib/servers_file.py"))
        .args(["each", "pasted.json", "./told"])
        .current_dir(project.0.path())
        .output()
        .unwrap();
    let told = String::from_utf8(output.stdout).unwrap();
    assert_eq!(told, "x --env-from TOKEN --env-from PATH -- npx\nsecret\n");
}

/// Runs `scripts/add-server --json` on one entry `x`, as the only server: what it hands on, or what is wrong.
fn pasted(entry: &str, options: &[&str]) -> Result<String, String> {
    let project = Project::new();
    let text = format!("{{\"mcpServers\": {{\"x\": {entry}}}}}");
    fs::write(project.path("pasted.json"), text).unwrap();
    fs::write(
        project.path("told"),
        "#!/bin/sh\nprintf '%s|' \"$@\"\nprintenv ADD_SERVER_KEY || :\n",
    )
    .unwrap();
    fs::set_permissions(project.path("told"), fs::Permissions::from_mode(0o755)).unwrap();
    let output = Command::new("python3")
        .arg(project.path("scripts/lib/servers_file.py"))
        .args(["each", "pasted.json", "./told"])
        .args(options)
        .env("ADD_SERVER_TOKEN", "t0ken")
        .env("TOKEN", "of this shell")
        .current_dir(project.0.path())
        .output()
        .unwrap();
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).trim_end().to_owned();
    if output.status.success() { Ok(text(&output.stdout)) } else { Err(text(&output.stderr)) }
}

#[test]
fn p9_a_pasted_object_is_added_as_its_writer_means_it() {
    let with = |more: &str| format!("{{\"command\": \"npx\", {more}}}");
    for (more, told) in [
        (r#""disabled": true"#, ""),
        (r#""enabled": false, "timeout": 5"#, ""),
        (r#""disabled": false, "type": "stdio", "autoApprove": []"#, "x|--|npx|"),
        (r#""title": "X", "allow": ["a", "b"]"#, "x|--title|X|--allow|a,b|--|npx|"),
        (r#""args": ["${TOKEN}", "${NONE:-n}", "$${TOKEN}"]"#, "x|--|npx|t0ken|n|${TOKEN}|"),
        (r#""env": {"KEY": "${env:TOKEN}"}"#, "x|--env-from|KEY|--|npx|t0ken"),
    ] {
        assert_eq!(pasted(&with(more), &[]).as_deref(), Ok(told), "{more}");
    }
    // In the file the proxy fills them.
    let told = pasted(&with(r#""args": ["${TOKEN}"], "env": {"KEY": "${OTHER}"}"#), &["--file"]);
    assert_eq!(told.as_deref(), Ok("x|--file|--env-from|KEY|--|npx|${TOKEN}|${OTHER}"));
    for (more, what) in [
        (r#""headers": {"A": "b"}"#, "\"headers\""),
        (r#""timeout": 60"#, "\"timeout\""),
        (r#""autoApprove": ["x"]"#, "\"autoApprove\""),
        (r#""alwaysAllow": ["x"]"#, "\"alwaysAllow\""),
        (r#""type": "sse""#, "\"type\""),
        (r#""cwd": "/x""#, "\"cwd\""),
        (r#""tools": ["x"]"#, "\"tools\""),
        (r#""evn": {}"#, "\"env\""),
        (r#""url": "https://x/mcp""#, "\"url\""),
        (r#""args": ["${OTHER}"]"#, "ADD_SERVER_OTHER"),
        (r#""args": ["${OTHER"]"#, "is not a variable"),
        (r#""args": "x""#, "\"args\""),
    ] {
        let problem = pasted(&with(more), &[]).unwrap_err();
        assert!(problem.starts_with("error: x: ") && problem.contains(what), "{more}: {problem}");
    }
}

#[test]
fn s3_an_image_with_labels_of_traefik_or_the_gateway_is_refused() {
    let project = Project::new();
    let add = ["search", "--no-start", "--native", "example/search:1"];
    for label in [
        r#""traefik.http.routers.x.rule"="Host(`auth.gw.example`)""#,
        r#""TRAEFIK.Enable"="true""#,
        r#""mcp.enable"="true""#,
        r#""gateway.labels.ignored"="x""#,
    ] {
        project.docker(&format!("\"org.opencontainers.image.title\"=\"Search\"\n{label}"));
        let output = project.run("scripts/add-server", &add);
        let error = String::from_utf8_lossy(&output.stderr);
        assert!(!output.status.success() && error.contains(label), "{label}: {error}");
        assert!(!project.path("servers/search.yml").exists());
    }
    project.docker("\"org.opencontainers.image.title\"=\"traefik.enable\"");
    let output = project.run("scripts/add-server", &add);
    assert!(output.status.success(), "{output:?}");
    assert!(project.path("servers/search.yml").exists());
}
