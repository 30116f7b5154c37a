//! The permission groups of the sandbox, and the names of the resources that they apply to.

/// A group of permissions that a policy can grant or deny.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct PermissionGroup {
    pub(crate) id: &'static str,
    pub(crate) name: &'static str,
    /// The kind of resource: [`ZONE`], [`ACCOUNT`] or [`USER`].
    pub(crate) scope: &'static str,
}

pub(crate) const ZONE: &str = "com.cloudflare.api.account.zone";
pub(crate) const ACCOUNT: &str = "com.cloudflare.api.account";
pub(crate) const USER: &str = "com.cloudflare.api.user";

/// The id of the sandbox's only user.
const USER_ID: &str = "7c5dae5552338874e5053f2534d2767a";

pub(crate) const CACHE_PURGE: PermissionGroup =
    PermissionGroup { id: "e17beae8b8cb423a99b1730f21238bed", name: "Cache Purge", scope: ZONE };
const ZONE_READ: PermissionGroup =
    PermissionGroup { id: "c8fed203ed3043cba015a93ad1616f1f", name: "Zone Read", scope: ZONE };
pub(crate) const USER_WRITE: PermissionGroup =
    PermissionGroup { id: "686d18d5ac6c441c867cbf6771e58a0a", name: "API Tokens Write", scope: USER };
pub(crate) const USER_READ: PermissionGroup =
    PermissionGroup { id: "0cc3a61731504c89b99ec1be78b77aa0", name: "API Tokens Read", scope: USER };
pub(crate) const ACCOUNT_WRITE: PermissionGroup =
    PermissionGroup { id: "5bc3f8b21c554832afc660159ab75fa4", name: "Account API Tokens Write", scope: ACCOUNT };
pub(crate) const ACCOUNT_READ: PermissionGroup =
    PermissionGroup { id: "eb56a6953c034b9d97dd838155666f06", name: "Account API Tokens Read", scope: ACCOUNT };

pub(crate) const REQUEST_TRACER: PermissionGroup =
    PermissionGroup { id: "f3604047d46144d2a3e9cf4ac99d7f16", name: "Allow Request Tracer Read", scope: ACCOUNT };

pub(crate) const GROUPS: [PermissionGroup; 7] =
    [CACHE_PURGE, ZONE_READ, USER_WRITE, USER_READ, ACCOUNT_WRITE, ACCOUNT_READ, REQUEST_TRACER];

pub(crate) fn zone_resource(zone_id: &str) -> String {
    format!("{ZONE}.{zone_id}")
}

pub(crate) fn account_resource(account_id: &str) -> String {
    format!("{ACCOUNT}.{account_id}")
}

pub(crate) fn user_resource() -> String {
    format!("{USER}.{USER_ID}")
}

impl PermissionGroup {
    /// Whether the group's permissions can apply to a resource.
    pub(crate) fn applies_to(self, resource: &str) -> bool {
        let is_of = |scope: &str| resource.strip_prefix(scope).is_some_and(|rest| rest.starts_with('.'));
        let is_account = is_of(ACCOUNT) && !is_of(ZONE);
        match self.scope {
            ZONE => is_of(ZONE) || is_account,
            ACCOUNT => is_account,
            _ => is_of(USER),
        }
    }
}
