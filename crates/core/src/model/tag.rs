//! Cache tags from templates over `{bucket}`, `{key}`, `{dir}`, `{stem}` and `{ext}`.

use crate::model::change::Change;
use crate::model::code::Code;
use crate::model::invalid::Invalid;
use crate::model::limits::TAG_LENGTH;
use crate::model::suggest::{nearest, quoted};

const FIELDS: &[(&str, Field)] =
    &[("bucket", Field::Bucket), ("key", Field::Key), ("dir", Field::Dir), ("stem", Field::Stem), ("ext", Field::Ext)];

#[derive(Debug, Clone, Copy)]
enum Field {
    Bucket,
    Key,
    Dir,
    Stem,
    Ext,
}

#[derive(Debug, Clone)]
enum Part {
    Text(String),
    Field(Field),
}

/// A template of a cache tag.
#[derive(Debug, Clone)]
pub struct TagTemplate(Vec<Part>);

impl TagTemplate {
    /// Reads a template.
    pub fn parse(text: &str) -> Result<Self, Invalid> {
        let bad = |message: String, help: String| Invalid::new(Code::BadTagTemplate, message, help);
        let mut parts = Vec::new();
        let mut rest = text;
        while let Some((before, after)) = rest.split_once('{') {
            let Some((name, after)) = after.split_once('}') else {
                return Err(bad(format!("`{text}` has a `{{` without `}}`"), "close it".to_owned()));
            };
            let Some((_, field)) = FIELDS.iter().find(|(known, _)| *known == name) else {
                let names = || FIELDS.iter().map(|(name, _)| *name);
                let help = nearest(name, names()).map_or_else(
                    || format!("fields are {}", quoted(names())),
                    |near| format!("did you mean `{{{near}}}`?"),
                );
                return Err(bad(format!("`{text}` has the unknown field `{{{name}}}`"), help));
            };
            parts.push(Part::Text(before.to_owned()));
            parts.push(Part::Field(*field));
            rest = after;
        }
        parts.push(Part::Text(rest.to_owned()));
        parts.retain(|part| !matches!(part, Part::Text(text) if text.is_empty()));
        let literal = parts.iter().all(|part| !matches!(part, Part::Text(text) if !text.bytes().all(allowed)));
        if parts.is_empty() || !literal || text.len() > TAG_LENGTH {
            return Err(bad(
                format!("`{text}` is not a cache tag"),
                format!("use 1 to {TAG_LENGTH} printable ASCII characters, without space and comma"),
            ));
        }
        Ok(Self(parts))
    }

    /// The tag for one change.
    ///
    /// # Errors
    /// The template yields no valid tag for this change.
    pub fn render(&self, change: &Change) -> Result<String, String> {
        let (dir, name) = change.key.rsplit_once('/').unwrap_or(("", &change.key));
        let (stem, ext) = match name.rsplit_once('.') {
            Some((stem, ext)) if !stem.is_empty() => (stem, ext),
            _ => (name, ""),
        };
        let mut tag = String::new();
        for part in &self.0 {
            tag.push_str(match part {
                Part::Text(text) => text,
                Part::Field(Field::Bucket) => change.bucket.as_str(),
                Part::Field(Field::Key) => &change.key,
                Part::Field(Field::Dir) => dir,
                Part::Field(Field::Stem) => stem,
                Part::Field(Field::Ext) => ext,
            });
        }
        if !is_tag(&tag) {
            let start: String = tag.chars().take(100).collect();
            let more = if start.len() < tag.len() { "…" } else { "" };
            return Err(format!(
                "`{}{more}` is not a valid cache tag (1 to {TAG_LENGTH} printable ASCII characters, without space and comma)",
                start.escape_debug()
            ));
        }
        Ok(tag)
    }
}

/// Whether a string is a valid cache tag.
pub fn is_tag(text: &str) -> bool {
    (1..=TAG_LENGTH).contains(&text.len()) && text.bytes().all(allowed)
}

/// Printable ASCII without space; a comma separates tags in the `Cache-Tag` header, so no tag can hold one.
fn allowed(byte: u8) -> bool {
    byte.is_ascii_graphic() && byte != b','
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::change::{ChangeKind, Origin};
    use crate::model::names::BucketName;

    fn render(template: &str, key: &str) -> Result<String, String> {
        TagTemplate::parse(template).unwrap().render(&Change {
            bucket: BucketName::parse("assets").unwrap(),
            key: key.to_owned(),
            kind: ChangeKind::Created,
            time: None,
            origin: Origin::Invocation,
        })
    }

    #[test]
    fn fields() {
        for (template, key, tag) in [
            ("{bucket}/{key}", "a/b.css", "assets/a/b.css"),
            ("dir:{dir}", "a/b/c.min.js", "dir:a/b"),
            ("{stem}.{ext}", "a/b/c.min.js", "c.min.js"),
            ("{stem}", "a/b/c.min.js", "c.min"),
            ("page-{stem}", "index", "page-index"),
            ("{stem}|{ext}", ".htaccess", ".htaccess|"),
            ("static", "x", "static"),
        ] {
            assert_eq!(render(template, key).as_deref(), Ok(tag), "{template} on {key}");
        }
    }

    #[test]
    fn invalid_tags_and_templates_are_refused() {
        for (template, key) in
            [("{key}", "a b"), ("{key}", "ü"), ("{key}", "a,b"), ("{dir}", "root"), ("{key}", &*"a".repeat(1025))]
        {
            assert!(render(template, key).is_err(), "{template} on {key}");
        }
        for bad in ["", "a b", "{nope}", "{key", "a,b", "ü"] {
            assert_eq!(TagTemplate::parse(bad).unwrap_err().code.as_str(), "bad-tag-template", "{bad}");
        }
    }
}
