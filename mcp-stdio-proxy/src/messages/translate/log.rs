//! Log levels, which are per request in 2026-07-28 and per process before (MCP "Logging").

use serde::Deserialize;

/// The log levels in ascending order.
pub const LEVELS: [&str; 8] =
    ["debug", "info", "notice", "warning", "error", "critical", "alert", "emergency"];

/// Returns the index in [`LEVELS`] of a level, given as JSON text.
#[must_use]
pub fn level(text: &str) -> Option<usize> {
    let name = text.strip_prefix('"')?.strip_suffix('"')?;
    LEVELS.iter().position(|level| *level == name)
}

/// Returns the level of a message with `params`. An unknown level counts as the highest.
#[must_use]
pub fn level_of(params: Option<&str>) -> usize {
    #[derive(Deserialize)]
    struct Message<'a> {
        #[serde(borrow)]
        level: &'a serde_json::value::RawValue,
    }
    let message = params.and_then(|params| serde_json::from_str::<Message<'_>>(params).ok());
    message.and_then(|message| level(message.level.get())).unwrap_or(LEVELS.len() - 1)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn levels_are_in_order() {
        assert!(level("\"debug\"") < level("\"info\"") && level("\"alert\"") < Some(7));
        assert_eq!((level("info"), level("\"loud\""), level("7")), (None, None, None));
        assert_eq!(level_of(Some(r#"{"level":"warning","data":1}"#)), 3);
        assert_eq!(level_of(None), 7);
    }
}
