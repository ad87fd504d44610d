//! Explanations in words.

use std::fmt;

use time::{OffsetDateTime, format_description::well_known::Rfc3339};

use super::{
    explanation::{Explanation, Part, Reason, Step},
    rule::{Period, Rule},
};
use crate::model::UnixTime;

impl Explanation<'_> {
    /// Returns the name of the list or rule that decides, if there is one.
    #[must_use]
    pub fn rule(&self) -> Option<String> {
        let step = self.decisive.and_then(|index| self.steps.get(index))?;
        Some(match step.part {
            Part::Rule(Rule { name: Some(name), .. }) => name.clone(),
            part => part.to_string(),
        })
    }

    /// Returns the reason of the decision in a sentence without a full stop.
    #[must_use]
    pub fn because(&self) -> String {
        if let Some(step) = self.decisive.and_then(|index| self.steps.get(index)) {
            return format!("{}: {}", step.part, step.reason_in_words());
        }
        let missed = self.steps.iter().filter_map(Step::rule_missed);
        let missed = missed.collect::<Vec<_>>();
        if missed.is_empty() {
            return "no rule allows it".to_owned();
        }
        format!("no rule allows it; {}", missed.join("; "))
    }
}

impl Step<'_> {
    /// Describes an allow rule that does not apply only because of time, client, an exception or unknown facts.
    fn rule_missed(&self) -> Option<String> {
        let rule = self.rule().filter(|rule| !rule.is_deny())?;
        let is_near = !matches!(self.reason, Reason::MeansNot);
        is_near.then(|| format!("rule {}: {}", rule.number, self.reason_in_words()))
    }

    /// Returns the reason in words.
    #[must_use]
    pub fn reason_in_words(&self) -> String {
        let is_deny = self.denies() || matches!(self.part, Part::LoginDeny);
        let doubt = if is_deny { "cannot be ruled out" } else { "cannot be confirmed" };
        match &self.reason {
            Reason::Means(who) => {
                let not = self.rule().map_or(&[][..], |rule| rule.not.as_slice());
                let not = not.iter().map(|who| &*who.text).collect::<Vec<_>>().join(", ");
                let not = if not.is_empty() { not } else { format!(", and none of {not} does") };
                format!("{} matches{not}", who.text)
            }
            Reason::MeansNot => "no entry matches".to_owned(),
            Reason::Exempt(who) => format!("does not apply, because {} matches", who.text),
            Reason::OtherClient => "does not apply to the client in use".to_owned(),
            Reason::OtherTime(period) => period.to_string(),
            Reason::Unknown(Some(who)) => format!("{} {doubt}", who.text),
            Reason::Unknown(None) => format!("the client in use is unknown, so it {doubt}"),
        }
    }
}

impl fmt::Display for Part<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::LoginAllow => f.write_str("login.allow"),
            Self::LoginDeny => f.write_str("login.deny"),
            Self::Rule(rule) => {
                write!(f, "rule {}", rule.number)?;
                rule.name.iter().try_for_each(|name| write!(f, " {name:?}"))
            }
        }
    }
}

impl fmt::Display for Period {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let in_words = |time: &UnixTime| {
            let time = OffsetDateTime::from_unix_timestamp(time.0).ok();
            time.and_then(|time| time.format(&Rfc3339).ok()).unwrap_or_default()
        };
        match self {
            Self::Before(from) => write!(f, "applies from {} on", in_words(from)),
            Self::Within => f.write_str("applies at this time"),
            Self::After(until) => write!(f, "ended at {}", in_words(until)),
        }
    }
}
