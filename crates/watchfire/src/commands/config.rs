//! `watchfire config`.

use super::print;
use crate::cli::{Cli, Command, ConfigAction, ConfigArguments};
use crate::config::{Settings, default_path};
use crate::load;
use crate::server_settings::ServerSettings;
use anyhow::Result;
use clap::Parser;
use std::process::ExitCode;

/// Checks or shows the configuration.
pub fn run(arguments: &ConfigArguments) -> Result<ExitCode> {
    match &arguments.action {
        ConfigAction::Check { config } => {
            let settings = Settings::from_file(config.as_deref())?;
            check_server(&settings)?;
            let loaded = load::knowledge(&settings)?;
            let mut text = match &settings.config_file {
                Some(file) => format!("{}: no mistake found.\n", file.display()),
                None => format!("There is no configuration file{}: the defaults are in force.\n", default_place()),
            };
            for remark in &loaded.remarks {
                text.push_str(remark);
                text.push('\n');
            }
            for used in loaded.knowledge.used_versions() {
                text.push_str(&format!("  {:<22} {:<40} {}\n", used.kind, used.name, used.version));
            }
            print(&text)?;
        }
        ConfigAction::Show { config } => print(&Settings::from_file(config.as_deref())?.to_toml()?)?,
    }
    Ok(ExitCode::SUCCESS)
}

/// What `watchfire serve` would start with, its environment variables included.
fn check_server(settings: &Settings) -> Result<()> {
    let Command::Serve(arguments) = Cli::try_parse_from(["watchfire", "serve"])?.command else { return Ok(()) };
    ServerSettings::resolve(&arguments, &settings.server)?.check_files()
}

fn default_place() -> String {
    default_path().map_or_else(String::new, |path| format!(" at {}", path.display()))
}
