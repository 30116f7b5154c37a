//! Edits: which row is whose, what differs, and that writing may stop anywhere.

use proptest::prelude::*;
use proptest::sample::{Index, subsequence};
use serde_json::json;

use purge_router_core::Mappings;
use purge_router_core::names::TeamName;

use std::collections::BTreeSet;

use serde_json::Value;

use crate::edit::assign_row_keys::assign_row_keys;
use crate::edit::checksum::{Checksum, canonical};
use crate::edit::diff::{Changed, Diff};
use crate::edit::large_change::{LargeChange, RowKind};
use crate::edit::write::apply_writes;
use crate::file::mapping_file::{MappingFile, from_toml};
use crate::file::to_toml::{FileOfTeam, to_toml};
use crate::rows::fields::{Fields, Row, Rows};
use crate::rows::from_rows::from_rows;
use crate::rows::row_key::RowKey;
use crate::rows::team_tables::TeamTables;

fn web() -> TeamName {
    TeamName::parse("web").unwrap()
}

fn fields(value: Value) -> Fields {
    value.as_object().unwrap().clone()
}

fn mapping(prefix: &str, include: &str) -> Fields {
    fields(json!({ "zones": ["website.com"], "include": [include], "bucket": "assets", "prefix": prefix }))
}

fn tables(mappings: &[Fields]) -> TeamTables {
    TeamTables { mappings: mappings.to_vec(), ..TeamTables::default() }
}

fn after(before: &Rows, mappings: &[Fields]) -> (Rows, Diff) {
    let rows = assign_row_keys(&web(), tables(mappings), before);
    let diff = Diff::between(before, &rows);
    (rows, diff)
}

fn shown(diff: &Diff) -> Vec<String> {
    let keys = |sign: &str, keys: Vec<&RowKey>| -> Vec<String> {
        keys.into_iter().map(|key| format!("{sign} {}", key.sort())).collect()
    };
    let (added, changed, removed) =
        (diff.added.keys().collect(), diff.changed.keys().collect(), diff.removed.keys().collect());
    [keys("+", added), keys("~", changed), keys("-", removed)].concat()
}

#[test]
fn mappings_keep_their_rows() {
    let (css, js, png) = (mapping("uk/", "*.css"), mapping("uk/", "*.js"), mapping("", "*.png"));
    let (rows, diff) = after(&Rows::new(), &[css.clone(), js.clone(), png.clone()]);
    assert_eq!(shown(&diff), ["+ MAPPING#assets/", "+ MAPPING#assets/uk/", "+ MAPPING#assets/uk/#2"]);
    for (mappings, expected) in [
        (vec![css.clone(), js.clone(), png.clone()], vec![]),
        (vec![png.clone(), js.clone(), css.clone()], vec![]),
        (vec![js.clone(), png.clone()], vec!["- MAPPING#assets/uk/"]),
        (vec![mapping("uk/", "*.svg"), css.clone(), js.clone(), png.clone()], vec!["+ MAPPING#assets/uk/#3"]),
        (vec![css.clone(), mapping("uk/", "*.svg"), png.clone()], vec!["~ MAPPING#assets/uk/#2"]),
        (vec![css.clone(), js.clone(), mapping("fr/", "*.png")], vec!["+ MAPPING#assets/fr/", "- MAPPING#assets/"]),
        (vec![css.clone(), css, js, png], vec!["+ MAPPING#assets/uk/#3"]),
    ] {
        assert_eq!(shown(&after(&rows, &mappings).1), expected);
    }
}

#[test]
fn a_long_source_has_a_row_too() {
    let long = "ü/".repeat(600);
    let one = mapping(&long, "*.css");
    let (rows, _) = after(&Rows::new(), &[one.clone(), mapping(&long, "*.js"), mapping(&format!("{long}a/"), "*.js")]);
    assert_eq!(rows.len(), 3);
    assert!(rows.keys().all(|key| key.sort().len() <= 1024), "{:?}", rows.keys());
    assert_eq!(rows.values().filter(|fields| **fields == one).count(), 1);
}

#[test]
fn a_file_and_its_rows_say_the_same() {
    let text = include_str!("../../../../mappings.example.toml");
    let file = MappingFile::parse(text).unwrap();
    let teams: Vec<TeamName> = file.teams().into_iter().map(|name| TeamName::parse(name).unwrap()).collect();
    assert!(teams.len() > 1);
    let rows: Vec<Rows> = teams.iter().map(|team| assign_row_keys(team, file.tables(team), &Rows::new())).collect();
    let grants: Vec<Fields> = teams.iter().map(|team| file.grant(team)).collect();
    let again = to_toml(
        None,
        teams.iter().zip(&grants).zip(&rows).map(|((team, grant), rows)| FileOfTeam {
            team,
            pulled: None,
            grant: Some(grant),
            rows,
        }),
    );
    let again = again.unwrap();
    let (read, reread) = (from_toml(text).unwrap(), from_toml(&again).unwrap());
    let said = |mappings: &Mappings| {
        let mut all: Vec<String> = mappings
            .all()
            .iter()
            .map(|mapping| {
                format!(
                    "{:?}",
                    purge_router_core::Mapping { name: String::new(), ..purge_router_core::Mapping::clone(mapping) }
                )
            })
            .collect();
        all.sort();
        all
    };
    assert_eq!(said(&read), said(&reread));
    let file = MappingFile::parse(&again).unwrap();
    for (team, rows) in teams.iter().zip(&rows) {
        assert!(Diff::between(rows, &assign_row_keys(team, file.tables(team), rows)).is_empty());
    }
}

#[test]
fn a_change_has_its_fields() {
    let before = fields(json!({ "plan": "free", "zone_id": "1", "token": "a" }));
    let changed = Changed { before, after: fields(json!({ "zone_id": "2", "plan": "free", "hostnames": ["h"] })) };
    let shown: Vec<String> =
        changed.fields().map(|field| format!("{} {:?} {:?}", field.name, field.before, field.after)).collect();
    assert_eq!(
        shown,
        [
            r#"zone_id Some(String("1")) Some(String("2"))"#,
            r#"hostnames None Some(Array [String("h")])"#,
            r#"token Some(String("a")) None"#
        ]
    );
}

#[test]
fn different_edits_have_different_checksums() {
    let (a, b) = (mapping("a/", "*.css"), mapping("b/", "*.css"));
    let (rows, first) = after(&Rows::new(), &[a.clone(), b.clone()]);
    let diffs = [
        first,
        after(&rows, std::slice::from_ref(&a)).1,
        after(&rows, std::slice::from_ref(&b)).1,
        after(&rows, &[a.clone(), mapping("b/", "*.js")]).1,
        after(&rows, &[a.clone(), b.clone(), mapping("c/", "*.js")]).1,
        Diff::between(&rows, &rows),
    ];
    let checksums: BTreeSet<String> = diffs.iter().map(|diff| diff.checksum().to_string()).collect();
    assert_eq!(checksums.len(), diffs.len());
    assert!(checksums.iter().all(|checksum| checksum.len() == 32));
    let turned: Fields = a.iter().rev().map(|(name, value)| (name.clone(), value.clone())).collect();
    let (_, again) = after(&Rows::new(), &[b, turned]);
    assert_eq!(diffs[0].checksum(), again.checksum(), "the order of fields and mappings does not matter");
}

#[test]
fn rows_have_the_same_checksum_whatever_the_keys_of_their_mappings() {
    let (a, b) = (mapping("a/", "*.css"), mapping("b/", "*.css"));
    let rows = |of: &[(&str, &Fields)]| -> Rows {
        of.iter().map(|(sort, fields)| (RowKey::parse("TEAM#web", sort), (*fields).clone())).collect()
    };
    let one = Checksum::of(&rows(&[("MAPPING#1", &a), ("MAPPING#2", &b), ("ZONE#x", &a)]));
    assert_eq!(one.to_string().len(), 32);
    assert_eq!(one, Checksum::of(&rows(&[("MAPPING#7", &b), ("MAPPING#8", &a), ("ZONE#x", &a)])));
    for other in [
        rows(&[("MAPPING#1", &a), ("MAPPING#2", &b), ("ZONE#y", &a)]),
        rows(&[("MAPPING#1", &a), ("MAPPING#2", &a), ("ZONE#x", &a)]),
        rows(&[("MAPPING#1", &a), ("ZONE#x", &a)]),
        rows(&[("MAPPING#1", &a), ("MAPPING#2", &b), ("ZONE#x", &b)]),
    ] {
        assert_ne!(one, Checksum::of(&other));
        // The writes of a difference lead to its checksum one by one.
        let before = rows(&[("MAPPING#1", &a), ("MAPPING#2", &b), ("ZONE#x", &a)]);
        for writes in [Diff::between(&before, &other).writes(), Diff::between(&before, &other).safe_order(&before)] {
            assert_eq!(
                writes.iter().fold(one, |sum, write| sum.after(write)),
                Checksum::of(&apply_writes(before.clone(), &writes))
            );
            assert_eq!(writes.iter().fold(one, |sum, write| sum.after(write)), Checksum::of(&other));
        }
    }
}

#[test]
fn more_than_30_percent_is_a_large_change() {
    let all: Vec<Fields> = (0..10).map(|index| mapping(&format!("{index}/"), "*.css")).collect();
    let (rows, added) = after(&Rows::new(), &all);
    assert_eq!(added.large_change(&Rows::new()), None);
    let changed = |count: usize| -> Vec<Fields> {
        let new = (0..count).map(|index| mapping(&format!("{index}/"), "*.js"));
        new.chain(all[count..].iter().cloned()).collect()
    };
    let large = |touched, of| Some(LargeChange { kind: RowKind::Mapping, touched, of });
    for (mappings, expected) in [
        (changed(3), None),
        (changed(4), large(4, 10)),
        (all[3..].to_vec(), None),
        (all[4..].to_vec(), large(4, 10)),
        (changed(2)[..8].to_vec(), large(4, 10)),
        (vec![], large(10, 10)),
    ] {
        assert_eq!(after(&rows, &mappings).1.large_change(&rows), expected);
    }
    let (few, _) = after(&Rows::new(), &all[..2]);
    assert_eq!(after(&few, &all[..1]).1.large_change(&few), None, "one row is meant");
    assert_eq!(after(&few, &[]).1.large_change(&few), large(2, 2));
    let (last, _) = after(&Rows::new(), &all[..1]);
    assert_eq!(after(&last, &[]).1.large_change(&last), large(1, 1), "nothing would be left");
    assert_eq!(after(&last, &all[1..2]).1.large_change(&last), None);
    let zones: Rows =
        ["a", "b", "c"].map(|name| (RowKey::Zone { team: web(), domain: name.to_owned() }, Fields::new())).into();
    let diff = Diff::between(&zones, &zones.clone().into_iter().take(1).collect());
    assert_eq!(diff.large_change(&zones), Some(LargeChange { kind: RowKind::Zone, touched: 2, of: 3 }));
    let grants: Rows =
        ["a", "b", "c"].map(|name| (RowKey::Grant(TeamName::parse(name).unwrap()), Fields::new())).into();
    assert_eq!(
        Diff::between(&grants, &Rows::new()).large_change(&grants),
        Some(LargeChange { kind: RowKind::Grant, touched: 3, of: 3 })
    );
}

const DOMAINS: [&str; 3] = ["one.com", "two.com", "three.com"];
const HOSTS: [&str; 3] = ["a", "b", "c"];

/// A valid team: of each zone its hostnames, and mappings that may name some of them.
fn team() -> impl Strategy<Value = TeamTables> {
    let zones = proptest::collection::vec(subsequence(HOSTS.to_vec(), 1..=3), 3);
    let mapping = (subsequence(vec![0usize, 1, 2], 1..=3), 0..3usize, 0..3usize, any::<Option<Index>>());
    (zones, proptest::collection::vec(mapping, 0..8)).prop_map(|(hosts, mappings)| {
        let name = |zone: usize, host: &str| format!("{host}.{}", DOMAINS[zone]);
        let mut tables = TeamTables::default();
        for (zone, hosts) in hosts.iter().enumerate() {
            let names: Vec<String> = hosts.iter().map(|host| name(zone, host)).collect();
            let is_used = mappings.iter().any(|(zones, ..)| zones.contains(&zone));
            let zone_id = format!("{zone:032x}");
            if is_used {
                let fields = fields(json!({ "zone_id": zone_id, "hostnames": names }));
                tables.zones.insert(DOMAINS[zone].to_owned(), fields);
            }
        }
        for (zones, prefix, include, one_host) in mappings {
            let prefix = ["", "x/", "x/y/"][prefix];
            let domains: Vec<&str> = zones.iter().map(|zone| DOMAINS[*zone]).collect();
            let include = ["*.css", "*.js", "*.png"][include];
            let mut row = json!({ "bucket": "assets", "prefix": prefix, "zones": domains, "include": [include] });
            if let Some(index) = one_host {
                row["hostnames"] =
                    zones.iter().map(|zone| name(*zone, index.get::<&str>(&hosts[*zone]))).collect::<Vec<_>>().into();
            }
            tables.mappings.push(fields(row));
        }
        tables
    })
}

fn read(rows: &Rows) -> Mappings {
    let grant = Row { key: RowKey::Grant(web()), fields: fields(json!({ "owns": ["s3://assets/"] })) };
    let of_team = rows.iter().map(|(key, fields)| Row { key: key.clone(), fields: fields.clone() });
    let rows: Vec<Row> = of_team.chain([grant]).collect();
    let (mappings, skipped) = from_rows(&rows);
    assert_eq!(skipped, []);
    mappings
}

/// The URLs that changes of some objects purge.
fn purged(rows: &Rows) -> BTreeSet<String> {
    let mappings = read(rows);
    let mut urls = BTreeSet::new();
    for key in ["a.css", "x/a.css", "x/y/a.css", "x/y/a.js", "x/a.png"] {
        let change = purge_router_core::Change {
            bucket: purge_router_core::names::BucketName::parse("assets").unwrap(),
            key: key.to_owned(),
            kind: purge_router_core::ChangeKind::Created,
            time: None,
            etag: None,
            version: Default::default(),
            second_purge_of: None,
            verification: None,
            origin: purge_router_core::Origin::Invocation,
        };
        let plan = purge_router_core::plan(
            &mappings,
            purge_router_core::Event { changes: vec![change], ..purge_router_core::Event::default() },
        );
        urls.extend(plan.batches.iter().flat_map(|batch| batch.items()).map(|item| item.item.to_string()));
    }
    urls
}

/// What rows of mappings hold, each as often as it is there.
fn contents(rows: &Rows) -> Vec<String> {
    let mappings = rows.iter().filter(|(key, _)| matches!(key, RowKey::Mapping { .. }));
    let mut contents: Vec<String> = mappings.map(|(_, fields)| canonical(fields)).collect();
    contents.sort();
    contents
}

fn zones(rows: &Rows) -> Vec<(&RowKey, &Fields)> {
    rows.iter().filter(|(key, _)| matches!(key, RowKey::Zone { .. })).collect()
}

proptest! {
    #[test]
    fn an_edit_may_stop_after_every_write(before in team(), after in team()) {
        let before = assign_row_keys(&web(), before, &Rows::new());
        let tables = after;
        let after = assign_row_keys(&web(), tables.clone(), &before);
        let in_both: BTreeSet<String> = purged(&before).intersection(&purged(&after)).cloned().collect();
        let mut rows = before.clone();
        for write in Diff::between(&before, &after).safe_order(&before) {
            prop_assert_eq!(rows.get(&write.key), write.before.as_ref());
            rows = apply_writes(rows, &[write]);
            prop_assert!(purged(&rows).is_superset(&in_both));
            // A push that goes on from here has the same result.
            let rest = Diff::between(&rows, &assign_row_keys(&web(), tables.clone(), &rows)).safe_order(&rows);
            let finished = apply_writes(rows.clone(), &rest);
            prop_assert!(Diff::between(&finished, &assign_row_keys(&web(), tables.clone(), &finished)).is_empty());
            prop_assert_eq!(contents(&finished), contents(&after));
        }
        prop_assert_eq!(contents(&rows), contents(&after));
        prop_assert_eq!(zones(&rows), zones(&after));
    }

    #[test]
    fn the_same_file_changes_nothing(before in team(), turned in any::<bool>()) {
        let rows = assign_row_keys(&web(), before.clone(), &Rows::new());
        let mut again = before;
        if turned {
            again.mappings.reverse();
        }
        prop_assert!(Diff::between(&rows, &assign_row_keys(&web(), again, &rows)).is_empty());
    }

    #[test]
    fn all_of_a_file_is_in_its_rows(before in team(), after in team()) {
        let before = assign_row_keys(&web(), before, &Rows::new());
        let mut wanted: Vec<String> = after.mappings.iter().map(canonical).collect();
        wanted.sort();
        prop_assert_eq!(contents(&assign_row_keys(&web(), after, &before)), wanted);
    }
}
