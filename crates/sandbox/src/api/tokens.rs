//! Tokens, under `/user/tokens` and `/accounts/{account_id}/tokens`: create, list, read, verify, roll, delete, and the
//! permission groups.

use std::net::SocketAddr;
use std::sync::Arc;

use axum::Router;
use axum::body::Bytes;
use axum::extract::{ConnectInfo, State as Shared};
use axum::http::{HeaderMap, StatusCode, Uri};
use axum::response::Response;
use axum::routing::{get, put};
use serde_json::{Value, json};
use time::OffsetDateTime;

use super::new_token;
use super::path::{not_found, segment};
use crate::answer::{Message, Refusal, list_page, success};
use crate::lock::lock;
use crate::state::State;
use crate::token::credentials::bearer;
use crate::token::issued::{Access, Owner, Token};
use crate::token::permission::GROUPS;
use crate::token::sandbox_token::TokenStatus;
use crate::zone::is_id;

/// How many tokens an owner may have.
const MAX_TOKENS_OF_USER: usize = 50;
const MAX_TOKENS_OF_ACCOUNT: usize = 500;

/// How many tokens a page of the list has.
const MIN_PER_PAGE: usize = 5;
const DEFAULT_PER_PAGE: usize = 20;
const MAX_PER_PAGE: usize = 50;

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
    tokens.authorize_management(&headers, peer.ip(), &owner, Access::Read)?;
    let per_page = query_number(&uri, "per_page").unwrap_or(DEFAULT_PER_PAGE).clamp(MIN_PER_PAGE, MAX_PER_PAGE);
    let page = query_number(&uri, "page").unwrap_or(1).max(1);
    let all = tokens.of(&owner);
    let page_tokens = all.iter().skip((page - 1) * per_page).take(per_page);
    let page_tokens: Vec<Value> = page_tokens.map(|token| describe(token, tokens.now())).collect();
    Ok(list_page(&page_tokens, page, per_page, all.len()))
}

async fn read(Shared(state): Shared<Arc<State>>, ConnectInfo(peer): Peer, uri: Uri, headers: HeaderMap) -> Answer {
    let owner = owner_of(&uri)?;
    let tokens = lock(&state.tokens);
    tokens.authorize_management(&headers, peer.ip(), &owner, Access::Read)?;
    let id = id_of(&uri);
    let token = tokens.of(&owner).into_iter().find(|token| token.id == id).ok_or_else(unknown_token)?;
    Ok(success(&describe(token, tokens.now()), &[]))
}

async fn delete(Shared(state): Shared<Arc<State>>, ConnectInfo(peer): Peer, uri: Uri, headers: HeaderMap) -> Answer {
    let owner = owner_of(&uri)?;
    let mut tokens = lock(&state.tokens);
    tokens.authorize_management(&headers, peer.ip(), &owner, Access::Write)?;
    let token = tokens.remove(&owner, id_of(&uri)).ok_or_else(unknown_token)?;
    Ok(success(&json!({ "id": token.id }), &[]))
}

async fn roll(Shared(state): Shared<Arc<State>>, ConnectInfo(peer): Peer, uri: Uri, headers: HeaderMap) -> Answer {
    let owner = owner_of(&uri)?;
    let mut tokens = lock(&state.tokens);
    tokens.authorize_management(&headers, peer.ip(), &owner, Access::Write)?;
    let secret = tokens.roll(&owner, id_of(&uri)).ok_or_else(unknown_token)?;
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
    tokens.authorize_management(&headers, peer.ip(), &owner, Access::Write)?;
    let token =
        new_token::parse(&body, owner.clone(), tokens.now()).map_err(|problem| Refusal::bad_request(1001, problem))?;
    let max = if owner == Owner::User { MAX_TOKENS_OF_USER } else { MAX_TOKENS_OF_ACCOUNT };
    if tokens.of(&owner).len() >= max {
        return Err(Refusal::bad_request(1002, format!("there are already {max} tokens, which is the maximum")));
    }
    let mut result = describe(&token, tokens.now());
    result["value"] = tokens.issue(token).into();
    Ok(success(&result, &[]))
}

/// Verifies a token at its owner. An account does not know the user's tokens, and the user not the account's.
async fn verify(Shared(state): Shared<Arc<State>>, ConnectInfo(peer): Peer, uri: Uri, headers: HeaderMap) -> Answer {
    let owner = owner_of(&uri)?;
    let tokens = lock(&state.tokens);
    let token =
        tokens.get(bearer(&headers)?).filter(|token| token.owner == owner).ok_or_else(Refusal::invalid_token)?;
    if !token.is_usable_from(peer.ip()) {
        return Err(Refusal::wrong_address(peer.ip()));
    }
    let message = Message::new(10000, "This API Token is valid and active");
    let messages = if token.status(tokens.now()) == TokenStatus::Active { &[message][..] } else { &[] };
    let token = describe(token, tokens.now());
    let fields = ["id", "status", "not_before", "expires_on"];
    let fields = fields.iter().filter_map(|name| Some(((*name).to_owned(), token.get(name)?.clone())));
    Ok(success(&fields.collect::<Value>(), messages))
}

async fn permission_groups(
    Shared(state): Shared<Arc<State>>,
    ConnectInfo(peer): Peer,
    uri: Uri,
    headers: HeaderMap,
) -> Answer {
    lock(&state.tokens).authorize_management(&headers, peer.ip(), &owner_of(&uri)?, Access::Read)?;
    let groups = GROUPS.iter().map(|it| json!({ "id": it.id, "name": it.name, "scopes": [it.scope] }));
    let groups: Vec<Value> = groups.collect();
    Ok(list_page(&groups, 1, groups.len(), groups.len()))
}

/// A token as the API returns it, without its secret.
fn describe(token: &Token, now: OffsetDateTime) -> Value {
    let mut value = json!(token);
    value["status"] = json!(token.status(now));
    value
}

fn unknown_token() -> Refusal {
    Refusal::new(StatusCode::NOT_FOUND, 1003, "API Token not found")
}

fn owner_of(uri: &Uri) -> Result<Owner, Refusal> {
    match segment(uri, "accounts") {
        None => Ok(Owner::User),
        Some(id) if is_id(id) => Ok(Owner::Account(id.to_owned())),
        Some(_) => Err(not_found(uri)),
    }
}

/// The segment after `tokens`.
fn id_of(uri: &Uri) -> &str {
    uri.path().split_once("/tokens/").map_or("", |(_, rest)| rest.split('/').next().unwrap_or_default())
}

fn query_number(uri: &Uri, name: &str) -> Option<usize> {
    let mut pairs = uri.query()?.split('&').filter_map(|pair| pair.split_once('=')).filter(|(key, _)| *key == name);
    pairs.find_map(|(_, value)| value.parse().ok())
}
