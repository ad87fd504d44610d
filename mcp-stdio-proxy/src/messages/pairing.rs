//! The protocol eras of both sides of a process.

use gateway_contract::revision::Era;

/// The protocol era of a process and that of its clients.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Pairing {
    /// The era of the clients that use the process.
    pub clients: Era,
    /// The era of the process.
    pub server: Era,
}

impl Pairing {
    /// A handshake on both sides.
    pub const LEGACY: Self = Self { clients: Era::Legacy, server: Era::Legacy };
}
