//! What a check found, in plain words.

use serde::Serialize;

/// How bad it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "lowercase")]
pub(super) enum Level {
    /// As it should be.
    Ok,
    /// It works, and will not in some case.
    Warning,
    /// It does not work, or is not safe.
    Error,
}

/// One finding.
#[derive(Clone, Debug, Serialize)]
pub(super) struct Finding {
    /// Which check found it; `docs/TROUBLESHOOTING.md` has a section of this name.
    pub(super) check: &'static str,
    pub(super) level: Level,
    /// What it is about, if there are several: a host, a server, a router.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) subject: Option<String>,
    pub(super) says: String,
    /// What to do about it.
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
        self.add(Level::Ok, subject, (says.into(), None));
    }

    pub(super) fn warning(&mut self, subject: Option<&str>, says: impl Into<String>, remedy: &str) {
        self.add(Level::Warning, subject, (says.into(), Some(remedy)));
    }

    pub(super) fn error(&mut self, subject: Option<&str>, says: impl Into<String>, remedy: &str) {
        self.add(Level::Error, subject, (says.into(), Some(remedy)));
    }

    fn add(&mut self, level: Level, subject: Option<&str>, (says, remedy): (String, Option<&str>)) {
        let (subject, remedy) = (subject.map(str::to_owned), remedy.map(str::to_owned));
        self.all.push(Finding { check: self.check, level, subject, says, remedy });
    }

    pub(super) fn into_vec(self) -> Vec<Finding> {
        self.all
    }
}

impl Finding {
    /// For people: a line, and what to do below it. A `remedy` that was said before is not said again.
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
