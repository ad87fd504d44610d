//! How a server is added to the clients that people use: links that open a client, commands, and JSON.
//!
//! The forms are those of the clients' documentation, and none carries a secret.

use std::net::IpAddr;

use base64::{Engine, engine::general_purpose::STANDARD};
use serde_json::json;
use url::form_urlencoded;

use crate::model::host_of;

/// A link that opens a client with the server filled in. The person still confirms there.
pub(super) struct ClientLink {
    pub(super) client: &'static str,
    pub(super) url: String,
}

/// A command that adds the server to a client.
pub(super) struct ClientCommand {
    pub(super) client: &'static str,
    pub(super) command: String,
}

/// All ways to add one server to a client.
pub(super) struct ClientLinks {
    pub(super) links: Vec<ClientLink>,
    pub(super) commands: Vec<ClientCommand>,
    /// The member `mcpServers` of a JSON configuration.
    pub(super) json: String,
    /// `true` if web applications can reach the server.
    pub(super) is_public: bool,
}

impl ClientLinks {
    /// Returns the ways to add the server `name` at `url`, which people know as `title`.
    pub(super) fn of(name: &str, title: &str, url: &str) -> Self {
        let is_public = is_public(url);
        Self {
            links: links(name, title, url, is_public),
            commands: commands(name, url),
            json: json!({ "mcpServers": { name: { "url": url } } }).to_string(),
            is_public,
        }
    }
}

fn links(name: &str, title: &str, url: &str, is_public: bool) -> Vec<ClientLink> {
    let (id, server) = (encoded(name), json!({ "type": "http", "url": url }).to_string());
    let config = encoded(&STANDARD.encode(server));
    let named = encoded(&json!({ "name": name, "type": "http", "url": url }).to_string());
    let link = |client, url| ClientLink { client, url };
    let web = is_public.then(|| {
        let (title, url) = (encoded(title), encoded(url));
        let page = "https://claude.ai/customize/connectors?modal=add-custom-connector";
        link("Claude", format!("{page}&connectorName={title}&connectorUrl={url}"))
    });
    let local = [
        link(
            "Cursor",
            format!("cursor://anysphere.cursor-deeplink/mcp/install?name={id}&config={config}"),
        ),
        link("VS Code", format!("vscode:mcp/install?{named}")),
        link("VS Code Insiders", format!("vscode-insiders:mcp/install?{named}")),
        link("LM Studio", format!("lmstudio://add_mcp?name={id}&config={config}")),
    ];
    web.into_iter().chain(local).collect()
}

fn commands(name: &str, url: &str) -> Vec<ClientCommand> {
    let url = quoted(url);
    let command = |client, command| ClientCommand { client, command };
    vec![
        command("Claude Code", format!("claude mcp add --transport http {name} {url}")),
        command("Codex", format!("codex mcp add {name} --url {url}")),
        command("Gemini CLI", format!("gemini mcp add -t http {name} {url}")),
        command("Copilot CLI", format!("copilot mcp add --transport http {name} {url}")),
    ]
}

/// Percent-encodes `text` for any part of a URL, as `encodeURIComponent` does: a space is `%20`.
fn encoded(text: &str) -> String {
    form_urlencoded::byte_serialize(text.as_bytes()).collect::<String>().replace('+', "%20")
}

/// Quotes `url` for a shell if it needs that.
fn quoted(url: &str) -> String {
    let is_plain = |byte: u8| byte.is_ascii_alphanumeric() || b":/.-_%~[]@+,=".contains(&byte);
    if url.bytes().all(is_plain) {
        url.to_owned()
    } else {
        format!("'{}'", url.replace('\'', "'\\''"))
    }
}

/// The ends of host names that only a private network knows (RFC 6761, RFC 6762, RFC 8375, RFC 9476 and habit).
const PRIVATE: [&str; 9] =
    ["localhost", "local", "internal", "lan", "home", "home.arpa", "corp", "test", "alt"];

/// Returns `true` unless the host of `url` is an address, a name without a dot or a private name. A web application
/// cannot reach those.
fn is_public(url: &str) -> bool {
    let authority = url.trim_start_matches("https://").split('/').next().unwrap_or_default();
    let host = host_of(authority).trim_matches(['[', ']']);
    let is_private = |end: &str| host.strip_suffix(end).is_some_and(|rest| rest.ends_with('.'));
    host.contains('.')
        && host.parse::<IpAddr>().is_err()
        && !PRIVATE.iter().any(|end| is_private(end))
}

#[cfg(test)]
mod tests {
    use url::Url;

    use super::*;

    const URL: &str = "https://notes.example.com/mcp";

    fn url_of(links: &ClientLinks, client: &str) -> String {
        links.links.iter().find(|link| link.client == client).unwrap().url.clone()
    }

    fn parameter(url: &str, name: &str) -> String {
        let url = Url::parse(url).unwrap();
        url.query_pairs().find(|(key, _)| key == name).unwrap().1.into_owned()
    }

    #[test]
    fn links_have_the_form_that_each_client_documents() {
        let links = ClientLinks::of("notes", "Notes", URL);
        let config = "eyJ0eXBlIjoiaHR0cCIsInVybCI6Imh0dHBzOi8vbm90ZXMuZXhhbXBsZS5jb20vbWNwIn0%3D";
        for (client, url) in [
            (
                "Claude",
                "https://claude.ai/customize/connectors?modal=add-custom-connector&connectorName=Notes\
                 &connectorUrl=https%3A%2F%2Fnotes.example.com%2Fmcp"
                    .to_owned(),
            ),
            (
                "Cursor",
                format!("cursor://anysphere.cursor-deeplink/mcp/install?name=notes&config={config}"),
            ),
            ("LM Studio", format!("lmstudio://add_mcp?name=notes&config={config}")),
            (
                "VS Code",
                "vscode:mcp/install?%7B%22name%22%3A%22notes%22%2C%22type%22%3A%22http%22%2C%22url%22%3A\
                 %22https%3A%2F%2Fnotes.example.com%2Fmcp%22%7D"
                    .to_owned(),
            ),
        ] {
            assert_eq!(url_of(&links, client), url);
        }
        let commands: Vec<_> = links.commands.iter().map(|line| line.command.as_str()).collect();
        assert_eq!(
            commands,
            [
                "claude mcp add --transport http notes https://notes.example.com/mcp",
                "codex mcp add notes --url https://notes.example.com/mcp",
                "gemini mcp add -t http notes https://notes.example.com/mcp",
                "copilot mcp add --transport http notes https://notes.example.com/mcp",
            ]
        );
        assert_eq!(
            links.json,
            r#"{"mcpServers":{"notes":{"url":"https://notes.example.com/mcp"}}}"#
        );
    }

    #[test]
    fn names_and_urls_arrive_as_they_are() {
        let title = "Ann's \"notes\" & more + 1/2 ?=#%";
        let url = "https://notes.example.com/a&b+c/d'e;f$g/mcp";
        let links = ClientLinks::of("notes", title, url);
        let claude = url_of(&links, "Claude");
        assert_eq!(parameter(&claude, "connectorName"), title);
        assert_eq!(parameter(&claude, "connectorUrl"), url);
        assert!(!claude.contains('+'), "a client may take + for itself: {claude}");
        for client in ["Cursor", "LM Studio"] {
            let config = STANDARD.decode(parameter(&url_of(&links, client), "config")).unwrap();
            let config: serde_json::Value = serde_json::from_slice(&config).unwrap();
            assert_eq!(config, json!({ "type": "http", "url": url }));
        }
        for (client, scheme) in [("VS Code", "vscode:"), ("VS Code Insiders", "vscode-insiders:")] {
            let link = url_of(&links, client);
            let json = link.strip_prefix(&format!("{scheme}mcp/install?")).unwrap();
            let (json, _) = form_urlencoded::parse(json.as_bytes()).next().unwrap();
            let json: serde_json::Value = serde_json::from_str(&json).unwrap();
            assert_eq!(json, json!({ "name": "notes", "type": "http", "url": url }));
        }
        let expected = r"'https://notes.example.com/a&b+c/d'\''e;f$g/mcp'";
        assert!(links.commands.iter().all(|line| line.command.ends_with(expected)));
    }

    #[test]
    fn what_web_applications_cannot_reach_is_not_offered_to_them() {
        for (url, public) in [
            ("https://notes.example.com/mcp", true),
            ("https://notes.example.com:8443/mcp", true),
            ("https://notes.mcp.localhost:8443/mcp", false),
            ("https://localhost/mcp", false),
            ("https://notes.corp.internal/mcp", false),
            ("https://nas.local/notes/mcp", false),
            ("https://nas/notes/mcp", false),
            ("https://notes.home.arpa/mcp", false),
            ("https://192.0.2.7/mcp", false),
            ("https://[2001:db8::7]:8443/mcp", false),
        ] {
            let links = ClientLinks::of("notes", "Notes", url);
            let to_web = links.links.iter().any(|link| link.client == "Claude");
            assert_eq!((links.is_public, to_web), (public, public), "{url}");
            assert!(links.links.iter().any(|link| link.client == "VS Code"), "it runs here: {url}");
        }
    }
}
