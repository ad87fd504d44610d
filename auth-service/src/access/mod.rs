//! The access policy of `access.toml`: who may log in, and who may use which server and tool.
//!
//! This layer is pure: it reads no files and no clock. `docs/ACCESS.md` describes the format and its meaning.
//! [`Document::read`] parses a file, [`Policy::explain`] answers one question with its reasons, and
//! [`Policy::compile`] prepares the answers for one person.

mod certainty;
mod document;
mod evidence;
mod explanation;
mod facts;
pub mod limits;
mod lists;
mod narrowing;
mod pattern;
mod policy;
mod rule;
#[cfg(test)]
mod tests;
mod verdict;
mod wanted;
mod who;
mod wording;

pub use self::{
    certainty::Certainty,
    document::{
        Document, Expectation, Failure, Provider, ProviderKind, ProviderTable, check_target,
        facts_from_json, parts,
    },
    evidence::Evidence,
    explanation::{Explanation, Part, Question, Reason, Step},
    facts::{Fact, Facts},
    lists::{Ignored, Lists, policy_of},
    narrowing::Narrowing,
    pattern::{DeniedTools, Pattern},
    policy::Policy,
    rule::{Effect, Period, Rule},
    verdict::{ServerVerdict, Verdict},
};
