//! How the command ends: exit code 0 done, 1 problems found or a purge failed, 2 misuse, 3 nothing purges what was to be
//! explained, 130 or 143 stopped by a signal.

/// How a command ended that returned no error.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum End {
    Done,
    Problems,
    /// `explain`: nothing purges what was asked for, or a part of it.
    NotPurged,
}

impl End {
    /// [`End::Done`] if all went well.
    pub(crate) fn done_if(is_good: bool) -> Self {
        if is_good { Self::Done } else { Self::Problems }
    }
}

/// The arguments or the environment can't be used as they are, or a file that they name can't be read: exit code 2.
#[derive(Debug)]
pub(crate) struct Misuse(pub(crate) String);

impl std::fmt::Display for Misuse {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::error::Error for Misuse {}
