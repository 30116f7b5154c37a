//! A team's problems neither delay nor fail another team's purges. The same holds for two zones of a team.

use std::time::Duration;

use purge_router_pipeline::Status;
use purge_router_sandbox::{FaultKind, TokenStatus};
use purge_router_test_support::events::{s3, sqs};
use serde_json::Value;

use crate::store::Problem;
use crate::world::{
    World, assert_all_purged, blue, failed, fault, keys, outcomes_of, parameter, red, secret, side_by_side, status,
    team, urls,
};

const DEADLINE: Duration = Duration::from_secs(3);
const ACCOUNT: &str = "account_id = \"acacacacacacacacacacacacacacacac\"";

/// What is wrong with red.com.
#[derive(Debug, Clone)]
enum Condition {
    Fault(FaultKind),
    TokenRevoked,
    TokenMissing,
    Store(Problem),
}

fn conditions() -> Vec<(Condition, Status)> {
    vec![
        (Condition::Fault(FaultKind::Hang), Status::Unreachable),
        (Condition::Fault(FaultKind::Reset), Status::Unreachable),
        (Condition::Fault(status(500, 0, None)), Status::Unreachable),
        (Condition::Fault(status(429, 1134, Some(30))), Status::RateLimited),
        (Condition::Fault(status(429, 971, Some(30))), Status::RateLimited),
        (Condition::Fault(status(429, 1134, None)), Status::RateLimited),
        (Condition::TokenRevoked, Status::TokenRefused),
        (Condition::TokenMissing, Status::TokenMissing),
        (Condition::Store(Problem::Hang), Status::DeadlineExceeded),
        (Condition::Store(Problem::Unavailable(usize::MAX)), Status::DeadlineExceeded),
    ]
}

impl Condition {
    fn begin(self, world: &World) {
        let parameter = parameter("red", "red.com");
        match self {
            Self::Fault(kind) => world.sandbox().add_fault(fault("red.com", kind, None)),
            Self::TokenRevoked => {
                assert!(world.sandbox().set_token_status(&secret("red.com"), TokenStatus::Disabled));
            }
            Self::TokenMissing => world.store.remove_secret(&parameter),
            Self::Store(problem) => world.store.problem(&parameter, problem),
        }
    }
}

/// Twenty batches for red.com, one for the other zone.
fn event(other: Value) -> Value {
    sqs([("m-red", s3("red-files", keys("k", 20))), ("m-other", other)])
}

/// `domain` needed one request, and it arrived while red.com was still at its first tries.
fn assert_prompt(world: &World, domain: &str, case: &str) {
    let requests = world.requests_of(domain);
    assert_eq!(requests.len(), 1, "{case}");
    assert_eq!(requests[0].status, Some(200), "{case}");
    let all = world.requests();
    let since_first = requests[0].at - all[0].at;
    assert!(since_first < DEADLINE / 2, "{case}: {since_first:?} after the first request");
    // The 8 requests that a zone may have in flight, and as many again, may have arrived before.
    let before = all.iter().take_while(|request| request.at < requests[0].at).count();
    assert!(before <= 20, "{case}: {before} requests came before");
}

#[tokio::test]
async fn a_team_with_problems_does_not_affect_another() {
    let mut cases = Vec::new();
    let with_accounts = |(condition, expected): (Condition, Status)| {
        ["", ACCOUNT].map(|account| (condition.clone(), expected, account))
    };
    for (condition, expected, account) in conditions().into_iter().flat_map(with_accounts) {
        let case = format!("{condition:?}, account `{account}`");
        let zone = format!("urls_per_request = 1\n{account}");
        let world = World::new(red(&zone, "") + &blue(account, "")).await;
        condition.begin(&world);
        cases.push(async move {
            let (report, _) = world.timed(DEADLINE, &event(s3("blue-files", ["a.css"]))).await;
            let of_red = outcomes_of(&report, "red.com");
            assert_eq!(of_red.len(), 20, "{case}");
            assert!(of_red.iter().any(|outcome| outcome.status == expected), "{case}: {of_red:?}");
            assert!(of_red.iter().all(|outcome| outcome.status != Status::Purged), "{case}");
            let of_blue = outcomes_of(&report, "blue.net");
            assert_eq!((of_blue[0].status, of_blue[0].attempts), (Status::Purged, 1), "{case}");
            assert_eq!(failed(&report), ["m-red"], "{case}");
            assert_prompt(&world, "blue.net", &case);
        });
    }
    side_by_side(cases).await;
}

#[tokio::test]
async fn a_zone_with_problems_does_not_affect_another_of_its_team() {
    let mapping = "include = [\"*.css\"]\nhostnames = [\"www.red.com\"]\n[[teams.red.mappings]]\n\
                   source = \"s3://red-files/\"\nzones = [\"red.org\"]\ninclude = [\"*.svg\"]";
    let mut cases = Vec::new();
    for kind in [FaultKind::Hang, status(500, 0, None), status(429, 1134, Some(30))] {
        let case = format!("{kind:?}");
        let text = team("red", &[("red.com", "urls_per_request = 1"), ("red.org", "")], mapping);
        let world = World::new(text.replacen("zones = [\"red.com\", \"red.org\"]", "zones = [\"red.com\"]", 1)).await;
        world.sandbox().add_fault(fault("red.com", kind, None));
        cases.push(async move {
            let (report, _) = world.timed(DEADLINE, &event(s3("red-files", ["logo.svg"]))).await;
            assert_eq!(outcomes_of(&report, "red.org")[0].status, Status::Purged, "{case}");
            assert_eq!(failed(&report), ["m-red"], "{case}");
            assert_eq!(world.purged_items("red.org"), urls("red.org", ["logo.svg"]));
            assert_prompt(&world, "red.org", &case);
        });
    }
    side_by_side(cases).await;
}

#[tokio::test]
async fn large_requests_that_hang_do_not_hold_up_others_of_their_account() {
    let separate = "include = [\"*.css\"]\n[[teams.red.mappings]]\nsource = \"s3://red-files/\"\nzones = [\"red.org\"]\n\
                    include = [\"*.svg\"]";
    let red = team("red", &[("red.com", ACCOUNT), ("red.org", ACCOUNT)], separate);
    let world = World::new(red.replacen("[\"red.com\", \"red.org\"]", "[\"red.com\"]", 1) + &blue(ACCOUNT, "")).await;
    // The token is known to be good.
    assert_all_purged(&world.run(&s3("red-files", ["first.css"])).await, "before it hangs");
    world.sandbox().clear_requests();
    world.sandbox().add_fault(fault("red.com", FaultKind::Hang, None));
    let hangs = s3("red-files", keys("k", 1500));
    let others = sqs([("m-zone", s3("red-files", ["logo.svg"])), ("m-team", s3("blue-files", keys("b", 250)))]);
    let (hung, report) = tokio::join!(world.run_within(DEADLINE, &hangs), async {
        world.arrived(8).await;
        world.run_within(DEADLINE / 2, &others).await
    });
    assert_eq!(failed(&hung), ["invocation"]);
    assert_all_purged(&report, "requests that fill the bucket of the account hang");
    assert_eq!(world.purged_items("red.org"), urls("red.org", ["logo.svg"]));
    assert_eq!(world.purged_items("blue.net"), urls("blue.net", keys("b", 250)));
}

#[tokio::test]
async fn a_large_event_goes_on_while_that_of_another_team_of_its_account_hangs() {
    let world = World::new(red(ACCOUNT, "") + &blue(ACCOUNT, "")).await;
    world.sandbox().add_fault(fault("red.com", FaultKind::Hang, None));
    let event = sqs([("m-red", s3("red-files", keys("k", 1500))), ("m-blue", s3("blue-files", keys("b", 1500)))]);
    let (report, _) = world.timed(DEADLINE, &event).await;
    assert!(outcomes_of(&report, "blue.net").iter().all(|outcome| outcome.status == Status::Purged));
    assert_eq!(failed(&report), ["m-red"]);
}

#[tokio::test]
async fn a_pause_of_one_team_holds_back_no_later_event_of_another() {
    for account in ["", ACCOUNT] {
        let world = World::new(red(account, "") + &blue(account, "")).await;
        world.sandbox().add_fault(fault("red.com", status(429, 971, Some(30)), None));
        let (report, _) = world.timed(DEADLINE, &s3("red-files", ["a.css"])).await;
        assert_eq!(failed(&report), ["invocation"]);
        let (report, elapsed) = world.timed(DEADLINE, &s3("blue-files", ["a.css"])).await;
        assert!(report.failed.is_empty() && elapsed < DEADLINE / 2, "{elapsed:?}");
    }
}

#[tokio::test]
async fn an_object_of_two_teams_fails_if_one_of_them_fails() {
    let shared = |name: &str, domain: &str| {
        team(name, &[(domain, "")], "").replace(&format!("s3://{name}-files/"), &format!("s3://shared/{name}/"))
    };
    let world = World::new(shared("red", "red.com") + &shared("blue", "blue.net")).await;
    world.store.remove_secret(&parameter("red", "red.com"));
    let event = sqs([
        ("m-1", s3("shared", ["red/a.css", "blue/a.css"])),
        ("m-2", s3("shared", ["blue/b.css"])),
        ("m-3", s3("shared", ["red/c.css"])),
    ]);
    let report = world.run(&event).await;
    assert_eq!(failed(&report), ["m-1", "m-3"]);
    assert_eq!(world.purged_items("blue.net"), urls("blue.net", ["blue/a.css", "blue/b.css"]));
}

/// A team may write any number of zones that do not exist. After too many refusals, Cloudflare blocks an address for
/// all.
#[tokio::test]
async fn a_team_with_hundreds_of_bad_zones_is_refused_a_bounded_number_of_times() {
    let domains: Vec<String> = (0..320).map(|index| format!("red{index}.com")).collect();
    let zones: Vec<(&str, &str)> = domains.iter().map(|domain| (domain.as_str(), "")).collect();
    // A mapping may name 64 zones.
    let text = team("red", &zones, "");
    let text = text[..text.find("[[").unwrap()].to_owned();
    let mapping = |some: &[(&str, &str)]| {
        let names: Vec<&str> = some.iter().map(|(domain, _)| *domain).collect();
        format!("[[teams.red.mappings]]\nsource = \"s3://red-files/\"\nzones = {names:?}\n")
    };
    let text = zones.chunks(64).fold(text, |text, some| text + &mapping(some));
    let world = World::new(text + &blue("", "")).await;
    // Some are good, at various places.
    let is_good = |index: usize| index % 40 == 7;
    for (_, domain) in domains.iter().enumerate().filter(|(index, _)| !is_good(*index)) {
        assert!(world.sandbox().set_token_status(&secret(domain), TokenStatus::Disabled));
    }
    let event = sqs([("m-red", s3("red-files", ["a.css"])), ("m-blue", s3("blue-files", ["a.css"]))]);
    let report = world.run(&event).await;
    assert_eq!((report.outcomes.len(), failed(&report)), (321, vec!["m-red".to_owned()]));
    let refused = world.requests().iter().filter(|request| request.status == Some(401)).count();
    assert!((32..=2 * 64).contains(&refused), "{refused} of 640");
    assert!(
        report.outcomes.iter().filter(|it| it.status != Status::Purged).all(|it| it.status == Status::TokenRefused)
    );

    // In the same minute, only proven tokens are used.
    let good = |world: &World| world.requests().iter().filter(|request| request.status == Some(200)).count();
    assert!(good(&world) > 1, "blue, and some of red");
    let before = good(&world);
    world.sandbox().clear_requests();
    world.run(&event).await;
    let refused = world.requests().iter().filter(|request| request.status == Some(401)).count();
    assert_eq!((refused, world.requests_of("blue.net").len()), (0, 1));
    assert_eq!(good(&world), before);
}

/// At first no token of a team is proven; later, one refusal does not make a proven token bad.
#[tokio::test]
async fn many_good_zones_of_a_team_are_purged_at_once_and_after_their_tokens_were_replaced() {
    let domains: Vec<String> = (0..60).map(|index| format!("red{index}.com")).collect();
    let zones: Vec<(&str, &str)> = domains.iter().map(|domain| (domain.as_str(), "urls_per_request = 1")).collect();
    let world = World::new(team("red", &zones, "")).await;
    let event = s3("red-files", keys("k", 10));
    let (report, time) = world.timed(Duration::from_secs(20), &event).await;
    assert_all_purged(&report, "cold");
    assert!(report.outcomes.iter().all(|outcome| outcome.attempts == 1) && time < Duration::from_secs(10), "{time:?}");
    for domain in &domains {
        let parameter = parameter("red", domain);
        world.store.set_cached(&parameter, "Sn3Rq-token-that-was-replaced");
    }
    assert_all_purged(&world.timed(Duration::from_secs(20), &event).await.0, "replaced");
}
