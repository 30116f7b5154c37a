//! Cache tags from templates over `{bucket}`, `{key}`, `{dir}`, `{stem}` and `{ext}`.

use crate::model::change::Change;
use crate::model::code::Code;
use crate::model::invalid::Invalid;
use crate::model::limits::TAG_LENGTH;
use crate::model::template::Template;

/// A template of a cache tag.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TagTemplate(Template);

impl TagTemplate {
    /// Reads a template.
    pub fn parse(text: &str) -> Result<Self, Invalid> {
        let bad = |message: String, help: String| Invalid::new(Code::BadTagTemplate, message, help);
        let template = Template::parse(text).map_err(|template| bad(template.message, template.help))?;
        let literal = template.literals().all(|literal| literal.bytes().all(allowed));
        if template.is_empty() || !literal || text.len() > TAG_LENGTH {
            return Err(bad(
                format!("`{text}` is not a cache tag"),
                format!("use 1 to {TAG_LENGTH} printable ASCII characters, without space and comma"),
            ));
        }
        Ok(Self(template))
    }

    /// The bytes of the tag for a key of this length, at most.
    pub(crate) fn most_bytes(&self, key_length: usize) -> usize {
        self.0.most_bytes(key_length)
    }

    /// The template itself.
    pub(crate) fn template(&self) -> &Template {
        &self.0
    }

    /// The tag for one change.
    ///
    /// # Errors
    /// The template yields no valid tag for this change.
    pub fn render(&self, change: &Change) -> Result<String, String> {
        let tag = self.0.render(change.bucket.as_str(), &change.key);
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
            etag: None,
            time: None,
            origin: Origin::Invocation,
            version: Default::default(),
            second_purge_of: None,
            verification: None,
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
