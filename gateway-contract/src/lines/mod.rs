//! Lines of text for logs and audit files: a bounded queue, the thread that writes it, and files with rotation.

mod appender;
mod file;
mod queue;
mod size;
mod writer;

pub(crate) use appender::Appender;
pub use file::Rotation;
pub(crate) use file::{RotatingFile, rotated};
pub(crate) use queue::Queue;
pub use size::{Size, SizeError};
pub(crate) use writer::{Notice, Pace, start};
