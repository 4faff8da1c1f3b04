//! Somebody does with credentials what their owner never does.

use crate::Thresholds;
use crate::shared::calls::breadth::{Breadth, Of};
use crate::shared::calls::scorer::{Plane, Scorer};
use crate::tally::{CallTally, CallTallyKey};
use crate::{Behaviour, Detection, Interest, Learning, Need, Rule, Scene};
use watchfire_model::{FindingType, Time};

const CREDENTIAL_ACCESS: FindingType = FindingType::new("CredentialAccess:IAMUser/AnomalousBehavior");
const DEFENSE_EVASION: FindingType = FindingType::new("DefenseEvasion:IAMUser/AnomalousBehavior");
const DISCOVERY: FindingType = FindingType::new("Discovery:IAMUser/AnomalousBehavior");
const EXFILTRATION: FindingType = FindingType::new("Exfiltration:IAMUser/AnomalousBehavior");
const IMPACT: FindingType = FindingType::new("Impact:IAMUser/AnomalousBehavior");
const INITIAL_ACCESS: FindingType = FindingType::new("InitialAccess:IAMUser/AnomalousBehavior");
const PERSISTENCE: FindingType = FindingType::new("Persistence:IAMUser/AnomalousBehavior");
const PRIVILEGE_ESCALATION: FindingType = FindingType::new("PrivilegeEscalation:IAMUser/AnomalousBehavior");

pub(crate) const DETECTION: Detection = Detection {
    reports: &[
        CREDENTIAL_ACCESS,
        DEFENSE_EVASION,
        DISCOVERY,
        EXFILTRATION,
        IMPACT,
        INITIAL_ACCESS,
        PERSISTENCE,
        PRIVILEGE_ESCALATION,
    ],
    summary: "An identity called APIs that it, its peers and its account do not call, or from where it does not call.",
    listens: &[Interest::CallTallies],
    needs: &[Need::ManagementEvents],
    file: file!(),
    rule: Rule::Behaviour(|| Box::new(AnomalousBehavior::new())),
};

struct AnomalousBehavior {
    sessions: Scorer,
    roles: Breadth,
}

impl AnomalousBehavior {
    fn new() -> Self {
        Self { sessions: Scorer::new(Plane::Management), roles: Breadth::new(Of::Roles) }
    }
}

/// Evidence: a session of management calls whose surprises add up. A session is what one caller did from one network
/// with one program, without a pause of 15 minutes, for at most an hour; so a thief with the owner's key is judged
/// apart from the owner. From an unusual place all calls of 24 hours are one session, so that a slow thief is no stream
/// of small ones. Each API with its outcome is compared with the habits of the caller, of its peers and of the account
/// (in bits: −log2 of how likely it is), and weighed by what it is for. The five largest, by five, and half of what
/// network, country, program and region add, are the score; the largest alone with the same is a second one. The type
/// is that of the largest contributor; what else was done is reported as well if it would have fired by itself.
///
/// Of `AssumeRole` the role counts too: that this name, in whatever account, is new adds up to six bits. Who asks for eight
/// roles in 24 hours whose names it never assumed, with success or not, and has assumed no more names before, tries what a key
/// opens, however small each of the sessions is. An account that joins an organisation brings no new name. Where calls were
/// learnt before roles were, by an earlier version, roles count after a week.
///
/// To set all of Block Public Access weighs as what the console does in the background; to set less of it, or to delete it,
/// weighs as what opens a bucket.
///
/// Nothing fires before the account has been learnt for seven days; from a place that is new to the account, before it has
/// been for three. A network is no news for a caller that comes from another one nearly each time. Of a caller that was
/// active for less than twenty hours only calls of high risk count. Who makes five different calls of high risk as a habit is an administrator:
/// from the usual place with the usual program another such call weighs like any other. A call of ordinary risk that
/// three principals begin within a day is a new tool, not news; of high risk, if all three are where they usually are,
/// or each in a home of its own whose network and program the account knows, it is an incident that they answer, or a
/// new duty. After a fortnight the limits follow the account's own sessions, for each type by its share of the budget;
/// a type that comes more often than that raises its own limit from the first week on. What a stranger did is not learnt
/// for a day; what fired from the usual place is, so that it is told once and not each time for ever.
///
/// No evidence is a refused signature, a failed sign-in, the failure of a call that is usual (throttled, not found; or
/// denied, of what the caller itself does, where it usually is), and what an AWS service does for somebody: its address
/// and its program say nothing about the caller. A thief who does what the owner does, from where and with what the
/// owner does it, is not seen.
///
/// False positives: a person in a new job, a new pipeline, the answer to an incident, work in a new region, a
/// migration. The finding names what was new and how new it was: ask the owner of the credentials.
impl Behaviour for AnomalousBehavior {
    fn call(&mut self, key: &CallTallyKey, tally: &CallTally, scene: &mut Scene<'_>) {
        self.sessions.call(key, tally, scene);
        self.roles.call(key, tally, scene);
    }

    fn close(&mut self, end: Time, scene: &mut Scene<'_>) {
        self.sessions.close(end, scene);
        if end.ms() % Time::HOUR_MS == 0 {
            self.roles.close(end, scene);
        }
    }

    fn expire(&mut self, now: Time) -> u64 {
        self.sessions.expire(now) + self.roles.evicted()
    }

    fn size(&self) -> (u64, u64) {
        let ((sessions, bytes), asked) = (self.sessions.size(), self.roles.len() as u64);
        (sessions + asked, bytes + asked * 1_200)
    }

    fn learning(&self, thresholds: &Thresholds) -> Vec<Learning> {
        self.sessions.learning(thresholds)
    }

    fn save(&self) -> serde_json::Value {
        let mut saved = self.sessions.save();
        saved["roles"] = serde_json::json!(self.roles);
        saved
    }

    fn load(&mut self, mut saved: serde_json::Value) -> Result<(), String> {
        // A state of before new roles were counted has none.
        self.roles = match saved["roles"].take() {
            serde_json::Value::Null => Breadth::new(Of::Roles),
            roles => serde_json::from_value(roles)
                .map_err(|cause| format!("the state of new roles cannot be read: {cause}"))?,
        };
        self.sessions.load(saved)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::shared::calls::testing::{CallLine, call, log, office};
    use crate::testing::verdicts;
    use crate::{Rule, Verdict};
    use watchfire_knowledge::Knowledge;

    const THIEF: &str = "203.0.113.99";
    const THIEFS_PROGRAM: &str = "python-requests/2.31";

    fn found(calls: &[CallLine]) -> Vec<Verdict> {
        verdicts(&DETECTION, &Knowledge::default(), &[&log(calls)])
    }

    fn types(verdicts: &[Verdict]) -> Vec<&'static str> {
        verdicts.iter().map(|verdict| verdict.signal.finding_type.as_str()).collect()
    }

    /// What a thief does with alice's key from elsewhere, beginning at this minute of the day.
    fn theft(day: i64, minute: i64) -> Vec<CallLine> {
        let steps = ["iam:ListUsers", "iam:AttachUserPolicy", "iam:CreateAccessKey"];
        let steps = steps.into_iter().enumerate();
        steps.map(|(at, step)| call(step).from(THIEF).with(THIEFS_PROGRAM).at(day, minute + 9 * at as i64)).collect()
    }

    fn office_and(days: i64, more: impl IntoIterator<Item = CallLine>) -> Vec<CallLine> {
        office(days).into_iter().chain(more).collect()
    }

    #[test]
    fn usual_work_stays_quiet() {
        assert_eq!(types(&found(&office(15))), [""; 0]);
    }

    #[test]
    fn a_stolen_key_fires_while_its_owner_works() {
        let found = found(&office_and(15, theft(14, 10 * 60 + 2)));
        assert_eq!(
            types(&found),
            ["PrivilegeEscalation:IAMUser/AnomalousBehavior", "Persistence:IAMUser/AnomalousBehavior"]
        );
        let signal = &found[0].signal;
        assert_eq!(signal.entity, "arn:aws:iam::111122223333:user/alice");
        assert!(signal.reasons[0].contains("iam:AttachUserPolicy (ok, once)"), "{}", signal.reasons[0]);
        assert!(signal.reasons.iter().any(|reason| reason.contains("The network `203.0.0.0/16` is new")));
        let anomaly = signal.anomaly.as_ref().unwrap();
        assert!(anomaly.unusual["account"]["api"].texts.contains(&"iam:CreateAccessKey:ok".to_owned()));
        assert!(!anomaly.unusual["account"]["api"].texts.contains(&"iam:ListUsers:ok".to_owned()));
        assert_eq!(anomaly.unusual["userIdentity"]["userAgent"].texts, ["python"]);
        assert!(anomaly.profiles["userIdentity"]["api"][0].texts.contains(&"ec2:DescribeInstances:ok".to_owned()));
        assert_eq!(signal.additional["userAgent"]["fullUserAgent"], THIEFS_PROGRAM);
    }

    #[test]
    fn a_new_network_is_no_news_for_who_brings_one_each_time() {
        let build = |network: i64, day: i64, step: &str| {
            call(step).by("build").from(&format!("20.{network}.0.9")).at(day, 600 + 60 * (network % 2))
        };
        let builds = |of_a_rover: bool| {
            let usual = (0..28).map(|at| build(if of_a_rover { at } else { at % 2 }, at / 2, "ecs:UpdateService"));
            let steps = ["iam:AttachUserPolicy", "iam:CreateAccessKey", "kms:PutKeyPolicy"];
            let more = steps.into_iter().map(|step| build(200, 14, step));
            let found = found(&office_and(15, usual.chain(more)));
            let reasons = found.into_iter().flat_map(|verdict| verdict.signal.reasons);
            reasons.filter(|reason| reason.starts_with("The network `20.200.0.0/16` is new")).count()
        };
        assert_eq!(builds(true), 0);
        assert!(builds(false) > 0);
    }

    #[test]
    fn a_stranger_is_told_of_in_the_first_week_once_the_accounts_own_places_are_known() {
        let stolen = |day: i64| {
            let more = ["lambda:AddPermission", "guardduty:DeleteDetector", "cloudtrail:StopLogging"];
            let more = more.into_iter().map(move |step| call(step).from(THIEF).with(THIEFS_PROGRAM).at(day, 630));
            types(&found(&office_and(day + 1, theft(day, 600).into_iter().chain(more))))
        };
        assert!(!stolen(4).is_empty());
        assert_eq!(stolen(1), [""; 0]);
        let at_the_desk =
            ["iam:AttachUserPolicy", "lambda:AddPermission", "guardduty:DeleteDetector", "iam:CreateUser"];
        let at_the_desk = at_the_desk.into_iter().map(|step| call(step).by("bob").at(4, 630));
        assert_eq!(types(&found(&office_and(5, at_the_desk))), [""; 0]);
    }

    #[test]
    fn a_session_that_straddles_the_hour_fires_once() {
        let whole = found(&office_and(15, theft(14, 20 * 60 + 2)));
        let straddling = found(&office_and(15, theft(14, 20 * 60 + 49)));
        assert_eq!(types(&straddling).len(), types(&whole).len());
        let mut kinds = types(&straddling);
        kinds.sort_unstable();
        assert_eq!(kinds, ["Persistence:IAMUser/AnomalousBehavior", "PrivilegeEscalation:IAMUser/AnomalousBehavior"]);
    }

    #[test]
    fn a_slow_thief_is_one_visit_and_slow_work_at_the_desk_is_not() {
        let slowly = |address: &str| -> Vec<CallLine> {
            let looks = ["iam:ListUsers", "eks:ListClusters", "rds:DescribeDBInstances", "organizations:ListAccounts"];
            let grants = ["lambda:AddPermission", "iam:CreateUser"];
            let steps = looks.into_iter().chain(grants).enumerate();
            steps.map(|(at, step)| call(step).from(address).by("bob").at(14, 360 + 55 * at as i64)).collect()
        };
        let found_slow = found(&office_and(15, slowly(THIEF)));
        let reasons = &found_slow[0].signal.reasons;
        assert!(reasons.iter().any(|reason| reason.contains("are one session")), "{reasons:#?}");
        let at_the_desk = found(&office_and(15, slowly("198.51.100.7").into_iter().take(4)));
        assert_eq!(types(&at_the_desk), [""; 0]);
    }

    #[test]
    fn what_somebody_did_at_the_desk_is_told_once_and_then_known_to_the_account() {
        let new = |user: &'static str, day: i64| call("ec2:CreateNetworkAclEntry").by(user).at(day, 11 * 60 + 15);
        let once = found(&office_and(17, [new("bob", 14)]));
        assert_eq!(types(&once), ["Persistence:IAMUser/AnomalousBehavior"]);
        assert_eq!(found(&office_and(17, [new("bob", 14), new("alice", 16)])).len(), 1);
        // What a stranger did is never learnt.
        let stranger = found(&office_and(17, [new("bob", 14).from(THIEF), new("alice", 16)]));
        assert_eq!(stranger.len(), 2, "{:?}", types(&stranger));
    }

    #[test]
    fn what_a_pipeline_does_every_other_week_is_told_once() {
        const SERVICES: [&str; 8] = ["ec2", "rds", "eks", "ecs", "sqs", "sns", "glue", "athena"];
        let plan = |day: i64| {
            let looks = (0..5).flat_map(|at| SERVICES.map(|service| format!("{service}:DescribeThings{at}")));
            looks.map(move |look| call(&look).by("deploy").at(day, 600)).collect::<Vec<_>>()
        };
        let change = |address: &str, day: i64| call("kms:PutKeyPolicy").by("deploy").from(address).at(day, 601);
        let months = |changes: &[CallLine]| {
            let calls = office(30).into_iter().chain((0..30).flat_map(plan)).chain(changes.iter().cloned());
            found(&calls.collect::<Vec<_>>())
        };
        let usual = "198.51.100.7";
        let at_its_desk = months(&[change(usual, 14), change(usual, 17), change(usual, 24)]);
        assert_eq!(types(&at_its_desk), ["PrivilegeEscalation:IAMUser/AnomalousBehavior"]);
        // A thief is told of although its victim was told of before, and from its desk the victim is learnt meanwhile.
        let mut and_a_thief = vec![change(usual, 14), change(usual, 17)];
        and_a_thief.extend(theft(17, 480).into_iter().map(|call| call.by("deploy")));
        let found = months(&and_a_thief);
        assert!(found.len() > 1 && format!("{:?}", found[1].signal.action).contains(THIEF), "{:?}", types(&found));
    }

    #[test]
    fn an_incident_that_several_answer_from_their_desks_is_no_news() {
        let answer = |user: &'static str, minute: i64| {
            let steps = ["ec2:CreateNetworkAclEntry", "iam:PutRolePolicy", "ec2:ModifyInstanceAttribute"];
            steps.into_iter().map(move |step| call(step).by(user).at(14, minute))
        };
        assert!(!found(&office_and(15, answer("bob", 600))).is_empty());
        let together = || answer("alice", 600).chain(answer("bob", 601)).chain(answer("carol", 602));
        assert_eq!(types(&found(&office_and(15, together()))), [""; 0]);
        let thief = |call: CallLine| call.from(THIEF).with(THIEFS_PROGRAM);
        assert!(!found(&office_and(15, together().map(thief))).is_empty(), "three stolen keys mute nothing");
    }

    #[test]
    fn a_forgotten_user_is_no_newcomer() {
        let look = ["iam:ListUsers", "eks:ListClusters", "rds:DescribeDBInstances", "ses:GetSendQuota", "glue:GetJobs"];
        let theft = |day: i64| {
            let used = (0..3).map(|hour| call("ssm:GetParameter").by("dave").at(0, 60 * (9 + hour)));
            let looks = look.map(|step| call(step).by("dave").from(THIEF).with(THIEFS_PROGRAM).at(day, 1_200));
            used.chain(looks).collect::<Vec<_>>()
        };
        assert_eq!(types(&found(&office_and(17, theft(16)))), ["Discovery:IAMUser/AnomalousBehavior"]);
        assert_eq!(types(&found(&office_and(17, theft(12)))), [""; 0], "known for less than a fortnight");
    }

    #[test]
    fn an_account_is_learnt_for_a_week_first() {
        let at_the_desk =
            theft(5, 600).into_iter().map(|call| call.from("198.51.100.7").with("aws-cli/2.15.30 Python/3.11.8"));
        assert_eq!(types(&found(&office_and(6, at_the_desk))), [""; 0]);
        let mut behaviour = AnomalousBehavior::new();
        assert_eq!(behaviour.learning(&Thresholds::default()), []);
        show(&mut behaviour, &office(2));
        let learning = behaviour.learning(&Thresholds::default());
        assert_eq!((learning[0].entity_kind, learning[0].reached, learning[0].of), ("account", 2, 7));
        let principals = &learning[1];
        assert_eq!((principals.entity_kind, principals.learning, principals.reached), ("principal", 3, 15));
    }

    /// Shows these calls to the behaviour itself.
    fn show(behaviour: &mut AnomalousBehavior, calls: &[CallLine]) {
        crate::testing::show(behaviour, &Knowledge::default(), &[&log(calls)]);
    }

    #[test]
    fn a_usual_call_that_is_throttled_stays_quiet() {
        let throttled = |action: &str| {
            let call = call(action).by("carol").at(14, 9 * 60 + 40);
            let known: Vec<CallLine> = (0..14).map(|day| self::call(action).by("carol").at(day, 9 * 60 + 40)).collect();
            known.into_iter().chain([call.failing("ThrottlingException")]).collect::<Vec<_>>()
        };
        assert_eq!(types(&found(&office_and(15, throttled("iam:AttachRolePolicy")))), [""; 0]);
        // That it is denied is another matter: somebody tries what is not theirs.
        let denied = call("iam:AttachRolePolicy").by("bob").from(THIEF).at(14, 600).failing("AccessDenied");
        assert_eq!(types(&found(&office_and(15, [denied]))), ["PrivilegeEscalation:IAMUser/AnomalousBehavior"]);
    }

    #[test]
    fn who_is_denied_what_it_does_each_day_lost_a_permission() {
        let denied = |user: &str| call("iam:CreateUser").by(user).at(14, 610).failing("AccessDenied");
        assert_eq!(types(&found(&office_and(15, [denied("carol")]))), [""; 0]);
        let other = call("iam:AttachRolePolicy").by("carol").at(14, 610).failing("AccessDenied");
        let kind = "PrivilegeEscalation:IAMUser/AnomalousBehavior";
        assert_eq!(types(&found(&office_and(15, [other]))), [kind], "what is not hers");
        let elsewhere = denied("carol").from(THIEF).with(THIEFS_PROGRAM);
        assert_eq!(types(&found(&office_and(15, [elsewhere]))), ["Persistence:IAMUser/AnomalousBehavior"]);
    }

    #[test]
    fn a_new_service_in_one_persons_work_stays_quiet() {
        let new = [
            "glue:GetDatabases",
            "glue:GetTables",
            "glue:GetJobs",
            "glue:CreateJob",
            "glue:StartJobRun",
            "glue:GetJobRuns",
        ];
        let work = new.into_iter().enumerate().map(|(at, action)| call(action).by("bob").at(14, 605 + at as i64));
        assert_eq!(types(&found(&office_and(15, work))), [""; 0]);
    }

    /// An administrator from the same desk: each day something else, of high risk too.
    fn administration(days: i64) -> Vec<CallLine> {
        const CHORES: [&str; 12] = [
            "iam:CreateRole",
            "iam:AttachRolePolicy",
            "iam:CreateAccessKey",
            "iam:UpdateAccessKey",
            "ec2:AuthorizeSecurityGroupIngress",
            "kms:CreateGrant",
            "secretsmanager:GetSecretValue",
            "ec2:CreateSnapshot",
            "iam:PutRolePolicy",
            "lambda:UpdateFunctionCode",
            "cloudtrail:UpdateTrail",
            "s3:PutBucketPolicy",
        ];
        let of_day = |day: i64| {
            (9..17).flat_map(move |hour| {
                let chore = |at: i64| CHORES[((day * 5 + hour * at) % 12) as usize];
                let look = ["iam:GetRole", "iam:ListRoles", "iam:ListPolicies", "kms:ListKeys"][(hour % 4) as usize];
                [chore(1), chore(3), look]
                    .into_iter()
                    .enumerate()
                    .map(move |(at, action)| call(action).by("dave").at(day, hour * 60 + 30 + at as i64))
            })
        };
        (0..days).flat_map(of_day).collect()
    }

    #[test]
    fn an_administrators_fortnight_stays_quiet() {
        assert_eq!(types(&found(&office_and(15, administration(15)))), [""; 0]);
        // And on the last day something that nobody has done before: a new duty is not a theft.
        let new = ["kms:PutKeyPolicy", "iam:UpdateAssumeRolePolicy"].map(|action| call(action).by("dave").at(14, 700));
        assert_eq!(types(&found(&office_and(15, administration(15).into_iter().chain(new)))), [""; 0]);
        let theft = theft(14, 600).into_iter().map(|call| call.by("dave"));
        assert!(!found(&office_and(15, administration(15).into_iter().chain(theft))).is_empty());
    }

    #[test]
    fn what_several_begin_on_one_day_is_no_news() {
        let new = [
            "glue:GetDatabases",
            "athena:ListWorkGroups",
            "redshift:DescribeClusters",
            "eks:ListClusters",
            "kafka:ListClusters",
        ];
        let tour = |user: &'static str, minute: i64| {
            new.into_iter().map(move |action| call(action).by(user).from(THIEF).at(14, minute))
        };
        let alone = found(&office_and(15, tour("bob", 600)));
        assert_eq!(types(&alone), ["Discovery:IAMUser/AnomalousBehavior"]);
        let together = tour("alice", 600).chain(tour("bob", 601)).chain(tour("carol", 602));
        assert_eq!(types(&found(&office_and(15, together))), [""; 0]);
    }

    #[test]
    fn a_failed_signature_and_a_service_prove_nothing() {
        let claims = theft(14, 600).into_iter().map(|call| call.failing("InvalidClientTokenId"));
        assert_eq!(types(&found(&office_and(15, claims))), [""; 0]);
    }

    #[test]
    fn what_fired_is_not_learnt_for_a_day() {
        let calls = office_and(16, theft(14, 600).into_iter().chain(theft(15, 605)));
        let found = found(&calls);
        assert_eq!(found.len(), 4, "{:?}", types(&found));
        assert!(found[2].signal.reasons[0].contains("Never called by it before"), "{:?}", found[2].signal.reasons);
    }

    #[test]
    fn whose_credentials_a_stranger_used_is_learnt_from_its_desk_all_the_same() {
        let active_hours = |calls: Vec<CallLine>| {
            let found = found(&office_and(17, calls));
            let reasons = &found.last().unwrap().signal.reasons;
            number_after(reasons.iter().find(|reason| reason.contains("was active in ")).unwrap(), "was active in ")
        };
        let twice = theft(14, 600).into_iter().chain(theft(16, 600)).collect();
        assert!((active_hours(twice) - active_hours(theft(16, 600))).abs() < 0.5);
    }

    /// The role of this name in one of the organisation's accounts.
    fn arn(account: i64, name: &str) -> String {
        format!("arn:aws:iam::{}:role/{name}", 111_122_223_333 + account)
    }

    /// A pipeline that assumes its role in one account in each run, by day and night.
    fn pipeline(days: i64) -> Vec<CallLine> {
        let run = |at: i64| {
            let (day, minute) = (at / 6, at % 6 * 240 + 5);
            let assume = call("sts:AssumeRole").of_role(&arn(0, "Deploy"));
            [assume, call("ecs:UpdateService")].map(|call| call.by("pipeline").at(day, minute))
        };
        (0..days * 6).flat_map(run).collect()
    }

    /// The pipeline's key asks for these roles, one after the other.
    fn hopping<'n>(
        names: impl IntoIterator<Item = &'n str>,
        (day, first, gap): (i64, i64, i64),
        error: &str,
    ) -> Vec<CallLine> {
        let asked = names.into_iter().zip(0..);
        let ask = |(name, at): (&str, i64)| {
            let call = call("sts:AssumeRole").by("pipeline").of_role(&arn(at, name)).at(day, first + gap * at);
            if at % 3 == 0 { call } else { call.failing(error) }
        };
        asked.map(ask).collect()
    }

    const TRIED: [&str; 12] = [
        "OrganizationAccountAccessRole",
        "Admin",
        "AWSControlTowerExecution",
        "terraform",
        "ci",
        "PowerUser",
        "Developer",
        "ReadOnly",
        "SecurityAudit",
        "backup",
        "BreakGlass",
        "Jenkins",
    ];

    fn with_pipeline(days: i64, more: Vec<CallLine>) -> Vec<CallLine> {
        office(days).into_iter().chain(pipeline(days)).chain(more).collect()
    }

    #[test]
    fn a_dozen_new_roles_in_an_hour_or_over_a_day_are_somebody_who_tries_a_key() {
        for (first, gap) in [(610, 3), (20, 110)] {
            let found = found(&with_pipeline(15, hopping(TRIED, (14, first, gap), "AccessDenied")));
            assert_eq!(types(&found), ["InitialAccess:IAMUser/AnomalousBehavior"], "every {gap} minutes");
            let signal = &found[0].signal;
            assert_eq!(signal.entity, "arn:aws:iam::111122223333:user/pipeline");
            assert!(signal.reasons[0].contains("roles in 24 hours of names that it never assumed before"));
            assert!(signal.reasons[0].contains(&arn(1, "Admin")), "{:#?}", signal.reasons);
            assert!(signal.reasons[1].starts_with("Before that it assumed roles of 1 names"), "{:#?}", signal.reasons);
        }
    }

    #[test]
    fn a_few_new_roles_and_the_usual_one_in_other_accounts_stay_quiet() {
        let few = hopping(TRIED.into_iter().take(7), (14, 610, 3), "");
        assert_eq!(types(&found(&with_pipeline(15, few))), [""; 0]);
        let others = hopping(["Deploy"; 40], (14, 610, 1), "");
        assert_eq!(types(&found(&with_pipeline(15, others))), [""; 0], "accounts that joined the organisation");
    }

    #[test]
    fn a_scan_of_all_accounts_is_told_once_and_then_known() {
        let scan = |day: i64| hopping(["Scan"; 60], (day, 120, 0), "");
        let later: Vec<CallLine> = (12..20).flat_map(scan).collect();
        let told = found(&with_pipeline(20, later));
        assert_eq!(types(&told), ["InitialAccess:IAMUser/AnomalousBehavior"]);
        assert!(told[0].signal.reasons[0].contains("asked for 60 roles"), "{:#?}", told[0].signal.reasons);
        let from_the_first_day: Vec<CallLine> = (0..20).flat_map(scan).collect();
        assert_eq!(types(&found(&with_pipeline(20, from_the_first_day))), [""; 0]);
    }

    #[test]
    fn where_calls_were_learnt_before_roles_were_roles_count_after_a_week() {
        let hopped = |day: i64| {
            let former = (0..14 * 6).map(|at| call("sts:AssumeRole").by("pipeline").at(at / 6, at % 6 * 240 + 5));
            let since = pipeline(25).into_iter().filter(|call| call.is_from_day(14));
            let hopping = hopping(TRIED, (day, 610, 3), "AccessDenied");
            types(&found(&office(25).into_iter().chain(former).chain(since).chain(hopping).collect::<Vec<_>>()))
        };
        assert_eq!(hopped(15), [""; 0]);
        assert_eq!(hopped(23), ["InitialAccess:IAMUser/AnomalousBehavior"]);
    }

    #[test]
    fn a_role_that_nobody_assumed_adds_to_what_a_stranger_does() {
        let theft = |role: &str| {
            let ask = call("sts:AssumeRole").of_role(&arn(0, role));
            let calls = [ask, call("sts:GetCallerIdentity"), call("kms:CreateGrant")];
            let calls = calls.map(|call| call.by("pipeline").from(THIEF).with(THIEFS_PROGRAM).at(14, 610));
            found(&with_pipeline(15, calls.into()))
        };
        let of_role = |found: &[Verdict]| {
            let reasons = found.iter().flat_map(|verdict| &verdict.signal.reasons);
            reasons.filter(|reason| reason.starts_with("The role `")).cloned().collect::<Vec<_>>()
        };
        let new = theft("Admin");
        assert!(
            of_role(&new)[0].starts_with("The role `Admin` is new for `pipeline`, its peers and the account"),
            "{new:#?}"
        );
        check_arithmetic(&new[0]);
        assert_eq!(of_role(&theft("Deploy")), [""; 0]);
    }

    #[test]
    fn to_be_denied_another_role_is_no_lost_permission() {
        let step = |role: &str| {
            let denied =
                call("sts:AssumeRole").of_role(&arn(0, role)).failing("AccessDenied").by("pipeline").at(14, 600);
            // With something that fires, so that the reasons tell.
            let found = found(&with_pipeline(15, vec![denied, call("kms:PutKeyPolicy").by("pipeline").at(14, 600)]));
            let reasons = found[0].signal.reasons.clone();
            reasons.into_iter().any(|reason| reason.contains("sts:AssumeRole (denied, once)"))
        };
        assert!(step("Admin"));
        assert!(!step("Deploy"));
    }

    #[test]
    fn to_shut_buckets_to_the_public_is_no_attack_and_to_open_one_is() {
        let set = |flags: [bool; 4]| -> Vec<CallLine> {
            let put = |at: i64| {
                let put = call("s3:PutBucketPublicAccessBlock").setting(&format!("reports-{at}"), flags);
                put.by("bob").at(14, 11 * 60 + 15 + at)
            };
            (0..20).map(put).collect()
        };
        assert_eq!(types(&found(&office_and(15, set([true; 4])))), [""; 0]);
        let opened = found(&office_and(15, set([true, true, false, true])));
        assert_eq!(types(&opened), ["Impact:IAMUser/AnomalousBehavior"]);
        // And what shuts the public out every day does not make it usual to let it in.
        let daily = (0..14).flat_map(|day| set([true; 4]).into_iter().map(move |call| call.at(day, 600)));
        let opened = found(&office_and(15, daily.chain(set([false; 4]))));
        assert_eq!(types(&opened), ["Impact:IAMUser/AnomalousBehavior"]);
    }

    #[test]
    fn files_in_any_order_give_the_same() {
        let calls = office_and(15, theft(14, 600));
        let (one, other) = calls.split_at(calls.len() / 2);
        let knowledge = Knowledge::default();
        let found = |files: &[&str]| {
            let mut signals: Vec<String> =
                verdicts(&DETECTION, &knowledge, files).iter().map(|verdict| format!("{:?}", verdict.signal)).collect();
            signals.sort();
            signals
        };
        let (one, other) = (log(one), log(other));
        assert_eq!(found(&[&one, &other]), found(&[&other, &one]));
    }

    #[test]
    fn a_saved_state_goes_on() {
        let mut behaviour = AnomalousBehavior::new();
        show(&mut behaviour, &office_and(15, theft(14, 20 * 60 + 49)));
        let mut restored = AnomalousBehavior::new();
        restored.load(behaviour.save()).unwrap();
        assert_eq!(restored.save(), behaviour.save());
        assert!(restored.load(serde_json::json!({"version": 0})).is_err());
    }

    #[test]
    fn a_state_of_before_roles_were_told_apart_is_taken_over() {
        let mut behaviour = AnomalousBehavior::new();
        show(&mut behaviour, &office_and(15, theft(14, 20 * 60 + 49)));
        let saved = behaviour.save();
        let former = serde_json::to_string(&saved).unwrap().replace(r#","roles":[]"#, "");
        let mut former: serde_json::Value = serde_json::from_str(&former).unwrap();
        former["version"] = 2.into();
        former.as_object_mut().unwrap().remove("roles");
        assert!(!former.to_string().contains("roles"));
        let mut restored = AnomalousBehavior::new();
        restored.load(former).unwrap();
        assert_eq!(restored.save(), saved);
    }

    /// The number after `before`, up to the next character that no number has.
    fn number_after(text: &str, before: &str) -> f64 {
        let rest = &text[text.find(before).unwrap_or_else(|| panic!("{before} in {text}")) + before.len()..];
        let end = rest.find(|letter: char| !letter.is_ascii_digit() && letter != '.').unwrap_or(rest.len());
        rest[..end].trim_end_matches('.').parse().unwrap()
    }

    /// What stands between these.
    fn between<'t>(text: &'t str, before: &str, after: &str) -> &'t str {
        text.split_once(before).and_then(|(_, rest)| rest.split_once(after)).map(|(found, _)| found).unwrap()
    }

    /// −log2 p of this call or circumstance, from "Bits of …: −log2 of p, where p = 1/20000; account: (0 + 9·p)/(700 + 9), …".
    fn bits_by_hand(name: &str, reasons: &[String]) -> f64 {
        let is_of = |reason: &&String| {
            let names =
                reason.strip_prefix("Bits of ").and_then(|rest| rest.split_once(": −log2")).map(|(names, _)| names);
            names.is_some_and(|names| names.split(", ").any(|one| one == name))
        };
        let formula = reasons.iter().find(is_of).unwrap_or_else(|| panic!("{name} in {reasons:#?}"));
        let formula = formula.split("where p = ").nth(1).unwrap();
        let mut p = 1.0 / number_after(formula, "1/");
        for level in formula.split("; ").skip(1) {
            let (count, distinct) = (number_after(level, "("), number_after(level, " + "));
            let total = number_after(level, ")/(");
            if total + distinct > 0.0 {
                p = (count + distinct * p) / (total + distinct);
            }
        }
        -p.log2()
    }

    #[test]
    fn the_score_can_be_computed_by_hand_from_the_reasons() {
        check_arithmetic(&found(&office_and(15, theft(14, 600)))[0]);
        assert!(matches!(DETECTION.rule, Rule::Behaviour(_)));
    }

    /// Computes the score again from what the reasons say.
    fn check_arithmetic(verdict: &Verdict) {
        let reasons = &verdict.signal.reasons;
        let (mut largest, mut context) = (Vec::new(), 0.0);
        for reason in reasons {
            if reason.contains(" bits × ") {
                let weight = number_after(reason, " bits × ");
                let name = between(reason, " called ", " (");
                largest.push(bits_by_hand(name, reasons).min(24.0) * weight);
            } else if reason.contains(", halved: ") {
                let (offset, cap) = (number_after(reason, " bits − "), number_after(reason, ", at most "));
                let bits = bits_by_hand(between(reason, "The ", " is "), reasons);
                context += (bits.min(24.0) - offset).clamp(0.0, cap) / 2.0;
            }
        }
        let mean = largest.iter().sum::<f64>() / 5.0 + context;
        let score = reasons.iter().find(|reason| reason.starts_with("Score: ")).unwrap();
        let said = number_after(&score[score.find(" = ").unwrap()..], " = ");
        assert!((said - mean).abs() < 0.1, "{said} {mean} {reasons:#?}");
        let single = largest[0] + context;
        assert!(mean >= 19.0 || single >= 33.0, "{mean} {single}");
    }
}
