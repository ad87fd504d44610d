#!/bin/sh
# debian.sh RELEASE: a root file system like that of the official image debian:RELEASE-slim, as tar, from
# the mirror that this machine uses.
set -eu

release=$1
mirror=${2:-http://deb.debian.org/debian}
root=$(mktemp -d)
trap 'rm -rf "$root"' EXIT

debootstrap --variant=minbase "$release" "$root" "$mirror" >&2
rm -rf "$root/var/cache/apt/archives/"*.deb "$root/var/lib/apt/lists/"* "$root/usr/share/doc/"* \
    "$root/usr/share/man/"* "$root/usr/share/locale/"* "$root/var/log/"*
# What this machine trusts besides, the containers have to trust too: their packages come the same way.
mkdir -p "$root/usr/local/share/ca-certificates"
cp /usr/local/share/ca-certificates/*.crt "$root/usr/local/share/ca-certificates/" 2>/dev/null || :
tar -C "$root" --numeric-owner --sort=name -c .
