//! Check of Traefik: every route to a server calls `/verify` first, and internal pages are not published.

use std::collections::HashMap;

use serde::{Deserialize, de::DeserializeOwned};
use url::Url;

use super::{
    Patient,
    finding::{Finding, Findings},
    public,
};
use crate::{config::ServerUrls, model::TraefikRule, servers::INNER_ENTRY_POINTS};

#[derive(Deserialize)]
struct Router {
    name: String,
    #[serde(default)]
    service: String,
    #[serde(default)]
    middlewares: Vec<String>,
    #[serde(default)]
    provider: String,
    #[serde(default)]
    rule: String,
    #[serde(default)]
    status: String,
    #[serde(default, rename = "entryPoints")]
    entry_points: Vec<String>,
    tls: Option<serde::de::IgnoredAny>,
    #[serde(default)]
    error: Vec<String>,
}

#[derive(Deserialize)]
struct Middleware {
    name: String,
    chain: Option<Chain>,
    #[serde(rename = "forwardAuth")]
    forward_auth: Option<ForwardAuth>,
    #[serde(rename = "redirectScheme")]
    redirect: Option<serde::de::IgnoredAny>,
}

#[derive(Deserialize)]
struct Chain {
    middlewares: Vec<String>,
}

#[derive(Deserialize)]
struct ForwardAuth {
    address: String,
}

#[derive(Deserialize)]
struct Service {
    name: String,
    #[serde(rename = "loadBalancer")]
    balancer: Option<Balancer>,
}

#[derive(Deserialize)]
struct Balancer {
    #[serde(default)]
    servers: Vec<Backend>,
}

#[derive(Deserialize)]
struct Backend {
    #[serde(default)]
    url: String,
}

/// The current routing of Traefik, as its API reports it.
struct Routing {
    /// The ports on which auth-service listens.
    ports: Vec<u16>,
    /// The host of the authorization server, if no server shares it.
    login_host: Option<String>,
    routers: Vec<Router>,
    middlewares: HashMap<String, Middleware>,
    services: HashMap<String, Service>,
}

pub(super) async fn check(patient: &Patient) -> Vec<Finding> {
    let mut findings = Findings::of("traefik");
    let Some(api) = &patient.config.traefik_api else { return findings.into_vec() };
    let config = &patient.config;
    let tls = config.tls.as_ref().map(|tls| tls.listen.port());
    let ports = tls.into_iter().chain([config.listen.port()]).collect();
    match Routing::read(&patient.http, api, ports).await {
        Ok(mut routing) => {
            routing.login_host = match config.server_urls {
                ServerUrls::Host => public::host(config.issuer.as_str()),
                ServerUrls::Path => None,
            };
            routing.judge(&mut findings);
        }
        Err(says) => {
            let remedy = "turn Traefik's API on (api.insecure, on a port that is not published) and let \
                          TRAEFIK_API_URL name it";
            findings.error(None, says, remedy);
        }
    }
    findings.into_vec()
}

impl Routing {
    async fn read(http: &reqwest::Client, api: &Url, ports: Vec<u16>) -> Result<Self, String> {
        let middlewares: Vec<Middleware> = list(http, api, "middlewares").await?;
        let services: Vec<Service> = list(http, api, "services").await?;
        Ok(Self {
            ports,
            login_host: None,
            routers: list(http, api, "routers").await?,
            middlewares: middlewares.into_iter().map(|it| (it.name.clone(), it)).collect(),
            services: services.into_iter().map(|it| (it.name.clone(), it)).collect(),
        })
    }

    fn judge(&self, findings: &mut Findings) {
        let guarded: Vec<&Router> =
            self.routers.iter().filter(|router| self.asks_verify(router)).collect();
        // Entry points with guarded servers are public. Others may be internal.
        let is_public = |router: &Router| {
            let public = guarded.iter().flat_map(|guarded| &guarded.entry_points);
            router.entry_points.is_empty()
                || public.into_iter().any(|name| router.entry_points.contains(name))
        };
        for router in &self.routers {
            let subject = Some(router.name.as_str());
            // Traefik's own routers, such as the redirect of an entry point.
            if router.provider == "internal" {
                continue;
            }
            if router.status == "disabled" {
                let says = format!("does not work: {}", router.error.join("; "));
                findings.error(subject, says, "correct the labels or the file that define it");
            } else if let Some(says) = self.claim(router) {
                let remedy = "remove this router: change the labels of its container, and let Traefik ask \
                              `auth-service docker-proxy`, which drops those of images";
                findings.error(subject, says, remedy);
            } else if router.service.ends_with("@internal") && router.service != "noop@internal" {
                if !is_public(router) {
                    continue;
                }
                let says = format!("publishes Traefik's own {}", router.service);
                findings.error(subject, says, "remove this router: its port must stay internal");
            } else if !self.asks_verify(router) && !self.is_harmless(router) {
                let remedy = "give it the middleware mcp@file (label \
                              traefik.http.routers.NAME.middlewares=mcp@file); without it, no token is \
                              required";
                findings.error(subject, "is not guarded by auth-service", remedy);
            }
        }
        findings.ok(None, format!("{} routes call /verify", guarded.len()));
    }

    /// Returns the fault of a container's router that claims a route reserved for the gateway's own files.
    fn claim(&self, router: &Router) -> Option<String> {
        if router.provider != "docker" {
            return None;
        }
        if router.service.ends_with("@internal") {
            return Some(format!("publishes Traefik's own {}", router.service));
        }
        let inner = |name: &&String| INNER_ENTRY_POINTS.contains(&name.as_str());
        if let Some(entry_point) = router.entry_points.iter().find(inner) {
            return Some(format!("is on the inner entry point {entry_point}"));
        }
        let host = self.login_host.as_deref()?;
        let claims = TraefikRule::parse(&router.rule)?.can_match(host, None);
        claims.then(|| format!("claims the login host {host}"))
    }

    /// Returns `true` if a middleware of the router calls `/verify`.
    fn asks_verify(&self, router: &Router) -> bool {
        self.expanded(router).iter().any(|middleware| {
            let address = middleware.forward_auth.as_ref().map(|auth| auth.address.as_str());
            address
                .and_then(|text| Url::parse(text).ok())
                .is_some_and(|url| url.path() == "/verify")
        })
    }

    /// Returns `true` if the router leads to auth-service, or only redirects.
    fn is_harmless(&self, router: &Router) -> bool {
        // The redirect to HTTPS does not apply to requests over TLS.
        let sent = router.tls.is_none()
            && self.expanded(router).iter().any(|middleware| middleware.redirect.is_some());
        sent || router.service == "noop@internal"
            || self.is_auth_service(&router.service, &router.provider)
    }

    /// Returns the middlewares of a router, with chains expanded. A name without `@provider` refers to the router's own
    /// provider.
    fn expanded(&self, router: &Router) -> Vec<&Middleware> {
        let mut found = Vec::new();
        let mut open: Vec<String> =
            router.middlewares.iter().map(|name| qualified(name, &router.provider)).collect();
        while let Some(name) = open.pop() {
            // Traefik rejects cycles. The bound ends the loop if one is reported nevertheless.
            let Some(middleware) = self.middlewares.get(&name).filter(|_| found.len() < 100) else {
                continue;
            };
            if let Some(chain) = &middleware.chain {
                let provider = name.rsplit_once('@').map_or("", |(_, provider)| provider);
                open.extend(chain.middlewares.iter().map(|inner| qualified(inner, provider)));
            }
            found.push(middleware);
        }
        found
    }

    /// Returns `true` if all backends of a service are auth-service: on a host of a `/verify` address, and on a port on
    /// which auth-service listens.
    fn is_auth_service(&self, service: &str, provider: &str) -> bool {
        let asked: Vec<String> = self
            .middlewares
            .values()
            .filter_map(|middleware| public::host(&middleware.forward_auth.as_ref()?.address))
            .collect();
        let service = self.services.get(&qualified(service, provider));
        let Some(balancer) = service.and_then(|service| service.balancer.as_ref()) else {
            return false;
        };
        let ours = |backend: &Backend| {
            let url = Url::parse(&backend.url).ok();
            let port = url.and_then(|url| url.port_or_known_default());
            port.is_some_and(|port| self.ports.contains(&port))
                && public::host(&backend.url).is_some_and(|host| asked.contains(&host))
        };
        !balancer.servers.is_empty() && balancer.servers.iter().all(ours)
    }
}

fn qualified(name: &str, provider: &str) -> String {
    if name.contains('@') { name.to_owned() } else { format!("{name}@{provider}") }
}

/// Fetches all pages of a list from Traefik's API.
async fn list<T: DeserializeOwned>(
    http: &reqwest::Client,
    api: &Url,
    what: &str,
) -> Result<Vec<T>, String> {
    let base = api.as_str().trim_end_matches('/');
    let (mut all, mut page) = (Vec::new(), 1_u32);
    loop {
        let url = format!("{base}/api/http/{what}?per_page=100&page={page}");
        let answer = http.get(url).send().await.map_err(|error| public::why(&error).says)?;
        let status = answer.status();
        if !status.is_success() {
            return Err(format!("/api/http/{what} answers {status}"));
        }
        let next = answer.headers().get("x-next-page").and_then(|next| next.to_str().ok());
        let next = next.and_then(|next| next.parse::<u32>().ok()).filter(|&next| next > page);
        all.extend(
            answer
                .json::<Vec<T>>()
                .await
                .map_err(|_| format!("/api/http/{what} is not a valid list"))?,
        );
        let Some(next) = next else { return Ok(all) };
        page = next;
    }
}
