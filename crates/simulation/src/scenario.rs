//! What a seed makes happen: teams with their zones and objects, their uploads, and what goes wrong when.

mod generate;
mod generate_table;
mod load;
mod mapping_file;
mod model;
mod table;
mod teams;
mod tokens;
mod tour;
mod tour_messages;
mod trouble;
mod uploads;

pub use generate::scenario;
pub use load::Load;
pub(crate) use model::ItemRefusal;
pub use model::{ChangeId, Deployment, Object, ObjectId, Scenario, Team, TeamId, Upload, Url, UrlId, Zone, ZoneId};
pub(crate) use table::{MappingTable, TableRow};
pub(crate) use tokens::TokenGeneration;
pub use tour::tour;
pub use trouble::{Sickness, Trouble, TroublePeriod};
