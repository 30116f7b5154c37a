//! Cloudflare's Cache Response Rules that set the tags which a mapping purges, for origin servers that can't send `Cache-Tag`,
//! such as S3.
//!
//! A rule sees the path of a request, and not the key, so it computes the key from the path. A path may be served for several
//! keys: `/foo/` for `foo/index.html`, and with clean URLs `/foo` for `foo.html`. Its response then has the tags of each of
//! them: one too many is only a cache miss. Decision 46 says what rules can't express.
//!
//! Sources: <https://developers.cloudflare.com/cache/how-to/cache-response-rules/settings/> and
//! <https://developers.cloudflare.com/ruleset-engine/rules-language/functions/>.

mod expression;
mod key;
mod literal;
mod no_tag_rule;

use crate::model::limits::{CloudflarePlan, EXPRESSION_LENGTH};
use crate::model::mapping::{Mapping, PathRewrite, Purge};
use crate::model::template::Template;
use crate::model::zone::Zone;
use crate::purge::paths::visitor_path;

use self::expression::{NO_TEXT, one_element, tag_of};
use self::key::{Candidate, KeyOfPath};
use self::literal::literal;
pub use self::no_tag_rule::NoTagRule;

/// A Cache Response Rule: which requests it is for, and the tags of their responses.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TagRule {
    /// What it is for, in a few words.
    pub description: String,
    /// Which requests: the rule's `expression`.
    pub filter: String,
    /// The tags: the `expression` of its parameters, which yields an array.
    pub tags: String,
}

/// The rules for one zone of a mapping: those of paths that end in `/`, and those of the others.
///
/// # Errors
/// They can't be written.
pub fn tag_rules(mapping: &Mapping, zone: &Zone) -> Result<Vec<TagRule>, NoTagRule> {
    let Purge::Tags(templates) = &mapping.purge else { return Err(NoTagRule::NoTags) };
    let key = KeyOfPath::of(mapping);
    let mut rules = Vec::new();
    for (is_folder, name) in [(false, "files"), (true, "folders")] {
        let filter = filter(mapping, zone, is_folder);
        let rule = |tags| TagRule {
            description: format!("purge-router: cache tags of s3://{} ({name})", mapping.source.bucket),
            filter: filter.clone(),
            tags,
        };
        let (mut shared, mut alone) = (Vec::new(), Vec::new());
        for candidate in key.candidates(mapping, is_folder) {
            for template in templates {
                let template: &Template = template.template();
                let needs_regex = candidate.needs_regex(template);
                let tag = tag_of(template, mapping.source.bucket.as_str(), &candidate, needs_regex)?;
                let tags = if needs_regex { &mut alone } else { &mut shared };
                if tag != NO_TEXT && !tags.contains(&tag) {
                    tags.push(tag);
                }
            }
        }
        // An expression may have one regular expression.
        rules.extend(join(&shared).map(&rule));
        rules.extend(alone.iter().map(|tag| rule(one_element(tag))));
        if !alone.is_empty() && !has_regex(zone.plan) {
            return Err(NoTagRule::NeedsRegex);
        }
    }
    check_limits(&rules, zone.plan)?;
    Ok(rules)
}

/// Whether rules of a plan may have regular expressions.
fn has_regex(plan: CloudflarePlan) -> bool {
    matches!(plan, CloudflarePlan::Business | CloudflarePlan::Enterprise)
}

fn check_limits(rules: &[TagRule], plan: CloudflarePlan) -> Result<(), NoTagRule> {
    let is_too_long = |rule: &TagRule| rule.filter.len().max(rule.tags.len()) > EXPRESSION_LENGTH;
    match rules.len() > plan.cache_response_rules() {
        true => Err(NoTagRule::TooManyRules),
        false if rules.iter().any(is_too_long) => Err(NoTagRule::TooLong),
        false => Ok(()),
    }
}

/// The array of these tags; `None` if there are none.
fn join(tags: &[String]) -> Option<String> {
    match tags {
        [] => None,
        [only] => Some(one_element(only)),
        all => Some(format!("concat({})", all.iter().map(|tag| one_element(tag)).collect::<Vec<_>>().join(", "))),
    }
}

/// The requests whose paths may be those of the mapping's objects. Globs are left out: tags that are never purged harm nobody.
fn filter(mapping: &Mapping, zone: &Zone, is_folder: bool) -> String {
    let hostnames: Vec<String> = mapping.hostnames_of(zone).map(|hostname| literal(hostname.as_str())).collect();
    let mut filter = format!("http.host in {{{}}}", hostnames.join(" "));
    let beginning = format!("/{}", path_of(mapping, mapping.source.prefix.as_str()));
    if beginning != "/" {
        let path = "url_decode(http.request.uri.path)";
        let below = format!("starts_with({path}, {})", literal(&beginning));
        // The folder itself, without its `/`, is the clean URL of its index document.
        let folder = literal(beginning.trim_end_matches('/'));
        let below = if mapping.urls.clean_urls { format!("({below} or {path} eq {folder})") } else { below };
        filter = format!("{filter} and {below}");
    }
    let not = if is_folder { "" } else { "not " };
    format!("{filter} and {not}ends_with(http.request.uri.path, \"/\")")
}

/// The path of a key as a rule sees it: behind a Transform Rule it is the key itself.
fn path_of(mapping: &Mapping, key: &str) -> String {
    match mapping.urls.path_rewrite {
        PathRewrite::Origin => visitor_path(&mapping.urls, key).into_owned(),
        PathRewrite::TransformRule => key.to_owned(),
    }
}

impl Candidate {
    fn needs_regex(&self, template: &Template) -> bool {
        self.has_unknown_folder() && template.has_dir_or_stem()
    }
}
