//! Turns the files of `texts/` into functions, so that a text that does not exist, or a placeholder that is not filled
//! in, is an error of the compiler, and nothing is parsed or missing while the program runs.

use std::{
    collections::{BTreeMap, BTreeSet},
    error::Error,
    fmt::Write,
    fs,
    path::Path,
};

use toml::{Table, Value};

/// The language whose file has every text.
const FIRST: &str = "en";

/// The forms of a text: one, or one for a single thing and one for every other number.
struct Text {
    one: Option<String>,
    other: String,
}

/// The texts of a language by `section_key`.
type Texts = BTreeMap<String, Text>;

/// Writes the type `Language` with one function for each text to `target`.
pub(crate) fn generate(folder: &Path, target: &Path) -> Result<(), Box<dyn Error>> {
    let mut languages = BTreeMap::new();
    for entry in fs::read_dir(folder)? {
        let path = entry?.path();
        let code = path.file_stem().and_then(|stem| stem.to_str()).unwrap_or_default().to_owned();
        if path.extension().is_some_and(|extension| extension == "toml") {
            let texts = read(&path).map_err(|error| format!("{}: {error}", path.display()))?;
            languages.insert(code, texts);
        }
    }
    let first = languages.remove(FIRST).ok_or("there is no en.toml")?;
    for (code, texts) in &languages {
        check(code, texts, &first)?;
    }
    fs::write(target, written(&first, &languages)?)?;
    Ok(())
}

fn read(path: &Path) -> Result<Texts, Box<dyn Error>> {
    let mut texts = Texts::new();
    for (section, entries) in fs::read_to_string(path)?.parse::<Table>()? {
        let entries = entries.as_table().ok_or_else(|| format!("{section} is not a section"))?;
        for (key, value) in entries {
            let form = |table: &Table, name: &str| Some(table.get(name)?.as_str()?.to_owned());
            let text = match value {
                Value::String(text) => Some(Text { one: None, other: text.clone() }),
                Value::Table(forms) if forms.len() == 2 => {
                    let (one, other) = (form(forms, "one"), form(forms, "other"));
                    one.zip(other).map(|(one, other)| Text { one: Some(one), other })
                }
                _ => None,
            };
            let why = format!("{section}.{key} is neither a text nor {{ one = …, other = … }}");
            texts.insert(format!("{section}_{key}"), text.ok_or(why)?);
        }
    }
    Ok(texts)
}

/// Refuses texts that English does not have, and other placeholders than there.
fn check(code: &str, texts: &Texts, first: &Texts) -> Result<(), String> {
    for (key, text) in texts {
        let model = first.get(key).ok_or_else(|| format!("{code}.toml: en.toml has no {key}"))?;
        if placeholders(&text.other) != placeholders(&model.other) {
            return Err(format!("{code}.toml: {key} needs the placeholders of en.toml"));
        }
        if text.one.is_some() != model.one.is_some() {
            return Err(format!("{code}.toml: {key} needs the forms of en.toml"));
        }
    }
    Ok(())
}

/// Returns the names in braces.
fn placeholders(text: &str) -> BTreeSet<&str> {
    text.split('{').skip(1).filter_map(|rest| Some(rest.split_once('}')?.0)).collect()
}

fn written(first: &Texts, others: &BTreeMap<String, Texts>) -> Result<String, std::fmt::Error> {
    let codes = || std::iter::once(FIRST).chain(others.keys().map(String::as_str));
    let mut out = String::from(
        "/// A language of the pages.\n#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]\n\
         pub(in crate::http) enum Language {\n    #[default]\n",
    );
    for code in codes() {
        writeln!(out, "    /// The language of `texts/{code}.toml`.\n    {},", variant(code))?;
    }
    out.push_str("}\n\nimpl Language {\n    /// Every language, English first.\n");
    let all: Vec<String> = codes().map(|code| format!("Self::{}", variant(code))).collect();
    writeln!(out, "    pub(in crate::http) const ALL: &[Self] = &[{}];", all.join(", "))?;
    out.push_str("    /// Returns the language tag (RFC 5646).\n");
    out.push_str(
        "    pub(in crate::http) const fn code(self) -> &'static str {\n        match self {\n",
    );
    for code in codes() {
        writeln!(out, "            Self::{} => {code:?},", variant(code))?;
    }
    out.push_str("        }\n    }\n");
    for (key, text) in first {
        write_function(&mut out, key, text, others)?;
    }
    out.push_str("}\n");
    Ok(out)
}

/// Writes the function of the text `key`. Its arguments are the placeholders in alphabetical order.
fn write_function(
    out: &mut String,
    key: &str,
    english: &Text,
    others: &BTreeMap<String, Texts>,
) -> std::fmt::Result {
    let (names, plural) = (placeholders(&english.other), english.one.is_some());
    let mut takes = String::from("self");
    for name in &names {
        let kind = if *name == "n" && plural { "impl Count" } else { "impl Display" };
        write!(takes, ", {name}: {kind}")?;
    }
    if plural && !names.contains("n") {
        takes.push_str(", n: impl Count");
    }
    let gives = if names.is_empty() { "&'static str" } else { "String" };
    writeln!(out, "    /// Returns “{}”.", english.other)?;
    writeln!(
        out,
        "    pub(in crate::http) fn {key}({takes}) -> {gives} {{\n        match self {{"
    )?;
    let mut in_english = vec![format!("Self::{}", variant(FIRST))];
    for (code, texts) in others {
        let language = format!("Self::{}", variant(code));
        match texts.get(key).filter(|text| text.other != english.other) {
            Some(text) => write_arms(out, &language, text, !names.is_empty())?,
            None => in_english.push(language),
        }
    }
    write_arms(out, &in_english.join(" | "), english, !names.is_empty())?;
    out.push_str("        }\n    }\n");
    Ok(())
}

fn write_arms(out: &mut String, pattern: &str, text: &Text, is_filled: bool) -> std::fmt::Result {
    let form = |text: &str| match (is_filled, text.contains('{')) {
        (true, true) => format!("format!({text:?})"),
        (true, false) => format!("{text:?}.to_owned()"),
        (false, _) => format!("{text:?}"),
    };
    if let Some(one) = &text.one {
        writeln!(out, "            {pattern} if n.count() == 1 => {},", form(one))?;
    }
    writeln!(out, "            {pattern} => {},", form(&text.other))
}

/// Returns the name of a language in Rust: `pt-br` is `PtBr`.
fn variant(code: &str) -> String {
    let words = code.split('-').map(|part| {
        let mut letters = part.chars();
        let first = letters.next().map(|letter| letter.to_ascii_uppercase());
        first.into_iter().chain(letters).collect::<String>()
    });
    words.collect()
}
