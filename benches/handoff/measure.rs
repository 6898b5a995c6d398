//! What Linux tells about processes, and medians.

use std::fs;
use std::process::Child;
use std::time::Duration;

use anyhow::Context as _;

/// Linux counts processor time for user space in hundredths of a second, on every machine.
const TICKS_A_SECOND: f64 = 100.0;

/// The most memory that a running process has ever held, in KiB; `None` once it has ended.
pub(crate) fn peak_kib(child: &Child) -> Option<u64> {
    let status = fs::read_to_string(format!("/proc/{}/status", child.id())).ok()?;
    let line = status
        .lines()
        .find_map(|line| line.strip_prefix("VmHWM:"))?;
    line.split_whitespace().next()?.parse().ok()
}

/// Processor time of all children that have ended, in seconds, user and system.
pub(crate) fn children_cpu() -> anyhow::Result<f64> {
    let stat = fs::read_to_string("/proc/self/stat")?;
    // The name, in brackets, may hold blanks. After it come the state and eighteen numbers of
    // which the thirteenth and fourteenth are meant.
    let (_, rest) = stat.rsplit_once(')').context("/proc/self/stat")?;
    let fields: Vec<&str> = rest.split_whitespace().collect();
    let ticks = |n: usize| -> anyhow::Result<f64> {
        Ok(fields.get(n).context("/proc/self/stat")?.parse()?)
    };
    Ok((ticks(13)? + ticks(14)?) / TICKS_A_SECOND)
}

/// Whether anybody on this machine is connected to this port.
pub(crate) fn is_connected_to(port: u16) -> bool {
    let table = fs::read_to_string("/proc/net/tcp").unwrap_or_default();
    let remote = format!(":{port:04X}");
    table.lines().any(|line| {
        let mut fields = line.split_whitespace().skip(2);
        let remote_is = fields.next().is_some_and(|field| field.ends_with(&remote));
        remote_is && fields.next() == Some("01")
    })
}

/// Waits; nothing here depends on how long exactly.
pub(crate) fn pause(wait: Duration) {
    std::thread::park_timeout(wait);
}

/// The middle one.
pub(crate) fn median(mut all: Vec<f64>) -> f64 {
    all.sort_by(f64::total_cmp);
    all.get(all.len() / 2).copied().unwrap_or(f64::NAN)
}
