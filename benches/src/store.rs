//! `scripts/bench store`: what acts of an operator cost over ever more grants.

pub mod acts;
pub mod disturbance;
pub mod picture;
pub mod seed;
