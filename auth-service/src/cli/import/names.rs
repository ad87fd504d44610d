//! The names in the predecessor's `.env`: which still mean the same.

use std::{collections::BTreeMap, path::Path};

use anyhow::Context;

use crate::config::Config;

/// The variables of a file.
pub(super) type Settings = BTreeMap<String, String>;

/// What became of a name.
enum Now {
    /// It means the same.
    Same,
    /// It is called something else.
    Called(&'static str),
    /// It is of no more use, and why.
    Gone(&'static str),
}

/// Reads the file.
pub(super) fn read(file: &Path) -> anyhow::Result<Settings> {
    let name = file.display();
    let lines = dotenvy::from_path_iter(file).with_context(|| format!("cannot read {name}"))?;
    let mut settings = Settings::new();
    for line in lines {
        // The text of the error has the line, which may hold a secret.
        let (key, value) =
            line.ok().with_context(|| format!("{name} has a line that is not NAME=VALUE"))?;
        settings.insert(key, value);
    }
    settings.retain(|_, value| !value.trim().is_empty());
    Ok(settings)
}

/// What the operator has to know of each name that is set, and of values that mean something else here.
pub(super) fn notes(settings: &Settings, config: &Config) -> Vec<String> {
    let mut notes: Vec<String> = settings
        .keys()
        .filter_map(|name| match now(name) {
            Now::Same => None,
            Now::Called(other) => Some(format!("{name} is {other} here")),
            Now::Gone(why) => Some(format!("{name} is not used: {why}")),
        })
        .collect();
    if let Some(domain) = settings.get("BASE_DOMAIN").filter(|name| **name != config.base_domain) {
        notes.push(format!(
            "BASE_DOMAIN was {domain} and is {}: clients know the servers by their old names, and have \
             to be given the new ones",
            config.base_domain
        ));
    }
    if !settings.is_empty() && !settings.contains_key("ALLOWED_GITHUB_USERS") {
        notes.push(
            "ALLOWED_GITHUB_USERS was empty, which admitted everybody there and admits nobody \
             here"
                .to_owned(),
        );
    }
    notes
}

fn now(name: &str) -> Now {
    match name {
        "BASE_DOMAIN"
        | "ACME_EMAIL"
        | "GITHUB_CLIENT_ID"
        | "GITHUB_CLIENT_SECRET"
        | "ALLOWED_GITHUB_USERS"
        | "REDIS_PASSWORD"
        | "REDIS_URL"
        | "MCP_CORS_ORIGINS"
        | "ACCESS_TOKEN_LIFETIME"
        | "REFRESH_TOKEN_LIFETIME"
        | "CLIENT_LIFETIME" => Now::Same,
        "LOG_LEVEL" => Now::Called("RUST_LOG"),
        "OAUTH_ACCESS_TOKEN_LIFETIME" => Now::Called("ACCESS_TOKEN_LIFETIME"),
        "OAUTH_REFRESH_TOKEN_LIFETIME" => Now::Called("REFRESH_TOKEN_LIFETIME"),
        "OAUTH_CLIENT_LIFETIME" => Now::Called("CLIENT_LIFETIME"),
        "OAUTH_ALLOWED_GITHUB_USERS" => Now::Called("ALLOWED_GITHUB_USERS"),
        "GATEWAY_JWT_SECRET"
        | "JWT_SECRET"
        | "JWT_ALGORITHM"
        | "JWT_PRIVATE_KEY_B64"
        | "OAUTH_JWT_SECRET"
        | "OAUTH_JWT_ALGORITHM"
        | "OAUTH_JWT_PRIVATE_KEY_B64" => {
            Now::Gone("keys are in SIGNING_KEY_FILE, made by `auth-service key generate`")
        }
        "SESSION_TIMEOUT" | "OAUTH_SESSION_TIMEOUT" => Now::Gone("a login has 10 minutes"),
        "LOG_FILE" => Now::Gone("the log is on standard error"),
        _ => by_shape(name),
    }
}

fn by_shape(name: &str) -> Now {
    let starts = |start: &str| name.starts_with(start);
    if name.ends_with("_TESTS_ENABLED") || name.ends_with("_URLS") || starts("TEST_") {
        Now::Gone("it was for the predecessor's tests")
    } else if starts("MCP_") && name.ends_with("_ENABLED") {
        // Whether a server runs is between the operator and Compose.
        Now::Same
    } else if name.contains("MCP_PROTOCOL_VERSION") {
        Now::Gone("client and server agree on the version")
    } else if starts("GATEWAY_OAUTH_") || starts("MCP_CLIENT_") || name == "GITHUB_PAT" {
        Now::Gone("it was a credential of the predecessor's tools")
    } else if starts("REDIS_") {
        Now::Gone("Redis is named by REDIS_URL and REDIS_PASSWORD")
    } else {
        Now::Gone("this gateway does not know it")
    }
}
