//! The wings of `oauth/`: each uses those before it and what all share. In every floor, no two files use each other,
//! directly or through others.
#![expect(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    reason = "a file that cannot be read is a fault of the test"
)]

use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
    path::{Path, PathBuf},
};

/// From the ground up. A file of no wing is shared by all, and uses none.
const WINGS: [&str; 8] =
    ["", "people", "client", "authorize", "token", "verify", "accounts", "administration"];
/// A wing beside the others: it uses any of them, and none uses it.
const BESIDE: &str = "discovery";

/// The files of a floor by module path below it, such as `client::jwks`.
struct Floor {
    name: String,
    files: BTreeMap<String, String>,
    /// Items that `mod.rs` re-exports, and the file of each.
    exported: BTreeMap<String, String>,
}

impl Floor {
    fn read(name: &str) -> Self {
        let root = &source().join(name);
        let mut files = BTreeMap::new();
        for path in below(root) {
            let module = path.strip_prefix(root).unwrap().with_extension("");
            let module = module.to_str().unwrap().replace('/', "::");
            if module != "mod" && !module.ends_with("::mod") && !is_of_tests(&module) {
                let text = fs::read_to_string(&path).unwrap();
                let shipped = text.split("#[cfg(test)]").next().unwrap();
                files.insert(module, shipped.to_owned());
            }
        }
        let facade = fs::read_to_string(root.join("mod.rs")).unwrap();
        let facade =
            facade.replace("pub(crate) use ", "pub use ").replace("pub use self::", "pub use ");
        let mut exported = BTreeMap::new();
        for path in imported(&facade, "pub use ") {
            if let Some(file) = files.keys().find(|file| path.starts_with(&format!("{file}::"))) {
                let item = path.rsplit(" as ").next().unwrap().rsplit("::").next().unwrap();
                exported.insert(item.to_owned(), file.clone());
            }
        }
        Self { name: name.to_owned(), files, exported }
    }

    /// The other files of the floor that `module` uses.
    fn used_by(&self, module: &str) -> BTreeSet<&str> {
        let text = &self.files[module];
        let above = module.rsplit_once("::").map_or("", |(above, _)| above);
        let mut paths: Vec<String> = imported(text, "use crate::");
        paths.retain_mut(|path| {
            path.strip_prefix(&format!("{}::", self.name)).map(str::to_owned).is_some_and(|rest| {
                *path = rest;
                true
            })
        });
        let beside = imported(text, "use super::");
        paths.extend(beside.into_iter().map(|path| joined(above, &path)));
        paths.extend(qualified(text, &format!("crate::{}::", self.name)));
        paths.extend(qualified(text, "super::").into_iter().map(|path| joined(above, &path)));
        let of = |path: &String| {
            let is_in = |file: &&String| path == *file || path.starts_with(&format!("{file}::"));
            let item = path.split("::").next().unwrap();
            self.files.keys().find(is_in).or_else(|| self.exported.get(item))
        };
        let mut used: BTreeSet<&str> = paths.iter().filter_map(of).map(String::as_str).collect();
        used.remove(module);
        used
    }
}

fn joined(above: &str, path: &str) -> String {
    if above.is_empty() { path.to_owned() } else { format!("{above}::{path}") }
}

/// The paths of the `use` declarations that begin with `prefix`, without it.
fn imported(text: &str, prefix: &str) -> Vec<String> {
    let declarations = text.split(prefix).skip(1).map(|rest| rest.split(';').next().unwrap());
    declarations
        .flat_map(|tree| expanded(&tree.split_whitespace().collect::<Vec<_>>().join(" ")))
        .collect()
}

/// The paths of a `use` tree.
fn expanded(tree: &str) -> Vec<String> {
    let tree = tree.trim();
    let Some((before, group)) = tree.split_once('{') else { return vec![tree.to_owned()] };
    let group = group.strip_suffix('}').unwrap_or(group);
    let (mut depth, mut items) = (0_u8, vec![String::new()]);
    for c in group.chars() {
        match c {
            '{' => depth += 1,
            '}' => depth -= 1,
            ',' if depth == 0 => {
                items.push(String::new());
                continue;
            }
            _ => {}
        }
        items.last_mut().unwrap().push(c);
    }
    let items = items.iter().filter(|item| !item.trim().is_empty());
    items.flat_map(|item| expanded(item)).map(|path| format!("{before}{path}")).collect()
}

/// Paths in the code that begin with `prefix`, without it.
fn qualified(text: &str, prefix: &str) -> Vec<String> {
    let in_path = |c: char| c.is_ascii_alphanumeric() || matches!(c, '_' | ':');
    let code = text.lines().filter(|line| !line.trim_start().starts_with("//"));
    let found = code.flat_map(|line| line.split(prefix).skip(1));
    found.map(|rest| rest.chars().take_while(|c| in_path(*c)).collect()).collect()
}

fn below(directory: &Path) -> Vec<PathBuf> {
    let entries = fs::read_dir(directory).unwrap().map(|entry| entry.unwrap().path());
    entries.flat_map(|path| if path.is_dir() { below(&path) } else { vec![path] }).collect()
}

fn wing(module: &str) -> &str {
    module.rsplit_once("::").map_or("", |(wing, _)| wing)
}

fn is_of_tests(module: &str) -> bool {
    ["proptests", "tests"].contains(&module.rsplit("::").next().unwrap())
}

fn source() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("src")
}

/// Every floor that is a folder.
fn floors() -> Vec<Floor> {
    let entries = fs::read_dir(source()).unwrap().map(|entry| entry.unwrap());
    let folders = entries.filter(|entry| entry.path().is_dir());
    folders.map(|folder| Floor::read(folder.file_name().to_str().unwrap())).collect()
}

#[test]
fn no_wing_uses_one_above_it() {
    let floor = Floor::read("oauth");
    assert!(floor.files.len() > 40, "only {} files were found", floor.files.len());
    let rank = |module: &str| WINGS.iter().position(|name| *name == wing(module));
    let mut faults = Vec::new();
    for module in floor.files.keys() {
        for used in floor.used_by(module) {
            let is_fault = match (rank(module), rank(used)) {
                (Some(own), Some(other)) => other > own,
                (Some(_), None) => true,
                (None, _) => wing(module) != BESIDE,
            };
            if is_fault {
                faults.push(format!("{module} uses {used}"));
            }
        }
    }
    assert!(faults.is_empty(), "{faults:#?}");
}

#[test]
fn no_file_uses_itself_through_others() {
    let (mut arrows, mut faults) = (0, Vec::new());
    for floor in floors() {
        let uses: BTreeMap<&str, BTreeSet<&str>> =
            floor.files.keys().map(|module| (module.as_str(), floor.used_by(module))).collect();
        for module in uses.keys() {
            let (mut open, mut reached) = (vec![*module], BTreeSet::new());
            while let Some(next) = open.pop() {
                open.extend(uses[next].iter().filter(|used| reached.insert(**used)));
            }
            if reached.contains(module) {
                faults.push(format!("{}::{module} uses {:?}", floor.name, uses[module]));
            }
        }
        arrows += uses.values().map(BTreeSet::len).sum::<usize>();
    }
    assert!(faults.is_empty(), "circles: {faults:#?}");
    assert!(arrows > 200, "only {arrows} uses were found");
}

#[test]
fn trees_of_imports_are_read() {
    assert_eq!(
        imported("use crate::{\n    a::B,\n    oauth::{self, c::{D, e}},\n};", "use crate::"),
        ["a::B", "oauth::self", "oauth::c::D", "oauth::c::e"]
    );
    assert_eq!(qualified("// super::x\n super::a::b(c)", "super::"), ["a::b"]);
}
