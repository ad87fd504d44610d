//! Trust in the callers of `/verify`: only the proxies in front of the servers may set its headers.

use std::net::IpAddr;

use aws_lc_rs::constant_time::verify_slices_are_equal;
use secrecy::ExposeSecret;

use crate::oauth::Verifier;

impl Verifier {
    /// Returns `true` if the `X-Forwarded-*` headers of `peer` are trusted.
    ///
    /// If a shared secret is configured, `secret` must match it, regardless of the address. Otherwise
    /// the peer must be a trusted proxy.
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
