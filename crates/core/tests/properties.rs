//! Properties that hold for any mappings, changes and bytes: the router against a naive one, what a plan never loses,
//! and that reading never panics.

#![allow(clippy::unwrap_used, clippy::panic, reason = "tests may")]

use std::collections::{BTreeMap, BTreeSet};

use proptest::prelude::*;
use proptest::sample::{Index, select};
use purge_router_core::names::BucketName;
use purge_router_core::{
    Change, ChangeKind, Event, Mappings, Origin, Plan, Route, decode, hits, plan, route, route_all,
};

/// A mapping as a test writes it: the TOML comes from it, and so does the naive answer.
#[derive(Debug, Clone)]
struct Rule {
    team: usize,
    bucket: usize,
    prefix: &'static str,
    include: Vec<Glob>,
    exclude: Vec<Glob>,
    events: Vec<ChangeKind>,
    lines: &'static str,
}

/// A pattern with its meaning in plain Rust.
#[derive(Clone, Copy)]
struct Glob(&'static str, fn(&str) -> bool);

impl std::fmt::Debug for Glob {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.0)
    }
}

const GLOBS: &[Glob] = &[
    Glob("*.css", |key| key.ends_with(".css")),
    Glob("a*", |key| key.rsplit('/').next().unwrap().starts_with('a')),
    Glob("/a", |key| key == "a"),
    Glob("b/", |key| key.starts_with("b/") || key.contains("/b/")),
    Glob("/b/", |key| key.starts_with("b/")),
    Glob("b/**", |key| key.starts_with("b/")),
    Glob("b/*", |key| key.strip_prefix("b/").is_some_and(|rest| !rest.contains('/'))),
    Glob("[ab]", |key| matches!(key.rsplit('/').next().unwrap(), "a" | "b")),
    Glob("{x,index}.*", |key| ["x.", "index."].iter().any(|it| key.rsplit('/').next().unwrap().starts_with(it))),
    Glob("**", |_| true),
];

const BUCKETS: &[&str] = &["one", "two"];
/// Some are longer than the eight bytes of a prefix that the index compares at first.
const PREFIXES: &[&str] =
    &["", "a/", "a/b/", "a/b/a/", "ab/", "b/", "long-name/", "long-name/a/", "long-name/ab/", "long-names/"];
const LINES: &[&str] = &[
    "",
    "clean_urls = true",
    "purge = \"prefixes\"",
    "purge = \"hosts\"",
    "purge = \"everything\"",
    "purge = \"tags\"\ntags = [\"{dir}-{ext}\"]",
    "mode = \"invalidate\"",
    "escalate_above = 3",
    "escalate_after = \"1s\"",
    "query_strings = [\"\", \"v=1\"]\nschemes = [\"http\", \"https\"]",
    "vary_headers = [{ A = \"1\" }, { B = \"2\" }]",
    "hostnames = [\"www.ZONE\", \"ZONE2\"]",
    "also = [\"/\", \"/{dir}/{stem}\"]",
    "listings = \"ancestors\"",
    "listings = \"parent\"\npurge = \"prefixes\"",
    "query_strings = \"any\"\nclean_urls = true",
    "add_prefix = \"x/\"\npath_rewrite = \"transform-rule\"\npurge = \"prefixes\"\nalso = [\"/\"]",
    "also = [\"/feed\"]\npurge = \"tags\"\ntags = [\"{dir}-{ext}\"]",
    "purge = \"hosts\"\nhostnames = [\"ZONE\", \"ZONE2\"]",
];
const KINDS: &[ChangeKind] =
    &[ChangeKind::Created, ChangeKind::Removed, ChangeKind::Restored, ChangeKind::Tagged, ChangeKind::Acl];

/// The naive router.
fn fires(rule: &Rule, change: &Change) -> bool {
    if BUCKETS[rule.bucket] != change.bucket.as_str() || !change.key.starts_with(rule.prefix) {
        return false;
    }
    let relative = &change.key[rule.prefix.len()..];
    let any = |globs: &[Glob]| globs.iter().any(|glob| glob.1(relative));
    rule.events.contains(&change.kind) && (rule.include.is_empty() || any(&rule.include)) && !any(&rule.exclude)
}

fn to_toml(rules: &[Rule]) -> String {
    let mut text = "version = 1\n".to_owned();
    for team in 0..2 {
        text += &format!(
            "[teams.t{team}]\nowns = [\"s3://one/\", \"s3://two/\"]\n[teams.t{team}.zones.\"z{team}.com\"]\n\
             zone_id = \"{team:032x}\"\nhostnames = [\"z{team}.com\", \"www.z{team}.com\"]\nurls_per_request = 7\n\
             [teams.t{team}.zones.\"z{team}.net\"]\nzone_id = \"a{team:031x}\"\nhostnames = [\"z{team}.net\"]\n"
        );
        for rule in rules.iter().filter(|rule| rule.team == team) {
            let globs = |globs: &[Glob]| format!("{:?}", globs.iter().map(|glob| glob.0).collect::<Vec<_>>());
            let events = rule.events.iter().map(|kind| kind.as_str()).collect::<Vec<_>>();
            // Escalation is refused without a prefix.
            let lines = if rule.prefix.is_empty() {
                rule.lines.replace("escalate_above = 3", "").replace("escalate_after = \"1s\"", "")
            } else {
                rule.lines.to_owned()
            };
            let lines = lines.replace("ZONE2", &format!("z{team}.net")).replace("ZONE", &format!("z{team}.com"));
            text += &format!(
                "[[teams.t{team}.mappings]]\nsource = \"s3://{}/{}\"\nzones = [\"z{team}.com\", \"z{team}.net\"]\ninclude = {}\nexclude = {}\n\
                 events = {events:?}\n{lines}\n",
                BUCKETS[rule.bucket],
                rule.prefix,
                globs(&rule.include),
                globs(&rule.exclude),
            );
        }
    }
    text
}

fn mappings(rules: &[Rule]) -> Mappings {
    let text = to_toml(rules);
    purge_router_config::from_toml(&text).unwrap_or_else(|problems| panic!("{problems:#?} in {text}"))
}

prop_compose! {
    fn rule()(
        team in 0..2usize,
        bucket in 0..2usize,
        prefix in select(PREFIXES),
        include in prop::collection::vec(select(GLOBS), 0..3),
        exclude in prop::collection::vec(select(&GLOBS[..GLOBS.len() - 1]), 0..2),
        events in prop::sample::subsequence(KINDS, 1..=5),
        lines in select(LINES),
    ) -> Rule {
        Rule { team, bucket, prefix, include, exclude, events, lines }
    }
}

const SEGMENTS: &[&str] =
    &["a", "b", "ab", "x.css", "a b+", "index.html", "ü|(1)", ".", "", "long-name", "long-name", "long-names"];

/// Keys of few segments, so that globs, prefixes and duplicates meet; some with characters of several spellings.
fn key() -> impl Strategy<Value = String> {
    prop::collection::vec(select(SEGMENTS), 1..5)
        .prop_map(|segments| segments.join("/"))
        .prop_filter("keys are never empty", |key| !key.is_empty())
}

prop_compose! {
    fn change()(bucket in select(BUCKETS), key in key(), kind in select(KINDS), origin in 0..4u8) -> Change {
        let origin = Origin::Message(format!("m{origin}").into());
        Change {
            bucket: BucketName::parse(bucket).unwrap(),
            key,
            kind,
            etag: None,
            time: None,
            version: Default::default(),
            origin,
            second_purge_of: None,
            verification: None,
        }
    }
}

fn planned(mappings: &Mappings, changes: &[Change]) -> Plan {
    plan(mappings, Event { changes: changes.to_vec(), ..Event::default() })
}

/// Everything that a plan purges: (team, zone, mode, item, origin).
fn purges(plan: &Plan) -> BTreeSet<(String, String, String, String, String)> {
    let mut purges = BTreeSet::new();
    for batch in &plan.batches {
        for item in batch.items() {
            for origin in &item.origins {
                purges.insert((
                    batch.zone.team.to_string(),
                    batch.zone.domain.to_string(),
                    format!("{:?}", batch.mode),
                    format!("{:?}", item.item),
                    origin.to_string(),
                ));
            }
        }
    }
    purges
}

proptest! {
    #[test]
    fn the_router_agrees_with_a_naive_one(rules in prop::collection::vec(rule(), 0..6), change in change()) {
        let mappings = mappings(&rules);
        let mut by_team = rules;
        by_team.sort_by_key(|rule| rule.team);
        let expected: Vec<bool> = by_team.iter().map(|rule| fires(rule, &change)).collect();
        let routes: Vec<_> = route_all(&mappings, &change).collect();
        prop_assert!(routes.iter().zip(mappings.all()).all(|(route, mapping)| route.mapping.name == mapping.name));
        prop_assert_eq!(routes.iter().map(|route| route.is_hit()).collect::<Vec<_>>(), expected);
        let accepted = |routes: &mut dyn Iterator<Item = Route<'_>>| {
            routes.filter(Route::is_hit).map(|route| route.index).collect::<Vec<_>>()
        };
        let of_bucket = accepted(&mut route(&mappings, &change));
        prop_assert_eq!(&of_bucket, &accepted(&mut routes.into_iter()), "no mapping of another bucket is a hit");
        let located = mappings.locate([&change]);
        let mut found: Vec<usize> = located.flat_map(|located| hits(&mappings, located)).collect();
        found.sort_unstable();
        prop_assert_eq!(found, of_bucket, "by the index");
    }

    #[test]
    fn a_plan_keeps_its_limits_and_loses_nothing(
        rules in prop::collection::vec(rule(), 0..6),
        changes in prop::collection::vec(change(), 0..12),
    ) {
        // Escalation alone depends on the neighbors, so it has a property of its own below.
        let rules: Vec<Rule> = rules.into_iter().filter(|rule| !rule.lines.contains("escalate")).collect();
        let mappings = mappings(&rules);
        let plan = planned(&mappings, &changes);

        let alone = changes.iter().flat_map(|change| purges(&planned(&mappings, std::slice::from_ref(change))));
        prop_assert_eq!(purges(&plan), alone.collect::<BTreeSet<_>>(), "together as alone");

        let mut seen = BTreeSet::new();
        let mut order = Vec::new();
        for batch in &plan.batches {
            prop_assert!(!batch.items().is_empty());
            prop_assert!(batch.items().len() <= batch.zone.items_per_request(batch.method().class()));
            let of_team = format!("z{}.", &batch.zone.team.as_str()[1..]);
            prop_assert!(batch.zone.domain.as_str().starts_with(&of_team), "one team's zone");
            for item in batch.items() {
                prop_assert_eq!(item.item.method(), batch.method());
                prop_assert!(!item.origins.is_empty());
                let key = (batch.zone.zone_id.clone(), batch.mode, item.item.clone());
                prop_assert!(seen.insert(key), "twice: {:?}", item);
            }
            order.push((batch.zone.team.clone(), batch.zone.domain.clone()));
        }
        prop_assert!(order.is_sorted());

        // As few requests as there can be: ⌈different items / limit⌉ for each zone, mode and method, by what each change
        // purges alone.
        let mut different: BTreeMap<_, BTreeSet<_>> = BTreeMap::new();
        for change in &changes {
            for batch in planned(&mappings, std::slice::from_ref(change)).batches {
                let group = (batch.zone.zone_id.clone(), batch.mode, batch.method());
                let items = batch.items().iter().map(|item| item.item.clone());
                different.entry(group).or_default().extend(items);
            }
        }
        let mut groups: BTreeMap<_, Vec<usize>> = BTreeMap::new();
        for batch in &plan.batches {
            let group = (batch.zone.zone_id.clone(), batch.mode, batch.method());
            groups.entry(group).or_default().push(batch.items().len());
        }
        for ((zone_id, mode, method), sizes) in groups {
            let zone = plan.batches.iter().map(|batch| &batch.zone).find(|zone| zone.zone_id == zone_id).unwrap();
            let limit = zone.items_per_request(method.class());
            let group = (zone_id, mode, method);
            prop_assert_eq!(sizes.len(), different[&group].len().div_ceil(limit));
            prop_assert!(sizes[..sizes.len() - 1].iter().all(|size| *size == limit), "{:?}", sizes);
        }
    }

    #[test]
    fn every_change_is_accounted_for(rules in prop::collection::vec(rule(), 0..6), change in change()) {
        let mappings = mappings(&rules);
        let accepted = route(&mappings, &change).filter(Route::is_hit).count();
        let plan = planned(&mappings, std::slice::from_ref(&change));
        prop_assert_eq!(plan.unmatched.len(), usize::from(accepted == 0));
        prop_assert!(accepted == 0 || !plan.batches.is_empty() || !plan.rejected.is_empty());
        let origins = plan.batches.iter().flat_map(|batch| batch.origins());
        prop_assert!(origins.chain(plan.rejected.iter().map(|rejected| &rejected.origin)).all(|origin| *origin == change.origin));
    }

    #[test]
    fn escalation_covers_every_url_that_it_replaces(keys in prop::collection::vec(key(), 1..12)) {
        let rule = |lines| Rule { team: 0, bucket: 0, prefix: "a/", include: vec![], exclude: vec![], events: vec![ChangeKind::Created], lines };
        let changes: Vec<Change> = keys.iter().map(|key| Change {
            bucket: BucketName::parse("one").unwrap(),
            key: format!("a/{key}"),
            kind: ChangeKind::Created,
            time: None,
            etag: None,
            second_purge_of: None,
            verification: None,
            version: Default::default(),
            origin: Origin::Invocation,
        }).collect();
        let items = |lines: &'static str| {
            let plan = planned(&mappings(&[rule(lines)]), &changes);
            plan.batches.iter().flat_map(|batch| batch.items()).map(|item| item.item.to_string()).collect::<BTreeSet<_>>()
        };
        for (lines, escalating) in [
            ("clean_urls = true", "clean_urls = true\nescalate_above = 3"),
            ("clean_urls = true\nquery_strings = \"any\"", "clean_urls = true\nquery_strings = \"any\"\nescalate_above = 3"),
        ] {
            let (urls, escalated) = (items(lines), items(escalating));
            prop_assert_eq!(urls.len() > 3, escalated != urls);
            for url in urls {
                let path = url.strip_prefix("https://").unwrap_or(&url);
                let covered = escalated.iter().any(|item| url == *item || path.starts_with(item.as_str()));
                prop_assert!(covered, "{} by {:?}", url, escalated);
            }
        }
    }

    #[test]
    fn decoding_never_panics_on_any_bytes(bytes in prop::collection::vec(any::<u8>(), 0..200)) {
        let _ = decode(&bytes);
    }

    #[test]
    fn decoding_never_panics_on_a_broken_event(cuts in prop::collection::vec((any::<Index>(), "\\PC{0,3}"), 0..4)) {
        let mut text = include_str!("../../../examples/sqs.json").to_owned();
        for (at, splice) in cuts {
            let at = at.index(text.len() + 1);
            if text.is_char_boundary(at) {
                text.insert_str(at, &splice);
            }
        }
        let _ = decode(text.as_bytes());
    }

    #[test]
    fn no_message_of_a_batch_is_lost(bodies in prop::collection::vec(body(), 0..8)) {
        let records: Vec<_> = bodies.iter().enumerate().map(|(index, body)| serde_json::json!({
            "messageId": format!("m{index}"), "eventSource": "aws:sqs", "body": body,
        })).collect();
        let event = decode(serde_json::json!({ "Records": records }).to_string().as_bytes()).unwrap();
        let mut origins: BTreeSet<String> = BTreeSet::new();
        origins.extend(event.changes.iter().map(|change| change.origin.to_string()));
        origins.extend(event.ignored.iter().map(|ignored| ignored.origin.to_string()));
        origins.extend(event.rejected.iter().map(|rejected| rejected.origin.to_string()));
        prop_assert_eq!(origins, (0..bodies.len()).map(|index| format!("m{index}")).collect::<BTreeSet<_>>());
    }

    #[test]
    fn reading_mappings_never_panics(cuts in prop::collection::vec((any::<Index>(), any::<Index>(), "\\PC{0,4}"), 0..4)) {
        let mut text = include_str!("../../../mappings.example.toml").to_owned();
        for (from, length, splice) in cuts {
            let from = from.index(text.len());
            let to = (from + length.index(40)).min(text.len());
            if text.is_char_boundary(from) && text.is_char_boundary(to) {
                text.replace_range(from..to, &splice);
            }
        }
        if let Err(problems) = purge_router_config::from_toml(&text) {
            prop_assert!(!problems.is_empty());
            for problem in problems {
                let span = problem.span.clone().unwrap();
                prop_assert!(text.get(span).is_some(), "{:?}", problem);
            }
        }
    }
}

/// A message's body: an event, a broken one, or anything.
fn body() -> impl Strategy<Value = String> {
    prop_oneof![
        Just(r#"{"Event":"s3:TestEvent"}"#.to_owned()),
        key().prop_map(|key| {
            serde_json::json!({"Records": [{
                "eventVersion": "2.1", "eventSource": "aws:s3", "eventName": "ObjectCreated:Put",
                "s3": {"bucket": {"name": "one"}, "object": {"key": key}},
            }]})
            .to_string()
        }),
        "\\PC{0,30}",
        Just(String::new()),
    ]
}
