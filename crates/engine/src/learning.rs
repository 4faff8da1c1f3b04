//! What is normal, taking in an hour on another thread while the next hour's records are judged by the rules.
//!
//! Only behaviours ask what is normal, when an hour of calls is complete; until then there is time. Whoever asks waits until
//! everything has been taken in, so that the thread leaves no trace.

use std::ops::Deref;
use std::sync::mpsc::{Receiver, Sender, channel};
use std::sync::{Mutex, OnceLock, PoisonError};
use std::thread::JoinHandle;
use watchfire_knowledge::baseline::{Baselines, Lessons};

/// Baselines that may be taking in lessons.
pub(crate) struct Learning {
    /// Empty while the learner has them.
    known: OnceLock<Baselines>,
    learner: Mutex<Option<Learner>>,
}

/// A thread that takes in one hour after the other. It lives as long as the baselines: the allocator gives back to the system
/// what a thread leaves behind, so that a thread for each hour would ask for all of its memory anew, page by page.
struct Learner {
    teach: Sender<(Baselines, Lessons)>,
    learnt: Receiver<Baselines>,
    /// `None` once it was found to have panicked.
    thread: Option<JoinHandle<()>>,
}

impl Learning {
    /// Takes in lessons: aside, if there is another thread for it.
    pub(crate) fn apply(&mut self, lessons: Lessons, has_other_thread: bool) {
        self.settle();
        let mut baselines = self.known.take().unwrap_or_default();
        if has_other_thread && !lessons.is_empty() {
            let learner = self.learner.get_mut().unwrap_or_else(PoisonError::into_inner);
            learner.get_or_insert_with(Learner::begin).teach(baselines, lessons);
        } else {
            baselines.apply(lessons);
            self.known = OnceLock::from(baselines);
        }
    }

    /// Waits until everything has been taken in.
    pub(crate) fn settle(&self) -> &Baselines {
        self.known.get_or_init(|| {
            let mut learner = self.learner.lock().unwrap_or_else(PoisonError::into_inner);
            learner.as_mut().map(Learner::learnt).unwrap_or_default()
        })
    }

    /// The baselines themselves, as soon as everything has been taken in.
    pub(crate) fn into_inner(mut self) -> Baselines {
        self.settle();
        self.known.take().unwrap_or_default()
    }
}

impl Learner {
    fn begin() -> Self {
        let (teach, lessons) = channel::<(Baselines, Lessons)>();
        let (done, learnt) = channel();
        let thread = std::thread::spawn(move || {
            for (mut baselines, lessons) in lessons {
                baselines.apply(lessons);
                if done.send(baselines).is_err() {
                    break;
                }
            }
        });
        Self { teach, learnt, thread: Some(thread) }
    }

    fn teach(&mut self, baselines: Baselines, lessons: Lessons) {
        if self.teach.send((baselines, lessons)).is_err() {
            self.fail();
        }
    }

    fn learnt(&mut self) -> Baselines {
        self.learnt.recv().unwrap_or_else(|_| {
            self.fail();
            Baselines::default()
        })
    }

    /// The thread ends before its time only if taking in lessons panicked.
    fn fail(&mut self) {
        if let Some(Err(panic)) = self.thread.take().map(JoinHandle::join) {
            std::panic::resume_unwind(panic);
        }
    }
}

impl Default for Learning {
    fn default() -> Self {
        Baselines::default().into()
    }
}

impl From<Baselines> for Learning {
    fn from(baselines: Baselines) -> Self {
        Self { known: OnceLock::from(baselines), learner: Mutex::default() }
    }
}

impl Deref for Learning {
    type Target = Baselines;

    fn deref(&self) -> &Baselines {
        self.settle()
    }
}
