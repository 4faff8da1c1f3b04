//! `watchfire usage`.

use super::print;
use crate::cli::{KeyFormat, UsageArguments};
use crate::data::{database, location};
use crate::server_settings::prices;
use anyhow::{Context, Result, ensure};
use serde_json::{Value, json};
use std::fmt::Write;
use std::process::ExitCode;
use tokio::runtime::Builder;
use watchfire_api::Prices;
use watchfire_model::Time;
use watchfire_store::{FILE_NAME, Store, Usage, UsageRange};

/// Days that are told of unless said otherwise: what `GetUsageStatistics` sums, a month that ends today.
const DAYS: i64 = 30;

/// Tells what was analysed, and what Amazon would charge for it.
pub fn run(arguments: &UsageArguments) -> Result<ExitCode> {
    let data = &arguments.place.data;
    let database = database(&arguments.place.database, None, None)?;
    let is_there = database.is_some() || data.join(FILE_NAME).exists();
    ensure!(is_there, "`{}` holds no store: it is no data directory of a server", data.display());
    let prices = arguments.prices.as_deref().map_or_else(|| Ok(Prices::shipped()), prices)?;
    let to = arguments.to.unwrap_or_else(now).day();
    let from = arguments.from.map_or(to - (DAYS - 1), Time::day);
    ensure!(from <= to, "--from is after --to");
    let range = UsageRange {
        accounts: Some(arguments.account.clone()).filter(|accounts| !accounts.is_empty()),
        region: arguments.region.clone(),
        from_day: Some(from),
        to_day: Some(to),
    };
    let runtime = Builder::new_current_thread().enable_all().build().context("could not start the runtime")?;
    let store = Store::open(&location(data, database))?;
    let usage = by_source(runtime.block_on(store.usage(&range))?);
    let costs: Vec<f64> = usage
        .chunk_by(|a, b| (&a.account, &a.region) == (&b.account, &b.region))
        .flat_map(|of_region| prices.costs(of_region))
        .collect();
    let rows: Vec<(&Usage, f64)> = usage.iter().zip(costs).collect();
    let text = match arguments.format {
        KeyFormat::Json => as_json(&rows, &prices, from, to).to_string() + "\n",
        KeyFormat::Text => as_text(&rows, &prices, from, to),
    };
    print(&text)?;
    Ok(ExitCode::SUCCESS)
}

/// Summed over resources. Entries come by account, region and source.
fn by_source(usage: Vec<Usage>) -> Vec<Usage> {
    let mut summed: Vec<Usage> = Vec::new();
    for one in usage {
        match summed.last_mut() {
            Some(last) if (&last.account, &last.region, &last.source) == (&one.account, &one.region, &one.source) => {
                last.events += one.events;
                last.bytes += one.bytes;
            }
            _ => summed.push(Usage { resource: String::new(), ..one }),
        }
    }
    summed
}

fn as_json(rows: &[(&Usage, f64)], prices: &Prices, from: i64, to: i64) -> Value {
    let row = |(usage, cost): &(&Usage, f64)| {
        json!({
            "accountId": usage.account, "region": usage.region, "source": usage.source, "events": usage.events,
            "bytes": usage.bytes, "estimatedCost": round(*cost),
        })
    };
    json!({
        "from": date(from), "to": date(to), "currency": "USD", "pricesOf": prices.date, "pricesFrom": prices.source,
        "estimatedCost": round(rows.iter().map(|(_, cost)| cost).sum()),
        "usage": rows.iter().map(row).collect::<Vec<_>>(),
    })
}

fn as_text(rows: &[(&Usage, f64)], prices: &Prices, from: i64, to: i64) -> String {
    let mut text = format!("What was analysed from {} to {}, by day of arrival (UTC)\n\n", date(from), date(to));
    if rows.is_empty() {
        text.push_str("Nothing.\n");
        return text;
    }
    let head = ["ACCOUNT", "REGION", "SOURCE", "EVENTS", "GIB", "USD"];
    let mut table = vec![head.map(str::to_owned)];
    for (usage, cost) in rows {
        table.push([
            usage.account.clone(),
            usage.region.clone(),
            usage.source.clone(),
            grouped(usage.events),
            format!("{:.3}", usage.bytes as f64 / f64::from(1 << 30)),
            format!("{cost:.2}"),
        ]);
    }
    let widths: [usize; 6] = std::array::from_fn(|at| table.iter().map(|row| row[at].len()).max().unwrap_or(0));
    for row in &table {
        let [account, region, source, events, bytes, cost] = row;
        let [a, r, s, e, b, c] = widths;
        let _ = writeln!(text, "{account:<a$}  {region:<r$}  {source:<s$}  {events:>e$}  {bytes:>b$}  {cost:>c$}");
    }
    let total: f64 = rows.iter().map(|(_, cost)| cost).sum();
    let _ = writeln!(
        text,
        "\nAmazon would charge about {total:.2} USD for it, at its published prices of {} ({}).\n\
         Watchfire charges nothing; --prices takes other prices.",
        prices.date, prices.source
    );
    text
}

/// Thousands set apart: `1,234,567`.
fn grouped(number: u64) -> String {
    let digits = number.to_string();
    let mut text = String::new();
    for (at, digit) in digits.chars().enumerate() {
        if at > 0 && (digits.len() - at).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

/// To a hundredth of a cent, as the API tells it.
fn round(cost: f64) -> f64 {
    (cost * 10_000.0).round() / 10_000.0
}

fn date(day: i64) -> String {
    Time::from_ms(day * Time::DAY_MS).to_string().chars().take(10).collect()
}

fn now() -> Time {
    Time::from_ms(jiff::Timestamp::now().as_millisecond())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn usage(region: &str, source: &str, resource: &str, events: u64) -> Usage {
        let text = str::to_owned;
        Usage {
            account: text("111122223333"),
            region: text(region),
            source: text(source),
            resource: text(resource),
            events,
            bytes: 1 << 30,
            first_day: 0,
            last_day: 0,
        }
    }

    #[test]
    fn resources_of_one_source_are_summed_and_regions_are_not() {
        let summed = by_source(vec![
            usage("eu-west-1", "CLOUD_TRAIL", "", 3),
            usage("eu-west-1", "S3_DATA_EVENTS", "one", 5),
            usage("eu-west-1", "S3_DATA_EVENTS", "two", 7),
            usage("us-east-1", "S3_DATA_EVENTS", "one", 1),
        ]);
        let events: Vec<u64> = summed.iter().map(|one| one.events).collect();
        assert_eq!(events, [3, 12, 1]);
        assert_eq!(summed[1].bytes, 2 << 30);
    }

    #[test]
    fn the_table_names_its_days_and_its_prices() {
        let one = usage("eu-west-1", "CLOUD_TRAIL", "", 2_500_000);
        let text = as_text(&[(&one, 10.0)], &Prices::shipped(), 20_000, 20_029);
        assert!(text.contains("from 2024-10-04 to 2024-11-02"), "{text}");
        assert!(text.contains("2,500,000  1.000  10.00") && text.contains(&Prices::shipped().date), "{text}");
        assert_eq!([grouped(0), grouped(999), grouped(1_000)], ["0", "999", "1,000"]);
    }
}
