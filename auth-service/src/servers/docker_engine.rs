//! A connection to Docker, with a negotiated API version.

use bollard::{
    ClientVersion, Docker, errors::Error as EngineError, models::ContainerSummary,
    query_parameters::ListContainersOptions,
};

use super::{
    image_labels::ImageLabels,
    operator_labels::{Labels, OperatorLabels, concerns_gateway},
};
use crate::config::DockerEndpoint;

/// The preferred API version, which Docker 25 and later support. Older ones reply with their own.
const VERSION: ClientVersion = ClientVersion { major_version: 1, minor_version: 44 };

/// The response timeout, in seconds.
const RESPONSE_TIMEOUT: u64 = 5;

/// The platform name in the `GET /version` response of `auth-service docker-proxy`, which passes on
/// only the labels of operators.
pub(crate) const FILTER: &str = "auth-service docker-proxy";

/// A connection to Docker, directly or through a proxy.
pub(super) struct Engine {
    pub(super) docker: Docker,
    /// `true` if the proxy has already dropped the labels of images.
    pub(super) filtered: bool,
}

/// A running container with the labels that its operator set.
pub(super) struct Running {
    pub(super) summary: ContainerSummary,
    pub(super) labels: OperatorLabels,
}

impl Engine {
    /// Connects with [`VERSION`], or else with the version that Docker names in its error.
    pub(super) async fn connect(endpoint: &DockerEndpoint) -> Result<Self, EngineError> {
        match Self::ask(endpoint, &VERSION).await {
            Err(EngineError::DockerResponseServerError { status_code: 400, message }) => {
                let Some(version) = supported(&message) else {
                    return Err(EngineError::DockerResponseServerError {
                        status_code: 400,
                        message,
                    });
                };
                Self::ask(endpoint, &version).await
            }
            other => other,
        }
    }

    async fn ask(endpoint: &DockerEndpoint, version: &ClientVersion) -> Result<Self, EngineError> {
        let docker = match endpoint {
            DockerEndpoint::Unix(path) => {
                Docker::connect_with_unix(path, RESPONSE_TIMEOUT, version)?
            }
            DockerEndpoint::Tcp(address) => {
                Docker::connect_with_http(address, RESPONSE_TIMEOUT, version)?
            }
        };
        let docker = stating(docker, *version);
        // Probe the version with the list of containers, because every socket proxy permits it.
        docker.list_containers(None::<ListContainersOptions>).await?;
        let platform = docker.version().await.ok().and_then(|version| version.platform);
        let filtered = platform.is_some_and(|platform| platform.name == FILTER);
        Ok(Self { docker, filtered })
    }

    /// Lists the running containers. The labels of each image are read once and cached in `images`.
    pub(super) async fn running(&self, images: &ImageLabels) -> Result<Vec<Running>, EngineError> {
        let listed = self.docker.list_containers(None::<ListContainersOptions>).await?;
        let mut running = Vec::with_capacity(listed.len());
        for mut summary in listed {
            let labels = summary.labels.take().unwrap_or_default();
            let labels = if self.filtered {
                OperatorLabels::from_labels(labels)
            } else if concerns_gateway(&labels) {
                let inspect = async |id: &str| self.image_labels(id).await;
                images.operators(labels, summary.image_id.as_deref(), inspect).await
            } else {
                OperatorLabels::default()
            };
            running.push(Running { summary, labels });
        }
        Ok(running)
    }

    async fn image_labels(&self, id: &str) -> Result<Labels, String> {
        let image = self.docker.inspect_image(id).await.map_err(|error| error.to_string())?;
        Ok(image.config.and_then(|config| config.labels).unwrap_or_default())
    }
}

/// Adds `version` to the path of every request. The library omits it, and Docker then assumes its
/// newest version, which may be incompatible one day.
fn stating(docker: Docker, version: ClientVersion) -> Docker {
    docker.with_request_modifier(move |mut request| {
        let uri = request.uri();
        let parts = (uri.scheme_str(), uri.authority(), uri.path_and_query());
        if let (Some(scheme), Some(authority), Some(path)) = parts
            && !path.as_str().starts_with("/v1.")
            && let Ok(stated) = format!("{scheme}://{authority}/v{version}{path}").parse()
        {
            *request.uri_mut() = stated;
        }
        request
    })
}

/// Parses the version in "client version 1.44 is too new. Maximum supported API version is 1.41",
/// or in the corresponding message for a client that is too old.
fn supported(refusal: &str) -> Option<ClientVersion> {
    let (_, rest) = refusal.split_once("supported API version is ")?;
    let (major, rest) = rest.split_once('.')?;
    let minor: String = rest.chars().take_while(char::is_ascii_digit).collect();
    let version = (major.parse().ok()?, minor.parse().ok()?);
    Some(ClientVersion { major_version: version.0, minor_version: version.1 })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_refusal_tells_the_version() {
        for (refusal, minor) in [
            ("client version 1.44 is too new. Maximum supported API version is 1.41", 41),
            (
                "client version 1.44 is too old. Minimum supported API version is 1.52, please \
                 upgrade your client to a newer version",
                52,
            ),
        ] {
            let version = supported(refusal).unwrap();
            assert_eq!((version.major_version, version.minor_version), (1, minor));
        }
        assert!(supported("invalid filter 'x'").is_none());
        assert!(supported("supported API version is x.y").is_none());
    }
}
