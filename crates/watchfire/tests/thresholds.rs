//! Thresholds in force, and types that are switched off.
#![allow(clippy::unwrap_used, reason = "a test that cannot read its own files should fail at once")]

#[path = "support/program.rs"]
#[allow(dead_code, reason = "each test program uses a part of it")]
mod program;

use program::{Folder, Scan, run};

const PORTSCAN: &str = "Recon:EC2/Portscan";

/// An instance tries twelve ports of one host outside, and none answers.
fn scan(options: &[&str]) -> Scan {
    let mut lines =
        "version account-id interface-id instance-id srcaddr dstaddr srcport dstport protocol packets bytes start \
                     end action log-status tcp-flags region\n"
            .to_owned();
    for port in 1..=12 {
        lines += &format!(
            "5 111122223333 eni-0a000000000000001 i-0a000000000000001 10.0.1.10 203.0.113.7 {} {port} 6 1 40 {} {} ACCEPT OK 2 \
             eu-west-1\n",
            40_000 + port,
            1_773_140_400 + port,
            1_773_140_400 + port,
        );
    }
    Folder::with_a_log().file("flows.log", &lines).scan(&[&["--format", "jsonl"], options].concat())
}

#[test]
fn a_changed_threshold_changes_a_finding_which_quotes_it() {
    assert!(!scan(&[]).run.stdout.contains(PORTSCAN), "twelve ports are fewer than the fifteen of the default");
    let found = scan(&["--threshold", "ec2.portscan.ports=8"]);
    assert!(found.run.stdout.contains(PORTSCAN), "{}", found.run.stderr);
    assert!(found.run.stdout.contains("8 (setting `ec2.portscan.ports`)"), "{}", found.run.stdout);
}

#[test]
fn the_configuration_sets_thresholds_and_the_command_line_wins() {
    let folder = Folder::with_a_log();
    let config = folder.aside("config.toml", "[thresholds]\nec2.portscan.ports = 8\n");
    let config = config.to_str().unwrap();
    assert!(scan(&["--config", config]).run.stdout.contains("8 (setting `ec2.portscan.ports`)"));
    let both = scan(&["--config", config, "--threshold", "ec2.portscan.ports=9"]);
    assert!(both.run.stdout.contains("9 (setting `ec2.portscan.ports`)"), "{}", both.run.stdout);
    let listed = run(["thresholds", "--config", config]);
    let line = listed.stdout.lines().find(|line| line.contains("ec2.portscan.ports")).unwrap();
    assert!(line.starts_with("* ec2.portscan.ports ") && line.contains(" 8 ") && line.contains(" 15 "), "{line}");
    let shown = run(["config", "show", "--config", config]);
    assert!(shown.stdout.contains("\"ec2.portscan.ports\" = 8.0"), "{}", shown.stdout);
}

#[test]
fn what_is_switched_off_is_not_reported_and_the_account_says_so() {
    let off = scan(&["--threshold", "ec2.portscan.ports=8", "--disable", "recon:*scan"]);
    assert!(!off.run.stdout.contains(PORTSCAN), "{}", off.run.stdout);
    assert!(off.run.stderr.contains("Switched off: Recon:EC2/Portscan, by `detections.disable`"), "{}", off.run.stderr);
    assert!(off.run.stdout.contains("Stealth:IAMUser/CloudTrailLoggingDisabled"), "all others are reported as before");
}

#[test]
fn one_threshold_is_explained_and_all_are_listed_as_json() {
    let explained = run(["thresholds", "budget.new_findings_per_day"]).stdout;
    assert!(explained.contains("findings a day, type and account") && explained.contains("Portscan"), "{explained}");
    let listed: serde_json::Value = serde_json::from_str(&run(["thresholds", "--format", "json"]).stdout).unwrap();
    let score = listed.as_array().unwrap().iter().find(|one| one["key"] == "ec2.beacon.score").unwrap();
    assert_eq!((score["value"].as_f64(), score["max"].as_f64()), (Some(0.75), Some(1.3)));
    assert_eq!(score["types"], serde_json::json!(["Behavior:EC2/Beacon.Watchfire"]));
}
