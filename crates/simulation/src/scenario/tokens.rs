//! A zone's tokens over time: which one SSM holds, and which ones Cloudflare accepts.

use crate::clock::SimTime;

/// How often the zone's token was replaced before this one was created.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) struct TokenGeneration(pub(crate) usize);

/// The tokens of one zone over time.
#[derive(Debug, Clone, Default)]
pub(crate) struct TokenLife {
    rotations: Vec<Rotation>,
}

/// The replacement of a token by a new one, which exists from the start.
#[derive(Debug, Clone, Copy)]
struct Rotation {
    /// When SSM gets the new one.
    stored: SimTime,
    /// When Cloudflare forgets the old one.
    revoked: SimTime,
}

impl TokenLife {
    /// Replaces the last token.
    pub(crate) fn rotate(&mut self, stored: SimTime, revoked: SimTime) {
        self.rotations.push(Rotation { stored, revoked });
    }

    /// The token that SSM holds.
    pub(crate) fn stored_at(&self, time: SimTime) -> TokenGeneration {
        TokenGeneration(self.rotations.iter().filter(|rotation| rotation.stored <= time).count())
    }

    /// Whether Cloudflare accepts a token.
    pub(crate) fn accepts(&self, token: TokenGeneration, time: SimTime) -> bool {
        token.0 <= self.rotations.len() && self.rotations.get(token.0).is_none_or(|rotation| time < rotation.revoked)
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    #[test]
    fn both_tokens_are_accepted_while_one_replaces_the_other() {
        let at = |seconds| SimTime::after(Duration::from_secs(seconds));
        let mut tokens = TokenLife::default();
        tokens.rotate(at(10), at(20));
        let (old, new) = (TokenGeneration(0), TokenGeneration(1));
        assert_eq!((tokens.stored_at(at(9)), tokens.stored_at(at(10))), (old, new));
        assert!(tokens.accepts(old, at(19)) && tokens.accepts(new, at(19)));
        assert!(!tokens.accepts(old, at(20)) && tokens.accepts(new, at(20)));
    }
}
