//! Changes → batches. A plan is immutable and leaves nothing to decide: it is exactly what is sent.
//!
//! The steps, in order: [`route`](crate::route()) a change, name what each hit purges (`hit`), leave out what was purged with
//! the same content before (`memory`, by the `fingerprint` of the hits), admit the hit to the event's budget (`budget`), decide which mappings escalate (`escalate`), expand hits into items (`expand`), and join
//! and cut these (`batch`). `planner` runs them. `planned_mapping` has what they all need to know of a mapping.

mod batch;
mod budget;
mod cost;
mod dependents;
mod drain_time;
mod escalate;
mod expand;
mod fingerprint;
mod hit;
mod memory;
mod naming_work;
mod output;
mod planned_mapping;
mod planner;
mod rejections;
mod sample;
mod second_purges;
mod uncertain_buckets;
mod verification;

pub use batch::{Batch, BatchItem, PurgeRequest, batches};
pub use cost::oversize;
pub use memory::objects_to_remember;
pub use output::{Drain, Escalated, Plan, Remember, Unchanged, Unmatched};
pub use planner::{plan, plan_until};
pub use uncertain_buckets::UncertainBuckets;
pub use verification::EdgeCheck;
