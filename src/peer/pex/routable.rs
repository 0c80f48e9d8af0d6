//! Which addresses are worth telling.

use core::net::{IpAddr, Ipv4Addr, Ipv6Addr};

/// Whether an address can be reached from anywhere: neither private, local, for documentation nor of a special kind
/// (`Routable` of `p2p/netaddress.go @ v0.38`, and the IANA registries of special addresses).
///
/// ```
/// use mconn::peer::pex::is_routable;
///
/// assert!(is_routable("8.8.8.8".parse()?));
/// assert!(!is_routable("192.168.1.7".parse()?));
/// # Ok::<(), std::net::AddrParseError>(())
/// ```
#[must_use]
pub fn is_routable(ip: IpAddr) -> bool {
    match ip.to_canonical() {
        IpAddr::V4(ip) => is_routable_v4(ip),
        IpAddr::V6(ip) => is_routable_v6(ip),
    }
}

const fn is_routable_v4(ip: Ipv4Addr) -> bool {
    let [first, second, third, _] = ip.octets();
    let shared = first == 100 && (second & 0xc0) == 64;
    let protocols = first == 192 && second == 0 && third == 0;
    let benchmarks = first == 198 && (second & 0xfe) == 18;
    let special = ip.is_private() || ip.is_loopback() || ip.is_link_local() || ip.is_documentation();
    !(special || shared || protocols || benchmarks || ip.is_multicast() || first == 0 || first >= 240)
}

const fn is_routable_v6(ip: Ipv6Addr) -> bool {
    let [first, second, ..] = ip.segments();
    // Global unicast is 2000::/3. In it 2001::/23 is for protocols, 2001:db8::/32 and 3fff::/20 for documentation.
    let protocols = first == 0x2001 && second < 0x0200;
    let documentation = (first == 0x2001 && second == 0x0db8) || (first == 0x3fff && second < 0x1000);
    (first & 0xe000) == 0x2000 && !protocols && !documentation
}

/// The part of the internet that an address belongs to: addresses of one are as cheap as one
/// (`groupKeyFor` of `p2p/pex/addrbook.go @ v0.38`). For IPv4 the first 16 bits, for IPv6 the first 32.
pub(super) fn network_of(ip: IpAddr) -> u64 {
    match ip.to_canonical() {
        IpAddr::V4(ip) => u64::from(ip.to_bits() >> 16),
        IpAddr::V6(ip) => (1 << 32) | (ip.to_bits() >> 96) as u64,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn special_addresses_are_not_routable() {
        for ip in
            ["1.1.1.1", "100.128.0.1", "172.32.0.1", "198.20.0.1", "2606:4700::1", "::ffff:8.8.8.8", "2001:4860::1"]
        {
            assert!(is_routable(ip.parse().unwrap()), "{ip}");
        }
        for ip in [
            "0.0.0.0",
            "10.1.1.1",
            "100.64.0.1",
            "127.0.0.1",
            "169.254.1.1",
            "172.16.0.1",
            "192.0.0.1",
            "192.0.2.1",
            "192.168.0.1",
            "198.18.0.1",
            "198.51.100.1",
            "203.0.113.1",
            "224.0.0.1",
            "240.0.0.1",
            "255.255.255.255",
            "::",
            "::1",
            "::ffff:10.0.0.1",
            "fe80::1",
            "fc00::1",
            "ff02::1",
            "2001:db8::1",
            "2001:10::1",
            "3fff::1",
        ] {
            assert!(!is_routable(ip.parse().unwrap()), "{ip}");
        }
    }

    #[test]
    fn networks_are_told_apart() {
        let network = |ip: &str| network_of(ip.parse().unwrap());
        assert_eq!(network("1.2.3.4"), network("::ffff:1.2.200.200"));
        assert_ne!(network("1.2.3.4"), network("1.3.3.4"));
        assert_eq!(network("2606:4700::1"), network("2606:4700:ffff::1"));
        assert_ne!(network("2606:4700::1"), network("2606:4701::1"));
    }
}
