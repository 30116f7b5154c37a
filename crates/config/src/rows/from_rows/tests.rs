//! What rows may say, and which of them are skipped.

use serde_json::json;

use purge_router_core::bounds;
use purge_router_core::names::BucketName;
use purge_router_core::{Listings, PathRewrite, QueryStrings};

use super::*;
use crate::rows::needs::{grants_of, needs_of, zones_within};
use crate::validate::cross_team::check_cross_team;
use crate::validate::mapping::MAX_ZONES;

fn row(partition: &str, sort: &str, fields: Value) -> Row {
    Row { key: RowKey::parse(partition, sort), fields: fields.as_object().unwrap().clone() }
}

fn grant(team: &str, owns: &[&str]) -> Row {
    row("GRANTS", team, json!({ "version": 1, "owns": owns }))
}

fn zone(team: &str) -> Row {
    let fields =
        json!({ "version": 1, "zone_id": "023e105f4ecef8ad9ca31a8372d0c353", "hostnames": ["www.website.com"] });
    row(&format!("TEAM#{team}"), "ZONE#website.com", fields)
}

fn mapping(team: &str, prefix: &str) -> Row {
    let fields = json!({ "version": 1, "bucket": "assets", "prefix": prefix, "zones": ["website.com"] });
    row(&format!("TEAM#{team}"), &format!("MAPPING#assets/{prefix}"), fields)
}

fn with(mut row: Row, name: &str, value: Value) -> Row {
    row.fields.insert(name.to_owned(), value);
    row
}

fn without(mut row: Row, name: &str) -> Row {
    row.fields.shift_remove(name);
    row
}

/// The sources of what was read, and `code @ place` of each problem.
fn read(rows: &[Row]) -> (Vec<String>, Vec<String>) {
    let (mappings, skipped) = from_rows(rows);
    let sources = mappings.all().iter().map(|mapping| format!("{} {}", mapping.team, mapping.source)).collect();
    for Skipped { key, problems } in &skipped {
        assert!(problems.iter().all(|problem| problem.place.to_string().starts_with(&key.to_string())));
    }
    let problems = skipped.iter().flat_map(|skipped| &skipped.problems);
    (sources, problems.map(|problem| format!("{} @ {}", problem.code, problem.place)).collect())
}

#[test]
fn a_team_is_read_as_from_a_file() {
    let rows = [grant("web", &["s3://assets/"]), zone("web"), mapping("web", "uk/"), mapping("web", "")];
    let (mappings, skipped) = from_rows(&rows);
    assert_eq!(skipped, []);
    let of_bucket: Vec<_> = mappings.of_bucket(&BucketName::parse("assets").unwrap()).collect();
    let sources: Vec<String> = of_bucket.iter().map(|(_, mapping)| mapping.source.to_string()).collect();
    assert_eq!(sources, ["s3://assets/uk/", "s3://assets/"]);
    let mapping = of_bucket[0].1;
    assert_eq!(mapping.name, "TEAM#web/MAPPING#assets/uk/");
    assert_eq!(mapping.zones[0].token.as_str(), "/purge-router/web/website.com");
    assert_eq!(mapping.zones[0].zone_id.as_str(), "023e105f4ecef8ad9ca31a8372d0c353");
}

#[test]
fn a_row_without_version_or_prefix_is_read() {
    let bare = without(without(mapping("web", ""), "version"), "prefix");
    let (sources, problems) = read(&[without(grant("web", &["s3://assets"]), "version"), zone("web"), bare]);
    assert_eq!((sources, problems), (vec!["web s3://assets/".to_owned()], vec![]));
}

#[test]
fn the_folder_of_tokens_is_the_grants() {
    let granted = with(grant("web", &["s3://assets/"]), "tokens", json!("/shared/web/"));
    let claimed = with(zone("web"), "tokens", json!("/purge-router/docs/"));
    let named = with(zone("web"), "token", json!("main"));
    let (mappings, skipped) = from_rows(&[granted.clone(), named, mapping("web", "uk/")]);
    assert_eq!(skipped, []);
    assert_eq!(mappings.all()[0].zones[0].token.as_str(), "/shared/web/main");
    for token in ["../docs/website.dev", "docs/website.dev", "/purge-router/docs/website.dev", ".."] {
        let (sources, problems) =
            read(&[granted.clone(), with(zone("web"), "token", json!(token)), mapping("web", "uk/")]);
        assert_eq!(sources, [""; 0], "{token}");
        assert_eq!(
            problems,
            ["bad-token-name @ TEAM#web/ZONE#website.com: token", "bad-zone @ TEAM#web/MAPPING#assets/uk/: zones"]
        );
    }
    assert_eq!(read(&[granted, claimed, mapping("web", "uk/")]).0, [""; 0]);
}

#[test]
fn each_wrong_row_is_left_out_and_no_other() {
    let good = || vec![grant("web", &["s3://assets/uk/"]), zone("web"), mapping("web", "uk/")];
    let own = "TEAM#web/MAPPING#assets/";
    for (bad, problem) in [
        (mapping("web", "fr/"), format!("source-not-owned @ {own}fr/: source")),
        (mapping("web", ""), format!("source-not-owned @ {own}: source")),
        (mapping("web", "uk-2/"), format!("source-not-owned @ {own}uk-2/: source")),
        (with(mapping("web", "uk/a/"), "bucket", json!("others")), format!("source-not-owned @ {own}uk/a/: source")),
        (with(mapping("web", "uk/a/"), "version", json!(2)), format!("unknown-version @ {own}uk/a/: version")),
        (with(mapping("web", "uk/a/"), "version", json!("1")), format!("wrong-type @ {own}uk/a/: version")),
        (
            with(mapping("web", "uk/a/"), "zones", json!(["website.net"])),
            format!("unknown-zone @ {own}uk/a/: zones[0]"),
        ),
        (with(mapping("web", "uk/a/"), "zones", json!(null)), format!("wrong-type @ {own}uk/a/: zones")),
        (with(mapping("web", "uk/a/"), "inclde", json!(["*.css"])), format!("unknown-field @ {own}uk/a/: inclde")),
        (with(mapping("web", "uk/a/"), "include", json!(["[a"])), format!("bad-glob @ {own}uk/a/: include[0]")),
        (with(mapping("web", "uk/a/"), "source", json!("s3://assets/uk/")), format!("unknown-field @ {own}uk/a/")),
        (without(mapping("web", "uk/a/"), "bucket"), format!("missing-field @ {own}uk/a/")),
        (with(mapping("web", "uk/a/"), "prefix", json!(7)), format!("wrong-type @ {own}uk/a/: prefix")),
        (row("TEAM#Web", "MAPPING#x", json!({ "bucket": "assets" })), "no-team @ TEAM#Web/MAPPING#x".to_owned()),
        (row("web", "MAPPING#x", json!({ "bucket": "assets" })), "no-team @ web/MAPPING#x".to_owned()),
        (row("TEAM#web", "x", json!({ "bucket": "assets" })), "no-mapping @ TEAM#web/x".to_owned()),
        (mapping("docs", "uk/"), "no-grant @ TEAM#docs/MAPPING#assets/uk/".to_owned()),
    ] {
        let mut rows = good();
        rows.insert(1, bad);
        let (sources, problems) = read(&rows);
        assert_eq!(sources, ["web s3://assets/uk/"], "{problem}");
        assert!(problems.contains(&problem), "{problem} is not in {problems:?}");
        assert!(problems.iter().all(|it| !it.contains("MAPPING#assets/uk/:") || it == &problem), "{problems:?}");
    }
}

#[test]
fn a_grant_that_can_not_be_read_grants_nothing() {
    let mappings = || vec![zone("web"), mapping("web", "uk/")];
    for (grant, expected) in [
        (with(grant("web", &["s3://assets/"]), "version", json!(2)), "unknown-version @ GRANTS/web: version"),
        (with(grant("web", &["s3://assets/"]), "tokens", json!("nope")), "bad-token-folder @ GRANTS/web: tokens"),
        (with(grant("web", &["s3://assets/"]), "tokens", json!(1)), "wrong-type @ GRANTS/web: tokens"),
        (with(grant("web", &[]), "owns", json!("s3://assets/")), "wrong-type @ GRANTS/web: owns"),
        (grant("web", &["s3://assets/u"]), "prefix-without-slash @ GRANTS/web: owns[0]"),
    ] {
        let (sources, problems) = read(&[vec![grant], mappings()].concat());
        assert_eq!((sources, problems.contains(&expected.to_owned())), (vec![], true), "{expected}: {problems:?}");
        assert_eq!(problems.len(), 2);
    }
    let partly = grant("web", &["s3://assets", "nope"]);
    let (sources, problems) = read(&[vec![partly], mappings()].concat());
    assert_eq!(sources, ["web s3://assets/uk/"], "what can be read of it holds");
    assert_eq!(problems, ["bad-source @ GRANTS/web: owns[1]"]);
}

#[test]
fn a_row_can_not_ask_for_more_zones_than_a_mapping_may_name() {
    let names: Vec<String> = (0..20_000).map(|index| format!("zone{index}.com")).collect();
    let many = with(mapping("web", "uk/"), "zones", json!(names));
    assert_eq!(needs_of([&many]).len(), 1 + MAX_ZONES);
    let (sources, problems) = read(&[grant("web", &["s3://assets/"]), zone("web"), many]);
    assert_eq!((sources, problems), (vec![], vec!["too-many-zones @ TEAM#web/MAPPING#assets/uk/: zones".to_owned()]));
}

#[test]
fn a_team_has_so_many_mappings_in_a_bucket_and_others_do_not_count() {
    let bytes = "x".repeat(200);
    let patterns = |index: usize| (10..74).map(|it| format!("{bytes}{index:06}-{it}.css")).collect::<Vec<String>>();
    let numbered = |team: &str, index: usize| mapping(team, &format!("uk/{index:06}/"));
    let many = |team: &'static str, count: usize| (0..count).map(move |index| numbered(team, index));
    let heavy = |index| with(numbered("web", index), "include", json!(patterns(index)));
    let shared = |index| with(numbered("web", index), "include", json!(patterns(0)));
    let room = bounds::PATTERNS / patterns(0).iter().map(String::len).sum::<usize>();
    for (what, rows, left) in [
        ("many", many("web", bounds::MAPPINGS + 2).collect::<Vec<_>>(), bounds::MAPPINGS),
        ("heavy", (0..room + 3).map(heavy).collect(), room),
        ("of equal globs", (0..bounds::MAPPINGS).map(shared).collect(), bounds::MAPPINGS),
    ] {
        let granted = [grant("web", &["s3://assets/"]), zone("web"), grant("docs", &["s3://docs/"]), zone("docs")];
        let others = many("docs", 3);
        let (mappings, skipped) = from_rows(&[&granted[..], &rows, &others.collect::<Vec<_>>()].concat());
        assert_eq!(mappings.all().len(), left, "{what}");
        let codes = |team: &str| -> Vec<&str> {
            let of_team = skipped.iter().filter(|it| it.key.team().is_some_and(|of| of.as_str() == team));
            of_team.flat_map(|it| &it.problems).map(|problem| problem.code.as_str()).collect()
        };
        assert_eq!(codes("web"), vec!["too-many-mappings"; rows.len() - left], "{what}");
        assert_eq!(codes("docs"), ["source-not-owned"; 3], "{what}");
    }
}

#[test]
fn mappings_of_a_bucket_need_so_many_zones_of_a_team_at_most() {
    let naming = |index: usize| {
        let names: Vec<String> = (0..64).map(|of| format!("zone{index}-{of}.com")).collect();
        with(mapping("web", &format!("uk/{index}/")), "zones", json!(names))
    };
    let rows: Vec<Row> = (0..100).map(naming).collect();
    let others = mapping("docs", "");
    // Whole mappings: 15 of 64 zones.
    let of_some = bounds::ZONES / 64 * 64;
    assert_eq!(needs_of(rows.iter().chain([&others])).len(), 2 + of_some + 1);
    let zones = zones_within(&rows, &[grant("web", &["s3://assets/"])]);
    assert_eq!(zones.len(), of_some);
    // When they are read, the same ones are skipped.
    let zone_rows = zones.iter().map(|key| {
        with(
            Row { key: key.clone(), ..zone("web") },
            "hostnames",
            json!([format!("www.{}", &key.sort()["ZONE#".len()..])]),
        )
    });
    let all = [vec![grant("web", &["s3://assets/"])], zone_rows.collect(), rows].concat();
    let (mappings, skipped) = from_rows(&all);
    assert_eq!((mappings.all().len(), skipped.len()), (of_some / 64, 100 - of_some / 64));
    assert!(skipped.iter().flat_map(|it| &it.problems).all(|problem| problem.code == Code::TooManyMappings));
}

#[test]
fn what_two_teams_share_is_reported() {
    let rows = [grant("web", &["s3://assets/"]), zone("web"), grant("shop", &["s3://shop/"]), zone("shop")];
    let (mappings, skipped) = from_rows(&rows);
    assert_eq!(skipped, []);
    let problems: Vec<String> =
        check_cross_team(&mappings).iter().map(|it| format!("{} @ {}", it.code, it.place)).collect();
    assert_eq!(problems, ["zone-of-two-teams @ TEAM#web/ZONE#website.com"]);
    let folder = json!("/purge-router/web/main/");
    let (mappings, _) = from_rows(&[grant("web", &[]), with(grant("shop", &[]), "tokens", folder)]);
    let problems: Vec<String> =
        check_cross_team(&mappings).iter().map(|it| format!("{} @ {}", it.code, it.place)).collect();
    assert_eq!(problems, ["shared-token-folder @ GRANTS/shop: tokens"]);
}

#[test]
fn mappings_need_their_grants_and_zones() {
    let both = with(mapping("web", "uk/"), "zones", json!(["website.com", "website.net", 7, "not a name"]));
    let needs = needs_of(&[both, mapping("docs", ""), zone("other"), row("web", "MAPPING#x", json!({}))]);
    let shown: Vec<String> = needs.iter().map(RowKey::to_string).collect();
    assert_eq!(
        shown,
        [
            "GRANTS/docs",
            "GRANTS/web",
            "TEAM#docs/ZONE#website.com",
            "TEAM#web/ZONE#website.com",
            "TEAM#web/ZONE#website.net"
        ]
    );
    let grants: Vec<String> = grants_of([&mapping("docs", ""), &mapping("web", "uk/"), &zone("shop")])
        .iter()
        .map(RowKey::to_string)
        .collect();
    assert_eq!(grants, ["GRANTS/docs", "GRANTS/web"]);
}

#[test]
fn only_mappings_within_their_grants_need_zones() {
    let rows = [
        mapping("web", "uk/"),
        with(mapping("web", "de/"), "zones", json!(["website.de"])),
        with(mapping("shop", ""), "zones", json!(["shop.com"])),
        with(mapping("none", ""), "zones", json!(["none.com"])),
        without(with(mapping("web", "uk/css/"), "zones", json!(["website.net"])), "bucket"),
        without(with(mapping("docs", ""), "zones", json!(["docs.com"])), "prefix"),
    ];
    let grants = [
        grant("web", &["s3://assets/uk/"]),
        grant("shop", &["s3://shop/"]),
        grant("docs", &["s3://assets/"]),
        with(grant("none", &["s3://assets/"]), "tokens", json!(7)),
    ];
    let zones: Vec<String> = zones_within(&rows, &grants).iter().map(RowKey::to_string).collect();
    assert_eq!(zones, ["TEAM#docs/ZONE#docs.com", "TEAM#web/ZONE#website.com"]);
}

#[test]
fn a_row_that_is_not_granted_is_not_looked_into() {
    let odd = with(with(mapping("web", "de/"), "inclde", json!(1)), "zones", json!(["gone.com"]));
    let (_, skipped) = from_rows(&[grant("web", &["s3://assets/uk/"]), odd.clone()]);
    let problems: Vec<&str> = skipped[0].problems.iter().map(|problem| problem.code.as_str()).collect();
    assert_eq!((problems, skipped[0].is_granted()), (vec!["source-not-owned"], false));
    let (_, skipped) = from_rows(&[grant("web", &["s3://assets/"]), odd.clone()]);
    assert_eq!((skipped[0].problems.len(), skipped[0].is_granted()), (2, true));
    let (_, skipped) = from_rows(&[odd]);
    assert!(!skipped[0].is_granted(), "no grant");
}

#[test]
fn url_rules_are_the_same_in_rows() {
    let fields = [
        ("query_strings", json!("any")),
        ("also", json!(["/", "/{dir}/feed.xml"])),
        ("listings", json!("ancestors")),
        ("spellings", json!(["chromium", "s3-plus"])),
        ("path_rewrite", json!("transform-rule")),
    ];
    let good = fields.into_iter().fold(mapping("web", "uk/"), |row, (name, value)| with(row, name, value));
    let (mappings, skipped) = from_rows(&[grant("web", &["s3://assets/"]), zone("web"), good]);
    assert_eq!(skipped, []);
    let rules = &mappings.all()[0].urls;
    assert_eq!((&rules.query_strings, rules.listings), (&QueryStrings::Any, Listings::Ancestors));
    assert_eq!((rules.also.len(), rules.path_rewrite), (2, PathRewrite::TransformRule));
    for (name, value, problem) in [
        ("query_strings", json!("all"), "bad-query-string @ TEAM#web/MAPPING#assets/: query_strings"),
        ("also", json!(["feed.xml"]), "bad-also @ TEAM#web/MAPPING#assets/: also[0]"),
        ("listings", json!("all"), "unknown-listings @ TEAM#web/MAPPING#assets/: listings"),
        ("spellings", json!(["browsers"]), "unknown-spelling @ TEAM#web/MAPPING#assets/: spellings[0]"),
        ("path_rewrite", json!("worker"), "unknown-path-rewrite @ TEAM#web/MAPPING#assets/: path_rewrite"),
    ] {
        let rows = [grant("web", &["s3://assets/"]), zone("web"), with(mapping("web", ""), name, value)];
        assert_eq!(read(&rows).1, [problem]);
    }
}
