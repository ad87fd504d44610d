//! `scripts/flood`: anonymous requests to every endpoint, from many addresses and with the largest
//! inputs that are accepted, beside a person who works.

pub mod kit;
pub mod load;
pub mod person;
pub mod probe;
pub mod report;
pub mod shot;
pub mod shots;
pub mod source;
pub mod tally;
pub mod watch;
