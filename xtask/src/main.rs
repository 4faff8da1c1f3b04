//! House tasks: `cargo run --release -p xtask -- TASK`.
#![expect(clippy::print_stdout, clippy::print_stderr, reason = "a developer's tool speaks to the terminal")]

mod arguments;
mod bench;
mod floor;
mod generate;
mod gzip;

use std::process::ExitCode;

const HELP: &str = "\
House tasks. Run them with `cargo run --release -p xtask -- TASK`.

  generate  write a corpus of realistic, benign log files
  floor     read a corpus with the hand-written minimum and count its records
  bench     compare the program with the floor on the same corpora in one run

`TASK --help` tells the options of a task.";

fn main() -> ExitCode {
    let mut words = std::env::args().skip(1);
    let task = words.next().unwrap_or_default();
    let rest: Vec<String> = words.collect();
    let done = match task.as_str() {
        "generate" => generate::run(rest),
        "floor" => floor::run(rest),
        "bench" => bench::run(rest),
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
