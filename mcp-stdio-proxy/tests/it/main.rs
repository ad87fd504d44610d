//! The proxy as a client sees it: real program, real processes, one server that misbehaves.

mod calls;
mod client;
mod config;
mod faults;
mod isolation;
mod limits;
mod shutdown;
mod support;
mod transport;
