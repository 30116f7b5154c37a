//! Random numbers of a seed, in one stream for each purpose: what one team draws never moves what another one draws.

use std::hash::{DefaultHasher, Hash, Hasher};
use std::time::Duration;

use fastrand::Rng;

/// The seed of a run.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Seed(pub u64);

impl Seed {
    /// The stream for this purpose and number.
    pub(crate) fn stream(self, purpose: &'static str, number: usize) -> Rng {
        let mut hasher = DefaultHasher::new();
        (self.0, purpose, number).hash(&mut hasher);
        Rng::with_seed(hasher.finish())
    }
}

/// Whether something happens that happens this often.
pub(crate) fn chance(rng: &mut Rng, probability: f64) -> bool {
    rng.f64() < probability
}

/// A random number of milliseconds, both ends included.
pub(crate) fn millis(rng: &mut Rng, range: std::ops::RangeInclusive<u64>) -> Duration {
    Duration::from_millis(rng.u64(range))
}

/// A random number of seconds, both ends included.
pub(crate) fn seconds(rng: &mut Rng, range: std::ops::RangeInclusive<u64>) -> Duration {
    Duration::from_millis(rng.u64(range.start() * 1000..=range.end() * 1000))
}
