//! How a seed is run.

use crate::random::Seed;

/// How a seed is run.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Options {
    /// Whether the sick and noisy teams upload anything.
    pub sick_teams: bool,
    /// Whether instances are killed, messages delivered twice, and some not taken by SQS. Without it, runs with and
    /// without the sick teams differ by nothing else.
    pub chaos: bool,
    /// Whether a few requests fail, or take much longer, although their zone has no trouble.
    pub mishaps: bool,
    /// Another number makes other latencies, another order of messages, and other times of polling.
    pub noise: u64,
    /// Whether the report has the whole trace, with the calls of the function.
    pub keep_trace: bool,
    /// What is broken on purpose, to show that a check finds it.
    pub sabotage: Option<Sabotage>,
}

impl Default for Options {
    fn default() -> Self {
        Self { sick_teams: true, chaos: true, mishaps: true, noise: 0, keep_trace: false, sabotage: None }
    }
}

impl Options {
    /// The seed of what is random in the queues and the network.
    pub(crate) fn noise_seed(&self, seed: Seed) -> Seed {
        Seed(seed.0 ^ (self.noise << 32))
    }
}

/// Something that is broken on purpose.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Sabotage {
    /// The function reports every message as done.
    FailuresAreHidden,
    /// Cloudflare accepts purges of one zone, but its edge keeps the URLs.
    EdgeKeepsUrls,
    /// Cloudflare enforces no limit, and each instance uses many times its share.
    LimitsAreNotKept,
    /// Each instance uses the whole limit.
    SharesAreNotKept,
    /// The function waits for something after its deadline.
    AnswersAreLate,
    /// The store gives a team the token of another one.
    TokensAreMixedUp,
    /// The client sends each refused request again and again.
    RefusalsAreRepeated,
    /// The queue drops some messages after their first receive.
    MessagesAreDropped,
    /// Messages of the retry queue are dead letters after five receives.
    RetriesAreFew,
    /// Each instance remembers its own purges, and does not know of those of others.
    MemoryIsNotShared,
    /// The caches of an instance seem to keep what every event put there.
    CachesGrow,
    /// Requests of healthy zones take longer while a sick team has messages.
    TeamsShareTheirFate,
}
