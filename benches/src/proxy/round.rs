//! One round of one contender: restarted, measured, ended.

use std::net::SocketAddr;
use std::path::Path;
use std::time::Duration;

use super::contender::{Contender, Places};
use super::figures::{Figure, Figures};
use super::load::{Caller, Outcome, Pipes, drive, fetch};
use crate::mcp::{Client, Say};
use crate::process::{Program, Spent, Usage, resident};
use crate::stats::millis;
use gateway_tests::port::free_address;

/// Callers at once.
pub const LANES: usize = 16;
/// Sessions whose memory is measured.
pub const SESSIONS: usize = 200;
const MEBIBYTE: usize = 1 << 20;

/// What a round needs.
pub struct Round<'a> {
    /// Where the programs are.
    pub places: &'a Places,
    /// Where their output goes.
    pub logs: &'a Path,
    /// How long each load lasts.
    pub time: Duration,
}

impl Round<'_> {
    /// Measures `contender`.
    pub async fn measure(&self, contender: Contender, figures: &mut Figures) -> anyhow::Result<()> {
        let program = self.start(contender)?;
        figures.add(Figure::Listening, Some(millis(program.listening)));
        self.memory(contender, &program, figures).await?;
        drop(program);
        let program = self.start(contender)?;
        figures.add(Figure::Listening, Some(millis(program.listening)));
        self.speed(contender, &program, figures).await?;
        self.sizes(open(contender, program.address).await?, figures).await;
        Ok(())
    }

    /// Measures the server itself.
    pub async fn measure_raw(&self, figures: &mut Figures) -> anyhow::Result<()> {
        let mut callers = Vec::new();
        for _ in 0..LANES {
            let mut pipes = Pipes::start(&self.places.echo())?;
            pipes.initialize().await?;
            callers.push(Caller::Raw(Box::new(pipes)));
        }
        let (mut callers, _) = drive(callers, self.time / 4).await?;
        let rest = callers.split_off(1);
        let (mut callers, alone) = drive(callers, self.time).await?;
        note_alone(alone, None, figures);
        callers.extend(rest);
        let (mut callers, sessions) = drive(callers, self.time).await?;
        note_sessions(sessions, None, figures);
        if let Some(caller) = callers.pop() {
            self.sizes(caller, figures).await;
        }
        Ok(())
    }

    fn start(&self, contender: Contender) -> anyhow::Result<Program> {
        let address = free_address();
        let mut command = contender.command(self.places, address, &self.places.echo());
        Program::start(&mut command, address, &self.logs.join(format!("{contender:?}.log")))
    }

    async fn memory(
        &self,
        contender: Contender,
        program: &Program,
        figures: &mut Figures,
    ) -> anyhow::Result<()> {
        let idle = settled(program).await?;
        figures.add(Figure::Idle, Some(idle / 1e6));
        // All from one connection, as behind a reverse proxy.
        let mut client = Client::connect(program.address, contender.path()).await?;
        for _ in 0..SESSIONS {
            client.initialize().await?;
            client.initialized().await?;
        }
        let open = settled(program).await?;
        figures.add(Figure::PerSession, Some((open - idle) / 1e3 / SESSIONS as f64));
        let mut more = Vec::new();
        for id in 0..SESSIONS {
            let mut beside = client.beside(program.address).await?;
            beside.call(id as u64, Say::Text("here")).await?;
            more.push(beside);
        }
        let connected = settled(program).await?;
        figures.add(Figure::PerConnection, Some((connected - open) / 1e3 / SESSIONS as f64));
        Ok(())
    }

    async fn speed(
        &self,
        contender: Contender,
        program: &Program,
        figures: &mut Figures,
    ) -> anyhow::Result<()> {
        let mut callers = Vec::new();
        for _ in 0..LANES {
            callers.push(open(contender, program.address).await?);
        }
        let (mut callers, _) = drive(callers, self.time / 4).await?;
        let rest = callers.split_off(1);
        let (mut callers, alone, spent) = self.observed(program, callers).await?;
        note_alone(alone, Some(spent), figures);
        callers.extend(rest);
        let (callers, sessions, spent) = self.observed(program, callers).await?;
        note_sessions(sessions, Some(spent), figures);
        let shared = in_one_session(callers, program.address).await?;
        let (_, one, spent) = self.observed(program, shared).await?;
        note_errors(&one, figures);
        figures.add(Figure::OneRate, Some(one.rate()));
        figures.add(Figure::OneCpu, one.cpu(spent.own));
        Ok(())
    }

    async fn observed(
        &self,
        program: &Program,
        callers: Vec<Caller>,
    ) -> anyhow::Result<(Vec<Caller>, Outcome, Spent)> {
        let before = Usage::of(program.pid())?;
        let (callers, outcome) = drive(callers, self.time).await?;
        let spent = Usage::of(program.pid())?.since(&before);
        Ok((callers, outcome, spent))
    }

    async fn sizes(&self, mut caller: Caller, figures: &mut Figures) {
        for (figure, bytes, count) in
            [(Figure::OneMebibyte, MEBIBYTE, 24), (Figure::EightMebibytes, 8 * MEBIBYTE, 8)]
        {
            let mut results = fetch(&mut caller, bytes, count).await;
            note_errors(&results, figures);
            let median = results.quantile(0.5).filter(|_| results.errors == 0);
            figures.add(figure, median.map(|micros| micros / 1e3));
            if results.errors > 0 {
                return;
            }
        }
    }
}

/// The memory in use, once it is quiet.
async fn settled(program: &Program) -> anyhow::Result<f64> {
    tokio::time::sleep(Duration::from_millis(300)).await;
    Ok(resident(program.pid())? as f64)
}

async fn open(contender: Contender, address: SocketAddr) -> anyhow::Result<Caller> {
    Ok(Caller::Http(Box::new(Client::open(address, contender.path()).await?)))
}

/// The first caller's session, on as many connections.
async fn in_one_session(callers: Vec<Caller>, address: SocketAddr) -> anyhow::Result<Vec<Caller>> {
    let mut shared = Vec::new();
    if let Some(Caller::Http(first)) = callers.first() {
        for _ in 0..callers.len() {
            shared.push(Caller::Http(Box::new(first.beside(address).await?)));
        }
    }
    Ok(shared)
}

fn note_alone(mut outcome: Outcome, spent: Option<Spent>, figures: &mut Figures) {
    note_errors(&outcome, figures);
    figures.add(Figure::AloneP50, outcome.quantile(0.5));
    figures.add(Figure::AloneP99, outcome.quantile(0.99));
    figures.add(Figure::AloneCpu, spent.and_then(|spent| outcome.cpu(spent.own)));
}

fn note_sessions(mut outcome: Outcome, spent: Option<Spent>, figures: &mut Figures) {
    note_errors(&outcome, figures);
    figures.add(Figure::SessionsRate, Some(outcome.rate()));
    figures.add(Figure::SessionsP99, outcome.quantile(0.99).map(|micros| micros / 1e3));
    figures.add(Figure::SessionsCpu, spent.and_then(|spent| outcome.cpu(spent.own)));
    figures.add(Figure::SessionsServerCpu, spent.and_then(|spent| outcome.cpu(spent.children)));
}

fn note_errors(outcome: &Outcome, figures: &mut Figures) {
    figures.add(Figure::Errors, Some(outcome.errors as f64));
    if let Some(error) = &outcome.first_error {
        eprintln!("    {} failed: {error}", outcome.errors);
    }
}
