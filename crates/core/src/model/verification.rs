//! Whether purges evicted what they should: which share of URLs is asked for at the edge a while later, and which of a change.

use crate::model::names::TeamName;

/// Which share of purged URLs is verified, in millionths; zero by default.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct SampleRate(u32);

impl SampleRate {
    /// Each URL.
    const ALL: u32 = 1_000_000;

    /// The least share that is not zero.
    pub const LEAST: f64 = 0.000_001;

    /// Reads a share from 0 to 1; `None` for any other number, and for one between 0 and a millionth.
    pub fn parse(share: f64) -> Option<Self> {
        let is_valid = share == 0.0 || (Self::LEAST..=1.0).contains(&share);
        is_valid.then_some(Self((share * f64::from(Self::ALL)).round() as u32))
    }

    /// Whether no URL is verified.
    pub fn is_zero(self) -> bool {
        self.0 == 0
    }

    /// Whether a URL with this number is in the sample. Numbers are spread evenly.
    pub fn includes(self, number: u64) -> bool {
        u128::from(number) * u128::from(Self::ALL) < u128::from(self.0) << u64::BITS
    }
}

/// What a change that comes back to be verified is about.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Verification {
    /// The team whose mappings asked for it.
    pub team: TeamName,
    /// The URLs to fetch: those that mappings of the team still purge for the change.
    pub urls: Vec<String>,
    /// When the purge was sent, at the earliest: in milliseconds since 1970.
    pub purged_at: u64,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_rate_is_a_share_in_millionths() {
        for (share, millionths) in
            [(0.0, 0), (-0.0, 0), (0.000_001, 1), (0.01, 10_000), (0.5, 500_000), (1.0, 1_000_000)]
        {
            assert_eq!(SampleRate::parse(share), Some(SampleRate(millionths)), "{share}");
        }
        for share in [-0.01, 1.000_001, 0.000_000_1, f64::NAN, f64::INFINITY] {
            assert_eq!(SampleRate::parse(share), None, "{share}");
        }
    }

    #[test]
    fn a_rate_includes_its_share_of_all_numbers() {
        let all = SampleRate::parse(1.0).unwrap();
        let half = SampleRate::parse(0.5).unwrap();
        for (rate, number, included) in [
            (SampleRate::default(), 0, false),
            (all, 0, true),
            (all, u64::MAX, true),
            (half, u64::MAX / 2, true),
            (half, u64::MAX / 2 + 1, false),
            (SampleRate(1), u64::MAX / SampleRate::ALL as u64 - 1, true),
            (SampleRate(1), u64::MAX / SampleRate::ALL as u64 + 1, false),
        ] {
            assert_eq!(rate.includes(number), included, "{rate:?} {number}");
        }
    }
}
