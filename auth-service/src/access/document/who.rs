//! Lists of people.

use std::collections::BTreeMap;

use gateway_contract::servers::{Place, Problem};
use toml::de::DeTable;

use super::{
    at,
    entry::parse,
    providers::Providers,
    reader::{Item, Reader},
};
use crate::access::who::{People, Who};

/// Reads lists of people.
pub(super) struct WhoReader<'r, 't> {
    pub(super) reader: &'r mut Reader<'t>,
    providers: &'r Providers,
    roles: &'r BTreeMap<String, usize>,
    warnings: BTreeMap<String, Place>,
}

impl<'r, 't> WhoReader<'r, 't> {
    pub(super) fn new(
        reader: &'r mut Reader<'t>,
        providers: &'r Providers,
        roles: &'r BTreeMap<String, usize>,
    ) -> Self {
        Self { reader, providers, roles, warnings: BTreeMap::new() }
    }

    /// Returns the people of the key `name`, or none if it is absent.
    pub(super) fn list(&mut self, table: &DeTable<'_>, name: &str) -> Vec<Who> {
        let items = self.reader.texts(table, name).unwrap_or_default();
        items.into_iter().filter_map(|item| self.entry(item)).collect()
    }

    /// Returns the people of the key `name`, which must have at least one entry.
    pub(super) fn filled(&mut self, table: &DeTable<'_>, name: &str) -> Vec<Who> {
        let items = self.reader.filled(table, name).unwrap_or_default();
        items.into_iter().filter_map(|item| self.entry(item)).collect()
    }

    fn entry(&mut self, (text, span): Item) -> Option<Who> {
        let place = self.reader.place(span.start);
        match parse(&text, self.providers, self.roles) {
            Ok(people) => {
                self.warn(&people, place);
                Some(Who { text: text.into(), place, people })
            }
            Err(what) => {
                self.reader.add(span, what);
                None
            }
        }
    }

    fn warn(&mut self, people: &People, place: Place) {
        let (People::OfProvider(provider)
        | People::Id(provider, _)
        | People::Org(provider, _)
        | People::Team(provider, _)
        | People::Group(provider, _)
        | People::Email(provider, ..)
        | People::Domain(provider, _)) = people
        else {
            return;
        };
        if self.providers.find(provider).is_ok_and(|found| found.is_none()) {
            let what = format!("the provider {provider:?} is not declared in this file");
            self.warnings.entry(what).or_insert(place);
        }
        if let People::Group(_, group) = people
            && group.contains('*')
        {
            let what = format!("\"*\" in the group {group:?} is not a wildcard");
            self.warnings.entry(what).or_insert(place);
        }
    }

    pub(super) fn into_warnings(self) -> Vec<Problem> {
        let warnings = self.warnings.into_iter().map(|(what, place)| at(place, what));
        let mut warnings = warnings.collect::<Vec<_>>();
        warnings.sort_by_key(|problem| (problem.place.line, problem.place.column));
        warnings
    }
}
