//! One gateway of one test: own Redis, own port, a clock that the test sets.

use std::{
    collections::HashMap,
    net::TcpListener,
    path::{Path, PathBuf},
    process::{Command, Output},
    sync::{
        Arc,
        atomic::{AtomicI64, Ordering},
    },
    time::{Duration, Instant},
};

use crate::document_host::DocumentHost;
use auth_service::{
    admission::{AccessPolicy, PolicyFile},
    app,
    config::Config,
    keys::{RootKeys, SigningKeys, generate_key},
    metrics::Metrics,
    model::{Catalogue, Clock, LoginCode, SystemClock, UnixTime, User},
    oauth::{
        AuthServer, Core, FactsCache, PENDING_SEAL, PROVIDER_SEAL, SIGN_IN_SEAL, callback_path,
    },
    servers::ServersFile,
    store::{self, Filter, ListedGrant, Selection, Store},
    upstream::{ClientDocuments, LoginProviders, ServerReports},
};
use aws_lc_rs::hmac;
use gateway_tests::{
    browser::{Browser, Page},
    github::FakeGitHub,
    link::Link,
    pkce,
    redis::Redis,
};
use reqwest::dns::Resolve;
use serde_json::{Map, Value, json};
use tempfile::TempDir;
use tokio::sync::watch;
use url::Url;

pub(crate) const ISSUER: &str = "https://auth.gw.example";
pub(crate) const TIME: &str = "https://time.gw.example/mcp";
pub(crate) const GIT: &str = "https://git.gw.example/mcp";
pub(crate) const CALLBACK: &str = "http://127.0.0.1:7777/callback";

/// A clock that stands until it is moved.
pub(crate) struct ManualClock(AtomicI64);

impl ManualClock {
    pub(crate) fn advance(&self, seconds: i64) {
        self.0.fetch_add(seconds, Ordering::SeqCst);
    }
}

impl Clock for ManualClock {
    fn now(&self) -> UnixTime {
        UnixTime(self.0.load(Ordering::SeqCst))
    }
}

fn providers(config: &Config, clock: &Arc<ManualClock>) -> LoginProviders {
    let clock: Arc<dyn Clock> = clock.clone();
    let callback = |name: &_| config.issuer.at(&callback_path(name));
    LoginProviders::new(&config.providers, callback, &clock).unwrap()
}

type Watched<T> = (watch::Sender<Arc<T>>, watch::Receiver<Arc<T>>);

/// The catalogue and the access policy of `config`, which tests replace.
fn watched(config: &Config) -> (Watched<Catalogue>, Watched<AccessPolicy>) {
    let catalogue = ServersFile::new(config).read().unwrap().catalogue();
    let (policy, _) = PolicyFile::start(config).unwrap();
    (watch::channel(Arc::new(catalogue)), watch::channel(Arc::new(policy)))
}

/// Everything one test needs.
pub(crate) struct Gateway {
    pub(crate) redis: Redis,
    pub(crate) github: FakeGitHub,
    pub(crate) documents: Arc<DocumentHost>,
    pub(crate) clock: Arc<ManualClock>,
    pub(crate) config: Config,
    pub(crate) catalogue: watch::Sender<Arc<Catalogue>>,
    pub(crate) access: watch::Sender<Arc<AccessPolicy>>,
    pub(crate) base: String,
    pub(crate) tls_port: Option<u16>,
    pub(crate) http: reqwest::Client,
    variables: HashMap<String, String>,
    handle: actix_web::dev::ServerHandle,
    thread: Option<std::thread::JoinHandle<()>>,
    directory: TempDir,
}

/// A client after registration.
#[derive(Clone)]
pub(crate) struct App {
    pub(crate) id: String,
    pub(crate) secret: Option<String>,
}

impl App {
    /// The URL of an authorization request for `resource`, with `more` in place of the usual.
    pub(crate) fn authorize_url(&self, challenge: &str, more: &[(&str, &str)]) -> Url {
        let usual = [
            ("response_type", "code"),
            ("client_id", self.id.as_str()),
            ("redirect_uri", CALLBACK),
            ("state", "client state"),
            ("code_challenge", challenge),
            ("code_challenge_method", "S256"),
            ("resource", TIME),
        ];
        let mut url = Url::parse(&format!("{ISSUER}/authorize")).unwrap();
        let kept = usual.iter().filter(|(name, _)| !more.iter().any(|(other, _)| name == other));
        let given = more.iter().filter(|(_, value)| !value.is_empty());
        url.query_pairs_mut().extend_pairs(kept.chain(given));
        url
    }
}

/// An answer of an endpoint.
#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) headers: reqwest::header::HeaderMap,
    pub(crate) body: Value,
}

impl Answer {
    pub(crate) fn header(&self, name: &str) -> &str {
        self.headers.get(name).map_or("", |value| value.to_str().unwrap())
    }

    pub(crate) fn error(&self) -> (u16, &str) {
        (self.status, self.body["error"].as_str().unwrap_or(""))
    }

    pub(crate) fn text(&self, member: &str) -> String {
        self.body[member].as_str().unwrap_or_else(|| panic!("{member}: {self:?}")).to_owned()
    }
}

/// Repeats an act of the operator until it is done. Replicas may need some time to confirm it.
async fn until_done<T>(act: impl AsyncFn() -> Result<T, store::Error>) -> T {
    let started = Instant::now();
    loop {
        match act().await {
            Ok(done) => return done,
            Err(error) => assert!(started.elapsed() < Duration::from_secs(20), "{error:?}"),
        }
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
}

impl Gateway {
    /// A gateway of the servers `time`, for everybody, and `git`, for alice and octocat.
    pub(crate) fn start() -> Self {
        Self::with(&[])
    }

    /// One that reaches its Redis over a link that can be cut.
    pub(crate) fn over_a_link() -> (Self, Link) {
        Self::over_a_link_with(&[])
    }

    pub(crate) fn over_a_link_with(settings: &[(&str, &str)]) -> (Self, Link) {
        let redis = Redis::start();
        let link = Link::to(redis.socket());
        let url = link.url();
        (Self::beside(redis, &[settings, &[("REDIS_URL", url.as_str())]].concat()), link)
    }

    pub(crate) fn with(settings: &[(&str, &str)]) -> Self {
        Self::beside(Redis::start(), settings)
    }

    /// One whose client documents are found by the resolver that `make` makes of their host.
    pub(crate) fn resolving<R: Resolve + 'static>(
        make: impl FnOnce(Arc<DocumentHost>) -> Arc<R>,
    ) -> (Self, Arc<R>) {
        let mut kept = None;
        let gateway =
            Self::started(Redis::start(), &[], |documents| kept.insert(make(documents)).clone());
        (gateway, kept.unwrap())
    }

    pub(crate) fn beside(redis: Redis, settings: &[(&str, &str)]) -> Self {
        Self::started(redis, settings, |documents| documents)
    }

    fn started(
        redis: Redis,
        settings: &[(&str, &str)],
        resolver: impl FnOnce(Arc<DocumentHost>) -> Arc<dyn Resolve>,
    ) -> Self {
        let github = FakeGitHub::start();
        let directory = tempfile::tempdir().unwrap();
        let mut variables = variables(directory.path(), &redis, &github);
        variables.extend(settings.iter().map(|(name, value)| ((*name).into(), (*value).into())));
        let config = Config::from_map(variables.clone()).unwrap();
        let documents = Arc::new(DocumentHost::start(directory.path()));
        let ((catalogue, listing), (access, policy)) = watched(&config);
        let clock = Arc::new(ManualClock(AtomicI64::new(1_800_000_000)));
        let core = Core {
            pending_seal: roots(&config).seal(PENDING_SEAL).unwrap(),
            limits_key: limits_key(&config),
            store: Store::open(&config.redis).unwrap(),
            keys: SigningKeys::load(&config.signing_key_file).unwrap(),
            metrics: Metrics::default(),
            documents: ClientDocuments::resolving_by(
                resolver(documents.clone()),
                Some(documents.authority()),
            ),
            provider_seal: roots(&config).seal(PROVIDER_SEAL).unwrap(),
            sign_in_seal: roots(&config).seal(SIGN_IN_SEAL).unwrap(),
            forms_key: forms_key(&config),
            providers: providers(&config, &clock),
            access: policy,
            facts: FactsCache::default(),
            reports: ServerReports::new(&config.proxies, &(clock.clone() as Arc<dyn Clock>)),
            catalogue: listing,
            clock: clock.clone(),
            config: config.clone(),
        };
        let Running { base, tls_port, handle, thread } = run(AuthServer::new(core));
        Self {
            redis,
            github,
            documents,
            clock,
            config,
            catalogue,
            access,
            base,
            tls_port,
            http: client(),
            variables,
            handle,
            thread: Some(thread),
            directory,
        }
    }

    /// Ends the server and its work in the background, which would compete with that of another one.
    pub(crate) async fn stop(&mut self) {
        self.handle.stop(false).await;
        self.thread.take().unwrap().join().unwrap();
    }

    /// One more instance of the program, without HTTP: the same Redis, keys, servers and clock.
    pub(crate) fn instance(&self) -> AuthServer {
        AuthServer::new(self.core())
    }

    fn core(&self) -> Core {
        let authority = self.documents.authority();
        Core {
            pending_seal: roots(&self.config).seal(PENDING_SEAL).unwrap(),
            limits_key: limits_key(&self.config),
            store: Store::open(&self.config.redis).unwrap(),
            keys: SigningKeys::load(&self.config.signing_key_file).unwrap(),
            metrics: Metrics::default(),
            documents: ClientDocuments::resolving_by(self.documents.clone(), Some(authority)),
            provider_seal: roots(&self.config).seal(PROVIDER_SEAL).unwrap(),
            sign_in_seal: roots(&self.config).seal(SIGN_IN_SEAL).unwrap(),
            forms_key: forms_key(&self.config),
            providers: providers(&self.config, &self.clock),
            access: self.access.subscribe(),
            facts: FactsCache::default(),
            reports: ServerReports::new(&[], &(self.clock.clone() as Arc<dyn Clock>)),
            catalogue: self.catalogue.subscribe(),
            clock: self.clock.clone(),
            config: self.config.clone(),
        }
    }

    /// An instance whose parts are changed by `change` first.
    pub(crate) fn instance_with(&self, change: impl FnOnce(&mut Core)) -> AuthServer {
        let mut core = self.core();
        change(&mut core);
        AuthServer::new(core)
    }

    /// Replaces the file of servers and publishes what it says, as the watcher would. Servers that state no
    /// program get one.
    pub(crate) fn set_servers(&self, servers: &Value) {
        let file = self.directory.path().join("servers.json");
        let mut servers = servers.clone();
        for server in servers.as_object_mut().into_iter().flat_map(Map::values_mut) {
            if server.get("command").or(server.get("url")).is_none() {
                server["command"] = "x".into();
            }
        }
        std::fs::write(file, json!({ "mcpServers": servers }).to_string()).unwrap();
        let listing = ServersFile::new(&self.config).read().unwrap();
        self.catalogue.send_replace(Arc::new(listing.catalogue()));
    }

    /// Runs the program with the settings of this gateway; what it printed, or why it failed. The
    /// program has the clock of the machine, which this gateway then has, too.
    pub(crate) fn cli(&self, arguments: &[&str]) -> Result<String, String> {
        let output = self.output(arguments);
        let text = |bytes: Vec<u8>| String::from_utf8(bytes).unwrap();
        if output.status.success() {
            Ok(text(output.stdout).trim_end().to_owned())
        } else {
            Err(text(output.stderr))
        }
    }

    /// Whether it succeeded, and what it printed in any case.
    pub(crate) fn cli_output(&self, arguments: &[&str]) -> (bool, String) {
        let output = self.output(arguments);
        (output.status.success(), String::from_utf8(output.stdout).unwrap())
    }

    /// Whether the health check of its container would succeed.
    pub(crate) fn is_healthy(&self) -> bool {
        let mut check = Command::new(env!("CARGO_BIN_EXE_auth-service"));
        check.arg("healthcheck").env_clear().envs(&self.variables);
        let address = self.base.trim_start_matches("http://");
        check.env("AUTH_LISTEN", address).status().unwrap().success()
    }

    /// Whether it succeeded, and what it wrote to standard error.
    pub(crate) fn cli_errors(&self, arguments: &[&str]) -> (bool, String) {
        let output = self.output(arguments);
        (output.status.success(), String::from_utf8(output.stderr).unwrap())
    }

    fn output(&self, arguments: &[&str]) -> Output {
        self.command(arguments).output().unwrap()
    }

    /// The program with the settings of this gateway, which gets the clock of the machine.
    pub(crate) fn command(&self, arguments: &[&str]) -> Command {
        self.clock.advance(SystemClock.now().0 - self.clock.now().0);
        let mut command = Command::new(env!("CARGO_BIN_EXE_auth-service"));
        command
            .args(arguments)
            .env_clear()
            .envs(&self.variables)
            .current_dir(self.directory.path());
        command
    }

    /// The time of this gateway, in seconds since 1970.
    pub(crate) fn config_now(&self) -> i64 {
        self.clock.now().0
    }

    /// A file beside those of this gateway.
    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.directory.path().join(name)
    }

    /// The JSON that the program prints.
    pub(crate) fn cli_json(&self, arguments: &[&str]) -> Value {
        serde_json::from_str(&self.cli(arguments).unwrap()).unwrap()
    }

    /// The keys of records and indexes, sorted: not the counters, nor what an instance writes for itself in the
    /// background.
    pub(crate) fn keys(&self) -> Vec<String> {
        let own =
            ["mcpgw:limit:", "mcpgw:indexed", "mcpgw:sweeping", "mcpgw:outbox", "mcpgw:audit"];
        let all = self.redis.cli(&["KEYS", "*"]);
        let is_own = |key: &&str| own.iter().any(|own| key.starts_with(own));
        let mut keys: Vec<String> =
            all.lines().filter(|key| !key.is_empty() && !is_own(key)).map(str::to_owned).collect();
        keys.sort();
        keys
    }

    /// All that Redis has: keys, values, and members of sorted sets.
    pub(crate) fn dump(&self) -> String {
        let keys = self.redis.cli(&["KEYS", "*"]);
        let mut dump = keys.clone();
        for key in keys.lines() {
            dump += &self.redis.cli(&["GET", key]);
            dump += &self.redis.cli(&["ZRANGE", key, "0", "-1"]);
        }
        dump
    }

    /// The entries of a list that the program prints as JSON.
    pub(crate) fn cli_list(&self, arguments: &[&str]) -> Vec<Value> {
        let printed = self.cli(arguments).unwrap();
        let lines = printed.lines().map(|line| serde_json::from_str::<Value>(line).unwrap());
        lines.filter(|line| line.get("complete").is_none()).collect()
    }

    pub(crate) fn browser(&self) -> Browser {
        Browser::new(self.http.clone()).reach("auth.gw.example", &self.base)
    }

    /// Waits until it says that it is ready.
    pub(crate) async fn await_ready(&self) {
        let deadline = Instant::now() + Duration::from_secs(20);
        loop {
            let ready = self.get("auth.gw.example", "/ready").await;
            if ready.status == 200 {
                return;
            }
            assert!(Instant::now() < deadline, "{ready:?}");
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    }

    pub(crate) async fn get(&self, host: &str, path: &str) -> Answer {
        let request = self.http.get(format!("{}{path}", self.base)).header("Host", host);
        answer(request).await
    }

    pub(crate) async fn post(&self, path: &str, form: &[(&str, &str)]) -> Answer {
        answer(self.http.post(format!("{}{path}", self.base)).form(form)).await
    }

    pub(crate) async fn register(&self, metadata: Value) -> Answer {
        answer(self.http.post(format!("{}/register", self.base)).json(&metadata)).await
    }

    /// A public client with the callback of these tests.
    pub(crate) async fn app(&self) -> App {
        self.app_with("none").await
    }

    pub(crate) async fn app_with(&self, method: &str) -> App {
        let metadata = json!({
            "redirect_uris": [CALLBACK],
            "client_name": "Test App",
            // Equal registrations of public clients would be one.
            "software_id": pkce::pair().0,
            "token_endpoint_auth_method": method,
        });
        let answer = self.register(metadata).await;
        assert_eq!(answer.status, 201, "{answer:?}");
        let secret = answer.body["client_secret"].as_str().map(str::to_owned);
        App { id: answer.text("client_id"), secret }
    }

    /// What the operator does about a person.
    pub(crate) async fn revoke(&self, user: &str) {
        let store = Store::open(&self.config.redis).unwrap();
        let user = Selection::User(user.into());
        until_done(async || store.maintenance.revoke(&user, self.clock.now(), None).await).await;
    }

    /// A login code as the operator mints it.
    pub(crate) async fn login_code(&self, name: &str) -> String {
        let store = Store::open(&self.config.redis).unwrap();
        let code = LoginCode::for_typing().unwrap();
        let user = User { subject: format!("local:{name}"), name: name.into(), email: None };
        let now = self.clock.now();
        let life = (now, UnixTime(now.0 + 600));
        until_done(async || store.logins.put_login_code(&code, &user, life, None).await).await;
        code.reveal().to_owned()
    }

    /// The redirect to the client after `name` consented; `(parameters, verifier)`.
    pub(crate) async fn consent(
        &self,
        app: &App,
        name: &str,
        more: &[(&str, &str)],
    ) -> (HashMap<String, String>, String) {
        let (verifier, challenge) = pkce::pair();
        let mut browser = self.browser();
        let page = browser.get(&app.authorize_url(&challenge, more)).await;
        assert_eq!(page.status, 200, "{page:?}");
        let done = browser.decide(&page, "local", &self.login_code(name).await).await;
        (query(&browser.follow(done, CALLBACK).await), verifier)
    }

    /// Redeems a code.
    pub(crate) async fn redeem(&self, app: &App, code: &str, verifier: &str) -> Answer {
        let mut form = vec![
            ("grant_type", "authorization_code"),
            ("client_id", app.id.as_str()),
            ("redirect_uri", CALLBACK),
            ("code", code),
            ("code_verifier", verifier),
        ];
        form.extend(app.secret.as_deref().map(|secret| ("client_secret", secret)));
        self.post("/token", &form).await
    }

    /// Tokens of `name` for the server at `resource`.
    pub(crate) async fn tokens(&self, app: &App, name: &str, resource: &str) -> Answer {
        let (answer, verifier) = self.consent(app, name, &[("resource", resource)]).await;
        let tokens = self.redeem(app, &answer["code"], &verifier).await;
        assert_eq!(tokens.status, 200, "{tokens:?}");
        tokens
    }

    pub(crate) async fn refresh(&self, app: &App, token: &str) -> Answer {
        let form = [
            ("grant_type", "refresh_token"),
            ("client_id", app.id.as_str()),
            ("refresh_token", token),
        ];
        self.post("/token", &form).await
    }

    /// What `/verify` says to a request for `resource` with `token`.
    pub(crate) async fn verify(&self, resource: &str, token: &str) -> Answer {
        self.forwarded(resource, &[("Authorization", &format!("Bearer {token}"))]).await
    }

    pub(crate) async fn forwarded(&self, resource: &str, headers: &[(&str, &str)]) -> Answer {
        let url = Url::parse(resource).unwrap();
        let mut request = self.http.get(format!("{}/verify", self.base));
        request = request.header("X-Forwarded-Host", url.authority());
        request = request.header("X-Forwarded-Uri", &url[url::Position::BeforePath..]);
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        answer(request).await
    }
}

impl Drop for Gateway {
    fn drop(&mut self) {
        drop(self.handle.stop(false));
    }
}

fn roots(config: &Config) -> RootKeys {
    RootKeys::from_signing_keys(&config.signing_key_file).unwrap()
}

fn forms_key(config: &Config) -> hmac::Key {
    hmac::Key::new(hmac::HMAC_SHA256, &roots(config).bytes("forms").unwrap())
}

fn limits_key(config: &Config) -> hmac::Key {
    hmac::Key::new(hmac::HMAC_SHA256, &roots(config).bytes("request limits").unwrap())
}

/// The settings of a gateway whose files are in `directory`.
fn variables(directory: &Path, redis: &Redis, github: &FakeGitHub) -> HashMap<String, String> {
    let servers = json!({ "mcpServers": {
        "time": { "command": "mcp-server-time" },
        "git": { "command": "mcp-server-git", "allow": ["alice", "octocat"] },
    }});
    std::fs::write(directory.join("servers.json"), servers.to_string()).unwrap();
    std::fs::write(directory.join("key.pem"), generate_key().unwrap()).unwrap();
    let text = |name: &str| directory.join(name).display().to_string();
    let pairs = [
        ("BASE_DOMAIN", "gw.example".to_owned()),
        ("REDIS_URL", redis.url()),
        ("SIGNING_KEY_FILE", text("key.pem")),
        ("MCP_SERVERS_FILE", text("servers.json")),
        ("GITHUB_CLIENT_ID", FakeGitHub::CLIENT.0.to_owned()),
        ("GITHUB_CLIENT_SECRET", FakeGitHub::CLIENT.1.to_owned()),
        ("GITHUB_BASE_URL", github.url.clone()),
        ("GITHUB_API_URL", format!("{}/api/v3", github.url)),
        ("ALLOWED_GITHUB_USERS", "octocat".to_owned()),
        // The clock of these tests stands, so that no minute would ever end.
        ("RATE_LIMIT_ADDRESS", "0".to_owned()),
        ("RATE_LIMIT_REGISTER", "0".to_owned()),
        ("RATE_LIMIT_CLIENT", "0".to_owned()),
    ];
    pairs.map(|(name, value)| (name.to_owned(), value)).into_iter().collect()
}

/// Runs `server` on a port of its own, in a thread of its own.
fn client() -> reqwest::Client {
    let client = reqwest::Client::builder().redirect(reqwest::redirect::Policy::none());
    client.no_proxy().build().unwrap()
}

/// A server on a thread of its own.
struct Running {
    base: String,
    tls_port: Option<u16>,
    handle: actix_web::dev::ServerHandle,
    thread: std::thread::JoinHandle<()>,
}

fn run(server: AuthServer) -> Running {
    let tls = server.core.config.tls.as_ref().map(|tls| app::listen_tls(tls).unwrap());
    let tls_port = tls.as_ref().map(|tls| tls.listener.local_addr().unwrap().port());
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let base = format!("http://{}", listener.local_addr().unwrap());
    let (tell, told) = std::sync::mpsc::channel();
    let thread = std::thread::spawn(move || {
        actix_web::rt::System::new().block_on(async move {
            let server = app::http_server(Arc::new(server), listener, tls).unwrap();
            tell.send(server.handle()).unwrap();
            server.await.unwrap();
        });
    });
    Running { base, tls_port, handle: told.recv().unwrap(), thread }
}

/// The grants of `gateway`, newest first.
pub(crate) async fn grants(gateway: &Gateway) -> Vec<ListedGrant> {
    let store = Store::open(&gateway.config.redis).unwrap();
    let all = Filter::default();
    store.maintenance.grants(&all, None, (1000, gateway.clock.now())).await.unwrap().entries
}

pub(crate) async fn answer(request: reqwest::RequestBuilder) -> Answer {
    let response = request.send().await.unwrap();
    let (status, headers) = (response.status().as_u16(), response.headers().clone());
    let text = response.text().await.unwrap();
    let body = serde_json::from_str(&text).unwrap_or(Value::String(text));
    Answer { status, headers, body }
}

/// The link to the client on a page.
pub(crate) fn link(page: &Page) -> Option<Url> {
    let text = page.body.split("<a href=\"").nth(1)?.split('"').next()?;
    text.replace("&#38;", "&").parse().ok()
}

/// The parameters of a URL.
pub(crate) fn query(url: &Url) -> HashMap<String, String> {
    url.query_pairs().into_owned().collect()
}

/// The parameters of the redirect that `page` is, or of the link to the client on it.
pub(crate) fn redirected(page: &Page) -> HashMap<String, String> {
    let next = page.next().or_else(|| link(page)).unwrap_or_else(|| panic!("no way on: {page:?}"));
    assert!(next.as_str().starts_with(CALLBACK), "{next}");
    query(&next)
}

/// A page without the id of its request, which no other page has.
pub(crate) fn without_request_id(page: &str) -> String {
    let Some((before, rest)) = page.split_once("Request ") else { return page.to_owned() };
    format!("{before}{}", rest.trim_start_matches(|c: char| c.is_ascii_hexdigit() || c == '-'))
}
