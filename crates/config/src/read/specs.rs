//! The fields of grants, zones and mappings, which are the same in a file and in a row.

use purge_router_core::bounds;

use crate::read::table_reader::TableReader;
use crate::spec::{GrantSpec, MappingSpec, QueryStringsSpec, ZoneSpec};

pub(crate) fn grant(reader: &mut TableReader<'_>) -> GrantSpec {
    GrantSpec {
        owns: reader.strings("owns"),
        tokens: reader.string("tokens"),
        accounts: reader.strings("accounts"),
        kms_key: reader.string("kms_key"),
    }
}

pub(crate) fn zone(reader: &mut TableReader<'_>) -> ZoneSpec {
    ZoneSpec {
        zone_id: reader.string("zone_id"),
        hostnames: reader.few_strings("hostnames", bounds::VALUES),
        custom_hostnames: reader.few_strings("custom_hostnames", bounds::VALUES),
        plan: reader.string("plan"),
        account_id: reader.string("account_id"),
        token: reader.string("token"),
        urls_per_request: reader.integer("urls_per_request"),
        environments: reader.few_strings("environments", bounds::ENVIRONMENTS),
        cache_reserve: reader.boolean("cache_reserve"),
        workers_caching: reader.boolean("workers_caching"),
        verify: reader.share("verify"),
    }
}

/// A mapping whose source was read already: a file and a row write it differently.
pub(crate) fn mapping(source: Option<String>, reader: &mut TableReader<'_>) -> MappingSpec {
    MappingSpec {
        source,
        zones: reader.strings("zones"),
        hostnames: reader.few_strings("hostnames", bounds::VALUES),
        include: reader.strings("include"),
        exclude: reader.strings("exclude"),
        events: reader.few_strings("events", bounds::FEW_VALUES),
        strip_prefix: reader.string("strip_prefix"),
        add_prefix: reader.string("add_prefix"),
        path_rewrite: reader.string("path_rewrite"),
        index_documents: reader.few_strings("index_documents", bounds::FEW_VALUES),
        clean_urls: reader.boolean("clean_urls"),
        spellings: reader.few_strings("spellings", bounds::FEW_VALUES),
        query_strings: query_strings(reader),
        schemes: reader.few_strings("schemes", bounds::FEW_VALUES),
        vary_headers: reader.header_sets("vary_headers"),
        also: reader.few_strings("also", bounds::FEW_VALUES),
        listings: reader.string("listings"),
        purge: reader.string("purge"),
        tags: reader.few_strings("tags", bounds::FEW_VALUES),
        mode: reader.string("mode"),
        escalate_above: reader.integer("escalate_above"),
        escalate_after: reader.string("escalate_after"),
        again_after: reader.integer("again_after"),
        verify: reader.share("verify"),
        skip_unchanged: reader.boolean("skip_unchanged"),
    }
}

fn query_strings(reader: &mut TableReader<'_>) -> Option<QueryStringsSpec> {
    match reader.has_string("query_strings") {
        true => reader.string("query_strings").map(QueryStringsSpec::Word),
        false => reader.few_strings("query_strings", bounds::VALUES).map(QueryStringsSpec::List),
    }
}
