//! Somebody uses buckets as their users never do.

use crate::Thresholds;
use crate::shared::calls::breadth::Breadth;
use crate::shared::calls::scorer::{Plane, Scorer};
use crate::shared::calls::volume::Volumes;
use crate::tally::{CallTally, CallTallyKey};
use crate::{Behaviour, Detection, Interest, Learning, Need, Rule, Scene};
use watchfire_model::{FindingType, Time};

const DISCOVERY: FindingType = FindingType::new("Discovery:S3/AnomalousBehavior");
const EXFILTRATION: FindingType = FindingType::new("Exfiltration:S3/AnomalousBehavior");
const DELETE: FindingType = FindingType::new("Impact:S3/AnomalousBehavior.Delete");
const PERMISSION: FindingType = FindingType::new("Impact:S3/AnomalousBehavior.Permission");
const WRITE: FindingType = FindingType::new("Impact:S3/AnomalousBehavior.Write");

const STATE_VERSION: u64 = 1;

pub(crate) const DETECTION: Detection = Detection {
    reports: &[DISCOVERY, EXFILTRATION, DELETE, PERMISSION, WRITE],
    summary: "An identity used buckets in a way, from a place or in an amount that is unusual for it and for them.",
    listens: &[Interest::CallTallies],
    needs: &[Need::S3DataEvents],
    file: file!(),
    rule: Rule::Behaviour(|| Box::new(AnomalousBehavior::new())),
};

struct AnomalousBehavior {
    sessions: Scorer,
    volumes: Volumes,
    breadth: Breadth,
}

impl AnomalousBehavior {
    fn new() -> Self {
        Self { sessions: Scorer::new(Plane::S3), volumes: Volumes::default(), breadth: Breadth::default() }
    }
}

/// Evidence: first, a session of calls to the data plane of S3 (and of those that change who may use a bucket) whose
/// surprises add up, as for the types of identities: call, network, country, program, region and bucket, each compared
/// with the habits of the caller, its peers and the account. To set all of Block Public Access lets nobody in, and is none
/// of these calls.
///
/// Second: amounts. Three counters of 24 hours are compared with their own days: what an identity read, wrote or
/// deleted on a bucket, what it did on all buckets, what everyone did on the bucket. Five times the largest day of the
/// last thirty, and at least a hundred, is unusual, once a day for an identity; of many buckets the one with most of it
/// is named, and on a bucket the identity that brought at least half.
///
/// Third: places. Who looks into eight buckets in 24 hours that it never used before, and has used no more before,
/// looks through them, with whatever calls.
///
/// No evidence are requests without credentials, and what AWS services do by themselves. Nothing fires before the
/// account has been learnt for seven days; amounts need three earlier days of their own, or an identity that was active
/// for twenty hours on a bucket that is known: then days without such calls count as days of none. An identity of which
/// neither is known, a forgotten user or a newcomer, who calls from a network that is new to the account, is told of when it
/// makes a hundred of them on one bucket, and as many as everyone there made on the largest day, or five hundred on all. New buckets say
/// nothing of an identity in its first week, of one that uses more buckets than are remembered (a scanner, a backup),
/// or in the console, which asks after every bucket by itself.
///
/// False positives: a restore, a migration, a new consumer of a bucket, the clean-up of an old one, a yearly job.
impl Behaviour for AnomalousBehavior {
    fn call(&mut self, key: &CallTallyKey, tally: &CallTally, scene: &mut Scene<'_>) {
        self.sessions.call(key, tally, scene);
        self.volumes.call(key, tally, scene);
        self.breadth.call(key, tally, scene);
    }

    fn close(&mut self, end: Time, scene: &mut Scene<'_>) {
        self.sessions.close(end, scene);
        if end.ms() % Time::HOUR_MS == 0 {
            self.volumes.close(end, scene);
            self.breadth.close(end, scene);
        }
    }

    fn expire(&mut self, now: Time) -> u64 {
        self.sessions.expire(now) + self.volumes.evicted() + self.breadth.evicted()
    }

    fn size(&self) -> (u64, u64) {
        let ((sessions, bytes), pairs) = (self.sessions.size(), self.volumes.len() as u64);
        let looks = self.breadth.len() as u64;
        (sessions + pairs + looks, bytes + (pairs + looks) * 1_200)
    }

    fn learning(&self, thresholds: &Thresholds) -> Vec<Learning> {
        self.sessions.learning(thresholds)
    }

    fn save(&self) -> serde_json::Value {
        let Self { sessions, volumes, breadth } = self;
        let sessions = sessions.save();
        serde_json::json!({ "version": STATE_VERSION, "sessions": sessions, "volumes": volumes, "breadth": breadth })
    }

    fn load(&mut self, mut saved: serde_json::Value) -> Result<(), String> {
        if saved["version"] != STATE_VERSION {
            return Err(format!("the state of buckets' users has version {}, not {STATE_VERSION}", saved["version"]));
        }
        self.sessions.load(saved["sessions"].take())?;
        self.volumes = serde_json::from_value(saved["volumes"].take())
            .map_err(|cause| format!("the state of buckets' users cannot be read: {cause}"))?;
        // A state of before new buckets were counted has none.
        self.breadth = match saved["breadth"].take() {
            serde_json::Value::Null => Breadth::default(),
            breadth => serde_json::from_value(breadth)
                .map_err(|cause| format!("the state of new buckets cannot be read: {cause}"))?,
        };
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Verdict;
    use crate::shared::calls::testing::{CallLine, MONDAY, call, log};
    use crate::testing::verdicts;
    use watchfire_knowledge::Knowledge;

    fn found(calls: &[CallLine]) -> Vec<Verdict> {
        verdicts(&DETECTION, &Knowledge::default(), &[&log(calls)])
    }

    fn types(verdicts: &[Verdict]) -> Vec<&'static str> {
        verdicts.iter().map(|verdict| verdict.signal.finding_type.as_str()).collect()
    }

    /// Alice lists and reads reports each working hour; bob writes them; nobody deletes.
    fn users_of_a_bucket(days: i64) -> Vec<CallLine> {
        let mut calls = Vec::new();
        for day in 0..days {
            for hour in 9..17 {
                let minute = hour * 60;
                calls.push(call("s3:ListObjects").on("reports").at(day, minute));
                calls.push(call("s3:GetObject").on("reports").at(day, minute + 1));
                calls.push(call("s3:GetObject").on("reports").at(day, minute + 2));
                calls.push(call("s3:PutObject").by("bob").on("reports").at(day, minute + 3));
            }
        }
        calls
    }

    fn thief(action: &str, minute: i64) -> CallLine {
        call(action).on("payroll").from("203.0.113.99").with("rclone/v1.66").at(14, minute)
    }

    #[test]
    fn usual_users_stay_quiet() {
        assert_eq!(types(&found(&users_of_a_bucket(15))), [""; 0]);
    }

    #[test]
    fn a_thief_reads_from_elsewhere_and_another_bucket() {
        let mut calls = users_of_a_bucket(15);
        calls.extend([thief("s3:ListObjectsV2", 1_200), thief("s3:GetObject", 1_201), thief("s3:HeadObject", 1_202)]);
        let found = found(&calls);
        assert!(!found.is_empty());
        let signal = &found[0].signal;
        assert_eq!(signal.resource.buckets[0].name, "payroll");
        assert!(
            signal.reasons.iter().any(|reason| reason.contains("The bucket `payroll` is new")),
            "{:#?}",
            signal.reasons
        );
    }

    #[test]
    fn a_first_deletion_from_elsewhere_is_impact() {
        let mut calls = users_of_a_bucket(15);
        calls.push(thief("s3:DeleteObject", 1_200));
        assert_eq!(types(&found(&calls)), ["Impact:S3/AnomalousBehavior.Delete"]);
    }

    #[test]
    fn a_bucket_that_is_opened_from_elsewhere_is_permission() {
        let mut calls = users_of_a_bucket(15);
        calls.push(thief("s3:PutBucketPolicy", 1_200));
        assert_eq!(types(&found(&calls)), ["Impact:S3/AnomalousBehavior.Permission"]);
    }

    #[test]
    fn a_bucket_that_is_shut_from_elsewhere_is_no_permission_and_one_that_is_opened_is() {
        let set = |flags: [bool; 4]| {
            let mut calls = users_of_a_bucket(15);
            calls.push(thief("s3:PutBucketPublicAccessBlock", 1_200).setting("payroll", flags));
            types(&found(&calls))
        };
        assert_eq!(set([true; 4]), [""; 0]);
        assert_eq!(set([false, true, true, true]), ["Impact:S3/AnomalousBehavior.Permission"]);
    }

    /// Alice reads this many objects at home and at her usual pace, but more of them.
    fn reading(count: i64) -> Vec<CallLine> {
        let mut calls = users_of_a_bucket(15);
        calls.extend((0..count).map(|_| call("s3:GetObject").on("reports").at(14, 1_030)));
        calls
    }

    #[test]
    fn reading_everything_is_exfiltration() {
        let found = found(&reading(500));
        assert_eq!(types(&found), ["Exfiltration:S3/AnomalousBehavior"]);
        let signal = &found[0].signal;
        assert!(
            signal.reasons[1].starts_with("This identity on all buckets: 516 reads in 24 hours"),
            "{:#?}",
            signal.reasons
        );
        assert!(signal.reasons[1].contains("16 on average, at most 16"));
        assert_eq!(signal.anomaly.as_ref().unwrap().unusual["userIdentity"]["callsOnAllBuckets"].numbers, [516]);
        assert_eq!(found[0].record_count, 516);
        // The owner's work of the morning is no part of it.
        let minute = |minute: i64| Time::from_ms(MONDAY + 14 * Time::DAY_MS + minute * Time::MINUTE_MS);
        assert_eq!((found[0].begin, found[0].end), (minute(1_030), minute(1_030)));
    }

    #[test]
    fn who_brought_the_calls_is_shown_and_not_the_owner_who_goes_on() {
        let mut calls = users_of_a_bucket(15);
        let theft = |_| call("s3:GetObject").on("reports").from("203.0.113.99").with("rclone/v1.66").at(14, 1_030);
        calls.extend((0..500).map(theft));
        calls.push(call("s3:GetObject").on("reports").at(14, 1_055));
        let found = found(&calls);
        let of_amounts = found.iter().find(|verdict| verdict.signal.reasons[0].contains("reads in 24 hours")).unwrap();
        let shown = format!("{:?}", of_amounts.signal.action);
        assert!(shown.contains("203.0.113.99") && !shown.contains("198.51.100.7"), "{shown}");
    }

    /// Bob, who only writes, does this often on each of five buckets that alice uses.
    fn bob_on_all(action: &str, count: i64) -> Vec<CallLine> {
        let bucket = |number: i64| format!("reports-{number}");
        let mut calls = users_of_a_bucket(15);
        for day in 0..14 {
            let reads = (0..5).map(|at| call("s3:GetObject").on(&bucket(at)).at(day, 600 + 60 * at));
            calls.extend(reads);
        }
        calls.extend((0..5 * count).map(|at| call(action).by("bob").on(&bucket(at % 5)).at(14, 1_030)));
        calls
    }

    #[test]
    fn reading_a_little_of_each_bucket_is_exfiltration_too_and_is_told_once() {
        let found = found(&bob_on_all("s3:GetObject", 30));
        let amounts = found.iter().filter(|verdict| verdict.signal.reasons.len() == 4).collect::<Vec<_>>();
        assert_eq!(amounts.len(), 1, "{:?}", types(&found));
        assert_eq!(amounts[0].signal.finding_type, EXFILTRATION);
        let reasons = &amounts[0].signal.reasons;
        assert!(reasons[1].contains("150 reads in 24 hours; none is known from before"), "{reasons:#?}");
    }

    #[test]
    fn overwriting_many_objects_is_write() {
        let mut calls = users_of_a_bucket(15);
        calls.extend((0..400).map(|_| call("s3:PutObject").by("bob").on("reports").at(14, 1_030)));
        assert_eq!(types(&found(&calls)), ["Impact:S3/AnomalousBehavior.Write"]);
    }

    #[test]
    fn a_newcomer_who_reads_much_and_an_old_hand_who_reads_little_stay_quiet() {
        let mut calls = users_of_a_bucket(15);
        // A bucket that is read so much that 150 more are little to it.
        calls.extend((0..15).flat_map(|day| (0..60).map(move |_| call("s3:GetObject").on("reports").at(day, 700))));
        calls.extend((0..150).map(|_| call("s3:GetObject").by("dave").on("reports").at(14, 1_030)));
        assert_eq!(types(&found(&calls)), [""; 0]);
        let little = found(&bob_on_all("s3:GetObject", 15));
        assert!(little.iter().all(|verdict| verdict.signal.reasons.len() != 4));
    }

    #[test]
    fn a_forgotten_user_who_reads_more_than_everyone_is_exfiltration_and_a_newcomer_at_the_desk_is_not() {
        let read_by_erin = |count: i64, address: &str| {
            let mut calls = users_of_a_bucket(15);
            calls.extend((0..count).map(|_| call("s3:GetObject").by("erin").from(address).on("reports").at(14, 1_030)));
            found(&calls)
        };
        let elsewhere = "203.0.113.99";
        let bulk = read_by_erin(150, elsewhere);
        assert_eq!(types(&bulk), ["Exfiltration:S3/AnomalousBehavior"]);
        assert!(bulk[0].signal.reasons[4].contains("Of `erin` too little is known"), "{:#?}", bulk[0].signal.reasons);
        assert_eq!(types(&read_by_erin(80, elsewhere)), [""; 0]);
        assert_eq!(types(&read_by_erin(70, "198.51.100.7")), [""; 0]);
    }

    /// Carol, who reads reports, looks into this many other buckets on the last day, with this program.
    fn looking_around(count: i64, program: &str) -> Vec<CallLine> {
        let mut calls = users_of_a_bucket(15);
        for day in 0..14 {
            calls.extend((9..12).map(|hour| call("s3:GetObject").by("carol").on("reports").at(day, hour * 60)));
            calls.extend((0..30).map(|at| call("s3:GetObject").on(&format!("team-{at}")).at(day, 600 + at)));
        }
        let look =
            |at: i64| call("s3:GetBucketAcl").by("carol").with(program).on(&format!("team-{at}")).at(14, 600 + 20 * at);
        calls.extend((0..count).map(look));
        calls
    }

    #[test]
    fn looking_through_the_buckets_is_discovery_and_names_them() {
        let found = found(&looking_around(9, "aws-cli/2.15.0"));
        let breadth: Vec<_> =
            found.iter().filter(|verdict| verdict.signal.reasons[0].contains("looked into")).collect();
        assert_eq!(breadth.len(), 1, "{:?}", types(&found));
        let signal = &breadth[0].signal;
        assert_eq!(signal.finding_type, DISCOVERY);
        assert!(
            signal.reasons[0].contains("8 buckets") || signal.reasons[0].contains("9 buckets"),
            "{:#?}",
            signal.reasons
        );
        assert!(signal.reasons[0].contains("GetBucketAcl: team-0, team-1"), "{:#?}", signal.reasons);
        assert!(signal.reasons[1].contains("it used 1 buckets"), "{:#?}", signal.reasons);
    }

    #[test]
    fn a_few_new_buckets_and_a_page_of_the_console_stay_quiet() {
        let about_breadth = |calls: &[CallLine]| {
            found(calls).iter().filter(|verdict| verdict.signal.reasons[0].contains("looked into")).count()
        };
        assert_eq!(about_breadth(&looking_around(7, "aws-cli/2.15.0")), 0);
        assert_eq!(about_breadth(&looking_around(20, "[S3Console/0.4, aws-internal/3]")), 0);
    }

    #[test]
    fn a_busy_day_stays_quiet() {
        assert_eq!(types(&found(&reading(60))), [""; 0]);
    }

    #[test]
    fn a_saved_state_goes_on() {
        let (mut behaviour, mut restored) = (AnomalousBehavior::new(), AnomalousBehavior::new());
        crate::testing::show(&mut behaviour, &Knowledge::default(), &[&log(&reading(500))]);
        restored.load(behaviour.save()).unwrap();
        assert_eq!(restored.save(), behaviour.save());
        assert!(restored.volumes.len() > 0 && restored.load(serde_json::json!({})).is_err());
    }

    #[test]
    fn a_state_of_before_roles_were_told_apart_is_taken_over() {
        let (mut behaviour, mut restored) = (AnomalousBehavior::new(), AnomalousBehavior::new());
        crate::testing::show(&mut behaviour, &Knowledge::default(), &[&log(&looking_around(9, "aws-cli/2.15.0"))]);
        let saved = behaviour.save();
        let former = saved.to_string().replace(r#""objects":"#, r#""buckets":"#);
        let mut former: serde_json::Value = serde_json::from_str(&former.replace(r#""roles":[],"#, "")).unwrap();
        former["breadth"].as_object_mut().unwrap().remove("of");
        former["sessions"]["version"] = 2.into();
        let is_former = |name: &str| !former.to_string().contains(name);
        assert!([r#""objects""#, r#""of""#, r#""roles""#].into_iter().all(is_former));
        restored.load(former).unwrap();
        assert!(restored.breadth.len() > 0);
        assert_eq!(restored.save(), saved);
    }
}
