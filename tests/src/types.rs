//! The sizes of a crate's types, for tests: fields and inherent methods, as the text of its files says.

use std::{collections::BTreeMap, fs, path::Path};

use crate::imports::below;

/// The size of a type with named fields.
#[derive(Debug, Default)]
pub struct Size {
    /// The number of fields.
    pub fields: usize,
    /// The number of inherent methods and functions, over all files.
    pub methods: usize,
}

/// Returns the sizes of the types below `source` that have methods, by name. Tests are not counted.
pub fn sizes(source: &Path) -> BTreeMap<String, Size> {
    let mut sizes: BTreeMap<String, Size> = BTreeMap::new();
    for file in below(source) {
        let text = fs::read_to_string(&file).expect("a readable file");
        add(&mut sizes, text.split("#[cfg(test)]").next().unwrap_or_default());
    }
    sizes.retain(|_, size| size.methods > 0);
    sizes
}

/// Adds the types and the inherent implementations of one file, which is formatted by rustfmt.
fn add(sizes: &mut BTreeMap<String, Size>, text: &str) {
    let mut lines = text.lines();
    while let Some(line) = lines.next() {
        let declared = line.trim_start_matches("pub ").trim_start_matches("pub(super) ");
        let declared = declared.trim_start_matches("pub(crate) ");
        let declared = declared.rsplit_once("crate::bridge) ").map_or(declared, |(_, rest)| rest);
        let is_struct = declared.starts_with("struct ") && line.ends_with('{');
        let is_impl = line.starts_with("impl") && line.ends_with('{') && !line.contains(" for ");
        if !is_struct && !is_impl {
            continue;
        }
        let body: Vec<&str> = lines.by_ref().take_while(|line| *line != "}").collect();
        let members = body.iter().filter_map(|line| line.strip_prefix("    "));
        let members = members.filter(|line| !line.starts_with([' ', '/', '#', '}', ')']));
        let size = sizes.entry(name(declared)).or_default();
        if is_struct {
            size.fields = members.filter(|line| line.contains(": ")).count();
        } else {
            let is_method = |line: &&str| {
                let head = line.split('(').next().unwrap_or_default();
                head.contains("fn ") || line.starts_with("pub(") && line.contains("fn ")
            };
            size.methods += members.filter(is_method).count();
        }
    }
}

/// Returns the name of the type in the first line of a declaration or implementation.
fn name(declared: &str) -> String {
    let rest = declared.trim_start_matches("struct ").trim_start_matches("impl");
    // The parameters of an implementation come before its type.
    let rest = match rest.strip_prefix('<') {
        Some(rest) => rest.split_once("> ").map_or(rest, |(_, rest)| rest),
        None => rest,
    };
    let is_of_name = |c: &char| c.is_alphanumeric() || *c == '_';
    rest.trim_start().chars().take_while(is_of_name).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fields_and_methods_are_counted_over_all_blocks() {
        let text = "\
pub struct A<'a> {
    /// A field.
    pub one: &'a str,
    pub(super) two: Vec<
        u8,
    >,
}

impl<'a> A<'a> {
    const X: u8 = 1;

    /// A method.
    pub fn one(&self) {
        let x = 1;
    }

    pub(super) async fn two(
        &self,
    ) {
    }
}

impl Clone for A<'_> {
    fn clone(&self) -> Self {}
}

impl A<'_> {
    fn three() {}
}
";
        let mut sizes = BTreeMap::new();
        add(&mut sizes, text);
        assert_eq!((sizes["A"].fields, sizes["A"].methods, sizes.len()), (2, 3, 1));
    }
}
