//! Words: text from outside made safe for a terminal, and numbers with their nouns.

/// Text from outside on one line. Control characters, and characters that would reverse the text around them, are
/// escaped.
pub(crate) fn escaped(text: &str) -> String {
    text.chars().map(|c| if is_control(c) { c.escape_default().to_string() } else { c.to_string() }).collect()
}

/// Whether a terminal acts on this character, or renders it as nothing or as a change of direction.
pub(crate) fn is_control(c: char) -> bool {
    c.is_control()
        || matches!(c, '\u{61c}' | '\u{200b}' | '\u{200e}' | '\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{2069}' | '\u{feff}')
}

/// `1 change`, `2 changes`.
pub(crate) fn count(number: usize, noun: &str) -> String {
    let plural = match noun {
        "batch" => "batches".to_owned(),
        "prefix" => "prefixes".to_owned(),
        "everything" => return "everything".to_owned(),
        other => format!("{other}s"),
    };
    match number {
        1 => format!("1 {noun}"),
        _ => format!("{number} {plural}"),
    }
}
