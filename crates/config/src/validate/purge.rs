//! What a mapping purges, and the fields that only some methods use.

use std::ops::RangeInclusive;
use std::time::Duration;

use purge_router_core::names::Source;
use purge_router_core::{Code, Escalation, Invalid, Listings, Purge, TagTemplate, UrlRules, has_shared_prefix};

use crate::decoded::FieldChecker;
use crate::spec::MappingSpec;
use crate::validate::words::word;

#[derive(Clone, Copy, PartialEq)]
pub(crate) enum Method {
    Urls,
    Prefixes,
    Hosts,
    Tags,
    Everything,
}

pub(crate) const METHODS: &[(&str, Method)] = &[
    ("urls", Method::Urls),
    ("prefixes", Method::Prefixes),
    ("hosts", Method::Hosts),
    ("tags", Method::Tags),
    ("everything", Method::Everything),
];

pub(crate) const MAX_ESCALATE_ABOVE: usize = 1_000_000;

/// In seconds.
const ESCALATE_AFTER: RangeInclusive<u64> = 1..=3600;

pub(crate) fn purge(
    source: Option<&Source>,
    urls: &UrlRules,
    spec: &MappingSpec,
    checker: &mut FieldChecker,
) -> Option<Purge> {
    let word = word(Code::UnknownPurge, "a purge method", METHODS);
    let method = checker.optional("purge", spec.purge.as_deref(), word).unwrap_or(Method::Urls);
    let tags = checker.list("tags", spec.tags.as_deref(), TagTemplate::parse).unwrap_or_default();
    let escalate_above = spec.escalate_above.and_then(|above| usize::try_from(above).ok());
    let escalate_after = checker.optional("escalate_after", spec.escalate_after.as_deref(), seconds_or_minutes);
    let escalation =
        Escalation { above: escalate_above.unwrap_or_default(), after: escalate_after.unwrap_or_default() };
    if checker.is_wrong("purge") {
        return None;
    }
    check_tags(method, &tags, checker);
    if matches!(method, Method::Hosts | Method::Everything) {
        check_dependents(urls, checker);
    }
    for (field, is_written) in [("escalate_above", escalation.above > 0), ("escalate_after", escalate_after.is_some())]
    {
        if is_written {
            check_escalation(field, method, source, urls, checker);
        }
    }
    Some(match method {
        Method::Urls => Purge::Urls(escalation),
        Method::Prefixes => Purge::Prefixes,
        Method::Hosts => Purge::Hosts,
        Method::Tags => Purge::Tags(tags),
        Method::Everything => Purge::Everything,
    })
}

fn check_tags(method: Method, tags: &[TagTemplate], checker: &mut FieldChecker) {
    match (method, tags) {
        (Method::Tags, []) if !checker.is_wrong("tags") => {
            let help = "write templates: `tags = [\"{bucket}/{dir}\"]`";
            checker.note("purge", Invalid::new(Code::NoTags, "`purge = \"tags\"` needs tags", help));
        }
        (Method::Tags, _) | (_, []) => {}
        _ => {
            let message = "tags are only purged with `purge = \"tags\"`";
            checker.note("tags", Invalid::new(Code::UnusedTags, message, "write that, or leave `tags` out"));
        }
    }
}

/// Notes the fields for paths that a purge of hosts or of everything takes anyway.
fn check_dependents(urls: &UrlRules, checker: &mut FieldChecker) {
    let message = |field| format!("a purge of hosts or of everything takes every URL, so `{field}` has no effect");
    if !urls.also.is_empty() {
        checker.note("also", Invalid::new(Code::UnusedAlso, message("also"), "remove `also`, or change `purge`"));
    }
    if urls.listings != Listings::None {
        let help = "remove `listings`, or change `purge`";
        checker.note("listings", Invalid::new(Code::UnusedListings, message("listings"), help));
    }
}

/// A time such as `30s` or `2m`.
fn seconds_or_minutes(text: &str) -> Result<Duration, Invalid> {
    let number = |digits: &str, unit| {
        let is_whole = digits.bytes().all(|byte| byte.is_ascii_digit());
        digits.parse::<u64>().ok().filter(|_| is_whole).and_then(|number| number.checked_mul(unit))
    };
    let seconds = match (text.strip_suffix('s'), text.strip_suffix('m')) {
        (Some(digits), _) => number(digits, 1),
        (None, Some(digits)) => number(digits, 60),
        (None, None) => None,
    };
    seconds.filter(|seconds| ESCALATE_AFTER.contains(seconds)).map(Duration::from_secs).ok_or_else(|| {
        let message = format!("`{text}` is not a time from 1 second to 1 hour");
        Invalid::new(Code::BadEscalateAfter, message, "write whole seconds or minutes: `30s` or `2m`")
    })
}

fn check_escalation(
    field: &'static str,
    method: Method,
    source: Option<&Source>,
    urls: &UrlRules,
    checker: &mut FieldChecker,
) {
    if method != Method::Urls {
        let message = "only `purge = \"urls\"` can escalate";
        let invalid = Invalid::new(Code::EscalationWithoutUrls, message, format!("leave `{field}` out"));
        checker.note(field, invalid);
        return;
    }
    if source.is_some_and(|source| !has_shared_prefix(urls, source)) {
        let message = "the mapping's URLs share no folder, so a prefix purge would purge the whole host";
        let help = format!(
            "give the URLs a folder by a prefix that is not stripped or by `add_prefix`, or leave `{field}` out"
        );
        checker.note(field, Invalid::new(Code::EscalationWithoutPrefix, message, help));
    }
}
