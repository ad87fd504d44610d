//! `scripts/bench verify`: compares `/verify` with its peer and its limits, in interleaved rounds.

use std::path::PathBuf;

use clap::Parser;
use gateway_bench::verify::contender::{BEHIND, DIRECT, Row};
use gateway_bench::verify::figures::Figures;
use gateway_bench::verify::report;
use gateway_bench::verify::revocation::{self, Means};
use gateway_bench::verify::round::Round;
use gateway_bench::verify::stage::{Places, Stage};
use gateway_bench::verify::tokens;

/// Compares `/verify` with its peer and its limits.
#[derive(Parser)]
struct Options {
    /// The directory of our own programs
    #[arg(long)]
    own: PathBuf,
    /// The directory of the peers
    #[arg(long)]
    peers: PathBuf,
    /// Traefik
    #[arg(long)]
    traefik: PathBuf,
    /// Rounds, of which the medians are shown
    #[arg(long, default_value_t = 5)]
    rounds: usize,
    /// How long each load lasts, in seconds
    #[arg(long, default_value_t = 3)]
    seconds: u64,
    /// Tokens that are seen for the first time
    #[arg(long, default_value_t = 100_000)]
    tokens: usize,
    /// Tokens that are revoked while a second instance is under load
    #[arg(long, default_value_t = 1000)]
    revocations: usize,
    /// Only these rows, by a part of their name (repeatable)
    #[arg(long)]
    only: Vec<String>,
}

impl Options {
    fn wanted(&self, rows: &[Row]) -> Vec<Row> {
        let wants = |row: &Row| {
            self.only.is_empty() || self.only.iter().any(|part| row.name().contains(part))
        };
        rows.iter().copied().filter(wants).collect()
    }
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> anyhow::Result<()> {
    let options = Options::parse();
    // The programs run in a directory of their own.
    let absolute = std::path::absolute::<PathBuf>;
    let predecessor = absolute(options.peers.clone())?.join("mcp-oauth-dynamicclient");
    let (own, traefik) = (absolute(options.own.clone())?, absolute(options.traefik.clone())?);
    let places = Places { own, predecessor, traefik };
    let stage = Stage::set(places.clone())?;
    eprintln!("minting {} tokens", options.tokens);
    let round = Round::prepare(&stage, options.tokens, options.seconds).await?;
    let mut figures = Figures::default();
    let mut order = DIRECT;
    let mut behind = BEHIND;
    for number in 1..=options.rounds {
        eprintln!("round {number}");
        round.direct(&options.wanted(&order), &mut figures)?;
        let wanted = options.wanted(&behind);
        if !wanted.is_empty() {
            round.behind(&wanted, &round.traefik()?, &mut figures)?;
        }
        // Nobody is always measured after the same one.
        order.rotate_left(1);
        behind.rotate_left(1);
    }
    if !options.wanted(&[Row::FirstSight]).is_empty() {
        eprintln!("{} tokens, each once", options.tokens);
        round.fill(&mut figures)?;
    }
    let mut revocations = Vec::new();
    for means in [Means::Command, Means::Deletion] {
        eprintln!("revoking {} tokens: {means:?}", options.revocations);
        // The command looks through all tokens, so that those of the rounds would be in its way.
        let stage = Stage::set(places.clone())?;
        let tokens = tokens::ours(&stage, options.revocations + 1).await?;
        revocations.push((means, revocation::measure(&stage, &tokens, 16, means).await?));
    }
    use std::io::Write as _;
    Ok(std::io::stdout().write_all(report::markdown(&figures, &revocations)?.as_bytes())?)
}
