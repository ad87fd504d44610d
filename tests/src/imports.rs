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
    /// The paths of the items that a `mod.rs` re-exports, and where each comes from.
    exported: BTreeMap<String, String>,
}

impl Folder {
    /// Reads the folder `name` of the directory `source`.
    pub fn read(source: &Path, name: &str) -> Self {
        let root = &source.join(name);
        let (mut files, mut exported) = (BTreeMap::new(), BTreeMap::new());
        for path in below(root) {
            let module = path.strip_prefix(root).unwrap_or(&path).with_extension("");
            let module = module.to_string_lossy().replace('/', "::");
            if is_of_tests(&module) {
                continue;
            }
            let text = fs::read_to_string(&path).expect("a readable file");
            let shipped = text.split("#[cfg(test)]").next().unwrap_or_default();
            // The `mod.rs` of a folder inside is the module of that folder.
            let module = module.strip_suffix("::mod").unwrap_or(&module).to_owned();
            if module == FACADE || path.ends_with("mod.rs") {
                exported.extend(re_exports(&module, shipped));
            }
            files.insert(module, shipped.to_owned());
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
        } else {
            // The same in the `mod.rs` of a folder inside.
            let own = imported(text, "\nuse ").into_iter().map(|path| format!("{module}::{path}"));
            paths.extend(own.filter(|path| self.file_of(path).is_some_and(|file| file != module)));
        }
        let mut used: BTreeSet<&str> =
            paths.iter().filter_map(|path| self.source_of(path)).collect();
        used.remove(module);
        used
    }

    /// Returns the file with the longest module path that `path` begins with.
    fn file_of(&self, path: &str) -> Option<&str> {
        let is_in = |file: &&String| path == *file || path.starts_with(&format!("{file}::"));
        self.files.keys().filter(is_in).max_by_key(|file| file.len()).map(String::as_str)
    }

    /// Returns the file that defines the item at `path`, through the re-exports on the way.
    fn source_of(&self, path: &str) -> Option<&str> {
        let mut path = path.to_owned();
        // A module may have the name of an item in it.
        for _ in 0..4 {
            let Some(from) = self.exports(&path) else { break };
            path = from;
        }
        let item = path.split("::").next().unwrap_or_default();
        let of_facade = || self.files.get_key_value(FACADE).filter(|_| self.defines(item));
        self.file_of(&path).or_else(|| of_facade().map(|(name, _)| name.as_str()))
    }

    /// Returns the path that a re-export names instead of `path`.
    fn exports(&self, path: &str) -> Option<String> {
        let is_at =
            |(one, _): &(&String, &String)| path == *one || path.starts_with(&format!("{one}::"));
        let (one, from) = self.exported.iter().find(is_at)?;
        Some(format!("{from}{}", path.strip_prefix(one.as_str())?))
    }
}

/// Returns the paths that the `mod.rs` of the folder `module` re-exports from its own modules, and where they come from.
fn re_exports(module: &str, text: &str) -> Vec<(String, String)> {
    let text = text.replace("pub(crate) use ", "pub use ").replace("pub(super) use ", "pub use ");
    let text = text.replace("pub use self::", "pub use ");
    let prefix = if module == FACADE { String::new() } else { format!("{module}::") };
    let own = imported(&text, "pub use ").into_iter();
    let own = own.filter(|path| !path.starts_with("crate::") && !path.starts_with("super::"));
    own.filter_map(|path| {
        let item = path.rsplit([' ', ':']).next()?;
        let from = path.split(" as ").next()?;
        (item != from).then(|| (format!("{prefix}{item}"), format!("{prefix}{from}")))
    })
    .collect()
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
    let code = text.lines().filter(|line| !line.trim_start().starts_with("//"));
    let mut found = Vec::new();
    for line in code {
        for (at, _) in line.match_indices(prefix) {
            if !line[..at].ends_with(is_of_path) {
                let rest = line[at + prefix.len()..].chars();
                found.push(rest.take_while(|c| is_of_path(*c)).collect());
            }
        }
    }
    found
}

fn is_of_path(c: char) -> bool {
    c.is_ascii_alphanumeric() || matches!(c, '_' | ':')
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
        assert_eq!(qualified("super::super::a::b", "super::"), ["super::a::b"]);
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
