//! Which hosts may be asked: teams write hostnames, and the operator says which of them.

use std::str::FromStr;

use purge_router_core::names::Hostname;

/// The hosts that the operator allows: names, and domains below which all names are allowed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AllowedHosts(Vec<HostPattern>);

#[derive(Debug, Clone, PartialEq, Eq)]
enum HostPattern {
    Name(Hostname),
    /// `*.` and the domain.
    Below(Hostname),
}

/// The string is no pattern of hosts.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` is not a hostname or `*.` and a domain: write such as `www.website.com, *.website.co.uk`")]
pub struct NotAHostPattern(String);

impl FromStr for AllowedHosts {
    type Err = NotAHostPattern;

    /// Reads patterns with commas between them.
    fn from_str(text: &str) -> Result<Self, Self::Err> {
        text.split(',').map(|pattern| HostPattern::parse(pattern.trim())).collect::<Result<_, _>>().map(Self)
    }
}

impl AllowedHosts {
    /// Whether the host of a URL is allowed.
    pub(crate) fn allow_url(&self, url: &str) -> bool {
        let host = url.split_once("://").and_then(|(_, rest)| rest.split('/').next()).unwrap_or_default();
        Hostname::parse(host).is_ok_and(|host| self.0.iter().any(|pattern| pattern.matches(&host)))
    }
}

impl HostPattern {
    fn parse(text: &str) -> Result<Self, NotAHostPattern> {
        let bad = || NotAHostPattern(text.to_owned());
        let (domain, pattern): (_, fn(Hostname) -> Self) = match text.strip_prefix("*.") {
            Some(domain) => (domain, Self::Below),
            None => (text, Self::Name),
        };
        // No top-level domain is a number, but the last part of an address is.
        let is_address = domain.rsplit('.').next().is_some_and(|label| label.starts_with(|c: char| c.is_ascii_digit()));
        if is_address {
            return Err(bad());
        }
        Hostname::parse(domain).map(pattern).map_err(|_| bad())
    }

    fn matches(&self, host: &Hostname) -> bool {
        match self {
            Self::Name(name) => host == name,
            Self::Below(domain) => host != domain && host.is_within(domain),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_is_itself_and_a_pattern_is_what_is_below_a_domain() {
        let hosts: AllowedHosts = "www.website.com,*.website.co.uk , a.website.dev".parse().unwrap();
        for (url, allowed) in [
            ("https://www.website.com/a.css", true),
            ("http://www.website.com/", true),
            ("https://website.com/", false),
            ("https://a.www.website.com/", false),
            ("https://evilwww.website.com/", false),
            ("https://www.website.co.uk/", true),
            ("https://a.b.website.co.uk/", true),
            ("https://website.co.uk/", false),
            ("https://evilwebsite.co.uk/", false),
            ("https://a.website.dev/", true),
            ("https://www.website.com:8080/", false),
            ("https://www.website.com@evil.com/", false),
            ("https://evil.com/www.website.com", false),
            ("https://evil.com?www.website.com", false),
            ("https://127.0.0.1/", false),
            ("www.website.com", false),
        ] {
            assert_eq!(hosts.allow_url(url), allowed, "{url}");
        }
    }

    #[test]
    fn patterns_are_names_or_domains() {
        for bad in
            ["", "*", "*.com", "*.*.com", "localhost", "www.*.com", "a.com,", "https://a.com", "127.0.0.1", "*.0.1"]
        {
            assert!(AllowedHosts::from_str(bad).is_err(), "{bad}");
        }
    }
}
