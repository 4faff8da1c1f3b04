//! Accounts to test with: who calls what, on which days.

use serde_json::{Value, json};
use watchfire_model::Time;

/// Monday, 2024-04-01.
pub(crate) const MONDAY: i64 = 1_711_929_600_000;

/// One CloudTrail event.
#[derive(Clone, Debug)]
pub(crate) struct CallLine {
    at: i64,
    action: String,
    user: String,
    address: String,
    agent: String,
    error: String,
    request: Value,
}

/// Alice calls ec2:DescribeInstances from her office with the command line, on the first Monday at midnight.
pub(crate) fn call(action: &str) -> CallLine {
    CallLine {
        at: MONDAY,
        action: action.to_owned(),
        user: "alice".to_owned(),
        address: "198.51.100.7".to_owned(),
        agent: "aws-cli/2.15.30 Python/3.11.8".to_owned(),
        error: String::new(),
        request: Value::Null,
    }
}

impl CallLine {
    pub(crate) fn by(self, user: &str) -> Self {
        Self { user: user.to_owned(), ..self }
    }

    pub(crate) fn from(self, address: &str) -> Self {
        Self { address: address.to_owned(), ..self }
    }

    pub(crate) fn with(self, agent: &str) -> Self {
        Self { agent: agent.to_owned(), ..self }
    }

    pub(crate) fn failing(self, error: &str) -> Self {
        Self { error: error.to_owned(), ..self }
    }

    pub(crate) fn on(self, bucket: &str) -> Self {
        Self { request: json!({"bucketName": bucket}), ..self }
    }

    /// For the role of this ARN.
    pub(crate) fn of_role(self, arn: &str) -> Self {
        Self { request: json!({"roleArn": arn, "roleSessionName": "session", "durationSeconds": 3_600}), ..self }
    }

    /// Sets these of Block Public Access on a bucket.
    pub(crate) fn setting(self, bucket: &str, flags: [bool; 4]) -> Self {
        let [ignore, restrict, acls, policy] = flags;
        let block = json!({"IgnorePublicAcls": ignore, "RestrictPublicBuckets": restrict, "BlockPublicAcls": acls,
            "BlockPublicPolicy": policy});
        Self { request: json!({"bucketName": bucket, "PublicAccessBlockConfiguration": block}), ..self }
    }

    /// Day of the first month, from 0, and minute of the day.
    pub(crate) fn at(self, day: i64, minute: i64) -> Self {
        Self { at: MONDAY + day * Time::DAY_MS + minute * Time::MINUTE_MS, ..self }
    }

    /// Whether it is made on this day of the first month or later.
    pub(crate) fn is_from_day(&self, day: i64) -> bool {
        self.at >= MONDAY + day * Time::DAY_MS
    }

    pub(crate) fn line(&self, serial: usize) -> String {
        let (service, name) = self.action.split_once(':').unwrap_or_default();
        let is_data = service == "s3" && (name.ends_with("Object") || name.starts_with("ListObject"));
        let mut event = serde_json::json!({
            "eventVersion": "1.09", "eventTime": format!("{}T{}Z", Time::from_ms(self.at).date(), clock(self.at)),
            "eventSource": format!("{service}.amazonaws.com"), "eventName": name, "awsRegion": "eu-west-1",
            "sourceIPAddress": self.address, "userAgent": self.agent, "eventID": format!("{serial:08}"),
            "eventType": "AwsApiCall", "managementEvent": !is_data,
            "eventCategory": if is_data { "Data" } else { "Management" }, "recipientAccountId": "111122223333",
            "requestParameters": self.request,
            "userIdentity": {
                "type": "IAMUser", "arn": format!("arn:aws:iam::111122223333:user/{}", self.user),
                "principalId": format!("AIDA{}", self.user.to_uppercase()), "accountId": "111122223333",
                "accessKeyId": format!("AKIA{}", self.user.to_uppercase()), "userName": self.user
            }
        });
        if !self.error.is_empty() {
            event["errorCode"] = self.error.clone().into();
        }
        event.to_string()
    }
}

/// `HH:MM:SS` of a moment.
fn clock(ms: i64) -> String {
    let seconds = ms.rem_euclid(Time::DAY_MS) / 1_000;
    format!("{:02}:{:02}:{:02}", seconds / 3_600, seconds / 60 % 60, seconds % 60)
}

/// Three people at work from nine to five on so many days: each looks at instances and buckets, reads parameters and now
/// and then starts something; carol also manages users.
pub(crate) fn office(days: i64) -> Vec<CallLine> {
    let mut calls = Vec::new();
    for day in 0..days {
        for (person, user) in ["alice", "bob", "carol"].into_iter().enumerate() {
            for hour in 9..17 {
                let minute = hour * 60 + 7 * person as i64;
                for (at, action) in USUAL.into_iter().enumerate() {
                    if (day + hour + at as i64) % (1 + at as i64) == 0 {
                        calls.push(call(action).by(user).at(day, minute + at as i64));
                    }
                }
                if user == "carol" && hour % 4 == 0 {
                    calls.push(call("iam:ListUsers").by(user).at(day, minute + 20));
                    calls.push(call("iam:CreateUser").by(user).at(day, minute + 21));
                }
            }
        }
    }
    calls
}

const USUAL: [&str; 8] = [
    "ec2:DescribeInstances",
    "s3:ListBuckets",
    "ec2:DescribeSecurityGroups",
    "monitoring:GetMetricData",
    "logs:DescribeLogGroups",
    "ec2:StartInstances",
    "ec2:StopInstances",
    "ssm:GetParameter",
];

/// The lines of a log in the order given.
pub(crate) fn log(calls: &[CallLine]) -> String {
    let lines: Vec<String> = calls.iter().enumerate().map(|(serial, call)| call.line(serial)).collect();
    lines.join("\n")
}
