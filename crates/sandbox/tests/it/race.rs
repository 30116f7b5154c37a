//! A purge while the edge waits for the origin server: the old answer must not be cached after it.

use std::time::Duration;

use crate::world::{OTHER, OTHER_TOKEN, SITE, SITE_TOKEN, Seen, World};

const SLOW: Duration = Duration::from_millis(300);
const EVERYTHING: &str = r#"{"purge_everything": true}"#;

/// Requests `/a`, and calls `endpoint` for a zone while the origin server delays the old answer.
async fn purge_during_fetch(world: &World, endpoint: &str, zone_id: &str, secret: &str, body: &str) -> Seen {
    let hits = world.origin.hits();
    world.origin.put("/a", "old");
    world.origin.set_delay(SLOW);
    let purge = async {
        while world.origin.hits() == hits {
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
        world.origin.put("/a", "new");
        world.origin.set_delay(Duration::ZERO);
        assert_eq!(world.send(endpoint, zone_id, secret, body).await.status(), 200);
    };
    let (seen, ()) = tokio::join!(world.get("www.example.com", "/a"), purge);
    assert_eq!(seen.body, "old", "the answer was on its way before the purge");
    world.get("www.example.com", "/a").await
}

#[tokio::test]
async fn an_answer_fetched_before_a_purge_is_not_stored_after_it() {
    let url = r#"{"files": ["https://www.example.com/a"]}"#;
    for (endpoint, body) in
        [("purge_cache", url), ("purge_cache", EVERYTHING), ("invalidate_cache", url), ("invalidate_cache", EVERYTHING)]
    {
        let world = World::new().await;
        let seen = purge_during_fetch(&world, endpoint, SITE, SITE_TOKEN, body).await;
        assert_eq!((seen.body.as_str(), seen.cache()), ("new", "MISS"), "{endpoint} {body}");
    }
}

#[tokio::test]
async fn a_purge_of_another_zone_has_no_effect() {
    let world = World::new().await;
    let seen = purge_during_fetch(&world, "purge_cache", OTHER, OTHER_TOKEN, EVERYTHING).await;
    assert_eq!((seen.body.as_str(), seen.cache()), ("old", "HIT"));
}

#[tokio::test]
async fn a_purge_while_a_stale_entry_is_fetched_again() {
    let world = World::new().await;
    world.origin.put("/a", "older");
    world.get("www.example.com", "/a").await;
    assert_eq!(world.send("invalidate_cache", SITE, SITE_TOKEN, EVERYTHING).await.status(), 200);
    let seen = purge_during_fetch(&world, "invalidate_cache", SITE, SITE_TOKEN, EVERYTHING).await;
    assert_eq!((seen.body.as_str(), seen.cache()), ("new", "EXPIRED"));
}
