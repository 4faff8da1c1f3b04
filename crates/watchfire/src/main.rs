//! Watchfire's command line.

use clap::Parser;
use std::process::ExitCode;
use watchfire::cli::{Cli, Command};
use watchfire::commands;

// glibc's allocator keeps what threads free, and the budget of memory is a promise. Source: docs/dependencies.md.
#[global_allocator]
static ALLOCATOR: tikv_jemallocator::Jemalloc = tikv_jemallocator::Jemalloc;

fn main() -> ExitCode {
    be_silent_about_caught_panics();
    let cli = Cli::try_parse().unwrap_or_else(|error| commands::answer(&error));
    let outcome = match cli.command {
        Command::Scan(arguments) => commands::scan::run(&arguments),
        Command::Explain(arguments) => commands::explain::run(&arguments),
        Command::Diff(arguments) => commands::diff::run(&arguments),
        Command::Types(arguments) => commands::types::run(&arguments),
        Command::Baseline(arguments) => commands::baseline::run(&arguments),
        Command::Thresholds(arguments) => commands::thresholds::run(&arguments),
        Command::Config(arguments) => commands::config::run(&arguments),
        Command::Intel(arguments) => commands::intel::run(&arguments),
        Command::Inventory(arguments) => commands::inventory::run(&arguments),
        Command::Serve(arguments) => commands::serve::run(&arguments),
        Command::Keys(arguments) => commands::keys::run(&arguments),
        Command::Usage(arguments) => commands::usage::run(&arguments),
        Command::Backup(arguments) => commands::backup::backup(&arguments),
        Command::Restore(arguments) => commands::backup::restore(&arguments),
        Command::Completions { shell } => commands::print_completions(shell),
        Command::Man => commands::print_man(),
    };
    match outcome {
        Ok(status) => status,
        Err(error) if commands::is_broken_pipe(&error) => ExitCode::SUCCESS, // `| head` has seen enough.
        Err(error) => {
            commands::say(&format!("watchfire: {error:#}\n"));
            ExitCode::from(commands::STATUS_USAGE)
        }
    }
}

/// A damaged file is told in the account, not by the place in a library that noticed it.
fn be_silent_about_caught_panics() {
    let usual = std::panic::take_hook();
    std::panic::set_hook(Box::new(move |panic| {
        if !watchfire_parse::is_panic_expected() {
            usual(panic);
        }
    }));
}
