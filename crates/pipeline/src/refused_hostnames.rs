//! Hostnames that Cloudflare refused as not of the zone. They outlive events, so that one wrong hostname in a mapping
//! does not cost requests again and again.

use std::hash::{DefaultHasher, Hash, Hasher};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use percent_encoding::percent_decode_str;
use purge_router_cloudflare::split_advice;
use purge_router_core::names::CloudflareId;
use purge_router_core::{BatchItem, Item, Origin, Zone};

use crate::bounded_map::BoundedMap;
use crate::clock::{Clock, Timestamp};
use crate::per_team::PerTeam;

/// How long items of a refused hostname are not sent. It is shorter than the main queue's visibility timeout of four
/// minutes, so that each redelivery of a message there tries again: its team may have added the hostname to the zone
/// meanwhile. In the retry queue they are retried until then.
const REMEMBERED_FOR: Duration = Duration::from_secs(180);

/// Items of this many different objects must be refused alone, with none of the hostname accepted in between, before
/// the hostname is taken for the reason. The code of a URL of another zone is also that of an invalid URL, and one
/// object may have several URLs.
const EVIDENCE: usize = 4;

/// How many hostnames of one team are kept. Beyond that, the least used one is forgotten and costs requests again.
const HOSTNAMES_PER_TEAM: usize = 1024;

/// The refused hostnames of all teams.
#[derive(Debug)]
pub(crate) struct RefusedHostnames {
    clock: Clock,
    teams: PerTeam<Hostnames>,
}

type Hostnames = BoundedMap<(CloudflareId, String), Mutex<Evidence>>;

/// The refused hostnames of one zone.
#[derive(Debug)]
pub(crate) struct ZoneHostnames {
    clock: Clock,
    zone_id: CloudflareId,
    hostnames: Arc<Hostnames>,
}

/// The refusals of one hostname.
#[derive(Debug, Default)]
struct Evidence {
    /// Hashes of the objects with an item that was refused alone, up to [`EVIDENCE`] of them.
    objects: Vec<u64>,
    refused_until: Option<Timestamp>,
    error: String,
}

impl RefusedHostnames {
    pub(crate) fn new(clock: Clock) -> Self {
        Self { clock, teams: PerTeam::new() }
    }

    pub(crate) fn of(&self, zone: &Zone) -> ZoneHostnames {
        let hostnames = self.teams.get_or_insert_with(&zone.team, || BoundedMap::new(HOSTNAMES_PER_TEAM));
        ZoneHostnames { clock: self.clock.clone(), zone_id: zone.zone_id.clone(), hostnames }
    }

    /// How many teams are known.
    pub(crate) fn teams(&self) -> usize {
        self.teams.len()
    }

    /// How many hostnames the team with the most of them has.
    pub(crate) fn hostnames_of_team(&self) -> usize {
        self.teams.largest(BoundedMap::len)
    }
}

impl ZoneHostnames {
    /// Why items of this hostname are not sent now, if they are not.
    pub(crate) fn refusal(&self, hostname: &str) -> Option<String> {
        if self.hostnames.is_empty() {
            return None;
        }
        let evidence = self.hostnames.get(&self.key(hostname))?;
        let evidence = lock(&evidence);
        let left = evidence.refused_until? - self.clock.now();
        (!left.is_zero()).then(|| {
            let (seconds, error) = (left.as_secs_f64().ceil(), split_advice(&evidence.error).0);
            format!(
                "not sent: Cloudflare refused {hostname} in this zone ({error}); \
                 its items are tried again in {seconds} s: check the hostname in the mappings"
            )
        })
    }

    /// Notes that an item of this hostname was refused alone. Returns of how many objects items were refused so far if
    /// that is not yet enough, or `None` if the hostname is refused from now on.
    pub(crate) fn refused_alone(&self, hostname: &str, item: &BatchItem, error: &str) -> Option<usize> {
        let evidence = self.hostnames.get_or_insert_with(&self.key(hostname), Mutex::default);
        let mut evidence = lock(&evidence);
        if evidence.refused_until.is_some_and(|until| until <= self.clock.now()) {
            *evidence = Evidence::default();
        }
        let object = object_of(item);
        if evidence.objects.len() < EVIDENCE && !evidence.objects.contains(&object) {
            evidence.objects.push(object);
        }
        error.clone_into(&mut evidence.error);
        // A purge by hostname names nothing else, so one refusal is enough.
        let is_certain = matches!(item.item, Item::Host(_)) || evidence.objects.len() >= EVIDENCE;
        if !is_certain {
            return Some(evidence.objects.len());
        }
        evidence.refused_until = Some(self.clock.now() + REMEMBERED_FOR);
        None
    }

    /// Cloudflare accepted an item of this hostname, so it is of the zone.
    pub(crate) fn accepted(&self, hostname: &str) {
        if !self.hostnames.is_empty() {
            self.hostnames.remove(&self.key(hostname));
        }
    }

    fn key(&self, hostname: &str) -> (CloudflareId, String) {
        (self.zone_id.clone(), hostname.to_owned())
    }
}

/// The hostname that an item names: `www.website.com` of `https://www.website.com/a.css`.
pub(crate) fn hostname_of(item: &Item) -> Option<&str> {
    without_scheme(item)?.split(['/', '?']).next()
}

/// The hostname of an item and what follows it.
fn without_scheme(item: &Item) -> Option<&str> {
    match item {
        Item::Url(url) | Item::UrlWithHeaders { url, .. } => Some(url.split_once("://")?.1),
        Item::Prefix(text) | Item::Host(text) => Some(text),
        Item::Tag(_) | Item::Everything => None,
    }
}

/// A hash of the object that an item purges: of the message that named it, which names one object, or else of its path.
fn object_of(item: &BatchItem) -> u64 {
    let mut hasher = DefaultHasher::new();
    match item.origins.first() {
        Some(message @ Origin::Message(_)) => message.hash(&mut hasher),
        _ => object_path(&item.item).hash(&mut hasher),
    }
    hasher.finish()
}

/// The decoded path that an item purges, with its hostname. Spellings, schemes, query strings and the aliases of a web
/// page, such as `/a/` and `/a` of `/a/index.html`, lead to one path.
fn object_path(item: &Item) -> Option<String> {
    let text = without_scheme(item)?;
    let path = text.split_once('?').map_or(text, |(path, _)| path);
    let path = percent_decode_str(path).decode_utf8_lossy();
    let path = path.trim_end_matches('/');
    let path = path.strip_suffix(".html").unwrap_or(path);
    Some(path.strip_suffix("/index").unwrap_or(path).to_owned())
}

fn lock(evidence: &Mutex<Evidence>) -> MutexGuard<'_, Evidence> {
    evidence.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicU64, Ordering};
    use std::time::SystemTime;

    use super::*;
    use crate::test_support::{paused_clock, zones};

    fn batch_item(item: Item, origin: Origin) -> BatchItem {
        BatchItem { item, origins: [origin].into(), changed_at: None }
    }

    fn url(hostname: &str, path: usize) -> BatchItem {
        batch_item(Item::Url(format!("https://{hostname}/{path}")), Origin::Invocation)
    }

    #[tokio::test(start_paused = true)]
    async fn one_object_with_many_urls_condemns_no_hostname() {
        let hostnames = RefusedHostnames::new(paused_clock()).of(&zones(&[("red", "")])[0]);
        let refuse = |path: usize, message: &str| {
            let item = Item::Url(format!("https://a.com/{path}"));
            hostnames.refused_alone("a.com", &batch_item(item, Origin::Message(message.into())), "")
        };
        for path in 0..100 {
            assert_eq!(refuse(path, "one"), Some(1));
        }
        assert_eq!((refuse(0, "two"), refuse(0, "three"), refuse(0, "four")), (Some(2), Some(3), None));
    }

    #[tokio::test(start_paused = true)]
    async fn one_object_of_an_event_without_messages_condemns_no_hostname() {
        let hostnames = RefusedHostnames::new(paused_clock()).of(&zones(&[("red", "")])[0]);
        let refuse = |text: &str| {
            hostnames.refused_alone("a.com", &batch_item(Item::Url(text.to_owned()), Origin::Invocation), "")
        };
        for text in [
            "https://a.com/b%20c/index.html",
            "http://a.com/b%20c/index.html",
            "https://a.com/b%20c/index.html?v=1",
            "https://a.com/b%20c/",
            "https://a.com/b%20c",
            "https://a.com/b%20c/index",
            "https://a.com/%62%20c?v=1",
        ] {
            assert_eq!(refuse(text), Some(1), "{text}");
        }
        assert_eq!(refuse("https://a.com/b%20c/d.css"), Some(2));
        assert_eq!(refuse("https://a.com/B%20c/"), Some(3));
        assert_eq!(refuse("https://a.com/"), None);
    }

    #[test]
    fn hostnames_of_items() {
        for (item, hostname) in [
            (Item::Url("https://a.com/b//c?d".to_owned()), Some("a.com")),
            (Item::Url("http://a.com?d".to_owned()), Some("a.com")),
            (Item::UrlWithHeaders { url: "https://a.com/".to_owned(), headers: [].into() }, Some("a.com")),
            (Item::Prefix("a.com/b/".to_owned()), Some("a.com")),
            (Item::Host("a.com".to_owned()), Some("a.com")),
            (Item::Tag("a.com".to_owned()), None),
            (Item::Everything, None),
        ] {
            assert_eq!(hostname_of(&item), hostname, "{item}");
        }
    }

    #[tokio::test(start_paused = true)]
    async fn several_different_items_are_needed_and_one_accepted_item_clears() {
        let hostnames = RefusedHostnames::new(paused_clock()).of(&zones(&[("red", "")])[0]);
        let refuse = |path| hostnames.refused_alone("a.com", &url("a.com", path), "HTTP 400: 1082");
        for _ in 0..10 {
            assert_eq!(refuse(1), Some(1), "the same item is no further evidence");
        }
        assert_eq!((refuse(2), refuse(3)), (Some(2), Some(3)));
        hostnames.accepted("a.com");
        assert_eq!((refuse(1), refuse(2), refuse(3)), (Some(1), Some(2), Some(3)));
        assert_eq!(hostnames.refusal("a.com"), None);
        assert_eq!(refuse(4), None);
        assert!(hostnames.refusal("a.com").unwrap().contains("HTTP 400: 1082"));
        assert_eq!(hostnames.refusal("b.com"), None);
        hostnames.accepted("a.com");
        assert_eq!(hostnames.refusal("a.com"), None);
        assert_eq!(
            hostnames.refused_alone("b.com", &batch_item(Item::Host("b.com".to_owned()), Origin::Invocation), ""),
            None
        );
        assert!(hostnames.refusal("b.com").is_some());
    }

    #[tokio::test(start_paused = true)]
    async fn a_hostname_is_forgotten_in_time_even_while_the_process_is_frozen() {
        let ahead = Arc::new(AtomicU64::new(0));
        let (seconds, start) = (Arc::clone(&ahead), SystemTime::UNIX_EPOCH);
        let clock = Clock::with_wall_time(move || start + Duration::from_secs(seconds.load(Ordering::Relaxed)));
        let zones = zones(&[("red", ""), ("blue", "")]);
        let all = RefusedHostnames::new(clock);
        let red = all.of(&zones[0]);
        (0..EVIDENCE).for_each(|path| _ = red.refused_alone("a.com", &url("a.com", path), ""));
        assert!(all.of(&zones[0]).refusal("a.com").unwrap().contains("in 180 s"), "it outlives the event");
        assert_eq!(all.of(&zones[1]).refusal("a.com"), None, "another team's zone");
        ahead.store(179, Ordering::Relaxed);
        assert!(red.refusal("a.com").unwrap().contains("in 1 s"));
        ahead.store(180, Ordering::Relaxed);
        assert_eq!(red.refusal("a.com"), None);
        assert_eq!(red.refused_alone("a.com", &url("a.com", 0), ""), Some(1), "the evidence is forgotten, too");
    }
}
