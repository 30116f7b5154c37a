//! The style of mapping files: spaces around `=`, one blank line before a table, and long lists with an item on each line.
//! Values, their order and comments stay, and so do columns that somebody aligned with spaces.

use toml_edit::{Array, Decor, DocumentMut, InlineTable, Item, KeyMut, RawString, Table, Value};

/// The longest line that a list may be on.
const MAX_WIDTH: usize = 100;

/// From which column on a comment continues the one at the end of the line above.
const MIN_COLUMN: usize = 8;

/// The same document in the style of mapping files.
///
/// # Errors
/// It is not TOML; or this program would change more than its style, which is a bug.
pub(super) fn formatted(text: &str) -> Result<String, String> {
    let document: DocumentMut = text.parse().map_err(|error: toml_edit::TomlError| error.message().to_owned())?;
    let mut new = document.clone();
    format_table(new.as_table_mut(), false);
    let trailing = comments(new.trailing());
    new.set_trailing(if trailing.is_empty() {
        String::new()
    } else {
        format!("\n{}", trailing.trim_start_matches('\n'))
    });
    let mut text_of_new = new.to_string().trim_start_matches('\n').trim_end().to_owned();
    text_of_new.push('\n');
    if text_of_new == "\n" {
        text_of_new.clear();
    }
    match same_content(text, &document, &text_of_new) {
        true => Ok(text_of_new),
        false => Err("its content would change, which is a bug of this command; nothing was written".to_owned()),
    }
}

/// Whether values and comments are the same.
fn same_content(old_text: &str, old: &DocumentMut, new_text: &str) -> bool {
    let Ok(new) = new_text.parse::<DocumentMut>() else { return false };
    values(old.as_item()) == values(new.as_item()) && comment_count(old_text) == comment_count(new_text)
}

/// All values with their places, as text that does not depend on the style.
fn values(item: &Item) -> Vec<String> {
    let mut all = Vec::new();
    push_values(&mut all, "", item);
    all
}

fn push_values(all: &mut Vec<String>, place: &str, item: &Item) {
    match item {
        Item::None => {}
        Item::Value(value) => push_value(all, place, value),
        Item::Table(table) => {
            all.push(format!("{place} table"));
            table.iter().for_each(|(key, item)| push_values(all, &format!("{place}.{key:?}"), item));
        }
        Item::ArrayOfTables(tables) => {
            for (index, table) in tables.iter().enumerate() {
                all.push(format!("{place}[{index}]"));
                table.iter().for_each(|(key, item)| push_values(all, &format!("{place}[{index}].{key:?}"), item));
            }
        }
    }
}

fn push_value(all: &mut Vec<String>, place: &str, value: &Value) {
    match value {
        Value::Array(array) => {
            all.push(format!("{place} array"));
            array.iter().enumerate().for_each(|(index, value)| push_value(all, &format!("{place}[{index}]"), value));
        }
        Value::InlineTable(table) => {
            all.push(format!("{place} inline"));
            table.iter().for_each(|(key, value)| push_value(all, &format!("{place}.{key:?}"), value));
        }
        Value::String(text) => all.push(format!("{place} {:?}", text.value())),
        Value::Integer(number) => all.push(format!("{place} {}", number.value())),
        Value::Float(number) => all.push(format!("{place} {}", number.value())),
        Value::Boolean(boolean) => all.push(format!("{place} {}", boolean.value())),
        Value::Datetime(time) => all.push(format!("{place} {}", time.value())),
    }
}

/// How many `#` there are: of comments, and in strings, which stay as well.
fn comment_count(text: &str) -> usize {
    text.matches('#').count()
}

/// Formats the lines of a table. `has_header`: its header is written, with a blank line before it.
fn format_table(table: &mut Table, has_header: bool) {
    if has_header {
        let before = text_of(table.decor().prefix());
        let prefix = comments_of(&before);
        // A comment that follows on the lines above may be about these.
        table.decor_mut().set_prefix(if prefix.is_empty() { "\n".to_owned() } else { prefix });
        let suffix = end_of_line(table.decor().suffix());
        table.decor_mut().set_suffix(suffix);
    }
    for (key, item) in table.iter_mut() {
        match item {
            Item::None => {}
            Item::Value(value) => format_line(key, value),
            Item::Table(table) => {
                let has_header = !table.is_implicit() && !table.is_dotted();
                format_table(table, has_header);
            }
            Item::ArrayOfTables(tables) => tables.iter_mut().for_each(|table| format_table(table, true)),
        }
    }
}

fn format_line(mut key: KeyMut<'_>, value: &mut Value) {
    let before = comments(key_prefix(&key));
    let aligned = text_of(key.leaf_decor().suffix());
    let is_aligned = !aligned.is_empty() && aligned.chars().all(|c| c == ' ');
    let width = key.display_repr().chars().count() + 3;
    key.leaf_decor_mut().set_prefix(before);
    key.leaf_decor_mut().set_suffix(if is_aligned { aligned } else { " ".to_owned() });
    let after = end_of_line(value.decor().suffix());
    format_value(value, width);
    *value.decor_mut() = Decor::new(" ", after);
}

fn key_prefix<'k>(key: &'k KeyMut<'_>) -> &'k RawString {
    static EMPTY: std::sync::LazyLock<RawString> = std::sync::LazyLock::new(RawString::default);
    key.leaf_decor().prefix().unwrap_or(&EMPTY)
}

/// Formats what is inside of a value that begins so many characters after the start of its line.
fn format_value(value: &mut Value, width: usize) {
    match value {
        Value::Array(array) if !has_comment(&array.to_string()) => format_array(array, width),
        Value::InlineTable(table) if !has_comment(&table.to_string()) => format_inline(table),
        // Comments in a list stay where they are, and so does the rest of it.
        _ => {}
    }
}

fn format_array(array: &mut Array, width: usize) {
    for value in array.iter_mut() {
        format_value(value, width);
    }
    array.fmt();
    let is_long = width + array.to_string().trim().chars().count() > MAX_WIDTH;
    if !is_long || array.len() < 2 {
        return;
    }
    for value in array.iter_mut() {
        *value.decor_mut() = Decor::new("\n    ", "");
    }
    array.set_trailing_comma(true);
    array.set_trailing("\n");
}

fn format_inline(table: &mut InlineTable) {
    for (_, value) in table.iter_mut() {
        format_value(value, 0);
    }
    table.fmt();
}

/// Whether there may be a comment in the text of a value; a `#` in a string counts, too.
fn has_comment(text: &str) -> bool {
    text.contains('#')
}

fn text_of(raw: Option<&RawString>) -> String {
    raw.and_then(RawString::as_str).unwrap_or_default().to_owned()
}

fn comments(raw: &RawString) -> String {
    comments_of(raw.as_str().unwrap_or_default())
}

/// The comments before a line, each on a line of its own, with at most one blank line where there were some. Those that continue
/// the comment at the end of the line above stay in its column.
fn comments_of(before: &str) -> String {
    let mut text = String::new();
    let (mut blank, mut is_continuation) = (false, true);
    for (indent, line) in before.lines().map(|line| (line.len() - line.trim_start().len(), line.trim())) {
        is_continuation &= !line.is_empty() && indent >= MIN_COLUMN;
        match line.is_empty() {
            true => blank = true,
            false => {
                if blank {
                    text.push('\n');
                }
                blank = false;
                text.push_str(&" ".repeat(if is_continuation { indent } else { 0 }));
                text.push_str(line);
                text.push('\n');
            }
        }
    }
    if blank && before.ends_with('\n') {
        text.push('\n');
    }
    text
}

/// A comment at the end of a line.
fn end_of_line(raw: Option<&RawString>) -> String {
    let text = text_of(raw);
    match text.trim() {
        "" => String::new(),
        comment if text.starts_with(' ') => format!("{}{comment}", &text[..text.len() - text.trim_start().len()]),
        comment => format!("  {comment}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn spaces_blank_lines_and_lists_are_in_one_style_and_comments_stay() {
        let untidy = "# a file\n\n\nversion=1   # the first\n[teams.web]\nowns=['s3://a/',\"s3://b/\"]\n\n\n\n\
            # the zone\n[teams.web.zones.\"website.com\"]   # its domain\n   zone_id =   \"023e105f4ecef8ad9ca31a8372d0c353\"\n\
            hostnames = [\n\"www.website.com\", ]\n# at the end";
        let tidy = "# a file\n\nversion = 1   # the first\n\n[teams.web]\nowns = ['s3://a/', \"s3://b/\"]\n\n\
            # the zone\n[teams.web.zones.\"website.com\"]   # its domain\nzone_id = \"023e105f4ecef8ad9ca31a8372d0c353\"\n\
            hostnames = [\"www.website.com\"]\n\n# at the end\n";
        assert_eq!(formatted(untidy).unwrap(), tidy);
        assert_eq!(formatted(tidy).unwrap(), tidy);
    }

    #[test]
    fn a_comment_of_several_lines_at_the_end_of_a_line_stays_in_its_column() {
        let text = "version = 1          # the first\n                     # of all\n\n    # a table\n[teams.web]\n";
        let tidy = "version = 1          # the first\n                     # of all\n\n# a table\n[teams.web]\n";
        assert_eq!(formatted(text).unwrap(), tidy);
        assert_eq!(formatted(tidy).unwrap(), tidy);
    }

    #[test]
    fn a_long_list_has_an_item_on_each_line_and_one_with_comments_stays() {
        let names: Vec<String> = (0..8).map(|index| format!("\"directory-{index}/**\"")).collect();
        let long = formatted(&format!("include = [{}]", names.join(","))).unwrap();
        assert_eq!(long.lines().count(), 10, "{long}");
        assert!(long.starts_with("include = [\n    \"directory-0/**\",\n"), "{long}");
        assert_eq!(formatted(&long).unwrap(), long);
        let commented = "include = [\n  \"a\",  # why\n  \"b\",\n]\n";
        assert_eq!(formatted(commented).unwrap(), commented);
    }

    #[test]
    fn the_example_keeps_its_values_and_comments() {
        let example = include_str!("../../../../../mappings.example.toml");
        let new = formatted(example).unwrap();
        assert_eq!(
            purge_router_config::from_toml(&new).unwrap().all().len(),
            purge_router_config::from_toml(example).unwrap().all().len()
        );
        let comments = |text: &str| {
            let mut lines: Vec<String> = text
                .lines()
                .filter_map(|line| line.split_once('#'))
                .map(|(_, comment)| comment.trim().to_owned())
                .collect();
            lines.sort();
            lines
        };
        assert_eq!(comments(&new), comments(example));
        assert_eq!(formatted(&new).unwrap(), new, "it is stable");
    }

    #[test]
    fn what_is_not_toml_is_refused() {
        assert!(formatted("version =").is_err());
        assert_eq!(formatted("").unwrap(), "");
    }
}
