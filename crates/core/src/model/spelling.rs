//! The spellings of a path: which characters each encoder of clients leaves bare.
//!
//! Cloudflare caches a URL as the client spelled it, so a purge names each spelling that clients send. Encoders agree
//! on letters, digits, `-._~` and `/`, which they leave bare, and on what [`DISPUTED`] does not hold, which they
//! encode in upper case. Two encoders spell a path differently only if it holds a character on which they disagree.

use std::borrow::Cow;

use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use smallvec::{SmallVec, smallvec};

/// The characters that some encoder leaves bare and another one encodes.
const DISPUTED: &[u8] = b"!$&'()*+,:;=@[]^|";

/// All but RFC 3986's unreserved characters and the `/` between segments.
const STRICT: AsciiSet = NON_ALPHANUMERIC.remove(b'-').remove(b'.').remove(b'_').remove(b'~').remove(b'/');

/// How clients of one kind encode a path.
#[derive(Debug, PartialEq, Eq)]
pub struct Encoder {
    /// Its name in a mapping file.
    pub name: &'static str,
    /// The characters of `DISPUTED` that it leaves bare.
    pub bare: &'static str,
    /// The specification or the source code that says so.
    pub source: &'static str,
    encodes: AsciiSet,
    /// One bit for each character of [`DISPUTED`].
    bare_bits: u32,
}

/// All encoders. Paths are purged in this order of spellings.
pub static ENCODERS: [Encoder; 10] = [
    Encoder::new("whatwg", "!$&'()*+,:;=@[]|", "URL Standard, path percent-encode set, since 2023; Firefox, Safari"),
    Encoder::new("chromium", "!$&'()*+,:;=@[]", "the request lines of headless Chromium 156; Django's iri_to_uri"),
    Encoder::new("rfc3986", "", "RFC 3986, 2.3: unreserved; AWS SDKs, PHP's rawurlencode"),
    Encoder::new("encode-uri", "!$&'()*+,:;=@", "ECMA-262, encodeURI; RFC 3986, 3.3: pchar; Python's urllib3"),
    Encoder::new(
        "encode-uri-component",
        "!'()*",
        "ECMA-262, encodeURIComponent of each segment; Django's filepath_to_uri",
    ),
    Encoder::new("go", "$&+,:;=@", "Go, net/url: URL.EscapedPath"),
    Encoder::new("go-segment", "$&+:=@", "Go, net/url: PathEscape of each segment"),
    Encoder::new("python", "", "Python 3.7, urllib.parse.quote"),
    Encoder::new("java", "!$&'()*+,:;=@", "Java, java.net.URI of several parts: toASCIIString"),
    Encoder::new("whatwg-2022", "!$&'()*+,:;=@[]^|", "URL Standard until 2023; Node.js 20's URL"),
];

impl Encoder {
    const fn new(name: &'static str, bare: &'static str, source: &'static str) -> Self {
        let (mut encodes, mut bare_bits, mut at) = (STRICT, 0, bare.as_bytes());
        while let [byte, rest @ ..] = at {
            encodes = encodes.remove(*byte);
            bare_bits |= disputed_bit(*byte);
            at = rest;
        }
        Self { name, bare, source, encodes, bare_bits }
    }
}

/// The bit of a character of [`DISPUTED`]; 0 for others.
const fn disputed_bit(byte: u8) -> u32 {
    let (mut bit, mut at) = (1, DISPUTED);
    while let [disputed, rest @ ..] = at {
        if *disputed == byte {
            return bit;
        }
        (bit, at) = (bit << 1, rest);
    }
    0
}

/// The bit of a space, which is no character of [`DISPUTED`].
const SPACE: u32 = 1 << 30;

/// The bit of what every encoder encodes, except for a space.
const ENCODED: u32 = 1 << 31;

/// What each byte of a path means for its spellings: 0 if all encoders leave it bare, as most.
static BITS: [u32; 256] = {
    let mut bits = [0; 256];
    let (mut byte, mut rest) = (0_u8, bits.as_mut_slice());
    while let [bits, after @ ..] = rest {
        *bits = match byte {
            b' ' => SPACE,
            b'-' | b'.' | b'_' | b'~' | b'/' => 0,
            _ if byte.is_ascii_alphanumeric() => 0,
            _ if disputed_bit(byte) != 0 => disputed_bit(byte),
            _ => ENCODED,
        };
        (byte, rest) = (byte.wrapping_add(1), after);
    }
    bits
};

/// The bits of all bytes of a path.
fn bits_of(path: &str) -> u32 {
    path.bytes().fold(0, |bits, byte| bits | BITS.get(usize::from(byte)).copied().unwrap_or(ENCODED))
}

/// The name of a choice of spellings in a mapping file.
#[derive(Debug, Clone, Copy)]
pub enum SpellingWord {
    /// Every encoder, and [`Self::SpaceAsPlus`].
    All,
    /// One encoder, by its index in [`ENCODERS`].
    Of(usize),
    /// S3 reads a bare `+` in a path as a space: each chosen encoder with `+` for a space and `%2B` for a plus.
    SpaceAsPlus,
}

impl SpellingWord {
    /// All of them with their names in a mapping file.
    pub const WORDS: &'static [(&'static str, Self)] = &[
        ("all", Self::All),
        ("whatwg", Self::Of(0)),
        ("chromium", Self::Of(1)),
        ("rfc3986", Self::Of(2)),
        ("encode-uri", Self::Of(3)),
        ("encode-uri-component", Self::Of(4)),
        ("go", Self::Of(5)),
        ("go-segment", Self::Of(6)),
        ("python", Self::Of(7)),
        ("java", Self::Of(8)),
        ("whatwg-2022", Self::Of(9)),
        ("s3-plus", Self::SpaceAsPlus),
    ];
}

/// The spellings in which a mapping purges a path.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Spellings {
    /// Never empty.
    encoders: Vec<&'static Encoder>,
    space_as_plus: bool,
}

impl Default for Spellings {
    fn default() -> Self {
        Self { encoders: ENCODERS.iter().collect(), space_as_plus: true }
    }
}

impl Spellings {
    /// Those of these words; all if there is none. `s3-plus` alone is that of `rfc3986`.
    pub fn of_words(words: &[SpellingWord]) -> Self {
        if words.is_empty() || words.iter().any(|word| matches!(word, SpellingWord::All)) {
            return Self::default();
        }
        let is_chosen = |index| words.iter().any(|word| matches!(word, SpellingWord::Of(of) if *of == index));
        let mut encoders: Vec<&Encoder> =
            ENCODERS.iter().enumerate().filter(|(index, _)| is_chosen(*index)).map(|(_, encoder)| encoder).collect();
        if encoders.is_empty() {
            encoders.extend(ENCODERS.iter().filter(|encoder| encoder.name == "rfc3986"));
        }
        let space_as_plus = words.iter().any(|word| matches!(word, SpellingWord::SpaceAsPlus));
        Self { encoders, space_as_plus }
    }

    /// How many spellings a path may have, at most.
    pub(crate) fn most(&self) -> usize {
        self.encoders.len() * if self.space_as_plus { 2 } else { 1 }
    }

    /// How many spellings a path may have with these characters, at most; one if the encoders agree on them.
    pub(crate) fn most_of(&self, text: &str) -> usize {
        let agreed = if self.space_as_plus { ENCODED } else { ENCODED | SPACE };
        if bits_of(text) & !agreed == 0 { 1 } else { self.most() }
    }

    /// The different spellings of a path; one for a path on which the encoders agree.
    pub(crate) fn of<'p>(&self, path: &'p str) -> SmallVec<[Cow<'p, str>; 1]> {
        let bits = bits_of(path);
        if bits == 0 {
            return smallvec![Cow::Borrowed(path)];
        }
        let disputed = bits & !(SPACE | ENCODED);
        let mut spellings: SmallVec<[Cow<'p, str>; 1]> =
            self.distinct(disputed).map(|set| utf8_percent_encode(path, set).into()).collect();
        if self.space_as_plus && bits & SPACE != 0 {
            let plus = |set| {
                let encoded = Cow::from(utf8_percent_encode(path, set));
                Cow::Owned(encoded.replace('+', "%2B").replace("%20", "+"))
            };
            spellings.extend(self.distinct(disputed & !disputed_bit(b'+')).map(plus));
        }
        spellings
    }

    /// The first of the encoders that leave the same of these characters bare.
    fn distinct(&self, disputed: u32) -> impl Iterator<Item = &'static AsciiSet> {
        let mut seen: SmallVec<[u32; 10]> = SmallVec::new();
        self.encoders.iter().filter_map(move |encoder| {
            let bare = encoder.bare_bits & disputed;
            let is_new = !seen.contains(&bare);
            if is_new {
                seen.push(bare);
            }
            is_new.then_some(&encoder.encodes)
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What encoders of other languages leave bare of ASCII's printable characters, as their own programs printed it.
    const RECORDED: [(&str, &str); 4] = [
        // chromium --headless, version 156: for each character c the c for which the request line of
        // fetch("http://localhost:8000/x" + c + "y") is "GET /x" + c + "y HTTP/1.1". It takes `?`, `#` and `\` for
        // delimiters, and leaves `%` bare. crates/cli/tests/encoders.rs compares random keys.
        ("chromium", "!$&'()*+,-./:;=@[]_~"),
        // go run spell.go, with Go 1.27.3: for each character c the c for which
        // (&url.URL{Path: "/x" + c + "y"}).String() is "/x" + c + "y".
        ("go", "$&+,-./:;=@_~"),
        // The same for url.PathEscape("x" + c + "y"). It encodes `/`, which separates segments here.
        ("go-segment", "$&+-.:=@_~"),
        // java Spell.java, with OpenJDK 17.0.15: those for which new URI("https", "x", "/a" + c + "b", null)
        // .toASCIIString() is "https://x/a" + c + "b". It leaves `?` bare, too, so that it can't spell a key with one.
        ("java", "!$&'()*+,-./:;=@_~"),
    ];

    #[test]
    fn the_words_are_the_encoders() {
        let names = SpellingWord::WORDS.iter().filter_map(|(name, word)| match word {
            SpellingWord::Of(index) => Some((*name, ENCODERS[*index].name)),
            _ => None,
        });
        assert!(names.clone().all(|(word, encoder)| word == encoder));
        assert_eq!(names.count(), ENCODERS.len());
    }

    #[test]
    fn what_other_languages_leave_bare() {
        for (name, recorded) in RECORDED {
            let encoder = ENCODERS.iter().find(|encoder| encoder.name == name).unwrap();
            let mut bare: Vec<char> = encoder.bare.chars().chain("-._~".chars()).collect();
            bare.extend((name != "go-segment").then_some('/'));
            bare.sort_unstable();
            assert_eq!(bare.into_iter().collect::<String>(), recorded, "{name}");
        }
    }

    #[test]
    fn the_documentation_has_the_same_table() {
        let page = include_str!("../../../../docs/mappings/spellings.md");
        for Encoder { name, bare, .. } in &ENCODERS {
            let bare = if bare.is_empty() { "none".to_owned() } else { format!("`{}`", bare.replace('|', "\\|")) };
            let row = format!("| `{name}` | {bare} | ");
            assert!(page.contains(&row), "{row}");
        }
    }

    #[test]
    fn a_path_on_which_all_agree_has_one_spelling() {
        for path in ["", "a/b-c_d.e~f", "100%", "a?b#c", "über", "a\"<>`{}\\\t"] {
            assert_eq!(Spellings::default().of(path).len(), 1, "{path}");
        }
    }

    #[test]
    fn a_choice_of_encoders() {
        let of = |names: &[&str], path: &str| {
            let word = |name: &&str| SpellingWord::WORDS.iter().find(|(known, _)| known == name).unwrap().1;
            let spellings = Spellings::of_words(&names.iter().map(word).collect::<Vec<_>>());
            spellings.of(path).iter().map(ToString::to_string).collect::<Vec<_>>()
        };
        for (names, path, expected) in [
            (&["whatwg"][..], "a +(1)", &["a%20+(1)"][..]),
            (&["python"], "a +(1)", &["a%20%2B%281%29"]),
            (&["python", "rfc3986"], "a+", &["a%2B"]),
            (&["go", "whatwg"], "c++ (2)", &["c++%20(2)", "c++%20%282%29"]),
            (&["go", "s3-plus"], "c++ (2)", &["c++%20%282%29", "c%2B%2B+%282%29"]),
            (&["s3-plus"], "a b", &["a%20b", "a+b"]),
            (&["s3-plus", "whatwg"], "a+b", &["a+b"]),
            (&["whatwg", "all"], "a+b", &["a+b", "a%2Bb"]),
            (&["whatwg", "s3-plus"], "%20 x", &["%2520%20x", "%2520+x"]),
        ] {
            assert_eq!(of(names, path), expected, "{names:?} {path}");
        }
    }

    #[test]
    fn an_awkward_key_costs_as_many_urls_as_documented() {
        for (path, count) in [
            ("app.css", 1),
            ("my file.css", 2),
            ("c++.css", 2),
            ("photo (1).png", 4),
            ("app/[slug]/page.js", 2),
            ("c++ (2).html", 6),
            ("!$&'()*+,:;=@[]^| ", 16),
        ] {
            assert_eq!(Spellings::default().of(path).len(), count, "{path}");
        }
    }
}
