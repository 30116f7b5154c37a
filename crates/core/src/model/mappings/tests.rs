//! What belongs together, and what a newer part changes of an older one.

use indexmap::IndexSet;

use super::*;
use crate::model::change::ChangeKind;
use crate::model::glob::Patterns;
use crate::model::limits::CloudflarePlan;
use crate::model::mapping::{Escalation, Mode, Purge};
use crate::model::names::{CloudflareId, Hostname, Source, TokenFolder};
use crate::model::verification::SampleRate;
use crate::route::hits;

fn name(text: &str) -> TeamName {
    TeamName::parse(text).unwrap()
}

fn zone(team: &str, domain: &str, hostname: &str) -> Arc<Zone> {
    Arc::new(Zone {
        team: name(team),
        domain: Hostname::parse(domain).unwrap(),
        zone_id: CloudflareId::parse("023e105f4ecef8ad9ca31a8372d0c353").unwrap(),
        account_id: None,
        account_is_granted: false,
        plan: CloudflarePlan::Free,
        hostnames: [Hostname::parse(hostname).unwrap()].into(),
        token: TokenFolder::default_of(&name(team)).parameter(domain).unwrap(),
        urls_per_request: None,
        environments: Vec::new(),
        cache_reserve: false,
        workers_caching: false,
        verify: SampleRate::default(),
    })
}

fn team(owns: &str, zones: &[&Arc<Zone>]) -> Arc<Team> {
    let zones = zones.iter().map(|zone| (zone.domain.clone(), Arc::clone(zone))).collect();
    let owns = vec![Source::parse(owns).unwrap()];
    Arc::new(Team { name: name("web"), owns, tokens: TokenFolder::default_of(&name("web")), kms_key: None, zones })
}

fn mapping(source: &str, zone: &Arc<Zone>) -> Arc<Mapping> {
    Arc::new(Mapping {
        name: source.to_owned(),
        team: name("web"),
        source: Source::parse(source).unwrap(),
        zones: vec![Arc::clone(zone)],
        include: Patterns::default(),
        exclude: Patterns::default(),
        events: vec![ChangeKind::Created],
        urls: Arc::default(),
        hostnames: IndexSet::new(),
        purge: Purge::Urls(Escalation::default()),
        mode: Mode::Purge,
        again_after: 0,
        verify: None,
        skip_unchanged: false,
    })
}

fn part(team: &Arc<Team>, mappings: &[Arc<Mapping>]) -> Mappings {
    let (part, refused) = Mappings::new([(team.name.clone(), Arc::clone(team))].into(), mappings.to_vec());
    assert_eq!(refused, []);
    part
}

#[test]
fn what_leads_outside_its_team_is_refused() {
    let (own, twin) = (zone("web", "w.com", "w.com"), zone("web", "w.com", "w.com"));
    let other = zone("docs", "d.com", "d.com");
    let web = team("s3://b/web/", &[&own]);
    let of = |team: &Arc<Team>, key: &str, mapping: Option<Arc<Mapping>>| {
        let count = mapping.iter().len();
        let (mappings, refused) = Mappings::new([(name(key), Arc::clone(team))].into(), mapping.into_iter().collect());
        assert_eq!(mappings.all().len(), if refused.is_empty() { count } else { 0 });
        refused.first().map(ToString::to_string)
    };
    let foreign_token = Arc::new(Zone { token: other.token.clone(), ..Zone::clone(&own) });
    let deep_token = TokenFolder::parse("/purge-router/web/deep/").unwrap().parameter("w.com").unwrap();
    let deep_token = Arc::new(Zone { token: deep_token, ..Zone::clone(&own) });
    for (result, expected) in [
        (of(&web, "web", Some(mapping("s3://b/web/a/", &own))), None),
        (of(&web, "docs", None), Some("team docs: `web` is another team's")),
        (of(&team("s3://b/", &[&other]), "web", None), Some("team web: `d.com` is another team's")),
        (
            of(&team("s3://b/", &[&foreign_token]), "web", None),
            Some("team web: `/purge-router/docs/d.com` is another team's"),
        ),
        (
            of(&team("s3://b/", &[&deep_token]), "web", None),
            Some("team web: `/purge-router/web/deep/w.com` is another team's"),
        ),
        (
            of(&web, "web", Some(mapping("s3://b/webs/", &own))),
            Some("s3://b/webs/: team web does not own `s3://b/webs/`"),
        ),
        (
            of(&web, "web", Some(mapping("s3://b/web/", &other))),
            Some("s3://b/web/: `d.com of docs` is not a zone of team web"),
        ),
        (
            of(&web, "web", Some(mapping("s3://b/web/", &twin))),
            Some("s3://b/web/: `w.com of web` is not a zone of team web"),
        ),
    ] {
        assert_eq!(result.as_deref(), expected);
    }
}

#[test]
fn a_mapping_that_is_refused_stops_no_other() {
    let own = zone("web", "w.com", "w.com");
    let web = team("s3://b/web/", &[&own]);
    let foreign = Arc::new(Mapping { team: name("docs"), ..Mapping::clone(&mapping("s3://b/web/", &own)) });
    let all = vec![mapping("s3://b/web/a/", &own), foreign, mapping("s3://b/x/", &own), mapping("s3://b/web/c/", &own)];
    let (mappings, refused) = Mappings::new([(name("web"), web)].into(), all);
    let kept: Vec<&str> = mappings.all().iter().map(|mapping| mapping.name.as_str()).collect();
    assert_eq!(kept, ["s3://b/web/a/", "s3://b/web/c/"]);
    let refused: Vec<String> = refused.iter().map(NotOwned::to_string).collect();
    assert_eq!(refused, ["s3://b/web/: unknown team docs", "s3://b/x/: team web does not own `s3://b/x/`"]);
}

#[test]
fn the_newest_zone_and_grant_win() {
    let (old_zone, new_zone) = (zone("web", "w.com", "old.w.com"), zone("web", "w.com", "new.w.com"));
    let only_old = zone("web", "x.com", "x.com");
    let old = part(
        &team("s3://b/", &[&old_zone, &only_old]),
        &[mapping("s3://b/a/", &old_zone), mapping("s3://b/a/x/", &only_old), mapping("s3://b/z/", &old_zone)],
    );
    let new = part(&team("s3://b/a/", &[&new_zone]), &[mapping("s3://b/a/n/", &new_zone)]);
    let (joined, outdated) = Mappings::joined([&new, &old]);
    assert!(outdated.is_empty());
    let seen: Vec<String> = joined
        .all()
        .iter()
        .map(|mapping| format!("{} {}", mapping.name, mapping.zones[0].hostnames.first().unwrap()))
        .collect();
    // The new grant doesn't cover `z/` any more.
    assert_eq!(seen, ["s3://b/a/n/ new.w.com", "s3://b/a/ new.w.com", "s3://b/a/x/ x.com"]);
    assert_eq!(joined.teams().map(|team| team.owns[0].to_string()).collect::<Vec<_>>(), ["s3://b/a/"]);
    assert_eq!(joined.zones().map(|zone| zone.hostnames[0].as_str()).collect::<Vec<_>>(), ["new.w.com", "x.com"]);
    assert_eq!(joined.of_bucket(&bucket_b()).count(), 3);
}

fn bucket_b() -> BucketName {
    BucketName::parse("b").unwrap()
}

#[test]
fn a_part_that_nothing_newer_contradicts_is_taken_as_it_is() {
    let (one, same) = (zone("web", "w.com", "w.com"), zone("web", "w.com", "w.com"));
    let first = part(&team("s3://b/", &[&one]), &[mapping("s3://b/a/", &one)]);
    let second = part(&team("s3://b/", &[&same]), &[mapping("s3://b/b/", &same)]);
    let (joined, outdated) = Mappings::joined([&first, &second]);
    assert!(outdated.is_empty());
    assert!(Arc::ptr_eq(&joined.all()[1], &second.all()[0]), "not copied");
    assert_eq!(joined.zones().count(), 1);
}

#[test]
fn a_mapping_whose_hostnames_were_renamed_purges_all_of_its_zone() {
    let (old_zone, new_zone) = (zone("web", "w.com", "old.w.com"), zone("web", "w.com", "new.w.com"));
    let hostnames = old_zone.hostnames.clone();
    let narrow = Arc::new(Mapping { hostnames, ..Mapping::clone(&mapping("s3://b/a/", &old_zone)) });
    let old = part(&team("s3://b/", &[&old_zone]), &[narrow]);
    let new = part(&team("s3://b/", &[&new_zone]), &[]);
    let (joined, outdated) = Mappings::joined([&new, &old]);
    assert!(outdated.is_empty());
    let mapping = &joined.all()[0];
    let purged: Vec<&str> = mapping.hostnames_of(&mapping.zones[0]).map(Hostname::as_str).collect();
    assert_eq!(purged, ["new.w.com"]);
}

#[test]
fn the_bucket_of_a_mapping_whose_token_moved_must_be_read_again() {
    let old_zone = zone("web", "w.com", "w.com");
    let old = part(&team("s3://b/", &[&old_zone]), &[mapping("s3://b/a/", &old_zone)]);
    let moved = Team { tokens: TokenFolder::parse("/elsewhere/web/").unwrap(), ..Team::clone(&team("s3://b/", &[])) };
    let (joined, outdated) = Mappings::joined([&part(&Arc::new(moved), &[]), &old]);
    assert!(joined.all().is_empty());
    assert_eq!(outdated.iter().map(BucketName::as_str).collect::<Vec<_>>(), ["b"]);
}

/// More buckets than a hash's tag tells apart, so that some are probable and not meant.
#[test]
fn many_changes_find_the_mappings_that_each_finds_alone() {
    let own = zone("web", "w.com", "w.com");
    let buckets: Vec<String> = (0..600).map(|index| format!("s3://bucket-{index}/")).collect();
    let mut owns = team("s3://b/", &[&own]);
    Arc::make_mut(&mut owns).owns = buckets.iter().map(|bucket| Source::parse(bucket).unwrap()).collect();
    // Every third bucket has a second mapping, apart from its first.
    let seconds = buckets.iter().step_by(3).map(|bucket| format!("{bucket}a/"));
    let sources: Vec<String> = buckets.iter().cloned().chain(seconds).collect();
    let all: Vec<Arc<Mapping>> = sources.iter().map(|source| mapping(source, &own)).collect();
    let mappings = part(&owns, &all);

    let unknown = (600..700).map(|index| format!("s3://bucket-{index}/"));
    let twice = buckets.iter().rev().flat_map(|bucket| [bucket.clone(), bucket.clone()]);
    let objects = unknown.zip(buckets.clone()).flat_map(|(unknown, known)| [unknown, known]).chain(twice);
    let changes: Vec<Change> =
        objects.map(|bucket| Change::of_object(&format!("{bucket}a/app.css"), ChangeKind::Created).unwrap()).collect();
    let located: Vec<LocatedChange<'_>> = mappings.locate(&changes).collect();
    assert_eq!(located.len(), changes.len());
    for (change, located) in changes.iter().zip(located) {
        assert_eq!(located.change, change);
        let expected = sources
            .iter()
            .enumerate()
            .filter(|(_, source)| format!("s3://{}/{}", change.bucket, change.key).starts_with(source.as_str()));
        let mut hits: Vec<usize> = hits(&mappings, located).collect();
        hits.sort_unstable();
        assert_eq!(hits, expected.map(|(index, _)| index).collect::<Vec<_>>(), "{}", change.bucket);
        let of_bucket: Vec<usize> = mappings.of_bucket(&change.bucket).map(|(index, _)| index).collect();
        assert_eq!(of_bucket, hits, "in ascending order");
    }
}
