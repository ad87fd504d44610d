//! What a server of the tests says when nobody has asked it anything.

use std::thread;
use std::time::Duration;

use serde_json::Value;

use crate::say::say_raw;

/// Says what `arguments` have as `raw` after their `ms`.
pub(crate) fn say_later(arguments: &Value, id: &Value) {
    let said = |name: &str| arguments.get(name).cloned().unwrap_or_default();
    let (pause, raw, id) = (said("ms").as_u64().unwrap_or(0), said("raw"), id.clone());
    thread::spawn(move || {
        thread::sleep(Duration::from_millis(pause));
        say_raw(raw.as_str().unwrap_or_default(), &id)
    });
}
