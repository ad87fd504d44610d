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

/// The program that knows the rules of names and entries.
const AUTH_SERVICE: &str = env!("CARGO_BIN_EXE_auth-service");

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
        self.docker_that(&format!(
            "*--format*) cat <<'END'\n{labels}\nEND\n;;\n*--services*) echo time ;;\n'run '*) exit 1 ;;"
        ));
    }

    /// A `docker` that does what the branches of a `case` over its arguments say.
    fn docker_that(&self, branches: &str) {
        let program = format!("#!/bin/sh\ncase \"$*\" in\n{branches}\nesac\n");
        fs::write(self.path("bin/docker"), program).unwrap();
        fs::set_permissions(self.path("bin/docker"), fs::Permissions::from_mode(0o755)).unwrap();
    }

    fn run(&self, script: &str, arguments: &[&str]) -> Output {
        self.run_with(AUTH_SERVICE, script, arguments)
    }

    /// As `run`, with another auth-service; an empty one is that of the image.
    fn run_with(&self, auth_service: &str, script: &str, arguments: &[&str]) -> Output {
        let path = format!("{}:/usr/local/bin:/usr/bin:/bin", self.path("bin").display());
        Command::new("sh")
            // What a careless administrator has.
            .args(["-c", "umask 000; exec \"$0\" \"$@\""])
            .arg(self.path(script))
            .args(arguments)
            .env("PATH", path)
            .env("AUTH_SERVICE", auth_service)
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

/// The settings of an OpenID provider are written as they are, and those that would change the file are refused.
#[test]
fn setup_takes_an_openid_provider() {
    let project = Project::new();
    fs::remove_file(project.path(".env")).unwrap();
    let with = |issuer: &str, people: &str| {
        let base = ["--domain", "mcp.localhost", "--servers", "time", "--yes"];
        let own = ["--oidc-issuer", issuer, "--oidc-id", "gateway", "--oidc-secret", "a b/+%"];
        let people: &[&str] = if people.is_empty() { &[] } else { &["--oidc-allow", people] };
        project.run("scripts/setup", &[&base[..], &own, people].concat())
    };
    let issuer = "https://id.example.com/";
    for (issuer, people) in [
        (issuer, ""),
        (issuer, "group:a'b"),
        (issuer, "group:$HOME"),
        ("https://id.example.com/\nX=1", "*"),
        ("https://\u{e9}.example", "*"),
    ] {
        assert!(!with(issuer, people).status.success(), "{issuer} {people}");
        assert!(!project.path(".env").exists());
    }
    let output = with(issuer, "group:staff,domain:acme.com");
    assert!(output.status.success(), "{output:?}");
    let text = fs::read_to_string(project.path(".env")).unwrap();
    for line in [
        "OIDC_ISSUER='https://id.example.com/'",
        "OIDC_CLIENT_ID='gateway'",
        "OIDC_CLIENT_SECRET='a b/+%'",
        "OIDC_ALLOW='group:staff,domain:acme.com'",
    ] {
        assert!(text.lines().any(|one| one == line), "{line}: {text}");
    }
}

/// Reads a pasted object as `scripts/add-server --json` does, and hands each server to the script `told`. Returns
/// its output, or the error.
fn pasted(text: &str, told: &str, options: &[&str]) -> Result<String, String> {
    let project = Project::new();
    fs::write(project.path("pasted.json"), text).unwrap();
    fs::write(project.path("told"), format!("#!/bin/sh\n{told}\n")).unwrap();
    fs::set_permissions(project.path("told"), fs::Permissions::from_mode(0o755)).unwrap();
    let fill = if options.contains(&"--file") { "" } else { "--fill=ADD_SERVER_" };
    let script = format!(
        "read=$(\"$AUTH_SERVICE\" server validate --json {fill} pasted.json) || exit 1; printf '%s' \"$read\" | \
         python3 scripts/lib/servers_file.py each ./told \"$@\""
    );
    let output = Command::new("sh")
        .args(["-c", &script, "sh"])
        .args(options)
        .env("AUTH_SERVICE", AUTH_SERVICE)
        .env("ADD_SERVER_TOKEN", "t0ken")
        .env("TOKEN", "of this shell")
        .current_dir(project.0.path())
        .output()
        .unwrap();
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).trim_end().to_owned();
    if output.status.success() { Ok(text(&output.stdout)) } else { Err(text(&output.stderr)) }
}

/// What was pasted goes on to the script itself, where no list of processes shows it.
#[test]
fn s11_pasted_secrets_are_in_no_command_line() {
    let text =
        r#"{"mcpServers": {"x": {"command": "npx", "env": {"PATH": "p", "TOKEN": "secret"}}}}"#;
    let told = pasted(text, "echo \"$@\"; echo \"$ADD_SERVER_TOKEN\"", &[]);
    assert_eq!(told.as_deref(), Ok("x --env-from PATH --env-from TOKEN -- npx\nsecret"));
}

#[test]
fn p9_a_pasted_object_is_added_as_its_writer_means_it() {
    let with =
        |more: &str| format!("{{\"mcpServers\": {{\"x\": {{\"command\": \"npx\", {more}}}}}}}");
    let pasted = |text: &str, options: &[&str]| {
        pasted(text, "printf '%s|' \"$@\"; printenv ADD_SERVER_KEY || :", options)
    };
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
        let of_x = problem.starts_with("error: x: ") || problem.contains("server \"x\": ");
        assert!(of_x && problem.contains(what), "{more}: {problem}");
    }
    let url = r#"{"mcpServers": {"x": {"url": "https://x/mcp"}}}"#;
    assert!(pasted(url, &[]).unwrap_err().contains("x has no command"));
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

#[test]
fn p9_add_server_takes_what_both_programs_take() {
    let project = Project::new();
    project.docker("");
    for name in ["Bad", "a_b", "a-", "a.b", &"a".repeat(64)] {
        let output = project.run("scripts/add-server", &[name, "--no-start", "--", "npx", "x"]);
        let error = String::from_utf8_lossy(&output.stderr);
        assert!(
            !output.status.success() && error.contains("lower-case letters"),
            "{name}: {error}"
        );
        assert!(!project.path(&format!("servers/{name}.yml")).exists());
    }
    let text = r#"{"mcpServers": {"off": {"command": "npx", "disabled": true},
        "notes": {"command": "npx", "args": ["${TOKEN}"], "env": {"KEY": "${NONE:-k}"}}}}"#;
    fs::write(project.path("pasted.json"), text).unwrap();
    let output = project.run("scripts/add-server", &["--no-start", "--json", "pasted.json"]);
    let error = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success() && error.contains("off is disabled"), "{error}");
    let written = fs::read_to_string(project.path("servers/notes.yml")).unwrap();
    assert!(written.contains("\"npx\", \"secret from the environment\""), "{written}");
    assert!(written.contains("KEY: \"k\""), "{written}");
    // Both programs would keep their last good state.
    let file = project.path("servers/mcp-servers.json");
    let broken = r#"{"mcpServers": {"old": {"comand": "x"}}}"#;
    fs::write(&file, broken).unwrap();
    let output = project.run("scripts/add-server", &["new", "--file", "--", "npx", "x"]);
    let error = String::from_utf8_lossy(&output.stderr);
    assert!(!output.status.success() && error.contains("did you mean \"command\"?"), "{error}");
    assert_eq!(fs::read_to_string(&file).unwrap(), broken);
    assert!(!project.path("servers/mcp-servers.json.new").exists());
}

#[test]
fn add_server_uses_the_program_of_the_image_or_says_how_to_build_it() {
    let project = Project::new();
    let add = ["notes", "--no-start", "--", "npx", "notes"];
    for (branches, said) in [
        ("'image inspect'*) exit 1 ;;", "docker compose build auth-service"),
        ("'run '*) exit 2 ;;", "is older than this script: docker compose build auth-service"),
    ] {
        project.docker_that(branches);
        let output = project.run_with("", "scripts/add-server", &add);
        let error = String::from_utf8_lossy(&output.stderr);
        assert!(!output.status.success() && error.contains(said), "{error}");
        assert!(!project.path("servers/notes.yml").exists());
    }
    project.docker_that(&format!(
        "'run '*) echo \"$*\" >>told; while [ \"$1\" != server ]; do shift; done; exec {AUTH_SERVICE} \"$@\" ;;"
    ));
    let text = r#"{"mcpServers": {"notes": {"command": "npx", "args": ["${TOKEN}"]}}}"#;
    fs::write(project.path("pasted.json"), text).unwrap();
    let output =
        project.run_with("", "scripts/add-server", &["--no-start", "--json", "pasted.json"]);
    assert!(output.status.success(), "{output:?}");
    let written = fs::read_to_string(project.path("servers/notes.yml")).unwrap();
    assert!(written.contains("secret from the environment"), "{written}");
    let told = fs::read_to_string(project.path("told")).unwrap();
    assert!(
        told.contains(
            "--env ADD_SERVER_TOKEN mcp-oauth-gateway/auth-service:latest server validate"
        )
    );
    assert!(!told.contains("secret"), "{told}");
}
