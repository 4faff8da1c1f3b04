//! What is used in order and can be made before its turn comes: on another thread, in the meantime.

use std::sync::mpsc::{channel, sync_channel};

/// How many are made ahead at most: an hour of slices. Calls and queries come in the last slice of an hour, and with them
/// most of the work.
const AHEAD_MAX: usize = 6;

/// Shows what is made of each item, in order. If there is another thread, one is made while another is used; behind a large
/// one nothing is made until its turn has come, so that memory is bounded by two of them.
pub(crate) fn for_each<I: Iterator + Send, T: Send, E>(
    items: I,
    make: impl FnMut(I::Item) -> T + Send,
    is_large: impl Fn(&T) -> bool + Sync,
    has_other_thread: bool,
    mut visit: impl FnMut(T) -> Result<(), E>,
) -> Result<(), E> {
    if !has_other_thread {
        return items.map(make).try_for_each(visit);
    }
    let is_large = &is_large;
    std::thread::scope(|scope| {
        let (ready, made) = sync_channel(AHEAD_MAX);
        let (take, taken) = channel();
        let maker = scope.spawn(move || {
            for one in items.map(make) {
                let waits = is_large(&one);
                // Nobody is there any more after an error.
                if ready.send(one).is_err() || (waits && taken.recv().is_err()) {
                    break;
                }
            }
        });
        let visited = made.iter().try_for_each(|one| {
            if is_large(&one) {
                let _ = take.send(()); // The maker has ended if this was the last.
            }
            visit(one)
        });
        drop((made, take));
        maker.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic));
        visited
    })
}

#[cfg(test)]
mod tests {
    use super::for_each;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn everything_comes_in_order_until_something_fails(
            sizes in proptest::collection::vec(0usize..3, 0..40), fails_at in 0usize..60, has_other_thread: bool,
        ) {
            let mut seen = Vec::new();
            let outcome = for_each(
                sizes.iter().enumerate(),
                |(at, size)| (at, *size),
                |(_, size)| *size == 2,
                has_other_thread,
                |one| {
                    seen.push(one);
                    if one.0 == fails_at { Err(one.0) } else { Ok(()) }
                },
            );
            let expected: Vec<_> = sizes.iter().copied().enumerate().take(fails_at + 1).collect();
            prop_assert_eq!(&seen, &expected);
            prop_assert_eq!(outcome.is_err(), fails_at < sizes.len());
        }
    }
}
