//! The kind of a program, from its `User-Agent` header. Coarse on purpose: it is kept with events and last uses.

use std::borrow::Cow;

/// The kinds of programs, by what their `User-Agent` contains. The first match counts.
const PROGRAMS: [(&str, &str); 18] = [
    ("claude-code", "claude-code"),
    ("claude", "claude"),
    ("codex", "codex"),
    ("chatgpt", "chatgpt"),
    ("openai", "chatgpt"),
    ("copilot", "copilot"),
    ("visual studio code", "vscode"),
    ("vscode", "vscode"),
    ("cursor", "cursor"),
    ("opencode", "opencode"),
    ("gemini", "gemini"),
    ("zed", "zed"),
    ("mozilla", "browser"),
    ("python", "python"),
    ("node", "node"),
    ("undici", "node"),
    ("go-http-client", "go"),
    ("curl", "curl"),
];

/// The kind of a program that states none.
const UNSTATED: &str = "unstated";
/// The kind of an unknown program.
pub const OTHER: &str = "other";

/// Returns the kind of a program with this `User-Agent`.
#[must_use]
pub fn program(user_agent: Option<&str>) -> &'static str {
    let Some(text) = user_agent else { return UNSTATED };
    let text = if text.bytes().any(|byte| byte.is_ascii_uppercase()) {
        Cow::Owned(text.to_ascii_lowercase())
    } else {
        Cow::Borrowed(text)
    };
    let known = PROGRAMS.iter().find(|(part, _)| text.contains(part));
    known.map_or(OTHER, |(_, kind)| kind)
}

/// Returns the kind of programs that is called `name`, if there is one.
#[must_use]
pub fn kind(name: &str) -> Option<&'static str> {
    let kinds = PROGRAMS.iter().map(|(_, kind)| *kind).chain([UNSTATED, OTHER]);
    kinds.into_iter().find(|kind| *kind == name)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_program_is_known_by_its_user_agent() {
        for (user_agent, kind) in [
            (Some("claude-code/2.1.0 (cli)"), "claude-code"),
            (Some("Claude-User/1.0"), "claude"),
            (Some("Mozilla/5.0 (X11; Linux) Gecko"), "browser"),
            (Some("python-httpx/0.28.1"), "python"),
            (Some("Bot"), "other"),
            (None, "unstated"),
        ] {
            assert_eq!(program(user_agent), kind, "{user_agent:?}");
        }
    }
}
