//! A process that is frozen in the middle of a read.

use std::pin::{Pin, pin};
use std::time::Duration;

use purge_router_aws::ReadError;
use purge_router_cloudflare::ApiToken;
use purge_router_pipeline::Freshness::{Cached, Fresh};

use crate::stand::{Failure, LONG, Stand, good, stand, token};

/// Starts a read. Its call has arrived, and the answer is held.
async fn start_read(stand: &Stand, mut read: Pin<&mut impl Future<Output = Result<ApiToken, ReadError>>>) {
    stand.calls();
    tokio::select! {
        _ = &mut read => panic!("its answer is held"),
        () = stand.arrived() => {}
    }
}

/// A call that was under way during a freeze: its connection may be dead, and its token old.
#[tokio::test]
async fn a_read_from_before_a_freeze_delays_nobody() {
    let (stand, store) = stand(1, LONG).await;
    let hold = stand.hold();
    let mut before = pin!(store.read("/t/0", Cached));
    start_read(&stand, before.as_mut()).await;
    store.clock.advance(LONG);
    stand.set("/t/0", "SecureString", "rolled");
    for freshness in [Cached, Fresh] {
        let read = tokio::time::timeout(Duration::from_secs(4), store.read("/t/0", freshness)).await;
        assert_eq!(read.unwrap(), token("rolled"), "{freshness:?}");
    }
    hold.notify_one();
    assert_eq!(before.await, token("rolled"), "the old answer arrived, and a newer one is known");
    assert_eq!(store.read("/t/0", Cached).await, token("rolled"), "the old answer replaces no newer one");
    assert_eq!(stand.calls().len(), 3);
}

#[tokio::test]
async fn a_token_that_arrives_after_a_freeze_is_stale() {
    let (stand, store) = stand(1, Duration::from_secs(5)).await;
    let hold = stand.hold();
    start_read(&stand, pin!(store.read("/t/0", Cached))).await;
    stand.set("/t/0", "SecureString", "rolled");
    store.clock.advance(Duration::from_secs(3));
    let (read, ()) = tokio::join!(store.read("/t/0", Cached), async {
        store.clock.advance(Duration::from_secs(3));
        hold.notify_one();
    });
    assert_eq!(read, token("rolled"), "the age is checked again after waiting");
}

#[tokio::test]
async fn a_read_that_fails_after_a_freeze_does_not_stop_the_next_one() {
    let (stand, store) = stand(1, Duration::from_secs(5)).await;
    assert_eq!(store.read("/t/0", Cached).await, good("/t/0"));
    store.clock.advance(Duration::from_secs(5));
    stand.change(|ssm| ssm.failure = Some(Failure::new(500, "InternalServerError")));
    let hold = stand.hold();
    start_read(&stand, pin!(store.read("/t/0", Cached))).await;
    stand.change(|ssm| ssm.failure = None);
    stand.set("/t/0", "SecureString", "rolled");
    store.clock.advance(Duration::from_secs(3));
    let (read, ()) = tokio::join!(store.read("/t/0", Cached), async { hold.notify_one() });
    assert_eq!(read, token("rolled"), "the failed read began before this one was asked for");
}
