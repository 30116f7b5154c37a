//! For any hits in any order: the budget holds, its sums are right, and no team gets less than a share.

use std::collections::BTreeMap;
use std::sync::Arc;

use proptest::prelude::*;

use super::*;
use crate::model::change::{Change, ChangeKind, Origin};
use crate::model::glob::Patterns;
use crate::model::limits::CloudflarePlan;
use crate::model::mapping::{Escalation, Listings, Mode, Purge, UrlRules};
use crate::model::names::{BucketName, CloudflareId, Hostname, Source, TokenFolder};
use crate::model::path_template::PathTemplate;
use crate::model::verification::SampleRate;
use crate::model::zone::Zone;
use crate::plan::dependents::DependentPaths;
use crate::plan::planned_mapping::PlannedMappings;
use crate::route::Route;

const TEAMS: usize = 3;
const LIMIT: usize = 20_000;

/// A mapping of a team with so many hostnames, which may escalate or purge hosts.
fn mapping(team: usize, hostnames: usize, purge: Purge) -> Mapping {
    let team = TeamName::parse(&format!("t{team}")).unwrap();
    let domain = Hostname::parse("w.com").unwrap();
    let zone = Zone {
        team: team.clone(),
        zone_id: CloudflareId::parse("023e105f4ecef8ad9ca31a8372d0c353").unwrap(),
        account_id: None,
        account_is_granted: false,
        plan: CloudflarePlan::Free,
        hostnames: (0..hostnames).map(|index| Hostname::parse(&format!("h{index}.w.com")).unwrap()).collect(),
        token: TokenFolder::default_of(&team).parameter("w.com").unwrap(),
        urls_per_request: None,
        environments: Vec::new(),
        cache_reserve: false,
        workers_caching: false,
        verify: SampleRate::default(),
        domain,
    };
    let also = ["/", "/{dir}/feed"].map(|path| PathTemplate::parse(path).unwrap());
    let also = also.into_iter().take(hostnames % 3).collect();
    let listings = if hostnames.is_multiple_of(2) { Listings::Ancestors } else { Listings::None };
    let urls = UrlRules { clean_urls: true, also, listings, ..UrlRules::default() };
    Mapping {
        name: String::new(),
        team,
        source: Source::parse("s3://b/a/").unwrap(),
        zones: vec![Arc::new(zone)],
        include: Patterns::default(),
        exclude: Patterns::default(),
        events: vec![ChangeKind::Created],
        urls: Arc::new(urls),
        hostnames: Default::default(),
        purge,
        mode: Mode::Purge,
        again_after: 0,
        verify: None,
        skip_unchanged: false,
    }
}

fn purge() -> impl Strategy<Value = Purge> {
    prop_oneof![
        (0..12usize).prop_map(|above| Purge::Urls(Escalation { above, ..Escalation::default() })),
        Just(Purge::Prefixes),
        Just(Purge::Hosts),
        Just(Purge::Everything),
    ]
}

fn changes() -> Vec<Change> {
    let keys = ["a/x", "a/index.html", "a/b+c/(1).html", "a/b/index.html", "a/../x", "a/y", "a/z", "a/b/z|"];
    let change = |key: &str| Change {
        bucket: BucketName::parse("b").unwrap(),
        key: key.to_owned(),
        kind: ChangeKind::Created,
        time: None,
        etag: None,
        version: Default::default(),
        second_purge_of: None,
        verification: None,
        origin: Origin::Invocation,
    };
    keys.map(change).to_vec()
}

/// What each team is charged for the hits that it has, added up again.
fn charges(budget: &EventBudget<'_>) -> BTreeMap<TeamName, usize> {
    let mut charges = BTreeMap::new();
    for (name, team) in &budget.teams {
        let mut seen: BTreeMap<usize, DependentPaths> = BTreeMap::new();
        let mut bytes = 0;
        for (at, hit) in team.hits.iter().enumerate() {
            let is_first = !seen.contains_key(&hit.mapping.index);
            let dependents = seen.entry(hit.mapping.index).or_default();
            if at > 0 || budget.overdrawn != Some(*name) {
                bytes += hit.cost.kept + dependents.charge_of(&hit.dependents, hit.mapping.dependent_urls);
                bytes += if budget.counts.is_escalated(&hit.mapping) { 0 } else { hit.cost.replaced };
                bytes += if is_first { hit.cost.shared } else { 0 };
            }
            dependents.add(&mut hit.dependents.clone());
        }
        charges.insert(TeamName::clone(name), bytes);
    }
    charges
}

proptest! {
    #[test]
    fn the_budget_holds_and_its_sums_are_right(
        mappings in prop::collection::vec((0..TEAMS, 1..12usize, purge()), 1..6),
        asked in prop::collection::vec((any::<prop::sample::Index>(), 0..8usize), 0..120),
    ) {
        let mappings: Vec<Mapping> =
            mappings.into_iter().map(|(team, hostnames, purge)| mapping(team, hostnames, purge)).collect();
        let changes = changes();
        let mut budget = EventBudget::new(LIMIT);
        let (mut admitted, mut shed) = (0, 0);
        let mut planned = PlannedMappings::default();
        for (index, change) in &asked {
            let index = index.index(mappings.len());
            let route = Route { index, mapping: &mappings[index], answer: Ok(()) };
            let hit = Hit::new(*change, &changes[*change], planned.of(&route), 10);
            let team = &mappings[index].team;
            let bytes = budget.counts.charge_of(&hit);
            let had = budget.teams.get(team).map_or(0, |team| team.bytes);
            if budget.admit(hit) {
                admitted += 1;
            } else {
                prop_assert!((had + bytes) * TEAMS > LIMIT, "refused within its share: {} + {}", had, bytes);
            }
            shed += budget.take_shed().len();
            let charged = charges(&budget);
            prop_assert_eq!(charged.values().sum::<usize>(), budget.bytes);
            prop_assert!(budget.teams.iter().all(|(name, team)| charged[*name] == team.bytes));
            prop_assert!(budget.bytes <= LIMIT);
        }
        prop_assert_eq!(budget.hits().count(), admitted - shed);
    }
}
