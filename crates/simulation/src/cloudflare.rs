//! A model of Cloudflare: tokens, limits, trouble, latencies, and an edge with fetches under way.

mod answer;
mod api;
mod call_limits;
mod edge;
mod network;
mod plan_limits;
mod purge_body;
mod server;

pub(crate) use api::SimApi;
pub(crate) use edge::WARM_AFTER;
pub(crate) use server::Cloudflare;
