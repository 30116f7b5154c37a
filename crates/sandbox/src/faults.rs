//! The active faults, and what they do to a request.
//!
//! Nothing is random. A share is spread evenly over the matching requests (a half is every second one), so that a
//! test that runs again sees the same requests fail.

use std::time::Duration;

use crate::answer::Refusal;
use crate::body::Purge;
use crate::fault::{Fault, FaultKind};

/// Shares add up in binary fractions. Ten times 0.1 must still make a whole.
const ROUNDING: f64 = 1e-9;

/// What the faults do to a request before the API sees it.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct Interception {
    pub(crate) delay: Duration,
    /// What then replaces the API's answer.
    pub(crate) replacement: Option<FaultKind>,
}

/// The active faults, in the order in which they were added.
#[derive(Default)]
pub(crate) struct Faults(Vec<ActiveFault>);

struct ActiveFault {
    fault: Fault,
    /// The sum of shares since the fault last happened: below 1.
    accumulated: f64,
    happened: u32,
}

impl Faults {
    pub(crate) fn add(&mut self, fault: Fault) {
        self.0.push(ActiveFault { fault, accumulated: 0.0, happened: 0 });
    }

    pub(crate) fn clear(&mut self) {
        self.0.clear();
    }

    /// Counts a request, of a zone if its path names one. Delays add up. The first fault that replaces the answer hides
    /// those after it.
    pub(crate) fn intercept(&mut self, zone_id: Option<&str>) -> Interception {
        let mut interception = Interception::default();
        for active in self.0.iter_mut().filter(|active| !active.depends_on_body()) {
            if !active.happens(zone_id) {
                continue;
            }
            match &active.fault.kind {
                FaultKind::Delay { milliseconds } => interception.delay += Duration::from_millis(*milliseconds),
                replacement => {
                    interception.replacement = Some(replacement.clone());
                    break;
                }
            }
        }
        interception
    }

    /// The refusal of a valid purge, if a fault asks for one.
    pub(crate) fn refuse(&mut self, zone_id: &str, purge: &Purge) -> Option<Refusal> {
        self.0.iter_mut().find_map(|active| {
            let refusal = refusal(&active.fault.kind, purge)?;
            active.happens(Some(zone_id)).then_some(refusal)
        })
    }

    /// Whether an accepted purge of a zone evicts nothing.
    pub(crate) fn keep_cached(&mut self, zone_id: &str) -> bool {
        let mut active = self.0.iter_mut().filter(|active| active.fault.kind == FaultKind::KeepCached);
        active.any(|active| active.happens(Some(zone_id)))
    }
}

impl ActiveFault {
    /// Whether it is for purges only, and for those whose body is valid.
    fn depends_on_body(&self) -> bool {
        let kind = &self.fault.kind;
        matches!(
            kind,
            FaultKind::RejectUrl { .. }
                | FaultKind::RejectHost { .. }
                | FaultKind::RejectMethod { .. }
                | FaultKind::KeepCached
        )
    }

    /// Counts a matching request, and says whether the fault happens to it.
    fn happens(&mut self, request_zone: Option<&str>) -> bool {
        let Fault { zone_id, share, times, .. } = &self.fault;
        let of_zone = zone_id.is_none() || zone_id.as_deref() == request_zone;
        if !of_zone || times.is_some_and(|times| self.happened >= times) {
            return false;
        }
        self.accumulated += share.clamp(0.0, 1.0);
        if self.accumulated < 1.0 - ROUNDING {
            return false;
        }
        self.accumulated -= 1.0;
        self.happened += 1;
        true
    }
}

/// What a fault of the kinds that depend on the body answers to this purge.
fn refusal(kind: &FaultKind, purge: &Purge) -> Option<Refusal> {
    match kind {
        FaultKind::RejectUrl { url: bad } => purge.urls().any(|url| url == bad).then(|| Refusal::invalid_url(bad)),
        FaultKind::RejectHost { host } => purge.refuse_host(&host.to_ascii_lowercase()),
        FaultKind::RejectMethod { method, code } => {
            (purge.method() == *method).then(|| Refusal::unavailable_method(*code, *method))
        }
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn pattern(fault: Fault, requests: usize) -> String {
        let mut faults = Faults::default();
        faults.add(fault);
        let mut hit = || if faults.intercept(Some("z")).replacement.is_some() { 'x' } else { '.' };
        (0..requests).map(|_| hit()).collect()
    }

    #[test]
    fn a_share_is_spread_evenly_and_times_limits_it() {
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
    fn delays_add_up_and_the_first_replacement_wins() {
        let mut faults = Faults::default();
        for kind in [
            FaultKind::Delay { milliseconds: 2 },
            FaultKind::Delay { milliseconds: 3 },
            FaultKind::Hang,
            FaultKind::Reset,
        ] {
            faults.add(Fault::new(kind));
        }
        let expected = Interception { delay: Duration::from_millis(5), replacement: Some(FaultKind::Hang) };
        assert_eq!(faults.intercept(None), expected);
    }
}
