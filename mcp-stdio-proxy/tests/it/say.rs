//! How the servers of the tests speak: a line of JSON, at once.

use std::io::{self, Write as _};

use serde_json::Value;

pub(crate) fn say(value: &Value) -> io::Result<()> {
    write(format!("{value}\n").as_bytes())
}

/// Says `text` as it is, in which `%` stands for the id, and U+E000 to U+E0FF for single bytes.
pub(crate) fn say_raw(text: &str, id: &Value) -> io::Result<()> {
    let mut bytes = Vec::new();
    for letter in text.replace('%', &id.to_string()).chars() {
        match u8::try_from(u32::from(letter).wrapping_sub(0xe000)) {
            Ok(byte) => bytes.push(byte),
            Err(_) => bytes.extend_from_slice(letter.to_string().as_bytes()),
        }
    }
    write(&bytes)
}

fn write(bytes: &[u8]) -> io::Result<()> {
    let mut out = io::stdout().lock();
    out.write_all(bytes)?;
    out.flush()
}
