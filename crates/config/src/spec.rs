//! What a grant, a zone, a mapping and a test say: their fields as the user wrote them, of the right types, but not validated.
//!
//! Words, names and globs are kept as text. So a spec can be written again unchanged, and nothing is compiled before it
//! is known that the team may write it. [`crate::validate`] turns specs into what core uses.

use indexmap::IndexMap;
use serde::{Deserialize, Serialize};
use serde_json::{Number, Value};

use purge_router_core::names::TeamName;

use crate::rows::fields::{Fields, split_source};

/// What the operator grants a team.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[expect(missing_docs, reason = "docs/mappings.md explains the fields")]
pub struct GrantSpec {
    pub owns: Option<Vec<String>>,
    pub tokens: Option<String>,
    pub accounts: Option<Vec<String>>,
    pub kms_key: Option<String>,
}

/// A Cloudflare zone of a team. Its domain is its key.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[expect(missing_docs, reason = "docs/mappings.md explains the fields")]
pub struct ZoneSpec {
    pub zone_id: Option<String>,
    pub hostnames: Option<Vec<String>>,
    pub custom_hostnames: Option<Vec<String>>,
    pub plan: Option<String>,
    pub account_id: Option<String>,
    pub token: Option<String>,
    pub urls_per_request: Option<i64>,
    pub environments: Option<Vec<String>>,
    pub cache_reserve: Option<bool>,
    pub workers_caching: Option<bool>,
    pub verify: Option<Number>,
}

/// A mapping: which keys of a source purge what in which zones.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[expect(missing_docs, reason = "docs/mappings.md explains the fields")]
pub struct MappingSpec {
    pub source: Option<String>,
    pub zones: Option<Vec<String>>,
    pub hostnames: Option<Vec<String>>,
    pub include: Option<Vec<String>>,
    pub exclude: Option<Vec<String>>,
    pub events: Option<Vec<String>>,
    pub strip_prefix: Option<String>,
    pub add_prefix: Option<String>,
    pub path_rewrite: Option<String>,
    pub index_documents: Option<Vec<String>>,
    pub clean_urls: Option<bool>,
    pub spellings: Option<Vec<String>>,
    pub query_strings: Option<QueryStringsSpec>,
    pub schemes: Option<Vec<String>>,
    pub vary_headers: Option<Vec<IndexMap<String, String>>>,
    pub also: Option<Vec<String>>,
    pub listings: Option<String>,
    pub purge: Option<String>,
    pub tags: Option<Vec<String>>,
    pub mode: Option<String>,
    pub escalate_above: Option<i64>,
    pub escalate_after: Option<String>,
    pub again_after: Option<i64>,
    pub verify: Option<Number>,
    pub skip_unchanged: Option<bool>,
}

/// The value of `query_strings`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(untagged)]
#[expect(missing_docs, reason = "docs/mappings.md explains the field")]
pub enum QueryStringsSpec {
    List(Vec<String>),
    /// Such as `any`.
    Word(String),
}

/// A test: what must be purged when one object changes.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[expect(missing_docs, reason = "docs/mappings.md explains the fields")]
pub struct TestSpec {
    pub object: Option<String>,
    pub event: Option<String>,
    pub purges: Option<Vec<String>>,
    pub not_purges: Option<Vec<String>>,
    pub unmatched: Option<bool>,
}

/// One table `[teams.<name>]` of a mapping file.
#[derive(Debug, Clone, PartialEq, Eq)]
#[expect(missing_docs, reason = "docs/mappings.md explains the fields")]
pub struct TeamSpec {
    pub name: TeamName,
    pub grant: GrantSpec,
    /// By domain, valid or not.
    pub zones: Vec<(String, ZoneSpec)>,
    /// In the order of the file.
    pub mappings: Vec<MappingSpec>,
}

impl GrantSpec {
    /// The fields that were written: a row and a file have the same ones.
    pub fn to_fields(&self) -> Fields {
        written_fields(self)
    }
}

impl ZoneSpec {
    /// The fields that were written: a row and a file have the same ones.
    pub fn to_fields(&self) -> Fields {
        written_fields(self)
    }
}

impl TestSpec {
    /// The fields that were written: a row and a file have the same ones.
    pub fn to_fields(&self) -> Fields {
        written_fields(self)
    }
}

impl MappingSpec {
    /// The fields that were written, with `bucket` and `prefix` in place of a valid `source`.
    pub fn to_row_fields(&self) -> Fields {
        let mut fields = written_fields(self);
        split_source(&mut fields);
        fields
    }
}

/// Each field that was written, and no other: a row is compared with what was pushed before.
fn written_fields(spec: &impl Serialize) -> Fields {
    let Ok(Value::Object(mut fields)) = serde_json::to_value(spec) else { return Fields::new() };
    fields.retain(|_, value| !value.is_null());
    fields
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rows::fields::FIELDS;

    #[test]
    fn every_field_is_listed_for_the_conditions_of_a_push() {
        let all = [
            serde_json::to_value(GrantSpec::default()).unwrap(),
            serde_json::to_value(ZoneSpec::default()).unwrap(),
            serde_json::to_value(MappingSpec::default()).unwrap(),
            serde_json::to_value(TestSpec::default()).unwrap(),
        ];
        for name in all.iter().flat_map(|spec| spec.as_object().unwrap().keys()) {
            assert!(FIELDS.contains(&name.as_str()), "{name}");
        }
    }

    #[test]
    fn only_what_was_written_is_written_again() {
        let grant = GrantSpec { owns: Some(vec!["s3://assets".to_owned()]), ..GrantSpec::default() };
        assert_eq!(Value::Object(grant.to_fields()), serde_json::json!({ "owns": ["s3://assets"] }));
        let mapping = MappingSpec {
            source: Some("s3://assets/uk/".to_owned()),
            exclude: Some(Vec::new()),
            escalate_above: Some(0),
            ..MappingSpec::default()
        };
        let row = serde_json::json!({ "exclude": [], "escalate_above": 0, "bucket": "assets", "prefix": "uk/" });
        assert_eq!(Value::Object(mapping.to_row_fields()), row);
    }
}
