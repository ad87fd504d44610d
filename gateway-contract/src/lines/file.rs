//! A file of lines that is rotated by size, and opened again if somebody else moved it.

use std::fs::{self, File, Metadata, OpenOptions};
use std::io::{self, Read as _, Seek as _, SeekFrom, Write};
use std::os::unix::fs::{MetadataExt as _, OpenOptionsExt as _};
use std::path::{Path, PathBuf};

use super::appender::Output;

/// Owner and group may read the file, so that a program that forwards it needs no other rights.
const MODE: u32 = 0o640;

/// The settings `LOG_MAX_SIZE` and `LOG_KEEP`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Rotation {
    /// The size in bytes at which a file is rotated.
    pub max_size: u64,
    /// The number of rotated files that are kept.
    pub keep: u32,
}

impl Default for Rotation {
    fn default() -> Self {
        Self { max_size: 50 << 20, keep: 5 }
    }
}

/// A file of lines. Several processes may append to one file: each looks at its path before it writes, and one of
/// them rotates it, under a lock.
pub(crate) struct RotatingFile {
    path: PathBuf,
    rotation: Rotation,
    file: File,
    /// The device and the inode of the open file.
    identity: (u64, u64),
    /// `true` after a failed rotation was reported.
    is_stuck: bool,
}

fn identity(metadata: &Metadata) -> (u64, u64) {
    (metadata.dev(), metadata.ino())
}

/// Opens `path` for appending. A line that a crash left torn is ended first.
fn open(path: &Path) -> io::Result<(File, (u64, u64))> {
    let mut options = OpenOptions::new();
    let mut file = options.read(true).append(true).create(true).mode(MODE).open(path)?;
    let metadata = file.metadata()?;
    if metadata.is_file() && metadata.len() > 0 {
        let mut last = [0];
        file.seek(SeekFrom::End(-1))?;
        file.read_exact(&mut last)?;
        if last != *b"\n" {
            file.write_all(b"\n")?;
        }
    }
    Ok((file, identity(&metadata)))
}

/// Returns the path of the rotated file with `number`; 1 is the youngest.
pub(crate) fn rotated(path: &Path, number: u32) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(format!(".{number}"));
    name.into()
}

/// Renames `from`, if it exists.
fn rename(from: &Path, to: &Path) -> io::Result<()> {
    match fs::rename(from, to) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error),
        _ => Ok(()),
    }
}

impl RotatingFile {
    /// Opens the file at `path`, and creates it and its directory if need be.
    pub(crate) fn open(path: &Path, rotation: Rotation) -> io::Result<Self> {
        if let Some(directory) = path.parent().filter(|parent| !parent.as_os_str().is_empty()) {
            fs::create_dir_all(directory)?;
        }
        let (file, identity) = open(path)?;
        Ok(Self { path: path.to_owned(), rotation, file, identity, is_stuck: false })
    }

    fn reopen(&mut self) -> io::Result<()> {
        (self.file, self.identity) = open(&self.path)?;
        Ok(())
    }

    /// Returns the size of the file at the path, or `None` if it is not the open file.
    fn size(&self) -> io::Result<Option<u64>> {
        match fs::metadata(&self.path) {
            Ok(metadata) if identity(&metadata) == self.identity => Ok(Some(metadata.len())),
            Ok(_) => Ok(None),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
            Err(error) => Err(error),
        }
    }

    /// Rotates the file unless another process just did.
    fn rotate(&self) -> io::Result<()> {
        self.file.lock()?;
        if self.size()?.is_none() {
            return Ok(());
        }
        for number in (1..self.rotation.keep).rev() {
            rename(&rotated(&self.path, number), &rotated(&self.path, number + 1))?;
        }
        match self.rotation.keep {
            0 => fs::remove_file(&self.path),
            _ => rename(&self.path, &rotated(&self.path, 1)),
        }
    }
}

impl Output for RotatingFile {
    fn prepare(&mut self, bytes: usize) -> io::Result<bool> {
        let more = u64::try_from(bytes).unwrap_or(u64::MAX);
        let Some(size) = self.size()? else {
            self.reopen()?;
            return Ok(true);
        };
        if size == 0 || size.saturating_add(more) <= self.rotation.max_size {
            return Ok(false);
        }
        match self.rotate() {
            Ok(()) => {
                self.reopen()?;
                self.is_stuck = false;
                Ok(true)
            }
            // A file that is too long is better than lines that are lost.
            Err(error) => {
                drop(self.file.unlock());
                if !std::mem::replace(&mut self.is_stuck, true) {
                    log::error!("cannot rotate {}: {error}", self.path.display());
                }
                Ok(false)
            }
        }
    }
}

impl Write for RotatingFile {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.file.write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}
