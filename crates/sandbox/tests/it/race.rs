//! A purge while the edge waits for the origin server: the old answer must not be cached after it.

use std::time::Duration;

use purge_router_test_support::until;

use crate::fixture::{OTHER, OTHER_TOKEN, SITE, SITE_TOKEN, SandboxFixture, Seen, builder};

const SLOW: Duration = Duration::from_millis(300);
const EVERYTHING: &str = r#"{"purge_everything": true}"#;

/// Requests `/a`, and calls `endpoint` for a zone while the origin server delays the old answer.
async fn purge_during_fetch(fixture: &SandboxFixture, endpoint: &str, zone_id: &str, secret: &str, body: &str) -> Seen {
    let hits = fixture.origin.hits();
    fixture.origin.put("/a", "old");
    fixture.origin.set_delay(SLOW);
    let purge = async {
        until(async || fixture.origin.hits() > hits).await;
        fixture.origin.put("/a", "new");
        fixture.origin.set_delay(Duration::ZERO);
        assert_eq!(fixture.send(endpoint, zone_id, secret, body).await.status(), 200);
    };
    let (seen, ()) = tokio::join!(fixture.get("www.example.com", "/a"), purge);
    assert_eq!(seen.body, "old", "the answer was on its way before the purge");
    fixture.get("www.example.com", "/a").await
}

#[tokio::test]
async fn an_answer_fetched_before_a_purge_is_not_stored_after_it() {
    let url = r#"{"files": ["https://www.example.com/a"]}"#;
    for (endpoint, body) in
        [("purge_cache", url), ("purge_cache", EVERYTHING), ("invalidate_cache", url), ("invalidate_cache", EVERYTHING)]
    {
        let fixture = SandboxFixture::new().await;
        let seen = purge_during_fetch(&fixture, endpoint, SITE, SITE_TOKEN, body).await;
        assert_eq!((seen.body.as_str(), seen.cache()), ("new", "MISS"), "{endpoint} {body}");
    }
}

#[tokio::test]
async fn a_purge_of_another_zone_has_no_effect() {
    let fixture = SandboxFixture::new().await;
    let seen = purge_during_fetch(&fixture, "purge_cache", OTHER, OTHER_TOKEN, EVERYTHING).await;
    assert_eq!((seen.body.as_str(), seen.cache()), ("old", "HIT"));
}

#[tokio::test]
async fn a_purge_while_a_stale_entry_is_fetched_again() {
    let fixture = SandboxFixture::new().await;
    fixture.origin.put("/a", "older");
    fixture.get("www.example.com", "/a").await;
    assert_eq!(fixture.send("invalidate_cache", SITE, SITE_TOKEN, EVERYTHING).await.status(), 200);
    let seen = purge_during_fetch(&fixture, "invalidate_cache", SITE, SITE_TOKEN, EVERYTHING).await;
    assert_eq!((seen.body.as_str(), seen.cache()), ("new", "EXPIRED"));
}

#[tokio::test]
async fn a_sandbox_that_shows_the_race_stores_the_old_answer() {
    let fixture = SandboxFixture::of(builder().rate_limits(false).purge_race(true)).await;
    let seen = purge_during_fetch(&fixture, "purge_cache", SITE, SITE_TOKEN, EVERYTHING).await;
    assert_eq!((seen.body.as_str(), seen.cache()), ("old", "HIT"));
    fixture.purge(EVERYTHING).await;
    assert_eq!(fixture.get("www.example.com", "/a").await.body, "new", "a second purge evicts it");
}
