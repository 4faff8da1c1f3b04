//! What was analysed in the last thirty days, and what Amazon would charge for it.

use super::page::{Tab, bytes, choose, frame};
use super::viewer::{Viewer, scope_of};
use super::web::{self, Ask};
use crate::error::ApiError;
use crate::resources::usage::{Charged, charged_in};
use crate::service::Answer;
use hyper::StatusCode;
use maud::{Markup, html};
use std::collections::{BTreeMap, BTreeSet};
use watchfire_export::grouped;
use watchfire_store::Scope;

const PATH: &str = "/console/usage";

/// Rows on the page. Ours.
const SHOWN_MAX: usize = 500;

#[derive(Clone, Copy, Default)]
struct Sum {
    events: u64,
    bytes: u64,
    cost: f64,
}

impl Sum {
    fn add(&mut self, one: &Charged) {
        self.events += one.usage.events;
        self.bytes += one.usage.bytes;
        self.cost += one.cost;
    }
}

/// Shows it by account, region and source.
pub(crate) async fn show(viewer: &Viewer, ask: &Ask, notice: Option<&str>) -> Result<Answer, ApiError> {
    let (account, region) = (ask.query.get("account"), ask.query.get("region"));
    let all: Vec<Scope> = viewer.detectors().await?.iter().map(scope_of).collect();
    let seen: BTreeSet<(&str, &str)> =
        all.iter().map(|scope| (scope.account.as_str(), scope.region.as_str())).collect();
    let accounts: BTreeSet<String> = all.iter().map(|scope| scope.account.clone()).collect();
    let charged = charged_in(&viewer.service, accounts.into_iter().collect(), None, viewer.now).await?;
    let mut sums: BTreeMap<(&str, &str, &str), Sum> = BTreeMap::new();
    let mut total = Sum::default();
    for one in &charged {
        let usage = &one.usage;
        let is_seen = seen.contains(&(usage.account.as_str(), usage.region.as_str()));
        let is_meant =
            (account.is_empty() || usage.account == account) && (region.is_empty() || usage.region == region);
        if is_seen && is_meant {
            sums.entry((&usage.account, &usage.region, &usage.source)).or_default().add(one);
            total.add(one);
        }
    }
    let prices = &viewer.service.prices;
    let content = html! {
        h1 { "Usage" }
        (choose(PATH, &all, account, region))
        section {
            @if sums.is_empty() {
                p { "Nothing was analysed here in the last 30 days." }
            } @else {
                p.lead { strong { (grouped(total.events)) } " events, " strong { (bytes(total.bytes)) }
                    " in the last 30 days. Amazon would charge " strong { (about(total.cost)) } "." }
                (table(&sums))
                @if sums.len() > SHOWN_MAX { p.note { "The first " (SHOWN_MAX) " of " (grouped(sums.len() as u64)) " rows." } }
            }
            p.dim { "Estimated at Amazon's published prices of " (prices.date)
                ", by account and region, without free trials. Watchfire itself costs nothing." }
        }
    };
    Ok(web::answer(StatusCode::OK, frame(viewer, Tab::Usage, "Usage", notice, content)))
}

fn table(sums: &BTreeMap<(&str, &str, &str), Sum>) -> Markup {
    html! {
        div.scroll tabindex="0" role="region" aria-label="Usage" {
            table {
                thead { tr {
                    th scope="col" { "Account" } th scope="col" { "Region" } th scope="col" { "Source" }
                    th.number scope="col" { "Events" } th.number scope="col" { "Bytes" }
                    th.number scope="col" { "Amazon's charge" }
                } }
                tbody {
                    @for ((account, region, source), sum) in sums.iter().take(SHOWN_MAX) {
                        tr {
                            td { (account) } td { (region) } td.mono { (source) }
                            td.number { (grouped(sum.events)) } td.number { (bytes(sum.bytes)) }
                            td.number { (dollars(sum.cost)) }
                        }
                    }
                }
            }
        }
    }
}

/// "about $1.20", and not "about less than".
fn about(amount: f64) -> String {
    let text = dollars(amount);
    if text.starts_with('$') { format!("about {text}") } else { text }
}

/// US dollars: `$1,234.50`; below a cent, that it is less.
fn dollars(amount: f64) -> String {
    let cents = (amount * 100.0).round() as u64;
    match cents {
        0 if amount > 0.0 => "less than $0.01".to_owned(),
        cents => format!("${}.{:02}", grouped(cents / 100), cents % 100),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn amounts_are_told_in_cents() {
        assert_eq!(dollars(0.0), "$0.00");
        assert_eq!(dollars(0.004), "less than $0.01");
        assert_eq!([about(0.004), about(1.2)], ["less than $0.01", "about $1.20"]);
        assert_eq!(dollars(1234.5), "$1,234.50");
    }
}
