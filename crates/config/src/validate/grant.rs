//! What a team is granted.

use purge_router_core::names::{CloudflareId, KmsKey, Source, TeamName, TokenFolder};

use crate::decoded::FieldChecker;
use crate::spec::GrantSpec;

/// A grant, as far as it is valid.
pub(crate) struct Grant {
    pub(crate) owns: Vec<Source>,
    /// Whether all that the team may map is known.
    pub(crate) owns_is_complete: bool,
    /// None if what was written is not valid.
    pub(crate) tokens: Option<TokenFolder>,
    pub(crate) accounts: Vec<CloudflareId>,
    pub(crate) kms_key: Option<KmsKey>,
}

pub(crate) fn grant(team: &TeamName, spec: &GrantSpec, checker: &mut FieldChecker) -> Grant {
    let help = "write what the team may map: `owns = [\"s3://bucket/prefix/\"]`";
    checker.require("owns", spec.owns.is_some(), help);
    let owns = checker.list("owns", spec.owns.as_deref(), Source::parse).unwrap_or_default();
    let mut tokens = checker.optional("tokens", spec.tokens.as_deref(), TokenFolder::parse);
    if spec.tokens.is_none() && !checker.is_wrong("tokens") {
        tokens = Some(TokenFolder::default_of(team));
    }
    Grant {
        owns,
        owns_is_complete: !checker.is_wrong("owns"),
        tokens,
        accounts: checker.list("accounts", spec.accounts.as_deref(), CloudflareId::parse).unwrap_or_default(),
        kms_key: checker.optional("kms_key", spec.kms_key.as_deref(), KmsKey::parse),
    }
}
