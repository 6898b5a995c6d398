//! What can be read of settings that are broken somewhere: the store, the zone, and whatever else is
//! whole. For commands that must work while something else is amiss, `fondly pause` before all.
//!
//! Where the store is, is never guessed: a wrong place would hold a pause that stops nothing.

use std::fs;
use std::io;
use std::path::Path;

use super::environment::{self, Variables};
use super::layers::{self, folder_of, merge, take_odd_keys};
use super::{Settings, sections};
use crate::model::Finding;
use crate::model::tables::{Entry, Item, Node, Place};

/// Stands in for what a business must say of itself and nobody can read.
const STRANGER: &[(&str, &str)] = &[
    ("name", "fondly"),
    ("from", "fondly@localhost.invalid"),
    ("timezone", "UTC"),
];

/// Keys of a relay without which it can still be told from others.
const LOGIN: &[&str] = &["username", "password_file", "token_file", "ca_file"];

/// Settings of which some may be missing.
#[derive(Debug, Clone)]
pub struct Least {
    /// What could be read; the rest is as by default, and the business's zone UTC where it isn't known.
    pub settings: Settings,
    /// What is wrong with the rest; empty where these are all the settings.
    pub findings: Vec<Finding>,
    /// It is known how mail leaves, and where files lie.
    pub mail: bool,
    /// It is known in which zone the business is.
    pub zone: bool,
}

/// Reads as much of the settings as can be read: this file, `local.toml` beside it, and the
/// environment of this process.
///
/// # Errors
/// Where the store is can't be read for sure; what is wrong, with the way out.
pub fn load_least(path: &Path) -> Result<Least, Vec<Finding>> {
    load_least_with(path, &environment::of_this_process())
}

/// The same with these environment variables.
///
/// # Errors
/// As [`load_least`].
pub fn load_least_with(path: &Path, variables: &Variables) -> Result<Least, Vec<Finding>> {
    let findings = match layers::load_with(path, variables) {
        Ok(settings) => {
            return Ok(Least {
                settings,
                findings: Vec::new(),
                mail: true,
                zone: true,
            });
        }
        Err(findings) => findings,
    };
    // Nothing of ours is here: the folder is the wrong one.
    if matches!(fs::metadata(path), Err(error) if error.kind() == io::ErrorKind::NotFound) {
        return Err(findings);
    }
    match readable(path, variables) {
        Some(least) => Ok(Least { findings, ..least }),
        None => Err(without_store(findings)),
    }
}

/// The findings, and what to do if it can't wait.
fn without_store(mut findings: Vec<Finding>) -> Vec<Finding> {
    if let Some(last) = findings.last_mut() {
        let known = last.help.take();
        let known = known.map(|help| format!("{help}. ")).unwrap_or_default();
        last.help = Some(format!(
            "{known}If it can't wait, name the store's file in front of the command: \
             `FONDLY__STORE__URL=sqlite:/path/to/fondly.db fondly pause` needs nothing else of the \
             settings"
        ));
    }
    findings
}

/// `None` where it isn't known for sure where the store is.
fn readable(path: &Path, variables: &Variables) -> Option<Least> {
    let (environment, _) = environment::tree(variables);
    let named = environment
        .entry("store")
        .is_some_and(|store| store.item.entry("url").is_some());
    let place = environment.place.clone();
    let mut layers = vec![environment];
    for file in [path.with_file_name("local.toml"), path.to_owned()] {
        match layers::read(&file) {
            Ok(layer) => layers.extend(layer),
            // It may be the one that says where the store is.
            Err(_) if !named => return None,
            Err(_) => {}
        }
    }
    for layer in &mut layers {
        _ = take_odd_keys(layer);
    }
    let merged = merge(&layers, &place).ok()?;
    let folder = folder_of(path).ok()?;
    let credentials = variables.get(environment::CREDENTIALS).map(Path::new);
    let read = |tree: &Item| sections::settings(tree, &folder, credentials).ok();
    let mut tree = merge(&[], &place).ok()?;
    for (key, value) in STRANGER {
        tree = with(&tree, &["business", key], &text(value, &place));
    }
    let store = merged.entry("store")?;
    tree = with(&tree, &["store"], &store.item);
    let mut settings = read(&tree)?;
    let (mut mail, mut zone) = (false, false);
    let mut take = |path: &[&str], item: &Item| {
        let wider = with(&tree, path, item);
        let read = read(&wider);
        if let Some(read) = &read {
            settings = read.clone();
            tree = wider;
        }
        read.is_some()
    };
    for one in entries(&merged, "business") {
        let known = take(&["business", &one.key], &one.item);
        zone |= known && one.key == "timezone";
    }
    // What other programs hand in must not share an address with what stands in other tables.
    let rest = entries_of(&merged).iter();
    let (last, rest): (Vec<&Entry>, Vec<&Entry>) = rest.partition(|entry| entry.key == "api");
    for one in rest.into_iter().chain(last) {
        match one.key.as_str() {
            "business" | "store" => {}
            "mail" => {
                let known = [
                    one.item.clone(),
                    without_logins(&one.item),
                    only(&one.item, &["transport", "dir"]),
                ];
                mail = known.iter().any(|item| take(&["mail"], item));
            }
            key => {
                take(&[key], &one.item);
            }
        }
    }
    Some(Least {
        settings,
        findings: Vec::new(),
        mail,
        zone,
    })
}

fn entries_of(item: &Item) -> &[Entry] {
    match &item.node {
        Node::Table(entries) => entries,
        _ => &[],
    }
}

fn entries<'i>(item: &'i Item, key: &str) -> &'i [Entry] {
    item.entry(key).map_or(&[], |entry| entries_of(&entry.item))
}

fn text(value: &str, place: &Place) -> Item {
    Item {
        node: Node::Text(value.to_owned()),
        place: place.clone(),
    }
}

/// The tree with this item at this path of keys.
fn with(tree: &Item, path: &[&str], item: &Item) -> Item {
    let Some((key, below)) = path.split_first() else {
        return item.clone();
    };
    let mut entries = entries_of(tree).to_vec();
    let at = entries.iter().position(|entry| entry.key == *key);
    let empty = Item {
        node: Node::Table(Vec::new()),
        place: item.place.clone(),
    };
    let known = at.map(|at| entries.swap_remove(at).item);
    entries.push(Entry {
        key: (*key).to_owned(),
        place: item.place.clone(),
        item: with(&known.unwrap_or(empty), below, item),
    });
    Item {
        node: Node::Table(entries),
        place: tree.place.clone(),
    }
}

/// The table with no keys but these.
fn only(item: &Item, keys: &[&str]) -> Item {
    kept(item, &|key| keys.contains(&key))
}

/// `[mail]` with relays that nobody can log in to.
fn without_logins(mail: &Item) -> Item {
    let relay = |item: &Item| kept(item, &|key| !LOGIN.contains(&key));
    let mut mail = mail.clone();
    let Node::Table(entries) = &mut mail.node else {
        return mail;
    };
    for entry in entries {
        if entry.key == "smtp" {
            entry.item = relay(&entry.item);
        } else if let Node::List(relays) = &mut entry.item.node
            && entry.key == "relay"
        {
            *relays = relays.iter().map(relay).collect();
        }
    }
    mail
}

fn kept(item: &Item, keep: &dyn Fn(&str) -> bool) -> Item {
    let mut item = item.clone();
    if let Node::Table(entries) = &mut item.node {
        entries.retain(|entry| keep(&entry.key));
    }
    item
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::settings::Transport;

    const SMALL: &str = "[business]\nname = \"Rose\"\nfrom = \"hello@rose.example\"\n\
        timezone = \"Asia/Tokyo\"\n[store]\nurl = \"sqlite:books.db\"\n";

    fn least(text: &str, variables: &[(&str, &str)]) -> Result<Least, Vec<Finding>> {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("fondly.toml");
        fs::write(&path, text).unwrap();
        let owned = |(name, value): &(&str, &str)| ((*name).to_owned(), (*value).to_owned());
        load_least_with(&path, &variables.iter().map(owned).collect())
    }

    fn place_of(least: &Least) -> (&str, &str) {
        let name = least.settings.store.path.file_name().unwrap();
        (name.to_str().unwrap(), &least.settings.policy.zone_name)
    }

    #[test]
    fn a_slip_anywhere_else_leaves_the_store_and_the_zone_readable() {
        for slip in [
            "[sending]\nquiet_hours = \"never\"\n",
            "[maill]\ntransport = \"file\"\n",
            "[mail]\ntransport = \"pigeon\"\n",
            "[mail]\ntransport = \"smtp\"\n[mail.smtp]\nhost = \"h\"\npassword_file = \"no\"\n",
            "[schedule]\ntick = \"often\"\n",
            "[[source]]\nname = \"till\"\nkind = \"cvs\"\n",
            "[public]\nbind = \"here\"\n",
            "[console]\nbind = 3\n",
            "[api]\nbind = \"there\"\n",
            "[retention]\ncopies = \"always\"\n",
            "[guard]\nmax_share = \"half\"\n",
            "rules = 3\n",
            "\"odd key\" = 1\n",
        ] {
            let least = least(&with_slip(slip), &[]);
            let least = least.unwrap_or_else(|findings| panic!("{slip}: {findings:?}"));
            assert_eq!(place_of(&least), ("books.db", "Asia/Tokyo"), "{slip}");
            assert!(!least.findings.is_empty(), "{slip}");
        }
    }

    /// Keys of the top stand before the tables.
    fn with_slip(slip: &str) -> String {
        if slip.starts_with('[') {
            format!("{SMALL}{slip}")
        } else {
            format!("{slip}{SMALL}")
        }
    }

    #[test]
    fn what_is_whole_is_taken_and_a_relay_without_its_password_is_still_that_relay() {
        let text = SMALL.replace("Asia/Tokyo\"", "Asia/Tokyo\"\nlanguage = \"de\"\nowner = 3")
            + "[mail]\ntransport = \"smtp\"\n[mail.smtp]\nhost = \"relay.example\"\n\
               username = \"care\"\npassword_file = \"no-such-file\"\n[retention]\ncopies = \"9 days\"\n";
        let least = least(&text, &[]).unwrap();
        assert_eq!(least.settings.business.language, "de");
        assert_eq!(least.settings.business.name, "Rose");
        assert!(least.mail);
        let Transport::Smtp(relays) = &least.settings.mail.transport else {
            panic!("{:?}", least.settings.mail);
        };
        assert_eq!(relays[0].name(), "relay.example:465");
        assert_eq!(least.findings.len(), 2, "{:?}", least.findings);
        let unknown = SMALL.to_owned() + "[mail]\ntransport = \"pigeon\"\n";
        assert!(!super::tests::least(&unknown, &[]).unwrap().mail);
    }

    #[test]
    fn where_the_store_is_is_never_guessed() {
        for text in [
            "[business\n".to_owned() + SMALL,
            SMALL.replace("url = ", "urll = "),
            SMALL.replace("sqlite:", "mysql:"),
        ] {
            let findings = least(&text, &[]).unwrap_err();
            let help = findings.last().unwrap().help.clone().unwrap_or_default();
            assert!(
                help.contains("FONDLY__STORE__URL=sqlite:"),
                "{text}: {help}"
            );
        }
        let named = [("FONDLY__STORE__URL", "sqlite:/var/other.db")];
        for text in ["[business\n".to_owned() + SMALL, "\u{0}".to_owned()] {
            let least = least(&text, &named).unwrap();
            assert_eq!(place_of(&least), ("other.db", "UTC"));
            assert!(!least.zone && !least.findings.is_empty());
        }
        // No settings at all: most likely the wrong folder.
        let none = Path::new("no-such-folder/fondly.toml");
        assert!(load_least_with(none, &Variables::new()).is_err());
    }
}
