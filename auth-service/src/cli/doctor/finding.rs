//! Findings of the checks, in plain language.

use serde::Serialize;

/// The severity of a finding.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "lowercase")]
pub(super) enum Level {
    /// A state without problems.
    Ok,
    /// A problem that appears only under some condition.
    Warning,
    /// A failure or a security risk.
    Error,
}

/// A result of a check, with its remedy if there is a problem.
#[derive(Clone, Debug, Serialize)]
pub(super) struct Finding {
    /// The name of the check. `docs/TROUBLESHOOTING.md` has a section of this name.
    pub(super) check: &'static str,
    pub(super) level: Level,
    /// The host, server or router concerned, if the check covers several.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) subject: Option<String>,
    pub(super) says: String,
    /// The action that solves the problem.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) remedy: Option<String>,
}

/// The findings of one check.
pub(super) struct Findings {
    check: &'static str,
    all: Vec<Finding>,
}

impl Findings {
    pub(super) fn of(check: &'static str) -> Self {
        Self { check, all: Vec::new() }
    }

    pub(super) fn ok(&mut self, subject: Option<&str>, says: impl Into<String>) {
        self.add(Level::Ok, subject, says.into(), None);
    }

    pub(super) fn warning(&mut self, subject: Option<&str>, says: impl Into<String>, remedy: &str) {
        self.add(Level::Warning, subject, says.into(), Some(remedy));
    }

    pub(super) fn error(&mut self, subject: Option<&str>, says: impl Into<String>, remedy: &str) {
        self.add(Level::Error, subject, says.into(), Some(remedy));
    }

    fn add(&mut self, level: Level, subject: Option<&str>, says: String, remedy: Option<&str>) {
        let (subject, remedy) = (subject.map(str::to_owned), remedy.map(str::to_owned));
        self.all.push(Finding { check: self.check, level, subject, says, remedy });
    }

    pub(super) fn into_vec(self) -> Vec<Finding> {
        self.all
    }
}

impl Finding {
    /// Formats the finding for people: one line, and below it `remedy`, which is `None` if it was already printed.
    pub(super) fn lines(&self, remedy: Option<&str>) -> String {
        let level = match self.level {
            Level::Ok => "ok",
            Level::Warning => "warning",
            Level::Error => "ERROR",
        };
        let subject = self.subject.as_ref().map_or(String::new(), |subject| format!("{subject}: "));
        let remedy = remedy.map_or(String::new(), |text| format!("\n{:23}-> {text}", ""));
        format!("{level:8} {:13} {subject}{}{remedy}", self.check, self.says)
    }
}
