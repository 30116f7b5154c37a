use std::ops::Range;

use purge_router_cloudflare::Accepted;
use purge_router_core::{Origin, PurgeHash};

use super::super::failure::RefusedPart;
use super::*;
use crate::outcome::{FailedOrigin, FailureKind, Status};
use crate::refused_hostnames::RefusedHostnames;
use crate::sender::scripted::{Answer, Scripted, accepts, fails, refuses};
use crate::test_support::{paused_clock, plan_of};

/// Sends a batch of this many URLs through layers that answer so.
async fn send(urls: usize, script: impl IntoIterator<Item = Answer>) -> (Outcome, Vec<Vec<String>>) {
    let (plan, inner) = (plan_of(urls), Scripted::new(script));
    let hostnames = RefusedHostnames::new(paused_clock());
    let split = Split::new(inner.clone(), hostnames.of(&plan.batches[0].zone));
    (split.send(7, &plan.batches[0]).await, inner.sent())
}

fn urls(indexes: impl IntoIterator<Item = usize>) -> Vec<String> {
    indexes.into_iter().map(|index| format!("https://www.red.com/{index}")).collect()
}

/// The numbers of the messages that failed for good, and of those that a retry may purge.
fn failed(outcome: &Outcome) -> (Vec<usize>, Vec<usize>) {
    let number = |failed: &FailedOrigin| {
        let Origin::Message(id) = &failed.origin else { panic!("a message") };
        id.strip_prefix("m-").unwrap().parse::<usize>().unwrap()
    };
    let (permanent, retried): (Vec<_>, Vec<_>) =
        outcome.failed.iter().partition(|failed| failed.kind == FailureKind::Permanent);
    let numbers = |failed: Vec<&FailedOrigin>| {
        let mut numbers: Vec<usize> = failed.into_iter().map(number).collect();
        numbers.sort_unstable();
        numbers
    };
    (numbers(permanent), numbers(retried))
}

#[tokio::test(start_paused = true)]
async fn an_accepted_batch_is_one_request() {
    let answer = Answer { attempts: 2, result: Ok(Accepted { ray: Some("ray".to_owned()) }), ..accepts() };
    let (outcome, sent) = send(4, [answer]).await;
    let expected = Outcome { attempts: 2, ray: Some("ray".to_owned()), ..Outcome::new(7) };
    assert_eq!((outcome, sent), (expected, vec![urls(0..4)]));
}

#[tokio::test(start_paused = true)]
async fn a_refused_item_fails_for_good_and_the_others_are_accepted() {
    let item = || refuses(RefusedPart::Item);
    let (outcome, sent) = send(4, [item(), item(), item(), accepts(), accepts()]).await;
    assert_eq!(sent, [urls(0..4), urls(0..2), urls(0..1), urls(1..2), urls(2..4)]);
    assert_eq!((outcome.status, outcome.attempts, failed(&outcome)), (Status::ItemsRefused, 5, (vec![0], vec![])));
    assert_eq!((outcome.refused_items, outcome.untried_items), (urls([0]), 0));
    assert_eq!(outcome.purged, hashes(4, 1..4));
}

/// Of these items of the batch of this many URLs.
fn hashes(urls: usize, items: Range<usize>) -> Vec<PurgeHash> {
    let plan = plan_of(urls);
    items.map(|item| plan.batches[0].purge_hash(&plan.batches[0].items()[item])).collect()
}

#[tokio::test(start_paused = true)]
async fn what_is_cut_off_while_splitting_may_be_retried_but_not_what_was_refused() {
    let item = || refuses(RefusedPart::Item);
    for status in [Status::DeadlineExceeded, Status::Unreachable, Status::RateLimited, Status::TokenRefused] {
        let (outcome, sent) = send(4, [item(), item(), item(), accepts(), fails(status)]).await;
        assert_eq!((outcome.status, failed(&outcome)), (status, (vec![0], vec![2, 3])));
        assert_eq!((sent.len(), outcome.refused_items), (5, urls([0])));
    }
}

#[tokio::test(start_paused = true)]
async fn a_failure_of_the_layers_fails_the_whole_batch_at_once() {
    for status in [Status::Unreachable, Status::TokenMissing, Status::TokenRefused, Status::RateLimited] {
        let (outcome, sent) = send(3, [fails(status)]).await;
        assert_eq!((outcome.status, failed(&outcome), sent.len()), (status, (vec![], vec![0, 1, 2]), 1));
    }
    let (outcome, _) = send(3, [fails(Status::RequestRefused)]).await;
    assert_eq!(failed(&outcome), (vec![0, 1, 2], vec![]), "no retry can help");
}

#[tokio::test(start_paused = true)]
async fn what_the_budget_left_untried_may_be_retried() {
    let (outcome, _) = send(100, std::iter::repeat_n(refuses(RefusedPart::Item), 200)).await;
    let (permanent, retried) = failed(&outcome);
    assert_eq!((permanent.len(), retried.len()), (outcome.refused_items.len(), outcome.untried_items));
    assert!(!permanent.is_empty() && !retried.is_empty(), "{outcome:?}");
    assert_eq!(outcome.status, Status::ItemsRefused);
}
