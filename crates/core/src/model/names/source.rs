//! What a mapping is about: a bucket, and a prefix of its keys.

use std::fmt;

use crate::model::code::Code;
use crate::model::invalid::Invalid;
use crate::model::names::{BucketName, Prefix};

/// A bucket and a prefix, written `s3://bucket/prefix/`.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Source {
    /// The bucket's name, without `s3://`.
    pub bucket: BucketName,
    /// What the keys begin with; empty for the whole bucket.
    pub prefix: Prefix,
}

impl Source {
    /// Reads `s3://bucket/prefix/`; `s3://bucket` is the whole bucket.
    pub fn parse(text: &str) -> Result<Self, Invalid> {
        let Some(rest) = text.strip_prefix("s3://") else {
            return Err(Invalid::new(
                Code::BadSource,
                format!("`{text}` is not a bucket and prefix"),
                "write `s3://bucket/` or `s3://bucket/prefix/`",
            ));
        };
        let (bucket, prefix) = rest.split_once('/').unwrap_or((rest, ""));
        let bucket = BucketName::parse(bucket)?;
        match Prefix::parse(prefix) {
            Ok(prefix) => Ok(Self { bucket, prefix }),
            Err(invalid) => Err(Invalid { help: help_with_prefix(&bucket, prefix), ..invalid }),
        }
    }

    /// Whether every object of `other` is one of this source.
    pub fn covers(&self, other: &Source) -> bool {
        self.bucket == other.bucket && self.prefix.covers(&other.prefix)
    }
}

/// How to write a source whose prefix does not end in `/`.
fn help_with_prefix(bucket: &BucketName, prefix: &str) -> String {
    let Some((before, _)) = prefix.split_once('*') else {
        return format!("write `s3://{bucket}/{prefix}/`, or `s3://{bucket}/` for all keys");
    };
    let folder = before.rfind('/').and_then(|slash| before.get(..=slash)).unwrap_or_default();
    let pattern = prefix.strip_prefix(folder).unwrap_or(prefix);
    let include = match pattern {
        "*" | "**" => String::new(),
        _ => format!(", and `{pattern}` in the mapping's `include`"),
    };
    format!("a source has no wildcards: write `s3://{bucket}/{folder}`{include}")
}

impl fmt::Display for Source {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "s3://{}/{}", self.bucket, self.prefix)
    }
}
