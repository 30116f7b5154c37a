//! The scenarios that have a ledger, and the comparison with it.

use std::fmt::Write;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use purge_router_core::limits::CloudflarePlan;
use purge_router_simulation::{Deployment, Load, Options, Recording, Scenario, Seed, ledger, scenario, tour};

use super::run_scenario;

/// Where ledgers are.
pub(crate) const FOLDER: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/ledgers");

/// How many lines that differ are shown.
const SHOWN: usize = 20;

/// A scenario with its ledger.
pub(crate) struct Ledger {
    pub(crate) name: &'static str,
    scenario: fn() -> Scenario,
}

/// A run that differs from its ledger, or in which a check failed. It says how. So does a ledger that can't be written.
#[derive(Debug)]
pub(crate) struct Stale(pub(crate) String);

/// All ledgers, the fastest first.
pub(crate) const LEDGERS: [Ledger; 11] = [
    Ledger { name: "many-tags", scenario: many_tags },
    Ledger { name: "many-urls", scenario: many_urls },
    Ledger { name: "seed-4", scenario: || scenario(Seed(4)) },
    Ledger { name: "tour", scenario: || tour(Deployment::default()) },
    Ledger { name: "tour-without-tables-and-retry-queue", scenario: || tour(BARE) },
    Ledger { name: "tour-in-two-seconds", scenario: || tour(HASTY) },
    Ledger { name: "seed-7", scenario: || scenario(Seed(7)) },
    Ledger { name: "seed-11", scenario: || scenario(Seed(11)) },
    Ledger { name: "seed-15", scenario: || scenario(Seed(15)) },
    Ledger { name: "seed-16", scenario: || scenario(Seed(16)) },
    Ledger { name: "many-calls", scenario: many_calls },
];

const BARE: Deployment = Deployment { has_retry_queue: false, has_last_purges: false, ..USUAL };

const HASTY: Deployment = Deployment { timeout: Duration::from_secs(2), ..USUAL };

const USUAL: Deployment = Deployment { has_retry_queue: true, has_last_purges: true, timeout: Duration::from_secs(30) };

/// More URLs than two accounts may purge at once.
const MANY_URLS: Load = Load {
    lane_concurrency: 2,
    zones: 10,
    zones_per_team: 1,
    accounts: 2,
    accounts_are_known: true,
    plan: CloudflarePlan::Pro,
    purge: "urls",
    objects: 20,
    variants: 20,
    spread: Duration::ZERO,
    replaced_after: None,
};

fn many_urls() -> Scenario {
    MANY_URLS.scenario(Seed(1))
}

/// More requests than an account of the free plan has in minutes.
fn many_tags() -> Scenario {
    let load = Load {
        zones: 40,
        accounts: 1,
        plan: CloudflarePlan::Free,
        purge: "tags",
        objects: 1,
        variants: 1,
        ..MANY_URLS
    };
    load.scenario(Seed(1))
}

/// More calls of one user than are allowed in five minutes, and more limits of one team than an instance keeps.
fn many_calls() -> Scenario {
    let load = Load {
        zones: 700,
        zones_per_team: 700,
        accounts: 700,
        accounts_are_known: false,
        plan: CloudflarePlan::Enterprise,
        purge: "tags",
        objects: 2,
        variants: 1,
        ..MANY_URLS
    };
    load.scenario(Seed(1))
}

impl Ledger {
    /// Runs the scenario and compares, or writes the ledger.
    pub(crate) fn check(&self, update: bool) -> Result<(), Stale> {
        let path = PathBuf::from(FOLDER).join(format!("{}.txt", self.name));
        let text = self.text()?;
        if update {
            return std::fs::write(&path, text).map_err(|error| Stale(format!("{}: {error}", path.display())));
        }
        let expected = std::fs::read_to_string(&path).unwrap_or_default();
        match text == expected {
            true => Ok(()),
            false => Err(Stale(format!("{} differs:\n{}", path.display(), difference(&expected, &text)))),
        }
    }

    fn text(&self) -> Result<String, Stale> {
        let scenario = Arc::new((self.scenario)());
        let options = Options { keep_trace: true, ..Options::default() };
        let (run, recording) = Recording::of(|| run_scenario(&scenario, options));
        match run.violations.first() {
            None => Ok(ledger(&scenario, &run, &recording)),
            Some(violation) => Err(Stale(format!("{}: {violation}", self.name))),
        }
    }
}

/// The first lines that only one of the texts has.
fn difference(expected: &str, found: &str) -> String {
    let missing = |from: &str, of: &str, sign: char| {
        let lines = of.lines().filter(|line| !from.lines().any(|other| other == *line));
        lines.map(|line| format!("{sign} {line}")).collect::<Vec<_>>()
    };
    let mut lines = missing(found, expected, '-');
    lines.extend(missing(expected, found, '+'));
    let mut text = String::new();
    lines.iter().take(SHOWN).for_each(|line| _ = writeln!(text, "{line}"));
    if lines.len() > SHOWN {
        let _ = writeln!(text, "and {} more lines", lines.len() - SHOWN);
    }
    text
}
