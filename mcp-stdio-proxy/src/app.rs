//! Startup, serving and graceful shutdown of the proxy.

use std::net::TcpListener;
use std::path::Path;
use std::sync::Arc;

use actix_web::{App, HttpServer, web};
use anyhow::Context as _;
use tokio::signal::unix::{SignalKind, signal};

use crate::access::audit::Audit;
use crate::access::identity::Identities;
use crate::config::catalogue::watch::Watch;
use crate::config::cli::{Action, Options};
use crate::config::source;
use crate::healthcheck;
use crate::http::guard::Guard;
use crate::http::inner::{self, Listener};
use crate::http::{self, AppState, listener};
use crate::operations::check::{interval, table};
use crate::operations::metrics::Metrics;
use crate::sessions::SessionRegistry;

/// Runs the action of the command line. Returns `true` if it succeeded.
pub async fn run(options: Options) -> anyhow::Result<bool> {
    match options.action {
        None => serve(options).await.map(|()| true),
        Some(Action::Check) => check_servers(&options).await,
        Some(Action::Healthcheck) => healthcheck::ask(options.listen).await.map(|()| true),
    }
}

async fn check_servers(options: &Options) -> anyhow::Result<bool> {
    let settings = options.settings.clone();
    let (catalogue, _) = options.source.catalogue(&settings.pass_env)?;
    let registry = SessionRegistry::new(settings, &catalogue);
    registry.pool().adopt_orphans();
    registry.pool().report_confinement();
    let good = table::print(&registry, &mut std::io::stdout()).await;
    registry.shut_down().await;
    good
}

/// Builds the state of the request handlers from the options.
fn app(options: &Options) -> anyhow::Result<AppState> {
    let mut settings = options.settings.clone();
    let (catalogue, single) = options.source.catalogue(&settings.pass_env)?;
    settings.audit = Audit::start(&options.logs.audit(), options.inner_listen.is_some())
        .context("cannot open AUDIT_LOG")?;
    let registry = SessionRegistry::new(settings, &catalogue);
    registry.pool().adopt_orphans();
    registry.pool().report_confinement();
    let watch = options.source.config.clone().map(|file| {
        let registry = Arc::clone(&registry);
        let pass_env = registry.settings.pass_env.clone();
        let load = move |file: &Path| source::load(file, &pass_env);
        Arc::new(Watch::new(file, load, catalogue, move |catalogue| registry.apply(catalogue)))
    });
    let lease = registry.settings.timeouts.grants_lease;
    let identities =
        options.gateway.urls().map(|(keys, ended)| Identities::new(keys, ended, lease));
    let identities = identities.transpose().context("--identity-jwks")?.map(Arc::new);
    Ok(AppState {
        registry,
        watch,
        guard: Guard::new(&options.allow_host, &options.allow_origin),
        single,
        identities,
        metrics: Arc::new(Metrics::default()),
    })
}

/// Runs the proxy until it is told to stop.
async fn serve(options: Options) -> anyhow::Result<()> {
    let app = web::Data::new(app(&options)?);
    let (registry, watch, identities) =
        (app.registry.clone(), app.watch.clone(), app.identities.clone());
    let cannot_listen = || format!("cannot listen on {}", options.listen);
    let listener = TcpListener::bind(options.listen).with_context(cannot_listen)?;
    let address = listener.local_addr().with_context(cannot_listen)?;
    let server = listener::serve(listener, &app).with_context(cannot_listen)?;
    let handle = server.handle();
    let metrics = metrics_server(&options, app.clone())?;
    let inner = inner_server(&options, app)?;
    tokio::spawn(Arc::clone(&registry).run_housekeeping());
    if !options.check_interval.is_zero() {
        tokio::spawn(interval::run(Arc::clone(&registry), options.check_interval));
    }
    if let Some(identities) = identities {
        let registry = Arc::clone(&registry);
        tokio::spawn(async move { identities.follow(|| registry.end_revoked()).await });
    }
    if let Some(watch) = watch {
        tokio::spawn(async move { watch.follow().await });
    }
    let serving = tokio::spawn(server);
    let told_to_stop = stop_signal()?;
    log::info!("listening on {address}");
    told_to_stop.await;
    log::info!("shutting down");
    registry.shut_down().await;
    handle.stop(true).await;
    for server in metrics.into_iter().chain(inner.as_ref().map(|(server, _)| server.clone())) {
        server.stop(false).await;
    }
    let outcome = serving.await?.context("the server failed");
    // By now all sessions have ended.
    registry.settings.audit.flush();
    outcome
}

fn metrics_server(
    options: &Options,
    app: web::Data<AppState>,
) -> anyhow::Result<Option<actix_web::dev::ServerHandle>> {
    let Some(address) = options.metrics_listen else { return Ok(None) };
    let app = move || {
        App::new().app_data(app.clone()).route("/metrics", web::get().to(http::metrics_page))
    };
    let server = HttpServer::new(app)
        .workers(1)
        .disable_signals()
        .bind(address)
        .with_context(|| format!("cannot listen on {address}"))?
        .run();
    let handle = server.handle();
    tokio::spawn(server);
    Ok(Some(handle))
}

/// Starts the inner interface, if it is configured. Returns its handle and the file of its socket, which is
/// removed when dropped.
fn inner_server(
    options: &Options,
    app: web::Data<AppState>,
) -> anyhow::Result<Option<(actix_web::dev::ServerHandle, Option<inner::Socket>)>> {
    let Some(address) = &options.inner_listen else { return Ok(None) };
    let cannot_listen = || format!("cannot listen on {address}");
    let listener = Listener::bind(address).with_context(cannot_listen)?;
    let (server, file) = inner::serve(listener, app).with_context(cannot_listen)?;
    let handle = server.handle();
    tokio::spawn(server);
    log::info!("inner interface on {address}");
    Ok(Some((handle, file)))
}

/// Installs handlers for SIGTERM and SIGINT. Returns a future that resolves at the first of them.
fn stop_signal() -> anyhow::Result<impl Future<Output = ()>> {
    let mut terminate = signal(SignalKind::terminate())?;
    let mut interrupt = signal(SignalKind::interrupt())?;
    Ok(async move {
        tokio::select! {
            _ = terminate.recv() => {}
            _ = interrupt.recv() => {}
        }
    })
}
