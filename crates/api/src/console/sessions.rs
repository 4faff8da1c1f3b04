//! Sessions: who has signed in, for how long, and the token that forms bring back.
//!
//! They live in memory. A restart ends them all, which is the worst that happens; in return no backup and no copy of the
//! database holds anything that opens the console. Ids are kept as hashes, so that what reads this memory by mistake, a
//! log line or a dump, does not sign anybody in either.

use crate::keys::{self, KeyError};
use crate::sigv4::hex;
use ring::digest::{SHA256, digest};
use std::collections::HashMap;
use std::sync::{Mutex, MutexGuard, PoisonError};

/// A session that nobody uses ends after this. Source: NIST SP 800-63B, section 4.2.3, and the upper end of what OWASP's
/// session management cheat sheet advises (15 to 30 minutes).
pub(crate) const IDLE_MS_MAX: i64 = 30 * 60 * 1000;

/// A session ends after this, used or not. Source: NIST SP 800-63B, section 4.2.3: at least once in 12 hours, which is a
/// shift of those who watch.
pub(crate) const LIFE_MS_MAX: i64 = 12 * 3600 * 1000;

/// Sessions of one access key at a time; the one that was used longest ago goes. Ours: several people may share a key.
const PER_KEY_MAX: usize = 32;

/// Sessions in all. Ours: about 3 MB.
const SESSIONS_MAX: usize = 10_000;

/// Every session of this server.
#[derive(Default)]
pub(crate) struct Sessions(Mutex<HashMap<IdHash, Kept>>);

/// SHA-256 of an id.
type IdHash = [u8; 32];

struct Kept {
    access_key_id: String,
    csrf: String,
    /// Told on the next page, once.
    notice: Option<String>,
    /// Milliseconds since 1970.
    opened: i64,
    /// Milliseconds since 1970.
    used: i64,
}

/// What a request knows of its session.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Session {
    /// The key that signed in.
    pub(crate) access_key_id: String,
    /// What each form of the session brings back, so that other sites' forms are told from ours.
    pub(crate) csrf: String,
}

impl Sessions {
    /// Opens a session and gives its id, 256 random bits. `now` is in milliseconds since 1970.
    pub(crate) fn open(&self, access_key_id: &str, now: i64) -> Result<String, KeyError> {
        let id = hex(&keys::random::<32>()?);
        let csrf = hex(&keys::random::<32>()?);
        let mut all = self.lock();
        all.retain(|_, kept| kept.is_alive(now));
        let of_key = all.values().filter(|kept| kept.access_key_id == access_key_id).count();
        if of_key >= PER_KEY_MAX {
            forget_oldest(&mut all, |kept| kept.access_key_id == access_key_id);
        } else if all.len() >= SESSIONS_MAX {
            forget_oldest(&mut all, |_| true);
        }
        let access_key_id = access_key_id.to_owned();
        all.insert(hash(&id), Kept { access_key_id, csrf, notice: None, opened: now, used: now });
        Ok(id)
    }

    /// The session of an id, used once more; `None` if there is none, or none any longer.
    pub(crate) fn find(&self, id: &str, now: i64) -> Option<Session> {
        let mut all = self.lock();
        let at = hash(id);
        let kept = all.get_mut(&at)?;
        if !kept.is_alive(now) {
            all.remove(&at);
            return None;
        }
        kept.used = now;
        Some(Session { access_key_id: kept.access_key_id.clone(), csrf: kept.csrf.clone() })
    }

    /// Ends a session.
    pub(crate) fn close(&self, id: &str) {
        self.lock().remove(&hash(id));
    }

    /// Leaves a sentence for the session's next page.
    pub(crate) fn leave_notice(&self, id: &str, notice: String) {
        if let Some(kept) = self.lock().get_mut(&hash(id)) {
            kept.notice = Some(notice);
        }
    }

    /// The sentence that was left.
    pub(crate) fn take_notice(&self, id: &str) -> Option<String> {
        self.lock().get_mut(&hash(id))?.notice.take()
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<IdHash, Kept>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Session {
    /// Whether a form brought this session's token. Hashes are compared, so that how long it takes says nothing.
    pub(crate) fn is_form_of(&self, csrf: &str) -> bool {
        is_same_secret(&self.csrf, csrf)
    }
}

impl Kept {
    fn is_alive(&self, now: i64) -> bool {
        now - self.used < IDLE_MS_MAX && now - self.opened < LIFE_MS_MAX
    }
}

/// Compares two secrets by their hashes: where those differ tells nothing about where the secrets do.
pub(crate) fn is_same_secret(one: &str, other: &str) -> bool {
    hash(one) == hash(other)
}

fn hash(text: &str) -> IdHash {
    digest(&SHA256, text.as_bytes()).as_ref().try_into().unwrap_or_default() // SHA-256 has 32 bytes.
}

fn forget_oldest(all: &mut HashMap<IdHash, Kept>, among: impl Fn(&Kept) -> bool) {
    let oldest = all.iter().filter(|(_, kept)| among(kept)).min_by_key(|(_, kept)| kept.used).map(|(at, _)| *at);
    if let Some(at) = oldest {
        all.remove(&at);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const KEY: &str = "AKIAIOSFODNN7EXAMPLE";

    #[test]
    fn a_session_lives_while_it_is_used_but_no_longer_than_a_shift() {
        let sessions = Sessions::default();
        let id = sessions.open(KEY, 0).unwrap();
        assert_eq!(id.len(), 64);
        let mut now = 0;
        while now + IDLE_MS_MAX - 1 < LIFE_MS_MAX {
            now += IDLE_MS_MAX - 1;
            assert_eq!(sessions.find(&id, now).unwrap().access_key_id, KEY);
        }
        assert!(sessions.find(&id, LIFE_MS_MAX - 1).is_some());
        assert!(sessions.find(&id, LIFE_MS_MAX).is_none(), "used a millisecond ago, and over");

        let id = sessions.open(KEY, 0).unwrap();
        assert!(sessions.find(&id, IDLE_MS_MAX).is_none());
        assert!(sessions.find(&id, 1).is_none(), "what has ended stays ended, whatever the clock says");
    }

    #[test]
    fn a_session_that_was_ended_and_one_that_never_was_are_not_found() {
        let sessions = Sessions::default();
        let id = sessions.open(KEY, 0).unwrap();
        let other = sessions.open(KEY, 0).unwrap();
        sessions.close(&id);
        assert!(sessions.find(&id, 1).is_none());
        assert!(sessions.find(&other, 1).is_some());
        assert!(sessions.find("", 1).is_none());
        let hashed = sessions.lock().keys().next().map(|hash| hex(hash)).unwrap();
        assert!(sessions.find(&hashed, 1).is_none(), "what is kept does not sign in");
    }

    #[test]
    fn a_form_of_another_session_is_none_of_this_one() {
        let sessions = Sessions::default();
        let [one, other] = [0, 0].map(|now| sessions.open(KEY, now).unwrap());
        let [one, other] = [one, other].map(|id| sessions.find(&id, 1).unwrap());
        assert!(one.is_form_of(&one.csrf.clone()) && !one.is_form_of(&other.csrf) && !one.is_form_of(""));
    }

    #[test]
    fn a_notice_is_told_once() {
        let sessions = Sessions::default();
        let id = sessions.open(KEY, 0).unwrap();
        sessions.leave_notice(&id, "Archived.".to_owned());
        assert_eq!(sessions.take_notice(&id).as_deref(), Some("Archived."));
        assert_eq!(sessions.take_notice(&id), None);
    }

    proptest! {
        #[test]
        fn the_number_of_sessions_of_a_key_is_bounded_and_the_newest_stay(count in 1usize..80) {
            let sessions = Sessions::default();
            let other = sessions.open("AKIAOTHER", 0).unwrap();
            let ids: Vec<String> = (0..count).map(|at| sessions.open(KEY, at as i64).unwrap()).collect();
            let alive: Vec<bool> = ids.iter().map(|id| sessions.find(id, 100).is_some()).collect();
            prop_assert_eq!(alive.iter().filter(|alive| **alive).count(), count.min(PER_KEY_MAX));
            prop_assert!(alive.windows(2).all(|pair| pair[0] <= pair[1]));
            prop_assert!(sessions.find(&other, 100).is_some());
        }
    }
}
