//! The same work with the owned types of `aws_lambda_events`, which most functions in Rust begin with.

use std::collections::HashMap;

use aws_lambda_events::event::eventbridge::EventBridgeEvent;
use aws_lambda_events::event::s3::S3Event;
use aws_lambda_events::event::sqs::SqsEvent;
use globset::{Glob, GlobSet, GlobSetBuilder};
use indexmap::IndexSet;
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, percent_decode_str, utf8_percent_encode};
use purge_router_core::Mappings;
use serde::{Deserialize, Serialize};
use serde_json::json;

use crate::way::events::Kind;

const URLS_PER_REQUEST: usize = 100;
const PATH: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'.').remove(b'_').remove(b'~').remove(b'/');

struct Rule {
    prefix: String,
    include: GlobSet,
    exclude: GlobSet,
    zone_id: String,
    hostnames: Vec<String>,
}

/// The mappings, by bucket.
pub(crate) struct Rules(HashMap<String, Vec<Rule>>);

/// The detail of an event of S3. `aws_lambda_events` has no type for it.
#[derive(Deserialize, Serialize)]
struct Detail {
    bucket: Bucket,
    object: Object,
}

#[derive(Deserialize, Serialize)]
struct Bucket {
    name: String,
}

#[derive(Deserialize, Serialize)]
struct Object {
    key: String,
}

impl Rules {
    pub(crate) fn new(mappings: &Mappings) -> Self {
        let mut rules: HashMap<String, Vec<Rule>> = HashMap::new();
        for mapping in mappings.all() {
            let globs = |patterns: Vec<&str>| {
                let mut set = GlobSetBuilder::new();
                // A pattern without `/` matches the name in every folder.
                patterns.iter().for_each(|pattern| _ = set.add(Glob::new(&format!("**/{pattern}")).unwrap()));
                set.build().unwrap()
            };
            rules.entry(mapping.source.bucket.to_string()).or_default().push(Rule {
                prefix: mapping.source.prefix.to_string(),
                include: globs(mapping.include.iter().collect()),
                exclude: globs(mapping.exclude.iter().collect()),
                zone_id: mapping.zones[0].zone_id.to_string(),
                hostnames: mapping.zones[0].hostnames.iter().map(ToString::to_string).collect(),
            });
        }
        Self(rules)
    }

    /// The bodies of the requests of an event.
    pub(crate) fn bodies(&self, kind: Kind, event: &str) -> Vec<String> {
        let mut urls: HashMap<&str, IndexSet<String>> = HashMap::new();
        let mut purge = |bucket: &str, key: &str| self.add_urls(&mut urls, bucket, key);
        match kind {
            Kind::Sqs => {
                let event: SqsEvent = serde_json::from_str(event).unwrap();
                let bodies = event.records.into_iter().filter_map(|record| record.body);
                bodies.for_each(|body| each_record(&body, &mut purge));
            }
            Kind::SqsEventBridge => {
                let event: SqsEvent = serde_json::from_str(event).unwrap();
                event.records.into_iter().filter_map(|record| record.body).for_each(|body| detail(&body, &mut purge));
            }
            Kind::S3 => each_record(event, &mut purge),
            Kind::EventBridge => detail(event, &mut purge),
        }
        let urls = urls.into_values().map(|urls| urls.into_iter().collect::<Vec<_>>());
        urls.flat_map(|urls| {
            urls.chunks(URLS_PER_REQUEST).map(|urls| json!({ "files": urls }).to_string()).collect::<Vec<_>>()
        })
        .collect()
    }

    fn add_urls<'r>(&'r self, urls: &mut HashMap<&'r str, IndexSet<String>>, bucket: &str, key: &str) {
        for rule in self.0.get(bucket).into_iter().flatten() {
            let Some(relative) = key.strip_prefix(&rule.prefix) else { continue };
            if !rule.include.is_match(relative) || rule.exclude.is_match(relative) {
                continue;
            }
            let urls = urls.entry(&rule.zone_id).or_default();
            for hostname in &rule.hostnames {
                let folder = key.strip_suffix("index.html").filter(|folder| folder.ends_with('/'));
                for path in [Some(key), folder].into_iter().flatten() {
                    urls.insert(format!("https://{hostname}/{}", utf8_percent_encode(path, PATH)));
                }
            }
        }
    }
}

fn each_record(event: &str, purge: &mut impl FnMut(&str, &str)) {
    let event: S3Event = serde_json::from_str(event).unwrap();
    for record in event.records {
        let (Some(bucket), Some(key)) = (record.s3.bucket.name, record.s3.object.key) else { continue };
        purge(&bucket, &percent_decode_str(&key.replace('+', " ")).decode_utf8().unwrap());
    }
}

fn detail(event: &str, purge: &mut impl FnMut(&str, &str)) {
    let event: EventBridgeEvent<Detail> = serde_json::from_str(event).unwrap();
    purge(&event.detail.bucket.name, &event.detail.object.key);
}
