//! core's own router.

use std::sync::Arc;

use purge_router_core::glob::{KnownPatterns, Pattern, Patterns};
use purge_router_core::limits::CloudflarePlan;
use purge_router_core::names::{BucketName, CloudflareId, Hostname, Prefix, Source, TeamName, TokenFolder};
use purge_router_core::{
    ChangeKind, Escalation, Mapping, Mappings, Mode, Purge, SampleRate, Team, UrlRules, Zone, hits,
};

use crate::measure::{Built, build as measured};
use crate::routing::corpus::{Corpus, Lookup, Rule};
use crate::routing::rivals::rival::Rival;

/// How many buckets a team owns.
const BUCKETS_OF_TEAM: usize = 10;

struct Ours(Mappings);

impl Rival for Ours {
    fn find(&self, lookup: &Lookup, found: &mut Vec<u32>) {
        self.find_all(std::slice::from_ref(lookup), found);
    }

    fn find_all(&self, lookups: &[Lookup], found: &mut Vec<u32>) {
        for located in self.0.locate(lookups.iter().map(|lookup| &lookup.change)) {
            found.extend(hits(&self.0, located).map(|index| index as u32));
        }
    }
}

/// The same, for events of one change.
struct OneAtATime(Ours);

impl Rival for OneAtATime {
    fn find(&self, lookup: &Lookup, found: &mut Vec<u32>) {
        self.0.find(lookup, found);
    }
}

/// Reads globs and indexes mappings. The mappings themselves are what teams wrote besides, and are not measured here.
pub(super) fn build(corpus: &Corpus) -> Built<Box<dyn Rival>> {
    let Built { value, took, bytes } = build_ours(corpus);
    Built { value: Box::new(value), took, bytes }
}

/// The same, but looks up one change after the other.
pub(super) fn build_one_at_a_time(corpus: &Corpus) -> Built<Box<dyn Rival>> {
    let Built { value, took, bytes } = build_ours(corpus);
    Built { value: Box::new(OneAtATime(value)), took, bytes }
}

fn build_ours(corpus: &Corpus) -> Built<Ours> {
    let globs = measured(|| globs(corpus));
    // The lists themselves count, the vector that they are in here does not.
    let vector = globs.value.len() * size_of::<(Patterns, Patterns)>();
    let teams = teams(corpus);
    let mappings = measured(|| mappings(corpus, globs.value, &teams));
    let whole = mappings.bytes as f64 / corpus.rules.len() as f64;
    eprintln!("  a mapping itself: {whole:.0} bytes, without globs and index");
    let index = measured(|| indexed(teams, mappings.value));
    Built {
        value: Ours(index.value),
        took: globs.took + index.took,
        bytes: globs.bytes.saturating_sub(vector) + index.bytes,
    }
}

/// The mappings of a corpus.
pub(crate) fn mappings_of(corpus: &Corpus) -> Mappings {
    let teams = teams(corpus);
    let mappings = mappings(corpus, globs(corpus), &teams);
    indexed(teams, mappings)
}

/// Include and exclude of each mapping.
fn globs(corpus: &Corpus) -> Vec<(Patterns, Patterns)> {
    let mut known = KnownPatterns::default();
    let mut list = |texts: &[String]| patterns(&mut known, texts);
    corpus.rules.iter().map(|rule| (list(&rule.include), list(&rule.exclude))).collect()
}

fn teams(corpus: &Corpus) -> Vec<Arc<Team>> {
    corpus.buckets.chunks(BUCKETS_OF_TEAM).zip(0..).map(team).collect()
}

fn mappings(corpus: &Corpus, globs: Vec<(Patterns, Patterns)>, teams: &[Arc<Team>]) -> Vec<Arc<Mapping>> {
    let urls = Arc::default();
    corpus.rules.iter().zip(globs).map(|(rule, globs)| mapping(corpus, rule, globs, teams, &urls)).collect()
}

fn indexed(teams: Vec<Arc<Team>>, mappings: Vec<Arc<Mapping>>) -> Mappings {
    let teams = teams.into_iter().map(|team| (team.name.clone(), team)).collect();
    let (mappings, refused) = Mappings::new(teams, mappings);
    assert!(refused.is_empty());
    mappings
}

fn patterns(known: &mut KnownPatterns, texts: &[String]) -> Patterns {
    known.get(texts).unwrap_or_else(|| {
        let patterns = texts.iter().map(|text| Pattern::parse(text).unwrap()).collect();
        let patterns = Patterns::new(patterns).unwrap();
        known.insert(texts, &patterns);
        patterns
    })
}

fn team((buckets, index): (&[String], usize)) -> Arc<Team> {
    let name = TeamName::parse(&format!("team{index}")).unwrap();
    let domain = Hostname::parse(&format!("team{index}.com")).unwrap();
    let tokens = TokenFolder::default_of(&name);
    let zone = Zone {
        team: name.clone(),
        domain: domain.clone(),
        zone_id: CloudflareId::parse(&format!("{index:032x}")).unwrap(),
        account_id: None,
        account_is_granted: false,
        plan: CloudflarePlan::Free,
        hostnames: [domain.clone()].into(),
        token: tokens.parameter(domain.as_str()).unwrap(),
        urls_per_request: None,
        environments: Vec::new(),
        cache_reserve: false,
        workers_caching: false,
        verify: SampleRate::default(),
    };
    let owns = buckets.iter().map(|bucket| Source::parse(&format!("s3://{bucket}")).unwrap()).collect();
    Arc::new(Team { name, owns, tokens, kms_key: None, zones: [(domain, Arc::new(zone))].into() })
}

fn mapping(
    corpus: &Corpus,
    rule: &Rule,
    (include, exclude): (Patterns, Patterns),
    teams: &[Arc<Team>],
    urls: &Arc<UrlRules>,
) -> Arc<Mapping> {
    let team = &teams[rule.bucket / BUCKETS_OF_TEAM];
    let bucket = BucketName::parse(&corpus.buckets[rule.bucket]).unwrap();
    Arc::new(Mapping {
        name: format!("TEAM#{} MAPPING#{bucket}/{}", team.name, rule.prefix),
        team: team.name.clone(),
        source: Source { bucket, prefix: Prefix::parse(&rule.prefix).unwrap() },
        zones: team.zones.values().cloned().collect(),
        include,
        exclude,
        events: vec![ChangeKind::Created, ChangeKind::Removed],
        urls: Arc::clone(urls),
        hostnames: Default::default(),
        purge: Purge::Urls(Escalation::default()),
        mode: Mode::Purge,
        again_after: 0,
        verify: None,
        skip_unchanged: false,
    })
}
