//! Where a JSON object or list ends: by counting brackets outside of strings, a block at a time.
//!
//! Written once and compiled for each set of vector instructions in [`crate::simd`], which tells it how to look at a
//! block.

use crate::simd::{BLOCK, Brackets};

/// Why an object or list has no end.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Endless {
    /// The text ends first.
    Cut,
    /// A line break stands inside a string, at this byte.
    LineBreak(usize),
}

/// The byte behind the object or list whose bracket stands at `start`.
///
/// `brackets` finds the bytes that matter in a block; `prefix_xor` makes bit `i` the exclusive or of the bits up to and
/// including `i`.
#[inline(always)]
pub(crate) fn end(
    bytes: &[u8],
    start: usize,
    brackets: impl Fn(&[u8; BLOCK]) -> Brackets,
    prefix_xor: impl Fn(u64) -> u64,
) -> Result<usize, Endless> {
    let mut depth = 1u32;
    let mut in_string_before = 0; // All ones where the last block ended inside a string.
    let mut escaped_before = 0; // One where the last block ended in a backslash that escapes.
    let mut at = start + 1;
    while at < bytes.len() {
        let filled_up;
        let block = match bytes.get(at..).and_then(|rest| rest.first_chunk()) {
            Some(block) => block,
            None => {
                filled_up = last_block(bytes, at);
                &filled_up
            }
        };
        let shape = brackets(block);
        let mut quote = shape.quote;
        if shape.backslash | escaped_before != 0 {
            quote &= !escaped(shape.backslash, &mut escaped_before);
        }
        // From each quote to the next, all ones.
        let in_string = prefix_xor(quote) ^ in_string_before;
        in_string_before = ((in_string as i64) >> 63) as u64;
        let (open, close) = (shape.open & !in_string, shape.close & !in_string);
        // Fewer closing brackets than open ones cannot be all that is missing, and need no look at each.
        let last = if close.count_ones() >= depth { last_bracket(open, close, depth) } else { None };
        let line_break = shape.newline & in_string;
        if line_break != 0 && last.is_none_or(|last| line_break.trailing_zeros() < last) {
            return Err(Endless::LineBreak(at + line_break.trailing_zeros() as usize));
        }
        if let Some(last) = last {
            return Ok(at + last as usize + 1);
        }
        depth = depth + open.count_ones() - close.count_ones();
        at += BLOCK;
    }
    Err(Endless::Cut)
}

/// The closing bracket at which everything is closed that was opened, here or in the `depth` brackets before.
#[inline(always)]
fn last_bracket(open: u64, mut close: u64, depth: u32) -> Option<u32> {
    let mut closed = 0;
    while close != 0 {
        closed += 1;
        let before = (close & close.wrapping_neg()) - 1;
        if depth + (open & before).count_ones() == closed {
            return Some(close.trailing_zeros());
        }
        close &= close - 1;
    }
    None
}

/// The bytes from `at` to the end, filled up with blanks.
#[cold]
fn last_block(bytes: &[u8], at: usize) -> [u8; BLOCK] {
    let mut block = [b' '; BLOCK];
    let rest = bytes.get(at..).unwrap_or_default();
    for (place, byte) in block.iter_mut().zip(rest) {
        *place = *byte;
    }
    block
}

/// The bytes that a backslash before them escapes. `before` is one if the last block ended in such a backslash.
///
/// In a run of backslashes every second one is itself escaped. An addition carries through each run, so that its end
/// tells whether the run was odd.
#[inline(always)]
fn escaped(backslash: u64, before: &mut u64) -> u64 {
    const EVEN: u64 = 0x5555_5555_5555_5555;
    let backslash = backslash & !*before;
    let follows = backslash << 1 | *before;
    let odd_starts = backslash & !EVEN & !follows;
    let (runs_from_even, overflow) = odd_starts.overflowing_add(backslash);
    *before = u64::from(overflow);
    (EVEN ^ (runs_from_even << 1)) & follows
}
