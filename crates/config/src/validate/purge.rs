//! What a mapping purges, and the fields that only some methods use.

use purge_router_core::names::Source;
use purge_router_core::{Code, Invalid, Purge, TagTemplate, UrlRules, shared_folder};

use crate::decoded::FieldChecker;
use crate::spec::MappingSpec;
use crate::validate::words::word;

#[derive(Clone, Copy, PartialEq)]
enum Method {
    Urls,
    Prefixes,
    Hosts,
    Tags,
    Everything,
}

const METHODS: &[(&str, Method)] = &[
    ("urls", Method::Urls),
    ("prefixes", Method::Prefixes),
    ("hosts", Method::Hosts),
    ("tags", Method::Tags),
    ("everything", Method::Everything),
];

const MAX_ESCALATE_ABOVE: usize = 1_000_000;

pub(crate) fn purge(
    source: Option<&Source>,
    urls: &UrlRules,
    spec: &MappingSpec,
    checker: &mut FieldChecker,
) -> Option<Purge> {
    let word = word(Code::UnknownPurge, "a purge method", METHODS);
    let method = checker.optional("purge", spec.purge.as_deref(), word).unwrap_or(Method::Urls);
    let tags = checker.list("tags", spec.tags.as_deref(), TagTemplate::parse).unwrap_or_default();
    let escalate_above = checker.number("escalate_above", spec.escalate_above, 0..=MAX_ESCALATE_ABOVE);
    let escalate_above = escalate_above.unwrap_or_default();
    if checker.is_wrong("purge") {
        return None;
    }
    check_tags(method, &tags, checker);
    if escalate_above > 0 {
        check_escalation(method, source, urls, checker);
    }
    Some(match method {
        Method::Urls => Purge::Urls { escalate_above },
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

fn check_escalation(method: Method, source: Option<&Source>, urls: &UrlRules, checker: &mut FieldChecker) {
    if method != Method::Urls {
        let message = "only `purge = \"urls\"` can escalate";
        let invalid = Invalid::new(Code::EscalationWithoutUrls, message, "leave `escalate_above` out");
        checker.note("escalate_above", invalid);
        return;
    }
    if source.is_some_and(|source| shared_folder(urls, source).bytes().all(|byte| byte == b'/')) {
        let message = "the mapping's URLs share no folder, so a prefix purge would purge the whole host";
        let help =
            "give the URLs a folder by a prefix that is not stripped or by `add_prefix`, or leave `escalate_above` out";
        checker.note("escalate_above", Invalid::new(Code::EscalationWithoutPrefix, message, help));
    }
}
