//! Where a value is in an event.

use std::fmt;

/// A place such as `body.Records[0]`. It becomes text only if a reason names it.
#[derive(Debug, Clone, Copy)]
pub(super) enum Place<'p> {
    /// The whole event, or all that is in a message of SQS.
    Root,
    /// A field, or one of a field, such as `Sns.Message`.
    Field(&'p Place<'p>, &'p str),
    /// One of a list, which has no name if it is the whole message.
    Item(&'p Place<'p>, &'static str, usize),
}

impl Place<'_> {
    /// A reason that begins with a field of this place.
    pub(super) fn reason(&self, problem: &str) -> String {
        Place::Field(self, problem).to_string()
    }
}

impl fmt::Display for Place<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Root => Ok(()),
            Self::Field(Self::Root, name) => f.write_str(name),
            Self::Field(outer, name) => write!(f, "{outer}.{name}"),
            Self::Item(outer, "", index) => write!(f, "{outer}[{index}]"),
            Self::Item(outer, list, index) => write!(f, "{}[{index}]", Place::Field(outer, list)),
        }
    }
}
