//! The real program, killed under load.
