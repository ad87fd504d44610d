//! Builds the server from its settings and runs it until shutdown.

use std::{
    net::{SocketAddr, TcpListener},
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use actix_web::{
    App, HttpServer,
    dev::{Server, ServerHandle},
    web::{Data, get},
};
use aws_lc_rs::hmac;
use gateway_contract::audit::{self, AuditLog, Filter};
use rustls::ServerConfig;
use tokio::{
    signal::unix::{SignalKind, signal},
    sync::watch,
};

use crate::{
    admission::{AccessPolicy, PolicyFile},
    config::{Config, TlsConfig},
    http,
    keys::{self, RootKeys, SigningKeys},
    metrics::Metrics,
    model::{Catalogue, Clock, Identifier, Listing, ProviderName, SystemClock},
    oauth::{self, AuthServer, Core, FactsCache, PENDING_SEAL, PROVIDER_SEAL, SIGN_IN_SEAL},
    servers::{self, Sources},
    store::{self, Store},
    upstream::{self, ClientDocuments, LoginProviders, ServerReports},
};

/// The grace period for open requests after a stop signal, in seconds.
const DRAIN: u64 = 5;

/// The keep-alive timeout of client connections. It exceeds Traefik's idle timeout of 90 s. If this side
/// closed a connection just as Traefik sent a request on it, the client would get a 502.
const KEEP_ALIVE: Duration = Duration::from_mins(2);

/// The interval at which last uses of grants are written.
const WRITE_USES: Duration = Duration::from_mins(1);

/// The name of this program in audit events.
const PROGRAM: &str = "auth-service";

/// The reason why the server cannot start or stopped with an error.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The signing keys of `SIGNING_KEY_FILE` cannot be loaded.
    #[error("cannot use SIGNING_KEY_FILE")]
    Key(#[from] keys::KeyError),
    /// The root keys of `SECRETS_KEY_FILE` cannot be loaded, or a key cannot be derived from them.
    #[error("cannot use SECRETS_KEY_FILE")]
    Secrets(#[from] keys::SealingError),
    /// The servers of `MCP_SERVERS_FILE` cannot be read, or some are invalid.
    #[error(transparent)]
    Servers(#[from] servers::ServersError),
    /// The client of a login provider cannot be built from its settings.
    #[error(transparent)]
    Provider(#[from] upstream::ProviderError),
    /// The access file has mistakes.
    #[error("cannot use ACCESS_FILE: {0}")]
    Access(String),
    /// A login provider is another one than before.
    #[error(transparent)]
    Origin(#[from] oauth::Error),
    /// The store cannot be opened with the Redis settings.
    #[error(transparent)]
    Store(#[from] store::Error),
    /// Redis is a replica, a Sentinel or a node of a Redis Cluster.
    #[error(transparent)]
    Unfit(#[from] store::Unfit),
    /// The address `AUTH_LISTEN` cannot be bound.
    #[error("cannot listen on {0} (AUTH_LISTEN)")]
    Listen(SocketAddr, #[source] std::io::Error),
    /// The address `AUTH_TLS_LISTEN` cannot be bound.
    #[error("cannot listen on {0} (AUTH_TLS_LISTEN)")]
    ListenTls(SocketAddr, #[source] std::io::Error),
    /// The certificate of the TLS listener cannot be loaded or created.
    #[error("cannot use the certificate of AUTH_TLS_LISTEN")]
    Certificate(#[from] keys::CertificateError),
    /// The address `METRICS_LISTEN` cannot be bound.
    #[error("cannot listen on {0} (METRICS_LISTEN)")]
    ListenMetrics(SocketAddr, #[source] std::io::Error),
    /// The file `AUDIT_LOG` cannot be opened.
    #[error("cannot open AUDIT_LOG")]
    Audit(#[source] std::io::Error),
    /// The HTTP server failed to start or stopped with an error.
    #[error("the HTTP server failed")]
    Run(#[source] std::io::Error),
}

/// The senders that publish later states to a server.
pub struct Publishers {
    /// The catalogue of servers.
    pub catalogue: watch::Sender<Arc<Catalogue>>,
    /// The access policy.
    pub access: watch::Sender<Arc<AccessPolicy>>,
    /// The file of the access policy, if there is one.
    pub file: Option<PolicyFile>,
}

/// Returns the audit log of a command. It writes to no file: the running service moves what a command posts.
pub fn audit_of_command(filter: Filter) -> Result<AuditLog, Error> {
    let settings = audit::Settings { filter, ..audit::Settings::default() };
    AuditLog::start(&settings, PROGRAM).map_err(Error::Audit)
}

/// Builds the authorization server for the MCP servers in `listing`. Returns it with the senders that
/// publish later states to it.
pub fn build(
    config: Config,
    listing: &Listing,
    audit: AuditLog,
) -> Result<(AuthServer, Publishers), Error> {
    let clock: Arc<dyn Clock> = Arc::new(SystemClock);
    let (to_catalogue, catalogue) = watch::channel(Arc::new(listing.catalogue()));
    let (policy, file) = PolicyFile::start(&config).map_err(Error::Access)?;
    let (to_access, access) = watch::channel(Arc::new(policy));
    let callback = |name: &ProviderName| config.issuer.at(&oauth::callback_path(name));
    let providers = LoginProviders::new(&config.providers, callback, &clock)?;
    let roots = match &config.secrets_key_file {
        Some(file) => RootKeys::load(file)?,
        None => RootKeys::from_signing_keys(&config.signing_key_file)?,
    };
    let core = Core {
        pending_seal: roots.seal(PENDING_SEAL)?,
        provider_seal: roots.seal(PROVIDER_SEAL)?,
        sign_in_seal: roots.seal(SIGN_IN_SEAL)?,
        forms_key: hmac::Key::new(hmac::HMAC_SHA256, &roots.bytes("forms")?),
        limits_key: hmac::Key::new(hmac::HMAC_SHA256, &roots.bytes("request limits")?),
        store: Store::open(&config.redis)?.with_audit(audit, config.audit_stream_max),
        keys: SigningKeys::load(&config.signing_key_file)?,
        metrics: Metrics::default(),
        providers,
        access,
        facts: FactsCache::default(),
        documents: ClientDocuments::default(),
        reports: ServerReports::new(&config.proxies, &clock),
        catalogue,
        clock,
        config,
    };
    Ok((AuthServer::new(core), Publishers { catalogue: to_catalogue, access: to_access, file }))
}

/// Runs the server until SIGTERM or SIGINT, then lets open requests finish. After SIGTERM, it goes on serving for
/// `SHUTDOWN_DELAY` first, so that a load balancer has time to notice.
pub async fn serve(config: Config) -> Result<(), Error> {
    let address = config.listen;
    let tls = config.tls.as_ref().map(listen_tls).transpose()?;
    let mut providers = Sources::new(&config);
    let listing = providers.start().await?;
    let delay = config.shutdown_delay;
    let audit = AuditLog::start(&config.logs.audit, PROGRAM).map_err(Error::Audit)?;
    let (server, publish) = build(config, &listing, audit)?;
    server.core.store.check_fitness().await?;
    server.people.check_origins().await?;
    let is_draining = Arc::clone(&server.is_draining);
    let server = Arc::new(server);
    let issuer = server.core.config.issuer.as_str().to_owned();
    let servers = server.core.catalogue().iter().count();
    let listener = TcpListener::bind(address).map_err(|error| Error::Listen(address, error))?;
    let watcher = tokio::spawn(providers.watch(publish.catalogue));
    if let Some(file) = publish.file {
        tokio::spawn(file.watch(publish.access));
    }
    log::info!("listening on {address} as {issuer}, {servers} MCP servers");
    let running = http_server(Arc::clone(&server), listener, tls)?;
    let stopping = stop_on_signal(running.handle(), is_draining, delay).map_err(Error::Run)?;
    let stopping = tokio::spawn(stopping);
    let done = running.await.map_err(Error::Run);
    stopping.abort();
    write_uses(&server).await;
    if let Err(error) = server.core.store.audit.stop_relay().await {
        log::warn!("the last audit events are still in their outboxes: {error}");
    }
    watcher.abort();
    log::info!("stopped");
    done
}

async fn write_uses(server: &AuthServer) {
    if let Err(error) = server.verifier.write_uses().await {
        log::warn!("last uses of grants were not written: {error}");
    }
}

/// The bound TLS listener with the settings of its connections.
pub struct TlsListener {
    /// The listening socket.
    pub listener: TcpListener,
    /// The certificate and the protocols that ALPN offers.
    pub config: ServerConfig,
}

/// Returns a task that stops the server of `handle` after a signal.
fn stop_on_signal(
    handle: ServerHandle,
    is_draining: Arc<AtomicBool>,
    delay: Duration,
) -> std::io::Result<impl Future<Output = ()>> {
    let mut terminate = signal(SignalKind::terminate())?;
    let mut interrupt = signal(SignalKind::interrupt())?;
    Ok(async move {
        tokio::select! {
            _ = interrupt.recv() => {}
            _ = terminate.recv() => {
                is_draining.store(true, Ordering::Relaxed);
                log::info!("stopping: not ready for new requests");
                // A second signal ends the wait.
                tokio::select! {
                    () = tokio::time::sleep(delay) => {}
                    _ = terminate.recv() => {}
                    _ = interrupt.recv() => {}
                }
            }
        }
        is_draining.store(true, Ordering::Relaxed);
        handle.stop(true).await;
    })
}

/// Binds the internal TLS listener, which also offers HTTP/2.
pub fn listen_tls(tls: &TlsConfig) -> Result<TlsListener, Error> {
    let config = keys::server_config(&tls.certificate, &SystemClock)?;
    let listener =
        TcpListener::bind(tls.listen).map_err(|error| Error::ListenTls(tls.listen, error))?;
    log::info!("listening on {} with TLS", tls.listen);
    Ok(TlsListener { listener, config })
}

/// Builds the HTTP server of `server` on `listener` and, if given, on the TLS listener. Also starts the
/// metrics server if it is configured, and the background tasks of the store.
pub fn http_server(
    server: Arc<AuthServer>,
    listener: TcpListener,
    tls: Option<TlsListener>,
) -> Result<Server, Error> {
    let workers = server.core.config.workers;
    let server = Data::from(server);
    if let Some(address) = server.core.config.metrics_listen {
        let metrics = metrics_server(server.clone(), address);
        tokio::spawn(metrics.map_err(|error| Error::ListenMetrics(address, error))?);
    }
    let publishing = server.clone();
    tokio::spawn(async move { publishing.core.store.grants.publish_ended().await });
    let using = server.clone();
    tokio::spawn(async move {
        loop {
            tokio::time::sleep(WRITE_USES).await;
            write_uses(&using).await;
        }
    });
    let checking = server.clone();
    actix_web::rt::spawn(async move { checking.people.check_people().await });
    let ending = server.clone();
    actix_web::rt::spawn(async move { ending.people.follow_policy().await });
    let relaying = server.clone();
    tokio::spawn(async move { relaying.core.store.audit.relay().await });
    let reading = server.clone();
    tokio::spawn(async move { reading.core.follow_proxy_events().await });
    let keeping = server.clone();
    tokio::spawn(async move {
        let core = &keeping.core;
        core.store.maintenance.keep_house(|| core.clock.now()).await;
    });
    // This task ends with the runtime. Until it follows revocations, every request asks Redis.
    let following = server.clone();
    tokio::spawn(async move {
        // The library needs about 40 ms for its first random number. Drawing it here keeps that
        // delay out of the workers, which would serve no requests meanwhile.
        if let Err(error) = Identifier::generate() {
            log::error!("{error}");
        }
        following.core.store.follow().await;
    });
    let mut http = HttpServer::new(move || http::service(&server))
        .keep_alive(KEEP_ALIVE)
        .disable_signals()
        .shutdown_timeout(DRAIN);
    if let Some(workers) = workers {
        http = http.workers(workers.get());
    }
    let http = http.listen(listener).map_err(Error::Run)?;
    // This listener negotiates h2 or http/1.1 by ALPN (RFC 7301).
    let http = match tls {
        Some(TlsListener { listener, config }) => {
            http.listen_rustls_0_23(listener, config).map_err(Error::Run)?
        }
        None => http,
    };
    Ok(http.run())
}

/// Builds the server of `/metrics` with one worker. It handles no signals and ends with the runtime.
fn metrics_server(server: Data<AuthServer>, address: SocketAddr) -> std::io::Result<Server> {
    let app =
        move || App::new().app_data(server.clone()).route("/metrics", get().to(http::metrics));
    Ok(HttpServer::new(app).workers(1).disable_signals().bind(address)?.run())
}
