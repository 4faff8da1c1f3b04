//! What each subcommand does.

pub mod account;
pub mod backup;
pub mod baseline;
pub mod config;
pub mod diff;
pub mod explain;
pub mod intel;
pub mod inventory;
pub mod keys;
pub mod scan;
pub mod serve;
pub mod thresholds;
pub mod types;
pub mod usage;

pub use account::with_cause;

use crate::cli::Cli;
use crate::version;
use anyhow::{Context, Result};
use clap::CommandFactory;
use clap::error::ErrorKind;
use std::io::{self, Write};
use std::process::ExitCode;

/// Nothing could be read.
pub const STATUS_NOTHING_READ: u8 = 1;
/// `watchfire diff` found a difference.
pub const STATUS_DIFFERENT: u8 = 1;
/// The command line or the configuration is wrong.
pub const STATUS_USAGE: u8 = 2;
/// `--fail-on` was reached.
pub const STATUS_FAIL_ON: u8 = 3;

/// Prints to standard error. That nobody listens there is no reason to stop.
pub fn say(text: &str) {
    let _ = io::stderr().lock().write_all(text.as_bytes());
}

/// Prints to standard output.
pub fn print(text: &str) -> Result<()> {
    let mut out = io::stdout().lock();
    out.write_all(text.as_bytes()).and_then(|()| out.flush()).context("could not write to standard output")
}

/// Whether the reader of our output went away.
pub fn is_broken_pipe(error: &anyhow::Error) -> bool {
    error
        .chain()
        .filter_map(|cause| cause.downcast_ref::<io::Error>())
        .any(|cause| cause.kind() == io::ErrorKind::BrokenPipe)
}

/// Answers a command line that asks for help or the version, or is wrong, and ends the program.
///
/// `-V` gives one line; `--version` also tells the dates of the data. Reading the shipped lists takes a moment, so that
/// text is made here and not with the description of every command.
pub fn answer(parsing: &clap::Error) -> ! {
    if parsing.kind() != ErrorKind::DisplayVersion {
        parsing.exit();
    }
    let asks_for_all = std::env::args_os().any(|argument| argument == "--version");
    match print(&if asks_for_all { version::long() } else { version::short() }) {
        Err(error) if !is_broken_pipe(&error) => {
            say(&format!("watchfire: {error:#}\n"));
            std::process::exit(STATUS_USAGE.into());
        }
        _ => std::process::exit(0),
    }
}

/// `watchfire completions SHELL`.
pub fn print_completions(shell: clap_complete::Shell) -> Result<ExitCode> {
    let mut script = Vec::new();
    clap_complete::generate(shell, &mut Cli::command(), "watchfire", &mut script);
    print(&String::from_utf8_lossy(&script))?;
    Ok(ExitCode::SUCCESS)
}

/// `watchfire man`.
pub fn print_man() -> Result<ExitCode> {
    let mut page = Vec::new();
    let mut command = Cli::command();
    command.build();
    let main = clap_mangen::Man::new(command.clone());
    main.render(&mut page).context("could not make the manual page")?;
    for subcommand in command.get_subcommands().filter(|subcommand| subcommand.get_name() != "help") {
        let name = format!("watchfire {}", subcommand.get_name()); // The synopsis shows this one.
        let manual = clap_mangen::Man::new(subcommand.clone().bin_name(name));
        let mut section = Vec::new();
        manual
            .render_synopsis_section(&mut section)
            .and_then(|()| manual.render_options_section(&mut section))
            .context("could not make the manual page")?;
        let heading = format!(".SH \"WATCHFIRE {}\"\n", subcommand.get_name().to_uppercase());
        page.extend_from_slice(heading.as_bytes());
        page.extend_from_slice(String::from_utf8_lossy(&section).replace(".SH ", ".SS ").as_bytes());
    }
    print(&String::from_utf8_lossy(&page))?;
    Ok(ExitCode::SUCCESS)
}
