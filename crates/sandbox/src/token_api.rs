//! The API of tokens, below `/user/tokens` and `/accounts/{account_id}/tokens`: create, list, read, verify, roll, delete,
//! and the permission groups.

use std::net::SocketAddr;
use std::sync::Arc;

use axum::Router;
use axum::body::Bytes;
use axum::extract::{ConnectInfo, State as Shared};
use axum::http::{HeaderMap, StatusCode, Uri};
use axum::response::Response;
use axum::routing::{get, put};
use serde::Deserialize;
use serde_json::{Value, json};
use time::OffsetDateTime;

use crate::answer::{Message, Refusal, list_page, success};
use crate::api::{not_found, segment};
use crate::state::{State, lock};
use crate::token::{Condition, GROUPS, Owner, Policy, Token, TokenStatus, bearer, new_id, now, range_of, time_of};
use crate::zone::is_id;

/// The longest name of a token.
const LONGEST_NAME: usize = 120;

/// How many tokens an owner may have.
const MOST_OF_USER: usize = 50;
const MOST_OF_ACCOUNT: usize = 500;

/// How many tokens a page of the list holds: at least, by default, at most.
const PER_PAGE: (usize, usize, usize) = (5, 20, 50);

type Answer = Result<Response, Refusal>;
type Peer = ConnectInfo<SocketAddr>;

pub(crate) fn routes() -> Router<Arc<State>> {
    ["/client/v4/user/tokens", "/client/v4/accounts/{account_id}/tokens"].iter().fold(Router::new(), |router, base| {
        router
            .route(base, get(list).post(create))
            .route(&format!("{base}/verify"), get(verify))
            .route(&format!("{base}/permission_groups"), get(permission_groups))
            .route(&format!("{base}/{{token_id}}"), get(read).delete(delete))
            .route(&format!("{base}/{{token_id}}/value"), put(roll))
    })
}

async fn list(Shared(state): Shared<Arc<State>>, ConnectInfo(peer): Peer, uri: Uri, headers: HeaderMap) -> Answer {
    let owner = owner_of(&uri)?;
    let tokens = lock(&state.tokens);
    tokens.authorize_management(&headers, peer.ip(), &owner, true)?;
    let number = |name: &str| {
        let pairs = uri.query().unwrap_or_default().split('&').filter_map(|pair| pair.split_once('='));
        pairs.filter(|(key, _)| *key == name).find_map(|(_, value)| value.parse::<usize>().ok())
    };
    let (least, usual, most) = PER_PAGE;
    let per_page = number("per_page").unwrap_or(usual).clamp(least, most);
    let page = number("page").unwrap_or(1).max(1);
    let all = tokens.of(&owner);
    let shown: Vec<Value> = all.iter().skip((page - 1) * per_page).take(per_page).map(|token| shown(token)).collect();
    Ok(list_page(&shown, page, per_page, all.len()))
}

async fn read(Shared(state): Shared<Arc<State>>, ConnectInfo(peer): Peer, uri: Uri, headers: HeaderMap) -> Answer {
    let owner = owner_of(&uri)?;
    let tokens = lock(&state.tokens);
    tokens.authorize_management(&headers, peer.ip(), &owner, true)?;
    let id = id_of(&uri);
    let token = tokens.of(&owner).into_iter().find(|token| token.id == id).ok_or_else(no_token)?;
    Ok(success(&shown(token), &[]))
}

async fn delete(Shared(state): Shared<Arc<State>>, ConnectInfo(peer): Peer, uri: Uri, headers: HeaderMap) -> Answer {
    let owner = owner_of(&uri)?;
    let mut tokens = lock(&state.tokens);
    tokens.authorize_management(&headers, peer.ip(), &owner, false)?;
    let token = tokens.remove(&owner, id_of(&uri)).ok_or_else(no_token)?;
    Ok(success(&json!({ "id": token.id }), &[]))
}

async fn roll(Shared(state): Shared<Arc<State>>, ConnectInfo(peer): Peer, uri: Uri, headers: HeaderMap) -> Answer {
    let owner = owner_of(&uri)?;
    let mut tokens = lock(&state.tokens);
    tokens.authorize_management(&headers, peer.ip(), &owner, false)?;
    let secret = tokens.roll(&owner, id_of(&uri)).ok_or_else(no_token)?;
    Ok(success(&json!(secret), &[]))
}

async fn create(
    Shared(state): Shared<Arc<State>>,
    ConnectInfo(peer): Peer,
    uri: Uri,
    headers: HeaderMap,
    body: Bytes,
) -> Answer {
    let owner = owner_of(&uri)?;
    let mut tokens = lock(&state.tokens);
    tokens.authorize_management(&headers, peer.ip(), &owner, false)?;
    let token = new_token(&body, owner.clone()).map_err(|problem| Refusal::bad_request(1001, problem))?;
    let most = if owner == Owner::User { MOST_OF_USER } else { MOST_OF_ACCOUNT };
    if tokens.of(&owner).len() >= most {
        return Err(Refusal::bad_request(1002, format!("there are {most} tokens already, and no more may be")));
    }
    let mut result = shown(&token);
    result["value"] = tokens.issue(token).into();
    Ok(success(&result, &[]))
}

/// Verifies a token at its owner's. An account does not know the user's tokens, nor the other way round.
async fn verify(Shared(state): Shared<Arc<State>>, ConnectInfo(peer): Peer, uri: Uri, headers: HeaderMap) -> Answer {
    let owner = owner_of(&uri)?;
    let tokens = lock(&state.tokens);
    let token =
        tokens.get(bearer(&headers)?).filter(|token| token.owner == owner).ok_or_else(Refusal::invalid_token)?;
    if !token.may_come_from(peer.ip()) {
        return Err(Refusal::wrong_address(peer.ip()));
    }
    let message = Message::new(10000, "This API Token is valid and active");
    let messages = if token.status() == TokenStatus::Active { &[message][..] } else { &[] };
    let whole = shown(token);
    let told = ["id", "status", "not_before", "expires_on"];
    let told = told.iter().filter_map(|name| Some(((*name).to_owned(), whole.get(name)?.clone())));
    Ok(success(&told.collect::<Value>(), messages))
}

async fn permission_groups(
    Shared(state): Shared<Arc<State>>,
    ConnectInfo(peer): Peer,
    uri: Uri,
    headers: HeaderMap,
) -> Answer {
    lock(&state.tokens).authorize_management(&headers, peer.ip(), &owner_of(&uri)?, true)?;
    let group = GROUPS.iter().map(|it| json!({ "id": it.id, "name": it.name, "scopes": [it.scope] }));
    let groups: Vec<Value> = group.collect();
    Ok(list_page(&groups, 1, groups.len(), groups.len()))
}

/// What is asked for.
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

/// The token that a body asks for, or what is wrong with it.
fn new_token(body: &[u8], owner: Owner) -> Result<Token, String> {
    let asked: NewToken = serde_json::from_slice(body).map_err(|error| format!("the body can't be read: {error}"))?;
    let NewToken { name, mut policies, not_before, expires_on, condition } = asked;
    if name.is_empty() || name.chars().count() > LONGEST_NAME {
        return Err(format!("a name has 1 to {LONGEST_NAME} characters"));
    }
    if policies.is_empty() {
        return Err("policies are missing".to_owned());
    }
    for policy in &mut policies {
        policy.id = new_id();
        if policy.resources.is_empty() || policy.permission_groups.is_empty() {
            return Err("a policy has resources and permission_groups".to_owned());
        }
        for given in &mut policy.permission_groups {
            let group = GROUPS.iter().find(|group| group.id == given.id);
            let group = group.ok_or_else(|| format!("there is no permission group {:?}", given.id))?;
            group.name.clone_into(&mut given.name);
            if let Some(other) = policy.resources.keys().find(|name| !is_of(group.scope, name)) {
                return Err(format!("{:?} is not about the resource {other:?}", group.name));
            }
        }
    }
    let time = |field: &str, text: Option<String>| -> Result<Option<OffsetDateTime>, String> {
        text.map(|text| time_of(&text).ok_or_else(|| format!("{field} {text:?} is no time"))).transpose()
    };
    let (not_before, expires_on) = (time("not_before", not_before)?, time("expires_on", expires_on)?);
    if expires_on.is_some_and(|end| end <= now()) {
        return Err("expires_on has passed".to_owned());
    }
    let ranges = condition.iter().flat_map(|it| it.request_ip.within.iter().chain(&it.request_ip.not_in));
    if let Some(bad) = ranges.into_iter().find(|range| range_of(range).is_none()) {
        return Err(format!("{bad:?} is no range of addresses"));
    }
    let (issued_on, status) = (now(), TokenStatus::Active);
    let id = new_id();
    Ok(Token {
        id,
        name,
        status,
        owner,
        issued_on,
        modified_on: issued_on,
        not_before,
        expires_on,
        condition,
        policies,
    })
}

/// Whether a resource is one that permissions of this scope are about.
fn is_of(scope: &str, resource: &str) -> bool {
    let is_zone = resource.starts_with("com.cloudflare.api.account.zone.");
    let is_account = resource.starts_with("com.cloudflare.api.account.") && !is_zone;
    match scope {
        "com.cloudflare.api.account.zone" => is_zone || is_account,
        "com.cloudflare.api.account" => is_account,
        _ => resource.starts_with("com.cloudflare.api.user."),
    }
}

/// A token as the API shows it, without its secret.
fn shown(token: &Token) -> Value {
    let mut value = json!(token);
    value["status"] = json!(token.status());
    value
}

fn no_token() -> Refusal {
    Refusal::new(StatusCode::NOT_FOUND, 1003, "API Token not found")
}

fn owner_of(uri: &Uri) -> Result<Owner, Refusal> {
    match segment(uri, "accounts") {
        None => Ok(Owner::User),
        Some(id) if is_id(id) => Ok(Owner::Account(id.to_owned())),
        Some(_) => Err(not_found(uri)),
    }
}

/// The segment behind `tokens`.
fn id_of(uri: &Uri) -> &str {
    uri.path().split_once("/tokens/").map_or("", |(_, rest)| rest.split('/').next().unwrap_or_default())
}
