//! What people read at the end: answers, times, memory, and whether every limit holds.

use std::fmt::Write as _;

use super::load::Load;
use super::person::Calls;
use super::shots::Vector;
use super::watch::{GAUGES, Gauge, Sample};
use crate::stats::{quantile, shown};

/// Redis may grow by this.
const REDIS: u64 = 64 << 20;
/// auth-service and mcp-stdio-proxy together may grow by this.
const PROGRAMS: u64 = 32 << 20;

/// All that was measured.
pub struct Findings {
    /// The calls of the person: quiet, beside the fixed rate, beside the unlimited load, and after all.
    pub calls: [Calls; 4],
    /// The logins of others: beside the fixed rate, beside the unlimited load, and after all.
    pub logins: [Calls; 3],
    /// The load of the fixed rate.
    pub paced: Load,
    /// The unlimited load.
    pub unpaced: Load,
    /// Before the first load, at most, and after the last.
    pub samples: [Sample; 3],
    /// A sample that could not be taken.
    pub unsampled: Option<String>,
    /// Whether all programs still run.
    pub processes: anyhow::Result<()>,
}

/// One limit, and whether it holds.
pub struct Verdict {
    /// What must hold.
    pub limit: String,
    /// What was found.
    pub found: String,
    /// Whether it holds.
    pub holds: bool,
}

impl Verdict {
    fn new(limit: &str, found: impl Into<String>, holds: bool) -> Self {
        Self { limit: limit.to_owned(), found: found.into(), holds }
    }

    fn none_fails(limit: &str, calls: &Calls) -> Self {
        let (all, failed) = (calls.all(), calls.failures.len());
        let first = calls.failures.first().map_or(String::new(), |why| format!(": {why}"));
        let found = format!("{failed} of {all} failed{first}");
        Self::new(limit, found, failed == 0 && all > 0)
    }
}

impl Findings {
    /// Every limit.
    #[must_use]
    pub fn verdicts(&self, vectors: &[Vector]) -> Vec<Verdict> {
        let [_, beside, _, after] = &self.calls;
        let [logins, logins_unlimited, logins_after] = &self.logins;
        let grown = |gauge| self.grown(gauge);
        let (redis, auth) = (grown(Gauge::Redis), grown(Gauge::Resident(1)));
        let proxy = grown(Gauge::Resident(2));
        let (offered, withheld) = (self.paced.offered, self.paced.withheld);
        let missed = missed(vectors, [&self.paced, &self.unpaced]);
        let processes =
            self.processes.as_ref().map_or_else(|why| format!("{why:#}"), |()| "all".into());
        vec![
            Verdict::new(
                "the offered rate is kept",
                format!("{withheld} of {offered} not sent"),
                withheld == 0,
            ),
            Verdict::new(
                "the flood reaches every endpoint",
                missed.as_deref().unwrap_or("all"),
                missed.is_none(),
            ),
            Verdict::none_fails("no call of the person fails during the fixed rate", beside),
            Verdict::none_fails("others log in during the fixed rate", logins),
            Verdict::none_fails("others log in during the unlimited load", logins_unlimited),
            Verdict::none_fails("the person's calls work after it", after),
            Verdict::none_fails("a new login works after it", logins_after),
            Verdict::new("Redis grows by at most 64 MiB", mebibytes(redis), redis <= REDIS),
            Verdict::new(
                "both programs grow by at most 32 MiB",
                format!("auth-service {}, mcp-stdio-proxy {}", mebibytes(auth), mebibytes(proxy)),
                auth + proxy <= PROGRAMS,
            ),
            Verdict::new("nothing is killed", processes, self.processes.is_ok()),
            Verdict::new(
                "memory can be read all the time",
                self.unsampled.as_deref().unwrap_or("it can"),
                self.unsampled.is_none(),
            ),
        ]
    }

    /// By how much a gauge rose at most.
    fn grown(&self, gauge: Gauge) -> u64 {
        let [before, highest, _] = &self.samples;
        value(highest, gauge).saturating_sub(value(before, gauge))
    }

    /// The tables.
    pub fn markdown(&self, vectors: &[Vector]) -> Result<String, std::fmt::Error> {
        let mut page = String::new();
        self.answers(&mut page, vectors)?;
        self.times(&mut page)?;
        self.memory(&mut page)?;
        writeln!(page, "\n| must hold | found | |\n|---|---|---|")?;
        for Verdict { limit, found, holds } in self.verdicts(vectors) {
            let found = found.replace('|', "\\|").replace('\n', " ");
            writeln!(page, "| {limit} | {found} | {} |", if holds { "ok" } else { "FAILED" })?;
        }
        Ok(page)
    }

    fn answers(&self, page: &mut String, vectors: &[Vector]) -> std::fmt::Result {
        let heading = |load: &Load| {
            format!("{} requests in {:.0} s", shown_count(load.offered), load.took.as_secs_f64())
        };
        let (paced, unpaced) = (heading(&self.paced), heading(&self.unpaced));
        writeln!(
            page,
            "| request | {paced} | p99 ms | {unpaced} | p99 ms |\n|---|---|---:|---|---:|"
        )?;
        let rows = [&self.paced, &self.unpaced].map(|load| load.tally.rows());
        let [paced, unpaced] = rows;
        for ((vector, paced), unpaced) in vectors.iter().zip(paced).zip(unpaced) {
            let cells = [paced, unpaced].map(|row| {
                let counts =
                    row.statuses.iter().map(|(status, count)| format!("{count} × {status}"));
                let lost = (row.lost > 0)
                    .then(|| format!("{} lost ({})", row.lost, row.why.as_deref().unwrap_or("")));
                let counts: Vec<_> = counts.chain(lost).collect();
                let slow = shown(quantile(&mut row.times.clone(), 0.99));
                format!("{} | {slow}", counts.join(", "))
            });
            writeln!(page, "| {} | {} |", vector.name, cells.join(" | "))?;
        }
        Ok(())
    }

    fn times(&self, page: &mut String) -> std::fmt::Result {
        writeln!(
            page,
            "\n| | all | failed | p50 ms | p99 ms | most |\n|---|---:|---:|---:|---:|---:|"
        )?;
        let [quiet, beside, unlimited, after] = &self.calls;
        let [logins, logins_unlimited, logins_after] = &self.logins;
        for (name, calls) in [
            ("the person's calls, quiet", quiet),
            ("the person's calls during the fixed rate", beside),
            ("the person's calls during the unlimited load", unlimited),
            ("the person's calls after it", after),
            ("logins of others during the fixed rate", logins),
            ("logins of others during the unlimited load", logins_unlimited),
            ("logins after it", logins_after),
        ] {
            let times = [0.5, 0.99, 1.0].map(|share| shown(calls.within(share))).join(" | ");
            writeln!(page, "| {name} | {} | {} | {times} |", calls.all(), calls.failures.len())?;
        }
        Ok(())
    }

    fn memory(&self, page: &mut String) -> std::fmt::Result {
        writeln!(page, "\n| | before | highest | after |\n|---|---:|---:|---:|")?;
        for gauge in GAUGES {
            let cells = self.samples.each_ref().map(|sample| {
                let value = value(sample, gauge);
                if matches!(gauge, Gauge::Threads | Gauge::Files) {
                    shown_count(value)
                } else {
                    mebibytes(value)
                }
            });
            writeln!(page, "| {} | {} |", name(gauge), cells.join(" | "))?;
        }
        Ok(())
    }
}

const fn name(gauge: Gauge) -> &'static str {
    match gauge {
        Gauge::Redis => "Redis, used_memory",
        Gauge::Resident(0) => "Redis, resident",
        Gauge::Resident(1) => "auth-service, resident",
        Gauge::Resident(2) => "mcp-stdio-proxy, resident",
        Gauge::Resident(_) => "Traefik, resident",
        Gauge::Threads => "auth-service, threads",
        Gauge::Files => "auth-service, open files",
        Gauge::Logged => "auth-service, log",
    }
}

fn value(sample: &Sample, gauge: Gauge) -> u64 {
    let mut pairs = GAUGES.into_iter().zip(sample);
    pairs.find(|(other, _)| *other == gauge).map_or(0, |(_, value)| *value)
}

/// The first requests that never had the answer they aim at.
fn missed(vectors: &[Vector], loads: [&Load; 2]) -> Option<String> {
    let rows = loads.map(|load| load.tally.rows());
    let missed = vectors.iter().enumerate().filter(|(place, vector)| {
        vector.expects.is_some_and(|status| {
            let has = |rows: &Vec<super::tally::Row>| {
                rows.get(*place).is_some_and(|row| row.statuses.contains_key(&status))
            };
            !rows.iter().any(has)
        })
    });
    let names: Vec<_> = missed
        .map(|(_, vector)| format!("{} had no {}", vector.name, vector.expects.unwrap_or_default()))
        .collect();
    (!names.is_empty()).then(|| names.join("; "))
}

fn mebibytes(bytes: u64) -> String {
    #[expect(clippy::cast_precision_loss, reason = "shown with one digit")]
    let value = bytes as f64 / f64::from(1 << 20);
    format!("{value:.1} MiB")
}

#[expect(clippy::cast_precision_loss, reason = "shown without digits after the point")]
fn shown_count(value: u64) -> String {
    if value < 1000 { value.to_string() } else { shown(Some(value as f64)) }
}
