//! Index entries of records that were written without them: by an earlier version, or to a backup.

use redis::Pipeline;

use super::{
    Ttl,
    generations::Revocable,
    index::{add_grant, add_other, expire_later},
    key::{Key, PREFIX},
    login_codes::LoginCodeRecord,
    record::Record,
};
use crate::model::{
    AccessRecord, AnswerRecord, Client, CodeRecord, ConsentRecord, DeviceDecision, DeviceRecord,
    Grant, SessionRecord, UnixTime,
};

/// Returns the kind of the record of `key`.
pub(super) fn kind_of(key: &str) -> &str {
    let name = key.strip_prefix(PREFIX).and_then(|name| name.split_once(':'));
    name.map_or("", |(kind, _)| kind)
}

/// Returns `true` if records of `kind` are in an index of other records, or in that of the operator's
/// clients.
pub(super) fn is_indexed_by_itself(kind: &str) -> bool {
    [
        SessionRecord::KIND,
        LoginCodeRecord::KIND,
        ConsentRecord::KIND,
        AnswerRecord::KIND,
        DeviceRecord::KIND,
        DeviceDecision::KIND,
        CodeRecord::KIND,
        Client::KIND,
    ]
    .contains(&kind)
}

/// Adds the commands that index the record `text` of `key`. A record of no index, or one that cannot be
/// decoded, gets none.
pub(super) fn add_record(pipe: &mut Pipeline, key: &str, text: &str, now: UnixTime) {
    match kind_of(key) {
        Grant::KIND => {
            if let Ok(grant) = serde_json::from_str(text) {
                add_grant(pipe, &grant);
            }
        }
        AccessRecord::KIND => {
            if let Ok(token) = serde_json::from_str(text) {
                add_token(pipe, &token, now);
            }
        }
        Client::KIND => add_client(pipe, text),
        SessionRecord::KIND => add::<SessionRecord>(pipe, key, text, now),
        LoginCodeRecord::KIND => add::<LoginCodeRecord>(pipe, key, text, now),
        ConsentRecord::KIND => add::<ConsentRecord>(pipe, key, text, now),
        AnswerRecord::KIND => add::<AnswerRecord>(pipe, key, text, now),
        DeviceRecord::KIND => add::<DeviceRecord>(pipe, key, text, now),
        DeviceDecision::KIND => add::<DeviceDecision>(pipe, key, text, now),
        CodeRecord::KIND => add::<CodeRecord>(pipe, key, text, now),
        _ => {}
    }
}

fn add<T: Revocable>(pipe: &mut Pipeline, key: &str, text: &str, now: UnixTime) {
    let Ok(record) = serde_json::from_str::<T>(text) else { return };
    if let Some(end) = record.expires_at() {
        add_other(pipe, &record.affiliation(), key, (now, end));
    }
}

/// Adds the commands that write the index entries of an access token.
pub(super) fn add_token(pipe: &mut Pipeline, token: &AccessRecord, now: UnixTime) {
    let (index, end) = (Key::Tokens(&token.grant).text(), token.expires_at);
    let ttl = Ttl::until(now, end).seconds();
    pipe.cmd("ZADD").arg(&index).arg(end.0).arg(token.jti.as_str()).ignore();
    expire_later(pipe, &index, ttl);
    // The `jti` of an earlier version does not name the grant.
    if token.jti.grant_of_token().is_none() {
        let key = Key::GrantOfToken(&token.jti).text();
        pipe.cmd("SET").arg(key).arg(token.grant.as_str()).arg("EX").arg(ttl).ignore();
    }
}

fn add_client(pipe: &mut Pipeline, text: &str) {
    let client = serde_json::from_str::<Client>(text).ok();
    if let Some(client) = client.filter(|client| client.preregistered) {
        let index = Key::OperatorClients.text();
        pipe.cmd("ZADD").arg(index).arg(client.issued_at.0).arg(client.id.as_str()).ignore();
    }
}
