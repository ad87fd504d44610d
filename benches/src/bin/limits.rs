//! The limits of `/verify`: what one worker of this HTTP server can do at all, and what it can do
//! when it checks a signature (ES256) and asks Redis once for each request, and nothing else.

use std::net::SocketAddr;
use std::path::PathBuf;

use actix_web::http::header::AUTHORIZATION;
use actix_web::web::{self, Data};
use actix_web::{App, HttpRequest, HttpResponse, HttpServer};
use anyhow::Context as _;
use auth_service::app::{TlsListener, listen_tls};
use auth_service::config::{CertificateSource, TlsConfig};
use clap::{Parser, ValueEnum};
use gateway_bench::verify::keys::public_key;
use jsonwebtoken::{Algorithm, DecodingKey, Validation};
use redis::aio::{ConnectionManager, ConnectionManagerConfig};
use serde::Deserialize;

#[derive(Parser)]
struct Options {
    /// Where to listen
    #[arg(long)]
    listen: SocketAddr,
    /// What is done for each request
    #[arg(long)]
    limit: Limit,
    /// The PEM file of the key that signed the tokens
    #[arg(long)]
    key: PathBuf,
    /// Redis
    #[arg(long)]
    redis: String,
    /// The PEM file of a certificate, with which it speaks TLS and HTTP/2
    #[arg(long, requires = "certificate_key")]
    certificate: Option<PathBuf>,
    /// That of its key
    #[arg(long)]
    certificate_key: Option<PathBuf>,
}

#[derive(Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Limit {
    /// Nothing.
    Hello,
    /// ES256, then EXISTS.
    Es256,
}

/// Opens a token and asks whether it is still there.
#[derive(Clone)]
struct Checker {
    key: DecodingKey,
    validation: Validation,
    redis: ConnectionManager,
}

#[derive(Deserialize)]
struct Claims {
    jti: String,
    grant_id: String,
}

impl Checker {
    async fn check(&self, request: &HttpRequest) -> anyhow::Result<()> {
        let header = request.headers().get(AUTHORIZATION).context("no token")?.to_str()?;
        let token = header.strip_prefix("Bearer ").context("no bearer token")?;
        let Claims { jti, grant_id } =
            jsonwebtoken::decode(token, &self.key, &self.validation)?.claims;
        let mut exists = redis::cmd("EXISTS");
        // The record of auth-service, docs/STORAGE.md.
        exists.arg(format!("mcpgw:access:{{{grant_id}}}:{jti}"));
        let found: bool = exists.query_async(&mut self.redis.clone()).await?;
        anyhow::ensure!(found, "the token was revoked");
        Ok(())
    }
}

async fn hello() -> HttpResponse {
    HttpResponse::Ok().finish()
}

async fn verify(checker: Data<Checker>, request: HttpRequest) -> HttpResponse {
    match checker.check(&request).await {
        Ok(()) => HttpResponse::Ok().insert_header(("X-User-Id", "somebody")).finish(),
        Err(error) => HttpResponse::Unauthorized().body(format!("{error:#}")),
    }
}

#[actix_web::main]
async fn main() -> anyhow::Result<()> {
    let options = Options::parse();
    let mut validation = Validation::new(Algorithm::ES256);
    validation.validate_aud = false;
    // Made by the first who asks, and so on the thread of the worker: one made here would have a second
    // thread's time for Redis.
    let redis = ConnectionManager::new_lazy_with_config(
        redis::Client::open(options.redis)?,
        ConnectionManagerConfig::new(),
    )?;
    let checker = Data::new(Checker { key: public_key(&options.key)?, validation, redis });
    let app = move || {
        let route = match options.limit {
            Limit::Hello => web::get().to(hello),
            Limit::Es256 => web::get().to(verify),
        };
        App::new().app_data(checker.clone()).default_service(route)
    };
    let server = HttpServer::new(app).workers(1);
    let server = match options.certificate.zip(options.certificate_key) {
        None => server.bind(options.listen)?,
        Some((chain, key)) => {
            let certificate = CertificateSource::Given { chain, key };
            let TlsListener { listener, config } =
                listen_tls(&TlsConfig { listen: options.listen, certificate })?;
            server.listen_rustls_0_23(listener, config)?
        }
    };
    Ok(server.run().await?)
}
