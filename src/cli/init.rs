//! `fondly init`: the shipped configuration, written into a folder of the user's.

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::Context as _;

use super::{Done, Failure, Outcome, output};

/// Names and texts of these files of the repository's `config/`.
macro_rules! shipped {
    ($($name:literal)*) => {
        &[$(($name, include_str!(concat!("../../config/", $name)))),*]
    };
}

/// The shipped `config/`, as it stands in the repository. Rules that need an explanation first are
/// switched off in their files.
pub(super) const SHIPPED: &[(&str, &str)] = shipped! {
    "fondly.toml"
    "holidays/README.md"
    "holidays/diwali.toml"
    "rules/appointment-ahead.toml"
    "rules/birthday.toml"
    "rules/cancellation.toml"
    "rules/complaint-closed.toml"
    "rules/customer-anniversary.toml"
    "rules/first-thank-you.toml"
    "rules/new-year.toml"
    "rules/owner-quiet.toml"
    "rules/renewal-ahead.toml"
    "rules/staff-call.toml"
    "rules/surprise-thank-you.toml"
    "rules/thank-you.toml"
    "rules/usage-down.toml"
    "rules/usage-up.toml"
    "rules/we-miss-you-again.toml"
    "rules/we-miss-you.toml"
    "rules/your-opinion.toml"
    "templates/appointment-ahead.en.md"
    "templates/appointment-ahead.de.md"
    "templates/appointment-ahead.fr.md"
    "templates/belated-birthday.en.md"
    "templates/belated-birthday.de.md"
    "templates/belated-birthday.fr.md"
    "templates/birthday.en.md"
    "templates/birthday.de.md"
    "templates/birthday.fr.md"
    "templates/cancellation.en.md"
    "templates/cancellation.de.md"
    "templates/cancellation.fr.md"
    "templates/complaint-closed.en.md"
    "templates/complaint-closed.de.md"
    "templates/complaint-closed.fr.md"
    "templates/customer-anniversary.en.md"
    "templates/customer-anniversary.de.md"
    "templates/customer-anniversary.fr.md"
    "templates/first-thank-you.en.md"
    "templates/first-thank-you.de.md"
    "templates/first-thank-you.fr.md"
    "templates/new-year.en.md"
    "templates/new-year.de.md"
    "templates/new-year.fr.md"
    "templates/owner-quiet.en.md"
    "templates/owner-quiet.de.md"
    "templates/owner-quiet.fr.md"
    "templates/renewal-ahead.en.md"
    "templates/renewal-ahead.de.md"
    "templates/renewal-ahead.fr.md"
    "templates/staff-call.en.md"
    "templates/staff-call.de.md"
    "templates/staff-call.fr.md"
    "templates/surprise-thank-you.en.md"
    "templates/surprise-thank-you.de.md"
    "templates/surprise-thank-you.fr.md"
    "templates/thank-you.en.md"
    "templates/thank-you.de.md"
    "templates/thank-you.fr.md"
    "templates/usage-down.en.md"
    "templates/usage-down.de.md"
    "templates/usage-down.fr.md"
    "templates/usage-up.en.md"
    "templates/usage-up.de.md"
    "templates/usage-up.fr.md"
    "templates/we-miss-you.en.md"
    "templates/we-miss-you.de.md"
    "templates/we-miss-you.fr.md"
    "templates/we-miss-you-again.en.md"
    "templates/we-miss-you-again.de.md"
    "templates/we-miss-you-again.fr.md"
    "templates/your-opinion.en.md"
    "templates/your-opinion.de.md"
    "templates/your-opinion.fr.md"
};

#[derive(Debug, clap::Args)]
pub(super) struct Args {
    /// The folder, such as `config`; it is made, and must not hold a configuration yet. What fondly
    /// writes goes to var/ beside it
    dir: PathBuf,
}

pub(super) fn run(args: &Args) -> Outcome {
    let mut places = SHIPPED.iter().map(|(name, _)| args.dir.join(name));
    if let Some(there) = places.find(|place| place.exists()) {
        let words = format!(
            "there is a {} already; nothing was written",
            there.display()
        );
        return Err(Failure::Trouble(anyhow::anyhow!(words)));
    }
    write_shipped(&args.dir)?;
    let dir = args.dir.display();
    output::say(format!("A configuration to start from is in {dir}. Next:"))?;
    output::say(format!(
        "  1. edit {dir}/fondly.toml: your name, your address, your zone, a [[source]]"
    ))?;
    output::say(format!("  2. fondly --config {dir}/fondly.toml check"))?;
    output::say(format!(
        "  3. fondly --config {dir}/fondly.toml tick    (writes letters as files until you set up [mail.smtp])"
    ))?;
    Ok(Done::Well)
}

/// Writes the shipped files below `dir`.
pub(super) fn write_shipped(dir: &Path) -> anyhow::Result<()> {
    for (name, text) in SHIPPED {
        let path = dir.join(name);
        if let Some(folder) = path.parent() {
            fs::create_dir_all(folder)
                .with_context(|| format!("{} can't be made", folder.display()))?;
        }
        fs::write(&path, text).with_context(|| format!("{} can't be written", path.display()))?;
    }
    Ok(())
}
