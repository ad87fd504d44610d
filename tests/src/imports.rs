//! The imports of a crate's files, for tests of its layers: which file of a folder uses which, as its text says.

use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
    path::{Path, PathBuf},
};

/// The module of a folder's own items, in its `mod.rs`.
const FACADE: &str = "mod";

/// A folder of a crate, which is one of its layers.
pub struct Folder {
    /// The name of the folder.
    pub name: String,
    /// The texts of its files without their tests, by module path, such as `client::jwks`.
    pub files: BTreeMap<String, String>,
    /// The items that `mod.rs` re-exports, and the file of each.
    exported: BTreeMap<String, String>,
}

impl Folder {
    /// Reads the folder `name` of the directory `source`.
    pub fn read(source: &Path, name: &str) -> Self {
        let root = &source.join(name);
        let mut files = BTreeMap::new();
        for path in below(root) {
            let module = path.strip_prefix(root).unwrap_or(&path).with_extension("");
            let module = module.to_string_lossy().replace('/', "::");
            if !module.ends_with("::mod") && !is_of_tests(&module) {
                let text = fs::read_to_string(&path).expect("a readable file");
                let shipped = text.split("#[cfg(test)]").next().unwrap_or_default();
                files.insert(module, shipped.to_owned());
            }
        }
        let facade = fs::read_to_string(root.join("mod.rs")).expect("a readable file");
        let facade =
            facade.replace("pub(crate) use ", "pub use ").replace("pub use self::", "pub use ");
        let mut exported = BTreeMap::new();
        for path in imported(&facade, "pub use ") {
            if let Some(file) = files.keys().find(|file| path.starts_with(&format!("{file}::"))) {
                let item = path.rsplit([' ', ':']).next().unwrap_or_default();
                exported.insert(item.to_owned(), file.clone());
            }
        }
        Self { name: name.to_owned(), files, exported }
    }

    /// Returns `true` if `mod.rs` itself defines `item`.
    fn defines(&self, item: &str) -> bool {
        let kinds = ["struct", "enum", "trait", "fn", "const", "type"];
        let text = &self.files[FACADE];
        kinds.iter().any(|kind| {
            let mark = format!("{kind} {item}");
            text.match_indices(&mark).any(|(at, _)| {
                !text[at + mark.len()..].starts_with(|c: char| c.is_alphanumeric() || c == '_')
            })
        })
    }

    /// Returns the other files of the folder that `module` uses.
    pub fn used_by(&self, module: &str) -> BTreeSet<&str> {
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
        if module == FACADE {
            // Paths of its own modules. Re-exports are no uses.
            paths = imported(text, "\nuse ");
        }
        let of = |path: &String| {
            let is_in = |file: &&String| path == *file || path.starts_with(&format!("{file}::"));
            let item = path.split("::").next().unwrap_or_default();
            let of_facade = || self.files.get_key_value(FACADE).filter(|_| self.defines(item));
            let found = self.files.keys().find(is_in).or_else(|| self.exported.get(item));
            found.or_else(|| of_facade().map(|(name, _)| name))
        };
        let mut used: BTreeSet<&str> = paths.iter().filter_map(of).map(String::as_str).collect();
        used.remove(module);
        used
    }
}

/// Returns the path of `super::path` as seen from a file of the folder `above`.
fn joined(above: &str, path: &str) -> String {
    let (above, path) = match path.strip_prefix("super::") {
        Some(rest) => (above.rsplit_once("::").map_or("", |(higher, _)| higher), rest),
        None => (above, path),
    };
    if above.is_empty() { path.to_owned() } else { format!("{above}::{path}") }
}

/// Returns the paths of the `use` declarations that begin with `prefix`, without it.
fn imported(text: &str, prefix: &str) -> Vec<String> {
    let declarations =
        text.split(prefix).skip(1).map(|rest| rest.split(';').next().unwrap_or_default());
    declarations
        .flat_map(|tree| expanded(&tree.split_whitespace().collect::<Vec<_>>().join(" ")))
        .collect()
}

/// Returns the paths of a `use` tree.
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
        items.last_mut().expect("an item").push(c);
    }
    let items = items.iter().filter(|item| !item.trim().is_empty());
    items.flat_map(|item| expanded(item)).map(|path| format!("{before}{path}")).collect()
}

/// Returns the paths in the code that begin with `prefix`, without it.
fn qualified(text: &str, prefix: &str) -> Vec<String> {
    let in_path = |c: char| c.is_ascii_alphanumeric() || matches!(c, '_' | ':');
    let code = text.lines().filter(|line| !line.trim_start().starts_with("//"));
    let found = code.flat_map(|line| line.split(prefix).skip(1));
    found.map(|rest| rest.chars().take_while(|c| in_path(*c)).collect()).collect()
}

/// Returns the files below a directory, to any depth.
pub fn below(directory: &Path) -> Vec<PathBuf> {
    let entries =
        fs::read_dir(directory).expect("a directory").map(|entry| entry.expect("an entry").path());
    entries.flat_map(|path| if path.is_dir() { below(&path) } else { vec![path] }).collect()
}

fn is_of_tests(module: &str) -> bool {
    ["proptests", "tests"].contains(&module.rsplit("::").next().unwrap_or_default())
}

/// Returns the files of `folders` that use themselves through others, and the number of uses that were found.
pub fn circles(folders: &[Folder]) -> (Vec<String>, usize) {
    let (mut faults, mut arrows) = (Vec::new(), 0);
    for folder in folders {
        let uses: BTreeMap<&str, BTreeSet<&str>> =
            folder.files.keys().map(|module| (module.as_str(), folder.used_by(module))).collect();
        for module in uses.keys() {
            let (mut open, mut reached) = (vec![*module], BTreeSet::new());
            while let Some(next) = open.pop() {
                open.extend(uses[next].iter().filter(|used| reached.insert(**used)));
            }
            if reached.contains(module) {
                faults.push(format!("{}::{module} uses {:?}", folder.name, uses[module]));
            }
        }
        arrows += uses.values().map(BTreeSet::len).sum::<usize>();
    }
    (faults, arrows)
}

/// Returns the folders of the directory `source` and the files in each.
pub fn folders(source: &Path) -> Vec<Folder> {
    let entries = fs::read_dir(source).expect("a directory").map(|entry| entry.expect("an entry"));
    let folders = entries.filter(|entry| entry.path().is_dir());
    folders.map(|folder| Folder::read(source, &folder.file_name().to_string_lossy())).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn trees_of_imports_are_read() {
        assert_eq!(
            imported("use crate::{\n    a::B,\n    oauth::{self, c::{D, e}},\n};", "use crate::"),
            ["a::B", "oauth::self", "oauth::c::D", "oauth::c::e"]
        );
        assert_eq!(qualified("// super::x\n super::a::b(c)", "super::"), ["a::b"]);
        assert_eq!(joined("a::b", "super::c"), "a::c");
        assert_eq!(joined("a", "c::D"), "a::c::D");
    }

    #[test]
    fn circles_are_found_through_a_facade_and_through_others() {
        let files = [
            ("mod", "mod a;\npub use a::A;\nuse b::B;\npub struct Own;"),
            ("a", "use super::{B, c};"),
            ("b", "use super::Own;"),
            ("c", "use super::A;"),
        ];
        let files = files.map(|(name, text)| (name.to_owned(), text.to_owned())).into();
        let exported = BTreeMap::from([("A".to_owned(), "a".to_owned())]);
        let (mut faults, uses) = circles(&[Folder { name: "x".to_owned(), files, exported }]);
        faults.sort();
        let parts = ["x::a uses", "x::b uses", "x::c uses", "x::mod uses"];
        assert!(
            faults.iter().zip(parts).all(|(fault, part)| fault.starts_with(part)),
            "{faults:?}"
        );
        assert_eq!((faults.len(), uses), (4, 4));
    }
}
