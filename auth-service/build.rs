//! How the program is linked.

#![expect(
    clippy::disallowed_methods,
    reason = "what is built, and for whom, Cargo says in its environment"
)]

use std::{env, process::Command};

/// The first glibc that reads packed relocations (`DT_RELR`).
const READS_PACKED: (u32, u32) = (2, 36);

/// Relocations are read at every start and stay in memory: a third of a megabyte, packed 7 KB.
fn main() {
    println!("cargo::rerun-if-changed=build.rs");
    let native = env::var("HOST").is_ok_and(|host| env::var("TARGET").is_ok_and(|it| it == host));
    if native && glibc().is_some_and(|version| version >= READS_PACKED) {
        println!("cargo::rustc-link-arg-bins=-Wl,-z,pack-relative-relocs");
    }
}

/// The C library of this machine, if it is glibc.
fn glibc() -> Option<(u32, u32)> {
    let output = Command::new("getconf").arg("GNU_LIBC_VERSION").output().ok()?;
    let text = String::from_utf8(output.stdout).ok()?;
    let (major, minor) = text.trim().strip_prefix("glibc ")?.split_once('.')?;
    Some((major.parse().ok()?, minor.parse().ok()?))
}
