//! `scripts/bench verify`: `/verify` compared with the predecessor's and its limits, also behind Traefik.

pub mod contender;
pub mod figures;
pub mod keys;
pub mod report;
pub mod revocation;
pub mod round;
pub mod stage;
pub mod tokens;
pub mod traefik;
pub mod wrk;
