//! How the servers of the tests speak: a line of JSON, at once.

use std::io::{self, Write as _};

use serde_json::Value;

pub(crate) fn say(value: &Value) -> io::Result<()> {
    let mut line = value.to_string();
    line.push('\n');
    let mut out = io::stdout().lock();
    out.write_all(line.as_bytes())?;
    out.flush()
}
