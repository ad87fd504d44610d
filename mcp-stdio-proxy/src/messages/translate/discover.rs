//! Translation between `server/discover` and `initialize`.

use gateway_contract::revision::MODERN;
use serde::Deserialize;
use serde_json::value::RawValue;

use super::result;
use super::tasks::undeclared;
use crate::messages::json_edit::JsonEdit;
use crate::messages::meta::SERVER_INFO;
use crate::messages::object::{members, value};
use crate::messages::tree;

/// Server information from the handshake: the result of `initialize` or of `server/discover`.
#[derive(Debug)]
pub struct ServerInfo {
    /// The result as JSON text.
    pub result: String,
    /// The server's name and version as JSON text.
    pub server_info: Option<String>,
    /// The server capabilities as JSON text.
    pub capabilities: String,
}

#[derive(Deserialize)]
struct Said<'a> {
    #[serde(borrow, rename = "serverInfo")]
    server_info: Option<&'a RawValue>,
    #[serde(borrow)]
    capabilities: Option<&'a RawValue>,
    #[serde(borrow)]
    instructions: Option<&'a RawValue>,
}

impl ServerInfo {
    /// Parses the result of `initialize` or `server/discover`.
    #[must_use]
    pub fn new(result: String) -> Self {
        let said = serde_json::from_str::<Said<'_>>(&result).ok();
        let text = |raw: Option<&RawValue>| raw.map(|raw| raw.get().to_owned());
        let server_info = text(said.as_ref().and_then(|said| said.server_info));
        let capabilities = text(said.as_ref().and_then(|said| said.capabilities));
        Self { server_info, capabilities: capabilities.unwrap_or_else(|| "{}".to_owned()), result }
    }

    /// Returns `true` if the server declares the capability at the JSON pointer `pointer`.
    #[must_use]
    pub fn offers(&self, pointer: &str) -> bool {
        tree::value(&self.capabilities).is_some_and(|all| {
            all.pointer(pointer).is_some_and(|one| one.is_object() || *one == true)
        })
    }

    /// Returns the `DiscoverResult` for a legacy server.
    #[must_use]
    pub fn discovered(&self) -> String {
        let said = serde_json::from_str::<Said<'_>>(&self.result).ok();
        let instructions = said.and_then(|said| said.instructions);
        let instructions = instructions
            .filter(|raw| raw.get().starts_with('"'))
            .map(|raw| format!(r#","instructions":{raw}"#));
        let text = format!(
            r#"{{"supportedVersions":["{MODERN}"],"capabilities":{}{}}}"#,
            undeclared(&self.capabilities, &[]),
            instructions.unwrap_or_default(),
        );
        let info = self.server_info.as_deref();
        result::to_modern(&text, &text, "server/discover", info).apply()
    }
}

/// Members of a `DiscoverResult` that legacy clients do not know, or know by another name.
const DISCOVERY: [&str; 8] = [
    "resultType",
    "supportedVersions",
    "capabilities",
    "ttlMs",
    "cacheScope",
    "_meta",
    // These do not belong to this result; a server that sends them anyway must not cause duplicates.
    "protocolVersion",
    "serverInfo",
];

/// Returns the result of `initialize` for a legacy client that is served `revision`, derived from
/// `discovered`, the result of `server/discover`. `name` is the name in the catalogue, for a server that does
/// not name itself.
#[must_use]
pub fn handshake(discovered: &str, revision: &str, name: &str) -> Option<String> {
    let versions: Vec<String> = tree::read(value(discovered, "supportedVersions")?)?;
    let capabilities = value(discovered, "capabilities").filter(|text| text.starts_with('{'))?;
    let capabilities = undeclared(capabilities, &[]);
    if !versions.iter().any(|version| version == MODERN) {
        return None;
    }
    let meta = value(discovered, "_meta").filter(|meta| meta.starts_with('{'));
    let info = meta.and_then(|meta| value(meta, SERVER_INFO));
    let info = info.filter(|text| text.starts_with('{')).map_or_else(
        || serde_json::json!({ "name": name, "version": "" }).to_string(),
        str::to_owned,
    );
    let revision = serde_json::Value::from(revision);
    let mut put = format!(
        r#""protocolVersion":{revision},"serverInfo":{info},"capabilities":{capabilities}"#
    );
    // Other members of `_meta` are preserved.
    if let Some(meta) = meta {
        let all = members(meta)?;
        if all.iter().any(|member| member.name != SERVER_INFO) {
            let rest = JsonEdit::of(meta).remove_members(&all, |name| name == SERVER_INFO).apply();
            put = format!(r#"{put},"_meta":{rest}"#);
        }
    }
    Some(JsonEdit::of(discovered).set(discovered, &DISCOVERY, &put).apply())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn discovery_says_what_the_handshake_said() {
        let greeting = ServerInfo::new(
            r#"{"protocolVersion":"2025-11-25","capabilities":{"tools":{"listChanged":true},"tasks":{"list":{}},"x":1.0},"serverInfo":{"name":"s","version":"1"},"instructions":"be kind"}"#.to_owned(),
        );
        let want = r#"{"resultType":"complete","ttlMs":0,"cacheScope":"private","_meta":{"io.modelcontextprotocol/serverInfo":{"name":"s","version":"1"}},"supportedVersions":["2026-07-28"],"capabilities":{"tools":{"listChanged":true},"x":1.0},"instructions":"be kind"}"#;
        assert_eq!(greeting.discovered(), want);
        assert!(greeting.offers("/tools/listChanged") && greeting.offers("/tools"));
        assert!(!greeting.offers("/prompts") && !greeting.offers("/x"));
        let bare = ServerInfo::new("7".to_owned()).discovered();
        assert!(bare.contains(r#""capabilities":{}"#), "{bare}");
    }

    #[test]
    fn a_handshake_says_what_discovery_said() {
        let discovered = r#"{"resultType":"complete","supportedVersions":["2026-07-28"],"capabilities":{"tools":{"listChanged":true},"logging":{},"extensions":{"io.modelcontextprotocol/tasks":{}}},"instructions":"Be \u0062rief","ttlMs":5,"cacheScope":"public","_meta":{"io.modelcontextprotocol/serverInfo":{"name":"s","version":"2"},"k":1},"x":[ ]}"#;
        let want = r#"{"protocolVersion":"2025-06-18","serverInfo":{"name":"s","version":"2"},"capabilities":{"tools":{"listChanged":true},"logging":{},"extensions":{}},"_meta":{"k":1},"instructions":"Be \u0062rief","x":[ ]}"#;
        assert_eq!(handshake(discovered, "2025-06-18", "c").as_deref(), Some(want));
        let bare = r#"{"supportedVersions":["2026-07-28"],"capabilities":{}}"#;
        let want = r#"{"protocolVersion":"2025-11-25","serverInfo":{"name":"c","version":""},"capabilities":{}}"#;
        assert_eq!(handshake(bare, "2025-11-25", "c").as_deref(), Some(want));
    }

    #[test]
    fn a_server_of_another_revision_has_no_handshake_here() {
        for result in [
            "{}",
            "7",
            r#"{"supportedVersions":["2099-01-01"],"capabilities":{}}"#,
            r#"{"supportedVersions":"2026-07-28","capabilities":{}}"#,
            r#"{"supportedVersions":["2026-07-28"]}"#,
        ] {
            assert_eq!(handshake(result, "2025-11-25", "c"), None, "{result}");
        }
    }
}
