//! How much an executor remembers, for tests that bound it.

/// How many entries an executor's caches have. Of what each team has for itself, the number of the team that has most.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash)]
pub struct CacheSizes {
    /// Teams with rate limits.
    pub teams_with_limits: usize,
    /// Teams with tokens.
    pub teams_with_tokens: usize,
    /// Teams with circuits of zones.
    pub teams_with_zones: usize,
    /// Teams with hostnames.
    pub teams_with_hostnames: usize,
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
    pub fn named(&self) -> [(&'static str, usize); 12] {
        [
            ("teams with limits", self.teams_with_limits),
            ("teams with tokens", self.teams_with_tokens),
            ("teams with circuits of zones", self.teams_with_zones),
            ("teams with hostnames", self.teams_with_hostnames),
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
