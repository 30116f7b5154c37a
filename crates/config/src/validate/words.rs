//! Words of closed sets, with a suggestion for a near miss.

use purge_router_core::suggest::{nearest, quoted};
use purge_router_core::{Code, Invalid};

/// A parser of one word; `what` says what it is, as in "an event".
pub(crate) fn word<T: Copy>(
    code: Code,
    what: &'static str,
    words: &'static [(&'static str, T)],
) -> impl Fn(&str) -> Result<T, Invalid> {
    move |text| {
        if let Some((_, meaning)) = words.iter().find(|(name, _)| *name == text) {
            return Ok(*meaning);
        }
        let names = || words.iter().map(|(name, _)| *name);
        let near = names().find(|name| letters(name) == letters(text)).or_else(|| nearest(text, names()));
        let help = match near {
            Some(near) => format!("did you mean `{near}`?"),
            None => format!("write one of {}", quoted(names())),
        };
        Err(Invalid::new(code, format!("`{text}` is not {what}"), help))
    }
}

/// A word without what people write differently: `encodeURI` for `encode-uri`, `HTTPS` for `https`.
fn letters(word: &str) -> String {
    word.chars().filter(char::is_ascii_alphanumeric).map(|letter| letter.to_ascii_lowercase()).collect()
}
