//! `scripts/bench store`: times acts of an operator over ever more grants, and draws them.

use std::io::Write as _;
use std::path::PathBuf;

use clap::Parser;
use gateway_bench::store::{acts, picture};

/// Times acts of an operator over ever more grants.
#[derive(Parser)]
struct Options {
    /// The directory of our own programs
    #[arg(long)]
    own: PathBuf,
    /// Numbers of grants
    #[arg(long, value_delimiter = ',', default_value = "1000,10000,100000")]
    grants: Vec<usize>,
    /// Rounds, of which the medians are shown
    #[arg(long, default_value_t = 5)]
    rounds: usize,
    /// The file of the picture
    #[arg(long)]
    svg: Option<PathBuf>,
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> anyhow::Result<()> {
    let options = Options::parse();
    let mut all = Vec::new();
    for grants in options.grants {
        eprintln!("{grants} grants");
        all.push(acts::measure(&options.own, grants, options.rounds).await?);
    }
    if let Some(file) = options.svg {
        std::fs::write(file, picture::svg(&all))?;
    }
    Ok(std::io::stdout().write_all(picture::table(&all).as_bytes())?)
}
