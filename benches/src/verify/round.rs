//! The loads of one round.

use std::path::PathBuf;
use std::time::Duration;

use anyhow::{Context as _, ensure};

use super::contender::{BEHIND, Row, Service};
use super::figures::{CONNECTIONS, Figure, Figures};
use super::stage::Stage;
use super::tokens;
use super::traefik::{ROW, Traefik};
use super::wrk::{Load, Outcome};
use crate::process::{Program, Usage, resident};
use crate::stats::millis;
use gateway_tests::port::free_address;

/// Between the start of a program and what is asked of it.
const SETTLING: Duration = Duration::from_millis(300);

/// A list of headers.
pub type Headers = Vec<(String, String)>;

/// What all rounds need.
pub struct Round<'a> {
    stage: &'a Stage,
    /// One token of ours, which the limits take, too, and one of the predecessor.
    tokens: [String; 2],
    /// The script that sends every token once.
    script: PathBuf,
    /// How many it sends.
    count: usize,
    seconds: u64,
}

/// A program that is observed, and the figure of its processor time.
type Watched<'a> = (&'a Program, fn(usize) -> Figure);

impl<'a> Round<'a> {
    /// Mints the tokens.
    pub async fn prepare(stage: &'a Stage, count: usize, seconds: u64) -> anyhow::Result<Self> {
        let list = tokens::ours(stage, count).await?;
        let ours = list.first().cloned().context("no tokens are asked for")?;
        let python = stage.places.predecessor.join("bin/python");
        let predecessor = tokens::of_predecessor(&python, &stage.predecessor_settings())?;
        let script = tokens::script(stage.path(), &list)?;
        Ok(Self { stage, tokens: [ours, predecessor], script, count, seconds })
    }

    /// Measures rows without Traefik: with each number of connections one after the other, so that they
    /// are compared under the same conditions.
    pub fn direct(&self, rows: &[Row], figures: &mut Figures) -> anyhow::Result<()> {
        let mut running = Vec::new();
        for row in rows {
            let service = row.service().context("a row without a service")?;
            let program = self.start(service)?;
            figures.add(*row, Figure::Listening, millis(program.listening));
            running.push((*row, service, program));
        }
        std::thread::sleep(SETTLING);
        for (row, _, program) in &running {
            figures.add(*row, Figure::Idle, resident(program.pid())? as f64 / 1e6);
        }
        for connections in CONNECTIONS {
            for (row, service, program) in &mut running {
                if *row == Row::FirstSight {
                    // One that has seen nothing. The other one takes its time to end, afterwards.
                    let fresh = self.start(*service)?;
                    let answering = fresh.answering("/verify")?;
                    figures.add(*row, Figure::Answering, millis(answering));
                    *program = fresh;
                    std::thread::sleep(SETTLING);
                }
                let headers = headers(self.stage, self.token(*row));
                let load = self.load(*row, program, &headers, connections);
                let watched: [Watched<'_>; 2] =
                    [(program, Figure::Cpu), (&self.stage.redis, Figure::RedisCpu)];
                observe(*row, &load, &watched, figures)?;
            }
        }
        for (row, _, program) in &running {
            figures.add(*row, Figure::Loaded, resident(program.pid())? as f64 / 1e6);
        }
        Ok(())
    }

    /// Measures what every token of the list takes.
    pub fn fill(&self, figures: &mut Figures) -> anyhow::Result<()> {
        let (row, headers) = (Row::FirstSight, headers(self.stage, self.token(Row::FirstSight)));
        let program = self.start(Service::Ours)?;
        let load = self.load(row, &program, &headers, 16);
        // More than enough at any rate that was seen.
        let seconds = self.count as u64 / 5_000 + 1;
        let outcome = Load { seconds, ..load }.run()?;
        ensure!(outcome.requests >= self.count as f64, "not every token was sent");
        figures.add(row, Figure::Cached, resident(program.pid())? as f64 / 1e6);
        Ok(())
    }

    /// Starts Traefik, with all that is behind it.
    pub fn traefik(&self) -> anyhow::Result<Traefik> {
        let backend = self.start(Service::Hello)?;
        let asked = BEHIND.into_iter().filter_map(|row| Some((row, row.service()?)));
        let services = asked.map(|(row, service)| Ok((row, self.start(service)?)));
        let services = services.collect::<anyhow::Result<_>>()?;
        Traefik::start(self.stage, backend, services)
    }

    /// Measures rows behind Traefik, in the same way.
    pub fn behind(
        &self,
        rows: &[Row],
        traefik: &Traefik,
        figures: &mut Figures,
    ) -> anyhow::Result<()> {
        for connections in CONNECTIONS {
            for row in rows {
                self.routed(*row, traefik, connections, figures)?;
            }
        }
        Ok(())
    }

    fn routed(
        &self,
        row: Row,
        traefik: &Traefik,
        connections: usize,
        figures: &mut Figures,
    ) -> anyhow::Result<()> {
        let headers = vec![
            ("Host".to_owned(), self.stage.host()),
            (ROW.to_owned(), format!("{row:?}")),
            ("Authorization".to_owned(), format!("Bearer {}", self.token(row))),
        ];
        let load = Load {
            url: format!("http://{}/mcp", traefik.program.address),
            headers: &headers,
            script: None,
            connections,
            seconds: self.seconds,
        };
        let mut watched: Vec<Watched<'_>> = vec![
            (&traefik.program, Figure::TraefikCpu),
            (&traefik.backend, Figure::BackendCpu),
            (&self.stage.redis, Figure::RedisCpu),
        ];
        watched.extend(traefik.service(row).map(|service| (service, Figure::Cpu as _)));
        observe(row, &load, &watched, figures)
    }

    fn start(&self, service: Service) -> anyhow::Result<Program> {
        let address = free_address();
        let mut command = service.command(self.stage, address);
        let log = format!("{service:?}-{}.log", address.port());
        self.stage.start(&mut command, address, &log)
    }

    fn token(&self, row: Row) -> &str {
        let [ours, predecessor] = &self.tokens;
        if row.service() == Some(Service::Predecessor) { predecessor } else { ours }
    }

    fn load<'b>(
        &'b self,
        row: Row,
        program: &Program,
        headers: &'b Headers,
        connections: usize,
    ) -> Load<'b> {
        Load {
            url: format!("http://{}/verify", program.address),
            headers,
            // Each token for the first time, and the limit of that, get the same load.
            script: matches!(row, Row::FirstSight | Row::Es256).then_some(&*self.script),
            connections,
            seconds: self.seconds,
        }
    }
}

/// What Traefik sends about a request with `token`.
#[must_use]
pub fn headers(stage: &Stage, token: &str) -> Headers {
    let list = [
        ("Authorization", format!("Bearer {token}")),
        ("X-Forwarded-Method", "POST".to_owned()),
        ("X-Forwarded-Proto", "https".to_owned()),
        ("X-Forwarded-Host", stage.host()),
        ("X-Forwarded-Uri", "/mcp".to_owned()),
        ("X-Forwarded-For", "127.0.0.1".to_owned()),
        ("MCP-Protocol-Version", "2025-06-18".to_owned()),
    ];
    list.into_iter().map(|(name, value)| (name.to_owned(), value)).collect()
}

/// Runs a load and notes it, and what the programs spent on it.
fn observe(
    row: Row,
    load: &Load<'_>,
    watched: &[Watched<'_>],
    figures: &mut Figures,
) -> anyhow::Result<()> {
    let before: Vec<_> =
        watched.iter().map(|(program, _)| Usage::of(program.pid())).collect::<Result<_, _>>()?;
    let outcome = load.run()?;
    ensure!(outcome.requests > 0.0, "no answers from {}", load.url);
    for ((program, figure), before) in watched.iter().zip(&before) {
        let spent = Usage::of(program.pid())?.since(before);
        let micros = spent.own as f64 / 1e3 / outcome.requests;
        figures.add(row, figure(load.connections), micros);
    }
    note(row, load.connections, outcome, figures);
    Ok(())
}

fn note(row: Row, connections: usize, outcome: Outcome, figures: &mut Figures) {
    figures.add(row, Figure::Rate(connections), outcome.rate);
    figures.add(row, Figure::P50(connections), outcome.p50);
    figures.add(row, Figure::P99(connections), outcome.p99);
    figures.add(row, Figure::Errors, outcome.errors);
}
