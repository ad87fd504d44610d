//! `scripts/bench proxy`: compares the proxy with its peers, in interleaved rounds.

use std::path::PathBuf;
use std::time::Duration;

use clap::Parser;
use gateway_bench::proxy::contender::{ALL, Contender, Places};
use gateway_bench::proxy::handshake;
use gateway_bench::proxy::report::Report;
use gateway_bench::proxy::round::Round;

/// Compares the proxy with its peers.
#[derive(Parser)]
struct Options {
    /// The directory of our own programs
    #[arg(long)]
    own: PathBuf,
    /// The directory of the peers
    #[arg(long)]
    peers: PathBuf,
    /// The directory of the npm packages of the quickstart
    #[arg(long)]
    servers: PathBuf,
    /// Rounds, of which the medians are shown
    #[arg(long, default_value_t = 5)]
    rounds: usize,
    /// How long each load lasts, in seconds
    #[arg(long, default_value_t = 3.0)]
    seconds: f64,
    /// Only these, by a part of their name (repeatable)
    #[arg(long)]
    only: Vec<String>,
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> anyhow::Result<()> {
    let options = Options::parse();
    let logs = tempfile::tempdir()?;
    let places = Places { own: options.own, peers: options.peers, servers: options.servers };
    let time = Duration::from_secs_f64(options.seconds);
    let round = Round { places: &places, logs: logs.path(), time };
    let wanted = |one: &Contender| {
        options.only.is_empty() || options.only.iter().any(|part| one.name().contains(part))
    };
    let mut order: Vec<_> = ALL.into_iter().filter(wanted).map(Some).collect();
    order.push(None);
    let mut report = Report { figures: Default::default(), handshakes: Default::default() };
    for number in 1..=options.rounds {
        for contender in &order {
            let figures = report.figures.entry(*contender).or_default();
            eprintln!("round {number}: {}", contender.map_or("raw stdio", Contender::name));
            match contender {
                Some(contender) => round.measure(*contender, figures).await?,
                None => round.measure_raw(figures).await?,
            }
        }
        // Nobody is always measured after the same one.
        order.rotate_left(1);
    }
    if options.only.is_empty() {
        eprintln!("sessions on server-everything");
        report.handshakes = handshake::measure(&places, logs.path(), 4 * options.rounds).await?;
    }
    print_markdown(&report)
}

fn print_markdown(report: &Report) -> anyhow::Result<()> {
    use std::io::Write as _;
    Ok(std::io::stdout().write_all(report.markdown()?.as_bytes())?)
}
