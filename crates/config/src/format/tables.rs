//! Which fields each table of a mapping file has, in the order in which messages name them.

use purge_router_core::bounds;
use purge_router_core::{ChangeKind, Listings, Mode, PathRewrite, Scheme, SpellingWord};

use crate::file::pulled::PULLED;
use crate::format::{Field, Strings, ValueType};
use crate::validate::purge::{MAX_ESCALATE_ABOVE, METHODS};
use crate::validate::zone::{MAX_URLS_PER_REQUEST, PLANS};

use ValueType::{Boolean, HeaderSets, Integer, Share, String, StringsOr, TableArray, Tables, Time, Version, Word};

/// The file itself.
pub(crate) const FILE: [Field; 3] = [
    Field::new("version", Version, "The version of this format.").required(),
    PULLED_LINE,
    Field::new("teams", Tables(&TEAM), "The teams, by name: 1 to 32 of a-z, 0-9 and -.").required(),
];

/// `[teams.<name>]`: the fields of [`GRANT`], and what the team writes.
pub(crate) const TEAM: [Field; 8] = [
    PULLED_LINE,
    OWNS,
    TOKENS,
    ACCOUNTS,
    KMS_KEY,
    Field::new("zones", Tables(&ZONE), "The team's Cloudflare zones, by domain."),
    Field::new("mappings", TableArray(&MAPPING), "Which objects purge what."),
    Field::new(
        "tests",
        TableArray(&TEST),
        "What must be purged for some objects: `check` and `push` refuse mappings that purge otherwise.",
    ),
];

const PULLED_LINE: Field = Field::new(PULLED, String, "Written by `pull`: which revision this copy was pulled from.");

/// What an operator grants a team.
pub(crate) const GRANT: [Field; 4] = [OWNS, TOKENS, ACCOUNTS, KMS_KEY];

const OWNS: Field = Field::new(
    "owns",
    ValueType::Strings(Strings::UNBOUNDED),
    "Set by the operator: what the team may map, as `s3://bucket/prefix/`.",
)
.required();
const TOKENS: Field = Field::new(
    "tokens",
    String,
    "Set by the operator: the SSM folder of the team's tokens. Default: /purge-router/<team>/.",
);
const ACCOUNTS: Field = Field::new(
    "accounts",
    ValueType::Strings(Strings::UNBOUNDED),
    "Set by the operator: the Cloudflare accounts whose rate limits the team's zones may share with other teams' zones.",
)
.default("[]");
const KMS_KEY: Field = Field::new(
    "kms_key",
    String,
    "Set by the operator: the KMS key by which `tokens put` and `tokens rotate` encrypt tokens. Default: the account's own key.",
);

/// `[teams.<name>.zones."<domain>"]`.
pub(crate) const ZONE: [Field; 11] = [
    Field::new("zone_id", String, "The zone's id: 32 hexadecimal digits, on its overview page in Cloudflare.")
        .required(),
    Field::new(
        "hostnames",
        ValueType::Strings(Strings::up_to(bounds::VALUES).filled()),
        "The hostnames that serve the objects: the domain, or names that end in `.` and the domain.",
    )
    .required(),
    Field::new(
        "custom_hostnames",
        ValueType::Strings(Strings::up_to(bounds::VALUES)),
        "Hostnames outside of the domain that the zone serves all the same (Cloudflare for SaaS).",
    )
    .default("[]"),
    Field::new("plan", Word(|| names(PLANS)), "The zone's plan, which sets batch sizes and rate limits.")
        .default("\"free\""),
    Field::new("account_id", String, "The zone's Cloudflare account: its zones of one plan share one rate limit."),
    Field::new("token", String, "The name of the zone's token in the team's folder. Default: the domain."),
    Field::new(
        "urls_per_request",
        Integer(1..=MAX_URLS_PER_REQUEST),
        "How many URLs one request holds. Default, and the most: what the plan allows.",
    ),
    Field::new(
        "environments",
        ValueType::Strings(Strings::up_to(bounds::ENVIRONMENTS)),
        "Ids of environments of Version Management that are purged besides production.",
    )
    .default("[]"),
    Field::new("cache_reserve", Boolean, "Whether the zone has Cache Reserve: `check` warns of what purges do there.")
        .default("false"),
    Field::new(
        "workers_caching",
        Boolean,
        "Whether Workers of the zone use Workers Caching: `check` warns that no purge reaches it.",
    )
    .default("false"),
    Field::new("verify", Share, "The `verify` of the zone's mappings that have none.").default("0"),
];

/// `[[teams.<name>.mappings]]`.
pub(crate) const MAPPING: [Field; 25] = [
    SOURCE,
    Field::new(
        "zones",
        ValueType::Strings(Strings::UNBOUNDED.filled()),
        "The team's zones in which to purge, by domain.",
    )
    .required(),
    Field::new(
        "hostnames",
        ValueType::Strings(Strings::up_to(bounds::VALUES)),
        "Only these hostnames of the zones; none: all of them.",
    )
    .default("[]"),
    Field::new(
        "include",
        ValueType::Strings(Strings::UNBOUNDED),
        "Only keys that one of these globs matches; none: all keys.",
    )
    .default("[]"),
    Field::new("exclude", ValueType::Strings(Strings::UNBOUNDED), "No keys that one of these globs matches.")
        .default("[]"),
    Field::new(
        "events",
        ValueType::Strings(Strings::of(|| names(ChangeKind::WORDS))),
        "The kinds of change that purge.",
    )
    .default("[\"created\", \"removed\"]"),
    Field::new(
        "strip_prefix",
        String,
        "What is taken off the key: a leading part of the source's prefix, which ends in `/`.",
    )
    .default("\"\""),
    Field::new("add_prefix", String, "What is put in front of the path after that; it ends in `/`.").default("\"\""),
    Field::new(
        "path_rewrite",
        Word(|| names(PathRewrite::WORDS)),
        "Where strip_prefix and add_prefix happen: purges by prefix name the path after a Transform Rule.",
    )
    .default("\"origin\""),
    Field::new(
        "index_documents",
        ValueType::Strings(Strings::up_to(bounds::FEW_VALUES)),
        "File names that are also served as their folder: foo/index.html also purges foo/.",
    )
    .default("[\"index.html\"]"),
    Field::new("clean_urls", Boolean, "Whether foo/index.html and foo.html are also served as foo.").default("false"),
    Field::new(
        "spellings",
        ValueType::Strings(Strings::of(|| names(SpellingWord::WORDS))),
        "How the site's clients spell characters such as spaces in URLs.",
    )
    .default("[\"all\"]"),
    Field::new(
        "query_strings",
        StringsOr(Strings::up_to(bounds::VALUES).filled(), "any"),
        "Each query string under which URLs are cached, without `?`; or `any`, which purges the path as a prefix.",
    )
    .default("[\"\"]"),
    Field::new(
        "schemes",
        ValueType::Strings(Strings::of(|| names(Scheme::WORDS))),
        "The schemes under which URLs are cached.",
    )
    .default("[\"https\"]"),
    Field::new(
        "vary_headers",
        HeaderSets(bounds::FEW_VALUES),
        "Request headers in the zone's cache key: for each table, the URLs as cached with these, too.",
    )
    .default("[]"),
    Field::new(
        "also",
        ValueType::Strings(Strings::up_to(bounds::FEW_VALUES)),
        "Further paths that depend on the objects, such as `/feed.xml` or `/{dir}/feed.xml`.",
    )
    .default("[]"),
    Field::new(
        "listings",
        Word(|| names(Listings::WORDS)),
        "The URLs of which folders above the object are purged, too, up to the source's prefix.",
    )
    .default("\"none\""),
    Field::new("purge", Word(|| names(METHODS)), "What one purge names.").default("\"urls\""),
    Field::new(
        "tags",
        ValueType::Strings(Strings::up_to(bounds::FEW_VALUES)),
        "With `purge = \"tags\"`: templates over {bucket}, {key}, {dir}, {stem} and {ext}.",
    )
    .default("[]"),
    Field::new("mode", Word(|| names(Mode::WORDS)), "`invalidate` is Cloudflare's soft purge.").default("\"purge\""),
    Field::new(
        "escalate_above",
        Integer(0..=MAX_ESCALATE_ABOVE),
        "More URLs than this in one event become one purge of the folder that they share; 0: never.",
    )
    .default("0"),
    Field::new(
        "escalate_after",
        Time,
        "So do URLs that would take longer than this at the zone's rate limit, such as `30s` or `2m`. Default: never.",
    ),
    Field::new(
        "again_after",
        Integer(0..=bounds::AGAIN_AFTER as usize),
        "Seconds until a second purge, against a fetch that was under way during the first; 0: none.",
    )
    .default("0"),
    Field::new(
        "verify",
        Share,
        "The share of purged URLs that are looked at at the edge a moment later; without it, that of the zone.",
    ),
    Field::new(
        "skip_unchanged",
        Boolean,
        "Whether uploads of the content that was purged last are not purged again, also if they change its metadata.",
    )
    .default("false"),
];

/// The only field that a row writes differently: as `bucket` and `prefix`.
pub(crate) const SOURCE: Field =
    Field::new("source", String, "Which objects: `s3://bucket/prefix/`, within what the team owns.").required();

/// `[[teams.<name>.tests]]`.
pub(crate) const TEST: [Field; 5] = [
    Field::new("object", String, "The object that changes: `s3://bucket/key`, with the key not URL-encoded.")
        .required(),
    Field::new("event", Word(|| names(ChangeKind::WORDS)), "What happens to it.").default("\"created\""),
    Field::new("purges", ITEMS, PURGES),
    Field::new("not_purges", ITEMS, "What must not be purged, written as in purges."),
    Field::new("unmatched", Boolean, "Whether none of the team's mappings may accept the change.").default("false"),
];

const ITEMS: ValueType =
    ValueType::Strings(Strings { max_bytes: Some(bounds::TEST_ITEM), ..Strings::up_to(bounds::FEW_VALUES).filled() });

const PURGES: &str =
    "What must be purged: a URL, or `prefix:host/folder/`, `host:name`, `tag:name` or `everything:domain`.";

fn names<T>(words: &[(&'static str, T)]) -> Vec<&'static str> {
    words.iter().map(|(name, _)| *name).collect()
}

/// The fields of this name, of all tables that have one.
fn named(name: &str) -> impl Iterator<Item = &'static Field> {
    let fields = [&FILE[..], &TEAM, &ZONE, &MAPPING, &TEST].into_iter().flatten();
    fields.filter(move |field| field.name == name)
}

/// Whether a table has a field of this name.
pub(crate) fn is_field(name: &str) -> bool {
    named(name).next().is_some()
}

/// Whether a field of this name is an array of strings.
pub(crate) fn is_list(name: &str) -> bool {
    named(name).any(|field| matches!(field.value, ValueType::Strings(_)))
}

/// How to write the value of a field that has no quotes; `None` if it has, or may have.
pub(crate) fn unquoted_help(name: &str) -> Option<&'static str> {
    match named(name).next()?.value {
        Boolean => Some("write `true` or `false`, without quotes"),
        Integer(_) | Version => Some("write a whole number, without quotes, `,` and unit"),
        Share => Some("write a number such as 0.01, without quotes"),
        _ => None,
    }
}

/// The tables of a mapping file that have a field of this name which people write.
pub(crate) fn tables_with(name: &str) -> Vec<&'static str> {
    let tables: [(&str, &[Field]); 5] = [
        ("the file itself (above the first header)", &FILE),
        ("a team (`[teams.<name>]`)", &TEAM),
        ("a zone (`[teams.<name>.zones.\"<domain>\"]`)", &ZONE),
        ("a mapping (`[[teams.<name>.mappings]]`)", &MAPPING),
        ("a test (`[[teams.<name>.tests]]`)", &TEST),
    ];
    let has = |fields: &[Field]| fields.iter().any(|field| field.name == name && name != PULLED);
    tables.into_iter().filter(|(_, fields)| has(fields)).map(|(table, _)| table).collect()
}
