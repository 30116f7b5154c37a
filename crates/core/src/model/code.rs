//! The codes of problems in what teams write: each names one kind of problem, for machines and for the documentation.

use std::fmt;

use serde::{Serialize, Serializer};
use strum::{IntoStaticStr, VariantNames};

/// The kind of a problem. Its kebab-case text is stable across releases; `docs/mappings/problems.md` explains each.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, IntoStaticStr, VariantNames)]
#[strum(serialize_all = "kebab-case")]
#[expect(missing_docs, reason = "docs/mappings/problems.md explains each code, and a test compares the two lists")]
pub enum Code {
    BadAddPrefix,
    BadAlso,
    BadBucketName,
    BadCloudflareId,
    BadEnvironment,
    BadEscalateAfter,
    BadExtension,
    BadGlob,
    BadGrant,
    BadHostname,
    BadIndexDocument,
    BadKmsKey,
    BadObject,
    BadParameterName,
    BadPulled,
    BadQueryString,
    BadSource,
    BadTagTemplate,
    BadTeamName,
    BadTestItem,
    BadTokenFolder,
    BadTokenName,
    BadVaryHeaders,
    BadVerify,
    BadZone,
    DuplicateZoneId,
    EmptyList,
    EscalationWithoutPrefix,
    EscalationWithoutUrls,
    ForeignHostname,
    GlobTooLong,
    InvalidToml,
    MissingField,
    MissingVariable,
    NegatedGlob,
    NoCommonDomain,
    NoGrant,
    NoMapping,
    NoTags,
    NoTeam,
    NoTeams,
    PrefixWithoutSlash,
    SharedTokenFolder,
    SourceNotOwned,
    StripPrefixOutsideSource,
    TestFailed,
    TestWithoutExpectation,
    TokenInTheOpen,
    TooLong,
    TooManyAlternates,
    TooManyGlobs,
    TooManyMappings,
    TooManyTests,
    TooManyUrls,
    TooManyValues,
    TooManyZones,
    UnknownEvent,
    UnknownField,
    UnknownHostname,
    UnknownListings,
    UnknownMode,
    UnknownPathRewrite,
    UnknownPlan,
    UnknownPurge,
    UnknownScheme,
    UnknownSpelling,
    UnknownVersion,
    UnknownZone,
    UnmatchedWithItems,
    UnusedAlso,
    UnusedHostnames,
    UnusedListings,
    UnusedTags,
    UnusedVerify,
    WrongType,
    ZoneOfTwoTeams,
    ZoneWithoutHostname,
}

impl Code {
    /// All codes, in kebab-case.
    pub const ALL: &'static [&'static str] = Self::VARIANTS;

    /// The kebab-case text.
    pub fn as_str(self) -> &'static str {
        self.into()
    }
}

impl fmt::Display for Code {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl Serialize for Code {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.as_str())
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    /// The codes of problems with the single-zone script's variables, which no file and no row can have.
    const OF_VARIABLES: [&str; 4] = ["bad-extension", "bad-parameter-name", "missing-variable", "no-common-domain"];

    #[test]
    fn the_documentation_explains_each_code_and_no_other() {
        let page = include_str!("../../../../docs/mappings/problems.md");
        let table = page.split("| code |").nth(1).unwrap().split("\n\n").next().unwrap();
        let cells = table.lines().skip(2).filter_map(|row| row.split('|').nth(1));
        let explained: BTreeSet<&str> = cells.flat_map(|cell| cell.split('`').skip(1).step_by(2)).collect();
        let codes: BTreeSet<&str> = Code::ALL.iter().copied().filter(|code| !OF_VARIABLES.contains(code)).collect();
        assert_eq!(explained, codes);
        assert!(OF_VARIABLES.iter().all(|code| Code::ALL.contains(code)));
        assert_eq!(Code::BadCloudflareId.to_string(), "bad-cloudflare-id");
    }
}
