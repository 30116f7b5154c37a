//! A document beside what serde_json reads.

use super::*;

#[test]
fn a_document_is_what_serde_json_reads() {
    let mut document = Document::default();
    for text in [
        "null",
        " true ",
        "-1",
        "1.5e3",
        "18446744073709551616",
        r#""""#,
        r#""a\"b\\\u00e4""#,
        "[]",
        "{}",
        r#"[[], {}, [1, [2, "x"]], null]"#,
        r#"{"a": {"b": ["c", {"d": "\n"}]}, "": 0, "\"": {"e": "ü"}}"#,
        r#"{"a": 1, "b": 2, "a": {"c": 3}}"#,
    ] {
        let expected: Value = serde_json::from_str(text).unwrap();
        assert_eq!(Value::from(document.read(text).unwrap()), expected, "{text}");
    }
    let deep = format!("{}{}", "[".repeat(200), "]".repeat(200));
    for text in ["", "{", "[1,]", "1 2", r#""\ud800""#, "1e999", "[\"\u{1}\"]", &deep] {
        let expected = serde_json::from_str::<Value>(text).unwrap_err();
        assert_eq!(document.read(text).unwrap_err().to_string(), expected.to_string(), "{text}");
    }
}

#[test]
fn values_are_found_by_place() {
    let text = r#"{"a": {"b": [1, {"b": 2}], "c": "x"}, "s": "\t", "a": {"c": "y"}, "n": null, "t": true}"#;
    let mut document = Document::default();
    let json = document.read(text).unwrap();
    assert_eq!((json.string("a.c"), json.string("s"), json.string("a.b")), (Some("y"), Some("\t"), None));
    assert!(json.get("n").unwrap().is_null() && json.get("t").unwrap().is_true() && json.at("a.c.d").is_none());
    assert_eq!(json.fields().map(|(name, _)| name).collect::<Vec<_>>(), ["a", "s", "a", "n", "t"]);
    assert_eq!(json.elements().count() + json.get("s").unwrap().fields().count(), 0);
}
