//! What a process was executed as, read from where the kernel put it (proc(5), execve(2)). A process may write a
//! title over its arguments, and further over its environment: what was changed is not returned.
//!
//! The crate `procfs` reads the text that a title overwrites, and parses all 52 fields of `stat` where five are needed.

use std::ffi::OsString;
use std::fs::File;
use std::ops::Range;
use std::os::unix::ffi::OsStringExt as _;
use std::os::unix::fs::FileExt as _;
use std::path::PathBuf;

use super::changes::Variable;

/// The longest arguments, and the longest environment, that are read.
const LONGEST: usize = 4 << 20;
const WORD: usize = size_of::<usize>();

/// An execution: a process begins another one with a stack at another place.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Execution {
    pid: u32,
    stack: usize,
}

/// What a process was executed as.
pub(super) struct Image {
    pub(super) execution: Execution,
    /// The file, whatever its name was.
    pub(super) program: PathBuf,
    /// The arguments with the name.
    pub(super) args: Vec<OsString>,
    pub(super) env: Vec<Variable>,
    pub(super) cwd: PathBuf,
}

/// Where the kernel put what the process was executed with.
#[derive(PartialEq, Eq)]
struct Place {
    /// The number of arguments, and the pointers to them.
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
    /// Reads what `pid` was executed as. `None` if it may not be read, or has changed it.
    pub(super) fn of(pid: u32) -> Option<Self> {
        // Opened first: it shows nothing of another execution.
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

/// Returns the path that the file `exe` was executed by, if the name tells it: a link in a virtual environment
/// can come to mean another file.
fn called(args: &[OsString], exe: PathBuf) -> Option<PathBuf> {
    // One that was deleted cannot be executed again.
    let file = exe.canonicalize().ok()?;
    let name = PathBuf::from(args.first()?);
    let is_same = name.is_absolute() && name.canonicalize().is_ok_and(|named| named == file);
    Some(if is_same { name } else { exe })
}

impl Place {
    fn of(pid: u32) -> Option<Self> {
        let stat = std::fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
        // The name, in parentheses, may contain anything.
        let (_, fields) = stat.rsplit_once(") ")?;
        let fields: Vec<_> = fields.split_ascii_whitespace().collect();
        // The first of these is the third field of proc(5).
        let field = |number: usize| fields.get(number - 3)?.parse::<usize>().ok();
        let place =
            Self { stack: field(28)?, args: field(48)?..field(49)?, env: field(50)?..field(51)? };
        // Zero is what is shown to those that may not know.
        (place.stack != 0 && place.args.start != 0).then_some(place)
    }

    /// Reads the arguments. Their pointers show whether they were overwritten: one argument ends where the
    /// next one begins. Programs may put the pointers in another order.
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

/// Reads texts that end with NUL.
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
