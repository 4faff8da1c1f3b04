//! The options of a task: `--name value`, `--switch`, and nothing else.

use anyhow::{Context, bail};
use std::fmt::Display;
use std::str::FromStr;

/// The words behind a task's name, taken one option at a time.
pub(crate) struct Arguments(Vec<String>);

impl Arguments {
    /// The options of a task; prints `help` and answers `None` if that is what was asked for.
    pub(crate) fn new(words: Vec<String>, help: &str) -> Option<Self> {
        if words.iter().any(|word| word == "--help" || word == "-h") {
            println!("{help}");
            return None;
        }
        Some(Self(words))
    }

    /// Takes the value of `--name value`, if given.
    pub(crate) fn value<T>(&mut self, name: &str) -> anyhow::Result<Option<T>>
    where
        T: FromStr,
        T::Err: Display,
    {
        let Some(at) = self.0.iter().position(|word| word == name) else { return Ok(None) };
        let text = self.0.get(at + 1).with_context(|| format!("`{name}` wants a value"))?;
        let value = text.parse().map_err(|error| anyhow::anyhow!("`{name} {text}`: {error}"))?;
        self.0.drain(at..at + 2);
        Ok(Some(value))
    }

    /// Takes a switch, if given.
    pub(crate) fn switch(&mut self, name: &str) -> bool {
        let at = self.0.iter().position(|word| word == name);
        at.map(|at| self.0.remove(at)).is_some()
    }

    /// Takes the next word that is not an option.
    pub(crate) fn positional(&mut self) -> Option<String> {
        let at = self.0.iter().position(|word| !word.starts_with("--"))?;
        Some(self.0.remove(at))
    }

    /// Complains of whatever was not taken.
    pub(crate) fn finish(self) -> anyhow::Result<()> {
        match self.0.first() {
            Some(word) => bail!("what is `{word}`? `--help` tells the options"),
            None => Ok(()),
        }
    }
}
