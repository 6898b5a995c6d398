//! Where the program is that a test command works with. May not start it.

use std::path::{Path, PathBuf};

use anyhow::Context as _;

/// The one that was named, or `fondly` in the folder above this command's.
pub(crate) fn find(named: Option<&Path>) -> anyhow::Result<PathBuf> {
    let binary = if let Some(named) = named {
        named.to_owned()
    } else {
        let me = std::env::current_exe()?;
        let above = me.parent().and_then(Path::parent);
        above
            .context("this program is in no folder")?
            .join("fondly")
    };
    binary.canonicalize().with_context(|| {
        format!(
            "{} isn't there; `cargo build --release` makes it, or name one with --binary",
            binary.display()
        )
    })
}
