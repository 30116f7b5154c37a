//! Zones in trouble: they do not answer, answer with server errors, or are rate limited.

use super::*;
use crate::patience::{Patience, Work};

const SECOND: Duration = Duration::from_secs(1);

/// The patience of an event that others wait for.
fn brief(clock: &Clock) -> Patience {
    Patience { deadline: after(clock, 1), retry_for: SECOND, rate_limit_deadline: clock.now(), work: Work::New }
}

/// Executes a plan. Returns its outcomes, how many requests were sent, and how long it took.
async fn send(
    executor: &Executor<&Store, &Api>,
    api: &Api,
    plan: &Plan,
    patience: Patience,
) -> (Vec<Outcome>, usize, Duration) {
    let start = executor.clock().now();
    let outcomes = executor.run(plan, patience).await.outcomes;
    (outcomes, api.take_requests(), executor.clock().now() - start)
}

#[tokio::test(start_paused = true)]
async fn a_zone_that_hangs_or_fails_costs_one_second_and_then_nothing_until_a_probe() {
    for (trouble, probe) in [(Answer::Hang, 1), (Answer::Refuse(Meaning::ServerError), 2)] {
        let (api, store, (clock, freeze)) = (Api::default(), Store::default(), frozen_clock());
        let executor = Executor::new(&api, &store, Settings::default(), clock);
        let plan = plan_of(2500);
        api.answer(ZONE, trouble.clone());
        let (outcomes, sent, time) = send(&executor, &api, &plan, brief(executor.clock())).await;
        assert_eq!(statuses(&outcomes), [Status::Unreachable; 5], "{trouble:?}");
        assert!(sent >= 5 && time <= SECOND + Duration::from_millis(10), "{sent} requests, {time:?}");

        for _ in 0..3 {
            let (outcomes, sent, time) = send(&executor, &api, &plan, brief(executor.clock())).await;
            assert_eq!((statuses(&outcomes), sent, time), (vec![Status::Unreachable; 5], 0, Duration::ZERO));
            let error = outcomes[0].error.as_deref().unwrap();
            assert!(
                error.starts_with("not sent: the zone did not answer earlier requests; it is tried again in "),
                "{error}"
            );
        }

        // One batch probes. The others do not.
        for open_for in [5, 10, 20] {
            freeze(Duration::from_secs(open_for));
            let (outcomes, sent, time) = send(&executor, &api, &plan, brief(executor.clock())).await;
            assert!(outcomes.iter().all(|outcome| outcome.status != Status::Purged), "{outcomes:?}");
            let attempted = outcomes.iter().filter(|outcome| outcome.attempts > 0).count();
            assert!(
                attempted == 1 && sent >= probe && time <= SECOND + Duration::from_millis(10),
                "{trouble:?}: {attempted}, {sent}, {time:?}"
            );
        }

        freeze(Duration::from_secs(40));
        api.accept(ZONE);
        let (outcomes, sent, _) = send(&executor, &api, &plan, brief(executor.clock())).await;
        assert_eq!((statuses(&outcomes), sent), (vec![Status::Purged; 5], 5), "the probe lets the others pass");
    }
}

#[tokio::test(start_paused = true)]
async fn other_zones_are_purged_while_one_is_not_tried() {
    let (api, store) = (Api::default(), Store::default());
    let executor = Executor::new(&api, &store, Settings::default(), paused_clock());
    api.answer(&zone_id(0), Answer::Hang);
    for _ in 0..2 {
        let (outcomes, ..) = send(&executor, &api, &plan_of_zones(3), brief(executor.clock())).await;
        assert_eq!(statuses(&outcomes), [Status::Unreachable, Status::Purged, Status::Purged]);
    }
}

#[tokio::test(start_paused = true)]
async fn a_failed_request_stops_those_that_wait_for_its_slot() {
    let (api, store) = (Api::default(), Store::default());
    let executor = Executor::new(&api, &store, Settings::default(), paused_clock());
    api.answer(ZONE, Answer::Hang);
    let patience = Patience { retry_for: 2 * SECOND, ..Patience::from(after(executor.clock(), 30)) };
    let (outcomes, sent, time) = send(&executor, &api, &plan_of(20 * 500), patience).await;
    assert_eq!((statuses(&outcomes), sent), (vec![Status::Unreachable; 20], 8));
    assert!(time < 3 * SECOND, "{time:?}");
}

#[tokio::test(start_paused = true)]
async fn a_request_that_had_no_time_for_its_answer_says_nothing_about_its_zone() {
    let (api, store) = (Api::default(), Store::default());
    let executor = Executor::new(&api, &store, Settings::default(), paused_clock());
    api.answer(ZONE, Answer::Hang);
    let soon = Patience { deadline: executor.clock().now() + SECOND / 4, ..brief(executor.clock()) };
    send(&executor, &api, &plan_of(1), soon).await;
    let (_, sent, _) = send(&executor, &api, &plan_of(1), brief(executor.clock())).await;
    assert_eq!(sent, 1);
}

#[tokio::test(start_paused = true)]
async fn an_answer_of_any_kind_closes_the_circuit() {
    for answer in [Meaning::RequestRefused, Meaning::RateLimited { retry_after: Some(SECOND / 10), all_calls: false }] {
        let (api, store, (clock, freeze)) = (Api::default(), Store::default(), frozen_clock());
        let executor = Executor::new(&api, &store, Settings::default(), clock);
        api.answer(ZONE, Answer::Hang);
        send(&executor, &api, &plan_of(1), brief(executor.clock())).await;
        freeze(Duration::from_secs(5));
        api.answer(ZONE, Answer::Refuse(answer));
        send(&executor, &api, &plan_of(1), brief(executor.clock())).await;
        tokio::time::sleep(SECOND).await;
        api.accept(ZONE);
        let (outcomes, ..) = send(&executor, &api, &plan_of(1000), brief(executor.clock())).await;
        assert_eq!(statuses(&outcomes), [Status::Purged; 2], "{answer:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn an_event_that_does_not_wait_for_limits_sends_what_they_let_pass_at_once() {
    let (api, store) = (Api::default(), Store::default());
    let executor = Executor::new(&api, &store, Settings::default(), paused_clock());
    // 3,000 URLs a second of the enterprise plan, of which 2,700 pass at once.
    let (outcomes, sent, time) = send(&executor, &api, &plan_of(4000), brief(executor.clock())).await;
    assert_eq!(sent, 5);
    let (purged, limited) = (vec![Status::Purged; 5], vec![Status::RateLimited; 3]);
    assert_eq!(statuses(&outcomes), [purged, limited].concat());
    assert!(time < Duration::from_millis(50), "{time:?}");

    // What Cloudflare limits is not waited for either.
    tokio::time::sleep(2 * SECOND).await;
    let limited = Meaning::RateLimited { retry_after: Some(SECOND / 2), all_calls: false };
    api.answer(ZONE, Answer::Refuse(limited));
    let (outcomes, sent, time) = send(&executor, &api, &plan_of(1), brief(executor.clock())).await;
    assert_eq!((statuses(&outcomes), sent), (vec![Status::RateLimited], 1));
    assert!(time < Duration::from_millis(50), "{time:?}");
}
