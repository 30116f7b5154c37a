//! The description of a token that a sandbox starts with.

use std::fmt;

use serde::{Deserialize, Serialize};

/// A token that the sandbox accepts from its start.
#[derive(Clone, Default)]
pub struct SandboxToken {
    /// The part after `Bearer` in the `Authorization` header.
    pub secret: String,
    /// The token's id, which verifications return: 32 hexadecimal digits.
    pub id: String,
    /// Ids of the zones that it may purge.
    pub zones: Vec<String>,
    /// Whether it is active.
    pub status: TokenStatus,
    /// The account that owns it. Without one, the user owns it.
    pub account_id: Option<String>,
    /// Whether it may create, read, roll and delete the tokens of its owner.
    pub manages_tokens: bool,
    /// The account whose requests it may trace.
    pub traces_account: Option<String>,
}

/// The state of a token.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum TokenStatus {
    /// Usable for everything that its policies allow.
    #[default]
    Active,
    /// Disabled: calls are refused, and a verification returns `disabled`.
    Disabled,
    /// Past its `expires_on`: calls are refused, and a verification returns `expired`.
    Expired,
}

impl fmt::Debug for SandboxToken {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { secret: _, id, zones, status, account_id, manages_tokens, traces_account } = self;
        let mut debug = formatter.debug_struct("SandboxToken");
        debug.field("id", id).field("zones", zones).field("status", status).field("account_id", account_id);
        debug.field("manages_tokens", manages_tokens).field("traces_account", traces_account).finish_non_exhaustive()
    }
}
