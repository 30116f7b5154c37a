//! What is read, and what is cached.

use std::collections::BTreeSet;
use std::time::Duration;

use purge_router_aws::ReadError;
use purge_router_pipeline::Freshness::{Cached, Fresh};

use crate::logged::Logged;
use crate::stand::{Failure, LONG, good, names, read, stand, token};

#[tokio::test]
async fn up_to_ten_parameters_are_read_in_one_call_and_then_cached() {
    let (stand, store) = stand(23, LONG).await;
    let names = names(23);
    assert!(stand.calls().is_empty(), "nothing is read before it is needed");
    for _ in 0..2 {
        let expected: Vec<_> = names.iter().map(|name| good(name)).collect();
        assert_eq!(read(&store, &names, Cached).await, expected);
    }
    let calls = stand.calls();
    let mut sizes: Vec<usize> = calls.iter().map(Vec::len).collect();
    sizes.sort();
    assert_eq!(sizes, [3, 10, 10]);
    assert_eq!(calls.concat().into_iter().collect::<BTreeSet<_>>().len(), 23);
}

#[tokio::test]
async fn one_parameter_is_read_once_for_all_concurrent_callers() {
    for freshness in [Cached, Fresh] {
        let (stand, store) = stand(1, LONG).await;
        stand.change(|ssm| ssm.delay = Duration::from_millis(50));
        let fifty = vec!["/t/0".to_owned(); 50];
        assert_eq!(read(&store, &fifty, freshness).await, vec![good("/t/0"); 50]);
        assert_eq!(stand.calls(), [["/t/0"]], "{freshness:?}");
        // All of them get a failure, too.
        stand.change(|ssm| ssm.parameters.clear());
        assert_eq!(read(&store, &fifty, Fresh).await, vec![Err(ReadError::Absent); 50]);
        assert_eq!(stand.calls().len(), 1);
    }
}

#[tokio::test]
async fn a_fresh_read_begins_after_it_was_asked_for() {
    let (stand, store) = stand(1, LONG).await;
    stand.change(|ssm| ssm.delay = Duration::from_millis(100));
    let (cached, fresh) = tokio::join!(store.read("/t/0", Cached), async {
        // The read that is under way has seen the old token already.
        stand.arrived().await;
        stand.set("/t/0", "SecureString", "rolled");
        store.read("/t/0", Fresh).await
    });
    assert_eq!(cached, good("/t/0"));
    assert_eq!(fresh, token("rolled"));
    assert_eq!(store.read("/t/0", Cached).await, fresh, "the fresh one is kept");
    assert_eq!(stand.calls().len(), 2);
}

#[tokio::test]
async fn a_token_is_cached_for_the_ttl() {
    for (time_to_live, calls) in [(LONG, 1), (Duration::ZERO, 3)] {
        let (stand, store) = stand(1, time_to_live).await;
        for _ in 0..3 {
            assert_eq!(store.read("/t/0", Cached).await, good("/t/0"));
        }
        assert_eq!(stand.calls().len(), calls, "{time_to_live:?}");
    }
}

#[tokio::test]
async fn a_token_is_read_again_after_the_ttl() {
    let (stand, store) = stand(1, Duration::from_millis(300)).await;
    assert_eq!(store.read("/t/0", Cached).await, good("/t/0"));
    stand.set("/t/0", "SecureString", "new");
    store.clock.advance(Duration::from_millis(300));
    assert_eq!(store.read("/t/0", Cached).await, token("new"));
}

#[tokio::test]
async fn a_failed_read_is_retried_after_five_seconds_or_by_a_fresh_read() {
    for (freshness, pause, calls) in [(Cached, 0, 1), (Cached, 4, 1), (Cached, 5, 2), (Fresh, 0, 2)] {
        let (stand, store) = stand(0, LONG).await;
        assert_eq!(store.read("/t/0", Cached).await, Err(ReadError::Absent));
        stand.set("/t/0", "SecureString", "later");
        store.clock.advance(Duration::from_secs(pause));
        let expected = if calls == 1 { Err(ReadError::Absent) } else { token("later") };
        assert_eq!(store.read("/t/0", freshness).await, expected);
        assert_eq!(stand.calls().len(), calls, "{freshness:?} after {pause} s");
    }
}

#[tokio::test]
async fn a_slow_failure_pauses_reads_too() {
    let (stand, store) = stand(1, Duration::ZERO).await;
    assert_eq!(store.read("/t/0", Cached).await, good("/t/0"));
    stand.change(|ssm| ssm.failure = Some(Failure::new(500, "InternalServerError")));
    stand.change(|ssm| ssm.delay = Duration::from_millis(1100));
    for _ in 0..3 {
        assert_eq!(store.read("/t/0", Cached).await, good("/t/0"), "the old one");
    }
    assert_eq!(stand.calls().len(), 2);
}

#[tokio::test]
async fn a_young_token_is_used_even_if_a_fresh_read_failed() {
    let (stand, store) = stand(1, LONG).await;
    assert_eq!(store.read("/t/0", Cached).await, good("/t/0"));
    stand.change(|ssm| ssm.failure = Some(Failure::new(500, "InternalServerError")));
    assert!(store.read("/t/0", Fresh).await.unwrap_err().is_transient());
    assert_eq!(store.read("/t/0", Cached).await, good("/t/0"));
    assert_eq!(stand.calls().len(), 2, "the second cached read needs none");
}

#[tokio::test]
async fn a_parameter_is_found_by_arn_and_with_a_version() {
    let (stand, store) = stand(0, LONG).await;
    let arn = "arn:aws:ssm:eu-west-1:123456789012:parameter/t/0";
    for asked in ["/t/0:3", "/t/0:label", arn, &format!("{arn}:3")] {
        stand.set(asked, "SecureString", "versioned");
        assert_eq!(store.read(asked, Cached).await, token("versioned"), "{asked}");
    }
}

#[tokio::test]
async fn a_caller_that_gives_up_does_not_stop_the_others() {
    let (stand, store) = stand(3, LONG).await;
    stand.change(|ssm| ssm.delay = Duration::from_millis(100));
    let names = names(3);
    let hasty = tokio::time::timeout(Duration::from_millis(1), store.read(&names[0], Cached));
    let (hasty, others) = tokio::join!(hasty, read(&store, &names, Cached));
    assert!(hasty.is_err());
    assert_eq!(others, [good("/t/0"), good("/t/1"), good("/t/2")]);
}

#[tokio::test]
async fn a_stale_token_is_used_while_ssm_can_not_be_read() {
    let (stand, store) = stand(1, Duration::ZERO).await;
    assert_eq!(store.read("/t/0", Cached).await, good("/t/0"));
    for code in ["ThrottlingException", "InternalServerError"] {
        let logged = Logged::new();
        stand.change(|ssm| ssm.failure = Some(Failure::new(500, code)));
        assert_eq!(store.read("/t/0", Cached).await, good("/t/0"));
        let said = logged.with("using a stale token: can't read SSM parameter=\"/t/0\"");
        assert_eq!(said.len(), 1, "{code}");
        assert!(store.read("/t/0", Fresh).await.unwrap_err().is_transient());
    }
    // A token that was taken away does not.
    stand.change(|ssm| ssm.failure = None);
    stand.change(|ssm| ssm.parameters.clear());
    assert_eq!(store.read("/t/0", Fresh).await, Err(ReadError::Absent));
    stand.change(|ssm| ssm.failure = Some(Failure::new(500, "InternalServerError")));
    assert!(store.read("/t/0", Fresh).await.unwrap_err().is_transient());
    assert!(store.read("/t/0", Cached).await.unwrap_err().is_transient());
}
