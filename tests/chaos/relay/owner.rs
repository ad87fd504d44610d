//! The program at the other end of a connection, from what `/proc` knows of its socket (proc(5)).

use std::{
    fs,
    net::{IpAddr, SocketAddr},
};

use crate::{fleet::Pids, names::Name};

/// Returns the program that connected from `peer` to `local`.
pub(super) fn owner(peer: SocketAddr, local: SocketAddr, pids: &Pids) -> Name {
    let Some(inode) = inode(peer, local) else { return Name::Other };
    let socket = format!("socket:[{inode}]");
    let owns = |pid: u32| {
        let files = fs::read_dir(format!("/proc/{pid}/fd")).into_iter().flatten().flatten();
        let mut targets = files.filter_map(|file| fs::read_link(file.path()).ok());
        targets.any(|target| target.as_os_str() == socket.as_str())
    };
    let all = pids.all();
    let found = all.into_iter().find(|(_, pid)| owns(*pid));
    found.map_or(Name::Other, |(name, _)| name)
}

/// Returns the inode of the socket from `peer` to `local`.
fn inode(peer: SocketAddr, local: SocketAddr) -> Option<String> {
    let (peer, local) = (written(peer)?, written(local)?);
    let table = fs::read_to_string("/proc/net/tcp").ok()?;
    table.lines().skip(1).find_map(|line| {
        let mut words = line.split_ascii_whitespace().skip(1);
        let is_it = words.next()? == peer && words.next()? == local;
        is_it.then(|| words.nth(6).map(str::to_owned)).flatten()
    })
}

/// Returns an address as the kernel writes it.
fn written(address: SocketAddr) -> Option<String> {
    let IpAddr::V4(ip) = address.ip() else { return None };
    Some(format!("{:08X}:{:04X}", u32::from_ne_bytes(ip.octets()), address.port()))
}
