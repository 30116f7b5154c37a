//! Names that are always valid: each is a type with one constructor, `parse`, whose error says how to fix the name.

mod api_token;
mod source;

use std::borrow::Borrow;
use std::fmt;
use std::sync::Arc;

use serde::{Deserialize, Deserializer, Serialize};

use self::api_token::refuse_token;
pub use self::api_token::{TOKEN_PREFIXES, is_unprefixed_token};
use self::source::help_with_prefix;
use crate::model::code::Code;
use crate::model::invalid::Invalid;

macro_rules! name {
    ($(#[$doc:meta])* $name:ident) => {
        $(#[$doc])*
        #[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
        #[serde(transparent)]
        pub struct $name(Arc<str>);

        impl $name {
            /// The name as text.
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(&self.0)
            }
        }

        impl Borrow<str> for $name {
            fn borrow(&self) -> &str {
                &self.0
            }
        }
    };
}

name! {
    /// A team's name: 1 to 32 of `a-z`, `0-9` and `-`, the first no `-`. It is part of SSM names and DynamoDB keys.
    TeamName
}

impl TeamName {
    /// Reads a team's name.
    pub fn parse(text: &str) -> Result<Self, Invalid> {
        let allowed = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-';
        if text.is_empty() || text.len() > 32 || !text.chars().all(allowed) || text.starts_with('-') {
            return Err(Invalid::new(
                Code::BadTeamName,
                format!("`{text}` is not a team's name"),
                "use 1 to 32 of a-z, 0-9 and `-`, beginning with a letter or digit",
            ));
        }
        Ok(Self(text.into()))
    }

    /// A name similar to a string that is no valid name, so that other problems of that team can be reported: in lower
    /// case, with `-` for what is not allowed, and `team` if nothing is left.
    pub fn similar_to(text: &str) -> Self {
        let lower = text.chars().map(|c| c.to_ascii_lowercase());
        let allowed = lower.map(|c| if c.is_ascii_lowercase() || c.is_ascii_digit() { c } else { '-' });
        let name: String = allowed.skip_while(|c| *c == '-').take(32).collect();
        Self(if name.is_empty() { "team".into() } else { name.into() })
    }
}

name! {
    /// A DNS name of at least two labels, in lower case, without port or final dot: a zone's domain or a hostname.
    Hostname
}

impl Hostname {
    /// Reads a hostname.
    pub fn parse(text: &str) -> Result<Self, Invalid> {
        let bad = |message: String, help: &str| Err(Invalid::new(Code::BadHostname, message, help));
        if text.contains("://") || text.contains('/') {
            return bad(format!("`{text}` is not a hostname"), "write the bare name, without scheme and path");
        }
        if text.chars().any(|c| c.is_ascii_uppercase()) {
            return bad(format!("`{text}` has capital letters"), "write hostnames in lower case");
        }
        if !text.is_ascii() {
            return bad(format!("`{text}` is not ASCII"), "write an international name in its `xn--` form");
        }
        if text.contains('*') {
            return bad(format!("`{text}` has a wildcard"), "Cloudflare purges no wildcards: list each hostname");
        }
        let label = |label: &str| {
            (1..=63).contains(&label.len())
                && !label.starts_with('-')
                && !label.ends_with('-')
                && label.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-' || b == b'_')
        };
        if text.len() > 253 || text.split('.').count() < 2 || !text.split('.').all(label) {
            return bad(format!("`{text}` is not a hostname"), "write a name such as `assets.website.com`");
        }
        Ok(Self(text.into()))
    }

    /// Whether this name is `domain` or a subdomain of it, at a label's boundary: `evilwebsite.com` is not in
    /// `website.com`.
    pub fn is_within(&self, domain: &Hostname) -> bool {
        match self.0.strip_suffix(&*domain.0) {
            Some(rest) => rest.is_empty() || rest.ends_with('.'),
            None => false,
        }
    }
}

name! {
    /// A Cloudflare identifier of a zone or account: 32 hexadecimal digits in lower case.
    CloudflareId
}

impl CloudflareId {
    /// Reads an identifier.
    pub fn parse(text: &str) -> Result<Self, Invalid> {
        let hex = |b: u8| b.is_ascii_digit() || (b'a'..=b'f').contains(&b);
        if text.len() != 32 || !text.bytes().all(hex) {
            return Err(Invalid::new(
                Code::BadCloudflareId,
                format!("`{text}` is not a Cloudflare id"),
                "copy the 32 hexadecimal digits from the zone's overview page in Cloudflare",
            ));
        }
        Ok(Self(text.into()))
    }
}

impl<'de> Deserialize<'de> for CloudflareId {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        Self::parse(&text).map_err(serde::de::Error::custom)
    }
}

name! {
    /// The id of an environment of Version Management: 1 to 32 of `a-z` and `0-9`. Cloudflare's API calls it `ref`.
    EnvironmentId
}

impl EnvironmentId {
    /// Reads an identifier.
    pub fn parse(text: &str) -> Result<Self, Invalid> {
        let is_allowed = |b: u8| b.is_ascii_digit() || b.is_ascii_lowercase();
        if !(1..=32).contains(&text.len()) || !text.bytes().all(is_allowed) {
            return Err(Invalid::new(
                Code::BadEnvironment,
                format!("`{text}` is not the id of an environment"),
                "copy the `ref` of the environment from Cloudflare's API, `GET /zones/{zone_id}/environments`",
            ));
        }
        Ok(Self(text.into()))
    }
}

name! {
    /// A KMS key, as AWS names it: an id, an ARN, or an alias such as `alias/purge-router-web`.
    KmsKey
}

impl KmsKey {
    /// Reads a key's name.
    pub fn parse(text: &str) -> Result<Self, Invalid> {
        let allowed = |b: u8| b.is_ascii_alphanumeric() || b":/_-".contains(&b);
        if text.is_empty() || text.len() > 2048 || !text.bytes().all(allowed) {
            return Err(Invalid::new(
                Code::BadKmsKey,
                format!("`{text}` is not a KMS key"),
                "write its id, its ARN, or an alias such as `alias/purge-router-web`",
            ));
        }
        Ok(Self(text.into()))
    }
}

name! {
    /// A bucket's name. S3's own, and what MinIO, Ceph and old regions allow: 1 to 255 of letters, digits, `.`, `-`,
    /// `_`.
    BucketName
}

impl BucketName {
    /// Reads a bucket's name.
    pub fn parse(text: &str) -> Result<Self, Invalid> {
        let allowed = |b: u8| b.is_ascii_alphanumeric() || b"._-".contains(&b);
        if text.is_empty() || text.len() > 255 || !text.bytes().all(allowed) {
            return Err(Invalid::new(
                Code::BadBucketName,
                format!("`{text}` is not a bucket's name"),
                "use 1 to 255 letters, digits, `.`, `-` or `_`",
            ));
        }
        Ok(Self(text.into()))
    }
}

name! {
    /// A prefix of keys: empty, or ending in `/`, so that `acme/` never covers `acme-eu/`.
    Prefix
}

impl Prefix {
    /// Reads a prefix.
    pub fn parse(text: &str) -> Result<Self, Invalid> {
        if !text.is_empty() && !text.ends_with('/') {
            return Err(Invalid::new(
                Code::PrefixWithoutSlash,
                format!("the prefix `{text}` does not end in `/`"),
                format!("write `{text}/`, or leave it empty for all keys"),
            ));
        }
        Ok(Self(text.into()))
    }

    /// The prefix of all keys.
    pub fn empty() -> Self {
        Self("".into())
    }

    /// Whether every key below `other` is also below this prefix.
    pub fn covers(&self, other: &Prefix) -> bool {
        other.0.starts_with(&*self.0)
    }
}

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
            Err(invalid) => Err(Invalid { help: help_with_prefix(bucket.as_str(), prefix), ..invalid }),
        }
    }

    /// Whether every object of `other` is one of this source.
    pub fn covers(&self, other: &Source) -> bool {
        self.bucket == other.bucket && self.prefix.covers(&other.prefix)
    }
}

impl fmt::Display for Source {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "s3://{}/{}", self.bucket, self.prefix)
    }
}

name! {
    /// A folder of SSM parameters: begins and ends with `/`, such as `/purge-router/web/`.
    TokenFolder
}

impl TokenFolder {
    /// Reads a folder's name. SSM allows letters, digits, `.`, `-`, `_` and at most 15 levels, none of them
    /// `aws` or `ssm` at the root.
    pub fn parse(text: &str) -> Result<Self, Invalid> {
        let bad = |message: String, help: &str| Err(Invalid::new(Code::BadTokenFolder, message, help));
        refuse_token(text, "a folder of tokens", "name the team's folder, such as `/purge-router/web/`")?;
        let inner = text.strip_prefix('/').and_then(|text| text.strip_suffix('/'));
        let Some(inner) = inner.filter(|inner| !inner.is_empty()) else {
            return bad(
                format!("`{text}` is not a folder of tokens"),
                "begin and end it with `/`: `/purge-router/web/`",
            );
        };
        let levels: Vec<&str> = inner.split('/').collect();
        if levels.len() > 14 || !levels.iter().all(|level| is_ssm_level(level)) {
            return bad(
                format!("`{text}` is not a name that SSM allows"),
                "use at most 14 levels of letters, digits, `.`, `-` and `_`",
            );
        }
        let root = inner.to_ascii_lowercase();
        if root.starts_with("aws") || root.starts_with("ssm") {
            return bad(format!("`{text}` begins with a level that SSM reserves"), "begin it with another name");
        }
        Ok(Self(text.into()))
    }

    /// The team's folder if its grant names none.
    pub fn default_of(team: &TeamName) -> Self {
        Self(format!("/purge-router/{team}/").into())
    }

    /// Whether one of the two folders holds the other, so that both teams could name the same token.
    pub fn overlaps(&self, other: &TokenFolder) -> bool {
        self.0.starts_with(&*other.0) || other.0.starts_with(&*self.0)
    }

    /// Whether a parameter is in this folder and not in a folder below it.
    pub fn contains(&self, parameter: &TokenParameter) -> bool {
        parameter.0.strip_prefix(&*self.0).is_some_and(|name| !name.contains('/'))
    }

    /// The parameter of this name in the folder. Its name has no `/`, so it can't lead out of the folder.
    pub fn parameter(&self, name: &str) -> Result<TokenParameter, Invalid> {
        let help = "store it with `purge-router tokens put`, and write its name here or leave the field out";
        refuse_token(name, "its name", help)?;
        if !is_ssm_level(name) {
            return Err(Invalid::new(
                Code::BadTokenName,
                format!("`{name}` is not a token's name"),
                "name a parameter inside the team's folder: letters, digits, `.`, `-` and `_`, without `/` and `..`",
            ));
        }
        Ok(TokenParameter(format!("{}{name}", self.0).into()))
    }
}

fn is_ssm_level(text: &str) -> bool {
    !text.is_empty()
        && text.len() <= 255
        && !text.contains("..")
        && text.bytes().all(|b| b.is_ascii_alphanumeric() || b"._-".contains(&b))
}

name! {
    /// The full SSM name of a token: the team's folder and a name in it. Made only by [`TokenFolder::parameter`].
    TokenParameter
}

#[cfg(test)]
mod tests;
