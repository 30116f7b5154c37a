//! Faults on demand: what should go wrong, for which requests, and how often.
//!
//! Nothing is random. A share is spread evenly over the matching requests (a half is every second one), so that a
//! test that repeats sees the same requests fail.

use std::time::Duration;

use serde::{Deserialize, Serialize};

/// Shares are summed up in binary fractions; ten times 0.1 must still make a whole.
const ROUNDING: f64 = 1e-9;

/// Something that goes wrong with requests to the API.
///
/// ```
/// use purge_router_sandbox::{Fault, FaultKind};
///
/// let text = r#"{"kind": {"delay": {"milliseconds": 50}}, "share": 0.5}"#;
/// let fault = Fault { share: 0.5, ..Fault::new(FaultKind::Delay { milliseconds: 50 }) };
/// assert_eq!(serde_json::from_str::<Fault>(text).unwrap(), fault);
/// assert_eq!(serde_json::from_str::<Fault>(r#"{"kind": "reset"}"#).unwrap(), Fault::new(FaultKind::Reset));
/// ```
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Fault {
    /// Only requests of this zone match; without one, every request does, verifications too.
    #[serde(default)]
    pub zone_id: Option<String>,
    /// What happens.
    pub kind: FaultKind,
    /// The share of matching requests that it happens to, from 0 to 1.
    #[serde(default = "always")]
    pub share: f64,
    /// How often it happens at most; without a number, for as long as the sandbox runs.
    #[serde(default)]
    pub times: Option<u32>,
}

/// What a [`Fault`] does. Statuses are 200 to 599.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub enum FaultKind {
    /// Answers with an error in Cloudflare's envelope.
    Status {
        /// The status.
        status: u16,
        /// The error's code.
        code: i64,
        /// The error's message.
        message: String,
        /// Seconds for `Retry-After`.
        #[serde(default)]
        retry_after: Option<u32>,
    },
    /// Waits, then goes on as if nothing had happened.
    Delay {
        /// How long.
        milliseconds: u64,
    },
    /// Resets the connection without an answer.
    Reset,
    /// Never answers; ends when the client leaves.
    Hang,
    /// Answers with any text as `text/html`, such as the error page of a proxy.
    Body {
        /// The status.
        status: u16,
        /// The text.
        body: String,
    },
    /// Refuses purges by URL that name this URL, spelt exactly so, with 400 and code 1082: a bad item.
    RejectUrl {
        /// The URL.
        url: String,
    },
}

impl Fault {
    /// A fault that happens to every request.
    pub fn new(kind: FaultKind) -> Self {
        Self { zone_id: None, kind, share: always(), times: None }
    }

    /// What is wrong with the numbers, if anything is.
    pub(crate) fn problem(&self) -> Option<String> {
        if !(0.0..=1.0).contains(&self.share) {
            return Some(format!("share must be from 0 to 1, not {}", self.share));
        }
        match self.kind {
            FaultKind::Status { status, .. } | FaultKind::Body { status, .. } if !(200..600).contains(&status) => {
                Some(format!("status must be from 200 to 599, not {status}"))
            }
            _ => None,
        }
    }
}

fn always() -> f64 {
    1.0
}

/// What the faults make of one request, before the API sees it.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct Disturbance {
    /// How long to wait first.
    pub(crate) delay: Duration,
    /// What then happens in place of the API's answer.
    pub(crate) ending: Option<FaultKind>,
}

/// The faults in force, in the order in which they were added.
#[derive(Default)]
pub(crate) struct Faults(Vec<Armed>);

struct Armed {
    fault: Fault,
    /// The part of a whole occurrence that has gathered: below 1.
    gathered: f64,
    happened: u32,
}

impl Faults {
    pub(crate) fn add(&mut self, fault: Fault) {
        self.0.push(Armed { fault, gathered: 0.0, happened: 0 });
    }

    pub(crate) fn clear(&mut self) {
        self.0.clear();
    }

    /// Counts a request, of `zone` if it names one. Delays add up; the first fault that ends the request hides those
    /// after it.
    pub(crate) fn disturb(&mut self, zone: Option<&str>) -> Disturbance {
        let mut disturbance = Disturbance::default();
        for armed in &mut self.0 {
            if matches!(armed.fault.kind, FaultKind::RejectUrl { .. }) || !armed.happens(zone) {
                continue;
            }
            match &armed.fault.kind {
                FaultKind::Delay { milliseconds } => disturbance.delay += Duration::from_millis(*milliseconds),
                ending => {
                    disturbance.ending = Some(ending.clone());
                    break;
                }
            }
        }
        disturbance
    }

    /// The first of these URLs that a fault refuses.
    pub(crate) fn rejected<'a>(&mut self, zone: &str, urls: impl Iterator<Item = &'a str> + Clone) -> Option<&'a str> {
        self.0.iter_mut().find_map(|armed| {
            let FaultKind::RejectUrl { url: bad } = &armed.fault.kind else { return None };
            let found = urls.clone().find(|url| url == bad)?;
            armed.happens(Some(zone)).then_some(found)
        })
    }
}

impl Armed {
    fn happens(&mut self, zone: Option<&str>) -> bool {
        let Fault { zone_id, share, times, .. } = &self.fault;
        let of_zone = zone_id.is_none() || zone_id.as_deref() == zone;
        if !of_zone || times.is_some_and(|times| self.happened >= times) {
            return false;
        }
        self.gathered += share.clamp(0.0, 1.0);
        if self.gathered < 1.0 - ROUNDING {
            return false;
        }
        self.gathered -= 1.0;
        self.happened += 1;
        true
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn pattern(fault: Fault, requests: usize) -> String {
        let mut faults = Faults::default();
        faults.add(fault);
        let mut hit = || if faults.disturb(Some("z")).ending.is_some() { 'x' } else { '.' };
        (0..requests).map(|_| hit()).collect()
    }

    #[test]
    fn a_share_is_spread_evenly_and_times_ends_it() {
        let reset = || Fault::new(FaultKind::Reset);
        for (fault, expected) in [
            (reset(), "xxxxxxxxxx"),
            (Fault { share: 0.0, ..reset() }, ".........."),
            (Fault { share: 0.5, ..reset() }, ".x.x.x.x.x"),
            (Fault { share: 0.1, ..reset() }, ".........x"),
            (Fault { share: 0.3, ..reset() }, "...x..x..x"),
            (Fault { share: 0.5, times: Some(2), ..reset() }, ".x.x......"),
            (Fault { times: Some(3), ..reset() }, "xxx......."),
            (Fault { zone_id: Some("other".into()), ..reset() }, ".........."),
            (Fault { zone_id: Some("z".into()), ..reset() }, "xxxxxxxxxx"),
        ] {
            assert_eq!(pattern(fault.clone(), 10), expected, "{fault:?}");
        }
    }

    #[test]
    fn delays_add_up_and_the_first_ending_wins() {
        let mut faults = Faults::default();
        for kind in [
            FaultKind::Delay { milliseconds: 2 },
            FaultKind::Delay { milliseconds: 3 },
            FaultKind::Hang,
            FaultKind::Reset,
        ] {
            faults.add(Fault::new(kind));
        }
        let expected = Disturbance { delay: Duration::from_millis(5), ending: Some(FaultKind::Hang) };
        assert_eq!(faults.disturb(None), expected);
    }
}
