//! The floors of the crate: each file uses those below it and none above.

use std::{collections::BTreeMap, fs, path::Path};

use gateway_tests::imports::below;

/// From the ground up. `store`, `servers`, `keys`, `upstream` and `admission` stand side by side, as do
/// `app` and `docker_proxy`: the process that strangers talk to never has the socket of Docker.
const FLOORS: [&[&str]; 9] = [
    &["model"],
    &["access"],
    &["config"],
    &["metrics"],
    &["store", "servers", "keys", "upstream", "admission"],
    &["oauth"],
    &["http"],
    &["app", "docker_proxy"],
    &["cli"],
];

#[test]
fn no_floor_uses_one_above_it() {
    let source = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let mut faults = Vec::new();
    let mut seen = 0;
    for (level, names) in FLOORS.iter().enumerate() {
        for name in *names {
            let beside = names.iter().filter(|other| other != &name);
            let above: Vec<&str> = FLOORS[level + 1..]
                .iter()
                .flat_map(|floor| *floor)
                .chain(beside)
                .copied()
                .collect();
            for file in files(&source, name) {
                seen += 1;
                let text = fs::read_to_string(&file).unwrap();
                let used = uses(&text);
                for floor in above.iter().filter(|floor| used.iter().any(|name| name == *floor)) {
                    faults.push(format!("{} uses {floor}", file.display()));
                }
            }
        }
    }
    assert!(seen > 40, "only {seen} files were found");
    assert!(faults.is_empty(), "{faults:#?}");
}

/// The modules of the crate that `text` names: `crate::x` and the first level of `crate::{x, y::z}`.
fn uses(text: &str) -> Vec<String> {
    let mut names = Vec::new();
    for rest in text.split("crate::").skip(1) {
        let word = |text: &str| -> String {
            text.chars().take_while(|c| c.is_ascii_alphanumeric() || *c == '_').collect()
        };
        let Some(group) = rest.strip_prefix('{') else {
            names.push(word(rest));
            continue;
        };
        let (mut depth, mut item) = (1, String::new());
        for c in group.chars() {
            match c {
                '{' => depth += 1,
                '}' => depth -= 1,
                ',' if depth == 1 => names.push(word(std::mem::take(&mut item).trim())),
                _ if depth == 1 => item.push(c),
                _ => {}
            }
            if depth == 0 {
                names.push(word(item.trim()));
                break;
            }
        }
    }
    names
}

fn files(source: &Path, floor: &str) -> Vec<std::path::PathBuf> {
    let single = source.join(format!("{floor}.rs"));
    if single.exists() {
        return vec![single];
    }
    below(&source.join(floor))
}

/// The largest number of methods of a type of its own, so that a reader can know it.
const METHODS: usize = 30;

#[test]
fn no_type_has_more_methods_than_a_reader_can_know() {
    let source = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let mut methods = BTreeMap::<String, usize>::new();
    for file in below(&source) {
        let text = fs::read_to_string(&file).unwrap();
        let shipped = text.split("#[cfg(test)]").next().unwrap();
        for block in shipped.split("\nimpl").skip(1) {
            let (head, body) = block.split_once('{').unwrap();
            let name: String = head
                .trim_start_matches(|c: char| !c.is_ascii_uppercase())
                .chars()
                .take_while(char::is_ascii_alphanumeric)
                .collect();
            if head.contains(" for ") {
                continue;
            }
            let lines = body.lines().take_while(|line| *line != "}");
            let starts =
                lines.filter(|line| line.starts_with("    ") && !line.starts_with("     "));
            let functions = starts.filter(|line| {
                let words = line.split(|c: char| !c.is_ascii_alphanumeric() && c != '_');
                words.take(8).any(|word| word == "fn") && !line.trim_start().starts_with("//")
            });
            *methods.entry(name).or_default() += functions.count();
        }
    }
    let most = methods.values().max();
    assert!(most > Some(&10), "only {most:?} methods were found: {methods:?}");
    methods.retain(|_, count| *count > METHODS);
    assert!(methods.is_empty(), "{methods:#?}");
}

#[test]
fn uses_are_read_from_groups_too() {
    let text = "use crate::{model::{A, B}, store};\nfn f() { crate::http::g() }";
    assert_eq!(uses(text), ["model", "store", "http"]);
}
