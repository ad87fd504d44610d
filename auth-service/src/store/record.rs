//! The kinds of records, each with its name in keys and its expiry.

use serde::de::DeserializeOwned;

use super::{devices::Shown, login_codes::LoginCodeRecord};
use crate::model::{
    AccessRecord, AnswerRecord, Client, CodeRecord, ConsentRecord, DeviceDecision, DeviceRecord,
    DocumentRecord, FactsRecord, Grant, KeysRecord, RefreshRecord, SessionRecord, UnixTime,
};

/// A JSON record with an expiry of its own, which every read checks.
pub(super) trait Record: DeserializeOwned {
    /// The kind, the first part of its keys after the prefix.
    const KIND: &'static str;

    /// Returns the expiry, or `None` for a record that never expires.
    fn expires_at(&self) -> Option<UnixTime>;
}

macro_rules! records {
    ($($record:ty: $kind:literal),* $(,)?) => {$(
        impl Record for $record {
            const KIND: &'static str = $kind;

            fn expires_at(&self) -> Option<UnixTime> {
                self.expires_at.into()
            }
        }
    )*};
}

records! {
    AccessRecord: "access",
    AnswerRecord: "answer",
    ConsentRecord: "approval",
    Client: "client",
    CodeRecord: "code",
    DeviceDecision: "device-decision",
    DocumentRecord: "client-document",
    FactsRecord: "facts",
    Grant: "grant",
    KeysRecord: "client-keys",
    LoginCodeRecord: "login-code",
    RefreshRecord: "refresh",
    SessionRecord: "session",
    Shown: "user-code",
}

impl Record for DeviceRecord {
    const KIND: &'static str = "device";

    // The record outlives its code, so that the device is told that the code has expired.
    fn expires_at(&self) -> Option<UnixTime> {
        Some(self.kept_until)
    }
}
