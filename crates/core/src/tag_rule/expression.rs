//! A tag template for a key → an expression of Cloudflare's rules language.

use crate::model::template::{Field, Part, Template};
use crate::tag_rule::key::{Candidate, Of};
use crate::tag_rule::literal::literal;
use crate::tag_rule::no_tag_rule::NoTagRule;

/// The parts of a key whose path does not end in `/`: the key, its folder, and the stem and the extension of its name.
const PARTS_OF_FILE: &str = r"(?s)^((?:(.*)/)?([^/]+?)(?:\.([^./]*))?)$";

/// The same of a key without its extension: the key, its folder, and its name.
const PARTS_OF_CLEAN_URL: &str = r"(?s)^((?:(.*)/)?([^/]*))$";

/// How many references a replacement may have.
const MAX_REFERENCES: usize = 8;

/// The extension of the path, without its dot and in lower case; tags are case-insensitive.
const EXTENSION: &str = "url_decode(http.request.uri.path.extension)";

/// An expression of an empty tag, which no response needs.
pub(super) const NO_TEXT: &str = "concat()";

/// The tag for a key, as an expression that yields a string.
pub(super) fn tag_of(
    template: &Template,
    bucket: &str,
    candidate: &Candidate,
    needs_regex: bool,
) -> Result<String, NoTagRule> {
    if needs_regex {
        return replaced(template, bucket, candidate);
    }
    let mut arguments: Vec<String> = Vec::new();
    let mut text = String::new();
    for part in template.parts() {
        let (before, expression, after) = match part {
            Part::Text(text) => (text.as_str(), None, ""),
            Part::Field(field) => field_of(*field, bucket, candidate),
        };
        text.push_str(before);
        if let Some(expression) = expression {
            if !text.is_empty() {
                arguments.push(literal(&std::mem::take(&mut text)));
            }
            arguments.push(expression);
        }
        text.push_str(after);
    }
    if !text.is_empty() {
        arguments.push(literal(&text));
    }
    // `concat` turns a lone literal, which is no field, into a string as well.
    Ok(format!("concat({})", arguments.join(", ")))
}

/// A field as text, an expression, and text after it.
fn field_of<'c>(field: Field, bucket: &'c str, candidate: &'c Candidate) -> (&'c str, Option<String>, &'c str) {
    let (stem, ext) = candidate.stem_and_ext();
    match (field, candidate.of) {
        (Field::Bucket, _) => (bucket, None, ""),
        (Field::Key, _) => ("", Some(candidate.key.clone()), candidate.suffix.as_str()),
        (Field::Ext, Of::File) => ("", Some(EXTENSION.to_owned()), ""),
        (Field::Ext, _) => (ext, None, ""),
        (Field::Dir, Of::Folder) => ("", Some(format!("substring({}, 0, -1)", candidate.key)), ""),
        (Field::Dir, _) => ("", Some(candidate.key.clone()), ""),
        (Field::Stem, _) => (stem, None, ""),
    }
}

/// The tag by a regular expression that takes the key apart.
fn replaced(template: &Template, bucket: &str, candidate: &Candidate) -> Result<String, NoTagRule> {
    if template.fields() > MAX_REFERENCES {
        return Err(NoTagRule::TooManyFields);
    }
    let is_file = candidate.of == Of::File;
    let escaped = |text: &str| text.replace('$', "$$");
    let mut replacement = String::new();
    for part in template.parts() {
        replacement.push_str(&match part {
            Part::Text(text) => escaped(text),
            Part::Field(Field::Bucket) => escaped(bucket),
            Part::Field(Field::Key) => format!("${{1}}{}", escaped(&candidate.suffix)),
            Part::Field(Field::Dir) => "${2}".to_owned(),
            Part::Field(Field::Stem) => "${3}".to_owned(),
            Part::Field(Field::Ext) if is_file => "${4}".to_owned(),
            Part::Field(Field::Ext) => escaped(candidate.stem_and_ext().1),
        });
    }
    let pattern = if is_file { PARTS_OF_FILE } else { PARTS_OF_CLEAN_URL };
    Ok(format!("regex_replace({}, r\"{pattern}\", {})", candidate.key, literal(&replacement)))
}

/// An array with one string: `split` ends after the first of one element, whatever the string holds.
pub(super) fn one_element(string: &str) -> String {
    format!("split({string}, \",\", 1)")
}
