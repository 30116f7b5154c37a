//! A model of Lambda: event sources that collect messages, and instances that are started, frozen, reused and killed.

mod event_source;
mod fleet;
mod instance;
mod world;

pub(crate) use event_source::{EventSource, EventSourceSettings};
pub(crate) use fleet::Fleet;
pub(crate) use world::World;
