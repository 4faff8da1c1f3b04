//! House tasks: `cargo run --release -p xtask -- TASK`.
#![expect(clippy::print_stdout, clippy::print_stderr, reason = "a developer's tool speaks to the terminal")]

mod api;
mod arguments;
mod bench;
mod book;
#[path = "../../crates/watchfire/tests/support/browser.rs"]
mod browser;
#[path = "../../crates/watchfire/tests/support/console_checks.rs"]
mod console_checks;
mod determinism;
mod evaluate;
#[cfg(target_arch = "x86_64")]
mod floor;
mod generate;
#[cfg_attr(not(target_arch = "x86_64"), expect(dead_code, reason = "only the floor inflates"))]
mod gzip;
mod intel;
mod lists;
mod map;
mod notices;
mod pages;
mod picture;
mod report;
mod s3;
mod screenshots;
mod storm;
#[cfg(test)]
mod tidy;
mod train;

/// The floor is written for one kind of processor: a slower one elsewhere would be a kinder measure, not the same.
#[cfg(not(target_arch = "x86_64"))]
mod floor {
    pub(crate) fn run(_: Vec<String>) -> anyhow::Result<()> {
        anyhow::bail!("the floor needs an x86-64 processor with AVX2")
    }
}

use std::process::ExitCode;

const HELP: &str = "\
House tasks. Run them with `cargo run --release -p xtask -- TASK`.

  api          write the operations and types of the GuardDuty API from its service model
  intel        make the threat lists, guards and address ranges that ship in the program
  generate     write a corpus of realistic, benign log files
  floor        read a corpus with the hand-written minimum and count its records
  lists        measure what large lists cost
  s3           compare reading from a bucket with reading from disk
  storm        what ten minutes take in which every record concerns a rule
  bench        compare the program with the floor on the same corpora in one run
  determinism  give the program the same records in other files, and compare what it finds
  evaluate     what is found of attacks in generated estates, and what is said without one
  scenarios    write the logs of the scenarios of behaviours
  variants     what is found of attacks in other shapes, and said of what looks like them
  picture      draw the program's output for README.md
  pages        write the pages of the finding types in docs/findings
  book-links   what mdBook runs over the pages of docs
  report       measure the HTML report, and have a browser check that no name in it is obeyed
  map          draw the world map of the HTML report
  screenshots  photograph the HTML report and the console
  notices      write the licences of all crates in the program
  train        train the models that ship in the program

`TASK --help` tells the options of a task.";

fn main() -> ExitCode {
    let mut words = std::env::args().skip(1);
    let task = words.next().unwrap_or_default();
    let rest: Vec<String> = words.collect();
    let done = match task.as_str() {
        "api" => api::run(rest),
        "intel" => intel::run(rest),
        "generate" => generate::run(rest),
        "s3" => s3::run(rest),
        "storm" => storm::run(rest),
        "floor" => floor::run(rest),
        "lists" => lists::run(rest),
        "bench" => bench::run(rest),
        "determinism" => determinism::run(rest),
        "evaluate" => evaluate::run(rest),
        "scenarios" => evaluate::scenarios::run(rest),
        "variants" => evaluate::variants::run(rest),
        "picture" => picture::run(rest),
        "pages" => pages::run(rest),
        "book-links" => book::run(&rest),
        "report" => report::run(rest),
        "map" => map::run(rest),
        "screenshots" => screenshots::run(rest),
        "notices" => notices::run(rest),
        "train" => train::run(rest),
        "" | "help" | "--help" | "-h" => {
            println!("{HELP}");
            Ok(())
        }
        _ => Err(anyhow::anyhow!("there is no task `{task}`\n\n{HELP}")),
    };
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("error: {error:#}");
            ExitCode::FAILURE
        }
    }
}
