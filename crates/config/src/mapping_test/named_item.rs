//! What a test names: a URL, a prefix, a host, a tag, or everything of a zone.

use std::fmt;

use purge_router_core::names::Hostname;
use purge_router_core::suggest::nearest;
use purge_router_core::{Code, Invalid, Item, Team, Zone, is_tag};

/// Something that may be purged, as a test names it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum NamedItem {
    Url {
        /// With its scheme, as clients send it.
        url: String,
        host: Hostname,
        /// The headers of a purge that names some, as `plan` prints them; empty: none.
        headers: String,
    },
    /// Host and path, without scheme.
    Prefix {
        prefix: String,
        host: Hostname,
    },
    Host(Hostname),
    Tag(String),
    /// By the zone's domain.
    Everything(Hostname),
}

const HELP: &str = "write a URL, or `prefix:host/folder/`, `host:name`, `tag:name` or `everything:domain`";

impl NamedItem {
    /// Reads what `Display` writes.
    pub(crate) fn parse(text: &str) -> Result<Self, Invalid> {
        let bad = |help: &str| Invalid::new(Code::BadTestItem, format!("`{text}` is nothing that can be purged"), help);
        let is_url = text.split_once('/').is_some_and(|(host, _)| host.contains('.') && Hostname::parse(host).is_ok());
        if is_url {
            return Err(bad(&format!("write `https://{text}`")));
        }
        let (word, rest) = text.split_once(':').ok_or_else(|| bad(HELP))?;
        if let Some(target) = rest.trim().strip_prefix("https://").or(rest.trim().strip_prefix("http://")) {
            let path = target.split(['?', '#']).next().unwrap_or(target);
            let host = path.split(['/', ':']).next().unwrap_or(path);
            let meant = if word == "prefix" { format!("prefix:{path}") } else { format!("{word}:{host}") };
            let help =
                Self::parse(&meant).map_or_else(|_| HELP.to_owned(), |_| format!("write `{meant}`, without a scheme"));
            return Err(bad(&help));
        }
        match word {
            "http" | "https" => {
                let (url, headers) = text.split_once(' ').unwrap_or((text, ""));
                let target = url.split_once("://").map(|(_, target)| target).ok_or_else(|| bad(HELP))?;
                let host = host(target, |byte| byte != b'#').map_err(bad)?;
                if !headers.is_empty() && !headers.contains('=') {
                    return Err(bad(
                        "percent-encode spaces; after one, write headers as `plan` prints them: `name=value`",
                    ));
                }
                Ok(Self::Url { url: url.to_owned(), host, headers: headers.to_owned() })
            }
            "prefix" => {
                let host = host(rest, |byte| !b"#?".contains(&byte)).map_err(bad)?;
                Ok(Self::Prefix { prefix: rest.to_owned(), host })
            }
            "host" => Hostname::parse(rest).map(Self::Host),
            "tag" if is_tag(rest) => Ok(Self::Tag(rest.to_owned())),
            "everything" => Hostname::parse(rest).map(Self::Everything),
            _ => Err(bad(HELP)),
        }
    }

    /// What a purge of this zone names.
    pub(crate) fn of(item: &Item, zone: &Zone) -> Option<Self> {
        // What is planned is as valid as what a test may name.
        let text = match item {
            Item::Url(_) | Item::UrlWithHeaders { .. } => item.to_string(),
            Item::Prefix(prefix) => format!("prefix:{prefix}"),
            Item::Host(name) => format!("host:{name}"),
            Item::Tag(tag) => format!("tag:{tag}"),
            Item::Everything => format!("everything:{}", zone.domain),
        };
        Self::parse(&text).ok()
    }

    /// Checks that a purge of the team could name it: what none can name is never purged, so a typo would pass as
    /// `not_purges`.
    pub(crate) fn check(&self, team: &Team) -> Result<(), Invalid> {
        let mut zones = team.zones.values();
        let help = format!("the zones of team {} are in `teams.{}.zones`", team.name, team.name);
        match (self, self.host()) {
            (Self::Everything(domain), _) if !team.zones.contains_key(domain) => {
                let help = match zones.find(|zone| has_host(zone, domain)) {
                    Some(zone) => format!("it is a hostname of a zone: write `everything:{}`", zone.domain),
                    None => help,
                };
                Err(Invalid::new(Code::UnknownZone, format!("unknown zone `{domain}`"), help))
            }
            (_, Some(host)) if !zones.any(|zone| has_host(zone, host)) => {
                let message = format!("`{host}` is not a hostname of the team's zones");
                let known = team.zones.values().flat_map(|zone| &zone.hostnames).map(Hostname::as_str);
                let help = nearest(host.as_str(), known).map_or(help, |near| format!("did you mean `{near}`?"));
                Err(Invalid::new(Code::UnknownHostname, message, help))
            }
            _ => Ok(()),
        }
    }

    /// Its hostname, if it has one that none of these zones lists.
    pub(crate) fn unlisted_host<'z>(&self, mut zones: impl Iterator<Item = &'z Zone>) -> Option<&Hostname> {
        self.host().filter(|host| !zones.any(|zone| zone.hostnames.contains(*host)))
    }

    fn host(&self) -> Option<&Hostname> {
        match self {
            Self::Url { host, .. } | Self::Prefix { host, .. } | Self::Host(host) => Some(host),
            Self::Tag(_) | Self::Everything(_) => None,
        }
    }

    /// Whether a purge of `planned` in this zone takes all that `self` names. What a purge by tag takes depends on the
    /// origin server, so it takes its tag only.
    pub(crate) fn is_taken_by(&self, planned: &Self, zone: &Zone) -> bool {
        match (planned, self) {
            (Self::Url { .. }, _) => planned == self,
            (Self::Prefix { prefix, .. }, Self::Url { .. } | Self::Prefix { .. }) => {
                self.prefix_text().is_some_and(|path| path.starts_with(prefix.as_str()))
            }
            (Self::Tag(planned), Self::Tag(tag)) => planned.eq_ignore_ascii_case(tag),
            (Self::Host(planned), _) => self.host() == Some(planned),
            (Self::Everything(planned), Self::Everything(domain)) => planned == domain,
            (Self::Everything(_), Self::Tag(_)) => true,
            (Self::Everything(_), _) => self.host().is_some_and(|host| has_host(zone, host)),
            (Self::Prefix { .. } | Self::Tag(_), _) => false,
        }
    }

    /// Host and path, which a purge by prefix compares: without scheme and query string.
    fn prefix_text(&self) -> Option<&str> {
        match self {
            Self::Url { url, .. } => url.split('?').next()?.split_once("://").map(|(_, target)| target),
            Self::Prefix { prefix, .. } => Some(prefix),
            Self::Host(_) | Self::Tag(_) | Self::Everything(_) => None,
        }
    }

    /// The same URL at another path; its query string does not matter to a purge by prefix.
    pub(crate) fn at_path(&self, new_path: impl Fn(&str) -> Vec<String>) -> Vec<Self> {
        let (Self::Url { url, host, headers }, Some(target)) = (self, self.prefix_text()) else { return Vec::new() };
        let (scheme, path) = (url.split(':').next().unwrap_or_default(), target.strip_prefix(host.as_str()));
        let url_at = |path: String| Self::Url {
            url: format!("{scheme}://{host}{path}"),
            host: host.clone(),
            headers: headers.clone(),
        };
        new_path(path.unwrap_or_default()).into_iter().map(url_at).collect()
    }
}

impl fmt::Display for NamedItem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Url { url, headers, .. } if headers.is_empty() => f.write_str(url),
            Self::Url { url, headers, .. } => write!(f, "{url} {headers}"),
            Self::Prefix { prefix, .. } => write!(f, "prefix:{prefix}"),
            Self::Host(host) => write!(f, "host:{host}"),
            Self::Tag(tag) => write!(f, "tag:{tag}"),
            Self::Everything(domain) => write!(f, "everything:{domain}"),
        }
    }
}

/// The host before the first `/`, or why this is none with a path of such bytes.
fn host(target: &str, is_allowed: impl Fn(u8) -> bool) -> Result<Hostname, &'static str> {
    let (host, path) = target.split_once('/').ok_or("write the path, too: `/` at least")?;
    if !path.bytes().all(|byte| byte.is_ascii_graphic() && is_allowed(byte)) {
        return Err("write it as clients send it, with all else percent-encoded");
    }
    Hostname::parse(host).map_err(|_| "write a hostname in lower case, without port")
}

/// Whether a purge of everything of the zone takes what is cached for this host.
fn has_host(zone: &Zone, host: &Hostname) -> bool {
    zone.hostnames.contains(host) || host.is_within(&zone.domain)
}
