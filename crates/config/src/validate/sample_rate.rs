//! Which share of purged URLs is verified.

use serde_json::Number;

use purge_router_core::{Code, Invalid, Purge, SampleRate, UrlRules};

use crate::decoded::FieldChecker;

/// The `verify` of a mapping or a zone.
pub(crate) fn sample_rate(number: Option<&Number>, checker: &mut FieldChecker) -> Option<SampleRate> {
    let number = number?;
    let rate = number.as_f64().and_then(SampleRate::parse);
    if rate.is_none() {
        let message = format!("`verify` is {number}, which is neither 0 nor a share from 0.000001 to 1");
        let help = "write the share of URLs to verify, such as 0.01 for each hundredth; 0 for none";
        checker.note("verify", Invalid::new(Code::BadVerify, message, help));
    }
    rate
}

/// Notes a `verify` of a mapping that purges no URL.
pub(crate) fn check_sample_rate(
    rate: Option<SampleRate>,
    purge: Option<&Purge>,
    urls: &UrlRules,
    checker: &mut FieldChecker,
) {
    let is_by_url = matches!(purge, None | Some(Purge::Urls(_) | Purge::Prefixes)) || urls.has_dependents();
    if rate.is_some_and(|rate| !rate.is_zero()) && !is_by_url {
        let message = "only what is purged by URL can be verified, so `verify` has no effect";
        checker.note("verify", Invalid::new(Code::UnusedVerify, message, "remove `verify`, or change `purge`"));
    }
}
