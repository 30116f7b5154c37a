//! How much an executor remembers, for tests that bound it.

/// How many entries an executor's caches have. Of what each team has for itself, the number of the team that has most.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash)]
pub struct CacheSizes {
    /// Teams of which anything is known.
    pub teams: usize,
    /// Teams at one rate limit.
    pub teams_at_bucket: usize,
    /// Rate limits of granted accounts.
    pub granted_buckets: usize,
    /// Rate limits of a team's own accounts and zones.
    pub buckets: usize,
    /// Users and tokens of accounts whose calls are counted.
    pub callers: usize,
    /// Circuits of tokens.
    pub token_circuits: usize,
    /// Tokens that were refused in the last minute.
    pub refused_tokens: usize,
    /// Circuits of zones.
    pub zone_circuits: usize,
    /// Hostnames with a refusal.
    pub hostnames: usize,
}

impl CacheSizes {
    /// Each number with its name, in the order of the fields.
    pub fn named(&self) -> [(&'static str, usize); 9] {
        [
            ("teams", self.teams),
            ("teams at a bucket", self.teams_at_bucket),
            ("buckets of granted accounts", self.granted_buckets),
            ("buckets of a team", self.buckets),
            ("callers of a team", self.callers),
            ("token circuits of a team", self.token_circuits),
            ("refused tokens of a team", self.refused_tokens),
            ("zone circuits of a team", self.zone_circuits),
            ("hostnames of a team", self.hostnames),
        ]
    }
}
