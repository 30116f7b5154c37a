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

    /// The object as `s3://bucket/key`, if this is a URL of S3 itself, with the bucket in the hostname or in the path, or of the
    /// object's page in AWS's console; `None` if it is neither.
    pub fn s3_object(&self) -> Option<String> {
        let host = self.host.as_str();
        if self.is_of_console() {
            let bucket = self.path.strip_prefix("s3/object/")?;
            let key = self.query.split('&').find_map(|field| field.strip_prefix("prefix="))?.replace('+', " ");
            return Some(format!("s3://{bucket}/{}", percent_decode_str(&key).decode_utf8().ok()?));
        }
        let service = host.strip_suffix(".amazonaws.com").or_else(|| host.strip_suffix(".amazonaws.com.cn"))?;
        let labels: Vec<&str> = service.split('.').collect();
        // A bucket before it may have any labels.
        let at = labels.iter().rposition(|label| is_s3(label))?;
        // S3 reads a bare `+` as a space.
        let path = self.path.replace('+', " ");
        let path = percent_decode_str(&path).decode_utf8().ok()?;
        Some(match labels.get(..at)? {
            [] => format!("s3://{path}"),
            bucket => format!("s3://{}/{path}", bucket.join(".")),
        })
    }

    /// Whether it is a page of AWS's console.
    pub fn is_of_console(&self) -> bool {
        self.host.as_str().ends_with("console.aws.amazon.com")
    }

    /// The paths that it may mean, decoded and without the first `/`: some servers, such as S3, read a bare `+` as a space.
    /// Empty if it is not UTF-8.
    pub(crate) fn decoded_paths(&self) -> Vec<String> {
        let decode = |path: &str| percent_decode_str(path).decode_utf8().ok().map(String::from);
        let with_spaces = self.path.contains('+').then(|| self.path.replace('+', " "));
        decode(&self.path).into_iter().chain(with_spaces.and_then(|path| decode(&path))).collect()
    }
}

/// Whether a label of a hostname of AWS is S3's: `s3`, `s3-eu-west-1` or `s3-website-eu-west-1`, and none of an access point, such as
/// `s3-accesspoint`. Names of regions end with a number.
fn is_s3(label: &str) -> bool {
    let is_region = |rest: &str| rest.ends_with(|c: char| c.is_ascii_digit());
    matches!(label, "s3" | "s3-fips" | "s3-website") || label.strip_prefix("s3-").is_some_and(is_region)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn urls_of_s3_name_objects() {
        for (host, path, object) in [
            ("assets.s3.eu-west-1.amazonaws.com", "uk/a%20b.css", Some("s3://assets/uk/a b.css")),
            ("assets.website.com.s3.amazonaws.com", "a+b%2Bc", Some("s3://assets.website.com/a b+c")),
            ("assets.s3.dualstack.eu-west-1.amazonaws.com", "a", Some("s3://assets/a")),
            ("assets.s3-website-eu-west-1.amazonaws.com", "a", Some("s3://assets/a")),
            ("s3.cn-north-1.amazonaws.com.cn", "assets/uk/a.css", Some("s3://assets/uk/a.css")),
            ("s3-eu-west-1.amazonaws.com", "assets/a", Some("s3://assets/a")),
            ("abc.execute-api.eu-west-1.amazonaws.com", "a", None),
            ("myap-123456789012.s3-accesspoint.eu-west-1.amazonaws.com", "a", None),
            ("assets.s3-fips.us-east-1.amazonaws.com", "a", Some("s3://assets/a")),
            ("s3.website.com", "a", None),
        ] {
            let host = Hostname::parse(host).unwrap();
            let url = PublicUrl { scheme: Scheme::Https, host, path: path.to_owned(), query: String::new() };
            assert_eq!(url.s3_object().as_deref(), object, "{}", url.text());
        }
        let page = PublicUrl {
            scheme: Scheme::Https,
            host: Hostname::parse("eu-west-1.console.aws.amazon.com").unwrap(),
            path: "s3/object/assets".to_owned(),
            query: "region=eu-west-1&bucketType=general&prefix=uk/a%20b.css".to_owned(),
        };
        assert_eq!(page.s3_object().as_deref(), Some("s3://assets/uk/a b.css"));
        assert_eq!(PublicUrl { path: "s3/buckets/assets".to_owned(), ..page }.s3_object(), None);
    }
}
