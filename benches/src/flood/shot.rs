//! One request of the flood, before it is sent, and its answer.

use reqwest::{Client, Method, Response};

use super::kit::Kit;
use super::source::Way;

/// The host that a request is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Host {
    /// The authorization server.
    Issuer,
    /// The MCP server of the person.
    Server,
    /// A server that does not exist.
    Nobody,
}

/// A request.
#[derive(Clone, Debug)]
pub struct Shot {
    method: Method,
    host: Host,
    target: String,
    headers: Vec<(&'static str, String)>,
    body: String,
}

/// The answer to a request.
#[derive(Debug)]
pub struct Answer {
    /// Its status.
    pub status: u16,
    /// The cookies it sets, or else those of the request, as a browser would send them next.
    pub cookies: String,
    /// The header `Refresh`.
    pub refresh: Option<String>,
    /// Its body.
    pub body: String,
}

impl Shot {
    /// A request without a body; `target` is path and query.
    pub fn new(method: Method, target: impl Into<String>) -> Self {
        let (host, target) = (Host::Issuer, target.into());
        Self { method, host, target, headers: Vec::new(), body: String::new() }
    }

    /// A `GET`.
    pub fn get(target: impl Into<String>) -> Self {
        Self::new(Method::GET, target)
    }

    /// A `POST` of a form.
    pub fn form(target: impl Into<String>, pairs: &[(&str, &str)]) -> Self {
        let body = encoded(pairs);
        let shot = Self::new(Method::POST, target).body(body);
        shot.header("Content-Type", "application/x-www-form-urlencoded")
    }

    /// A `POST` of JSON.
    pub fn json(target: impl Into<String>, body: String) -> Self {
        Self::new(Method::POST, target).body(body).header("Content-Type", "application/json")
    }

    /// The same with another method.
    #[must_use]
    pub fn by(self, method: Method) -> Self {
        Self { method, ..self }
    }

    /// The same for another host.
    #[must_use]
    pub fn at(self, host: Host) -> Self {
        Self { host, ..self }
    }

    /// The same with another body.
    #[must_use]
    pub fn body(self, body: String) -> Self {
        Self { body, ..self }
    }

    /// The same with one header more.
    #[must_use]
    pub fn header(mut self, name: &'static str, value: impl Into<String>) -> Self {
        self.headers.push((name, value.into()));
        self
    }

    /// Its body.
    #[must_use]
    pub fn sent(&self) -> &str {
        &self.body
    }

    /// Sends it from `from` and reads the whole answer.
    pub async fn send(
        &self,
        client: &Client,
        kit: &Kit,
        way: Way,
        from: std::net::Ipv4Addr,
    ) -> reqwest::Result<Answer> {
        let authority = kit.authority(self.host);
        let mut request = match way {
            Way::Traefik => {
                client.request(self.method.clone(), format!("https://{authority}{}", self.target))
            }
            Way::Direct(address) => self
                .forwarded(client, address, authority)
                .header("X-Forwarded-For", from.to_string())
                .header("X-Forwarded-Proto", "https"),
        };
        for (name, value) in &self.headers {
            request = request.header(*name, value);
        }
        if !self.body.is_empty() {
            request = request.body(self.body.clone());
        }
        let response = request.send().await?;
        let sent = self.headers.iter().find(|(name, _)| *name == "Cookie");
        Answer::read(response, sent.map_or("", |(_, cookies)| cookies)).await
    }

    /// The request that auth-service gets of it from Traefik: servers are only asked about.
    fn forwarded(
        &self,
        client: &Client,
        address: std::net::SocketAddr,
        authority: &str,
    ) -> reqwest::RequestBuilder {
        let is_asked_about = self.host != Host::Issuer && self.target.starts_with("/mcp");
        let target = if is_asked_about { "/verify" } else { &self.target };
        let request = client.request(self.method.clone(), format!("http://{address}{target}"));
        let request = request.header("Host", authority);
        if !is_asked_about {
            return request;
        }
        request.header("X-Forwarded-Host", authority).header("X-Forwarded-Uri", &self.target)
    }
}

impl Answer {
    async fn read(response: Response, sent: &str) -> reqwest::Result<Self> {
        let status = response.status().as_u16();
        let text = |name: &str| {
            let values = response.headers().get_all(name).into_iter();
            values.filter_map(|value| value.to_str().ok()).map(str::to_owned).collect::<Vec<_>>()
        };
        let set = text("set-cookie");
        let pairs: Vec<_> = set.iter().filter_map(|cookie| cookie.split(';').next()).collect();
        let cookies = if pairs.is_empty() { sent.to_owned() } else { pairs.join("; ") };
        let refresh = text("refresh").into_iter().next();
        Ok(Self { status, cookies, refresh, body: response.text().await? })
    }

    /// A member of its JSON body that is a text.
    #[must_use]
    pub fn member(&self, name: &str) -> Option<String> {
        let body: serde_json::Value = serde_json::from_str(&self.body).ok()?;
        body.get(name)?.as_str().map(str::to_owned)
    }
}

/// `pairs` as a query or a form.
#[must_use]
pub fn encoded(pairs: &[(&str, &str)]) -> String {
    url::form_urlencoded::Serializer::new(String::new()).extend_pairs(pairs).finish()
}
