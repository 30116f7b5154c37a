use std::collections::{BTreeMap, BTreeSet};
use std::sync::LazyLock;

use proptest::prelude::*;
use purge_router_core::{Item, Origin, Plan};

use super::*;
use crate::refused_hostnames::RefusedHostnames;
use crate::test_support::{paused_clock, plan_of, plan_with};

/// How many items of a hostname are sent alone before it counts as refused.
const PROBES: usize = 3;

/// How the halving of a batch ended.
#[derive(Debug, Default)]
struct Ended {
    requests: usize,
    accepted: usize,
    purged: BTreeSet<String>,
    refused: BTreeSet<String>,
    untried: usize,
    of_request: usize,
    errors: Vec<String>,
}

/// Halves the plan's batch. `judge` answers in Cloudflare's place: `None` accepts.
fn halve(plan: &Plan, memory: &RefusedHostnames, judge: impl Fn(&[String]) -> Option<RefusedPart>) -> Ended {
    let batch = &plan.batches[0];
    let hostnames = memory.of(&batch.zone);
    let mut halving = Halving::new(batch, &hostnames);
    let mut ended = Ended::default();
    while let Some(step) = halving.next_step() {
        match step {
            NextStep::Send(piece) => {
                assert!(halving.failed.is_empty(), "a failure of the request would lose them");
                ended.requests += 1;
                let urls: Vec<String> = piece.items().iter().map(|item| item.item.to_string()).collect();
                match judge(&urls) {
                    None => {
                        halving.accepted(&piece);
                        ended.accepted += 1;
                        assert!(urls.into_iter().all(|url| ended.purged.insert(url)), "each once");
                    }
                    Some(part) => halving.refused(
                        piece,
                        part,
                        LastRefusal { error: format!("no {part:?}"), ray: None, is_permanent: true },
                    ),
                }
            }
            NextStep::Fail(FailedItems { items, reason, error, .. }) => {
                match reason {
                    Reason::Refused => ended.refused.extend(items.iter().map(|item| item.item.to_string())),
                    Reason::Untried => ended.untried += items.len(),
                    Reason::Request(_) => ended.of_request += items.len(),
                }
                ended.errors.push(error);
            }
        }
    }
    let settled = ended.purged.len() + ended.refused.len() + ended.untried + ended.of_request;
    assert_eq!(settled, batch.items().len(), "no item is lost: {ended:?}");
    assert!(ended.purged.is_disjoint(&ended.refused));
    ended
}

/// Plans by their number of items; planning takes longer than halving.
static PLANS: LazyLock<BTreeMap<usize, Plan>> =
    LazyLock::new(|| [1, 2, 3, 7, 8, 50, 99, 100, 101, 499, 500].map(|items| (items, plan_of(items))).into());

fn memory() -> RefusedHostnames {
    RefusedHostnames::new(paused_clock())
}

fn url(index: usize) -> String {
    format!("https://www.red.com/{index}")
}

/// Refuses requests that hold one of these items.
fn refuse_items(bad: &BTreeSet<String>, part: RefusedPart) -> impl Fn(&[String]) -> Option<RefusedPart> {
    move |urls| urls.iter().any(|url| bad.contains(url)).then_some(part)
}

/// How many requests it takes to single out bad items by halving, counted on the tree of halves.
fn requests_to_single_out(from: usize, to: usize, bad: &BTreeSet<usize>) -> usize {
    match to - from {
        size if size > 1 && bad.range(from..to).next().is_some() => {
            let middle = from + size / 2;
            1 + requests_to_single_out(from, middle, bad) + requests_to_single_out(middle, to, bad)
        }
        _ => 1,
    }
}

proptest! {
    #[test]
    fn any_ten_bad_items_of_a_hundred_are_singled_out(bad in prop::collection::btree_set(0usize..100, 0..=10)) {
        let names: BTreeSet<String> = bad.iter().map(|index| url(*index)).collect();
        let ended = halve(&PLANS[&100], &memory(), refuse_items(&names, RefusedPart::Item));
        prop_assert_eq!(&ended.refused, &names);
        prop_assert_eq!(ended.purged.len(), 100 - bad.len());
        prop_assert_eq!(ended.requests, requests_to_single_out(0, 100, &bad));
        prop_assert!(ended.requests <= 91);
    }

    #[test]
    fn any_ten_bad_items_of_five_hundred_are_singled_out(bad in prop::collection::btree_set(0usize..500, 0..=10)) {
        let names: BTreeSet<String> = bad.iter().map(|index| url(*index)).collect();
        let ended = halve(&PLANS[&500], &memory(), refuse_items(&names, RefusedPart::Item));
        prop_assert_eq!(&ended.refused, &names);
        prop_assert_eq!(ended.purged.len(), 500 - bad.len());
        prop_assert!(ended.requests <= 131);
    }

    #[test]
    fn whatever_is_bad_no_item_is_lost_and_requests_are_bounded(
        items in prop::sample::select(PLANS.keys().copied().collect::<Vec<_>>()),
        every in 1usize..20,
        part in prop::sample::select(vec![RefusedPart::Item, RefusedPart::Hostname, RefusedPart::Unclear]),
    ) {
        let names: BTreeSet<String> = (0..items).step_by(every).map(url).collect();
        let ended = halve(&PLANS[&items], &memory(), refuse_items(&names, part));
        let (accepted, refused) = (ended.accepted, ended.requests - ended.accepted);
        // Beyond the budget, each piece that is left is sent once more: one of each level, and the probes of a hostname.
        let left = 1 + items.next_power_of_two().ilog2() as usize + PROBES;
        prop_assert!(refused <= budget(items) as usize + accepted + left, "{} refused, {} accepted", refused, accepted);
        prop_assert!(ended.refused.is_subset(&names) || part == RefusedPart::Hostname);
        prop_assert!(ended.purged.is_disjoint(&names));
    }
}

#[test]
fn the_worst_ten_bad_items_of_a_hundred_stay_within_the_budget() {
    let spread: BTreeSet<String> = (0..10).map(|index| url(index * 10)).collect();
    let ended = halve(&plan_of(100), &memory(), refuse_items(&spread, RefusedPart::Item));
    assert_eq!((ended.refused.len(), ended.purged.len()), (10, 90));
    assert_eq!([1, 2, 4, 100, 500].map(budget), [1, 3, 7, 55, 75]);
}

/// Each accepted piece extends the budget, so that a batch with many bad items costs more than one of bad items only.
#[test]
fn the_worst_evenly_spread_bad_items_cost_at_most_one_and_a_half_requests_each_item() {
    for (items, worst) in [(100, 149), (500, 339)] {
        let cost = |every: usize| {
            let names: BTreeSet<String> = (0..items).step_by(every).map(url).collect();
            halve(&PLANS[&items], &memory(), refuse_items(&names, RefusedPart::Item)).requests
        };
        assert_eq!((2..=20).map(cost).max(), Some(worst), "{items} items");
    }
}

#[test]
fn a_batch_of_bad_items_costs_the_budget_and_a_last_try_of_the_rest() {
    let all: BTreeSet<String> = (0..100).map(url).collect();
    let ended = halve(&plan_of(100), &memory(), refuse_items(&all, RefusedPart::Item));
    assert!((56..=62).contains(&ended.requests), "{}", ended.requests);
    assert!(ended.untried > 0 && ended.purged.is_empty());
    let error = ended.errors.iter().find(|error| error.contains("not tried one by one")).unwrap();
    assert!(error.starts_with("no Item; "), "{error}");
    // Good items behind many bad ones are in the pieces that are sent once more.
    let first: BTreeSet<String> = (0..50).map(url).collect();
    let ended = halve(&plan_of(100), &memory(), refuse_items(&first, RefusedPart::Item));
    assert_eq!(ended.purged.len(), 50);
}

#[test]
fn a_batch_that_is_too_large_for_cloudflare_is_cut_down() {
    for (limit, requests) in [(30, 7), (1, 199)] {
        let too_large = |urls: &[String]| (urls.len() > limit).then_some(RefusedPart::Item);
        let ended = halve(&plan_of(100), &memory(), too_large);
        assert_eq!((ended.purged.len(), ended.requests), (100, requests));
    }
}

#[test]
fn a_refused_hostname_costs_few_requests_and_none_afterwards() {
    let refuse = |urls: &[String]| urls.iter().any(|url| url.contains("img.red.com")).then_some(RefusedPart::Hostname);
    for (hostnames, requests) in [(&["img.red.com"][..], 10), (&["img.red.com", "www.red.com"], 18)] {
        let (memory, plan) = (memory(), plan_with(hostnames, 100));
        let ended = halve(&plan, &memory, refuse);
        assert!(ended.requests <= requests, "{hostnames:?}: {}", ended.requests);
        assert_eq!((ended.refused.len(), ended.purged.len()), (100, 100 * (hostnames.len() - 1)));
        assert!(ended.errors.iter().any(|error| error.contains("img.red.com") && error.contains("no Hostname")));
        let again = halve(&plan, &memory, refuse);
        assert_eq!((again.requests, again.refused.len()), (hostnames.len() - 1, 100));
    }
}

#[test]
fn bad_urls_of_a_good_hostname_do_not_condemn_it() {
    for bad in [0..1, 0..10, 90..100, 45..55] {
        let names: BTreeSet<String> = bad.clone().map(url).collect();
        let ended = halve(&plan_of(100), &memory(), refuse_items(&names, RefusedPart::Hostname));
        assert_eq!((ended.refused, ended.purged.len()), (names, 100 - bad.len()), "{bad:?}");
    }
}

/// Refuses a hostname, as another batch would that has only bad items of it.
fn condemn(hostnames: &ZoneHostnames) {
    for index in 0..4 {
        let item = Item::Url(format!("https://www.red.com/other-{index}"));
        let item = BatchItem { item, origins: [Origin::Invocation].into(), changed_at: None };
        hostnames.refused_alone("www.red.com", &item, "no");
    }
    assert!(hostnames.refusal("www.red.com").is_some());
}

#[test]
fn a_hostname_that_a_batch_has_proven_is_not_set_aside() {
    let (memory, plan) = (memory(), plan_of(100));
    let hostnames = memory.of(&plan.batches[0].zone);
    let ended = halve(&plan, &memory, |urls| {
        // The first half is accepted; another batch then condemns the hostname.
        let bad = urls.contains(&url(99)).then_some(RefusedPart::Hostname);
        if urls.len() == 50 && bad.is_some() {
            condemn(&hostnames);
        }
        bad
    });
    assert_eq!((ended.refused, ended.purged.len()), (BTreeSet::from([url(99)]), 99));
}

#[test]
fn each_accepted_piece_clears_the_refusals_of_its_hostnames() {
    let (memory, plan) = (memory(), plan_of(100));
    let hostnames = memory.of(&plan.batches[0].zone);
    let mut halving = Halving::new(&plan.batches[0], &hostnames);
    for _ in 0..2 {
        condemn(&hostnames);
        halving.accepted(&Piece::whole(&plan.batches[0]));
        assert_eq!(hostnames.refusal("www.red.com"), None);
    }
}

#[test]
fn an_unclear_error_of_every_piece_is_one_of_the_request() {
    let ended = halve(&plan_of(100), &memory(), |_| Some(RefusedPart::Unclear));
    assert_eq!((ended.requests, ended.of_request), (7, 100));
    assert_eq!(ended.errors, ["no Unclear"]);
    // A small batch is singled out before its third halving.
    let ended = halve(&plan_of(3), &memory(), |_| Some(RefusedPart::Unclear));
    assert_eq!((ended.requests, ended.refused.len()), (5, 3));
}

#[test]
fn an_unclear_error_of_single_items_is_one_of_the_items() {
    for bad in [vec![0], vec![99], vec![0, 13, 60], vec![5, 6, 7, 8]] {
        let names: BTreeSet<String> = bad.iter().map(|index| url(*index)).collect();
        let ended = halve(&plan_of(100), &memory(), refuse_items(&names, RefusedPart::Unclear));
        assert_eq!((ended.refused, ended.purged.len()), (names, 100 - bad.len()), "{bad:?}");
    }
}
