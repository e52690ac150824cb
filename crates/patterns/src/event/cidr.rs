//! The `cidr` operator: an address block, IPv4 or IPv6

use std::net::{IpAddr, Ipv4Addr};

use ipnet::IpNet;

/// Reads `address/bits`. The error is AWS's reason.
pub(super) fn parse(text: &str) -> Result<IpNet, String> {
    let mut parts = text.split('/');
    let (Some(address), Some(bits), None) = (parts.next(), parts.next(), parts.next()) else {
        return Err("Malformed CIDR, one '/' required".to_owned());
    };
    let bits: i32 = bits.parse().map_err(|_| "Malformed CIDR, mask bits must be an integer".to_owned())?;
    if bits < 0 {
        return Err("Malformed CIDR, mask bits must not be negative".to_owned());
    }
    let address: IpAddr = address.parse().map_err(|_| format!("Nonstandard IP address: {address}"))?;
    let (family, bits_max) = if address.is_ipv4() { ("IPv4", 32) } else { ("IPv6", 128) };
    u8::try_from(bits)
        .ok()
        .and_then(|bits| IpNet::new(address, bits).ok())
        .ok_or_else(|| format!("{family} mask bits must be <= {bits_max}"))
}

/// Whether `text` is an address of the block's own family inside it.
pub(super) fn contains(block: &IpNet, text: &str) -> bool {
    text.parse::<IpAddr>().is_ok_and(|address| block.contains(&address))
}

/// The IPv4 address that AWS's matcher takes a *number* for, if for any. It writes numbers between ±5·10⁹ as 14
/// hexadecimal digits of millionths from the least one up, and addresses as 8 digits, and looks for a block's
/// digits at the beginning: so `0.0.0.0/0` holds for every number. Its verdicts say so, and rules may lean on it.
pub(super) fn number_as_address(number: f64) -> Option<Ipv4Addr> {
    const LIMIT: f64 = 5e9;
    const MILLIONTHS: f64 = 1e6;
    const DIGITS_BEHIND: u32 = 6 * 4;
    if !(-LIMIT..=LIMIT).contains(&number) {
        return None;
    }
    let millionths = ((number + LIMIT) * MILLIONTHS) as u64;
    u32::try_from(millionths >> DIGITS_BEHIND).ok().map(Ipv4Addr::from)
}

/// Whether a number is taken for an address of the block.
pub(super) fn contains_number(block: &IpNet, number: f64) -> bool {
    number_as_address(number).is_some_and(|address| block.contains(&IpAddr::V4(address)))
}

/// A block as a key: its family, the bits that all its addresses share, and how many they are.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) struct Block {
    is_v4: bool,
    bits: u8,
    shared: u128,
}

impl Block {
    pub(super) fn of(block: &IpNet) -> Self {
        let (number, width) = number_of(block.addr());
        let bits = block.prefix_len();
        Self { is_v4: block.addr().is_ipv4(), bits, shared: leading(number, width, bits) }
    }

    /// The block of that size, as [`Block::size`] tells it, around an address; `None`: of another family.
    pub(super) fn around(address: IpAddr, (is_v4, bits): (bool, u8)) -> Option<Self> {
        let (number, width) = number_of(address);
        (address.is_ipv4() == is_v4).then(|| Self { is_v4, bits, shared: leading(number, width, bits) })
    }

    /// Family and bits.
    pub(super) fn size(&self) -> (bool, u8) {
        (self.is_v4, self.bits)
    }
}

/// An address as a number, and its width in bits.
fn number_of(address: IpAddr) -> (u128, u32) {
    match address {
        IpAddr::V4(address) => (address.to_bits().into(), u32::BITS),
        IpAddr::V6(address) => (address.to_bits(), u128::BITS),
    }
}

fn leading(number: u128, width: u32, bits: u8) -> u128 {
    number.checked_shr(width - u32::from(bits)).unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers() {
        for (block, number, want) in [
            ("0.0.0.0/0", 100.0, true),
            ("0.0.0.0/0", -2.5, true),
            ("0.0.0.0/0", 6e9, false),
            ("10.0.0.0/24", 100.0, false),
            ("::/0", 100.0, false),
        ] {
            assert_eq!(contains_number(&parse(block).unwrap(), number), want, "{number} in {block}");
        }
    }

    #[test]
    fn blocks_as_keys() {
        for (block, address, want) in [
            ("10.0.0.17/24", "10.0.0.1", true),
            ("10.0.0.0/24", "10.0.1.0", false),
            ("0.0.0.0/0", "1.2.3.4", true),
            ("0.0.0.0/0", "::1", false),
            ("::/0", "::1", true),
            ("2001:db8::/32", "2001:db8:1::", true),
            ("2001:db8::/33", "2001:db8:8000::", false),
            ("10.0.0.7/32", "10.0.0.7", true),
        ] {
            let (address, kept) = (address.parse().unwrap(), Block::of(&parse(block).unwrap()));
            assert_eq!(Block::around(address, kept.size()) == Some(kept), want, "{address} in {block}");
        }
    }

    #[test]
    fn membership() {
        for (block, address, want) in [
            ("10.0.0.0/24", "10.0.0.255", true),
            ("10.0.0.17/24", "10.0.0.1", true),
            ("10.0.0.0/24", "10.0.1.0", false),
            ("10.0.0.0/24", "10.0.0.256", false),
            ("10.0.0.7/32", "10.0.0.7", true),
            ("::/0", "10.0.0.1", false),
            ("2001:db8::/32", "2001:0db8:0:0::1", true),
            ("0.0.0.0/0", "not an address", false),
        ] {
            assert_eq!(contains(&parse(block).unwrap(), address), want, "{address} in {block}");
        }
    }

    #[test]
    fn refusals() {
        for (text, reason) in [
            ("bad-filter", "Malformed CIDR, one '/' required"),
            ("1.2.3.4/8/9", "Malformed CIDR, one '/' required"),
            ("bad-/64filter", "Malformed CIDR, mask bits must be an integer"),
            ("10.0.0.0/-1", "Malformed CIDR, mask bits must not be negative"),
            ("xx.11.xx/8", "Nonstandard IP address: xx.11.xx"),
            ("10.0.0.0/33", "IPv4 mask bits must be <= 32"),
            ("::/999", "IPv6 mask bits must be <= 128"),
        ] {
            assert_eq!(parse(text).unwrap_err(), reason, "{text}");
        }
    }
}
