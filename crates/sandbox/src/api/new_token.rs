//! The body of a request that creates a token, and its validation.

use serde::Deserialize;
use time::OffsetDateTime;

use crate::token::issued::{Owner, Token, parse_time};
use crate::token::permission::GROUPS;
use crate::token::policy::{Condition, Policy};
use crate::token::sandbox_token::TokenStatus;
use crate::token::store::new_id;

const MAX_NAME_CHARACTERS: usize = 120;

#[derive(Deserialize)]
struct NewToken {
    name: String,
    policies: Vec<Policy>,
    #[serde(default)]
    not_before: Option<String>,
    #[serde(default)]
    expires_on: Option<String>,
    #[serde(default)]
    condition: Option<Condition>,
}

/// The token that a body describes, issued now. The error says what is wrong with the body.
pub(crate) fn parse(body: &[u8], owner: Owner, now: OffsetDateTime) -> Result<Token, String> {
    let new: NewToken = serde_json::from_slice(body).map_err(|error| format!("the body can't be read: {error}"))?;
    let NewToken { name, mut policies, not_before, expires_on, condition } = new;
    if name.is_empty() || name.chars().count() > MAX_NAME_CHARACTERS {
        return Err(format!("a name has 1 to {MAX_NAME_CHARACTERS} characters"));
    }
    if policies.is_empty() {
        return Err("policies are missing".to_owned());
    }
    policies.iter_mut().try_for_each(complete_policy)?;
    let (not_before, expires_on) = (time("not_before", not_before)?, time("expires_on", expires_on)?);
    if expires_on.is_some_and(|end| end <= now) {
        return Err("expires_on has passed".to_owned());
    }
    if let Some(bad) = condition.as_ref().and_then(Condition::bad_range) {
        return Err(format!("{bad:?} is not a range of addresses"));
    }
    let (id, status, issued_on, modified_on) = (new_id(), TokenStatus::Active, now, now);
    Ok(Token { id, name, status, owner, issued_on, modified_on, not_before, expires_on, condition, policies })
}

/// Checks a policy, and adds its id and the names of its permission groups.
fn complete_policy(policy: &mut Policy) -> Result<(), String> {
    policy.id = new_id();
    if policy.resources.is_empty() || policy.permission_groups.is_empty() {
        return Err("a policy has resources and permission_groups".to_owned());
    }
    for named in &mut policy.permission_groups {
        let group = GROUPS.iter().find(|group| group.id == named.id);
        let group = group.ok_or_else(|| format!("permission group {:?} not found", named.id))?;
        group.name.clone_into(&mut named.name);
        if let Some(other) = policy.resources.keys().find(|name| !group.applies_to(name)) {
            return Err(format!("{:?} does not apply to the resource {other:?}", group.name));
        }
    }
    Ok(())
}

fn time(field: &str, text: Option<String>) -> Result<Option<OffsetDateTime>, String> {
    text.map(|text| parse_time(&text).ok_or_else(|| format!("{field} {text:?} is not a time"))).transpose()
}
