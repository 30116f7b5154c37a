//! The stacked layers, without sockets and without real time.

mod trouble;

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use purge_router_cloudflare::Meaning;
use purge_router_core::names::CloudflareId;
use purge_router_core::{Plan, Zone};

use crate::clock::{Clock, Timestamp};
use crate::executor::Executor;
use crate::outcome::{Outcome, Status};
use crate::settings::Settings;
use crate::test_support::{Answer, Api, Store, frozen_clock, paused_clock, plan_in, plan_of, plan_of_zones, zones};

const ZONE: &str = "00000000000000000000000000000007";

fn zone_id(index: usize) -> String {
    format!("{index:032x}")
}

fn after(clock: &Clock, seconds: u64) -> Timestamp {
    clock.now() + Duration::from_secs(seconds)
}

async fn run(executor: &Executor<&Store, &Api>, plan: &Plan, seconds: u64) -> Vec<Outcome> {
    let deadline = after(executor.clock(), seconds);
    let outcomes = executor.run(plan, deadline).await.outcomes;
    let late = executor.clock().now() - deadline;
    assert!(late < Duration::from_millis(50), "{late:?} late");
    outcomes
}

fn statuses(outcomes: &[Outcome]) -> Vec<Status> {
    outcomes.iter().map(|outcome| outcome.status).collect()
}

#[tokio::test(start_paused = true)]
async fn a_deadline_while_the_token_is_read_is_no_missing_token() {
    let (api, store) = (Api::default(), Store { hangs: true, ..Store::default() });
    let executor = Executor::new(&api, &store, Settings::default(), paused_clock());
    let outcomes = run(&executor, &plan_of(1), 10).await;
    assert_eq!(statuses(&outcomes), [Status::DeadlineExceeded]);
    assert_eq!(outcomes[0].error.as_deref(), Some("deadline exceeded before its token was read"));
    assert_eq!((outcomes[0].attempts, api.take_requests()), (0, 0));
}

#[tokio::test(start_paused = true)]
async fn a_deadline_while_waiting_for_a_slot_a_probe_or_the_team_is_exceeded() {
    // A slot of the zone: 8 requests hang, and the others wait for them.
    let (api, store) = (Api::default(), Store::default());
    let executor = Executor::new(&api, &store, Settings::default(), paused_clock());
    api.answer(ZONE, Answer::Hang);
    let outcomes = run(&executor, &plan_of(10 * 500), 10).await;
    let exceeded = outcomes.iter().filter(|outcome| outcome.status == Status::DeadlineExceeded).count();
    assert_eq!((exceeded, api.take_requests()), (2, 8));
    assert!(outcomes.iter().all(|it| matches!(it.status, Status::DeadlineExceeded | Status::Unreachable)));

    // A slot of the team: 32 unproven zones hang, and one waits.
    let (api, store) = (Api::default(), Store::default());
    let executor = Executor::new(&api, &store, Settings::default(), paused_clock());
    (0..33).for_each(|zone| api.answer(&zone_id(zone), Answer::Hang));
    let outcomes = run(&executor, &plan_of_zones(33), 10).await;
    let exceeded: Vec<&Outcome> = outcomes.iter().filter(|it| it.status == Status::DeadlineExceeded).collect();
    assert_eq!((exceeded.len(), api.take_requests()), (1, 32));
    assert!(exceeded[0].error.as_ref().unwrap().starts_with("deadline exceeded before "), "{exceeded:?}");

    // The probe of a half-open circuit.
    let (api, store, (clock, freeze)) = (Api::default(), Store::default(), frozen_clock());
    let executor = Executor::new(&api, &store, Settings::default(), clock);
    api.answer(ZONE, Answer::Refuse(Meaning::TokenRefused));
    run(&executor, &plan_of(1), 10).await;
    freeze(Duration::from_secs(5));
    api.answer(ZONE, Answer::Hang);
    let outcomes = run(&executor, &plan_of(1000), 10).await;
    let mut seen = statuses(&outcomes);
    seen.sort_by_key(|status| status.as_str());
    assert_eq!(seen, [Status::DeadlineExceeded, Status::Unreachable]);
}

#[tokio::test(start_paused = true)]
async fn what_the_deadline_cuts_after_an_answer_keeps_its_status() {
    for (meaning, status) in [
        (Meaning::ServerError, Status::Unreachable),
        (Meaning::RateLimited { retry_after: None, all_calls: false }, Status::RateLimited),
        (Meaning::RateLimited { retry_after: Some(Duration::from_secs(60)), all_calls: false }, Status::RateLimited),
        (Meaning::RateLimited { retry_after: None, all_calls: true }, Status::RateLimited),
    ] {
        let (api, store) = (Api::default(), Store::default());
        let executor = Executor::new(&api, &store, Settings::default(), paused_clock());
        api.answer(ZONE, Answer::Refuse(meaning));
        assert_eq!(statuses(&run(&executor, &plan_of(1), 10).await), [status], "{meaning:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_pause_that_cloudflare_asked_for_does_not_outlive_a_freeze() {
    let (api, store, (clock, freeze)) = (Api::default(), Store::default(), frozen_clock());
    let executor = Executor::new(&api, &store, Settings::default(), clock);
    let retry_after = Some(Duration::from_secs(300));
    api.answer(ZONE, Answer::Refuse(Meaning::RateLimited { retry_after, all_calls: true }));
    assert_eq!(statuses(&run(&executor, &plan_of(1), 30).await), [Status::RateLimited]);
    api.accept(ZONE);
    assert_eq!(statuses(&run(&executor, &plan_of(1), 30).await), [Status::RateLimited], "not sent");
    assert_eq!(api.take_requests(), 1);
    freeze(Duration::from_secs(299));
    assert_eq!(statuses(&run(&executor, &plan_of(1), 30).await), [Status::Purged]);
}

#[tokio::test(start_paused = true)]
async fn a_circuit_opens_is_probed_once_and_closes() {
    let (api, store, (clock, freeze)) = (Api::default(), Store::default(), frozen_clock());
    let executor = Executor::new(&api, &store, Settings::default(), clock);
    api.answer(ZONE, Answer::OnlyToken("second"));
    assert_eq!(statuses(&run(&executor, &plan_of(1), 30).await), [Status::TokenRefused]);
    assert_eq!(api.take_requests(), 2, "once more with a token that was read afresh");

    let outcomes = run(&executor, &plan_of(3000), 30).await;
    assert_eq!((statuses(&outcomes), api.take_requests()), (vec![Status::TokenRefused; 6], 0), "open");
    assert!(outcomes[0].error.as_ref().unwrap().ends_with("it is tried again in 5 s"), "{outcomes:?}");

    freeze(Duration::from_secs(5));
    let outcomes = run(&executor, &plan_of(3000), 30).await;
    assert_eq!((statuses(&outcomes), api.take_requests()), (vec![Status::TokenRefused; 6], 2), "half-open: one probe");

    *store.token.lock().unwrap() = "second";
    freeze(Duration::from_secs(5));
    assert_eq!(statuses(&run(&executor, &plan_of(3000), 30).await), [Status::Purged; 6]);
    assert_eq!(api.take_requests(), 6, "the probe lets the others pass");
}

#[tokio::test(start_paused = true)]
async fn a_probe_that_decides_nothing_is_followed_by_another_at_once() {
    let limited = Answer::Refuse(Meaning::RateLimited { retry_after: None, all_calls: false });
    // A zone that hangs is itself not tried for five seconds.
    for (undecided, then) in [(Answer::Hang, Duration::from_secs(5)), (limited, Duration::ZERO)] {
        let (api, store, (clock, freeze)) = (Api::default(), Store::default(), frozen_clock());
        let executor = Executor::new(&api, &store, Settings::default(), clock);
        api.answer(ZONE, Answer::Refuse(Meaning::TokenRefused));
        run(&executor, &plan_of(1), 30).await;
        freeze(Duration::from_secs(5));
        api.answer(ZONE, undecided.clone());
        let outcomes = run(&executor, &plan_of(1), 2).await;
        assert!(matches!(outcomes[0].status, Status::Unreachable | Status::RateLimited), "{outcomes:?}");
        api.accept(ZONE);
        freeze(then);
        let outcomes = run(&executor, &plan_of(1), 30).await;
        assert_eq!(statuses(&outcomes), [Status::Purged], "{undecided:?}: {outcomes:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn two_domains_of_one_zone_and_token_share_a_probe() {
    let (api, store, (clock, freeze)) = (Api::default(), Store::default(), frozen_clock());
    let executor = Executor::new(&api, &store, Settings::default(), clock);
    let token = "token = \"shared\"";
    let zones: Vec<_> = zones(&[("red", token), ("red", token)])
        .into_iter()
        .map(|zone| Arc::new(Zone { zone_id: CloudflareId::parse(ZONE).unwrap(), ..Zone::clone(&zone) }))
        .collect();
    let plan = plan_in(&zones, 1);
    api.answer(ZONE, Answer::Refuse(Meaning::TokenRefused));
    assert_eq!(statuses(&run(&executor, &plan, 30).await), [Status::TokenRefused; 2]);
    api.take_requests();

    freeze(Duration::from_secs(5));
    let outcomes = run(&executor, &plan, 30).await;
    assert_eq!((statuses(&outcomes), api.take_requests()), (vec![Status::TokenRefused; 2], 2), "one probe");

    freeze(Duration::from_secs(5));
    api.accept(ZONE);
    assert_eq!(statuses(&run(&executor, &plan, 30).await), [Status::Purged; 2]);
}

#[tokio::test(start_paused = true)]
async fn slots_are_given_back_however_requests_end() {
    let (api, store, (clock, freeze)) = (Api::default(), Store::default(), frozen_clock());
    let executor = Executor::new(&api, &store, Settings::default(), clock);
    let plan = plan_of_zones(40);
    for answer in [
        Answer::Hang,
        Answer::Refuse(Meaning::ServerError),
        Answer::Refuse(Meaning::TokenRefused),
        Answer::Refuse(Meaning::RateLimited { retry_after: None, all_calls: false }),
    ] {
        (0..40).for_each(|zone| api.answer(&zone_id(zone), answer.clone()));
        // The event is dropped while requests are under way, and another one ends by itself.
        let dropped = tokio::time::timeout(Duration::from_secs(1), run(&executor, &plan, 60)).await;
        assert!(dropped.is_err() || matches!(answer, Answer::Refuse(Meaning::TokenRefused)), "{answer:?}");
        run(&executor, &plan, 60).await;
        freeze(Duration::from_secs(60));
        (0..40).for_each(|zone| api.accept(&zone_id(zone)));
        assert_eq!(statuses(&run(&executor, &plan, 60).await), [Status::Purged; 40], "{answer:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_refusal_of_the_request_is_one_request() {
    let (api, store) = (Api::default(), Store::default());
    let executor = Executor::new(&api, &store, Settings::default(), paused_clock());
    api.answer(ZONE, Answer::Refuse(Meaning::RequestRefused));
    let outcomes = run(&executor, &plan_of(500), 30).await;
    assert_eq!((statuses(&outcomes), api.take_requests()), (vec![Status::RequestRefused], 1));
    assert_eq!((outcomes[0].failed.len(), outcomes[0].refused_items.len()), (500, 0));
}

#[tokio::test(start_paused = true)]
async fn untried_items_are_failed_and_counted() {
    let (api, store) = (Api::default(), Store::default());
    let executor = Executor::new(&api, &store, Settings::default(), paused_clock());
    api.answer(ZONE, Answer::Refuse(Meaning::ItemRefused));
    let outcomes = run(&executor, &plan_of(100), 30).await;
    let outcome = &outcomes[0];
    assert_eq!(outcome.status, Status::ItemsRefused);
    assert_eq!((outcome.failed.len(), outcome.refused_items.len() + outcome.untried_items), (100, 100));
    assert!(outcome.untried_items > 0 && outcome.attempts < 70, "{outcome:?}");
    assert_eq!(api.take_requests(), outcome.attempts as usize);
}

#[tokio::test(start_paused = true)]
async fn a_zone_that_is_not_admitted_takes_nothing_of_what_teams_share() {
    let (api, store) = (Api::default(), Store::default());
    let executor = Executor::new(&api, &store, Settings::default(), paused_clock());
    let account = "account_id = \"aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa\"";
    let teams: Vec<_> = std::iter::repeat_n(("red", account), 33).chain([("blue", account)]).collect();
    let mut zones = zones(&teams);
    let blue = zones.extract_if(.., |zone| zone.team.as_str() == "blue").collect::<Vec<_>>();
    (0..33).for_each(|zone| api.answer(&zone_id(zone), Answer::Refuse(Meaning::TokenRefused)));
    run(&executor, &plan_in(&zones[..32], 1), 10).await;
    tokio::time::sleep(Duration::from_secs(1)).await;
    api.take_requests();
    store.reads.store(0, Ordering::Relaxed);

    let outcomes = run(&executor, &plan_in(&zones[32..], 700), 10).await;
    assert!(outcomes[0].error.as_ref().unwrap().contains("the tokens of too many of the team's zones"), "{outcomes:?}");
    assert_eq!((statuses(&outcomes), api.take_requests()), (vec![Status::TokenRefused; 7], 0));
    let reads = store.reads.load(Ordering::Relaxed);

    let start = executor.clock().now();
    assert_eq!(statuses(&run(&executor, &plan_in(&blue, 700), 10).await), [Status::Purged; 7]);
    let taken = executor.clock().now() - start;
    assert!(taken < Duration::from_millis(50), "the account's bucket was full: {taken:?}");
    assert_eq!(reads, 0, "its token is not read");
}
