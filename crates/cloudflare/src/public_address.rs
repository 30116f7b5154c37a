//! Which addresses are public: what teams name must lead to nothing inside of the operator's network.

use std::io;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::pin::Pin;
use std::sync::Arc;

use reqwest::dns::{Addrs, Name, Resolve, Resolving};

/// Looks up the addresses of a name. The client replaces their ports.
pub type Lookup =
    Arc<dyn Fn(String) -> Pin<Box<dyn Future<Output = io::Result<Vec<SocketAddr>>> + Send>> + Send + Sync>;

/// Ranges of IPv4 that are not public: address and length of the prefix. Multicast and what is above it is not in the list.
/// Source: <https://www.iana.org/assignments/iana-ipv4-special-registry/>.
const NOT_PUBLIC: [(Ipv4Addr, u32); 14] = [
    (Ipv4Addr::new(0, 0, 0, 0), 8),
    (Ipv4Addr::new(10, 0, 0, 0), 8),
    (Ipv4Addr::new(100, 64, 0, 0), 10),
    (Ipv4Addr::new(127, 0, 0, 0), 8),
    // Link-local: the metadata of instances and of containers.
    (Ipv4Addr::new(169, 254, 0, 0), 16),
    (Ipv4Addr::new(172, 16, 0, 0), 12),
    (Ipv4Addr::new(192, 0, 0, 0), 24),
    (Ipv4Addr::new(192, 0, 2, 0), 24),
    (Ipv4Addr::new(192, 31, 196, 0), 24),
    (Ipv4Addr::new(192, 88, 99, 0), 24),
    (Ipv4Addr::new(192, 168, 0, 0), 16),
    (Ipv4Addr::new(198, 18, 0, 0), 15),
    (Ipv4Addr::new(198, 51, 100, 0), 24),
    (Ipv4Addr::new(203, 0, 113, 0), 24),
];

/// Ranges within the public part of IPv6, `2000::/3`, that are not public: Teredo and other protocols, documentation, and
/// 6to4, which holds addresses of IPv4.
/// Source: <https://www.iana.org/assignments/iana-ipv6-special-registry/>.
const NOT_PUBLIC_V6: [(Ipv6Addr, u32); 4] = [
    (Ipv6Addr::new(0x2001, 0, 0, 0, 0, 0, 0, 0), 23),
    (Ipv6Addr::new(0x2001, 0xdb8, 0, 0, 0, 0, 0, 0), 32),
    (Ipv6Addr::new(0x2002, 0, 0, 0, 0, 0, 0, 0), 16),
    (Ipv6Addr::new(0x3fff, 0, 0, 0, 0, 0, 0, 0), 20),
];

/// Whether an address is a public one of a single host. Addresses of IPv4 that are written as IPv6 are not.
pub(crate) fn is_public(address: IpAddr) -> bool {
    match address {
        IpAddr::V4(address) => {
            let is_in = |(start, length): &(Ipv4Addr, u32)| (address.to_bits() ^ start.to_bits()) >> (32 - length) == 0;
            address < Ipv4Addr::new(224, 0, 0, 0) && !NOT_PUBLIC.iter().any(is_in)
        }
        IpAddr::V6(address) => {
            let is_in =
                |(start, length): &(Ipv6Addr, u32)| (address.to_bits() ^ start.to_bits()) >> (128 - length) == 0;
            is_in(&(Ipv6Addr::new(0x2000, 0, 0, 0, 0, 0, 0, 0), 3)) && !NOT_PUBLIC_V6.iter().any(is_in)
        }
    }
}

/// Resolves names to their public addresses. A client connects to the very addresses that were checked, so that a name
/// whose addresses change in between leads nowhere else.
pub(crate) struct PublicAddresses {
    lookup: Lookup,
}

impl PublicAddresses {
    /// With the resolver of the system.
    pub(crate) fn of_system() -> Self {
        Self::new(Arc::new(|name| Box::pin(async { Ok(tokio::net::lookup_host((name, 0)).await?.collect()) })))
    }

    pub(crate) fn new(lookup: Lookup) -> Self {
        Self { lookup }
    }
}

impl Resolve for PublicAddresses {
    fn resolve(&self, name: Name) -> Resolving {
        let looked_up = (self.lookup)(name.as_str().to_owned());
        Box::pin(async move {
            let found = looked_up.await?;
            let public: Vec<SocketAddr> = found.iter().copied().filter(|it| is_public(it.ip())).collect();
            if public.is_empty() {
                return Err(NoPublicAddress(found.first().map(SocketAddr::ip)).into());
            }
            Ok(Box::new(public.into_iter()) as Addrs)
        })
    }
}

/// A name has no public address, but this one, if any.
#[derive(Debug, thiserror::Error)]
#[error("the host has no public address{}", .0.map(|address| format!(", but {address}")).unwrap_or_default())]
struct NoPublicAddress(Option<IpAddr>);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_public_addresses_are_public() {
        for public in [
            "1.1.1.1",
            "104.16.132.229",
            "172.64.0.1",
            "172.15.255.255",
            "172.32.0.0",
            "100.63.255.255",
            "100.128.0.0",
            "192.167.255.255",
            "198.20.0.0",
            "223.255.255.255",
            "2606:4700::6810:84e5",
            "2400:cb00::1",
            "2001:200::1",
        ] {
            assert!(is_public(public.parse().unwrap()), "{public}");
        }
        for private in [
            "0.0.0.0",
            "10.0.0.1",
            "100.64.0.1",
            "127.0.0.1",
            "127.255.255.255",
            // Metadata of instances and containers, and Lambda's own network.
            "169.254.169.254",
            "169.254.170.2",
            "169.254.100.1",
            "172.16.0.1",
            "172.31.255.255",
            "192.0.0.8",
            "192.168.1.1",
            "198.19.255.255",
            "203.0.113.7",
            "224.0.0.1",
            "240.0.0.1",
            "255.255.255.255",
            "::",
            "::1",
            "::ffff:1.1.1.1",
            "::ffff:169.254.169.254",
            "::127.0.0.1",
            "64:ff9b::a00:1",
            "64:ff9b:1::1",
            "100::1",
            "2001::1",
            "2001:db8::1",
            "2002:7f00:1::",
            "3fff::1",
            "5f00::1",
            "fc00::1",
            "fd00:ec2::254",
            "fe80::1",
            "fec0::1",
            "ff02::1",
        ] {
            assert!(!is_public(private.parse().unwrap()), "{private}");
        }
    }

    #[tokio::test]
    async fn a_name_resolves_to_its_public_addresses_only() {
        for (found, expected) in [
            (&["10.0.0.1", "1.1.1.1", "::1", "2606:4700::1"][..], Ok("1.1.1.1:0 [2606:4700::1]:0".to_owned())),
            (&["10.0.0.1", "1.1.1.1"], Ok("1.1.1.1:0".to_owned())),
            (&["169.254.169.254"], Err("the host has no public address, but 169.254.169.254".to_owned())),
            (&[], Err("the host has no public address".to_owned())),
        ] {
            let found: Vec<SocketAddr> = found.iter().map(|it| (it.parse::<IpAddr>().unwrap(), 0).into()).collect();
            let addresses = PublicAddresses::new(Arc::new(move |_| {
                let found = found.clone();
                Box::pin(async { Ok(found) })
            }));
            let resolved = addresses.resolve("www.website.com".parse().unwrap()).await;
            let resolved = resolved.map(|it| it.map(|it| it.to_string()).collect::<Vec<_>>().join(" "));
            assert_eq!(resolved.map_err(|error| error.to_string()), expected);
        }
    }
}
