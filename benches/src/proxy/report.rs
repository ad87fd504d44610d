//! The tables of `docs/BENCHMARKS.md`, and how the figures stand to their targets.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use super::contender::{ALL, Contender};
use super::figures::{Figure, Figures};
use super::handshake::{Times, Way};
use crate::stats::{median, shown};

/// Everything measured.
pub struct Report {
    /// The contenders; `None` is the server itself.
    pub figures: BTreeMap<Option<Contender>, Figures>,
    /// Sessions on the official server.
    pub handshakes: Times,
}

/// A target, in the words of the report.
struct Target {
    what: &'static str,
    is_at_least: bool,
    bound: f64,
    value: Option<f64>,
}

const SPEED: &[Figure] = &[
    Figure::AloneP50,
    Figure::AloneP99,
    Figure::AloneCpu,
    Figure::SessionsRate,
    Figure::SessionsP99,
    Figure::SessionsCpu,
    Figure::SessionsServerCpu,
    Figure::OneRate,
    Figure::OneCpu,
    Figure::Errors,
];
const SIZE: &[Figure] = &[
    Figure::Idle,
    Figure::PerSession,
    Figure::PerConnection,
    Figure::Listening,
    Figure::OneMebibyte,
    Figure::EightMebibytes,
];

impl Report {
    /// The report as Markdown.
    pub fn markdown(&self) -> anyhow::Result<String> {
        let mut page = String::new();
        self.table(&mut page, SPEED)?;
        page.push('\n');
        self.table(&mut page, SIZE)?;
        if !self.handshakes.is_empty() {
            self.handshake_table(&mut page)?;
        }
        self.targets_table(&mut page)?;
        Ok(page)
    }

    fn table(&self, page: &mut String, columns: &[Figure]) -> anyhow::Result<()> {
        let headings: Vec<_> = columns.iter().map(|figure| figure.heading()).collect();
        writeln!(page, "| | {} |", headings.join(" | "))?;
        writeln!(page, "|---|{}", "---:|".repeat(columns.len()))?;
        for (contender, figures) in &self.figures {
            let cells: Vec<_> = columns.iter().map(|figure| shown(figures.get(*figure))).collect();
            let name = contender.map_or("raw stdio", Contender::name);
            let mark = contender.filter(|one| one.is_shared()).map_or("", |_| " ¹");
            writeln!(page, "| {name}{mark} | {} |", cells.join(" | "))?;
        }
        Ok(())
    }

    fn handshake_table(&self, page: &mut String) -> anyhow::Result<()> {
        writeln!(page, "\n| `initialize` on server-everything | p50 ms | slowest ms |")?;
        writeln!(page, "|---|---:|---:|")?;
        for (way, times) in &self.handshakes {
            let slowest = times.iter().copied().reduce(f64::max);
            writeln!(page, "| {} | {} | {} |", way.name(), shown(median(times)), shown(slowest))?;
        }
        Ok(())
    }

    fn targets_table(&self, page: &mut String) -> anyhow::Result<()> {
        writeln!(page, "\n| target | measured | |\n|---|---:|---|")?;
        for target in self.targets() {
            let Target { what, bound, value, is_at_least } = target;
            let sign = if is_at_least { '≥' } else { '≤' };
            let verdict = match value {
                Some(value)
                    if (value >= bound) == is_at_least || value.total_cmp(&bound).is_eq() =>
                {
                    "met"
                }
                Some(_) => "missed",
                None => "not measured",
            };
            writeln!(page, "| {what} {sign} {bound} | {} | {verdict} |", shown(value))?;
        }
        Ok(())
    }

    fn get(&self, contender: Option<Contender>, figure: Figure) -> Option<f64> {
        self.figures.get(&contender)?.get(figure)
    }

    /// Our figure as a multiple of another's.
    fn ratio(&self, figure: Figure, other: Option<Contender>) -> Option<f64> {
        Some(self.get(Some(Contender::Ours), figure)? / self.get(other, figure)?)
    }

    /// Our figure as a multiple of the highest of the packaged peers.
    fn over_best_peer(&self, figure: Figure) -> Option<f64> {
        let peers = ALL.into_iter().filter(|one| one.is_packaged_peer());
        let best = peers.filter_map(|one| self.get(Some(one), figure)).reduce(f64::max)?;
        Some(self.get(Some(Contender::Ours), figure)? / best)
    }

    fn targets(&self) -> Vec<Target> {
        let (ours, floor) = (Some(Contender::Ours), Some(Contender::Floor));
        let bridge = Some(Contender::RmcpBridge);
        let at_least = |what, bound, value| Target { what, is_at_least: true, bound, value };
        let at_most = |what, bound, value| Target { what, is_at_least: false, bound, value };
        let warm = self.handshakes.get(&Way::Warm).and_then(|times| median(times));
        let theirs = self.handshakes.get(&Way::Predecessor).and_then(|times| median(times));
        use Figure as F;
        vec![
            at_least("calls/s over 16 sessions, × floor", 0.6, self.ratio(F::SessionsRate, floor)),
            at_least("calls/s over 1 session, × floor", 0.6, self.ratio(F::OneRate, floor)),
            at_least(
                "calls/s over 16 sessions, × rmcp bridge",
                2.0,
                self.ratio(F::SessionsRate, bridge),
            ),
            at_least("calls/s over 1 session, × rmcp bridge", 2.0, self.ratio(F::OneRate, bridge)),
            at_least(
                "calls/s over 16 sessions, × best peer",
                8.0,
                self.over_best_peer(F::SessionsRate),
            ),
            at_least("calls/s over 1 session, × best peer", 8.0, self.over_best_peer(F::OneRate)),
            at_most("p50 at c=1, × floor", 1.5, self.ratio(F::AloneP50, floor)),
            at_most("CPU µs per call, 16 sessions", 35.0, self.get(ours, F::SessionsCpu)),
            at_most("CPU µs per call, 1 session", 35.0, self.get(ours, F::OneCpu)),
            at_most("RSS idle, MB", 8.0, self.get(ours, F::Idle)),
            at_most("KB per session beyond the child", 24.0, self.get(ours, F::PerSession)),
            at_most("listening after ms", 15.0, self.get(ours, F::Listening)),
            at_most("initialize warm, × predecessor", 0.05, warm.zip(theirs).map(|(a, b)| a / b)),
            at_most("result of 1 MiB, × raw stdio", 1.6, self.ratio(F::OneMebibyte, None)),
            at_most("result of 8 MiB, × raw stdio", 1.6, self.ratio(F::EightMebibytes, None)),
        ]
    }
}
