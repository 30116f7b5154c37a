//! docs/performance.md: each benchmark's table and plots are between two comments, and are replaced when it runs.

use std::fs;

const PAGE: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../../docs/performance.md");

const END: &str = "<!-- end -->";

/// Replaces what the page has of a benchmark.
pub(crate) fn write(benchmark: &str, section: &str) {
    let page = fs::read_to_string(PAGE).unwrap();
    fs::write(PAGE, replaced(&page, benchmark, section)).unwrap();
    eprintln!("{benchmark}: written into docs/performance.md");
}

fn replaced(page: &str, benchmark: &str, section: &str) -> String {
    let begin = format!("<!-- cargo xtask bench {benchmark} -->");
    let (before, rest) = page.split_once(&begin).unwrap_or_else(|| panic!("docs/performance.md has no {begin}"));
    let (_, after) = rest.split_once(END).unwrap_or_else(|| panic!("docs/performance.md has no {END} after {begin}"));
    format!("{before}{begin}\n\n{}\n\n{END}{after}", section.trim())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_section_of_a_benchmark_is_replaced() {
        let section = |name: &str, text: &str| format!("<!-- cargo xtask bench {name} -->\n\n{text}\n\n<!-- end -->\n");
        let page = |rows: &str| format!("# Performance\n{}text\n{}", section("way", "old"), section("rows", rows));
        assert_eq!(replaced(&page("old"), "rows", "| new |\n"), page("| new |"));
        assert_eq!(replaced(&page("| new |"), "rows", "| new |"), page("| new |"));
    }

    #[test]
    fn the_page_has_a_place_for_each_benchmark() {
        let page = fs::read_to_string(PAGE).unwrap();
        for (name, _) in crate::BENCHMARKS {
            assert_eq!(page.matches(&format!("<!-- cargo xtask bench {name} -->")).count(), 1, "{name}");
        }
        assert_eq!(page.matches(END).count(), page.matches("<!-- cargo xtask bench").count());
    }
}
