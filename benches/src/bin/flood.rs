//! `scripts/flood`: floods its own gateway with anonymous requests while a person works, and
//! fails if that person, the memory or a process suffers.

use std::net::SocketAddr;
use std::process::ExitCode;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering::Relaxed};
use std::time::Duration;

use anyhow::Context as _;
use clap::Parser;
use gateway_bench::flood::kit::Kit;
use gateway_bench::flood::load::{Flood, Load, paced, unpaced};
use gateway_bench::flood::person::{Calls, Person, SERVER, newcomer, newcomers};
use gateway_bench::flood::report::Findings;
use gateway_bench::flood::shots::Vector;
use gateway_bench::flood::source::{Sources, Way};
use gateway_bench::flood::watch::Watch;
use gateway_bench::flood::{probe, shots};
use gateway_tests::stack::Stack;
use tokio::signal::unix::{SignalKind, signal};
use tokio::sync::watch;

/// How long the person works after the flood.
const AFTER: Duration = Duration::from_secs(5);

/// Floods its own gateway with anonymous requests while a person works
#[derive(Parser)]
struct Options {
    /// Requests in a second at the fixed rate
    #[arg(long, default_value_t = 200)]
    rate: u64,
    /// How long the fixed rate lasts, in seconds
    #[arg(long, default_value_t = 60)]
    seconds: u64,
    /// How long the person works before the flood, in seconds
    #[arg(long, default_value_t = 30)]
    quiet: u64,
    /// Requests without a limit on their rate
    #[arg(long, default_value_t = 100_000)]
    requests: u64,
    /// How many of those are sent at a time
    #[arg(long, default_value_t = 64)]
    lanes: usize,
    /// Source addresses, each in a /24 of its own
    #[arg(long, default_value_t = 10_000)]
    addresses: u64,
    /// To auth-service as a trusted forwarder, not through Traefik from 127.0.0.0/8
    #[arg(long)]
    direct: bool,
    /// Without the limits on the rate of an address or a client
    #[arg(long)]
    no_limits: bool,
    /// Leaves out requests by a part of their name, to see what they cost (repeatable)
    #[arg(long)]
    without: Vec<String>,
    /// About 20 seconds: 4 quiet, 8 at the fixed rate, 5,000 requests without a limit on their rate
    #[arg(long)]
    short: bool,
}

impl Options {
    fn read() -> Self {
        let options = Self::parse();
        if options.short {
            return Self { quiet: 4, seconds: 8, requests: 5000, ..options };
        }
        options
    }

    const fn settings(&self) -> &'static [(&'static str, &'static str)] {
        if self.no_limits {
            return &[
                ("RATE_LIMIT_ADDRESS", "0"),
                ("RATE_LIMIT_REGISTER", "0"),
                ("RATE_LIMIT_CLIENT", "0"),
            ];
        }
        &[]
    }
}

#[tokio::main]
async fn main() -> anyhow::Result<ExitCode> {
    let options = Options::read();
    let stack = Arc::new(Stack::start_with(options.settings()));
    let mut ended = signal(SignalKind::terminate())?;
    // Whatever comes, the gateway is ended when `stack` goes.
    tokio::select! {
        done = run(&options, &stack) => done,
        _ = tokio::signal::ctrl_c() => Ok(ExitCode::from(130)),
        _ = ended.recv() => Ok(ExitCode::from(143)),
    }
}

async fn run(options: &Options, stack: &Arc<Stack>) -> anyhow::Result<ExitCode> {
    let flood = Arc::new(prepare(options, stack).await?);
    let person = Arc::new(Person::log_in(stack, "alice").await?);
    eprintln!("the person works for {} s", options.quiet);
    let quiet =
        Arc::clone(&person).work(tokio::time::sleep(Duration::from_secs(options.quiet))).await;
    let gauges = Arc::new(Watch::new(Arc::clone(stack)).await?);
    let before = gauges.sample().await?;
    let is_over = Arc::new(AtomicBool::new(false));
    let watching = {
        let (gauges, is_over) = (Arc::clone(&gauges), Arc::clone(&is_over));
        tokio::spawn(async move { gauges.peaks(is_over).await })
    };
    let (rate, seconds) = (options.rate, options.seconds);
    eprintln!("{rate} requests in a second for {seconds} s");
    let load = async { Ok(paced(&flood, 0, rate, seconds).await) };
    let (paced, beside, logins) = beside(load, stack, &person).await?;
    eprintln!("{} requests, {} at a time", options.requests, options.lanes);
    let load = unpaced(&flood, rate * seconds, options.requests, options.lanes);
    let (unpaced, unlimited, logins_unlimited) = self::beside(load, stack, &person).await?;
    let after = Arc::clone(&person).work(tokio::time::sleep(AFTER)).await;
    let mut logins_after = Calls::default();
    logins_after.note(newcomer(stack).await);
    is_over.store(true, Relaxed);
    let (highest, unsampled) = watching.await?;
    let findings = Findings {
        calls: [quiet, beside, unlimited, after],
        logins: [logins, logins_unlimited, logins_after],
        paced,
        unpaced,
        samples: [before, highest, gauges.sample().await?],
        unsampled,
        processes: gauges.same_processes(),
    };
    println!("{}", findings.markdown(&flood.vectors)?);
    let holds = findings.verdicts(&flood.vectors).iter().all(|verdict| verdict.holds);
    Ok(if holds { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

/// Finds the largest inputs, and says what they are.
async fn prepare(options: &Options, stack: &Stack) -> anyhow::Result<Flood> {
    let pem = std::fs::read(stack.ca()).context("the CA of the gateway")?;
    let way = if options.direct {
        Way::Direct(SocketAddr::from(([127, 0, 0, 1], stack.port("AUTH_PORT"))))
    } else {
        Way::Traefik
    };
    let sources = Sources::new(way, reqwest::Certificate::from_pem(&pem)?, options.addresses);
    let mut kit = Kit::new(stack.issuer(), stack.url(SERVER))?;
    probe::measure(&mut kit, &sources).await?;
    let largest = &kit.largest;
    eprintln!(
        "the largest that is accepted: {} characters of state ({} bytes in a URL), {} bytes of \
         registration, {} of a redirect URI's path; {} addresses",
        largest.state_length,
        largest.state.len(),
        largest.registration,
        largest.path,
        sources.count(),
    );
    let wanted = |vector: &Vector| !options.without.iter().any(|part| vector.name.contains(part));
    let vectors = shots::all().into_iter().filter(wanted).collect();
    Ok(Flood { kit, sources, vectors })
}

/// Runs `load` while the person works and others log in.
async fn beside(
    load: impl Future<Output = anyhow::Result<Load>>,
    stack: &Arc<Stack>,
    person: &Arc<Person>,
) -> anyhow::Result<(Load, Calls, Calls)> {
    let (tell, told) = watch::channel(false);
    let end = |mut told: watch::Receiver<bool>| async move {
        // A sender that is gone is an end, too.
        let _over = told.wait_for(|is_over| *is_over).await;
    };
    let calls = tokio::spawn(Arc::clone(person).work(end(told.clone())));
    let logins = tokio::spawn(newcomers(Arc::clone(stack), end(told)));
    let load = load.await;
    tell.send_replace(true);
    Ok((load?, calls.await?, logins.await?))
}
