//! `xtask train`: trains the models that ship in the program.

mod card;
mod data;
mod dga;
mod evaluate;
mod generators;
mod regression;

use crate::arguments::Arguments;
use anyhow::{Context, bail};
use data::Data;
use std::path::{Path, PathBuf};

const HELP: &str = "\
Trains a model that ships in the program: `train dga`.

  --data DIR     names to train on and to measure with: DIR/benign/*.txt and DIR/families/*.txt, as `tools/dga-data.sh`
                 lays them out
  --check DIR    names of the same form that are only measured, when all is done
  --out DIR      where to write, instead of this repository: DIR/dga-model.bin and DIR/dga.md

Writes crates/detections/data/dga-model.bin and docs/models/dga.md. The same names give the same bytes.";

/// Trains, measures, writes.
pub(crate) fn run(words: Vec<String>) -> anyhow::Result<()> {
    let Some(mut arguments) = Arguments::new(words, HELP) else { return Ok(()) };
    let data: Option<PathBuf> = arguments.value("--data")?;
    let check: Option<PathBuf> = arguments.value("--check")?;
    let out: Option<PathBuf> = arguments.value("--out")?;
    let model = arguments.positional();
    arguments.finish()?;
    let (Some("dga"), Some(data)) = (model.as_deref(), data) else {
        bail!("`train` needs the model's name and `--data DIR`\n\n{HELP}");
    };
    let data = Data::read(&data)?.with_shipped_sites().without_repetitions().with_families(generators::families());
    let check = check.map(|check| Data::read(&check)).transpose()?;

    let trained = dga::train(&data.benign, data.families.iter());
    let result = evaluate::evaluate(&data, &trained, |done| eprintln!("{done}"));
    let checked = check.as_ref().map(|check| evaluate::check(&data, check, &trained));
    let card = card::card(&data, &result, checked.as_ref(), &trained);
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
    let (model_path, card_path) = match out {
        Some(out) => (out.join("dga-model.bin"), out.join("dga.md")),
        None => (root.join("crates/detections/data/dga-model.bin"), root.join("docs/models/dga.md")),
    };
    write(&model_path, &trained)?;
    write(&card_path, card.as_bytes())?;
    say_speed(&data, &trained);
    Ok(())
}

/// What a score costs here. Not in the card, which is to be the same everywhere.
#[expect(clippy::disallowed_methods, reason = "a measurement looks at the clock")]
fn say_speed(data: &Data, model: &[u8]) {
    let begin = std::time::Instant::now();
    let scores = dga::scores(model, data.benign.iter().flat_map(|list| &list.training));
    let ns = begin.elapsed().as_nanos() / scores.len().max(1) as u128;
    eprintln!("{ns} ns a label, over {} labels, sorting included", scores.len());
}

fn write(path: &Path, bytes: &[u8]) -> anyhow::Result<()> {
    std::fs::write(path, bytes).with_context(|| format!("could not write `{}`", path.display()))
}
