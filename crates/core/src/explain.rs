//! Why an object is purged or not, for people who ask: which objects lead to a URL, and what is near to a mapping that
//! declines. The function uses none of it.

mod key_guesses;
mod meant_pattern;
mod near_miss;
mod public_url;
mod url_sources;
mod url_verdict;

pub use meant_pattern::{MeantPattern, meant_pattern};
pub use near_miss::{decoded_object, near_exclude, near_hostname, near_miss};
pub use public_url::PublicUrl;
pub use url_sources::{Mismatch, Objects, UrlAnswer, UrlSource, Via, url_sources};
pub use url_verdict::url_verdict;
