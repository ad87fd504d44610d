//! Check of discovery in the steps of a client: the server's challenge, its metadata (RFC 9728), the metadata of the
//! authorization server (RFC 8414) and its keys.

use jsonwebtoken::jwk::JwkSet;
use reqwest::{Response, header::WWW_AUTHENTICATE};
use serde::{Deserialize, de::DeserializeOwned};
use serde_json::json;

use super::{
    Patient,
    finding::{Finding, Findings},
    public::{self, Fault},
};
use crate::{keys::SigningKeys, model::McpServer};

/// The members of the authorization server metadata that a client needs (RFC 8414 §2).
#[derive(Deserialize)]
struct ServerMetadata {
    issuer: String,
    jwks_uri: String,
}

/// The members of the protected resource metadata that a client needs (RFC 9728 §2).
#[derive(Deserialize)]
struct ResourceMetadata {
    resource: String,
    authorization_servers: Vec<String>,
}

pub(super) async fn check(patient: &Patient) -> Vec<Finding> {
    let mut findings = Findings::of("discovery");
    let issuer = patient.config.issuer.as_str();
    match authorization_server(patient).await {
        Ok(()) => findings.ok(Some(issuer), "its metadata and keys are available"),
        Err(Fault { says, remedy }) => findings.error(Some(issuer), says, remedy),
    }
    for offer in &patient.listing.offers {
        let url = offer.server.resource.as_str();
        match server(patient, &offer.server).await {
            Ok(()) => findings.ok(Some(url), "clients can discover the login"),
            Err(Fault { says, remedy }) => findings.error(Some(url), says, remedy),
        }
    }
    findings.into_vec()
}

async fn authorization_server(patient: &Patient) -> Result<(), Fault> {
    let issuer = &patient.config.issuer;
    let url = issuer.at("/.well-known/oauth-authorization-server");
    let metadata: ServerMetadata = document(patient, &url).await?;
    // RFC 8414 §3.3: "The issuer value returned MUST be identical to the authorization server's
    // issuer identifier".
    if metadata.issuer != issuer.as_str() {
        let says = format!("its metadata names the issuer {}", metadata.issuer);
        return Err(Fault::new(
            says,
            "set ISSUER to the issuer that clients know, or see which auth-service answers there",
        ));
    }
    let there: JwkSet = document(patient, &metadata.jwks_uri).await?;
    let ours = SigningKeys::load(&patient.config.signing_key_file).map(|keys| keys.jwks());
    let ours = ours.ok().and_then(|keys| keys.keys.into_iter().next()?.common.key_id);
    if ours.is_some_and(|kid| there.find(&kid).is_none()) {
        let says = "its keys are not those of SIGNING_KEY_FILE";
        return Err(Fault::new(says, "restart auth-service, and give all instances the same file"));
    }
    Ok(())
}

async fn server(patient: &Patient, server: &McpServer) -> Result<(), Fault> {
    let question = json!({ "jsonrpc": "2.0", "id": 1, "method": "ping" });
    let request = patient.http.post(server.resource.as_str()).json(&question);
    let answer = request.header("Accept", "application/json, text/event-stream").send().await;
    let answer = answer.map_err(|error| public::why(&error))?;
    let metadata_url = challenge(&answer)?;
    let metadata: ResourceMetadata = document(patient, &metadata_url).await?;
    // RFC 9728 §3.3: "The resource value returned MUST be identical to the protected resource's
    // resource identifier".
    if metadata.resource != server.resource.as_str() {
        let says = format!("its metadata is that of {}", metadata.resource);
        return Err(Fault::new(
            says,
            "give the server one URL: mcp.resource, or resource in the file",
        ));
    }
    let issuer = patient.config.issuer.as_str();
    if !metadata.authorization_servers.iter().any(|server| server == issuer) {
        let says = "its metadata names another authorization server";
        return Err(Fault::new(says, "see Traefik's routers: another auth-service answers there"));
    }
    Ok(())
}

/// Returns the metadata URL from the challenge to a request without a token (RFC 9728 §5.1).
fn challenge(answer: &Response) -> Result<String, Fault> {
    match answer.status().as_u16() {
        401 => {
            let header = answer.headers().get(WWW_AUTHENTICATE).and_then(|it| it.to_str().ok());
            let after = header.and_then(|text| text.split_once("resource_metadata=\""));
            let url = after.and_then(|(_, rest)| rest.split_once('"')).map(|(url, _)| url);
            url.map(str::to_owned).ok_or_else(|| {
                let says = "it answers 401 without resource_metadata";
                Fault::new(says, "see the middlewares of its route: something other than /verify refuses the request")
            })
        }
        404 => Err(Fault::new(
            "nothing answers there (404)",
            "route its host to the server (Traefik's labels, or PROXY_URL for the servers of the file), and \
             check that the running auth-service lists it",
        )),
        500..=599 => Err(Fault::new(
            format!("it answers {}", answer.status()),
            "see their logs: Traefik does not reach auth-service, or auth-service does not reach Redis",
        )),
        200..=299 => Err(Fault::new(
            "IT ANSWERS WITHOUT A TOKEN",
            "give its route the middleware mcp@file, now",
        )),
        _ => Err(Fault::new(
            format!("it answers {} to a request without a token, not 401", answer.status()),
            "see what is at this address: something in front of Traefik or the server itself answers",
        )),
    }
}

async fn document<T: DeserializeOwned>(patient: &Patient, url: &str) -> Result<T, Fault> {
    let answer = patient.http.get(url).send().await.map_err(|error| public::why(&error))?;
    let status = answer.status();
    let remedy = "route /.well-known/ of every host to auth-service: see \
                  traefik/dynamic/routers.yml";
    if !status.is_success() {
        return Err(Fault::new(format!("{url} answers {status}"), remedy));
    }
    answer.json().await.map_err(|_| Fault::new(format!("{url} is not valid metadata"), remedy))
}
