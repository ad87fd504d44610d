//! How the program is linked, and the texts of its pages.

#![expect(
    clippy::disallowed_methods,
    reason = "what is built, and for whom, Cargo says in its environment"
)]

#[path = "build/texts.rs"]
mod texts;

use std::{env, error::Error, path::Path, process::Command};

/// The first glibc that reads packed relocations (`DT_RELR`).
const READS_PACKED: (u32, u32) = (2, 36);

/// Relocations are read at every start and stay in memory: a third of a megabyte, packed 7 KB.
fn main() -> Result<(), Box<dyn Error>> {
    println!("cargo::rerun-if-changed=build.rs");
    println!("cargo::rerun-if-changed=build");
    println!("cargo::rerun-if-changed=texts");
    let target = env::var_os("OUT_DIR").ok_or("Cargo sets OUT_DIR")?;
    texts::generate(Path::new("texts"), &Path::new(&target).join("texts.rs"))?;
    let native = env::var("HOST").is_ok_and(|host| env::var("TARGET").is_ok_and(|it| it == host));
    if native && glibc().is_some_and(|version| version >= READS_PACKED) {
        println!("cargo::rustc-link-arg-bins=-Wl,-z,pack-relative-relocs");
    }
    Ok(())
}

/// The C library of this machine, if it is glibc.
fn glibc() -> Option<(u32, u32)> {
    let output = Command::new("getconf").arg("GNU_LIBC_VERSION").output().ok()?;
    let text = String::from_utf8(output.stdout).ok()?;
    let (major, minor) = text.trim().strip_prefix("glibc ")?.split_once('.')?;
    Some((major.parse().ok()?, minor.parse().ok()?))
}
