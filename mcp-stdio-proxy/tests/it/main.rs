//! The proxy as a client sees it: real program, real processes, servers of each era and one that misbehaves.
#![expect(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test fails by panicking"
)]

mod audit;
mod calls;
mod client;
mod config;
mod eras;
mod faults;
mod feed;
mod identity;
mod inner;
mod input;
mod isolation;
mod issuer;
mod limits;
mod listen;
mod metrics;
mod older_clients;
mod operation;
mod p10_log;
mod p11_http;
mod p12_errors;
mod p13_tasks;
mod p1_finder;
mod p2_defective_answers;
mod p3_values;
mod p4_waiting_messages;
mod p5_succession;
mod p6_said;
mod p7_origins;
mod p8_paths;
mod p9_pasted;
mod s11_bodies;
mod s11_memory;
mod s11_unread;
mod s2_spelling;
mod s4_isolation;
mod s4_shared;
mod s6_ended_grants;
mod s6_feed;
mod s6_scene;
mod s9_confinement;
mod s9_launcher;
mod shutdown;
mod support;
mod task_tools;
mod tool_lists;
mod transport;
