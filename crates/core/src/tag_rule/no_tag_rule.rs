//! Why there is no rule for a mapping.

/// Why a mapping's tags can't be set by rules.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum NoTagRule {
    /// The mapping does not purge tags.
    #[error("it does not purge tags")]
    NoTags,
    /// A template needs a regular expression, which the zone's plan lacks.
    #[error("a template with `{{dir}}` or `{{stem}}` needs a regular expression, which the zone's plan lacks")]
    NeedsRegex,
    /// A template has more fields than a regular expression may replace.
    #[error(
        "a template with `{{dir}}` or `{{stem}}` has more than 8 fields, the most that a regular expression may replace"
    )]
    TooManyFields,
    /// An expression is longer than Cloudflare allows.
    #[error("an expression would have more than 4,096 characters")]
    TooLong,
    /// There would be more rules than the plan allows.
    #[error("there would be more rules than the zone's plan allows")]
    TooManyRules,
}

impl NoTagRule {
    /// Its kind, in kebab-case, for programs.
    pub fn code(self) -> &'static str {
        match self {
            Self::NoTags => "tag-rule-without-tags",
            Self::NeedsRegex => "tag-rule-needs-regex",
            Self::TooManyFields => "tag-rule-too-many-fields",
            Self::TooLong => "tag-rule-too-long",
            Self::TooManyRules => "tag-rule-too-many-rules",
        }
    }

    /// A way out.
    pub fn help(self) -> &'static str {
        match self {
            Self::NoTags => "write `purge = \"tags\"` and `tags`",
            Self::NeedsRegex => {
                "use `{key}`, `{ext}` and `{bucket}` only, raise `plan` if the zone has a higher one, or let the origin server \
                 send Cache-Tag"
            }
            Self::TooManyFields => "use fewer fields in a template",
            Self::TooLong => "use fewer `tags`, `hostnames` or `index_documents`, or several mappings",
            Self::TooManyRules => "use fewer `tags`, or templates without `{dir}` and `{stem}`, which share one rule",
        }
    }
}
