//! Runs tests: plans the change of each, and compares what is purged with what must be.

use std::collections::BTreeMap;
use std::sync::Arc;

use indexmap::IndexSet;

use purge_router_core::names::TeamName;
use purge_router_core::{Code, Event, Invalid, Mapping, Mappings, Zone, paths_after_rule, plan, route};

use crate::mapping_test::named_item::NamedItem;
use crate::mapping_test::{Expected, MappingTest};
use crate::problem::Problem;

/// How many names a message shows.
const SHOWN: usize = 5;

/// What a test found.
#[derive(Debug, Clone, PartialEq)]
pub struct TestResult<'t> {
    /// The test.
    pub test: &'t MappingTest,
    /// What is not as it must be; none if the test passed.
    pub failures: Vec<Problem>,
    /// What the change purges, as tests name it, each once.
    pub purged: Vec<String>,
    /// Why some of it can't be purged.
    pub unpurgeable: Vec<String>,
}

impl TestResult<'_> {
    /// Whether all is as the test expects.
    pub fn is_passed(&self) -> bool {
        self.failures.is_empty()
    }
}

/// Runs each test against its own team's mappings.
pub fn run_tests<'t>(mappings: &Mappings, tests: &'t [MappingTest]) -> Vec<TestResult<'t>> {
    let mut by_team: BTreeMap<&TeamName, Mappings> = BTreeMap::new();
    let run = |test: &'t MappingTest| {
        let of_team = || mappings.only(|mapping| mapping.team == test.team);
        run_test(by_team.entry(&test.team).or_insert_with(of_team), test)
    };
    tests.iter().map(run).collect()
}

/// What is planned for a test's change.
struct Purged<'m> {
    /// The mappings that accept it.
    hits: Vec<&'m Mapping>,
    items: Vec<(NamedItem, &'m Zone)>,
}

fn run_test<'t>(mappings: &Mappings, test: &'t MappingTest) -> TestResult<'t> {
    let plan = plan(mappings, Event { changes: vec![test.change.clone()], ..Event::default() });
    let hits = route(mappings, &test.change).filter(|route| route.is_hit()).map(|route| route.mapping).collect();
    // An environment is purged besides production, with the same items.
    let batches = plan.batches.iter().filter(|batch| batch.environment.is_none());
    let named = batches.flat_map(|batch| {
        batch.items().iter().filter_map(|item| Some((NamedItem::of(&item.item, &batch.zone)?, &*batch.zone)))
    });
    let purged = Purged { hits, items: named.collect() };
    let failures = match &test.expected {
        Expected::Unmatched => unmatched(test, &purged).into_iter().collect(),
        Expected::Items { purges, not_purges } => {
            let missing = purges.iter().enumerate().filter_map(|(index, item)| missing(test, index, item, &purged));
            let wrong = not_purges.iter().enumerate().filter_map(|(index, item)| wrong(test, index, item, &purged));
            missing.chain(wrong).collect()
        }
    };
    let names: IndexSet<String> = purged.items.iter().map(|(item, _)| item.to_string()).collect();
    let unpurgeable = plan.rejected.into_iter().map(|rejected| rejected.reason).collect();
    TestResult { test, failures, purged: names.into_iter().collect(), unpurgeable }
}

impl Purged<'_> {
    /// What takes this item.
    fn taking(&self, item: &NamedItem) -> Option<&NamedItem> {
        let after_rule = self.hits.iter().flat_map(|hit| item.at_path(|path| paths_after_rule(&hit.urls, path)));
        let after_rule: Vec<NamedItem> = after_rule.collect();
        let is_taken = |planned: &NamedItem, zone: &Zone| {
            // Only a purge by prefix names the path after a Transform Rule.
            let by_prefix = || {
                matches!(planned, NamedItem::Prefix { .. })
                    && after_rule.iter().any(|item| item.is_taken_by(planned, zone))
            };
            item.is_taken_by(planned, zone) || by_prefix()
        };
        self.items.iter().find(|(planned, zone)| is_taken(planned, zone)).map(|(planned, _)| planned)
    }
}

fn unmatched(test: &MappingTest, purged: &Purged<'_>) -> Option<Problem> {
    let names: Vec<&str> = purged.hits.iter().map(|mapping| mapping.name.as_str()).collect();
    let message = format!("{} is accepted by {}", test.change.object(), first(&names));
    (!names.is_empty()).then(|| failed(test, "unmatched", None, message))
}

fn missing(test: &MappingTest, index: usize, item: &NamedItem, purged: &Purged<'_>) -> Option<Problem> {
    let instead = || match (&purged.items[..], &purged.hits[..]) {
        ([], []) => "no mapping accepts the change".to_owned(),
        ([], _) => "nothing is".to_owned(),
        (items, _) => {
            let names: Vec<String> = items.iter().map(|(item, _)| format!("`{item}`")).collect();
            format!("instead: {}", first(&names))
        }
    };
    let unlisted = || match item.unlisted_host(purged.hits.iter().flat_map(|hit| &hit.zones).map(Arc::as_ref)) {
        Some(host) if !purged.hits.is_empty() => format!("; `{host}` is not among the `hostnames` of its zones"),
        _ => String::new(),
    };
    let message = || format!("`{item}` is not purged{}; {}", unlisted(), instead());
    purged.taking(item).is_none().then(|| failed(test, "purges", Some(index), message()))
}

fn wrong(test: &MappingTest, index: usize, item: &NamedItem, purged: &Purged<'_>) -> Option<Problem> {
    let taking = purged.taking(item)?;
    let message = match taking == item {
        true => format!("`{item}` is purged"),
        false => format!("`{item}` is purged, with `{taking}`"),
    };
    Some(failed(test, "not_purges", Some(index), message))
}

fn failed(test: &MappingTest, field: &str, index: Option<usize>, message: String) -> Problem {
    let field = test.place.key(field);
    let place = index.map_or_else(|| field.clone(), |index| field.index(index));
    let help = format!(
        "correct the mappings or the test; `purge-router explain '{}' --event {}{SHOWS_WHY}",
        test.change.object().replace('\'', r"'\''"),
        test.change.kind
    );
    Problem::new(place, Invalid::new(Code::TestFailed, message, help))
}

/// The end of the help of a failed test, behind its command.
const SHOWS_WHY: &str = "` shows why";

/// Adds the option that names the mappings, such as ` --mappings web.toml`, to the command in the help of a failed test.
pub fn name_mappings(problem: &mut Problem, option: &str) {
    if problem.code == Code::TestFailed {
        problem.help = problem.help.replace(SHOWS_WHY, &format!("{option}{SHOWS_WHY}"));
    }
}

/// The first names, and how many more there are.
fn first<T: AsRef<str>>(names: &[T]) -> String {
    let shown: Vec<&str> = names.iter().take(SHOWN).map(AsRef::as_ref).collect();
    match names.len() - shown.len() {
        0 => shown.join(", "),
        more => format!("{} and {more} more", shown.join(", ")),
    }
}
