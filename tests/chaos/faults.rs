//! The faults: a plan from the seed, lanes that carry it out at the same time, and a record of what was done.

mod inject;
mod lane;
mod plan;
mod record;

pub use self::{
    lane::{Lanes, run},
    plan::Fault,
    record::{Failovers, Record},
};
