//! The members of Docker's responses that are forwarded. Members without a field here are removed.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::servers::{IDENTITY_DEMAND, Labels};

/// A container in either form: an entry of the list or the result of an inspection.
pub(super) trait Described {
    /// Returns its labels, or `None` if the response has none.
    fn labels(&mut self) -> Option<&mut Labels>;
    /// Returns the id of its image.
    fn image(&self) -> Option<&str>;
    /// Removes environment and command line, except for the name of the option that `doctor` looks for.
    fn redact(&mut self);
}

/// The response to `GET /version`.
#[derive(Deserialize, Serialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct Versions {
    #[serde(default)]
    pub(super) platform: Platform,
    #[serde(default, rename = "Version")]
    engine: String,
    #[serde(default, rename = "ApiVersion")]
    api: String,
    #[serde(default, rename = "MinAPIVersion")]
    minimum: String,
    #[serde(default)]
    os: String,
    #[serde(default)]
    arch: String,
}

#[derive(Default, Deserialize, Serialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct Platform {
    #[serde(default)]
    pub(super) name: String,
}

/// An entry of `GET /containers/json`.
#[derive(Deserialize, Serialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct Summary {
    id: String,
    names: Option<Vec<String>>,
    #[serde(rename = "ImageID")]
    image_id: Option<String>,
    #[serde(default)]
    command: String,
    created: Option<i64>,
    labels: Option<Labels>,
    state: Option<String>,
    status: Option<String>,
}

impl Described for Summary {
    fn labels(&mut self) -> Option<&mut Labels> {
        self.labels.as_mut()
    }

    fn image(&self) -> Option<&str> {
        self.image_id.as_deref()
    }

    fn redact(&mut self) {
        let (option, _) = IDENTITY_DEMAND;
        let demands = self.command.contains(option);
        self.command = if demands { option.to_owned() } else { String::new() };
    }
}

/// The response to `GET /containers/ID/json`.
#[derive(Deserialize, Serialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct Container {
    id: String,
    name: Option<String>,
    created: Option<String>,
    image: Option<String>,
    state: Option<ContainerState>,
    host_config: Option<HostConfig>,
    config: Option<Config>,
    network_settings: Option<NetworkSettings>,
}

#[derive(Deserialize, Serialize)]
#[serde(rename_all = "PascalCase")]
struct ContainerState {
    status: Option<String>,
    running: Option<bool>,
    #[serde(skip_serializing_if = "Option::is_none")]
    health: Option<Health>,
}

#[derive(Deserialize, Serialize)]
#[serde(rename_all = "PascalCase")]
struct Health {
    status: Option<String>,
}

#[derive(Deserialize, Serialize)]
#[serde(rename_all = "PascalCase")]
struct HostConfig {
    network_mode: Option<String>,
}

#[derive(Deserialize, Serialize)]
#[serde(rename_all = "PascalCase")]
struct Config {
    labels: Option<Labels>,
    env: Option<Vec<String>>,
}

#[derive(Deserialize, Serialize)]
#[serde(rename_all = "PascalCase")]
struct NetworkSettings {
    ports: Option<BTreeMap<String, Option<Vec<Binding>>>>,
    networks: Option<BTreeMap<String, Network>>,
}

#[derive(Deserialize, Serialize)]
#[serde(rename_all = "PascalCase")]
struct Binding {
    host_ip: Option<String>,
    host_port: Option<String>,
}

#[derive(Deserialize, Serialize)]
struct Network {
    #[serde(rename = "NetworkID")]
    id: Option<String>,
    #[serde(rename = "IPAddress")]
    address: Option<String>,
    #[serde(rename = "GlobalIPv6Address")]
    address_6: Option<String>,
}

impl Described for Container {
    fn labels(&mut self) -> Option<&mut Labels> {
        self.config.as_mut()?.labels.as_mut()
    }

    fn image(&self) -> Option<&str> {
        self.image.as_deref()
    }

    fn redact(&mut self) {
        let Some(config) = &mut self.config else { return };
        let (_, variable) = IDENTITY_DEMAND;
        let set = format!("{variable}=");
        let is_set = |entry: &String| entry.strip_prefix(&set).is_some_and(|it| !it.is_empty());
        let demands = config.env.take().is_some_and(|entries| entries.iter().any(is_set));
        config.env = Some(if demands { vec![format!("{variable}=set")] } else { Vec::new() });
    }
}

/// The response to `GET /images/ID/json`, which the proxy itself requests and never forwards.
#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct Image {
    pub(super) config: Option<ImageConfig>,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct ImageConfig {
    pub(super) labels: Option<Labels>,
}
