//! Links between the documents: every relative link leads to a file, and every anchor to a heading.

use std::{
    collections::HashMap,
    fs,
    path::{Path, PathBuf},
};

use crate::root;

/// Directories with files of others, or with what a build makes.
const SKIPPED: [&str; 4] = ["target", "node_modules", "backups", "logs"];

/// Returns all Markdown files below `folder`.
pub fn documents(folder: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        let name = path.file_name().unwrap().to_str().unwrap();
        let is_link = path.is_symlink();
        if path.is_dir() && !is_link && !SKIPPED.contains(&name) {
            if !name.starts_with('.') || name == ".github" {
                found.extend(documents(&path));
            }
        } else if name.ends_with(".md") {
            found.push(path);
        }
    }
    found
}

/// Returns the lines outside of code blocks, with code spans removed.
fn prose(text: &str) -> Vec<String> {
    let mut is_code = false;
    let mut lines = Vec::new();
    for line in text.lines() {
        if line.trim_start().starts_with("```") {
            is_code = !is_code;
        } else if !is_code {
            lines.push(line.to_owned());
        }
    }
    lines
}

/// Returns the targets of the links and images of a text.
fn targets(text: &str) -> Vec<String> {
    let mut found = Vec::new();
    for line in prose(text) {
        let without_code: String = line.split('`').step_by(2).collect::<Vec<_>>().join("`code`");
        for rest in without_code.split("](").skip(1) {
            found.extend(rest.split([')', ' ']).next().map(str::to_owned));
        }
        for rest in without_code.split("src=\"").skip(1) {
            found.extend(rest.split('"').next().map(str::to_owned));
        }
    }
    found
}

/// Returns the anchors that GitHub gives to the headings of a text.
fn anchors(text: &str) -> Vec<String> {
    let mut found: Vec<String> = Vec::new();
    for line in prose(text) {
        let title = line.trim_start_matches('#');
        let level = line.len() - title.len();
        if level == 0 || level > 6 || !title.starts_with(' ') {
            continue;
        }
        let kept = title.trim().to_lowercase();
        let kept: String = kept
            .chars()
            .filter(|c| c.is_alphanumeric() || matches!(c, ' ' | '-' | '_'))
            .map(|c| if c == ' ' { '-' } else { c })
            .collect();
        let earlier = found.iter().filter(|other| **other == kept).count();
        found.push(if earlier == 0 { kept } else { format!("{kept}-{earlier}") });
    }
    found
}

/// Returns what is wrong with the links of the files, whose texts are given by path.
fn broken(texts: &HashMap<PathBuf, String>, exists: &dyn Fn(&Path) -> bool) -> Vec<String> {
    let mut faults = Vec::new();
    for (path, text) in texts {
        for target in targets(text) {
            if target.contains("://") || target.starts_with("mailto:") {
                continue;
            }
            let (file, anchor) = target.split_once('#').unwrap_or((&target, ""));
            let there = if file.is_empty() { path.clone() } else { normal(path, file) };
            if !exists(&there) {
                faults.push(format!("{}: {target}: there is no such file", path.display()));
            } else if !anchor.is_empty() {
                let headings = texts.get(&there).map(|text| anchors(text)).unwrap_or_default();
                if !headings.iter().any(|heading| heading == anchor) {
                    faults.push(format!("{}: {target}: there is no such heading", path.display()));
                }
            }
        }
    }
    faults.sort();
    faults
}

/// Returns the path of `link` in the file `from`.
fn normal(from: &Path, link: &str) -> PathBuf {
    let mut path = from.parent().unwrap().to_owned();
    for part in link.split('/') {
        match part {
            "." | "" => {}
            ".." => drop(path.pop()),
            part => path.push(part),
        }
    }
    path
}

#[test]
fn every_link_and_anchor_works() {
    let paths = documents(&root());
    assert!(paths.len() > 25, "only {} documents were found", paths.len());
    let texts: HashMap<_, _> =
        paths.into_iter().map(|path| (path.clone(), fs::read_to_string(path).unwrap())).collect();
    let faults = broken(&texts, &|path| path.exists());
    assert!(faults.is_empty(), "{faults:#?}");
}

#[test]
fn a_broken_link_is_found() {
    let texts = [
        (
            "/a/x.md",
            "# One `two`, three\n[a](y.md#b-c) [b](../a/y.md) [c](#one-two-three) `[d](no.md)`",
        ),
        (
            "/a/y.md",
            "## B c\n## B c\n[a](x.md#none) [b](z.md) [c](#b-c-1) [d](https://x.example/#y)\n```\n[e](no)\n```",
        ),
    ];
    let texts: HashMap<_, _> =
        texts.map(|(path, text)| (PathBuf::from(path), text.to_owned())).into();
    let exists = |path: &Path| texts.contains_key(path);
    assert_eq!(
        broken(&texts, &exists),
        ["/a/y.md: x.md#none: there is no such heading", "/a/y.md: z.md: there is no such file"]
    );
}
