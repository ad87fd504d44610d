//! Prometheus metrics: handles for the request path, and the page of both programs.

use std::sync::OnceLock;

/// The media type of the page, the Prometheus text format 0.0.4.
pub use prometheus_client::encoding::prometheus_text::CONTENT_TYPE;
use prometheus_client::{
    encoding::prometheus_text,
    metrics::counter::Counter,
    registry::{Metric, Registry},
};

/// Handles to the metrics of a family that differ in one label with a fixed set of values.
///
/// A handle is used without the lock of the family and without a lookup by labels. A metric is created at its
/// first use, so that the page has no series that never counted.
pub struct Handles<M, const N: usize> {
    values: &'static [&'static str; N],
    metrics: [OnceLock<M>; N],
    create: Box<dyn Fn(&'static str) -> M + Send + Sync>,
}

impl<M, const N: usize> Handles<M, N> {
    /// Creates the handles for these values of the label. `create` creates the metric of a value in its family.
    pub fn new(
        values: &'static [&'static str; N],
        create: impl Fn(&'static str) -> M + Send + Sync + 'static,
    ) -> Self {
        Self { values, metrics: [const { OnceLock::new() }; N], create: Box::new(create) }
    }

    /// Returns the metric of `value`, or the last one for an unknown value.
    pub fn of(&self, value: &str) -> Option<&M> {
        let position = self.values.iter().position(|known| *known == value);
        self.at(position.unwrap_or(N.saturating_sub(1)))
    }

    /// Returns the metric at `position` in the values.
    pub fn at(&self, position: usize) -> Option<&M> {
        let (value, metric) = (self.values.get(position)?, self.metrics.get(position)?);
        Some(metric.get_or_init(|| (self.create)(value)))
    }
}

impl<const N: usize> Handles<Counter, N> {
    /// Increments the counter of `value`, or the last one for an unknown value.
    pub fn count(&self, value: &str) {
        if let Some(counter) = self.of(value) {
            counter.inc();
        }
    }
}

/// Registers a new metric and returns a handle to it.
///
/// The page appends `_total` to the name of a counter, and a full stop to the help text.
pub fn register<M: Metric + Clone + Default>(registry: &mut Registry, name: &str, help: &str) -> M {
    let metric = M::default();
    registry.register(name, help, metric.clone());
    metric
}

/// Renders the metrics of `registries`, in this order, in the Prometheus text format.
#[must_use]
pub fn page(registries: &[&Registry]) -> String {
    let mut page = String::new();
    for registry in registries {
        // Writing to a string cannot fail.
        let _written = prometheus_text::encode(&mut page, registry);
    }
    page
}

#[cfg(test)]
mod tests {
    use prometheus_client::metrics::family::Family;

    use super::*;

    type Labels = [(&'static str, &'static str); 1];

    #[test]
    fn a_series_is_on_the_page_once_it_counts() {
        let mut registry = Registry::default();
        let family: Family<Labels, Counter> = register(&mut registry, "answers", "Answers");
        let create = move |answer| family.get_or_create_owned(&[("answer", answer)]);
        let handles = Handles::new(&["yes", "no", "other"], create);
        assert_eq!(page(&[&registry]), "");
        for answer in ["no", "no", "perhaps", "other"] {
            handles.count(answer);
        }
        assert!(handles.at(3).is_none());
        let page = page(&[&registry]);
        let (head, samples) = page.split_at(page.find("answers_total{").unwrap());
        assert_eq!(head, "# HELP answers_total Answers.\n# TYPE answers_total counter\n");
        let mut samples: Vec<_> = samples.lines().collect();
        samples.sort_unstable();
        let expected = ["answers_total{answer=\"no\"} 2", "answers_total{answer=\"other\"} 2"];
        assert_eq!(samples, expected);
    }
}
