//! `watchfire inventory`.

use super::print;
use crate::cli::InventoryArguments;
use anyhow::{Context, Result};
use std::process::ExitCode;
use watchfire_knowledge::Inventory;

/// Prints the schema, or checks a file.
pub fn run(arguments: &InventoryArguments) -> Result<ExitCode> {
    if let Some(path) = &arguments.check {
        let bytes = std::fs::read(path).with_context(|| format!("could not read `{}`", path.display()))?;
        let inventory = Inventory::from_json(&bytes)
            .with_context(|| format!("could not use the inventory `{}`", path.display()))?;
        let file = inventory.file();
        print(&format!(
            "{}: no mistake found. {} accounts, {} instances, {} buckets, {} NAT gateways, {} VPC endpoints, {} roles.\n",
            path.display(),
            file.accounts.len(),
            file.instances.len(),
            file.buckets.len(),
            file.nat_gateways.len(),
            file.vpc_endpoints.len(),
            file.roles.len()
        ))?;
    }
    if arguments.schema {
        print(Inventory::schema())?;
    }
    Ok(ExitCode::SUCCESS)
}
