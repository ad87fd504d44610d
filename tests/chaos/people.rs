//! The people of a run, with their browsers and programs, and the operator.

mod connect;
mod gateway;
mod operator;
mod person;
mod probe;
mod stream;
mod tokens;
mod vault;

pub use self::{
    gateway::{Gateway, HUNG_UP},
    operator::{list, operate},
    person::Person,
    probe::{log_in, probe},
    vault::Vault,
};
