//! What was read: records by account, region, source and hour.

use crate::tallier::is_same;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use watchfire_model::{CallCategory, Record, RecordKind, Time};

/// Counts of what was read. Sums: the census of two workers is their merger, in any order.
#[derive(Default, Clone, Debug, Serialize, Deserialize)]
pub struct Census {
    groups: Vec<Group>,
    last: usize,
    /// Records outside the asked-for time, accounts or regions: read, counted, not analysed.
    pub outside: u64,
    /// Records without an account.
    pub without_account: u64,
    /// CloudTrail management events.
    pub management_events: u64,
    /// CloudTrail data events of S3.
    pub s3_data_events: u64,
}

#[derive(Clone, Debug, Serialize, Deserialize)]
struct Group {
    account: String,
    region: String,
    kind: RecordKind,
    coverage: Coverage,
    hour: i64,
    hour_count: u64,
}

/// What was read of one source.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Coverage {
    /// Records.
    pub records: u64,
    /// The earliest event time.
    pub first: Time,
    /// The latest event time.
    pub last: Time,
    /// Records by clock hour since the epoch.
    pub hours: BTreeMap<i64, u64>,
}

impl Default for Coverage {
    fn default() -> Self {
        Self { records: 0, first: Time::from_ms(i64::MAX), last: Time::from_ms(i64::MIN), hours: BTreeMap::new() }
    }
}

/// Coverage by (account, region, source).
pub type CoverageMap = BTreeMap<(String, String, RecordKind), Coverage>;

impl Census {
    /// Counts one record. On the hot path: most records are of the same group and hour as the one before.
    #[inline]
    pub fn count(&mut self, record: &Record<'_>) {
        let (account, region, kind, time) = (record.account(), record.region(), record.kind(), record.time());
        self.without_account += u64::from(account.is_empty());
        if let Record::ApiCall(call) = record {
            self.management_events += u64::from(call.category == CallCategory::Management);
            self.s3_data_events += u64::from(call.is_s3_data());
        }
        let is_last = |group: &Group| {
            group.kind == kind
                && is_same(group.account.as_bytes(), account.as_bytes())
                && is_same(group.region.as_bytes(), region.as_bytes())
        };
        if !self.groups.get(self.last).is_some_and(is_last) {
            self.last = self.place_of(account, region, kind);
        }
        let group = &mut self.groups[self.last];
        group.coverage.records += 1;
        group.coverage.first = group.coverage.first.min(time);
        group.coverage.last = group.coverage.last.max(time);
        if group.hour != time.hour() {
            group.close_hour();
            group.hour = time.hour();
        }
        group.hour_count += 1;
    }

    /// Adds another worker's counts.
    pub fn merge(&mut self, other: Self) {
        self.outside += other.outside;
        self.without_account += other.without_account;
        self.management_events += other.management_events;
        self.s3_data_events += other.s3_data_events;
        for mut theirs in other.groups {
            theirs.close_hour();
            let place = self.place_of(&theirs.account, &theirs.region, theirs.kind);
            self.groups[place].coverage.merge(&theirs.coverage);
        }
    }

    /// What was read of each source.
    pub fn coverage(self) -> CoverageMap {
        let close = |mut group: Group| {
            group.close_hour();
            ((group.account, group.region, group.kind), group.coverage)
        };
        self.groups.into_iter().map(close).collect()
    }

    /// The place of this group, made if new.
    fn place_of(&mut self, account: &str, region: &str, kind: RecordKind) -> usize {
        let is_it = |group: &Group| group.kind == kind && group.account == account && group.region == region;
        self.groups.iter().position(is_it).unwrap_or_else(|| {
            let (account, region, coverage) = (account.to_owned(), region.to_owned(), Coverage::default());
            self.groups.push(Group { account, region, kind, coverage, hour: i64::MIN, hour_count: 0 });
            self.groups.len() - 1
        })
    }
}

impl Group {
    fn close_hour(&mut self) {
        if self.hour_count > 0 {
            *self.coverage.hours.entry(self.hour).or_default() += self.hour_count;
            self.hour_count = 0;
        }
    }
}

impl Coverage {
    fn merge(&mut self, other: &Self) {
        self.records += other.records;
        self.first = self.first.min(other.first);
        self.last = self.last.max(other.last);
        for (hour, count) in &other.hours {
            *self.hours.entry(*hour).or_default() += count;
        }
    }

    /// Runs of clock hours without a record between the first and the last: (begin, end).
    pub fn gaps(&self) -> Vec<(Time, Time)> {
        let hours: Vec<i64> = self.hours.keys().copied().collect();
        let moment = |hour: i64| Time::from_ms(hour * Time::HOUR_MS);
        hours
            .windows(2)
            .filter(|pair| pair[1] - pair[0] > 1)
            .map(|pair| (moment(pair[0] + 1), moment(pair[1])))
            .collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use watchfire_model::DnsQuery;

    #[test]
    fn an_hour_without_records_is_a_gap() {
        let mut census = Census::default();
        for hour in [0, 1, 4] {
            let query =
                DnsQuery { account: "1".into(), time: Time::from_ms(hour * Time::HOUR_MS + 5), ..DnsQuery::default() };
            census.count(&Record::DnsQuery(query));
        }
        let mut all = census.clone();
        all.merge(census);
        let coverage = all.coverage().into_values().next().unwrap();
        assert_eq!((coverage.records, coverage.hours[&1]), (6, 2));
        assert_eq!(coverage.gaps(), [(Time::from_ms(2 * Time::HOUR_MS), Time::from_ms(4 * Time::HOUR_MS))]);
    }
}
