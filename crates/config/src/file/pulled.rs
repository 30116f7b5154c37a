//! The line `pulled` of a file, by which a push notices what others pushed since.

use std::fmt;

use purge_router_core::{Code, Invalid};

pub(crate) const PULLED: &str = "pulled";

/// The revision that a file was pulled at, and a random name for this copy of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Pulled {
    /// The newest revision when it was pulled.
    pub revision: u64,
    copy: u32,
}

impl Pulled {
    /// A copy with a name that no other should have.
    pub fn new(revision: u64, copy: u32) -> Self {
        Self { revision, copy }
    }

    /// Reads what `Pulled`'s `Display` wrote.
    ///
    /// # Errors
    /// It is something else.
    pub fn parse(text: &str) -> Result<Self, Invalid> {
        let parts = text.split_once('-').filter(|(_, copy)| copy.len() == 8);
        let pulled = parts.and_then(|(revision, copy)| {
            Some(Self { revision: revision.parse().ok()?, copy: u32::from_str_radix(copy, 16).ok()? })
        });
        pulled.filter(|pulled| pulled.to_string() == text).ok_or_else(|| {
            let help =
                "leave it as `pull` wrote it, or delete the line: a push then overwrites what others pushed since";
            Invalid::new(Code::BadPulled, format!("`{text}` is not what `pull` writes"), help)
        })
    }
}

impl fmt::Display for Pulled {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}-{:08x}", self.revision, self.copy)
    }
}
