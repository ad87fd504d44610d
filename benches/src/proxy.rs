//! `scripts/bench proxy`: the proxy, its peers and its limits before the same server.

pub mod contender;
pub mod figures;
pub mod handshake;
pub mod load;
pub mod report;
pub mod round;
