//! Names in messages: the name that the user probably meant, and the known names.

/// How many edits away a name is that the user may have meant.
const MAX_EDITS: usize = 2;

/// The nearest candidate, at most two edits away.
pub fn nearest<'c>(text: &str, candidates: impl Iterator<Item = &'c str>) -> Option<&'c str> {
    let length = text.chars().count();
    candidates
        // The distance takes time and memory, and it is at least the difference of the lengths.
        .filter(|candidate| candidate.chars().count().abs_diff(length) <= MAX_EDITS)
        .map(|candidate| (strsim::damerau_levenshtein(text, candidate), candidate))
        .filter(|(distance, candidate)| *distance <= MAX_EDITS && *distance < candidate.len())
        .min()
        .map(|(_, candidate)| candidate)
}

/// `a`, `b`, `c` in backticks, and how many more there are.
pub fn quoted<'c>(mut names: impl Iterator<Item = &'c str>) -> String {
    let shown = names.by_ref().take(QUOTED).map(|name| format!("`{name}`")).collect::<Vec<_>>().join(", ");
    match names.count() {
        0 => shown,
        more => format!("{shown} and {more} more"),
    }
}

/// How many names a message shows at most.
const QUOTED: usize = 20;
