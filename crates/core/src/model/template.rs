//! Templates over `{bucket}`, `{key}`, `{dir}`, `{stem}` and `{ext}`.

use std::fmt;

use crate::model::suggest::{nearest, quoted};

const FIELDS: &[(&str, Field)] =
    &[("bucket", Field::Bucket), ("key", Field::Key), ("dir", Field::Dir), ("stem", Field::Stem), ("ext", Field::Ext)];

/// The longest name of a bucket, in bytes.
const BUCKET_NAME: usize = 255;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Field {
    Bucket,
    Key,
    Dir,
    Stem,
    Ext,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Part {
    Text(String),
    Field(Field),
}

/// Text and fields, in their order.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Template(Vec<Part>);

/// What is wrong with a template, and how to write it.
pub(crate) struct BadTemplate {
    pub(crate) message: String,
    pub(crate) help: String,
}

impl Template {
    pub(crate) fn parse(text: &str) -> Result<Self, BadTemplate> {
        let mut parts = Vec::new();
        let mut rest = text;
        while let Some((before, after)) = rest.split_once('{') {
            let Some((name, after)) = after.split_once('}') else {
                let message = format!("`{text}` has a `{{` without `}}`");
                return Err(BadTemplate { message, help: "close it".to_owned() });
            };
            let Some((_, field)) = FIELDS.iter().find(|(known, _)| *known == name) else {
                return Err(unknown_field(text, name));
            };
            parts.push(Part::Text(before.to_owned()));
            parts.push(Part::Field(*field));
            rest = after;
        }
        parts.push(Part::Text(rest.to_owned()));
        parts.retain(|part| !matches!(part, Part::Text(text) if text.is_empty()));
        Ok(Self(parts))
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Text and fields, in their order.
    pub(crate) fn parts(&self) -> &[Part] {
        &self.0
    }

    /// Whether it has a field that is a folder, or a file name without its extension.
    pub(crate) fn has_dir_or_stem(&self) -> bool {
        self.0.iter().any(|part| matches!(part, Part::Field(Field::Dir | Field::Stem)))
    }

    /// The text between the fields.
    pub(crate) fn literals(&self) -> impl Iterator<Item = &str> {
        self.0.iter().filter_map(|part| match part {
            Part::Text(text) => Some(&**text),
            Part::Field(_) => None,
        })
    }

    /// How many fields it has.
    pub(crate) fn fields(&self) -> usize {
        self.0.iter().filter(|part| matches!(part, Part::Field(_))).count()
    }

    /// Whether this is the text for some values of the fields.
    pub(crate) fn may_render(&self, text: &str) -> bool {
        let (mut rest, mut after_field) = (text, false);
        for (index, part) in self.0.iter().enumerate() {
            let Part::Text(literal) = part else {
                after_field = true;
                continue;
            };
            let at = match after_field {
                true if index + 1 == self.0.len() => {
                    rest.len().checked_sub(literal.len()).filter(|_| rest.ends_with(&**literal))
                }
                true => rest.find(&**literal),
                false => rest.starts_with(&**literal).then_some(0),
            };
            let Some(after) = at.and_then(|at| rest.get(at + literal.len()..)) else { return false };
            (rest, after_field) = (after, false);
        }
        after_field || rest.is_empty()
    }

    /// The bytes of the text for a key of this length, at most.
    pub(crate) fn most_bytes(&self, key_length: usize) -> usize {
        let part = |part: &Part| match part {
            Part::Text(text) => text.len(),
            Part::Field(Field::Bucket) => BUCKET_NAME,
            Part::Field(_) => key_length,
        };
        self.0.iter().map(part).sum()
    }

    /// The text for a key of a bucket.
    pub(crate) fn render(&self, bucket: &str, key: &str) -> String {
        let (dir, name) = key.rsplit_once('/').unwrap_or(("", key));
        let (stem, ext) = match name.rsplit_once('.') {
            Some((stem, ext)) if !stem.is_empty() => (stem, ext),
            _ => (name, ""),
        };
        let mut rendered = String::new();
        for part in &self.0 {
            rendered.push_str(match part {
                Part::Text(text) => text,
                Part::Field(Field::Bucket) => bucket,
                Part::Field(Field::Key) => key,
                Part::Field(Field::Dir) => dir,
                Part::Field(Field::Stem) => stem,
                Part::Field(Field::Ext) => ext,
            });
        }
        rendered
    }
}

impl fmt::Display for Template {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let name = |of: &Field| FIELDS.iter().find(|(_, field)| field == of).map_or("", |(name, _)| name);
        self.0.iter().try_for_each(|part| match part {
            Part::Text(text) => f.write_str(text),
            Part::Field(field) => write!(f, "{{{}}}", name(field)),
        })
    }
}

fn unknown_field(text: &str, name: &str) -> BadTemplate {
    let names = || FIELDS.iter().map(|(name, _)| *name);
    let help = match nearest(name, names()) {
        Some(near) => format!("did you mean `{{{near}}}`?"),
        None => format!("fields are {}", quoted(names())),
    };
    BadTemplate { message: format!("`{text}` has the unknown field `{{{name}}}`"), help }
}
