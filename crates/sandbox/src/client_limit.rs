//! Cloudflare's limits of its clients: 200 requests a second from one address, and 1,200 calls in five minutes of one
//! caller.
//!
//! A caller is the user, with all tokens and the global key, or a token of an account. Purges by URL are no calls, but
//! a caller beyond the limit is blocked for everything, for five minutes. Cloudflare does not say how it counts, so no
//! period may hold more than the limit, wherever it begins: the strictest reading.

use std::collections::{HashMap, VecDeque};
use std::net::IpAddr;
use std::time::{Duration, Instant};

use purge_router_core::limits::{CALLS_PER_ADDRESS, CALLS_PER_CALLER, CallLimit};

/// For whom calls are counted. All users of a sandbox are one.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(crate) enum Caller {
    User,
    /// The id of a token of an account.
    AccountToken(String),
}

/// A request exceeds a limit; a retry after this time does not.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Exceeded {
    Address(Duration),
    Caller(Duration),
}

/// What arrived in the last period of each address and caller.
#[derive(Debug, Default)]
pub(crate) struct ClientLimits {
    addresses: HashMap<IpAddr, Window>,
    callers: HashMap<Caller, Calls>,
    /// How far the clock is ahead of the system's.
    ahead: Duration,
}

#[derive(Debug, Default)]
struct Calls {
    window: Window,
    blocked_until: Option<Instant>,
}

/// When the requests of the last period arrived, the oldest first.
#[derive(Debug, Default)]
struct Window(VecDeque<Instant>);

impl ClientLimits {
    /// Moves the clock ahead.
    pub(crate) fn advance_clock(&mut self, time: Duration) {
        self.ahead += time;
    }

    /// Counts a request that arrives now, of a caller if its credentials are known. A refused one does not count.
    pub(crate) fn admit(&mut self, from: IpAddr, caller: Option<Caller>, is_call: bool) -> Result<(), Exceeded> {
        self.admit_at(Instant::now() + self.ahead, from, caller, is_call)
    }

    fn admit_at(&mut self, now: Instant, from: IpAddr, caller: Option<Caller>, is_call: bool) -> Result<(), Exceeded> {
        let address = self.addresses.entry(from).or_default();
        address.full_for(CALLS_PER_ADDRESS, now).map_or(Ok(()), |wait| Err(Exceeded::Address(wait)))?;
        address.0.push_back(now);
        let Some(caller) = caller else { return Ok(()) };
        let calls = self.callers.entry(caller).or_default();
        let is_blocked = calls.blocked_until.is_some_and(|until| until > now);
        if !is_blocked && is_call {
            match calls.window.full_for(CALLS_PER_CALLER, now) {
                None => calls.window.0.push_back(now),
                Some(_) => calls.blocked_until = Some(now + CALLS_PER_CALLER.period),
            }
        }
        match calls.blocked_until.filter(|until| *until > now) {
            None => Ok(()),
            Some(until) => Err(Exceeded::Caller(until - now)),
        }
    }
}

impl Window {
    /// How long it is full, if it is.
    fn full_for(&mut self, limit: CallLimit, now: Instant) -> Option<Duration> {
        while self.0.front().is_some_and(|at| now - *at >= limit.period) {
            self.0.pop_front();
        }
        let oldest = self.0.front().filter(|_| self.0.len() >= limit.calls as usize)?;
        Some(limit.period - (now - *oldest))
    }
}

#[cfg(test)]
mod tests {
    use std::net::Ipv4Addr;

    use super::*;

    const HOME: IpAddr = IpAddr::V4(Ipv4Addr::LOCALHOST);
    const ELSEWHERE: IpAddr = IpAddr::V4(Ipv4Addr::new(10, 0, 0, 1));

    fn millis(millis: u64) -> Duration {
        Duration::from_millis(millis)
    }

    #[test]
    fn an_address_has_200_requests_in_any_second() {
        let (mut limits, start) = (ClientLimits::default(), Instant::now());
        let mut admit = |from, after| limits.admit_at(start + millis(after), from, None, true);
        assert!((0..200).all(|request| admit(HOME, 500 + request).is_ok()));
        assert_eq!(admit(HOME, 1499), Err(Exceeded::Address(millis(1))));
        assert_eq!(admit(ELSEWHERE, 1499), Ok(()), "another address");
        assert_eq!(admit(HOME, 1500), Ok(()), "a refused request does not count");
        assert_eq!(admit(HOME, 1500), Err(Exceeded::Address(millis(1))));
    }

    #[test]
    fn a_caller_beyond_1200_calls_is_blocked_for_five_minutes_for_everything() {
        let (mut limits, start) = (ClientLimits::default(), Instant::now());
        let mut admit = |caller, after, is_call| limits.admit_at(start + millis(after), HOME, Some(caller), is_call);
        let other = || Caller::AccountToken("1".repeat(32));
        assert!((0..1200).all(|call| admit(Caller::User, call * 10, true).is_ok()));
        assert_eq!(admit(Caller::User, 299_999, false), Ok(()), "a purge by URL is no call");
        assert_eq!(admit(Caller::User, 299_999, true), Err(Exceeded::Caller(millis(300_000))));
        assert_eq!(admit(other(), 299_999, true), Ok(()), "a token of an account counts for itself");
        assert_eq!(admit(Caller::User, 599_998, false), Err(Exceeded::Caller(millis(1))), "also by URL");
        assert_eq!(admit(Caller::User, 599_999, true), Ok(()));
    }

    #[test]
    fn calls_are_forgotten_after_five_minutes() {
        let (mut limits, start) = (ClientLimits::default(), Instant::now());
        let mut admit = |after| limits.admit_at(start + millis(after), HOME, Some(Caller::User), true);
        assert!((0..1200).all(|call| admit(call * 250).is_ok()), "1,200 in 300 s");
        assert!((1200..3600).all(|call| admit(call * 250).is_ok()), "and so on");
    }
}
