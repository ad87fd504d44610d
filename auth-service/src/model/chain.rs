//! The display of an error and all its causes on one line, for the log.

pub use gateway_contract::chain::Chain;
