//! `fondly console-user`: who may sign in to the console.
//!
//! A password comes by standard input or from a file, never as an argument, which others could see.

use std::io::{IsTerminal as _, Read as _};
use std::path::{Path, PathBuf};

use serde_json::Value;

use super::output::{self, Format, Row};
use super::{Done, Failure, Outcome, house_at_hand};
use crate::engine::entry_json::rfc3339;
use crate::engine::{House, control, listing, password};
use crate::store::{LONGEST_USER_NAME, Role};

const FIELDS: &[&str] = &["name", "role", "made_at"];
const COLUMNS: &[(&str, &str)] = &[("name", "name"), ("role", "role"), ("made_at", "since")];

#[derive(Debug, clap::Args)]
pub(super) struct Args {
    #[command(subcommand)]
    what: What,
}

#[derive(Debug, clap::Subcommand)]
enum What {
    /// Adds a user; the password comes by standard input, or from a file
    #[command(
        after_help = "For example: fondly console-user add anna --role owner < /path/to/password"
    )]
    Add {
        /// The name to sign in with: letters, digits, `.`, `-`, `_`, `@`
        #[arg(value_parser = name)]
        name: String,
        /// owner: looks and decides. viewer: looks
        #[arg(long, value_parser = role)]
        role: Role,
        /// The file that holds the password, instead of standard input
        #[arg(long, value_name = "FILE")]
        password_file: Option<PathBuf>,
    },
    /// Takes a user out, and ends their sessions at once
    Remove {
        /// The name
        name: String,
    },
    /// Every user
    List {
        /// How to print
        #[arg(long, value_enum, default_value_t)]
        format: Format,
    },
}

fn name(text: &str) -> Result<String, String> {
    let fits = |c: char| c.is_alphanumeric() || ".-_@".contains(c);
    if text.is_empty() || text.chars().count() > LONGEST_USER_NAME || !text.chars().all(fits) {
        return Err("a name is made of letters, digits, `.`, `-`, `_` and `@`".to_owned());
    }
    Ok(text.to_owned())
}

fn role(text: &str) -> Result<Role, String> {
    Role::parse(text).ok_or_else(|| "it is `owner` or `viewer`".to_owned())
}

pub(super) async fn run(args: Args, config: &Path) -> Outcome {
    let house = house_at_hand(config).await?;
    let done = act(&house, args.what).await;
    house.store.clone().close().await?;
    done?;
    Ok(Done::Well)
}

async fn act(house: &House, what: What) -> Result<(), Failure> {
    let now = house.clock.now();
    match what {
        What::Add {
            name,
            role,
            password_file,
        } => {
            let kept = password::kept(&given(password_file.as_deref())?)?;
            if !house.store.add_user((&name, role), &kept, now).await? {
                return Err(trouble(format!(
                    "there is a user `{name}` already; `fondly console-user remove {name}` takes \
                     it out"
                )));
            }
            let noted = ("add-user", &*format!("{name} {}", role.as_str()));
            house.store.audit(control::BY_COMMAND, noted, now).await?;
            output::say(format!("{name} may sign in as {}", role.as_str()))?;
        }
        What::Remove { name } => {
            if !house.store.remove_user(&name).await? {
                return Err(trouble(format!(
                    "there is no user `{name}`; `fondly console-user list` shows those there are"
                )));
            }
            let noted = ("remove-user", &*name);
            house.store.audit(control::BY_COMMAND, noted, now).await?;
            output::say(format!("{name} is taken out, and signed out everywhere"))?;
        }
        What::List { format } => {
            let users = house.store.users().await?;
            if users.is_empty() && format == Format::Table {
                output::note(
                    "There are no users; `fondly console-user add NAME --role owner` makes one.",
                );
                return Ok(());
            }
            let rows = users.iter().map(|user| -> Row {
                let at = rfc3339(user.made_at, &house.policy().zone);
                let values = [user.name.as_str(), user.role.as_str(), &at].map(Value::from);
                listing::row(FIELDS, values)
            });
            output::listing(format, COLUMNS, FIELDS, &rows.collect::<Vec<_>>())?;
        }
    }
    Ok(())
}

fn trouble(words: String) -> Failure {
    Failure::Trouble(anyhow::anyhow!(words))
}

/// The password without the end of its line.
fn given(file: Option<&Path>) -> Result<String, Failure> {
    let most = u64::try_from(password::LONGEST + 2).unwrap_or(u64::MAX);
    let mut text = String::new();
    let input = std::io::stdin();
    if let Some(path) = file {
        let file = std::fs::File::open(path);
        let read = file.and_then(|file| file.take(most).read_to_string(&mut text));
        read.map_err(|error| trouble(format!("{} can't be read: {error}", path.display())))?;
    } else if input.is_terminal() {
        output::note("The password, and then Enter (it can be seen while you type):");
        input.read_line(&mut text)?;
    } else {
        input.lock().take(most).read_to_string(&mut text)?;
    }
    Ok(text.trim_end_matches(['\r', '\n']).to_owned())
}
