//! The ETag of an object.

use std::fmt;

use crate::model::bounds;
use crate::model::short_text::ShortText;

/// An ETag without its quotes: 1 to 128 printable ASCII characters without space.
#[derive(Clone, PartialEq, Eq)]
pub struct ETag(ShortText);

impl ETag {
    /// Reads an ETag: S3 writes it without quotes, and other vendors with them. `None` if it has another form.
    pub fn parse(text: &str) -> Option<Self> {
        let text = text.trim_matches('"');
        let is_etag = (1..=bounds::ETAG).contains(&text.len()) && text.bytes().all(|byte| byte.is_ascii_graphic());
        is_etag.then(|| Self(text.into()))
    }

    /// The ETag as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for ETag {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(self.as_str(), f)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_no_etag_is_refused() {
        let parsed = |text| ETag::parse(text).map(|etag| etag.as_str().to_owned());
        let long = "a".repeat(128);
        for text in ["d41d8cd98f00b204e9800998ecf8427e", "d41d8cd98f00b204e9800998ecf8427e-12345", &long] {
            assert_eq!(parsed(text).as_deref(), Some(text));
        }
        assert_eq!(parsed("\"quoted\"").as_deref(), Some("quoted"));
        for text in ["", "\"\"", "a b", "ü", &"a".repeat(129)] {
            assert_eq!(parsed(text), None, "{text}");
        }
    }
}
