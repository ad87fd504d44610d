//! The table `[roles]`.

use std::collections::BTreeMap;

use toml::de::DeTable;

use super::{reader::Reader, who::WhoReader};
use crate::access::{
    limits,
    policy::Roles,
    who::{People, Who},
};

/// Returns the index of each role by its name.
pub(super) fn names(reader: &mut Reader<'_>, root: &DeTable<'_>) -> BTreeMap<String, usize> {
    let Some(table) = reader.table(root, "roles") else { return BTreeMap::new() };
    for (name, value) in table {
        let text = name.get_ref();
        let has_blank = text.trim() != text.as_ref() || text.chars().any(char::is_control);
        if text.is_empty() || has_blank {
            let what = "a role needs a name without blanks at the ends";
            reader.add(name.span(), what.to_owned());
        }
        if value.get_ref().is_table() {
            let what = format!("a role must be a list; quote a name with dots, \"{text}.…\"");
            reader.add(name.span(), what);
        }
    }
    if table.len() > limits::ROLES {
        let span = root.get("roles").map(toml::Spanned::span).unwrap_or_default();
        reader.add(span, format!("there are more than {} roles", limits::ROLES));
    }
    let names = table.keys().enumerate();
    names.map(|(index, name)| (name.get_ref().clone().into_owned(), index)).collect()
}

/// Reads the members of each role. Reports roles in a circle, and too many levels.
pub(super) fn read(who: &mut WhoReader<'_, '_>, root: &DeTable<'_>) -> Roles {
    let table = root.get("roles").and_then(|value| value.get_ref().as_table());
    let Some(table) = table else { return Roles::default() };
    let keys = table.keys().filter(|key| !table.get(*key).is_some_and(|v| v.get_ref().is_table()));
    let names: Vec<&str> = table.keys().map(|key| key.get_ref().as_ref()).collect();
    let mut members = vec![Vec::new(); names.len()];
    for key in keys {
        let name = key.get_ref().as_ref();
        let index = names.iter().position(|other| *other == name);
        if let Some(slot) = index.and_then(|index| members.get_mut(index)) {
            *slot = who.list(table, name);
        }
    }
    let inner: Vec<Vec<usize>> = members.iter().map(|list| roles_in(list)).collect();
    let levels = levels(&inner);
    for ((key, level), index) in table.keys().zip(&levels).zip(0..) {
        let name = key.get_ref();
        if reaches(&inner, index) {
            who.reader.add(key.span(), format!("the role {name:?} contains itself"));
        } else if *level > limits::ROLE_LEVELS {
            let most = limits::ROLE_LEVELS;
            who.reader.add(key.span(), format!("the role {name:?} has more than {most} levels"));
        }
    }
    let mut order: Vec<usize> = (0..members.len()).collect();
    order.sort_by_key(|index| levels.get(*index));
    Roles { members, order }
}

fn roles_in(list: &[Who]) -> Vec<usize> {
    let index = |who: &Who| match who.people {
        People::Role(index) => Some(index),
        _ => None,
    };
    list.iter().filter_map(index).collect()
}

/// Returns the number of levels of each role. More than the limit are not counted, and a circle exceeds it.
fn levels(inner: &[Vec<usize>]) -> Vec<usize> {
    let mut levels = vec![1; inner.len()];
    for _ in 0..limits::ROLE_LEVELS {
        let deepest = |list: &Vec<usize>| list.iter().filter_map(|i| levels.get(*i)).max().copied();
        levels = inner.iter().map(|list| 1 + deepest(list).unwrap_or(0)).collect();
    }
    levels
}

/// Returns `true` if a role contains itself, directly or through others.
fn reaches(inner: &[Vec<usize>], start: usize) -> bool {
    let (mut open, mut seen) = (vec![start], vec![false; inner.len()]);
    while let Some(next) = open.pop() {
        for found in inner.get(next).into_iter().flatten() {
            if *found == start {
                return true;
            }
            if let Some(seen) = seen.get_mut(*found)
                && !std::mem::replace(seen, true)
            {
                open.push(*found);
            }
        }
    }
    false
}
