//! The texts of the pages: each language has all of them. `build/texts.rs` checks their placeholders and forms.
#![expect(clippy::unwrap_used, reason = "a file that cannot be read is a fault of the test")]

use std::{collections::BTreeMap, fs, path::Path};

use toml::{Table, Value};

/// Texts that are the same in two languages, as words of a trade or names are.
const ALIKE: usize = 30;

fn texts(code: &str) -> BTreeMap<String, Value> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join(format!("texts/{code}.toml"));
    let table: Table = fs::read_to_string(path).unwrap().parse().unwrap();
    let sections = table.into_iter();
    let keys = sections.flat_map(|(section, entries)| {
        let entries = entries.as_table().unwrap().clone();
        entries.into_iter().map(move |(key, text)| (format!("{section}.{key}"), text))
    });
    keys.collect()
}

fn languages() -> Vec<String> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("texts");
    let files = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
    files.map(|path| path.file_stem().unwrap().to_str().unwrap().to_owned()).collect()
}

/// The names in braces, sorted, of a text or of each of its forms.
fn placeholders(text: &Value) -> Vec<Vec<String>> {
    let of = |text: &str| {
        let names = text.split('{').skip(1).map(|rest| rest.split('}').next().unwrap().to_owned());
        let mut names: Vec<String> = names.collect();
        names.sort();
        names
    };
    match text {
        Value::String(text) => vec![of(text)],
        forms => ["one", "other"].map(|form| of(forms[form].as_str().unwrap())).into(),
    }
}

#[test]
fn every_language_has_every_text_and_its_placeholders() {
    let english = texts("en");
    assert!(english.len() > 100, "only {} texts were found", english.len());
    let languages = languages();
    assert!(languages.len() >= 2, "{languages:?}");
    for code in languages {
        let theirs = texts(&code);
        let keys = |all: &BTreeMap<String, Value>| all.keys().cloned().collect::<Vec<_>>();
        assert_eq!(keys(&theirs), keys(&english), "{code}");
        for (key, text) in &theirs {
            assert_eq!(placeholders(text), placeholders(&english[key]), "{code}: {key}");
            assert!(!format!("{text:?}").contains("\"\""), "{code}: {key} is empty");
        }
        let alike = theirs.iter().filter(|(key, text)| english[*key] == **text).count();
        assert!(code == "en" || alike <= ALIKE, "{alike} texts of {code} are not translated");
    }
}
