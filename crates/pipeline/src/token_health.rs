//! Whether a zone's token may be used: one circuit breaker per (token parameter, zone), and a limit of probes per team.
//!
//! Without it, what a bad token costs would grow with its team's traffic: reads of SSM, and refusals, after too many of
//! which Cloudflare blocks an address for all teams. Decisions 14 and 16 have the reasons for the numbers.

mod credentials;
mod probe_limiter;
mod token_circuits;
mod unusable;
mod zone_token;

pub(crate) use self::credentials::TokenTry;
pub(crate) use self::token_circuits::TokenCircuits;
pub(crate) use self::unusable::TokenUnusable;
pub(crate) use self::zone_token::{Admission, ZoneToken};
