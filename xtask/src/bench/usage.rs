//! What a child process used, from the system's own accounts: the one module of this crate that calls `wait4`.
//!
//! Promises: the figures are those of this child and of the children it waited for, and of nothing else.
#![expect(unsafe_code, reason = "the standard library does not tell what a child used")]

use anyhow::{Context, bail};
use std::io;
use std::process::{Command, Stdio};
use std::time::Instant;

/// What a process used from its start to its end.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Usage {
    /// User and system time of all its threads.
    pub(crate) cpu_seconds: f64,
    /// Time on the clock.
    pub(crate) wall_seconds: f64,
    /// The most memory that was resident at a time.
    pub(crate) peak_bytes: u64,
    /// Whether it ended by itself and said that all was well.
    pub(crate) succeeded: bool,
}

impl Usage {
    /// Processors kept busy, on average.
    pub(crate) fn busy(&self) -> f64 {
        self.cpu_seconds / self.wall_seconds
    }

    /// The peak of memory in MiB.
    pub(crate) fn peak_mebibytes(&self) -> f64 {
        self.peak_bytes as f64 / f64::from(1 << 20)
    }
}

/// Runs a command to its end with nothing to read and nobody to listen.
#[expect(clippy::disallowed_methods, reason = "a benchmark looks at the clock")]
pub(crate) fn measure(command: &mut Command) -> anyhow::Result<Usage> {
    command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
    let start = Instant::now();
    let child = command.spawn().with_context(|| format!("starting {:?}", command.get_program()))?;
    let (status, used) = wait(child.id())?;
    let wall_seconds = start.elapsed().as_secs_f64();
    let seconds = |time: libc::timeval| time.tv_sec as f64 + time.tv_usec as f64 / 1e6;
    // Linux counts in KiB, macOS in bytes.
    let unit = if cfg!(target_os = "macos") { 1 } else { 1024 };
    Ok(Usage {
        cpu_seconds: seconds(used.ru_utime) + seconds(used.ru_stime),
        wall_seconds,
        peak_bytes: used.ru_maxrss as u64 * unit,
        succeeded: libc::WIFEXITED(status) && libc::WEXITSTATUS(status) == 0,
    })
}

/// Waits for a child that nobody else waits for.
fn wait(id: u32) -> anyhow::Result<(libc::c_int, libc::rusage)> {
    let mut status = 0;
    let mut used = std::mem::MaybeUninit::<libc::rusage>::zeroed();
    loop {
        // SAFETY: both pointers are to live values of the types that the call fills.
        let ended = unsafe { libc::wait4(id as libc::pid_t, &raw mut status, 0, used.as_mut_ptr()) };
        if ended > 0 {
            // SAFETY: zeroed at first, which is a valid value, and filled by the call.
            return Ok((status, unsafe { used.assume_init() }));
        }
        let error = io::Error::last_os_error();
        if error.kind() != io::ErrorKind::Interrupted {
            bail!("waiting for a child: {error}");
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_child_that_works_has_used_time_and_memory() {
        let mut command = Command::new("sh");
        command.args(["-c", "i=0; while [ $i -lt 100000 ]; do i=$((i+1)); done"]);
        let usage = measure(&mut command).unwrap();
        assert!(usage.succeeded && usage.cpu_seconds > 0.0 && usage.peak_bytes > 0, "{usage:?}");
        assert!(usage.busy() < 1.5, "{usage:?}");
    }

    #[test]
    fn a_child_that_fails_is_seen_to() {
        assert!(!measure(&mut Command::new("false")).unwrap().succeeded);
    }

    #[test]
    fn a_program_that_is_not_there_is_an_error() {
        assert!(measure(&mut Command::new("/there/is/no/such/program")).is_err());
    }
}
