//! The operation of the proxy: checks, reports and metrics.

pub mod check;
pub mod metrics;
pub mod report;
