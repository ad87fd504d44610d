//! The scripts: parts of them, run by the shell that they name.

mod s9_environment;
