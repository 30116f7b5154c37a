//! Pure decisions of purge-router: mappings and events in, plans out. No clock, environment, network, file or async.
//!
//! One event from bytes to the body of a request, as the function and the command plan it:
//!
//! ```
//! use purge_router_core::{decode, plan};
//!
//! let mappings = purge_router_config::from_toml(r#"
//!     version = 1
//!     [teams.web]
//!     owns = ["s3://assets.website.com/"]
//!     [teams.web.zones."website.co.uk"]
//!     zone_id = "023e105f4ecef8ad9ca31a8372d0c353"
//!     hostnames = ["www.website.co.uk"]
//!     [[teams.web.mappings]]
//!     source = "s3://assets.website.com/uk/"
//!     zones = ["website.co.uk"]
//!     include = ["*.{css,js}"]
//!     strip_prefix = "uk/"
//! "#).unwrap();
//!
//! // A key in an S3 notification is form-encoded: this object's key is `uk/css/a b.css`.
//! let event = decode(br#"{"Records": [{"eventVersion": "2.1", "eventSource": "aws:s3",
//!     "eventName": "ObjectCreated:Put", "s3": {
//!         "bucket": {"name": "assets.website.com"},
//!         "object": {"key": "uk/css/a+b.css"}}}]}"#).unwrap();
//!
//! let plan = plan(&mappings, event);
//! let body = serde_json::to_string(&plan.batches[0].body()).unwrap();
//! assert_eq!(body, r#"{"files":["https://www.website.co.uk/css/a%20b.css","https://www.website.co.uk/css/a+b.css"]}"#);
//! assert_eq!(plan.batches[0].zone.token.as_str(), "/purge-router/web/website.co.uk");
//! ```
//!
//! The stages are [`decode()`] → [`route()`] → [`plan()`]: bytes become [`Change`]s, mappings accept or decline them,
//! and what they purge is joined into [`Batch`]es. What can't be purged is [`Rejected`], of a [`RejectionKind`];
//! [`Plan::failed_origins`] says which of it must be retried. [`plan_until`] stops at a deadline that its caller
//! watches, and rejects changes in [`UncertainBuckets`].
//!
//! [`Mappings`] is valid by construction: nothing in it leads to another team's zone or token.

#![cfg_attr(not(test), deny(clippy::indexing_slicing, clippy::expect_used))]

mod decode;
mod edge_response;
mod explain;
mod model;
mod plan;
mod purge;
mod route;
mod tag_rule;

pub use decode::{Decoded, Message, NotAnEvent, decode, decode_with_messages};
pub use edge_response::{Content, EdgeResponse, Judgment, Verdict};
pub use explain::{
    MeantPattern, Mismatch, Objects, PublicUrl, UrlAnswer, UrlSource, Via, decoded_object, meant_pattern, near_exclude,
    near_hostname, near_miss, url_sources, url_verdict,
};
pub use model::change::{Change, ChangeKind, Origin};
pub use model::code::Code;
pub use model::etag::ETag;
pub use model::event::{Event, Ignored, Rejected, RejectionKind};
pub use model::invalid::Invalid;
pub use model::last_purge::{LastPurge, LastPurges, ObjectVersion, PurgedContent, Sequencer, TeamObject};
pub use model::mapping::{Escalation, Listings, Mapping, Mode, PathRewrite, Purge, QueryStrings, Scheme, UrlRules};
pub use model::mappings::{Mappings, NotOwned};
pub use model::path_template::PathTemplate;
pub use model::purged_items::{PURGED_ITEMS, PurgeHash, PurgedItems};
pub use model::sample::Sample;
pub use model::second_purge::SecondPurge;
pub use model::short_text::ShortText;
pub use model::spelling::{ENCODERS, Encoder, SpellingWord, Spellings};
pub use model::tag::{TagTemplate, is_tag};
pub use model::verification::{SampleRate, Verification};
pub use model::zone::{Team, Zone};
pub use model::{bounds, glob, limits, names, suggest};
pub use plan::{
    Batch, BatchItem, Drain, EdgeCheck, Escalated, Plan, PurgeRequest, Remember, UncertainBuckets, Unchanged,
    Unmatched, batches, objects_to_remember, oversize, plan, plan_until,
};
pub use purge::item::{Body, Item, Method};
pub use purge::named_paths::{NamedPaths, named_paths};
pub use purge::path_prefix::{has_shared_prefix, paths_after_rule};
pub use purge::paths::DotSegments;
pub use route::{Decline, LocatedChange, Route, hits, route, route_all};
pub use tag_rule::{NoTagRule, TagRule, tag_rules};
