//! Free ports for programs that the tests start.

use std::{
    net::{Ipv4Addr, SocketAddr, TcpListener},
    sync::atomic::{AtomicU16, Ordering},
};

/// The ports to choose from. They are below those that the system gives to outgoing connections (32768
/// and above), one of which could take a port before the program listens there.
const FIRST: u16 = 15_000;
const COUNT: u16 = 17_000;

/// The number of ports that this process has tried.
static TRIED: AtomicU16 = AtomicU16::new(0);

/// Returns a port at which nobody listens. No other call of this process returns the same one soon.
///
/// # Panics
///
/// Panics if all ports are taken.
#[must_use]
pub fn free_port() -> u16 {
    // Processes begin at different places.
    let begin = std::process::id().wrapping_mul(101) % u32::from(COUNT);
    let begin = u16::try_from(begin).unwrap_or_default();
    for _ in 0..COUNT {
        let tried = TRIED.fetch_add(1, Ordering::Relaxed) % COUNT;
        let port = FIRST + (begin + tried) % COUNT;
        if TcpListener::bind((Ipv4Addr::UNSPECIFIED, port)).is_ok() {
            return port;
        }
    }
    panic!("no free port");
}

/// Returns an address of the loopback interface at which nobody listens.
#[must_use]
pub fn free_address() -> SocketAddr {
    (Ipv4Addr::LOCALHOST, free_port()).into()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn two_programs_get_two_ports_and_no_outgoing_connection_takes_them() {
        let ports = [free_port(), free_port(), free_port()];
        assert!(ports[0] != ports[1] && ports[1] != ports[2], "{ports:?}");
        assert!(ports.iter().all(|port| (FIRST..FIRST + COUNT).contains(port)), "{ports:?}");
    }
}
