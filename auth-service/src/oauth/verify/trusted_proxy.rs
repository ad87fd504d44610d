//! Who may ask `/verify`: the proxies in front of the servers, and nobody who made up their headers.

use std::net::IpAddr;

use aws_lc_rs::constant_time::verify_slices_are_equal;
use secrecy::ExposeSecret;

use crate::oauth::Verifier;

impl Verifier {
    /// Whether `X-Forwarded-*` of `peer` are believed: if there is a shared secret, with the `secret` that
    /// was sent, whatever the address; else from the proxies that are trusted.
    #[must_use]
    pub fn may_ask<'a>(&self, peer: IpAddr, secret: impl FnOnce() -> Option<&'a [u8]>) -> bool {
        match &self.core.config.verify_secret {
            Some(expected) => secret().is_some_and(|given| {
                verify_slices_are_equal(given, expected.expose_secret().as_bytes()).is_ok()
            }),
            None => self.core.trusts_forwarded(peer),
        }
    }
}
