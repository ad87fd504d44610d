//! The command line, environment and program of a process at its execution, read from the kernel's original
//! location (proc(5), execve(2)). A process may overwrite its arguments with a title, and even its
//! environment; overwritten values are never returned.
//!
//! The crate `procfs` reads the text that a title overwrites, and parses all 52 fields of `stat` where five
//! are needed.

use std::ffi::OsString;
use std::fs::File;
use std::ops::Range;
use std::os::unix::ffi::OsStringExt as _;
use std::os::unix::fs::FileExt as _;
use std::path::PathBuf;

use super::changes::Variable;

/// The maximum size of arguments, and of an environment, to read.
const LONGEST: usize = 4 << 20;
const WORD: usize = size_of::<usize>();

/// One execution by a process; another one has its stack at another address.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Execution {
    pid: u32,
    stack: usize,
}

/// The program, arguments and environment of an execution.
pub(super) struct Image {
    pub(super) execution: Execution,
    /// The executed file, whatever name it was called by.
    pub(super) program: PathBuf,
    /// The arguments, including `argv[0]`.
    pub(super) args: Vec<OsString>,
    pub(super) env: Vec<Variable>,
    pub(super) cwd: PathBuf,
}

/// The memory areas in which the kernel placed arguments and environment.
#[derive(PartialEq, Eq)]
struct Place {
    /// The address of the argument count, which the pointers to the arguments follow.
    stack: usize,
    args: Range<usize>,
    env: Range<usize>,
}

impl Execution {
    /// Returns the current execution of `pid`.
    pub(super) fn of(pid: u32) -> Option<Self> {
        Some(Self { pid, stack: Place::of(pid)?.stack })
    }
}

impl Image {
    /// Reads the image of `pid`. Returns `None` if it may not be read, or if the process has overwritten it.
    pub(super) fn of(pid: u32) -> Option<Self> {
        // Opened first, since the descriptor shows nothing of a later execution.
        let memory = File::open(format!("/proc/{pid}/mem")).ok()?;
        let place = Place::of(pid)?;
        let args = place.args(&memory)?;
        let env = place.env(&memory)?;
        let link = |name: &str| std::fs::read_link(format!("/proc/{pid}/{name}")).ok();
        let (exe, cwd) = (link("exe")?, link("cwd")?);
        if Place::of(pid)? != place {
            return None;
        }
        let program = called(&args, exe)?;
        let execution = Execution { pid, stack: place.stack };
        Some(Self { execution, program, args, env, cwd })
    }
}

/// Returns the path by which the file `exe` was executed, if `argv[0]` tells it. A link in a virtual
/// environment may later point to another file.
fn called(args: &[OsString], exe: PathBuf) -> Option<PathBuf> {
    // A deleted file cannot be executed again.
    let file = exe.canonicalize().ok()?;
    let name = PathBuf::from(args.first()?);
    let is_same = name.is_absolute() && name.canonicalize().is_ok_and(|named| named == file);
    Some(if is_same { name } else { exe })
}

impl Place {
    fn of(pid: u32) -> Option<Self> {
        let stat = std::fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
        // The name in parentheses may contain any character.
        let (_, fields) = stat.rsplit_once(") ")?;
        let fields: Vec<_> = fields.split_ascii_whitespace().collect();
        // The first of these is field 3 of proc(5).
        let field = |number: usize| fields.get(number - 3)?.parse::<usize>().ok();
        let place =
            Self { stack: field(28)?, args: field(48)?..field(49)?, env: field(50)?..field(51)? };
        // Processes without permission see zero.
        (place.stack != 0 && place.args.start != 0).then_some(place)
    }

    /// Reads the arguments. Their pointers reveal whether they were overwritten, since each argument starts
    /// where the previous one ends. Programs may reorder the pointers.
    fn args(&self, memory: &File) -> Option<Vec<OsString>> {
        let args = texts(memory, &self.args)?;
        let count = args.len();
        let mut words = words(memory, self.stack, count + 2)?;
        if words.pop() != Some(0) || words.first() != Some(&count) {
            return None;
        }
        let mut pointers = words.split_off(1);
        pointers.sort_unstable();
        let mut starts = self.args.start;
        let expected = args.iter().map(|arg| {
            let start = starts;
            starts += arg.len() + 1;
            start
        });
        expected.eq(pointers).then_some(args)
    }

    fn env(&self, memory: &File) -> Option<Vec<Variable>> {
        let variable = |text: OsString| {
            let mut name = text.into_vec();
            let at = memchr::memchr(b'=', &name).filter(|at| *at > 0)?;
            let value = name.split_off(at).split_off(1);
            Some((OsString::from_vec(name), OsString::from_vec(value)))
        };
        texts(memory, &self.env)?.into_iter().map(variable).collect()
    }
}

/// Reads NUL-terminated strings.
fn texts(memory: &File, area: &Range<usize>) -> Option<Vec<OsString>> {
    let mut bytes = read(memory, area.start, area.end.checked_sub(area.start)?)?;
    if bytes.is_empty() {
        return Some(Vec::new());
    }
    let last = bytes.pop();
    let texts = bytes.split(|byte| *byte == 0).map(|text| OsString::from_vec(text.to_vec()));
    (last == Some(0)).then(|| texts.collect())
}

fn words(memory: &File, at: usize, count: usize) -> Option<Vec<usize>> {
    let bytes = read(memory, at, count.checked_mul(WORD)?)?;
    let word = |bytes: &[u8]| Some(usize::from_ne_bytes(bytes.try_into().ok()?));
    bytes.chunks_exact(WORD).map(word).collect()
}

fn read(memory: &File, at: usize, length: usize) -> Option<Vec<u8>> {
    let mut bytes = vec![0; Some(length).filter(|length| *length <= LONGEST)?];
    memory.read_exact_at(&mut bytes, at.try_into().ok()?).ok()?;
    Some(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn this_process_is_read_as_it_was_executed() {
        let image = Image::of(std::process::id()).unwrap();
        assert!(image.args.iter().cloned().eq(std::env::args_os()));
        assert_eq!(image.program.canonicalize().unwrap(), std::env::current_exe().unwrap());
        assert_eq!(image.cwd, std::env::current_dir().unwrap());
        let path =
            image.env.iter().find(|(name, _)| name == "PATH").map(|(_, value)| value.clone());
        assert_eq!(path, std::env::var_os("PATH"));
    }
}
