//! OpenID providers at which people of tests log in.

use std::{net::TcpStream, thread, time::Duration, time::Instant};

use reqwest::redirect::Policy;
use url::Url;

use crate::browser::Browser;

/// A real OpenID provider with one client.
pub trait Provider {
    /// The issuer identifier.
    fn issuer(&self) -> &str;

    /// The id and the secret of the client.
    fn client(&self) -> (&str, &str);

    /// Logs `person` in from the authorization URL, consents, and returns the callback URL.
    fn log_in(
        &self,
        browser: &mut Browser,
        from: &str,
        person: &str,
    ) -> impl Future<Output = Url> + Send;

    /// A browser that has no session there.
    fn browser(&self) -> Browser {
        Browser::new(http())
    }
}

/// A client of HTTP that follows no redirects.
#[must_use]
pub fn http() -> reqwest::Client {
    reqwest::Client::builder().redirect(Policy::none()).no_proxy().build().expect("a client")
}

/// Waits until a program listens at this port of loopback.
///
/// # Panics
///
/// Panics after two minutes.
pub fn await_port(program: &str, port: u16) {
    let deadline = Instant::now() + Duration::from_mins(2);
    while TcpStream::connect(("127.0.0.1", port)).is_err() {
        assert!(Instant::now() < deadline, "{program} does not listen");
        thread::sleep(Duration::from_millis(50));
    }
}
