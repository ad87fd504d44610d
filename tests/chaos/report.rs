//! The report at the end of a run.

use std::{
    collections::BTreeMap,
    fmt::Write as _,
    fs::File,
    io::{BufWriter, Write as _},
    sync::PoisonError,
};

use gateway_tests::chaos::{
    gaps,
    history::{Act, Entry, Id, Micros, Outcome, Path as Way, Way as Interface, seconds},
    model,
    violation::{Verdict, Violation},
};

use crate::{
    faults::{Failovers, Fault, Record},
    names::Name,
    people::{Gateway, HUNG_UP},
};

/// The most entries of the history of one object that are printed.
const PRINTED: usize = 60;

/// A run that has ended.
pub struct Report<'a> {
    /// What ran.
    pub gateway: &'a Gateway,
    /// The faults.
    pub record: &'a Record,
    /// The failovers.
    pub failovers: &'a Failovers,
    /// The token of the person who only calls.
    pub probe: Id,
    /// The time at which the faults began and ended.
    pub faults: (Micros, Micros),
}

impl Report<'_> {
    /// Checks the history and prints everything. Returns `true` if nothing was violated.
    pub fn print(&self) -> bool {
        let entries = self.gateway.history.entries();
        let verdict = model::check(&entries);
        println!("\n{}", self.faults_table());
        println!("{}", operations(&entries));
        println!("{}", self.service(&entries));
        let surprises = self.gateway.stack.fleet.surprises.lock();
        let surprises = surprises.unwrap_or_else(PoisonError::into_inner);
        for (what, count) in counted(surprises.iter().map(String::as_str)) {
            println!("{count:>6}  {what}");
        }
        for (what, count) in &verdict.notes {
            println!("{what}: {count}");
        }
        let problems = self.record.problems();
        for problem in &problems {
            println!("problem: {problem}");
        }
        self.print_violations(&verdict, &entries);
        self.write_history(&entries);
        println!("violations: {}, problems: {}", verdict.violations.len(), problems.len());
        verdict.violations.is_empty() && problems.is_empty()
    }

    fn faults_table(&self) -> String {
        let mut text = String::new();
        for (kind, count) in self.record.counts() {
            let _infallible = writeln!(text, "{count:>6}  {kind}");
        }
        let (faults, failovers) = (self.record.faults().len(), self.failovers.all().len());
        let length = seconds(self.faults.1 - self.faults.0);
        let _infallible =
            writeln!(text, "{faults:>6}  faults and {failovers} failovers in {length} s");
        text
    }

    /// Returns the times without service, and the requests that a rolling restart lost.
    fn service(&self, entries: &[Entry]) -> String {
        let (start, end) = self.faults;
        let within = |entry: &&Entry| entry.ended >= start && entry.ended <= end;
        let calls = entries.iter().filter(within).filter_map(|entry| match &entry.act {
            Act::Call(token, Way::Edge, outcome) if *token == self.probe => {
                Some((entry.ended, outcome.done().is_some()))
            }
            _ => None,
        });
        let changes = entries.iter().filter(within).filter_map(|entry| match &entry.act {
            Act::Refresh(_, _, Outcome::Unknown(why)) if why == HUNG_UP => None,
            Act::Redeem(_, Way::Edge, outcome) | Act::Refresh(_, Way::Edge, outcome) => {
                Some((entry.ended, !outcome.is_unknown()))
            }
            Act::Revoke(.., outcome) => Some((entry.ended, !outcome.is_unknown())),
            _ => None,
        });
        let mut text = String::new();
        for (what, gaps) in
            [("calls", gaps::of(calls, end)), ("logins and refreshes", gaps::of(changes, end))]
        {
            let (longest, total) = (seconds(gaps.longest), seconds(gaps.total));
            let _infallible = writeln!(
                text,
                "without service for {what}: {} times, longest {longest} s, in all {total} s",
                gaps.count
            );
        }
        let (restarts, lost) = self.lost_in_restarts(entries);
        let _infallible =
            write!(text, "requests lost in {restarts} rolling restarts: {}", lost.len());
        for entry in lost {
            let _infallible = write!(text, "\n  {entry}");
        }
        text
    }

    /// Returns the number of rolling restarts, and the requests through Traefik without an answer during one. No other
    /// fault was in effect then.
    fn lost_in_restarts<'e>(&self, entries: &'e [Entry]) -> (usize, Vec<&'e Entry>) {
        let mut restarts = self.record.faults();
        restarts.retain(|injected| injected.fault == Fault::RollingRestart);
        let is_lost = |entry: &&Entry| match &entry.act {
            Act::Call(_, Way::Instance(_), _)
            | Act::Redeem(_, Way::Instance(_), _)
            | Act::Refresh(_, Way::Instance(_), _)
            | Act::Revoke(_, Interface::Command, _) => false,
            act => act.unknown().is_some_and(|why| why != HUNG_UP),
        };
        let is_within = |entry: &&Entry| {
            restarts.iter().any(|at| at.began <= entry.began && entry.ended <= at.ended)
        };
        (restarts.len(), entries.iter().filter(is_lost).filter(is_within).collect())
    }

    /// Writes the history and the faults, in the order of their ends.
    fn write_history(&self, entries: &[Entry]) {
        let mut lines: Vec<(Micros, String)> =
            entries.iter().map(|entry| (entry.ended, entry.to_string())).collect();
        lines.extend(self.record.faults().iter().map(|fault| (fault.ended, fault.to_string())));
        let failovers = self.failovers.all().into_iter();
        lines.extend(failovers.map(|(at, master)| (at, mastered(at, master))));
        lines.sort_by_key(|(at, _)| *at);
        let path = self.gateway.stack.home.join("history.txt");
        let mut file = BufWriter::new(File::create(path).expect("a file"));
        for (_, line) in lines {
            writeln!(file, "{line}").expect("written");
        }
        file.flush().expect("written");
    }

    fn print_violations(&self, verdict: &Verdict, entries: &[Entry]) {
        for violation in &verdict.violations {
            println!("\nVIOLATION at {}: {}", seconds(violation.at), violation.kind);
            println!("  {}", violation.object);
            let (first, shown) = shown(violation, entries);
            for entry in shown {
                println!("  {entry}");
            }
            println!("  faults in that time:");
            for injected in self.record.faults() {
                if injected.began <= violation.at && injected.ended >= first {
                    println!("  {injected}");
                }
            }
            for (at, master) in self.failovers.all() {
                if at >= first && at <= violation.at {
                    println!("  {}", mastered(at, master));
                }
            }
        }
    }
}

/// Returns the last entries of the object up to the violation, and the time at which the first of them began.
fn shown<'a>(violation: &Violation, entries: &'a [Entry]) -> (Micros, Vec<&'a Entry>) {
    let own = violation.entries.iter().map(|index| &entries[*index]);
    let until: Vec<&Entry> = own.filter(|entry| entry.began <= violation.at).collect();
    let shown = until[until.len().saturating_sub(PRINTED)..].to_vec();
    let first = shown.iter().map(|entry| entry.began).min().unwrap_or(violation.at);
    (first, shown)
}

fn mastered(at: Micros, master: Name) -> String {
    format!("{:>12}  {master} is master", seconds(at))
}

fn counted<'a>(words: impl Iterator<Item = &'a str>) -> BTreeMap<&'a str, usize> {
    let mut counts = BTreeMap::new();
    for word in words {
        *counts.entry(word).or_default() += 1;
    }
    counts
}

/// Returns the table of operations by outcome, and of the reasons why outcomes are unknown.
fn operations(entries: &[Entry]) -> String {
    let mut counts: BTreeMap<&str, BTreeMap<&str, usize>> = BTreeMap::new();
    for entry in entries {
        let (name, outcome) = entry.act.label();
        *counts.entry(name).or_default().entry(outcome).or_default() += 1;
    }
    let mut text = format!("{:>9} {:>9} {:>9}\n", "done", "refused", "unknown");
    for (name, outcomes) in counts {
        let count = |outcome| outcomes.get(outcome).copied().unwrap_or(0);
        let (done, refused, unknown) = (count("done"), count("refused"), count("unknown"));
        let _infallible = writeln!(text, "{done:>9} {refused:>9} {unknown:>9}  {name}");
    }
    for (why, count) in counted(entries.iter().filter_map(|entry| entry.act.unknown())) {
        let _infallible = writeln!(text, "{:>19} {count:>9}  {why}", "");
    }
    text
}
