//! A JSON text as a list of its values. The list is used again for the next text, so that reading allocates nothing.
//!
//! A list or an object is followed by what it holds, and says where that ends. So does the name of a field, which is followed by
//! its value. `{"a": [1, "x"]}` is:
//!
//! | index | value |
//! | ---: | --- |
//! | 0 | an object, up to 5 |
//! | 1 | the name `a`, up to 5 |
//! | 2 | a list, up to 5 |
//! | 3 | the number 1 |
//! | 4 | the string `x` |

use std::fmt;

use serde::de::{DeserializeSeed, Deserializer, MapAccess, SeqAccess, Visitor};
use serde_json::{Map, Number, Value};

/// The values of one JSON text.
#[derive(Debug, Default)]
pub(super) struct Document {
    nodes: Vec<Node>,
    /// The strings that have escapes, one after another, without them.
    unescaped: String,
}

#[derive(Debug, Clone)]
enum Node {
    Null,
    Bool(bool),
    Number(Number),
    /// A string as it is in the text, from and up to these bytes.
    Text(usize, usize),
    /// A string in `unescaped`.
    Unescaped(usize, usize),
    /// A list, and the index behind its last value.
    Array(usize),
    /// An object, and the index behind its last value. Each value follows its name.
    Object(usize),
    /// The name of a field as it is in the text, from and up to these bytes, and the index behind its value.
    Name(usize, usize, usize),
    /// The same of a name in `unescaped`.
    UnescapedName(usize, usize, usize),
}

/// How many bytes of an event there are for each value, about.
const BYTES_OF_A_VALUE: usize = 8;

impl Document {
    /// Reads a text. What serde_json's own `Value` refuses is an error here, too.
    pub(super) fn read<'d>(&'d mut self, text: &'d str) -> Result<Json<'d>, serde_json::Error> {
        self.nodes.clear();
        self.nodes.reserve(text.len() / BYTES_OF_A_VALUE);
        self.unescaped.clear();
        let mut deserializer = serde_json::Deserializer::from_str(text);
        Nodes { document: self, text }.deserialize(&mut deserializer)?;
        deserializer.end()?;
        Ok(Json { document: self, text, index: 0 })
    }
}

/// Appends the nodes of one value.
struct Nodes<'n, 't> {
    document: &'n mut Document,
    text: &'t str,
}

impl<'t> Nodes<'_, 't> {
    fn next(&mut self) -> Nodes<'_, 't> {
        Nodes { document: self.document, text: self.text }
    }

    fn push<E>(self, node: Node) -> Result<(), E> {
        self.document.nodes.push(node);
        Ok(())
    }

    /// Appends what `values` appends, behind the node that says where it ends.
    fn push_all<E>(
        mut self,
        node: fn(usize) -> Node,
        values: impl FnOnce(&mut Self) -> Result<(), E>,
    ) -> Result<(), E> {
        let index = self.document.nodes.len();
        self.document.nodes.push(Node::Null);
        values(&mut self)?;
        let end = self.document.nodes.len();
        self.document.nodes.iter_mut().skip(index).take(1).for_each(|it| *it = node(end));
        Ok(())
    }
}

impl Nodes<'_, '_> {
    /// Makes the string at an index the name of the field that ends here.
    fn end_field(&mut self, name: usize) {
        let end = self.document.nodes.len();
        let Some(node) = self.document.nodes.get_mut(name) else { return };
        match *node {
            Node::Text(from, to) => *node = Node::Name(from, to, end),
            Node::Unescaped(from, to) => *node = Node::UnescapedName(from, to, end),
            _ => {}
        }
    }
}

impl<'t> DeserializeSeed<'t> for Nodes<'_, 't> {
    type Value = ();

    fn deserialize<D: Deserializer<'t>>(self, deserializer: D) -> Result<(), D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'t> Visitor<'t> for Nodes<'_, 't> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("any JSON value")
    }

    fn visit_unit<E>(self) -> Result<(), E> {
        self.push(Node::Null)
    }

    fn visit_bool<E>(self, value: bool) -> Result<(), E> {
        self.push(Node::Bool(value))
    }

    fn visit_u64<E>(self, value: u64) -> Result<(), E> {
        self.push(Node::Number(value.into()))
    }

    fn visit_i64<E>(self, value: i64) -> Result<(), E> {
        self.push(Node::Number(value.into()))
    }

    fn visit_f64<E>(self, value: f64) -> Result<(), E> {
        self.push(Number::from_f64(value).map_or(Node::Null, Node::Number))
    }

    fn visit_borrowed_str<E>(self, value: &'t str) -> Result<(), E> {
        let start = value.as_ptr().addr() - self.text.as_ptr().addr();
        self.push(Node::Text(start, start + value.len()))
    }

    fn visit_str<E>(self, value: &str) -> Result<(), E> {
        let start = self.document.unescaped.len();
        self.document.unescaped.push_str(value);
        self.push(Node::Unescaped(start, start + value.len()))
    }

    fn visit_seq<A: SeqAccess<'t>>(self, mut values: A) -> Result<(), A::Error> {
        self.push_all(Node::Array, |nodes| {
            while values.next_element_seed(nodes.next())?.is_some() {}
            Ok(())
        })
    }

    fn visit_map<A: MapAccess<'t>>(self, mut fields: A) -> Result<(), A::Error> {
        self.push_all(Node::Object, |nodes| {
            loop {
                let name = nodes.document.nodes.len();
                if fields.next_key_seed(nodes.next())?.is_none() {
                    return Ok(());
                }
                fields.next_value_seed(nodes.next())?;
                nodes.end_field(name);
            }
        })
    }
}

/// One value of a document.
#[derive(Debug, Clone, Copy)]
pub(super) struct Json<'d> {
    document: &'d Document,
    text: &'d str,
    index: usize,
}

impl<'d> Json<'d> {
    fn node(self) -> &'d Node {
        self.document.nodes.get(self.index).unwrap_or(&Node::Null)
    }

    /// The index behind this value and all that it holds.
    fn next(self) -> usize {
        match self.node() {
            Node::Array(end) | Node::Object(end) => *end,
            _ => self.index + 1,
        }
    }

    /// The string that this is; `None` if it is none.
    pub(super) fn as_str(self) -> Option<&'d str> {
        match self.node() {
            Node::Text(from, to) | Node::Name(from, to, _) => self.text.get(*from..*to),
            Node::Unescaped(from, to) | Node::UnescapedName(from, to, _) => self.document.unescaped.get(*from..*to),
            _ => None,
        }
    }

    /// What it is, in the words of JSON.
    pub(super) fn kind(self) -> &'static str {
        match self.node() {
            Node::Null => "null",
            Node::Bool(_) => "boolean",
            Node::Number(_) => "number",
            Node::Text(..) | Node::Unescaped(..) | Node::Name(..) | Node::UnescapedName(..) => "string",
            Node::Array(_) => "array",
            Node::Object(_) => "object",
        }
    }

    pub(super) fn is_null(self) -> bool {
        matches!(self.node(), Node::Null)
    }

    pub(super) fn is_true(self) -> bool {
        matches!(self.node(), Node::Bool(true))
    }

    pub(super) fn is_string(self) -> bool {
        matches!(self.node(), Node::Text(..) | Node::Unescaped(..))
    }

    pub(super) fn is_array(self) -> bool {
        matches!(self.node(), Node::Array(_))
    }

    pub(super) fn is_object(self) -> bool {
        matches!(self.node(), Node::Object(_))
    }

    /// The values of a list; none of anything else.
    pub(super) fn elements(self) -> impl Iterator<Item = Json<'d>> {
        let end = if let Node::Array(end) = self.node() { *end } else { self.index };
        self.values(end)
    }

    /// The names and values of an object, also those of names that are repeated; none of anything else.
    pub(super) fn fields(self) -> impl Iterator<Item = (&'d str, Json<'d>)> {
        let end = if let Node::Object(end) = self.node() { *end } else { self.index };
        let mut values = self.values(end);
        std::iter::from_fn(move || Some((values.next()?.as_str().unwrap_or_default(), values.next()?)))
    }

    /// The values inside of this one, up to an index.
    fn values(self, end: usize) -> impl Iterator<Item = Json<'d>> {
        let mut next = self.index + 1;
        std::iter::from_fn(move || {
            let value = (next < end).then_some(Json { index: next, ..self })?;
            next = value.next();
            Some(value)
        })
    }

    /// The value of a field of an object; the last one if its name is repeated.
    pub(super) fn get(self, name: &str) -> Option<Json<'d>> {
        self.get_bytes(name.as_bytes())
    }

    /// Most names are of another length, so that is compared first.
    fn get_bytes(self, name: &[u8]) -> Option<Json<'d>> {
        let Node::Object(end) = *self.node() else { return None };
        let (text, unescaped) = (self.text.as_bytes(), self.document.unescaped.as_bytes());
        let (mut found, mut index) = (None, self.index + 1);
        while index < end {
            let (is_named, next) = match *self.document.nodes.get(index)? {
                Node::Name(from, to, next) => (to - from == name.len() && text.get(from..to)? == name, next),
                Node::UnescapedName(from, to, next) => (unescaped.get(from..to)? == name, next),
                _ => return None,
            };
            if is_named {
                found = Some(Json { index: index + 1, ..self });
            }
            index = next;
        }
        found
    }

    /// The value at a place such as `s3.object.key`.
    pub(super) fn at(self, place: &str) -> Option<Json<'d>> {
        place.as_bytes().split(|byte| *byte == b'.').try_fold(self, Json::get_bytes)
    }

    /// The string at a place; `None` if there is none.
    pub(super) fn string(self, place: &str) -> Option<&'d str> {
        self.at(place)?.as_str()
    }
}

impl From<Json<'_>> for Value {
    fn from(json: Json<'_>) -> Self {
        match json.node() {
            Node::Null => Self::Null,
            Node::Bool(value) => Self::Bool(*value),
            Node::Number(number) => Self::Number(number.clone()),
            Node::Text(..) | Node::Unescaped(..) | Node::Name(..) | Node::UnescapedName(..) => {
                Self::String(json.as_str().unwrap_or_default().to_owned())
            }
            Node::Array(_) => Self::Array(json.elements().map(Self::from).collect()),
            Node::Object(_) => {
                let fields = json.fields().map(|(name, value)| (name.to_owned(), Self::from(value)));
                Self::Object(fields.collect::<Map<_, _>>())
            }
        }
    }
}

#[cfg(test)]
mod tests;
