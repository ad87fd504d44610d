//! An error with all its causes on one line, for the log.

pub use gateway_contract::chain::Chain;
