//! The `prompt` parameter (OpenID Connect Core §3.1.2.1), which MCP clients send with
//! `offline_access`.

use crate::{
    model::Prompt,
    oauth::{Error, Params},
};

/// Parses the parameter. Ignores unknown values.
pub(in crate::oauth) fn read(params: &Params) -> Result<Prompt, Error> {
    let values: Vec<&str> = params.one("prompt")?.unwrap_or("").split_ascii_whitespace().collect();
    let has = |value| values.contains(&value);
    if has("none") && values.len() > 1 {
        return Err(Error::InvalidRequest("prompt=none must not be combined with other values"));
    }
    let known = [
        ("none", Prompt::None),
        ("login", Prompt::Login),
        ("select_account", Prompt::SelectAccount),
        ("consent", Prompt::Consent),
    ];
    let most = known.into_iter().find(|(value, _)| has(value));
    Ok(most.map_or(Prompt::Needed, |(_, prompt)| prompt))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_most_demanding_value_counts_and_none_stands_alone() {
        let read = |text: &str| read(&Params::parse(text.as_bytes()));
        for (text, expected) in [
            ("", Prompt::Needed),
            ("prompt=create", Prompt::Needed),
            ("prompt=consent", Prompt::Consent),
            ("prompt=select_account", Prompt::SelectAccount),
            ("prompt=consent+select_account", Prompt::SelectAccount),
            ("prompt=select_account+login", Prompt::Login),
            ("prompt=consent+login", Prompt::Login),
            ("prompt=none", Prompt::None),
        ] {
            assert_eq!(read(text).unwrap(), expected, "{text}");
        }
        assert!(read("prompt=none+login").is_err());
    }
}
