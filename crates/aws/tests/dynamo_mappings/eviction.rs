//! The bound of the cache.

use std::time::Duration;

use purge_router_dynamodb_local::Action;
use serde_json::json;

use crate::fixture::{LONG, look, rows, store, table_of};

#[tokio::test]
async fn a_bucket_in_use_stays_cached_while_many_others_pass_by() {
    let table = table_of(1).await;
    let store = store(&table, LONG);
    for _ in 0..2 {
        look(&store, &["bucket-0"]).await;
        store.advance(Duration::from_secs(2));
    }
    let empty = json!({ "Items": [], "Count": 0, "ScannedCount": 0 });
    table.proxy.on_call(move |_| Action::Answer(200, empty.clone()));
    for round in 0..11 {
        let buckets: Vec<String> = (0..1000).map(|index| format!("other-{round}-{index}")).collect();
        look(&store, &buckets.iter().map(String::as_str).collect::<Vec<_>>()).await;
        table.proxy.calls();
        assert_eq!(rows(&look(&store, &["bucket-0"]).await).len(), 1);
        assert_eq!(table.proxy.operations(), [""; 0], "after {round} rounds");
    }
}
