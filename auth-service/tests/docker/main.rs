//! The catalogue over a real Docker Engine and a real Redis. Not among the tests that run by default:
//! `cargo test -p auth-service --test docker`, which `scripts/test --docker` does.
#![expect(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    reason = "the helpers of a test stop at the first thing that is not as it should be"
)]

mod catalogue;
mod engine;
mod s3_image_labels;
mod service;
mod socket_proxy;
mod traefik;
