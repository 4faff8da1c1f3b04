//! How far a scan is, on a terminal only.

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};
use std::io::IsTerminal;
use std::sync::atomic::{AtomicU64, Ordering};

/// What a scan has done so far. Shared by its threads.
pub struct Progress {
    bar: ProgressBar,
    files: AtomicU64,
    records: AtomicU64,
    file_count: AtomicU64,
}

impl Progress {
    /// Shown on standard error if that is a terminal and `quiet` is not set.
    pub fn new(quiet: bool) -> Self {
        let shown = !quiet && std::io::stderr().is_terminal();
        let bar = ProgressBar::with_draw_target(
            Some(0),
            if shown { ProgressDrawTarget::stderr_with_hz(5) } else { ProgressDrawTarget::hidden() },
        );
        let style = ProgressStyle::with_template("{bar:24} {bytes}/{total_bytes}  {msg}  {bytes_per_sec}  {eta} left");
        if let Ok(style) = style {
            bar.set_style(style.progress_chars("=> "));
        }
        Self { bar, files: AtomicU64::new(0), records: AtomicU64::new(0), file_count: AtomicU64::new(0) }
    }

    /// So many files of so many bytes lie ahead.
    pub fn begin(&self, files: u64, bytes: u64) {
        self.file_count.store(files, Ordering::Relaxed);
        self.bar.set_length(bytes);
    }

    /// A file of so many bytes and records is done.
    pub fn file_done(&self, bytes: u64, records: u64) {
        let files = self.files.fetch_add(1, Ordering::Relaxed) + 1;
        let records = self.records.fetch_add(records, Ordering::Relaxed) + records;
        if self.bar.is_hidden() {
            return;
        }
        let seconds = self.bar.elapsed().as_secs_f64().max(0.001);
        let rate = records as f64 / seconds;
        self.bar.set_message(format!(
            "{files}/{} files  {records} records  {rate:.0}/s",
            self.file_count.load(Ordering::Relaxed)
        ));
        self.bar.inc(bytes);
    }

    /// Takes the bar away.
    pub fn end(&self) {
        self.bar.finish_and_clear();
    }
}
