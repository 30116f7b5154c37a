//! What is measured: which teams there are, what is wrong with their zones, and how many lanes the function has.

use std::fmt::Write;
use std::time::Duration;

use purge_router_sandbox::{Fault, FaultKind, Sandbox, TokenStatus};

/// What is wrong with a team.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Sickness {
    Hangs,
    Answers500,
    RateLimited,
    RevokedToken,
    Noisy,
}

/// Every sickness.
const ALL: [Sickness; 5] =
    [Sickness::Hangs, Sickness::Answers500, Sickness::RateLimited, Sickness::RevokedToken, Sickness::Noisy];

/// How much more than all other teams together a noisy team sends.
const NOISE: u32 = 100;

/// How often a sick team changes an object.
const SICK_INTERVAL: Duration = Duration::from_secs(2);

/// The healthy teams, and how often each changes an object.
const HEALTHY: [(&str, Duration); 3] =
    [("news", Duration::from_millis(250)), ("shop", Duration::from_secs(2)), ("docs", Duration::from_secs(2))];

/// A team, with a bucket of its name and one zone.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Team {
    pub(crate) name: &'static str,
    /// The mean time between two of its changes.
    pub(crate) interval: Duration,
    pub(crate) sickness: Option<Sickness>,
}

/// One row of the table.
#[derive(Debug, Clone)]
pub(crate) struct Scenario {
    pub(crate) name: &'static str,
    /// Whether the function has a retry queue.
    pub(crate) retries_apart: bool,
    pub(crate) sick: Vec<Sickness>,
}

impl Scenario {
    /// All scenarios. The first of each kind of queues has no sick team.
    pub(crate) fn all() -> Vec<Self> {
        let both_lanes = |name, sick: &[Sickness]| Self { name, retries_apart: true, sick: sick.to_vec() };
        let one_lane = |name, sick: &[Sickness]| Self { name, retries_apart: false, sick: sick.to_vec() };
        vec![
            both_lanes("nobody is sick", &[]),
            both_lanes("a zone hangs", &[Sickness::Hangs]),
            both_lanes("a zone answers 500", &[Sickness::Answers500]),
            both_lanes("a zone is rate limited", &[Sickness::RateLimited]),
            both_lanes("a token is revoked", &[Sickness::RevokedToken]),
            both_lanes("a team sends 100 × the others' load", &[Sickness::Noisy]),
            both_lanes("all of these", &ALL),
            one_lane("no retry queue: nobody is sick", &[]),
            one_lane("no retry queue: a zone hangs", &[Sickness::Hangs]),
        ]
    }

    pub(crate) fn is_baseline(&self) -> bool {
        self.sick.is_empty()
    }

    /// The healthy teams, and the sick ones. A noisy team is the last.
    pub(crate) fn teams(&self) -> Vec<Team> {
        let mut teams = HEALTHY.map(|(name, interval)| Team { name, interval, sickness: None }).to_vec();
        for sickness in &self.sick {
            let others: f64 = teams.iter().map(|team| team.interval.as_secs_f64().recip()).sum();
            let interval = match sickness {
                Sickness::Noisy => Duration::from_secs_f64((others * f64::from(NOISE)).recip()),
                _ => SICK_INTERVAL,
            };
            teams.push(Team { name: sickness.team(), interval, sickness: Some(*sickness) });
        }
        teams
    }
}

impl Sickness {
    fn team(self) -> &'static str {
        match self {
            Self::Hangs => "hanging",
            Self::Answers500 => "failing",
            Self::RateLimited => "limited",
            Self::RevokedToken => "revoked",
            Self::Noisy => "noisy",
        }
    }
}

impl Team {
    /// The id of its zone. It depends on the name alone.
    pub(crate) fn zone_id(&self) -> String {
        let mut id: String = self.name.bytes().fold(String::new(), |mut id, byte| {
            let _ = write!(id, "{byte:02x}");
            id
        });
        id.push_str(&"0".repeat(32 - id.len()));
        id
    }

    /// The URL at which its zone serves this object.
    pub(crate) fn url(&self, key: &str) -> String {
        format!("https://www.{}.example/{key}", self.name)
    }

    /// Makes its zone as sick as it is.
    pub(crate) fn infect(&self, sandbox: &Sandbox, token: &str) {
        let status = |status, code, message: &str, retry_after| FaultKind::Status {
            status,
            code,
            message: message.to_owned(),
            retry_after,
        };
        let kind = match self.sickness {
            None | Some(Sickness::Noisy) => return,
            Some(Sickness::Hangs) => FaultKind::Hang,
            Some(Sickness::Answers500) => status(500, 10001, "internal server error", None),
            Some(Sickness::RateLimited) => status(429, 1134, "Unable to purge, rate limit reached", Some(120)),
            Some(Sickness::RevokedToken) => {
                sandbox.set_token_status(token, TokenStatus::Disabled);
                return;
            }
        };
        sandbox.add_fault(Fault { zone_id: Some(self.zone_id()), ..Fault::new(kind) });
    }
}

/// The mapping file of these teams.
pub(crate) fn mapping_file(teams: &[Team]) -> String {
    let team = |team: &Team| {
        let (name, zone_id) = (team.name, team.zone_id());
        format!(
            r#"
[teams.{name}]
owns = ["s3://{name}/"]

[teams.{name}.zones."{name}.example"]
zone_id   = "{zone_id}"
hostnames = ["www.{name}.example"]

[[teams.{name}.mappings]]
source = "s3://{name}/"
zones  = ["{name}.example"]
"#
        )
    };
    let teams: String = teams.iter().map(team).collect();
    format!("version = 1\n{teams}")
}
