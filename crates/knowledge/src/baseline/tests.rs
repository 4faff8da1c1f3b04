//! Worked examples and properties of baselines.

use super::*;
use proptest::prelude::*;

/// 2024-05-01, a Wednesday.
const DAY: i64 = 19_844;

fn at(day: i64, hour: i64) -> Time {
    Time::from_ms((day * 24 + hour) * Time::HOUR_MS)
}

fn hour(day: i64, hour: i64) -> i64 {
    at(day, hour).hour()
}

fn alice() -> Entity {
    Entity::new(EntityKind::Principal, "arn:aws:iam::111122223333:user/alice")
}

fn account() -> Entity {
    Entity::new(EntityKind::Account, "111122223333")
}

/// One value on each of these days, at noon.
fn learnt(entity: &Entity, feature: Feature, values: &[(&str, i64)]) -> Baselines {
    let mut lessons = Lessons::default();
    for (value, day) in values {
        lessons.seen(entity, feature, value, hour(DAY + day, 12));
    }
    let mut baselines = Baselines::default();
    baselines.apply(lessons);
    baselines
}

fn bytes(baselines: &Baselines) -> String {
    serde_json::to_string(baselines).unwrap()
}

#[test]
fn a_busy_loop_counts_once_an_hour() {
    let mut lessons = Lessons::default();
    (0..1_000).for_each(|_| lessons.seen(&alice(), Feature::Api, "s3:GetObject:ok", hour(DAY, 9)));
    lessons.seen(&alice(), Feature::Api, "s3:GetObject:ok", hour(DAY, 10));
    let mut baselines = Baselines::default();
    baselines.apply(lessons);
    let seen = baselines.profile(&alice()).unwrap().presence(Feature::Api, "s3:GetObject:ok", at(DAY, 11)).unwrap();
    assert_eq!(seen, Presence { count_1024: 2 * 1024, last_hour: hour(DAY, 10), days_seen: 1, first_day: DAY });
}

#[test]
fn what_was_seen_once_is_half_after_a_month_and_forgotten_after_130_days() {
    let baselines = learnt(&alice(), Feature::Country, &[("NO", 0)]);
    let count = |day| {
        let profile = baselines.profile(&alice()).unwrap();
        profile.presence(Feature::Country, "NO", at(DAY + day, 0)).map(|seen| seen.count_1024)
    };
    assert!(count(30).is_some_and(|count| (510..=512).contains(&count)), "{:?}", count(30));
    assert!(count(129).is_some());
    assert_eq!(count(131), None);
}

#[test]
fn frequency_words_are_those_of_guardduty() {
    let baselines = learnt(
        &alice(),
        Feature::Country,
        &[("NO", 0), ("SE", 38), ("SE", 39), ("DK", 20), ("DK", 25), ("DK", 30), ("DK", 35), ("FI", 39)],
    );
    let word = |value| baselines.frequency(&alice(), Feature::Country, value, at(DAY + 40, 0)).name();
    assert_eq!(["IS", "NO", "SE", "FI", "DK"].map(word), ["UNSEEN", "RARE", "INFREQUENT", "INFREQUENT", "FREQUENT"]);
    assert_eq!(baselines.frequency(&account(), Feature::Country, "NO", at(DAY + 40, 0)), Frequency::Unseen);
}

#[test]
fn a_day_takes_twenty_new_values_and_counts_the_others() {
    let mut lessons = Lessons::default();
    for value in 0..50 {
        lessons.seen(&alice(), Feature::Bucket, &format!("bucket-{value}"), hour(DAY, value % 24));
        lessons.seen(&account(), Feature::Bucket, &format!("bucket-{value}"), hour(DAY, value % 24));
    }
    lessons.seen(&alice(), Feature::Bucket, "tomorrow", hour(DAY + 1, 0));
    let mut baselines = Baselines::default();
    baselines.apply(lessons);
    let alice = baselines.profile(&alice()).unwrap();
    assert_eq!((alice.distinct(Feature::Bucket), alice.dropped(Feature::Bucket)), (21, 30));
    let account = baselines.profile(&account()).unwrap();
    assert_eq!((account.distinct(Feature::Bucket), account.dropped(Feature::Bucket)), (50, 0));
}

#[test]
fn the_longest_unseen_value_gives_way() {
    let mut baselines = Baselines::default();
    for day in 0..5 {
        for value in 0..10 {
            let mut lessons = Lessons::default();
            lessons.seen(&alice(), Feature::UserType, &format!("type-{day}-{value}"), hour(DAY + day, value));
            baselines.apply(lessons);
        }
    }
    let profile = baselines.profile(&alice()).unwrap();
    let values: Vec<&str> =
        profile.values(Feature::UserType, at(DAY + 5, 0)).into_iter().map(|(value, _)| value).collect();
    assert_eq!(values.len(), 12);
    assert!(values.contains(&"type-3-8") && !values.contains(&"type-3-7"), "{values:?}");
    assert_eq!(profile.dropped(Feature::UserType), 38);
}

#[test]
fn from_what_fired_nothing_is_learnt_for_a_day_not_even_by_the_account() {
    let mut lessons = Lessons::default();
    let bob = Entity::new(EntityKind::Principal, "arn:aws:iam::111122223333:user/bob");
    for (who, value, on) in
        [(&alice(), "new", 10), (&alice(), "next morning", 33), (&alice(), "later", 34), (&bob, "his", 10)]
    {
        lessons.member(who, &account(), hour(DAY, on));
        lessons.seen(who, Feature::Api, value, hour(DAY, on));
        lessons.volume(who, Metric::ApiCallsPerHour, hour(DAY, on), 5);
    }
    lessons.fired(&alice(), hour(DAY, 10));
    let mut baselines = Baselines::default();
    baselines.apply(lessons);
    let word = |who: &Entity, value| baselines.frequency(who, Feature::Api, value, at(DAY + 2, 0));
    assert_eq!(
        ["new", "next morning", "later"].map(|value| word(&alice(), value)),
        [Frequency::Unseen, Frequency::Unseen, Frequency::Infrequent]
    );
    assert_eq!(
        ["new", "later", "his"].map(|value| word(&account(), value)),
        [Frequency::Unseen, Frequency::Infrequent, Frequency::Infrequent]
    );
    let calls = baselines.profile(&account()).unwrap().volume(Metric::ApiCallsPerHour, at(DAY + 2, 0), 1).unwrap();
    assert_eq!((calls.sum, calls.periods), (10, 2));
    assert_eq!(baselines.counts().withheld_hours, 2);
    assert_eq!(baselines.profile(&alice()).unwrap().held_until(at(DAY, 12)), Some(hour(DAY, 34)));
}

#[test]
fn a_later_hour_cannot_be_followed_by_an_earlier_one() {
    let mut baselines = learnt(&alice(), Feature::Api, &[("today", 1)]);
    let before = bytes(&baselines);
    let mut late = Lessons::default();
    late.seen(&alice(), Feature::Api, "yesterday", hour(DAY, 12));
    baselines.apply(late);
    assert_eq!(baselines.counts().late, 1);
    assert_eq!(bytes(&baselines).replace("\"late\":1", "\"late\":0"), before);
}

#[test]
fn impossible_hours_teach_nothing() {
    let mut lessons = Lessons::default();
    for hour in [-1, 1 << 24, i64::MIN, i64::MAX] {
        lessons.seen(&alice(), Feature::Api, "x", hour);
    }
    assert_eq!((lessons.len(), lessons.out_of_range()), (0, 4));
    let mut baselines = Baselines::default();
    baselines.apply(lessons);
    assert_eq!((baselines.len(), baselines.counts().out_of_range), (0, 4));
}

#[test]
fn too_many_entities_forget_the_longest_inactive() {
    let named = |number: i64| Entity::new(EntityKind::Organization, format!("o-{number:02}"));
    let mut baselines = Baselines::default();
    for number in 0..17 {
        let mut lessons = Lessons::default();
        lessons.active(&named(number), hour(DAY, number / 2));
        baselines.apply(lessons);
    }
    // Sixteen fit; then there is room for two more.
    assert_eq!((baselines.len(), baselines.counts().evicted), (14, 3));
    assert!(baselines.profile(&named(2)).is_none() && baselines.profile(&named(3)).is_some());
}

/// Alice has called three APIs on 61 days, always from one network; her account knows some others.
fn history() -> Baselines {
    let mut lessons = Lessons::default();
    for day in 0..61 {
        for value in ["s3:GetObject:ok", "s3:PutObject:ok", "sts:GetCallerIdentity:ok"] {
            lessons.seen(&alice(), Feature::Api, value, hour(DAY + day, 9));
        }
        lessons.member(&alice(), &account(), hour(DAY + day, 9));
        lessons.volume(&alice(), Metric::ApiCallsPerHour, hour(DAY + day, 9), 10 + day as u64);
    }
    lessons.seen(&account(), Feature::Api, "iam:CreateUser:ok", hour(DAY + 60, 9));
    let mut baselines = Baselines::default();
    baselines.apply(lessons);
    baselines
}

#[test]
fn surprise_grows_with_what_nobody_does() {
    let baselines = history();
    let now = at(DAY + 61, 0);
    let bits = |value| baselines.surprise_bits(&[&alice(), &account()], Feature::Api, value, now);
    assert!(bits("s3:GetObject:ok") < 2_000);
    assert!((4_000..12_000).contains(&bits("iam:CreateUser:ok")), "{}", bits("iam:CreateUser:ok"));
    assert!(bits("iam:DeleteUser:ok") > 20_000, "{}", bits("iam:DeleteUser:ok"));
    // Someone new has the habits of the account.
    let new = Entity::new(EntityKind::Principal, "new");
    assert!(baselines.surprise_bits(&[&new, &account()], Feature::Api, "s3:GetObject:ok", now) < 2_000);
    // Of whom nothing at all is known, everything is 1 in V.
    assert_eq!(baselines.surprise_bits(&[&new], Feature::Country, "NO", now), 7_966);
}

#[test]
fn the_arithmetic_is_shown() {
    let surprise =
        history().surprise_milli_bits(&[&alice(), &account()], Feature::Api, "iam:CreateUser:ok", at(DAY + 61, 0));
    assert_eq!(
        surprise.to_string(),
        "1/20000; account: (0.976 + 4·p)/(97.974 + 4), 6.706 bits; principal: (0 + 3·p)/(96.997 + 3), 11.765 bits"
    );
}

#[test]
fn amounts_have_a_mean_a_maximum_and_a_day() {
    let baselines = history();
    let volume = |now| baselines.profile(&alice()).unwrap().volume(Metric::ApiCallsPerHour, now, 1_000).unwrap();
    let after = volume(at(DAY + 61, 0));
    assert_eq!((after.periods, after.sum, after.max, after.max_day), (61, 61 * 40, 70, DAY + 60));
    assert_eq!(after.mean_milli(), 40_000);
    // An hour that is not over is not normal yet; a month later nothing is the most of the last thirty days.
    assert_eq!(volume(at(DAY + 60, 9)).periods, 60);
    assert_eq!(volume(at(DAY + 60, 9)).max, 69);
    assert_eq!((volume(at(DAY + 90, 0)).max, volume(at(DAY + 89, 0)).max), (0, 70));
    assert!(after.above_usual_milli(8 * 70) > 3_000);
    let apis =
        baselines.profile(&alice()).unwrap().volume(Metric::DistinctApisPerHour, at(DAY + 61, 0), 1_000).unwrap();
    assert_eq!((apis.max, apis.mean_milli()), (3, 3_000));
}

#[test]
fn days_add_up_over_their_hours() {
    let mut lessons = Lessons::default();
    for on in [1, 5, 23, 24] {
        lessons.volume(&alice(), Metric::S3ReadsPerDay, hour(DAY, on), 100);
    }
    let mut baselines = Baselines::default();
    baselines.apply(lessons);
    let volume = baselines.profile(&alice()).unwrap().volume(Metric::S3ReadsPerDay, at(DAY + 1, 5), 1_000).unwrap();
    assert_eq!((volume.periods, volume.sum, volume.max), (1, 300, 300));
}

/// A host that sends a hundred times as much on Sunday nights: the limit follows the week.
#[test]
fn a_nightly_backup_is_normal_at_night() {
    let host = Entity::new(EntityKind::Instance, "111122223333/i-0abc");
    let mut baselines = Baselines::default();
    let begin = hour(DAY, 0);
    let usual = |hour: i64| if hour % 168 == 3 { 100_000_000 } else { 1_000_000 };
    for past in begin..begin + 26 * 168 {
        let mut lessons = Lessons::default();
        // A little of everything, from a fixed sequence.
        let factor = 50 + (past as u64).wrapping_mul(0x9e37_79b9_7f4a_7c15) % 100;
        lessons.volume(&host, Metric::BytesOutPerHour, past, usual(past) * factor / 100);
        baselines.apply(lessons);
    }
    let now = (begin + 26 * 168..).find(|hour| hour % 168 == 3).unwrap();
    let volume = |hour: i64| {
        let profile = baselines.profile(&host).unwrap();
        profile.volume(Metric::BytesOutPerHour, Time::from_ms(hour * Time::HOUR_MS), 100_000).unwrap()
    };
    assert_eq!(volume(now).is_beyond(120_000_000), Some(false));
    assert_eq!(volume(now + 1).is_beyond(120_000_000), Some(true));
    assert_eq!(volume(now + 1).is_beyond(1_200_000), Some(false));
    let limit = volume(now + 1).limit().unwrap();
    assert_eq!(
        (volume(now + 1).is_beyond(limit * 101 / 100), volume(now + 1).is_beyond(limit * 99 / 100)),
        (Some(true), Some(false))
    );
}

#[test]
fn what_is_normal_is_said_in_words_and_numbers() {
    let baselines = history();
    assert_eq!(
        baselines.describe(&alice(), at(DAY + 61, 0)),
        [
            "principal arn:aws:iam::111122223333:user/alice",
            "Known since 2024-05-01 (day 62), active in 61 hours and on 61 days, last 2024-06-30 09:00",
            "API, 3 values: s3:GetObject:ok on 29 of 30 days, count 32.332, since 2024-05-01; \
             s3:PutObject:ok on 29 of 30 days, count 32.332, since 2024-05-01; \
             sts:GetCallerIdentity:ok on 29 of 30 days, count 32.332, since 2024-05-01",
            "API calls per hour: mean 40 over 61 hours, most 70 on 2024-06-30",
            "different APIs per hour: mean 3 over 61 hours, most 3 on 2024-06-30",
        ]
    );
    assert_eq!(baselines.describe(&Entity::new(EntityKind::Bucket, "b"), at(DAY, 0)), ["bucket b: nothing was learnt"]);
}

/// One thing that a record may teach.
#[derive(Clone, Debug)]
struct Act {
    worker: usize,
    entity: usize,
    about: u8,
    value: u8,
    hour: i64,
    amount: u64,
}

fn acts(hours: std::ops::Range<i64>, count: usize) -> impl Strategy<Value = Vec<Act>> {
    let act = (0usize..4, 0usize..5, 0u8..20, 0u8..40, hours, 0u64..1_000_000);
    let act =
        act.prop_map(|(worker, entity, about, value, hour, amount)| Act { worker, entity, about, value, hour, amount });
    proptest::collection::vec(act, 0..count)
}

fn entity(number: usize) -> Entity {
    [
        alice(),
        Entity::new(EntityKind::Principal, "bob"),
        account(),
        Entity::new(EntityKind::Instance, "111122223333/i-0abc"),
        Entity::new(EntityKind::Bucket, "data"),
    ][number]
        .clone()
}

impl Act {
    fn teach(&self, lessons: &mut Lessons) {
        let (who, hour) = (entity(self.entity), DAY * 24 + self.hour);
        match self.about {
            0 => lessons.fired(&who, hour),
            1 | 2 => lessons.member(&who, &account(), hour),
            3 => lessons.active(&who, hour),
            about @ 4..8 => {
                let metric =
                    [Metric::ApiCallsPerHour, Metric::DeniedPerHour, Metric::S3ReadsPerDay, Metric::BytesOutPerHour];
                lessons.volume(&who, metric[usize::from(about - 4)], hour, self.amount);
            }
            about => {
                let feature = [Feature::Api, Feature::UserType, Feature::Asn][usize::from(about % 3)];
                lessons.seen(&who, feature, &format!("value {}", self.value), hour);
            }
        }
    }
}

fn lessons_of<'a>(acts: impl IntoIterator<Item = &'a Act>) -> Lessons {
    let mut lessons = Lessons::default();
    acts.into_iter().for_each(|act| act.teach(&mut lessons));
    lessons
}

fn applied<'a>(acts: impl IntoIterator<Item = &'a Act>) -> Baselines {
    let mut baselines = Baselines::default();
    baselines.apply(lessons_of(acts));
    baselines
}

proptest! {
    /// The promise: workers, order and how many hours are closed at once change no byte.
    #[test]
    fn any_sharding_order_and_grouping_teaches_the_same(acts in acts(0..24 * 50, 250), order in Just([0usize, 1, 2, 3]).prop_shuffle(), cuts in proptest::collection::vec(0i64..24 * 50, 0..6)) {
        let whole = applied(&acts);
        let mut cuts = [cuts, vec![i64::MAX]].concat();
        cuts.sort_unstable();
        let mut baselines = Baselines::default();
        let mut from = i64::MIN;
        for until in cuts {
            let mut sum = Lessons::default();
            for &worker in &order {
                let own = acts.iter().rev().filter(|act| act.worker == worker && (from..until).contains(&act.hour));
                sum.merge(&lessons_of(own));
            }
            baselines.apply(sum);
            from = until;
        }
        prop_assert_eq!(bytes(&baselines), bytes(&whole));
    }

    /// Said again, everything but amounts teaches nothing more.
    #[test]
    fn what_was_seen_counts_once_an_hour(acts in acts(0..24 * 50, 100)) {
        let seen = || acts.iter().filter(|act| !(4..8).contains(&act.about));
        prop_assert_eq!(bytes(&applied(seen().chain(seen()))), bytes(&applied(seen())));
    }

    /// Two periods cut at midnight add up to the whole, in either direction: without holds, bounds, limits and means of
    /// the week, none of which can be added.
    #[test]
    fn two_periods_add_up(acts in acts(0..24 * 129, 200), cut in 0i64..129) {
        let summable = acts.into_iter().filter(|act| act.about != 0);
        let acts: Vec<Act> = summable.map(|act| Act { value: act.value % 12, ..act }).collect();
        let (early, late) = acts.iter().partition::<Vec<&Act>, _>(|act| act.hour < cut * 24);
        let (early, late) = (applied(early), applied(late));
        let whole = without_estimates(&applied(&acts));
        for (first, second) in [(&early, &late), (&late, &early)] {
            let mut sum = first.clone();
            sum.merge(second);
            prop_assert_eq!(without_estimates(&sum), whole.clone());
        }
    }

    /// Shards by entity add up exactly, in either direction.
    #[test]
    fn entities_apart_add_up(acts in acts(0..24 * 100, 200)) {
        let acts: Vec<Act> = acts.into_iter().filter(|act| !(1..3).contains(&act.about)).collect();
        let (one, other) = (applied(acts.iter().filter(|act| act.entity < 2)), applied(acts.iter().filter(|act| act.entity >= 2)));
        for (first, second) in [(&one, &other), (&other, &one)] {
            let mut sum = first.clone();
            sum.merge(second);
            prop_assert_eq!(bytes(&sum), bytes(&applied(&acts)));
        }
    }

    #[test]
    fn what_is_saved_goes_on_where_it_stopped(early in acts(0..24 * 50, 150), late in acts(24 * 50..24 * 100, 100)) {
        let mut baselines = applied(&early);
        let mut restored = Baselines::from_json(bytes(&baselines).as_bytes()).unwrap();
        prop_assert_eq!(bytes(&restored), bytes(&baselines));
        baselines.apply(lessons_of(&late));
        restored.apply(lessons_of(&late));
        prop_assert_eq!(bytes(&restored), bytes(&baselines));
        let lessons = lessons_of(&late);
        let again: Lessons = serde_json::from_str(&serde_json::to_string(&lessons).unwrap()).unwrap();
        prop_assert_eq!(serde_json::to_string(&again).unwrap(), serde_json::to_string(&lessons).unwrap());
    }

    /// Too many lessons: which ones stay does not depend on who found them.
    #[test]
    fn what_does_not_fit_is_left_out_alike(acts in acts(0..24 * 5, 300), room in 5usize..60) {
        let collect = |acts: &mut dyn Iterator<Item = &Act>| {
            let mut lessons = Lessons::with_room(room);
            for act in acts {
                act.teach(&mut lessons);
                assert!(lessons.len() <= 2 * room);
            }
            lessons
        };
        let whole = collect(&mut acts.iter());
        let mut sum = Lessons::with_room(room);
        for worker in [2, 0, 3, 1] {
            sum.merge(&collect(&mut acts.iter().rev().filter(|act| act.worker == worker)));
        }
        prop_assert_eq!(serde_json::to_string(&sum).unwrap(), serde_json::to_string(&whole).unwrap());
    }

    /// Someone who distrusts the number can compute it again from what is shown.
    #[test]
    fn surprise_can_be_computed_by_hand(acts in acts(0..24 * 100, 300), value in 0u8..50, day in 0i64..150) {
        let baselines = applied(&acts);
        let levels = [&alice(), &Entity::new(EntityKind::PeerGroup, "nobody"), &account()];
        let surprise = baselines.surprise_milli_bits(&levels, Feature::Api, &format!("value {value}"), at(DAY + day, 0));
        let mut p = 1.0 / surprise.values_in_the_world as f64;
        for level in surprise.levels.iter().rev() {
            let (count, n, t) = (level.count_1024 as f64 / 1024.0, level.total_1024 as f64 / 1024.0, level.distinct as f64);
            if n + t > 0.0 {
                let lambda = n / (n + t);
                p = if n > 0.0 { lambda * count / n + (1.0 - lambda) * p } else { p };
                prop_assert!((lambda * 10_000.0 - f64::from(level.lambda_10000)).abs() <= 1.0);
            }
            prop_assert!((-p.log2() * 1000.0 - f64::from(level.bits_milli)).abs() < 2.0);
        }
        prop_assert_eq!(surprise.bits_milli, baselines.surprise_bits(&levels, Feature::Api, &format!("value {value}"), at(DAY + day, 0)));
    }

    #[test]
    fn any_damage_is_refused_or_survived(acts in acts(0..24 * 50, 60), at_byte in any::<proptest::sample::Index>(), digit in b'0'..=b'9', later in acts(24 * 40..24 * 90, 60)) {
        let mut saved = bytes(&applied(&acts)).into_bytes();
        let at = at_byte.index(saved.len());
        if saved[at].is_ascii_digit() {
            saved[at] = digit;
        }
        if let Ok(mut damaged) = Baselines::from_json(&saved) {
            damaged.apply(lessons_of(&later));
            let mut sum = applied(&later);
            sum.merge(&damaged);
            damaged.merge(&applied(&later));
            for entity in damaged.entities() {
                damaged.describe(&entity, Time::from_ms(DAY * Time::DAY_MS));
            }
            bytes(&damaged);
        }
    }
}

/// What can be added exactly.
fn without_estimates(baselines: &Baselines) -> serde_json::Value {
    let mut saved = serde_json::to_value(baselines).unwrap();
    for profile in saved["profiles"].as_array_mut().unwrap() {
        for volume in profile["volumes"].as_array_mut().unwrap() {
            volume.as_object_mut().unwrap().retain(|key, _| key != "tail" && key != "week");
        }
    }
    saved
}

#[test]
fn another_version_is_named() {
    let saved = bytes(&history()).replacen("\"version\":1", "\"version\":2", 1);
    let error = Baselines::from_json(saved.as_bytes()).unwrap_err().to_string();
    assert_eq!(error, "the baseline was saved in version 2; this program reads version 1");
    assert!(Baselines::from_json(b"[]").is_err());
}
