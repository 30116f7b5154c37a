//! The limits of clients as Cloudflare enforces them: requests of one address, and calls of one user. All instances
//! have one address, that of a NAT gateway, and each team's tokens are of one user.

use std::collections::{HashMap, VecDeque};
use std::time::Duration;

use purge_router_core::limits::LimitClass;

use crate::clock::SimTime;
use crate::scenario::TeamId;

const OF_ADDRESS: (usize, Duration) = (200, Duration::from_secs(1));
const OF_USER: (usize, Duration) = (1200, Duration::from_secs(300));

/// A request exceeds a limit of its client; a retry after this time does not.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Exceeded {
    Address(Duration),
    /// All calls of the user are blocked.
    User(Duration),
}

/// The requests that count.
#[derive(Debug, Default)]
pub(crate) struct CallLimits {
    address: Window,
    users: HashMap<TeamId, User>,
}

#[derive(Debug, Default)]
struct User {
    window: Window,
    blocked_until: SimTime,
}

/// When the requests of the last period arrived.
#[derive(Debug, Default)]
struct Window(VecDeque<SimTime>);

impl CallLimits {
    /// Counts a request. Beyond the limit of a user, all its calls are blocked.
    pub(crate) fn take(&mut self, team: TeamId, class: LimitClass, now: SimTime) -> Result<(), Exceeded> {
        self.address.take(OF_ADDRESS, now).map_err(Exceeded::Address)?;
        let user = self.users.entry(team).or_default();
        if class == LimitClass::Requests && now >= user.blocked_until && user.window.take(OF_USER, now).is_err() {
            user.blocked_until = now + OF_USER.1;
        }
        if now < user.blocked_until { Err(Exceeded::User(user.blocked_until - now)) } else { Ok(()) }
    }
}

impl Window {
    fn take(&mut self, (calls, period): (usize, Duration), now: SimTime) -> Result<(), Duration> {
        while self.0.front().is_some_and(|at| now - *at >= period) {
            self.0.pop_front();
        }
        match self.0.front() {
            Some(oldest) if self.0.len() >= calls => Err(period - (now - *oldest)),
            _ => {
                self.0.push_back(now);
                Ok(())
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(millis: u64) -> SimTime {
        SimTime::after(Duration::from_millis(millis))
    }

    #[test]
    fn an_address_has_200_requests_in_any_second() {
        let mut limits = CallLimits::default();
        assert!((0..200).all(|team| limits.take(team, LimitClass::Urls, at(500)).is_ok()));
        assert_eq!(limits.take(0, LimitClass::Urls, at(1499)), Err(Exceeded::Address(Duration::from_millis(1))));
        assert_eq!(limits.take(0, LimitClass::Urls, at(1500)), Ok(()));
    }

    #[test]
    fn a_user_beyond_the_limit_is_blocked_for_five_minutes_for_everything() {
        let mut limits = CallLimits::default();
        let mut take = |class, millis| limits.take(1, class, at(millis));
        assert!((0..1200).all(|call| take(LimitClass::Requests, call * 10).is_ok()));
        assert!(take(LimitClass::Urls, 20_000).is_ok());
        assert_eq!(take(LimitClass::Requests, 20_010), Err(Exceeded::User(Duration::from_secs(300))));
        assert!(take(LimitClass::Urls, 320_009).is_err());
        assert!(take(LimitClass::Requests, 320_010).is_ok());
    }
}
