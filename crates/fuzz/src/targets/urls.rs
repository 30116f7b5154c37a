//! URLs: the first byte chooses the mapping, and the others are a key. Each item is a URL or a prefix of one of the
//! mapping's hostnames, as it is sent, and each URL's path is one that the key leads to.

use std::sync::LazyLock;

use purge_router_core::names::BucketName;
use purge_router_core::{Change, ChangeKind, Event, Item, Mappings, Origin, plan};
use url::Url;

const FILE: &str = r#"
version = 1
[teams.web]
owns = ["s3://bucket-0/", "s3://bucket-1/", "s3://bucket-2/", "s3://bucket-3/"]
[teams.web.zones."website.co.uk"]
zone_id = "023e105f4ecef8ad9ca31a8372d0c353"
hostnames = ["www.website.co.uk", "assets.website.co.uk"]
[[teams.web.mappings]]
source = "s3://bucket-0/"
zones = ["website.co.uk"]
[[teams.web.mappings]]
source = "s3://bucket-1/"
zones = ["website.co.uk"]
add_prefix = "media/"
index_documents = ["index.html"]
clean_urls = true
schemes = ["https", "http"]
query_strings = ["", "w=640"]
vary_headers = [{ "CF-Device-Type" = "mobile" }]
hostnames = ["www.website.co.uk"]
[[teams.web.mappings]]
source = "s3://bucket-2/"
zones = ["website.co.uk"]
purge = "prefixes"
[[teams.web.mappings]]
source = "s3://bucket-3/"
zones = ["website.co.uk"]
also = ["/{dir}/feed.xml", "/{bucket}/{stem}.{ext}"]
listings = "ancestors"
"#;

static MAPPINGS: LazyLock<Mappings> =
    LazyLock::new(|| purge_router_config::from_toml(FILE).expect("the mapping file is valid"));

pub(crate) fn check(input: &[u8]) {
    let Some((variant, key)) = input.split_first() else { return };
    let key = String::from_utf8_lossy(key).into_owned();
    if key.is_empty() {
        return;
    }
    let bucket = BucketName::parse(&format!("bucket-{}", variant % 4)).expect("a bucket's name");
    let has_dependents = bucket.as_str() == "bucket-3";
    let is_restricted = bucket.as_str() == "bucket-1";
    let change = Change {
        bucket,
        key,
        kind: ChangeKind::Created,
        etag: None,
        time: None,
        origin: Origin::Invocation,
        version: Default::default(),
        second_purge_of: None,
        verification: None,
    };
    let event = || Event { changes: vec![change.clone()], ..Event::default() };
    let (planned, again) = (plan(&MAPPINGS, event()), plan(&MAPPINGS, event()));
    let items = |plan: &purge_router_core::Plan| -> Vec<Item> {
        plan.batches.iter().flat_map(|batch| batch.items()).map(|item| item.item.clone()).collect()
    };
    let found = items(&planned);
    assert_eq!(found, items(&again), "a second plan differs");
    assert!(planned.unmatched.is_empty(), "the mapping accepts every key");
    assert!(!found.is_empty() || !planned.rejected.is_empty(), "a change is purged or rejected: {planned:?}");
    // A key without a URL may have dependent paths.
    let is_both = !found.is_empty() && !planned.rejected.is_empty();
    assert!(!is_both || has_dependents, "a change is purged and rejected: {planned:?}");
    for item in found {
        match &item {
            Item::Url(url) | Item::UrlWithHeaders { url, .. } => check_url(url, is_restricted),
            Item::Prefix(prefix) => check_url(&format!("https://{prefix}"), is_restricted),
            other => assert_eq!(other, &Item::Everything, "no mapping asks for this"),
        }
    }
}

fn check_url(text: &str, is_restricted: bool) {
    let url = Url::parse(text).expect("a URL parses");
    let host = url.host_str().unwrap_or_default();
    let is_ours = host == "www.website.co.uk" || (host == "assets.website.co.uk" && !is_restricted);
    assert!(is_ours, "{text} is not of the mapping");
    assert_eq!(url.as_str(), text, "a client would send another URL");
    assert!(url.fragment().is_none() && url.username().is_empty() && url.port().is_none(), "{text} has other parts");
    assert!(matches!(url.query(), None | Some("w=640")), "{text} has another query");
}
