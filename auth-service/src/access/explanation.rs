//! The whole evaluation of one question, with the reason of each step.

use gateway_contract::servers::Place;

use super::{
    certainty::Certainty,
    evidence::Evidence,
    facts::Facts,
    policy::Policy,
    rule::{Effect, Period, Rule},
    who::{Who, any_means},
};
use crate::model::{Scopes, UnixTime};

/// A question to the policy.
#[derive(Clone, Copy, Debug)]
pub struct Question<'a> {
    /// The person, or the client that acts for itself.
    pub facts: &'a Facts,
    /// The name of the server.
    pub server: &'a str,
    /// The tool. With `None`, the question is for the server as a whole.
    pub tool: Option<&'a str>,
    /// The time of the request.
    pub now: UnixTime,
}

/// An answer of the policy with its reasons.
#[derive(Clone, Debug)]
pub struct Explanation<'a> {
    /// The decision.
    pub allowed: bool,
    /// The scopes that may be granted at the server, if the question is for it as a whole. With `None`, all.
    pub scopes: Option<Scopes>,
    /// The lists and rules about the server and the tool, in the order of the file.
    pub steps: Vec<Step<'a>>,
    /// The index of the step that decides. With `None`, no rule allows the request.
    pub decisive: Option<usize>,
}

/// A list or a rule, and the result of comparing it with the question.
#[derive(Clone, Debug)]
pub struct Step<'a> {
    /// The list or the rule.
    pub part: Part<'a>,
    /// The certainty with which it applies.
    pub certainty: Certainty,
    /// The reason.
    pub reason: Reason<'a>,
}

/// A part of the policy.
#[derive(Clone, Copy, Debug)]
pub enum Part<'a> {
    /// The list `login.allow`.
    LoginAllow,
    /// The list `login.deny`.
    LoginDeny,
    /// A rule.
    Rule(&'a Rule),
}

/// The reason why a list or a rule applies or does not.
#[derive(Clone, Debug)]
pub enum Reason<'a> {
    /// An entry means the person, and no exception does.
    Means(&'a Who),
    /// No entry means the person.
    MeansNot,
    /// An exception means the person.
    Exempt(&'a Who),
    /// The client in use is not one of the rule's.
    OtherClient,
    /// The rule does not apply at this time.
    OtherTime(Period),
    /// The facts are not sufficient for an entry, an exception or, with `None`, the list of clients.
    Unknown(Option<&'a Who>),
}

impl Policy {
    /// Evaluates the whole policy for one question. [`Policy::compile`] answers many.
    #[must_use]
    pub fn explain(&self, question: Question<'_>) -> Explanation<'_> {
        let evidence = self.evidence(question.facts);
        let mut steps = self.login(&evidence);
        let refusal = steps.iter().position(Step::refuses_login);
        if let Some(decisive) = refusal {
            return Explanation { allowed: false, scopes: None, steps, decisive: Some(decisive) };
        }
        let about = self
            .rules
            .iter()
            .filter(|rule| rule.is_about(question.server) && rule.is_about_tool(question.tool));
        steps.extend(about.map(|rule| Step::of_rule(rule, &evidence, question.now)));
        let denied = steps.iter().position(Step::denies);
        let decisive = denied.or_else(|| steps.iter().position(Step::allows));
        let allowed = denied.is_none() && decisive.is_some();
        let is_whole = allowed && question.tool.is_none();
        Explanation { allowed, scopes: is_whole.then(|| cap(&steps)).flatten(), steps, decisive }
    }

    /// Compares the lists of `login`. An empty `login.deny` is left out.
    fn login(&self, evidence: &Evidence<'_>) -> Vec<Step<'_>> {
        let step = |part, list| {
            let certainty = any_means(list, evidence);
            Step { part, certainty, reason: reason_of(list, certainty, evidence) }
        };
        let deny = Some(&self.login_deny).filter(|list| !list.is_empty());
        let deny = deny.map(|list| step(Part::LoginDeny, list));
        deny.into_iter().chain([step(Part::LoginAllow, &self.login_allow)]).collect()
    }
}

/// Returns the union of the scopes of the rules that allow, or `None` if one of them has no limit.
fn cap(steps: &[Step<'_>]) -> Option<Scopes> {
    let rules = steps.iter().filter(|step| step.allows()).filter_map(Step::rule);
    let mut all = Scopes::default();
    for rule in rules {
        if let Effect::Allow { scopes, .. } = &rule.effect {
            all = all.union(scopes.as_ref()?);
        }
    }
    Some(all)
}

/// Returns the entry of `list` that is responsible for `certainty`.
fn reason_of<'a>(list: &'a [Who], certainty: Certainty, evidence: &Evidence<'_>) -> Reason<'a> {
    let entry = list.iter().find(|who| who.means(evidence) == certainty);
    match (certainty, entry) {
        (Certainty::Yes, Some(who)) => Reason::Means(who),
        (Certainty::Unknown, who) => Reason::Unknown(who),
        _ => Reason::MeansNot,
    }
}

impl<'a> Step<'a> {
    fn of_rule(rule: &'a Rule, evidence: &Evidence<'_>, now: UnixTime) -> Self {
        let who = any_means(&rule.who, evidence);
        let not = any_means(&rule.not, evidence);
        let client = rule.fits_client(evidence);
        let period = rule.period(now);
        let (certainty, reason) = if period != Period::Within {
            (Certainty::No, Reason::OtherTime(period))
        } else if client == Certainty::No {
            (Certainty::No, Reason::OtherClient)
        } else if not == Certainty::Yes && who != Certainty::No {
            let entry = rule.not.iter().find(|who| who.means(evidence) == Certainty::Yes);
            (Certainty::No, entry.map_or(Reason::MeansNot, Reason::Exempt))
        } else if who != Certainty::Yes {
            (who, reason_of(&rule.who, who, evidence))
        } else if not == Certainty::Unknown {
            (not, reason_of(&rule.not, not, evidence))
        } else if client == Certainty::Unknown {
            (client, Reason::Unknown(None))
        } else {
            (who, reason_of(&rule.who, who, evidence))
        };
        Self { part: Part::Rule(rule), certainty, reason }
    }

    /// Returns the rule, if the step is one.
    pub(super) fn rule(&self) -> Option<&'a Rule> {
        match self.part {
            Part::Rule(rule) => Some(rule),
            _ => None,
        }
    }

    fn refuses_login(&self) -> bool {
        match self.part {
            Part::LoginAllow => self.certainty != Certainty::Yes,
            Part::LoginDeny => self.certainty != Certainty::No,
            Part::Rule(_) => false,
        }
    }

    /// Returns `true` if the step is a rule that denies the request.
    pub(super) fn denies(&self) -> bool {
        self.rule().is_some_and(Rule::is_deny) && self.certainty != Certainty::No
    }

    fn allows(&self) -> bool {
        self.rule().is_some_and(|rule| !rule.is_deny()) && self.certainty == Certainty::Yes
    }

    /// Returns the position of the list's entry or of the rule.
    #[must_use]
    pub fn place(&self) -> Option<Place> {
        match (&self.part, &self.reason) {
            (Part::Rule(rule), _) => Some(rule.place),
            (_, Reason::Means(who) | Reason::Unknown(Some(who))) => Some(who.place),
            _ => None,
        }
    }

    /// Returns the effect of the part on this question, in a word.
    #[must_use]
    pub fn effect(&self) -> &'static str {
        match (self.certainty, self.refuses_login() || self.denies()) {
            (_, true) => "deny",
            (Certainty::No, false) => "-",
            (Certainty::Unknown, false) => "unknown",
            (Certainty::Yes, false) => "allow",
        }
    }
}
