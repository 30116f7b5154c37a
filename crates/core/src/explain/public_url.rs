//! A URL as clients request it.

use percent_encoding::percent_decode_str;

use crate::model::mapping::Scheme;
use crate::model::names::Hostname;

/// A URL as clients request it: percent-encoded, without fragment, user and port.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PublicUrl {
    /// Its scheme.
    pub scheme: Scheme,
    /// Its hostname.
    pub host: Hostname,
    /// Its path without the first `/`, percent-encoded.
    pub path: String,
    /// Its query string without the `?`; empty if there is none.
    pub query: String,
}

impl PublicUrl {
    /// The URL as a purge names it.
    pub fn text(&self) -> String {
        let Self { scheme, host, path, query } = self;
        let mark = if query.is_empty() { "" } else { "?" };
        format!("{}://{host}/{path}{mark}{query}", scheme.as_str())
    }

    /// The paths that it may mean, decoded and without the first `/`: some servers, such as S3, read a bare `+` as a space.
    /// Empty if it is not UTF-8.
    pub(crate) fn decoded_paths(&self) -> Vec<String> {
        let decode = |path: &str| percent_decode_str(path).decode_utf8().ok().map(String::from);
        let with_spaces = self.path.contains('+').then(|| self.path.replace('+', " "));
        decode(&self.path).into_iter().chain(with_spaces.and_then(|path| decode(&path))).collect()
    }
}
