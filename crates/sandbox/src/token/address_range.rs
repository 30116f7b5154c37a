//! Ranges of IP addresses, such as `192.0.2.0/24`.

use std::net::IpAddr;

/// Whether an address is in a range, or is the single address that the range names.
pub(crate) fn contains(range: &str, address: IpAddr) -> bool {
    let Some((network, length)) = parse(range) else { return false };
    let (network, address, bits) = match (network, address.to_canonical()) {
        (IpAddr::V4(network), IpAddr::V4(address)) => (network.to_bits().into(), address.to_bits().into(), 32),
        (IpAddr::V6(network), IpAddr::V6(address)) => (network.to_bits(), address.to_bits(), 128_u32),
        _ => return false,
    };
    let differing: u128 = network ^ address;
    differing.checked_shr(bits.saturating_sub(length)).unwrap_or(0) == 0
}

/// The network, and the number of its leading bits that count.
pub(crate) fn parse(text: &str) -> Option<(IpAddr, u32)> {
    let (network, length) = text.split_once('/').map_or((text, None), |(network, length)| (network, Some(length)));
    let network: IpAddr = network.parse().ok()?;
    let bits = if network.is_ipv4() { 32 } else { 128 };
    let length = length.map_or(Ok(bits), str::parse).ok().filter(|length| *length <= bits)?;
    Some((network, length))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ranges_contain_their_addresses() {
        for (range, address, contained) in [
            ("192.0.2.0/24", "192.0.2.77", true),
            ("192.0.2.0/24", "192.0.3.1", false),
            ("192.0.2.7", "192.0.2.7", true),
            ("192.0.2.7", "192.0.2.8", false),
            ("0.0.0.0/0", "8.8.8.8", true),
            ("192.0.2.0/24", "::ffff:192.0.2.9", true),
            ("2001:db8::/32", "2001:db8:1::1", true),
            ("2001:db8::/32", "2001:db9::1", false),
            ("::/0", "::1", true),
            ("192.0.2.0/33", "192.0.2.0", false),
            ("nonsense", "192.0.2.0", false),
        ] {
            assert_eq!(contains(range, address.parse().unwrap()), contained, "{range} {address}");
        }
    }
}
