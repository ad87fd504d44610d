//! Log lines as JSON: one object each.

use std::io::{self, Write};

use log::Record;
use log::kv::{Error, Key, Value, VisitSource, VisitValue};
use serde_json::{Map, Value as Json};

use crate::audit::{now, rfc3339};

/// The members that every line has, in their order.
const MEMBERS: [&str; 4] = ["time", "level", "target", "message"];

/// Writes `record` as an object with `time`, `level`, `target`, `message` and its key-values. A key that is called
/// like one of those gets an underscore.
pub(super) fn write(out: &mut impl Write, record: &Record<'_>) -> io::Result<()> {
    let values = [
        rfc3339(now()).as_str().to_owned(),
        record.level().as_str().to_ascii_lowercase(),
        record.target().to_owned(),
        record.args().to_string(),
    ];
    let mut line = b"{".to_vec();
    for (name, value) in MEMBERS.into_iter().zip(values) {
        let comma = if line.len() > 1 { "," } else { "" };
        write!(line, "{comma}\"{name}\":{}", Json::String(value))?;
    }
    let mut pairs = Pairs(Map::new());
    // Reading the pairs of a record into memory cannot fail.
    drop(record.key_values().visit(&mut pairs));
    for (key, value) in &pairs.0 {
        let underscore = if MEMBERS.contains(&key.as_str()) { "_" } else { "" };
        write!(line, ",{}:{value}", Json::String(format!("{key}{underscore}")))?;
    }
    line.extend_from_slice(b"}\n");
    out.write_all(&line)
}

/// The key-values of a record.
struct Pairs(Map<String, Json>);

impl<'kvs> VisitSource<'kvs> for Pairs {
    fn visit_pair(&mut self, key: Key<'kvs>, value: Value<'kvs>) -> Result<(), Error> {
        let mut read = Read(Json::Null);
        value.visit(&mut read)?;
        self.0.insert(key.as_str().to_owned(), read.0);
        Ok(())
    }
}

/// A value as JSON: numbers, booleans and null as they are, others as text.
struct Read(Json);

impl VisitValue<'_> for Read {
    fn visit_any(&mut self, value: Value<'_>) -> Result<(), Error> {
        self.0 = value.to_string().into();
        Ok(())
    }

    fn visit_null(&mut self) -> Result<(), Error> {
        self.0 = Json::Null;
        Ok(())
    }

    fn visit_u64(&mut self, value: u64) -> Result<(), Error> {
        self.0 = value.into();
        Ok(())
    }

    fn visit_i64(&mut self, value: i64) -> Result<(), Error> {
        self.0 = value.into();
        Ok(())
    }

    fn visit_f64(&mut self, value: f64) -> Result<(), Error> {
        self.0 = value.into();
        Ok(())
    }

    fn visit_bool(&mut self, value: bool) -> Result<(), Error> {
        self.0 = value.into();
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_is_one_object_whatever_is_logged() {
        let pairs: &[(&str, Value<'_>)] =
            &[("status", 200.into()), ("tool", "a\"b\n".into()), ("time", true.into())];
        let record = Record::builder()
            .level(log::Level::Info)
            .target("access")
            .args(format_args!("two\nlines, \"quoted\" \u{1}"))
            .key_values(&pairs)
            .build();
        let mut out = Vec::new();
        write(&mut out, &record).unwrap();
        let text = String::from_utf8(out).unwrap();
        assert_eq!(text.matches('\n').count(), 1);
        let line: Json = serde_json::from_str(&text).unwrap();
        assert_eq!(line["level"], "info");
        assert_eq!(line["target"], "access");
        assert_eq!(line["message"], "two\nlines, \"quoted\" \u{1}");
        assert_eq!((&line["status"], &line["tool"]), (&200.into(), &"a\"b\n".into()));
        assert_eq!(line["time_"], true);
        assert!(line["time"].as_str().unwrap().ends_with('Z'));
    }
}
