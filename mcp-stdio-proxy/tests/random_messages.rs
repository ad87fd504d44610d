//! The properties of examples/fuzz on so many messages as a test has time for.
#![expect(
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::string_slice,
    reason = "a test fails by panicking"
)]

#[path = "it/fold.rs"]
mod fold;
#[path = "../examples/fuzz/properties.rs"]
mod properties;
#[path = "../examples/fuzz/random.rs"]
mod random;
#[path = "../examples/fuzz/tasks.rs"]
mod tasks;

#[test]
fn what_a_translation_does_not_name_is_unchanged_byte_for_byte() {
    let mut random = random::Random::new(7);
    (0..20_000).for_each(|_| properties::check(&mut random));
}
