//! Classification of public internet addresses, by the IANA special-purpose address registries.

use std::{
    net::{IpAddr, Ipv4Addr, Ipv6Addr},
    sync::LazyLock,
};

use ipnet::{IpNet, Ipv4Net, Ipv6Net};

/// The only IPv6 block that is allocated for global unicast (RFC 4291 §2.4; IANA, "Internet
/// Protocol Version 6 Address Space"). It excludes loopback, `fc00::/7` (RFC 4193), `fe80::/10` and
/// multicast. It also excludes the mapped (`::ffff:0:0/96`) and translated (`64:ff9b::/96`) forms,
/// which embed an IPv4 address.
const GLOBAL_UNICAST: Ipv6Net = v6(0x2000, 0, 0, 3);

/// The special-purpose blocks, with the RFC that reserves each. The list includes anycast blocks:
/// the registries call them globally reachable, but the nearest network may answer for them.
static SPECIAL: LazyLock<[IpNet; 24]> = LazyLock::new(|| {
    [
        v4([0, 0, 0, 0], 8),                   // "this network", RFC 791 §3.2
        v4([10, 0, 0, 0], 8),                  // private, RFC 1918
        v4([100, 64, 0, 0], 10),               // carrier-grade NAT, RFC 6598
        v4([127, 0, 0, 0], 8),                 // loopback, RFC 1122 §3.2.1.3
        v4([169, 254, 0, 0], 16),              // link-local and cloud metadata, RFC 3927
        v4([172, 16, 0, 0], 12),               // private, RFC 1918
        v4([192, 0, 0, 0], 24),                // IETF protocol assignments, RFC 6890 §2.1
        v4([192, 0, 2, 0], 24),                // documentation, RFC 5737
        v4([192, 31, 196, 0], 24),             // AS112, anycast, RFC 7535
        v4([192, 52, 193, 0], 24),             // AMT relays, anycast, RFC 7450
        v4([192, 88, 99, 0], 24),              // 6to4 relays, anycast, RFC 7526
        v4([192, 168, 0, 0], 16),              // private, RFC 1918
        v4([192, 175, 48, 0], 24),             // AS112, anycast, RFC 7534
        v4([198, 18, 0, 0], 15),               // benchmarks, RFC 2544
        v4([198, 51, 100, 0], 24),             // documentation, RFC 5737
        v4([203, 0, 113, 0], 24),              // documentation, RFC 5737
        v4([224, 0, 0, 0], 4),                 // multicast, RFC 1112
        v4([240, 0, 0, 0], 4),                 // reserved, RFC 1112 §4, and broadcast, RFC 919
        v6(0x2001, 0, 0, 23).into(), // IETF protocol assignments (Teredo, ORCHID, …), RFC 2928
        v6(0x2001, 0x0db8, 0, 32).into(), // documentation, RFC 3849
        v6(0x2002, 0, 0, 16).into(), // 6to4, embeds an IPv4 address, RFC 3056
        v6(0x2620, 0x004f, 0x8000, 48).into(), // AS112, anycast, RFC 7534
        v6(0x3ffe, 0, 0, 16).into(), // the former 6bone, RFC 3701
        v6(0x3fff, 0, 0, 20).into(), // documentation, RFC 9637
    ]
});

const fn v4([a, b, c, d]: [u8; 4], prefix: u8) -> IpNet {
    IpNet::V4(Ipv4Net::new_assert(Ipv4Addr::new(a, b, c, d), prefix))
}

const fn v6(first: u16, second: u16, third: u16, prefix: u8) -> Ipv6Net {
    Ipv6Net::new_assert(Ipv6Addr::new(first, second, third, 0, 0, 0, 0, 0), prefix)
}

/// Returns `true` if `address` belongs to the public internet.
#[must_use]
pub fn is_public(address: IpAddr) -> bool {
    let handed_out = match &address {
        IpAddr::V4(_) => true,
        IpAddr::V6(v6) => GLOBAL_UNICAST.contains(v6),
    };
    handed_out && !SPECIAL.iter().any(|block| block.contains(&address))
}

#[cfg(test)]
mod tests {
    use super::*;

    const OWN: &[&str] = &[
        "127.0.0.1",
        "10.1.2.3",
        "172.16.0.1",
        "172.31.255.255",
        "192.168.1.1",
        "169.254.169.254",
        "100.64.0.1",
        "100.127.255.255",
        "0.0.0.0",
        "224.0.0.1",
        "239.255.255.255",
        "240.0.0.1",
        "255.255.255.255",
        "192.0.0.8",
        "192.0.2.1",
        "192.88.99.1",
        "192.175.48.6",
        "198.18.0.1",
        "198.19.255.255",
        "198.51.100.1",
        "203.0.113.9",
        "::1",
        "::",
        "fe80::1",
        "fec0::1",
        "fc00::1",
        "fd12::1",
        "ff02::1",
        "::ffff:127.0.0.1",
        "::ffff:8.8.8.8",
        "::7f00:1",
        "64:ff9b::7f00:1",
        "64:ff9b:1::1",
        "100::1",
        "2002:7f00:1::",
        "2001:db8::1",
        "2001::1",
        "2001:1ff:ffff::1",
        "2620:4f:8000::1",
        "3fff:fff::1",
        "5f00::1",
        "4000::1",
    ];

    const PUBLIC: &[&str] = &[
        "1.1.1.1",
        "8.8.8.8",
        "160.79.104.1",
        "100.128.0.1",
        "172.32.0.1",
        "192.0.1.1",
        "198.20.0.1",
        "223.255.255.255",
        "2001:200::1",
        "2606:4700::1111",
        "2a00:1450:4001::1",
        "3fff:1000::1",
    ];

    #[test]
    fn addresses_of_ones_own_network_are_not_public() {
        for address in OWN {
            assert!(!is_public(address.parse().unwrap()), "{address}");
        }
        for address in PUBLIC {
            assert!(is_public(address.parse().unwrap()), "{address}");
        }
    }
}
