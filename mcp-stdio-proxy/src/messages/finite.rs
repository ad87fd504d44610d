//! Replacement of `NaN` and `Infinity`, which some libraries write although JSON has no such numbers
//! (RFC 8259 §6).

use serde_json::value::RawValue;

/// The spellings that the Python SDK accepts.
const WORDS: [&str; 3] = ["-Infinity", "Infinity", "NaN"];

/// Returns `text` with each such number replaced by `null`, as both official SDKs serialize it. Returns
/// `None` if there is none, or if the result is not valid JSON.
#[must_use]
pub fn without(text: &str) -> Option<String> {
    let (mut out, mut rest) = (String::new(), text);
    let mut is_in_string = false;
    while let Some(at) = rest.find(['"', '\\', '-', 'I', 'N']) {
        let (before, here) = rest.split_at(at);
        out.push_str(before);
        let word = WORDS.iter().find(|word| !is_in_string && here.starts_with(**word));
        let (taken, put) = match word {
            Some(word) => (word.len(), "null"),
            // An escape is a backslash and one character of any encoded length.
            None if here.starts_with('\\') => {
                let taken = here.chars().take(2).map(char::len_utf8).sum();
                (taken, here.get(..taken)?)
            }
            None => (1, here.get(..1)?),
        };
        is_in_string ^= put == "\"";
        out.push_str(put);
        rest = here.get(taken..)?;
    }
    if out.is_empty() {
        return None;
    }
    out.push_str(rest);
    serde_json::from_str::<&RawValue>(&out).is_ok().then_some(out)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_that_are_none_become_null_outside_of_strings() {
        let text =
            r#"{"a":NaN,"b":[-Infinity, Infinity ,-1],"c":"NaN \" -Infinity","NaN":"I","\\":NaN}"#;
        let want = r#"{"a":null,"b":[null, null ,-1],"c":"NaN \" -Infinity","NaN":"I","\\":null}"#;
        assert_eq!(without(text).as_deref(), Some(want));
    }

    #[test]
    fn what_is_broken_otherwise_stays_so() {
        for text in
            [r#"{"a":NaN"#, "{\"a\":NaN,\"b\":\"\u{1}\"}", "N", "nothing", "", r#"{"a":--NaN}"#]
        {
            assert_eq!(without(text), None, "{text}");
        }
    }
}
