//! Whether findings have the shape of the GuardDuty service model: `check_findings FILE…` reads one finding a line.
//!
//! Each violation is one line: file, line, the finding's type, and what is wrong where. The exit status is 1 if there
//! was one.

use std::process::ExitCode;
use watchfire_export::conformance::ServiceModel;

#[expect(clippy::print_stdout, reason = "a checking tool prints")]
fn main() -> Result<ExitCode, Box<dyn std::error::Error>> {
    let model = ServiceModel::committed()?;
    let (mut findings, mut violations) = (0, 0);
    for file in std::env::args().skip(1) {
        for (at, line) in std::fs::read_to_string(&file)?.lines().enumerate() {
            let finding: serde_json::Value = serde_json::from_str(line)?;
            findings += 1;
            for violation in model.check_finding(&finding) {
                violations += 1;
                println!("{file}:{}: {}: {violation}", at + 1, finding["type"].as_str().unwrap_or("no type"));
            }
        }
    }
    println!("{findings} findings, {violations} violations");
    Ok(if violations == 0 { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}
