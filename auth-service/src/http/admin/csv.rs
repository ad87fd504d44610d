//! Audit events as CSV (RFC 4180).

use gateway_contract::audit::Person;

use crate::store::{AuditPage, AuditedEvent};

/// The members of an event that have a column.
const COLUMNS: [&str; 15] = [
    "time", "event", "outcome", "reason", "actor", "target", "client", "server", "tool", "grant",
    "addr", "agent", "request", "ms", "id",
];

/// Returns the events of `page` with a header line.
pub(super) fn of(page: &AuditPage) -> String {
    let lines = page.events.iter().map(|one| line(fields(one).each_ref().map(String::as_str)));
    std::iter::once(line(COLUMNS)).chain(lines).collect()
}

fn fields(AuditedEvent { event, .. }: &AuditedEvent) -> [String; 15] {
    let subject = |person: &Option<Person<'static>>| {
        person.as_ref().map(|one| one.sub.to_string()).unwrap_or_default()
    };
    let [reason, server, tool, grant, addr, agent, request] = [
        &event.reason,
        &event.server,
        &event.tool,
        &event.grant,
        &event.addr,
        &event.agent,
        &event.request,
    ]
    .map(|text| text.as_deref().unwrap_or("").to_owned());
    let outcome = serde_json::to_value(event.outcome).unwrap_or_default();
    [
        event.time.to_string(),
        event.event.as_str().to_owned(),
        outcome.as_str().unwrap_or("").to_owned(),
        reason,
        subject(&event.actor),
        subject(&event.target),
        event.client.as_ref().map(|client| client.id.to_string()).unwrap_or_default(),
        server,
        tool,
        grant,
        addr,
        agent,
        request,
        event.ms.map(|ms| ms.to_string()).unwrap_or_default(),
        event.id.to_string(),
    ]
}

fn line(fields: [&str; 15]) -> String {
    fields.map(quoted).join(",") + "\r\n"
}

/// Quotes a field. Spreadsheets take a field that begins like a formula for one, and strangers choose some of these
/// texts: such a field gets an apostrophe first.
fn quoted(text: &str) -> String {
    let guard = if text.starts_with(['=', '+', '-', '@', '\t', '\r']) { "'" } else { "" };
    format!("\"{guard}{}\"", text.replace('"', "\"\""))
}

#[cfg(test)]
mod tests {
    use super::quoted;

    #[test]
    fn a_field_is_neither_a_formula_nor_two_fields() {
        for (text, field) in [
            ("plain", r#""plain""#),
            (r#"a "b", c"#, r#""a ""b"", c""#),
            ("=HYPERLINK(1)", r#""'=HYPERLINK(1)""#),
            ("@SUM", r#""'@SUM""#),
            ("", r#""""#),
        ] {
            assert_eq!(quoted(text), field);
        }
    }
}
