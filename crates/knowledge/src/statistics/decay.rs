//! Counts that halve in thirty days.
//!
//! A count of the past is worth 2^(−d/30) after d whole days. Source: our choice; a month is the period of GuardDuty's
//! frequency words.
//!
//! Two forms: [`decayed`] multiplies a count, for explanations and for what is kept as a count. [`Mass`] lets the
//! *new* grow instead of the old shrink: an increment of a later day weighs more, and a count is mass divided by the
//! weight of today. So masses add up exactly whatever their order, sums need no walk over their parts, and merging two
//! periods gives what counting through both would have given.

/// One count: counts are kept in 1/1024.
pub const COUNT_ONE: u32 = 1024;
/// Days in which a count halves.
pub const HALF_LIFE_DAYS: u32 = 30;
/// Days after which weights begin anew at half.
pub const EPOCH_DAYS: u32 = HALF_LIFE_DAYS;
/// Binary places of a mass below 1/1024 count: how many epochs an increment is kept to the last digit (300 days).
const MASS_PLACES: u32 = 10;

/// 2^(d/30) for d in 0..30, in 1/1024.
static GROWTH: [u32; EPOCH_DAYS as usize] = growth();

/// What is left of a count (in 1/1024) after so many whole days, rounded down.
pub fn decayed(count_1024: u32, days: u32) -> u32 {
    let halvings = days.div_ceil(EPOCH_DAYS);
    let back = halvings * EPOCH_DAYS - days;
    let scaled = u64::from(count_1024) * u64::from(GROWTH[back as usize]) / u64::from(COUNT_ONE);
    scaled.checked_shr(halvings).unwrap_or(0) as u32
}

/// The weight of increments, as of one epoch of thirty days.
///
/// A mass is a plain number that belongs to an epoch; who keeps it says which. 32 bits hold an increment in every hour
/// for ever.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Mass;

impl Mass {
    /// The epoch of a day.
    pub const fn epoch(day: u32) -> u32 {
        day / EPOCH_DAYS
    }

    /// What one count on this day weighs in the day's own epoch.
    pub fn of_one(day: u32) -> u32 {
        GROWTH[(day % EPOCH_DAYS) as usize] << MASS_PLACES
    }

    /// A mass of one epoch, in a later one. Each epoch halves it, rounded down.
    pub fn moved(mass: u64, epochs: u32) -> u64 {
        mass.checked_shr(epochs).unwrap_or(0)
    }

    /// The count in 1/1024, on a day, of a mass of this epoch. A day before the epoch counts as its first.
    pub fn count_1024(mass: u64, epoch: u32, day: u32) -> u64 {
        let day = day.max(epoch * EPOCH_DAYS);
        let weight = u64::from(GROWTH[(day % EPOCH_DAYS) as usize]);
        Self::moved(((mass >> MASS_PLACES) * u64::from(COUNT_ONE)) / weight, Self::epoch(day) - epoch)
    }
}

const fn growth() -> [u32; EPOCH_DAYS as usize] {
    let mut table = [0; EPOCH_DAYS as usize];
    let mut day = 0;
    while day < EPOCH_DAYS {
        table[day as usize] = thirtieth_root_of_two_to(day);
        day += 1;
    }
    table
}

/// The largest r with r^30 ≤ 2^day, in 1/1024 and rounded, found digit by digit.
const fn thirtieth_root_of_two_to(day: u32) -> u32 {
    // One binary place more than we keep, so that the last can be rounded.
    const ONE: u128 = 2 * COUNT_ONE as u128;
    let mut root = ONE;
    let mut digit = ONE / 2;
    while digit > 0 {
        let trial = root + digit;
        // trial^30 against 2^day, with 60 places kept after each multiplication.
        let mut power = 1u128 << 60;
        let mut factor = 0;
        while factor < EPOCH_DAYS {
            power = power * trial / ONE;
            factor += 1;
        }
        if power <= 1u128 << (60 + day) {
            root = trial;
        }
        digit /= 2;
    }
    (root as u32).div_ceil(2)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn a_count_halves_in_thirty_days() {
        assert_eq!(decayed(COUNT_ONE, 0), 1024);
        assert_eq!(decayed(COUNT_ONE, 30), 512);
        assert_eq!(decayed(COUNT_ONE, 300), 1);
        assert_eq!(decayed(COUNT_ONE, u32::MAX / 2), 0);
    }

    #[test]
    fn thirty_two_bits_hold_an_increment_each_hour_for_ever() {
        let (mut mass, mut epoch) = (0u64, 0);
        for day in 0..3_650 {
            mass = Mass::moved(mass, Mass::epoch(day) - epoch);
            epoch = Mass::epoch(day);
            mass += 24 * u64::from(Mass::of_one(day));
            assert!(mass <= u64::from(u32::MAX));
        }
    }

    proptest! {
        #[test]
        fn decay_is_the_formula(count in 0u32..2_000_000, days in 0u32..400) {
            let exact = f64::from(count) * 2f64.powf(-f64::from(days) / 30.0);
            prop_assert!((f64::from(decayed(count, days)) - exact).abs() <= 1.0 + exact / 1000.0);
        }

        #[test]
        fn a_mass_is_the_decayed_count(day in 0u32..30_000, later in 0u32..300) {
            let count = Mass::count_1024(Mass::of_one(day).into(), Mass::epoch(day), day + later);
            let exact = 1024.0 * 2f64.powf(-f64::from(later) / 30.0);
            prop_assert!((count as f64 - exact).abs() <= 1.0 + exact / 1000.0, "{count} {exact}");
        }

        /// The reason for masses: what was counted apart adds up to the last digit.
        #[test]
        fn two_periods_add_up_to_what_one_would_have_counted(days in proptest::collection::vec(0u32..290, 1..60), cut in 0u32..290) {
            let mut days = days;
            days.sort_unstable();
            let count = |days: &[u32]| days.iter().fold((0u64, 0u32), |(mass, epoch), &day| {
                let now = Mass::epoch(day);
                (Mass::moved(mass, now - epoch) + u64::from(Mass::of_one(day)), now)
            });
            let at = days.partition_point(|&day| day < cut);
            let ((early, early_epoch), (late, late_epoch), (whole, epoch)) = (count(&days[..at]), count(&days[at..]), count(&days));
            prop_assert_eq!(Mass::moved(early, epoch - early_epoch) + Mass::moved(late, epoch - late_epoch), whole);
        }
    }
}
