//! The tables of `docs/BENCHMARKS.md`, and how the figures stand to their targets.

use std::fmt::Write as _;

use super::contender::{BEHIND, DIRECT, Row};
use super::figures::{CONNECTIONS, Figure, Figures};
use super::revocation::{Means, Revocations};
use crate::stats::shown;

/// The report as Markdown.
pub fn markdown(figures: &Figures, revocations: &[(Means, Revocations)]) -> anyhow::Result<String> {
    let mut page = String::new();
    direct(&mut page, figures)?;
    behind(&mut page, figures)?;
    revoked(&mut page, revocations)?;
    targets(&mut page, figures, revocations)?;
    Ok(page)
}

/// Rate, median and slow end at each number of connections.
fn speeds(figures: &Figures, row: Row) -> Vec<String> {
    let cells = CONNECTIONS.iter().flat_map(|&c| {
        let (p50, p99) = (figures.get(row, Figure::P50(c)), figures.get(row, Figure::P99(c)));
        [shown(figures.get(row, Figure::Rate(c))), format!("{} / {}", shown(p50), shown(p99))]
    });
    cells.collect()
}

fn headings() -> Vec<String> {
    let pairs =
        CONNECTIONS.iter().flat_map(|c| [format!("c={c} req/s"), "p50 / p99 ms".to_owned()]);
    pairs.collect()
}

fn line(page: &mut String, cells: &[String]) -> std::fmt::Result {
    writeln!(page, "| {} |", cells.join(" | "))
}

fn head(page: &mut String, more: &[&str]) -> std::fmt::Result {
    let mut cells = vec![String::new()];
    cells.extend(headings());
    cells.extend(more.iter().map(|text| (*text).to_owned()));
    line(page, &cells)?;
    writeln!(page, "|---|{}", "---:|".repeat(cells.len() - 1))
}

fn direct(page: &mut String, figures: &Figures) -> std::fmt::Result {
    head(
        page,
        &[
            "CPU µs at 1 / 16 / 64",
            "Redis CPU µs at 16",
            "RSS MB idle / loaded",
            "listening ms",
            "errors",
        ],
    )?;
    for row in DIRECT {
        let get = |figure| shown(figures.get(row, figure));
        let mut cells = vec![row.name().to_owned()];
        cells.extend(speeds(figures, row));
        let cpu = CONNECTIONS.map(|c| get(Figure::Cpu(c)));
        cells.push(cpu.join(" / "));
        cells.push(get(Figure::RedisCpu(16)));
        cells.push(format!("{} / {}", get(Figure::Idle), get(Figure::Loaded)));
        cells.extend([get(Figure::Listening), get(Figure::Errors)]);
        line(page, &cells)?;
    }
    Ok(())
}

fn behind(page: &mut String, figures: &Figures) -> std::fmt::Result {
    page.push('\n');
    let cpu = "CPU µs at 16: Traefik / auth / Redis / server";
    head(page, &[cpu, "share of ForwardAuth in it", "errors"])?;
    for row in BEHIND {
        let get = |figure| figures.get(row, figure);
        let parts = [
            get(Figure::TraefikCpu(16)),
            get(Figure::Cpu(16)),
            get(Figure::RedisCpu(16)).filter(|_| row.service().is_some()),
            get(Figure::BackendCpu(16)),
        ];
        let whole: f64 = parts.iter().flatten().sum();
        let alone = figures.get(Row::NoAuth, Figure::TraefikCpu(16)).unwrap_or(0.0);
        let alone = alone + figures.get(Row::NoAuth, Figure::BackendCpu(16)).unwrap_or(0.0);
        let share = (row != Row::NoAuth && whole > 0.0).then(|| 100.0 * (whole - alone) / whole);
        let mut cells = vec![row.name().to_owned()];
        cells.extend(speeds(figures, row));
        cells.push(parts.map(shown).join(" / "));
        cells.push(share.map_or("–".to_owned(), |share| format!("{share:.0} %")));
        cells.push(shown(get(Figure::Errors)));
        line(page, &cells)?;
    }
    Ok(())
}

fn revoked(page: &mut String, revocations: &[(Means, Revocations)]) -> std::fmt::Result {
    let head = "| revoked, in use on a second instance under load, c=16 | trials | last let in after, \
                ms: p50 / p99 / most | let in, in all |";
    writeln!(page, "\n{head}\n|---|---:|---:|---:|")?;
    for (means, measured) in revocations {
        let name = match means {
            Means::Command => "`token revoke`, which has returned",
            Means::Deletion => "its record deleted, which Redis has answered",
        };
        let late = [0.5, 0.99, 1.0].map(|share| shown(measured.late(share))).join(" / ");
        writeln!(page, "| {name} | {} | {late} | {} |", measured.trials(), measured.let_in)?;
    }
    Ok(())
}

fn targets(
    page: &mut String,
    figures: &Figures,
    revocations: &[(Means, Revocations)],
) -> std::fmt::Result {
    let ratio = |one, other| figures.ratio(one, other, Figure::Rate(16));
    let over_plain = figures.ratio(Row::BehindTls, Row::BehindOurs, Figure::Rate(64));
    let late = |means| {
        let (_, measured) = revocations.iter().find(|(other, _)| *other == means)?;
        measured.late(0.99)
    };
    writeln!(page, "\n| target | measured | |\n|---|---:|---|")?;
    let list = [
        ("one token, × limit of an empty answer", true, 0.8, ratio(Row::Warm, Row::Hello)),
        (
            "one token, Redis asked each time, × limit of an empty answer",
            true,
            0.5,
            ratio(Row::Asked, Row::Hello),
        ),
        ("one token, × predecessor", true, 40.0, ratio(Row::Warm, Row::Predecessor)),
        ("one token, CPU µs at c=16", false, 12.0, figures.get(Row::Warm, Figure::Cpu(16))),
        ("first time, × limit of ES256 + EXISTS", true, 0.95, ratio(Row::FirstSight, Row::Es256)),
        ("behind Traefik at c=64, HTTP/2 with TLS × HTTP/1.1", true, 1.5, over_plain),
        ("revoked by command, second instance, p99 ms", false, 5.0, late(Means::Command)),
        ("deleted in Redis, second instance, p99 ms", false, 5.0, late(Means::Deletion)),
        ("RSS idle, MB", false, 10.0, figures.get(Row::Warm, Figure::Idle)),
        ("RSS after every token, MB", false, 60.0, figures.get(Row::FirstSight, Figure::Cached)),
        ("first answer after ms", false, 30.0, figures.get(Row::FirstSight, Figure::Answering)),
    ];
    for (what, is_at_least, bound, value) in list {
        let sign = if is_at_least { '≥' } else { '≤' };
        let verdict = match value {
            Some(value) if (value >= bound) == is_at_least => "met",
            Some(_) => "missed",
            None => "not measured",
        };
        writeln!(page, "| {what} {sign} {bound} | {} | {verdict} |", shown(value))?;
    }
    let gained = figures.ratio(Row::BehindHelloTls, Row::BehindHello, Figure::Rate(64));
    writeln!(
        page,
        "\nHTTP/2 with TLS at c=64, × HTTP/1.1, of the limit of an empty answer: {}.",
        shown(gained)
    )?;
    Ok(())
}
