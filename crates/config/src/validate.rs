//! The one validation of specs, whether they were in a file, in rows, or made by this program.

pub(crate) mod cross_team;
pub(crate) mod grant;
pub(crate) mod mapping;
pub(crate) mod purge;
pub(crate) mod sample_rate;
pub(crate) mod shared_parts;
pub(crate) mod team_quota;
pub(crate) mod test;
pub(crate) mod url_rules;
pub(crate) mod words;
pub(crate) mod zone;
