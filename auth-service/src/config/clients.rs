//! Settings of clients: registration and its limits, redirect schemes, and client metadata documents.

use secrecy::{ExposeSecret, SecretString};

use super::{Raw, check::Check};

/// The default of `REDIRECT_SCHEMES`: redirect schemes without a dot that known MCP clients use.
const REDIRECT_SCHEMES: &str = "cursor,vscode,vscode-insiders,vscodium,windsurf,claude";

/// The default of `ENDPOINT_AUDIENCE_CLIENTS`: clients known to use the token endpoint as the audience
/// of their assertions. `ChatGPT` did so in August 2026.
const ENDPOINT_AUDIENCE_CLIENTS: &str = "chatgpt.com";

/// Schemes that no app may use for redirects: they run code, read files, or belong to the web.
const NO_APP: [&str; 15] = [
    "about",
    "blob",
    "chrome",
    "data",
    "file",
    "filesystem",
    "ftp",
    "http",
    "https",
    "javascript",
    "mailto",
    "vbscript",
    "view-source",
    "ws",
    "wss",
];

/// The settings of client registration and authentication.
#[derive(Clone, Debug)]
pub struct ClientsConfig {
    /// `MAX_CLIENTS`: the maximum number of registrations. Default: 10000.
    pub max: u32,
    /// `REDIRECT_SCHEMES`: the private-use schemes (RFC 8252 §7.1) without a dot that redirect URIs may
    /// use. Schemes in reverse domain notation are always allowed.
    pub redirect_schemes: Vec<String>,
    /// `REGISTRATION_TOKEN`: the initial access token (RFC 7591 §3) that registration requires. With
    /// `None`, registration is open.
    pub registration_token: Option<SecretString>,
    /// `CLIENT_DOCUMENTS`, `CLIENT_DOCUMENT_ALLOW`, `CLIENT_DOCUMENT_DENY`: the hosts whose client
    /// metadata documents are accepted. With `None`, none are, and every client has to register.
    pub documents: Option<HostPolicy>,
    /// `ENDPOINT_AUDIENCE_CLIENTS`: the clients whose assertions (RFC 7523) may have the receiving
    /// endpoint as audience instead of the issuer.
    pub endpoint_audience: ClientList,
}

/// A list of clients, by id or by the host of their metadata document. `*.example.com` matches all hosts
/// below `example.com`, and `*` matches all clients.
#[derive(Clone, Debug)]
pub struct ClientList(Vec<String>);

impl ClientList {
    /// Returns `true` if the list includes the client `id`. `host` is the host of its metadata document,
    /// if it has one.
    #[must_use]
    pub fn covers(&self, id: &str, host: Option<&str>) -> bool {
        self.0.iter().any(|entry| {
            entry == "*"
                || entry == id
                || host.is_some_and(|host| covers(&entry.to_ascii_lowercase(), host))
        })
    }
}

/// Lists of allowed and denied hosts. `*.example.com` matches all hosts below `example.com`.
#[derive(Clone, Debug)]
pub struct HostPolicy {
    allow: Vec<String>,
    deny: Vec<String>,
}

impl HostPolicy {
    /// Returns `true` if `host`, in lower case, is allowed and not denied. An empty allow list allows
    /// all hosts.
    #[must_use]
    pub fn permits(&self, host: &str) -> bool {
        let lists = |patterns: &[String]| patterns.iter().any(|pattern| covers(pattern, host));
        !lists(&self.deny) && (self.allow.is_empty() || lists(&self.allow))
    }
}

fn covers(pattern: &str, host: &str) -> bool {
    match pattern.strip_prefix('*') {
        Some(below) => host.len() > below.len() && host.ends_with(below),
        None => host == pattern,
    }
}

impl Check {
    pub(super) fn clients(&mut self, raw: &Raw) -> ClientsConfig {
        let registration_token = raw.registration_token.clone().map(SecretString::from);
        if registration_token.as_ref().is_some_and(|token| token.expose_secret().len() < 16) {
            self.0.push("REGISTRATION_TOKEN is shorter than 16 characters".to_owned());
        }
        let hosts = HostPolicy {
            allow: self.hosts("CLIENT_DOCUMENT_ALLOW", raw.client_document_allow.as_deref()),
            deny: self.hosts("CLIENT_DOCUMENT_DENY", raw.client_document_deny.as_deref()),
        };
        let taken = self.switch("CLIENT_DOCUMENTS", raw.client_documents.as_deref());
        let documents = (taken != Some(false)).then_some(hosts);
        let max = self.number("MAX_CLIENTS", raw.max_clients.as_ref(), 10_000);
        if max == 0 {
            self.0.push("MAX_CLIENTS must be at least 1".to_owned());
        }
        let redirect_schemes = self.redirect_schemes(raw);
        let endpoint_audience = self.endpoint_audience(raw);
        ClientsConfig { max, redirect_schemes, registration_token, documents, endpoint_audience }
    }

    /// Reads `ENDPOINT_AUDIENCE_CLIENTS`. The word `none` gives an empty list, because an empty variable
    /// counts as unset.
    fn endpoint_audience(&mut self, raw: &Raw) -> ClientList {
        let text = raw.endpoint_audience_clients.as_deref().unwrap_or(ENDPOINT_AUDIENCE_CLIENTS);
        let mut clients = Vec::new();
        for entry in text.split(',').map(str::trim).filter(|entry| !matches!(*entry, "" | "none")) {
            let name = entry.strip_prefix("*.").unwrap_or(entry);
            let shaped = name.bytes().all(|b| b.is_ascii_graphic() && b != b'*');
            if entry == "*" || (shaped && !name.is_empty()) {
                clients.push(entry.to_owned());
            } else {
                let problem = format!(
                    "ENDPOINT_AUDIENCE_CLIENTS: \"{entry}\" is not a client id, a host of client documents, \
                     or *"
                );
                self.0.push(problem);
            }
        }
        ClientList(clients)
    }

    fn hosts(&mut self, name: &str, text: Option<&str>) -> Vec<String> {
        let mut hosts = Vec::new();
        for host in list(text.unwrap_or("")) {
            let plain = host.strip_prefix("*.").unwrap_or(&host);
            let shaped = plain.split('.').all(|label| {
                !label.is_empty() && label.chars().all(|c| c.is_ascii_alphanumeric() || c == '-')
            });
            if shaped {
                hosts.push(host);
            } else {
                // A malformed pattern matches no host, so a denied host would be allowed.
                self.0.push(format!(
                    "{name}: {host} is not a host name, with or without *. in front"
                ));
            }
        }
        hosts
    }

    fn redirect_schemes(&mut self, raw: &Raw) -> Vec<String> {
        let mut schemes = Vec::new();
        for scheme in list(raw.redirect_schemes.as_deref().unwrap_or(REDIRECT_SCHEMES)) {
            // RFC 3986 §3.1: a scheme is a letter, then letters, digits, "+", "-" and ".".
            let shaped = scheme.starts_with(|c: char| c.is_ascii_alphabetic())
                && scheme
                    .chars()
                    .all(|c| c.is_ascii_alphanumeric() || matches!(c, '+' | '-' | '.'));
            if shaped && !NO_APP.contains(&&*scheme) {
                schemes.push(scheme);
            } else {
                self.0.push(format!(
                    "REDIRECT_SCHEMES: {scheme} is not a scheme that an app may use"
                ));
            }
        }
        schemes
    }
}

/// Returns the non-empty entries of a comma-separated list, in lower case.
fn list(text: &str) -> impl Iterator<Item = String> {
    text.split(',').map(|entry| entry.trim().to_ascii_lowercase()).filter(|entry| !entry.is_empty())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn checked(raw: &Raw) -> (ClientsConfig, String) {
        let mut check = Check::default();
        let config = check.clients(raw);
        (config, check.0.join("; "))
    }

    #[test]
    fn schemes_that_run_something_cannot_be_allowed() {
        let schemes = |text: &str| {
            checked(&Raw { redirect_schemes: Some(text.to_owned()), ..Raw::default() })
        };
        let (config, problems) = schemes("Zed, cursor,");
        assert_eq!(
            (config.redirect_schemes, &*problems),
            (vec!["zed".into(), "cursor".into()], "")
        );
        for bad in ["javascript", "DATA", "file", "vbscript", "blob", "about", "http", "https"] {
            let (config, problems) = schemes(bad);
            assert!(problems.contains("REDIRECT_SCHEMES"), "{bad}");
            assert!(config.redirect_schemes.is_empty());
        }
        assert!(schemes("a:b").1.contains("REDIRECT_SCHEMES"));
        assert!(checked(&Raw::default()).0.redirect_schemes.contains(&"cursor".to_owned()));
    }

    #[test]
    fn a_denied_host_is_denied_though_it_is_allowed() {
        let policy = |allow: &str, deny: &str| {
            let raw = Raw {
                client_document_allow: Some(allow.to_owned()),
                client_document_deny: Some(deny.to_owned()),
                ..Raw::default()
            };
            checked(&raw)
        };
        let permits = |allow, deny, host| {
            let (config, problems) = policy(allow, deny);
            assert_eq!(problems, "");
            config.documents.unwrap().permits(host)
        };
        assert!(permits("", "", "a.example"));
        assert!(permits("a.example", "", "a.example"));
        assert!(!permits("a.example", "", "b.example") && !permits("a.example", "", "x.a.example"));
        assert!(
            permits("*.A.example", "", "x.a.example")
                && permits("*.a.example", "", "x.y.a.example")
        );
        assert!(
            !permits("*.a.example", "", "a.example") && !permits("*.a.example", "", "xa.example")
        );
        assert!(!permits("*.a.example", "x.a.example", "x.a.example"));
        assert!(
            !permits("", "*.a.example", "x.a.example") && permits("", "*.a.example", "a.example")
        );
        for bad in ["https://a.example", "*", "a.*.example", "a..example"] {
            assert!(policy("", bad).1.contains("CLIENT_DOCUMENT_DENY"), "{bad}");
        }
    }

    #[test]
    fn s11_a_client_is_named_by_its_id_or_by_the_host_of_its_document() {
        let list = |text: &str| {
            let raw = Raw { endpoint_audience_clients: Some(text.to_owned()), ..Raw::default() };
            let (config, problems) = checked(&raw);
            (config.endpoint_audience, problems)
        };
        let covers = |text, id, host| {
            let (list, problems) = list(text);
            assert_eq!(problems, "");
            list.covers(id, host)
        };
        let document = "https://x.a.example/c";
        assert!(covers("aB-_1", "aB-_1", None) && !covers("aB-_1", "ab-_1", None));
        assert!(covers("y, X.a.Example", document, Some("x.a.example")));
        assert!(covers("*.a.example", document, Some("x.a.example")));
        assert!(!covers("a.example", document, Some("x.a.example")));
        assert!(covers(document, document, Some("x.a.example")) && covers("*", "z", None));
        assert!(
            !covers("none", document, Some("x.a.example")) && !covers("x.a.example", "z", None)
        );
        let unset = checked(&Raw::default()).0.endpoint_audience;
        let chatgpt = "https://chatgpt.com/oauth/client.json";
        assert!(unset.covers(chatgpt, Some("chatgpt.com")) && !unset.covers("z", None));
        assert!(!unset.covers(document, Some("x.a.example")));
        for bad in ["a b", "*.", "a*", "**", "https://a.example/*"] {
            assert!(list(bad).1.contains("ENDPOINT_AUDIENCE_CLIENTS"), "{bad}");
        }
    }

    #[test]
    fn a_registration_token_that_can_be_guessed_is_a_problem() {
        let raw = Raw { registration_token: Some("short".into()), ..Raw::default() };
        let problems = checked(&raw).1;
        assert!(problems.contains("REGISTRATION_TOKEN") && !problems.contains("short "));
    }
}
