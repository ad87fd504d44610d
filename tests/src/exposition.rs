//! A strict reader of the Prometheus text format 0.0.4.

use std::collections::{BTreeMap, BTreeSet};

/// A family of metrics, as a page describes it and its samples show it.
#[derive(Debug, PartialEq, Eq)]
pub struct Family {
    /// The name, as in `# TYPE`.
    pub name: String,
    /// The type, as in `# TYPE`.
    pub kind: String,
    /// The names of the labels of its samples, in their order; `le` of a histogram is left out.
    pub labels: Vec<String>,
    samples: Vec<Sample>,
}

#[derive(Debug, PartialEq, Eq)]
struct Sample {
    suffix: String,
    labels: Vec<(String, String)>,
    value: String,
}

impl Family {
    /// Returns name, type and labels, to be compared.
    pub fn signature(&self) -> (&str, &str, Vec<&str>) {
        (&self.name, &self.kind, self.labels.iter().map(String::as_str).collect())
    }
}

/// Reads a page, whose families have a `# HELP`, a `# TYPE` and their samples, in this order.
///
/// # Panics
/// If the page breaks a rule of the format, or of the types of its metrics.
pub fn families(page: &str) -> Vec<Family> {
    assert!(page.ends_with('\n'), "the last line does not end");
    let mut families: Vec<Family> = Vec::new();
    let mut lines = page.lines();
    while let Some(line) = lines.next() {
        if let Some(help) = line.strip_prefix("# HELP ") {
            let (name, text) = help.split_once(' ').expect("a name and a text");
            assert!(text.ends_with('.') && text.len() > 10, "{line}");
            let kind = lines.next().and_then(|line| line.strip_prefix(&format!("# TYPE {name} ")));
            let kind = kind.unwrap_or_else(|| panic!("no type after {line}")).to_owned();
            assert!(families.iter().all(|family| family.name != name), "duplicate metric {name}");
            families.push(Family { name: name.to_owned(), kind, labels: vec![], samples: vec![] });
        } else {
            assert!(!line.starts_with('#'), "{line}");
            let family = families.last_mut().unwrap_or_else(|| panic!("no family: {line}"));
            let sample = sample(&family.name, line);
            family.samples.push(sample);
        }
    }
    families.iter_mut().for_each(check);
    families
}

/// Reads `name{label="value",…} number`.
fn sample(family: &str, line: &str) -> Sample {
    let rest = line.strip_prefix(family).unwrap_or_else(|| panic!("not of {family}: {line}"));
    let end = rest.find(['{', ' ']).expect("a value");
    let (suffix, mut rest) = rest.split_at(end);
    let mut labels = Vec::new();
    if let Some(inner) = rest.strip_prefix('{') {
        rest = inner;
        loop {
            let (name, value) = rest.split_once("=\"").expect("a label");
            assert!(
                !name.is_empty() && name.chars().all(|c| c.is_ascii_lowercase() || c == '_'),
                "{line}"
            );
            let (value, after) = quoted(value);
            labels.push((name.to_owned(), value));
            rest = after.strip_prefix(',').unwrap_or(after);
            if let Some(after) = after.strip_prefix('}') {
                rest = after;
                break;
            }
            assert!(after.starts_with(','), "{line}");
        }
    }
    let value = rest.strip_prefix(' ').unwrap_or_else(|| panic!("no value: {line}"));
    assert!(value.parse::<f64>().is_ok_and(|value| value >= 0.0), "{line}");
    Sample { suffix: suffix.to_owned(), labels, value: value.to_owned() }
}

/// Reads a value up to its quotation mark. Returns it with what follows.
fn quoted(text: &str) -> (String, &str) {
    let mut value = String::new();
    let mut characters = text.char_indices();
    while let Some((at, character)) = characters.next() {
        match character {
            '"' => return (value, &text[at + 1..]),
            '\\' => match characters.next().map(|(_, escaped)| escaped) {
                Some('n') => value.push('\n'),
                Some(escaped @ ('\\' | '"')) => value.push(escaped),
                other => panic!("no escape: {other:?}"),
            },
            other => value.push(other),
        }
    }
    panic!("a label value does not end: {text}")
}

/// Checks the samples of a family by its type, and notes the labels that all of them have.
fn check(family: &mut Family) {
    let name = &family.name;
    let mut seen = BTreeSet::new();
    for sample in &family.samples {
        assert!(seen.insert((&sample.suffix, &sample.labels)), "{name}: twice {sample:?}");
    }
    let of_series = |sample: &Sample| -> Vec<(String, String)> {
        sample.labels.iter().filter(|(label, _)| label != "le").cloned().collect()
    };
    let names = |sample: &Sample| -> Vec<String> {
        of_series(sample).into_iter().map(|(label, _)| label).collect()
    };
    family.labels = family.samples.first().map(names).unwrap_or_default();
    assert!(family.samples.iter().all(|sample| names(sample) == family.labels), "{name}: labels");
    match family.kind.as_str() {
        "counter" => assert!(name.ends_with("_total"), "{name}"),
        "gauge" => assert!(!name.ends_with("_total"), "{name}"),
        "histogram" => {
            let mut series: BTreeMap<_, Vec<&Sample>> = BTreeMap::new();
            for sample in &family.samples {
                series.entry(of_series(sample)).or_default().push(sample);
            }
            return series.values().for_each(|samples| check_histogram(name, samples));
        }
        other => panic!("{name}: {other}"),
    }
    assert!(family.samples.iter().all(|sample| sample.suffix.is_empty()), "{name}: a suffix");
}

/// Checks that the buckets of one series are cumulative, in order, and end with the count.
fn check_histogram(name: &str, samples: &[&Sample]) {
    let of = |suffix: &'static str| samples.iter().filter(move |sample| sample.suffix == suffix);
    let number = |text: &str| text.parse::<f64>().expect("a number");
    let buckets: Vec<(f64, f64)> = of("_bucket")
        .map(|sample| {
            let (label, bound) = sample.labels.last().expect("a bound");
            assert_eq!(label, "le", "{name}");
            (number(bound), number(&sample.value))
        })
        .collect();
    assert!(
        buckets.is_sorted_by(|one, next| one.0 < next.0 && one.1 <= next.1),
        "{name}: {buckets:?}"
    );
    let (sums, counts) = (of("_sum").count(), of("_count").collect::<Vec<_>>());
    assert_eq!((sums, counts.len()), (1, 1), "{name}");
    assert_eq!(buckets.last(), Some(&(f64::INFINITY, number(&counts[0].value))), "{name}");
    assert_eq!(samples.len(), buckets.len() + 2, "{name}: an unknown suffix");
}

#[cfg(test)]
mod tests {
    use super::*;

    const COUNTER: &str = "# HELP a_total Some things.\n# TYPE a_total counter\n";
    const HISTOGRAM: &str = "# HELP b Some other things.\n# TYPE b histogram\n";

    fn is_refused(page: &str) -> bool {
        std::panic::catch_unwind(|| families(page)).is_err()
    }

    #[test]
    fn a_page_has_names_types_and_labels() {
        let samples = "b_bucket{x=\"y\",le=\"1\"} 1\nb_bucket{x=\"y\",le=\"+Inf\"} 2\nb_sum{x=\"y\"} 2.5\nb_count{x=\"y\"} 2\n";
        let page = format!("{COUNTER}a_total{{l=\"\\\"1\\n\",m=\"}} 2\"}} 1\n{HISTOGRAM}{samples}");
        let read = families(&page);
        assert_eq!(read[0].signature(), ("a_total", "counter", vec!["l", "m"]));
        assert_eq!(read[1].signature(), ("b", "histogram", vec!["x"]));
        assert_eq!(read[0].samples[0].labels[0].1, "\"1\n");
    }

    #[test]
    fn a_page_that_breaks_a_rule_is_refused() {
        for wrong in [
            "a_total 1",
            "a_total 1\na_total 2\n",
            "a_total -1\n",
            "a_total 1 # {}\n",
            "a_total{} 1\n",
            "a_total{l=\"1\" 1\n",
            "a_total{l=\"1\",} 1\n",
            "a_total{l=\"\\x\"} 1\n",
            "a_total{l=\"1\"} 1\na_total 1\n",
            "a_total_total 1\n",
            "c_total 1\n",
            "\n",
            "# EOF\n",
        ] {
            assert!(is_refused(&format!("{COUNTER}{wrong}")), "{wrong}");
        }
        for wrong in [
            "b_bucket{le=\"1\"} 1\nb_sum 1\nb_count 1\n",
            "b_bucket{le=\"1\"} 3\nb_bucket{le=\"+Inf\"} 2\nb_sum 1\nb_count 2\n",
            "b_bucket{le=\"+Inf\"} 2\nb_bucket{le=\"1\"} 2\nb_sum 1\nb_count 2\n",
            "b_bucket{le=\"+Inf\"} 2\nb_sum 1\nb_count 1\n",
            "b_bucket{le=\"+Inf\"} 2\nb_count 2\n",
        ] {
            assert!(is_refused(&format!("{HISTOGRAM}{wrong}")), "{wrong}");
        }
        assert!(is_refused("# TYPE a_total counter\na_total 1\n"), "no help");
        assert!(is_refused(&COUNTER.replace("counter", "gauge")), "a gauge is no total");
        assert!(is_refused(&format!("{COUNTER}a_total 1\n{COUNTER}")), "twice");
    }
}
