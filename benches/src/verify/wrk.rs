//! wrk(1): closed-loop load on as many connections as asked for.

use std::path::Path;
use std::process::Command;

use anyhow::{Context as _, ensure};

/// What to load.
#[derive(Clone, Debug)]
pub struct Load<'a> {
    /// The URL.
    pub url: String,
    /// Headers of every request.
    pub headers: &'a [(String, String)],
    /// A Lua script that makes the requests.
    pub script: Option<&'a Path>,
    /// Connections.
    pub connections: usize,
    /// Seconds.
    pub seconds: u64,
}

/// What came of it.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Outcome {
    /// Requests per second.
    pub rate: f64,
    /// Milliseconds.
    pub p50: f64,
    /// Milliseconds.
    pub p99: f64,
    /// Requests in all.
    pub requests: f64,
    /// Answers other than 2xx, and failures of the connection.
    pub errors: f64,
}

impl Load<'_> {
    /// The command line.
    #[must_use]
    pub fn command(&self) -> Command {
        let mut command = Command::new("wrk");
        command.args(["-t", "1", "--latency", "-c", &self.connections.to_string()]);
        command.args(["-d", &format!("{}s", self.seconds)]);
        for (name, value) in self.headers {
            command.args(["-H", &format!("{name}: {value}")]);
        }
        if let Some(script) = self.script {
            command.arg("-s").arg(script);
        }
        command.arg(&self.url);
        command
    }

    /// Runs it.
    pub fn run(&self) -> anyhow::Result<Outcome> {
        let output = self.command().output().context("wrk")?;
        let text = String::from_utf8(output.stdout)?;
        ensure!(output.status.success(), "wrk: {}", String::from_utf8_lossy(&output.stderr));
        parse(&text).with_context(|| text.clone())
    }
}

fn parse(text: &str) -> anyhow::Result<Outcome> {
    let after = |label: &str| {
        let line = text.lines().find_map(|line| line.trim().strip_prefix(label));
        line.map(str::trim).with_context(|| format!("no {label}"))
    };
    let (requests, _) = text.split_once(" requests in ").context("no count of requests")?;
    let requests = requests.rsplit(char::is_whitespace).next().unwrap_or_default().parse()?;
    let refused = after("Non-2xx or 3xx responses:").map_or(Ok(0.0), str::parse)?;
    // "connect 0, read 1, write 0, timeout 0"
    let failed = after("Socket errors:").unwrap_or_default();
    let numbers = failed.split([' ', ',']).filter_map(|word| word.parse::<f64>().ok());
    Ok(Outcome {
        rate: after("Requests/sec:")?.parse()?,
        p50: millis(after("50%")?)?,
        p99: millis(after("99%")?)?,
        requests,
        errors: refused + numbers.sum::<f64>(),
    })
}

fn millis(text: &str) -> anyhow::Result<f64> {
    let units = [("us", 1e-3), ("ms", 1.0), ("s", 1e3), ("m", 6e4)];
    let (number, factor) = units
        .iter()
        .find_map(|(unit, factor)| Some((text.strip_suffix(unit)?, factor)))
        .with_context(|| format!("no time: {text}"))?;
    Ok(number.parse::<f64>()? * factor)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_report_of_wrk_is_read() {
        let text = "Running 1s test @ http://127.0.0.1:1/\n  Latency Distribution\n     50%  113.00us\n     \
                    75%  1.00ms\n     90%  1.01s\n     99%    2.50ms\n  9000 requests in 1.00s, 1.2MB read\n  \
                    Socket errors: connect 0, read 1, write 0, timeout 2\n  Non-2xx or 3xx responses: 7\n\
                    Requests/sec:   9000.50\nTransfer/sec:      1.2MB\n";
        let outcome =
            Outcome { rate: 9000.5, p50: 0.113, p99: 2.5, requests: 9000.0, errors: 10.0 };
        assert_eq!(parse(text).unwrap(), outcome);
        assert!(parse("nothing").is_err());
    }
}
