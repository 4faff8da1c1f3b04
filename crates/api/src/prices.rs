//! What Amazon would charge for what was analysed. Its published prices are a file with a date; the user's own may take its
//! place.

use serde::Deserialize;
use std::collections::BTreeMap;
use watchfire_store::Usage;

const SHIPPED: &str = include_str!("../../../catalogue/prices.json");

/// Prices, in USD.
#[derive(Clone, Debug, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Prices {
    /// What the file is about, for people.
    #[serde(default)]
    pub about: String,
    /// When they were read, `2026-01-31`.
    pub date: String,
    /// Where.
    #[serde(default)]
    pub source: String,
    groups: Vec<Group>,
}

/// Features that are charged together: their tiers count the sum of what they have analysed.
#[derive(Clone, Debug, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct Group {
    features: Vec<String>,
    counts: Counts,
    /// How many events or bytes a price is for.
    per: f64,
    tiers: Vec<Tier>,
}

#[derive(Clone, Copy, Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
enum Counts {
    Events,
    Bytes,
}

#[derive(Clone, Debug, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct Tier {
    /// In units of `per`, from zero; the last tier has none.
    #[serde(default)]
    up_to: Option<f64>,
    price: f64,
}

/// The prices could not be read.
#[derive(Debug, thiserror::Error)]
pub enum PricesError {
    /// The file was not what it should be.
    #[error("the prices are not in the form of catalogue/prices.json")]
    Json(#[from] serde_json::Error),
    /// A price or a bound makes no sense.
    #[error(
        "the prices of {features} are no tiers: bounds must grow, the last tier has none, and no number is negative"
    )]
    Tiers {
        /// The features of the group.
        features: String,
    },
}

impl Prices {
    /// The prices that ship with the program.
    pub fn shipped() -> Self {
        // The text is part of the program, and a test reads it.
        Self::parse(SHIPPED).unwrap_or(Self {
            about: String::new(),
            date: String::new(),
            source: String::new(),
            groups: Vec::new(),
        })
    }

    /// Reads a file like `catalogue/prices.json`.
    pub fn parse(text: &str) -> Result<Self, PricesError> {
        let prices: Self = serde_json::from_str(text)?;
        for group in &prices.groups {
            let bounds: Vec<f64> = group.tiers.iter().map(|tier| tier.up_to.unwrap_or(f64::INFINITY)).collect();
            let grow = bounds.windows(2).all(|pair| pair[0] < pair[1]) && bounds.last() == Some(&f64::INFINITY);
            let sound = group.per > 0.0 && group.tiers.iter().all(|tier| tier.price >= 0.0);
            if !grow || !sound {
                return Err(PricesError::Tiers { features: group.features.join(" and ") });
            }
        }
        Ok(prices)
    }

    /// What one month's usage of one account in one region costs, for each of its entries, in USD. Features without a price
    /// cost nothing.
    pub fn costs(&self, usage: &[Usage]) -> Vec<f64> {
        let mut totals: BTreeMap<usize, f64> = BTreeMap::new();
        let group_of = |one: &Usage| self.groups.iter().position(|group| group.features.contains(&one.source));
        for one in usage {
            if let Some(at) = group_of(one) {
                *totals.entry(at).or_default() += self.groups[at].units(one);
            }
        }
        let cost = |one: &Usage| {
            let at = group_of(one)?;
            let total = totals.get(&at).copied().filter(|total| *total > 0.0)?;
            // Of what the group costs, the share that this entry has analysed.
            Some(self.groups[at].cost(total) * self.groups[at].units(one) / total)
        };
        usage.iter().map(|one| cost(one).unwrap_or(0.0)).collect()
    }
}

impl Group {
    fn units(&self, usage: &Usage) -> f64 {
        let count = match self.counts {
            Counts::Events => usage.events,
            Counts::Bytes => usage.bytes,
        };
        count as f64 / self.per
    }

    fn cost(&self, units: f64) -> f64 {
        let (mut cost, mut below) = (0.0, 0.0);
        for tier in &self.tiers {
            let up_to = tier.up_to.unwrap_or(f64::INFINITY).min(units);
            cost += (up_to - below).max(0.0) * tier.price;
            below = up_to.max(below);
        }
        cost
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn usage(source: &str, events: u64, gigabytes: u64) -> Usage {
        Usage {
            account: "1".into(),
            region: "r".into(),
            source: source.into(),
            resource: String::new(),
            events,
            bytes: gigabytes << 30,
            first_day: 0,
            last_day: 0,
        }
    }

    #[test]
    fn tiers_count_what_is_charged_together() {
        let prices = Prices::parse(SHIPPED).unwrap();
        assert_eq!(prices.date.len(), 10);
        assert_eq!(prices.costs(&[usage("CLOUD_TRAIL", 2_500_000, 9)]), [10.0]);
        // 3,000 GB: 500 at 1 USD, 2,000 at 0.50, 500 at 0.25; a third of it for names.
        assert_eq!(
            prices.costs(&[usage("FLOW_LOGS", 0, 2_000), usage("DNS_LOGS", 0, 1_000)]),
            [1_083.0 + 1.0 / 3.0, 541.0 + 2.0 / 3.0]
        );
        assert_eq!(prices.costs(&[usage("NOTHING", 5, 5), usage("CLOUD_TRAIL", 0, 0)]), [0.0, 0.0]);
    }

    #[test]
    fn prices_that_make_no_sense_are_refused() {
        let with = |tiers: &str| {
            format!(
                r#"{{"date": "2026-01-01", "groups": [{{"features": ["A"], "counts": "events", "per": 1, "tiers": {tiers}}}]}}"#
            )
        };
        assert!(Prices::parse(&with(r#"[{"price": 1}]"#)).is_ok());
        for tiers in
            ["[]", r#"[{"upTo": 5, "price": 1}]"#, r#"[{"price": -1}]"#, r#"[{"price": 1}, {"upTo": 5, "price": 1}]"#]
        {
            assert!(matches!(Prices::parse(&with(tiers)), Err(PricesError::Tiers { .. })), "{tiers}");
        }
    }
}
