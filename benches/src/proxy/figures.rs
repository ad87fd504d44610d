//! What is measured of each, over the rounds.

use std::collections::BTreeMap;

use crate::stats::median;

/// One thing measured.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Figure {
    /// Microseconds, one call at a time.
    AloneP50,
    /// Microseconds, one call at a time.
    AloneP99,
    /// Microseconds of processor time per call, one call at a time.
    AloneCpu,
    /// Calls per second, 16 at a time, each in a session of its own.
    SessionsRate,
    /// Milliseconds, 16 at a time, each in a session of its own.
    SessionsP99,
    /// Microseconds of processor time per call, 16 at a time, each in a session of its own.
    SessionsCpu,
    /// The same, of the servers.
    SessionsServerCpu,
    /// Calls per second, 16 at a time in one session.
    OneRate,
    /// Microseconds of processor time per call, 16 at a time in one session.
    OneCpu,
    /// Megabytes in use before the first request.
    Idle,
    /// Kilobytes that each of 200 sessions adds, its server's process apart.
    PerSession,
    /// Kilobytes that each of 200 further connections adds, after a request on it.
    PerConnection,
    /// Milliseconds from the start to the first connection accepted.
    Listening,
    /// Milliseconds of a result of 1 MiB.
    OneMebibyte,
    /// Milliseconds of a result of 8 MiB.
    EightMebibytes,
    /// Calls that failed, or whose answer was wrong.
    Errors,
}

impl Figure {
    /// The heading of its column.
    #[must_use]
    pub fn heading(self) -> &'static str {
        match self {
            Self::AloneP50 => "c=1 p50 µs",
            Self::AloneP99 => "p99 µs",
            Self::AloneCpu => "CPU µs",
            Self::SessionsRate => "c=16, 16 sessions: calls/s",
            Self::SessionsP99 => "p99 ms",
            Self::SessionsCpu => "CPU µs",
            Self::SessionsServerCpu => "server CPU µs",
            Self::OneRate => "c=16, 1 session: calls/s",
            Self::OneCpu => "CPU µs",
            Self::Idle => "RSS idle MB",
            Self::PerSession => "KB per session",
            Self::PerConnection => "KB per connection",
            Self::Listening => "listening ms",
            Self::OneMebibyte => "1 MiB result ms",
            Self::EightMebibytes => "8 MiB result ms",
            Self::Errors => "errors",
        }
    }
}

/// The figures of all rounds of one contender.
#[derive(Clone, Debug, Default)]
pub struct Figures(BTreeMap<Figure, Vec<f64>>);

impl Figures {
    /// Adds one, if it could be measured.
    pub fn add(&mut self, figure: Figure, value: Option<f64>) {
        self.0.entry(figure).or_default().extend(value);
    }

    /// The median of the rounds; of errors, the sum.
    #[must_use]
    pub fn get(&self, figure: Figure) -> Option<f64> {
        let values = self.0.get(&figure)?;
        if figure == Figure::Errors { Some(values.iter().sum()) } else { median(values) }
    }
}
