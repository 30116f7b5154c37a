//! The anchors of a page, as GitHub and mdBook make them from headings.

use std::collections::{BTreeMap, BTreeSet};

/// The anchors of all headings. The second heading of one text gets `-1`, the third `-2`.
pub(crate) fn anchors(page: &str) -> BTreeSet<String> {
    let mut seen: BTreeMap<String, usize> = BTreeMap::new();
    let mut is_code = false;
    let mut anchors = BTreeSet::new();
    for line in page.lines() {
        if line.trim_start().starts_with("```") {
            is_code = !is_code;
        }
        let text = line.trim_start_matches('#');
        if is_code || text.len() == line.len() || !text.starts_with(' ') {
            continue;
        }
        let anchor = anchor(text.trim());
        let count = seen.entry(anchor.clone()).or_default();
        anchors.insert(if *count == 0 { anchor } else { format!("{anchor}-{count}") });
        *count += 1;
    }
    anchors
}

fn anchor(heading: &str) -> String {
    let kept = heading.chars().filter(|it| it.is_alphanumeric() || matches!(it, ' ' | '-' | '_'));
    kept.map(|it| if it == ' ' { '-' } else { it }).collect::<String>().to_lowercase()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn headings_become_anchors() {
        let page = "# `zone_id` and Q&A\n\n## Since: now\n\n```sh\n# no heading\n```\n\n## Since now\n#tag\n";
        let expected = ["since-now", "since-now-1", "zone_id-and-qa"];
        assert_eq!(anchors(page).iter().map(String::as_str).collect::<Vec<_>>(), expected);
    }
}
