//! The rules of `tag_rules` set the tags that the planner purges: an evaluator of the functions that they use, on the paths that
//! clients send for random keys.

#![allow(clippy::unwrap_used, clippy::panic, reason = "clippy does not recognize the helpers of tests as tests")]

use std::collections::BTreeSet;

use proptest::prelude::*;
use purge_router_core::names::BucketName;
use purge_router_core::{Change, ChangeKind, Event, Item, Mappings, NoTagRule, Origin, TagRule, plan, tag_rules};

/// A string, a boolean or an array.
#[derive(Debug, Clone, PartialEq)]
enum Value {
    Text(String),
    Bool(bool),
    Array(Vec<String>),
}

/// Reads and evaluates an expression for a request in one pass.
struct Evaluator<'e> {
    rest: &'e str,
    host: &'e str,
    path: &'e str,
}

fn evaluate(expression: &str, host: &str, path: &str) -> Value {
    let mut evaluator = Evaluator { rest: expression, host, path };
    let value = evaluator.or();
    assert_eq!(evaluator.rest.trim(), "", "{expression}");
    value
}

impl<'e> Evaluator<'e> {
    fn take(&mut self, token: &str) -> bool {
        self.rest = self.rest.trim_start();
        match self.rest.strip_prefix(token) {
            Some(rest) => {
                self.rest = rest;
                true
            }
            None => false,
        }
    }

    fn or(&mut self) -> Value {
        let mut value = self.and();
        while self.take("or ") {
            let other = self.and();
            value = Value::Bool(truth(&value) | truth(&other));
        }
        value
    }

    fn and(&mut self) -> Value {
        let mut value = self.comparison();
        while self.take("and ") {
            let other = self.comparison();
            value = Value::Bool(truth(&value) & truth(&other));
        }
        value
    }

    fn comparison(&mut self) -> Value {
        if self.take("not ") {
            return Value::Bool(!truth(&self.comparison()));
        }
        let value = self.operand();
        if self.take("in {") {
            let mut is_in = false;
            while !self.take("}") {
                is_in |= self.operand() == value;
            }
            return Value::Bool(is_in);
        }
        if self.take("eq ") { Value::Bool(self.operand() == value) } else { value }
    }

    fn operand(&mut self) -> Value {
        if self.take("(") {
            let value = self.or();
            assert!(self.take(")"), "{}", self.rest);
            return value;
        }
        if self.take("r\"") {
            let (text, rest) = self.rest.split_once('"').unwrap();
            self.rest = rest;
            return Value::Text(text.to_owned());
        }
        if self.take("\"") {
            return self.quoted();
        }
        let is_name = |c: char| c.is_ascii_alphanumeric() || "._-".contains(c);
        let end = self.rest.find(|c| !is_name(c)).unwrap_or(self.rest.len());
        let (name, rest) = self.rest.split_at(end);
        self.rest = rest;
        if self.take("(") { self.call(name) } else { self.field(name) }
    }

    fn quoted(&mut self) -> Value {
        let mut text = String::new();
        let mut chars = self.rest.chars();
        loop {
            match chars.next().unwrap() {
                '"' => break,
                '\\' => text.push(chars.next().unwrap()),
                c => text.push(c),
            }
        }
        self.rest = chars.as_str();
        Value::Text(text)
    }

    fn field(&self, name: &str) -> Value {
        let basename = self.path.rsplit('/').next().unwrap();
        Value::Text(match name {
            "http.host" => self.host.to_owned(),
            "http.request.uri.path" => self.path.to_owned(),
            "http.request.uri.path.extension" => match basename.rsplit_once('.') {
                Some((stem, extension)) if !stem.is_empty() => extension.to_ascii_lowercase(),
                _ => String::new(),
            },
            number => number.parse::<i64>().unwrap().to_string(),
        })
    }

    fn call(&mut self, name: &str) -> Value {
        let mut arguments = Vec::new();
        while !self.take(")") {
            arguments.push(self.or());
            self.take(",");
        }
        let texts: Vec<&str> =
            arguments.iter().filter_map(|it| if let Value::Text(text) = it { Some(&**text) } else { None }).collect();
        match (name, &texts[..]) {
            ("concat", []) => Value::Array(arguments.iter().flat_map(array).collect()),
            ("concat", texts) => Value::Text(texts.concat()),
            ("split", [text, ",", "1"]) => Value::Array(vec![(*text).to_owned()]),
            ("starts_with", [text, beginning]) => Value::Bool(text.starts_with(beginning)),
            ("ends_with", [text, end]) => Value::Bool(text.ends_with(end)),
            ("url_decode", [text]) => {
                let spaced = text.replace('+', " ");
                Value::Text(percent_encoding::percent_decode_str(&spaced).decode_utf8().unwrap().into_owned())
            }
            ("substring", [text, start]) => Value::Text(text.get(start.parse().unwrap()..).unwrap_or("").to_owned()),
            ("substring", [text, "0", "-1"]) => {
                Value::Text(text.get(..text.len().saturating_sub(1)).unwrap().to_owned())
            }
            ("regex_replace", [text, pattern, replacement]) => {
                let pattern = regex::Regex::new(pattern).unwrap();
                Value::Text(pattern.replace(text, *replacement).into_owned())
            }
            call => panic!("{call:?}"),
        }
    }
}

fn truth(value: &Value) -> bool {
    matches!(value, Value::Bool(true))
}

fn array(value: &Value) -> Vec<String> {
    if let Value::Array(values) = value { values.clone() } else { panic!("{value:?} is no array") }
}

/// A mapping with these lines, and a second one that names the URLs of the same objects.
fn mappings(lines: &str, plan: &str) -> Mappings {
    let url_lines: String =
        lines.lines().filter(|line| !line.starts_with("tags")).map(|line| format!("{line}\n")).collect();
    let mapping =
        |more: &str| format!("[[teams.web.mappings]]\nsource = \"s3://assets/uk/\"\nzones = [\"w.com\"]\n{more}\n");
    let text = format!(
        "version = 1\n[teams.web]\nowns = [\"s3://assets/\"]\n[teams.web.zones.\"w.com\"]\nzone_id = \"{:032}\"\n\
         hostnames = [\"www.w.com\", \"cdn.w.com\"]\nplan = \"{plan}\"\n{}{}",
        0,
        mapping(&format!("purge = \"tags\"\n{lines}")),
        mapping(&url_lines)
    );
    purge_router_config::from_toml(&text).unwrap_or_else(|problems| panic!("{problems:?}"))
}

/// The tags and the URLs that are purged for a key, tags in lower case.
fn purged(mappings: &Mappings, key: &str) -> (BTreeSet<String>, Vec<String>) {
    let change = Change {
        bucket: BucketName::parse("assets").unwrap(),
        key: key.to_owned(),
        kind: ChangeKind::Created,
        etag: None,
        time: None,
        version: Default::default(),
        origin: Origin::Invocation,
        second_purge_of: None,
        verification: None,
    };
    let plan = plan(mappings, Event { changes: vec![change], ..Event::default() });
    let (mut tags, mut urls) = (BTreeSet::new(), Vec::new());
    for item in plan.batches.iter().flat_map(|batch| batch.items()) {
        match &item.item {
            Item::Tag(tag) => _ = tags.insert(tag.to_ascii_lowercase()),
            Item::Url(url) => urls.push(url.clone()),
            other => panic!("{other:?}"),
        }
    }
    (tags, urls)
}

/// The tags of the response to a URL, in lower case.
fn tags_of(rules: &[TagRule], url: &str) -> BTreeSet<String> {
    let (host, path) = url.strip_prefix("https://").unwrap().split_once('/').unwrap();
    let path = format!("/{path}");
    let matching = rules.iter().filter(|rule| truth(&evaluate(&rule.filter, host, &path)));
    matching.flat_map(|rule| array(&evaluate(&rule.tags, host, &path))).map(|tag| tag.to_ascii_lowercase()).collect()
}

fn rules(mappings: &Mappings) -> Result<Vec<TagRule>, NoTagRule> {
    let mapping = &mappings.all()[0];
    tag_rules(mapping, &mapping.zones[0])
}

const TEMPLATES: [&str; 9] = [
    "{bucket}/{key}",
    "docs-{dir}",
    "{stem}",
    "{ext}",
    "x-{key}-{ext}",
    "{dir}|{stem}|{ext}|{key}",
    "all",
    "$1{stem}\\\"",
    "{dir}/{stem}.{ext}",
];

const RULES: [&str; 6] = [
    "",
    "strip_prefix = \"uk/\"",
    "strip_prefix = \"uk/\"\nadd_prefix = \"en \u{fc}/\"",
    "index_documents = [\"index.html\", \"default\", \".x\"]",
    "clean_urls = true\nstrip_prefix = \"uk/\"",
    "clean_urls = true\nindex_documents = [\"index.html\", \"home.htm\"]",
];

/// Names of files and folders with what matters to templates and encoders.
fn key() -> impl Strategy<Value = String> {
    let name = prop_oneof![
        4 => "[a-zA-Z0-9]{1,6}(\\.[a-z]{1,3}){0,2}",
        2 => "[ a-z0-9+%~!$&'()*,;=@|.ü]{1,8}",
        1 => Just("index.html".to_owned()),
        1 => Just(".htaccess".to_owned()),
        1 => Just("home.htm".to_owned()),
    ];
    let has_path = |key: &String| !key.split('/').any(|segment| matches!(segment, "." | ".."));
    proptest::collection::vec(name, 1..4)
        .prop_map(|names| format!("uk/{}", names.join("/")))
        .prop_filter("dots", has_path)
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 2000, ..ProptestConfig::default() })]

    #[test]
    fn each_url_of_a_key_has_the_tags_that_its_change_purges(
        key in key(),
        rule in proptest::sample::select(&RULES[..]),
        templates in proptest::sample::subsequence(&TEMPLATES[..], 1..4),
    ) {
        let quoted: Vec<String> = templates.iter().map(|it| format!("'{it}'")).collect();
        // S3 reads a bare `+` as a space, so the URL with one is that of another object.
        let lines = format!("{rule}\nspellings = [\"rfc3986\", \"encode-uri-component\", \"s3-plus\"]\ntags = [{}]", quoted.join(", "));
        let mappings = mappings(&lines, "enterprise");
        let rules = rules(&mappings).unwrap();
        let (tags, urls) = purged(&mappings, &key);
        prop_assert!(!urls.is_empty());
        for (index, url) in urls.iter().enumerate() {
            let of_response = tags_of(&rules, url);
            prop_assert!(tags.is_subset(&of_response), "{key} {url}: {tags:?}, {of_response:?}");
            // Only aliases may have more.
            let is_alias = index > 0 || rule.contains("clean_urls");
            let valid: BTreeSet<String> = of_response.into_iter().filter(|tag| purge_router_core::is_tag(tag)).collect();
            prop_assert!(is_alias || tags == valid, "{key} {url}: {tags:?}, {valid:?}");
        }
    }
}

#[test]
fn other_hosts_and_folders_have_no_tags() {
    let mappings = mappings("tags = ['{key}']", "free");
    let rules = rules(&mappings).unwrap();
    for (url, tags) in [
        ("https://www.w.com/uk/a.css", &["uk/a.css"][..]),
        ("https://www.w.com/uk/a/", &["uk/a/", "uk/a/index.html"]),
        ("https://cdn.w.com/uk/a%20b", &["uk/a b"]),
        ("https://www.w.com/fr/a.css", &[]),
        ("https://www.other.com/uk/a.css", &[]),
    ] {
        assert_eq!(tags_of(&rules, url), tags.iter().map(|tag| (*tag).to_owned()).collect(), "{url}");
    }
}

#[test]
fn behind_a_transform_rule_the_path_is_the_key() {
    let lines = "strip_prefix = \"uk/\"\npath_rewrite = \"transform-rule\"\ntags = ['{key}']";
    let rules = rules(&mappings(lines, "free")).unwrap();
    assert_eq!(tags_of(&rules, "https://www.w.com/uk/a.css"), BTreeSet::from(["uk/a.css".to_owned()]));
}

#[test]
fn what_rules_can_not_express_is_refused() {
    let long = format!("tags = [{}]", (0..100).map(|it| format!("'tag-{it}-{{key}}'")).collect::<Vec<_>>().join(", "));
    let many = format!("tags = [{}]", (0..60).map(|it| format!("'{it}-{{dir}}'")).collect::<Vec<_>>().join(", "));
    for (lines, plan, code) in [
        ("tags = ['{dir}']", "free", "tag-rule-needs-regex"),
        ("tags = ['{stem}']", "pro", "tag-rule-needs-regex"),
        ("tags = ['{dir}']", "business", ""),
        ("tags = ['{key}', '{ext}', '{bucket}']\nclean_urls = true", "free", ""),
        ("tags = ['{dir}{dir}{dir}{dir}{dir}{dir}{dir}{dir}{dir}']", "enterprise", "tag-rule-too-many-fields"),
        (&*long, "free", "tag-rule-too-long"),
        (&*many, "business", "tag-rule-too-many-rules"),
    ] {
        let found = rules(&mappings(lines, plan)).map_err(NoTagRule::code).err().unwrap_or_default();
        assert_eq!(found, code, "{lines}");
    }
    let urls = mappings("tags = ['{key}']", "free");
    assert_eq!(tag_rules(&urls.all()[1], &urls.all()[1].zones[0]), Err(NoTagRule::NoTags));
}
