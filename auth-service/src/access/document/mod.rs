//! The parser of `access.toml`. It reports all problems at once, each with line and column.

mod entry;
mod expectations;
mod facts;
mod providers;
mod reader;
mod roles;
mod rules;
mod tool_lists;
mod who;

use gateway_contract::servers::{Place, Problem};
use toml::de::DeTable;

pub(super) use self::{entry::parse as parse_who, providers::Providers};
pub use self::{
    expectations::{Expectation, Failure, check_target, parts},
    facts::facts_from_json,
    providers::{Provider, ProviderKind, ProviderTable},
};
use self::{reader::Reader, who::WhoReader};
use super::{limits, policy::Policy};
use crate::model::UnixTime;

/// The keys of the file.
const KEYS: [&str; 5] = ["login", "rule", "roles", "test", "provider"];

/// The parsed file.
#[derive(Clone, Debug, Default)]
pub struct Document {
    /// The policy.
    pub policy: Policy,
    /// The tables of login providers, which `config` reads in full.
    pub providers: Vec<ProviderTable>,
    /// The expectations of the file's tests.
    pub expectations: Vec<Expectation>,
    /// The lines that are probably not what the author meant.
    pub warnings: Vec<Problem>,
}

impl Document {
    /// Parses the text of the file. `outside` are providers that are declared elsewhere, by variables.
    pub fn read(text: &str, outside: &[Provider]) -> Result<Self, Vec<Problem>> {
        if text.len() > limits::FILE {
            let what = format!("the file is larger than {} kB", limits::FILE / 1024);
            return Err(vec![at(Place { line: 1, column: 1 }, what)]);
        }
        // Windows editors add a byte order mark.
        let text = text.strip_prefix('\u{feff}').unwrap_or(text);
        let mut reader = Reader::new(text);
        let (root, errors) = DeTable::parse_recoverable(text);
        for error in errors {
            reader.add(error.span().unwrap_or_default(), error.message().to_owned());
        }
        if reader.has_problems() {
            return Err(reader.into_problems());
        }
        let document = Self::from_table(&mut reader, root.get_ref(), outside);
        if reader.has_problems() { Err(reader.into_problems()) } else { Ok(document) }
    }

    fn from_table(reader: &mut Reader<'_>, root: &DeTable<'_>, outside: &[Provider]) -> Self {
        reader.check_keys(root, "the file", &KEYS);
        let tables = providers::tables(reader, root);
        let providers = Providers::new(outside, &tables);
        let role_names = roles::names(reader, root);
        let mut who = WhoReader::new(reader, &providers, &role_names);
        let roles = roles::read(&mut who, root);
        let (login_allow, login_deny) = rules::login(&mut who, root);
        let rule_list = rules::read(&mut who, root);
        let expectations = expectations::read(who.reader, &providers, root);
        let mut warnings = who.into_warnings();
        if login_allow.is_empty() {
            let place = Place { line: 1, column: 1 };
            warnings.push(at(place, "login.allow is empty, so nobody may log in".to_owned()));
        }
        tool_lists::check(reader, &rule_list);
        let policy = Policy { login_allow, login_deny, roles, rules: rule_list };
        Self { policy, providers: tables, expectations, warnings }
    }

    /// Returns the expectations that do not hold. Tests without a time are judged by `now`.
    #[must_use]
    pub fn failures(&self, now: UnixTime) -> Vec<Failure<'_>> {
        self.expectations.iter().filter_map(|one| one.failure(&self.policy, now)).collect()
    }
}

/// Returns a problem at a position of the file.
fn at(place: Place, what: String) -> Problem {
    Problem { place, server: None, what }
}
