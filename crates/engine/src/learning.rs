//! What is normal, taking in an hour on another thread while the next hour's records are judged by the rules.
//!
//! Only behaviours ask what is normal, when an hour of calls is complete; until then there is time. Whoever asks waits until
//! everything has been taken in, so that the thread leaves no trace.

use std::ops::Deref;
use std::sync::{Mutex, OnceLock, PoisonError};
use std::thread::JoinHandle;
use watchfire_knowledge::baseline::{Baselines, Lessons};

/// Baselines that may be taking in lessons.
#[derive(Default)]
pub(crate) struct Learning {
    known: OnceLock<Baselines>,
    /// The thread that has the baselines, as long as nobody asked for them.
    busy: Mutex<Option<JoinHandle<Baselines>>>,
}

impl Learning {
    /// Takes in lessons: aside, if there is another thread for it.
    pub(crate) fn apply(&mut self, lessons: Lessons, has_other_thread: bool) {
        let mut baselines = std::mem::take(self).into_inner();
        if has_other_thread && !lessons.is_empty() {
            let busy = std::thread::spawn(move || {
                baselines.apply(lessons);
                baselines
            });
            *self = Self { known: OnceLock::new(), busy: Mutex::new(Some(busy)) };
        } else {
            baselines.apply(lessons);
            *self = baselines.into();
        }
    }

    /// Waits until everything has been taken in.
    pub(crate) fn settle(&self) -> &Baselines {
        self.known.get_or_init(|| joined(self.busy.lock().unwrap_or_else(PoisonError::into_inner).take()))
    }

    /// The baselines themselves, as soon as everything has been taken in.
    pub(crate) fn into_inner(self) -> Baselines {
        let Self { known, busy } = self;
        known.into_inner().unwrap_or_else(|| joined(busy.into_inner().unwrap_or_else(PoisonError::into_inner)))
    }
}

fn joined(busy: Option<JoinHandle<Baselines>>) -> Baselines {
    let joined = busy.map(|thread| thread.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic)));
    joined.unwrap_or_default()
}

impl From<Baselines> for Learning {
    fn from(baselines: Baselines) -> Self {
        Self { known: OnceLock::from(baselines), busy: Mutex::default() }
    }
}

impl Deref for Learning {
    type Target = Baselines;

    fn deref(&self) -> &Baselines {
        self.settle()
    }
}
