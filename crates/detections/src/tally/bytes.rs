//! Tallies as bytes, for as long as they wait for their slice.
//!
//! Numbers are small nearly always, so that a conversation takes 20 bytes instead of 50: what is written here is written to
//! memory, often to a file, and read back, and each byte of it costs about a nanosecond.

use super::RecordPlace;

/// A tally that can wait as bytes.
pub trait Kept: Sized {
    /// Appends its bytes. Of a settled tally.
    fn encode(&self, into: &mut Vec<u8>);
    /// Reads what [`Self::encode`] wrote. `None` where the bytes are not that.
    fn decode(bytes: &[u8]) -> Option<Self>;
}

/// Numbers on their way into bytes. A piece of the stack, so that the vector is asked for room once.
pub(super) struct Writer<const N: usize> {
    piece: [u8; N],
    length: usize,
}

impl<const N: usize> Writer<N> {
    pub(super) fn new() -> Self {
        Self { piece: [0; N], length: 0 }
    }

    /// A byte as it is. What does not fit is left out: `N` is chosen so that all does.
    #[inline]
    pub(super) fn byte(&mut self, byte: u8) {
        if let Some(place) = self.piece.get_mut(self.length) {
            *place = byte;
            self.length += 1;
        }
    }

    /// A number, seven bits to a byte, the lowest first: at most ten bytes.
    #[inline]
    pub(super) fn number(&mut self, number: impl Into<u64>) {
        let mut rest: u64 = number.into();
        while rest > 0x7f {
            self.byte(rest as u8 | 0x80);
            rest >>= 7;
        }
        self.byte(rest as u8);
    }

    pub(super) fn place(&mut self, place: RecordPlace) {
        // Half of its bits are set: seven to a byte would be one byte more.
        place.tie.to_le_bytes().into_iter().for_each(|byte| self.byte(byte));
        self.number(place.file);
        self.number(place.position);
    }

    pub(super) fn finish(self, into: &mut Vec<u8>) {
        into.extend_from_slice(&self.piece[..self.length]);
    }
}

/// Some bytes as they are, and numbers in as many bytes as each needs, of 0, 1, 2 and 4: how many stands before them, two bits
/// for each. Without a branch for each byte, as [`Writer::number`] has it, which takes three times as long: for what there is
/// very much of. `N` is a multiple of four, at most 12, and there are at most eight bytes before them.
#[inline]
pub(super) fn put_group<const B: usize, const N: usize>(head: [u8; B], numbers: [u32; N], into: &mut Vec<u8>) {
    let mut piece = [0; GROUP_BYTES_MAX];
    piece[..B].copy_from_slice(&head);
    let mut at = B + N / 4;
    for (place, number) in numbers.into_iter().enumerate() {
        let code = CODES[(u32::BITS - number.leading_zeros()) as usize];
        piece[B + place / 4] |= code << (place % 4 * 2);
        // All four are written, and the next number begins after those that count.
        if let Some(bytes) = piece.get_mut(at..at + 4) {
            bytes.copy_from_slice(&number.to_le_bytes());
        }
        at += LENGTHS[usize::from(code)];
    }
    // Of a length that the compiler knows, and then less: a copy of any length is a call.
    let length = into.len() + at;
    into.extend_from_slice(&piece);
    into.truncate(length);
}

/// The length code of a number that has so many bits.
const CODES: [u8; 33] = {
    let mut codes = [3; 33];
    let mut bits = 0;
    while bits <= 16 {
        codes[bits] = if bits == 0 { 0 } else { 1 + (bits > 8) as u8 };
        bits += 1;
    }
    codes
};
/// Bytes of each length code, and the bits that count of four bytes.
const LENGTHS: [usize; 4] = [0, 1, 2, 4];
const MASKS: [u32; 4] = [0, 0xff, 0xffff, u32::MAX];
/// Of eight bytes and twelve numbers, and what may be written or read beyond them.
const GROUP_BYTES_MAX: usize = 64;

/// Bytes that are read from their beginning on.
pub(super) struct Reader<'b>(pub(super) &'b [u8]);

impl<'b> Reader<'b> {
    #[inline]
    pub(super) fn byte(&mut self) -> Option<u8> {
        let (&byte, rest) = self.0.split_first()?;
        self.0 = rest;
        Some(byte)
    }

    pub(super) fn bytes(&mut self, count: usize) -> Option<&'b [u8]> {
        let (bytes, rest) = self.0.split_at_checked(count)?;
        self.0 = rest;
        Some(bytes)
    }

    pub(super) fn chunk<const N: usize>(&mut self) -> Option<[u8; N]> {
        let (bytes, rest) = self.0.split_first_chunk::<N>()?;
        self.0 = rest;
        Some(*bytes)
    }

    /// The numbers that [`put_group`] wrote.
    #[inline]
    pub(super) fn group<const N: usize>(&mut self) -> Option<[u32; N]> {
        if let Some(piece) = self.0.first_chunk() {
            return self.group_of(piece);
        }
        let mut piece = [0; GROUP_BYTES_MAX];
        piece[..self.0.len()].copy_from_slice(self.0);
        self.group_of(&piece)
    }

    #[inline]
    fn group_of<const N: usize>(&mut self, piece: &[u8; GROUP_BYTES_MAX]) -> Option<[u32; N]> {
        let mut at = N / 4;
        let mut numbers = [0; N];
        for (place, number) in numbers.iter_mut().enumerate() {
            let code = usize::from(piece[place / 4] >> (place % 4 * 2) & 3);
            let bytes = piece.get(at..at + 4)?.first_chunk()?;
            *number = u32::from_le_bytes(*bytes) & MASKS[code];
            at += LENGTHS[code];
        }
        self.0 = self.0.get(at..)?;
        Some(numbers)
    }

    #[inline]
    pub(super) fn number(&mut self) -> Option<u64> {
        let first = self.byte()?;
        if first < 0x80 { Some(first.into()) } else { self.long_number(first) }
    }

    fn long_number(&mut self, first: u8) -> Option<u64> {
        let mut number = u64::from(first & 0x7f);
        for shift in (7..64).step_by(7) {
            let byte = self.byte()?;
            number |= u64::from(byte & 0x7f) << shift;
            if byte < 0x80 {
                return Some(number);
            }
        }
        None
    }

    #[inline]
    pub(super) fn small(&mut self) -> Option<u32> {
        u32::try_from(self.number()?).ok()
    }

    pub(super) fn place(&mut self) -> Option<RecordPlace> {
        Some(RecordPlace { tie: u32::from_le_bytes(self.chunk()?), file: self.small()?, position: self.number()? })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn numbers_come_back(numbers in proptest::collection::vec(any::<u64>(), 0..8), shift in 0u32..64) {
            let mut writer = Writer::<100>::new();
            numbers.iter().for_each(|number| writer.number(number >> shift));
            let mut bytes = Vec::new();
            writer.finish(&mut bytes);
            let mut reader = Reader(&bytes);
            for number in &numbers {
                prop_assert_eq!(reader.number(), Some(number >> shift));
            }
            prop_assert_eq!(reader.number(), None);
        }

        #[test]
        fn groups_come_back(numbers in proptest::collection::vec((any::<u32>(), 0u32..33), 12), after in 0u8..9) {
            let numbers: Vec<u32> = numbers.iter().map(|(number, shift)| number.checked_shr(*shift).unwrap_or(0)).collect();
            let (mut bytes, group) = (Vec::new(), <[u32; 12]>::try_from(numbers).unwrap());
            put_group([7, 9], group, &mut bytes);
            bytes.extend(0..after);
            let mut reader = Reader(&bytes);
            prop_assert_eq!(reader.chunk(), Some([7, 9]));
            prop_assert_eq!(reader.group(), Some(group));
            prop_assert_eq!(reader.0.len(), usize::from(after));
            let short = bytes.len() - usize::from(after);
            prop_assert_eq!(Reader(&bytes[2..short - 1]).group::<12>(), None);
        }

        #[test]
        fn what_are_no_numbers_is_refused(bytes in proptest::collection::vec(any::<u8>(), 0..30)) {
            let mut reader = Reader(&bytes);
            while reader.number().is_some() {}
        }
    }
}
