//! Reading the ids of the latest events of a file.

use std::collections::HashSet;
use std::fs::File;
use std::io::{self, Read as _, Seek as _, SeekFrom};
use std::path::Path;

use serde::Deserialize;

use crate::lines::rotated;

/// The number of bytes that are read: some ten thousand events.
const TAIL: u64 = 4 << 20;

/// The member of an event that is read.
#[derive(Deserialize)]
struct Line<'a> {
    #[serde(borrow)]
    id: &'a str,
}

/// Returns the ids of the latest events in the file at `path`, and in the one that was rotated last if the file is
/// short.
pub(super) fn ids(path: &Path) -> io::Result<HashSet<String>> {
    let mut ids = HashSet::new();
    let read = read(path, TAIL, &mut ids)?;
    if read < TAIL {
        self::read(&rotated(path, 1), TAIL - read, &mut ids)?;
    }
    Ok(ids)
}

/// Reads the last `most` bytes of the file, and returns how many there were.
fn read(path: &Path, most: u64, ids: &mut HashSet<String>) -> io::Result<u64> {
    let mut file = match File::open(path) {
        Ok(file) => file,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(0),
        Err(error) => return Err(error),
    };
    let size = file.metadata()?.len();
    file.seek(SeekFrom::Start(size.saturating_sub(most)))?;
    let mut bytes = Vec::new();
    let read = file.take(most).read_to_end(&mut bytes)?;
    // The first and the last line may be torn, and are no JSON then.
    let lines = bytes.split(|byte| *byte == b'\n');
    let events = lines.filter_map(|line| serde_json::from_slice::<Line<'_>>(line).ok());
    ids.extend(events.map(|event| event.id.to_owned()));
    Ok(u64::try_from(read).unwrap_or(u64::MAX))
}
