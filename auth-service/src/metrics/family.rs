//! A family of counters that differ in one label with a fixed set of values.

use std::{
    fmt::{self, Write as _},
    sync::atomic::{AtomicU64, Ordering::Relaxed},
};

pub(super) struct Family<const N: usize> {
    values: [&'static str; N],
    counts: [AtomicU64; N],
}

impl<const N: usize> Family<N> {
    pub(super) fn new(values: [&'static str; N]) -> Self {
        Self { values, counts: [const { AtomicU64::new(0) }; N] }
    }

    /// Increments the counter of `value`. Unknown values increment the last counter.
    pub(super) fn count(&self, value: &str) {
        let at = self.values.iter().position(|known| *known == value);
        self.count_at(at.unwrap_or(N.saturating_sub(1)));
    }

    pub(super) fn count_at(&self, at: usize) {
        if let Some(count) = self.counts.get(at) {
            count.fetch_add(1, Relaxed);
        }
    }

    /// Writes one line for each counter above zero.
    pub(super) fn write(&self, page: &mut String, name: &str, label: &str) -> fmt::Result {
        self.write_with(page, (name, ""), label)
    }

    /// Writes the same lines with `labels` in front of the label of the family.
    pub(super) fn write_with(
        &self,
        page: &mut String,
        (name, labels): (&str, &str),
        label: &str,
    ) -> fmt::Result {
        for (value, count) in self.values.iter().zip(&self.counts) {
            let count = count.load(Relaxed);
            if count > 0 {
                writeln!(page, "{name}{{{labels}{label}=\"{value}\"}} {count}")?;
            }
        }
        Ok(())
    }
}
