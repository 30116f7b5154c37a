//! What a token allows or denies, and from where it may be used: the parts of Cloudflare's token document.

use std::net::IpAddr;

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use super::address_range;

#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct Policy {
    #[serde(default)]
    pub(crate) id: String,
    pub(crate) effect: Effect,
    pub(crate) resources: Map<String, Value>,
    pub(crate) permission_groups: Vec<PolicyGroup>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Effect {
    Allow,
    Deny,
}

/// A permission group as a policy names it.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct PolicyGroup {
    pub(crate) id: String,
    #[serde(default)]
    pub(crate) name: String,
}

#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct Condition {
    #[serde(rename = "request.ip", alias = "request_ip")]
    pub(crate) request_ip: AddressRanges,
}

#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub(crate) struct AddressRanges {
    #[serde(default, rename = "in", skip_serializing_if = "Vec::is_empty")]
    pub(crate) within: Vec<String>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub(crate) not_in: Vec<String>,
}

impl Condition {
    pub(crate) fn allows(&self, address: IpAddr) -> bool {
        let AddressRanges { within, not_in } = &self.request_ip;
        let is_in = |ranges: &[String]| ranges.iter().any(|range| address_range::contains(range, address));
        (within.is_empty() || is_in(within)) && !is_in(not_in)
    }

    /// The first text that is not a range of addresses.
    pub(crate) fn bad_range(&self) -> Option<&str> {
        let mut ranges = self.request_ip.within.iter().chain(&self.request_ip.not_in);
        ranges.find(|range| address_range::parse(range).is_none()).map(String::as_str)
    }
}
