//! A real OpenID provider: `glewlwyd` of Debian, which sends no `iss` back and has odd claims.

use std::{
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
};

use reqwest::Method;
use serde_json::{Value, json};
use tempfile::TempDir;
use tokio::sync::Mutex;
use url::Url;

use crate::{
    browser::{Browser, Page},
    port::free_port,
    provider::{Provider, await_port, http},
    stack::root,
};

const PASSWORD: &str = "correct-horse";

/// Creates the database from the statements of the package; accounts get the property `groups`.
const CREATE: &str = r#"
import gzip, json, sqlite3, sys
database = sqlite3.connect("glewlwyd.db")
database.executescript(gzip.open(sys.argv[1], "rt").read())
groups = {"groups": {"multiple": True, "read": True, "write": True}}
parameters = json.dumps({"use-glewlwyd-connection": True, "data-format": groups})
database.execute("UPDATE g_user_module_instance SET gumi_parameters = ?", (parameters,))
database.commit()
"#;

/// A running provider, gone when dropped.
pub struct Glewlwyd {
    issuer: String,
    api: String,
    administrator: Mutex<Browser>,
    process: Child,
    _directory: TempDir,
}

impl Glewlwyd {
    /// Starts one whose client has the callback `redirect`, and waits until it listens.
    pub async fn start(redirect: &str) -> Self {
        let directory = tempfile::tempdir().expect("a directory");
        let port = free_port();
        let process = spawn(directory.path(), port);
        await_port("glewlwyd", port);
        let api = format!("http://127.0.0.1:{port}/api");
        let mut browser = Browser::new(http());
        let administrator = json!({ "username": "admin", "password": "password" });
        log_in_at(&mut browser, &api, &administrator).await;
        let administrator = Mutex::new(browser);
        let issuer = format!("{api}/oidc");
        let this = Self { issuer, api, administrator, process, _directory: directory };
        let keys = keys(this._directory.path());
        this.administer(Method::POST, "/mod/plugin/", &plugin(&this.issuer, keys)).await;
        let client = json!({
            "client_id": this.client().0,
            "client_secret": this.client().1,
            "name": "Gateway",
            "enabled": true,
            "confidential": true,
            "redirect_uri": [redirect],
            "authorization_type": ["code", "refresh_token"],
            "token_endpoint_auth_method": ["client_secret_basic"],
            "scope": [],
        });
        this.administer(Method::POST, "/client/", &client).await;
        this
    }

    async fn administer(&self, method: Method, path: &str, body: &Value) -> Page {
        let url = Url::parse(&format!("{}{path}", self.api)).expect("a URL");
        let page = self.administrator.lock().await.send_json(method, &url, body).await;
        assert_eq!(page.status, 200, "{path}: {page:?}");
        page
    }

    /// Adds a person with these groups.
    pub async fn add(&self, person: &str, groups: &[&str]) {
        self.administer(Method::POST, "/user/", &account(person, groups, true)).await;
    }

    /// Replaces the groups of a person.
    pub async fn set_groups(&self, person: &str, groups: &[&str]) {
        self.set_account(person, groups, true).await;
    }

    /// Enables or disables an account that has these groups.
    pub async fn set_account(&self, person: &str, groups: &[&str], is_enabled: bool) {
        let path = format!("/user/{person}");
        self.administer(Method::PUT, &path, &account(person, groups, is_enabled)).await;
    }

    /// Deletes an account.
    pub async fn remove(&self, person: &str) {
        self.administer(Method::DELETE, &format!("/user/{person}"), &json!({})).await;
    }
}

impl Provider for Glewlwyd {
    fn issuer(&self) -> &str {
        &self.issuer
    }

    fn client(&self) -> (&str, &str) {
        ("gateway", "gateway-secret")
    }

    /// Its pages are one script, whose requests these are.
    async fn log_in(&self, browser: &mut Browser, from: &str, person: &str) -> Url {
        let to_login = browser.get(&Url::parse(from).expect("a URL")).await;
        let login = to_login.next().unwrap_or_else(|| panic!("no login: {to_login:?}"));
        if !login.path().ends_with("/login.html") {
            return login;
        }
        let parameter = |wanted: &str| {
            let mut all = login.query_pairs();
            let found = all.find(|(name, _)| name == wanted);
            found.unwrap_or_else(|| panic!("no {wanted}: {login}")).1.into_owned()
        };
        log_in_at(browser, &self.api, &json!({ "username": person, "password": PASSWORD })).await;
        let grant = format!("{}/auth/grant/{}", self.api, self.client().0);
        let grant = Url::parse(&grant).expect("a URL");
        let scope = json!({ "scope": parameter("scope") });
        let granted = browser.send_json(Method::PUT, &grant, &scope).await;
        assert_eq!(granted.status, 200, "{granted:?}");
        let go_on = format!("{}&g_continue", parameter("callback_url"));
        let page = browser.get(&Url::parse(&go_on).expect("a URL")).await;
        page.next().unwrap_or_else(|| panic!("leads nowhere: {page:?}"))
    }
}

async fn log_in_at(browser: &mut Browser, api: &str, credentials: &Value) {
    let url = Url::parse(&format!("{api}/auth/")).expect("a URL");
    let page = browser.send_json(Method::POST, &url, credentials).await;
    assert_eq!(page.status, 200, "{page:?}");
}

fn account(person: &str, groups: &[&str], is_enabled: bool) -> Value {
    json!({
        "username": person,
        "name": format!("The {person}"),
        "email": format!("{person}@example.org"),
        "password": PASSWORD,
        "enabled": is_enabled,
        "scope": ["openid"],
        "groups": groups,
    })
}

/// The module that makes it an OpenID provider.
fn plugin(issuer: &str, (private, public): (String, String)) -> Value {
    let file = root().join("tests/providers/glewlwyd-plugin.json");
    let text = std::fs::read(file).expect("the module");
    let mut plugin: Value = serde_json::from_slice(&text).expect("JSON");
    plugin["parameters"]["iss"] = issuer.into();
    plugin["parameters"]["key"] = private.into();
    plugin["parameters"]["cert"] = public.into();
    plugin
}

/// A new private key and its public key, as PEM.
fn keys(directory: &Path) -> (String, String) {
    let openssl = |arguments: &[&str]| {
        let output = Command::new("openssl").args(arguments).current_dir(directory).output();
        let output = output.expect("openssl is installed");
        assert!(output.status.success(), "{output:?}");
        String::from_utf8(output.stdout).expect("text")
    };
    openssl(&["genrsa", "-out", "key.pem", "2048"]);
    let private = std::fs::read_to_string(directory.join("key.pem")).expect("a key");
    (private, openssl(&["rsa", "-in", "key.pem", "-pubout"]))
}

fn spawn(directory: &Path, port: u16) -> Child {
    let package: PathBuf = root().join(".tools/glewlwyd/usr");
    let is_there = package.join("bin/glewlwyd").exists();
    assert!(is_there, "{} is missing: scripts/test --providers installs it", package.display());
    let statements = package.join("share/doc/glewlwyd/database/init.sqlite3.sql.gz");
    let mut python = Command::new("python3");
    let created = python.args(["-c", CREATE]).arg(statements).current_dir(directory).status();
    assert!(created.expect("python3 is installed").success());
    let modules = package.join("lib/glewlwyd").display().to_string();
    let database = directory.join("glewlwyd.db").display().to_string();
    let settings = format!(
        "port = {port}\nbind_address = \"127.0.0.1\"\n\
         external_url = \"http://127.0.0.1:{port}\"\nlogin_url = \"login.html\"\n\
         api_prefix = \"api\"\nlog_mode = \"console\"\nlog_level = \"ERROR\"\n\
         cookie_domain = \"127.0.0.1\"\ncookie_secure = 0\nsession_key = \"LOGIN\"\n\
         admin_scope = \"g_admin\"\nprofile_scope = \"g_profile\"\nhash_algorithm = \"SHA512\"\n\
         user_module_path = \"{modules}/user\"\nclient_module_path = \"{modules}/client\"\n\
         user_middleware_module_path = \"{modules}/middleware\"\n\
         user_auth_scheme_module_path = \"{modules}/scheme\"\nplugin_module_path = \"{modules}/plugin\"\n\
         database = {{ type = \"sqlite3\" path = \"{database}\" }};\n"
    );
    std::fs::write(directory.join("glewlwyd.conf"), settings).expect("written");
    let file = directory.join("glewlwyd.conf").display().to_string();
    Command::new("setpriv")
        .args(["--pdeathsig", "KILL"])
        .arg(package.join("bin/glewlwyd"))
        .arg(format!("--config-file={file}"))
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .expect("setpriv is installed")
}

impl Drop for Glewlwyd {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}
