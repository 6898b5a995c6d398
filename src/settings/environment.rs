//! `FONDLY__SECTION__KEY` -> a tree like that of a file.
//!
//! The only reader of environment variables. May not know what any setting means.

use std::collections::BTreeMap;
use std::sync::Arc;

use crate::model::Finding;
use crate::model::finding::SourceText;
use crate::model::tables::{Entry, Item, Node, Place, parse_toml};

/// Environment variables by name.
pub type Variables = BTreeMap<String, String>;

/// Two underscores, so that `FONDLY_LOG` isn't taken for a setting.
const PREFIX: &str = "FONDLY__";
const SEPARATOR: &str = "__";

/// The folder of systemd's credentials.
pub(super) const CREDENTIALS: &str = "CREDENTIALS_DIRECTORY";

/// The variables of this process that concern settings.
pub(super) fn of_this_process() -> Variables {
    let mut variables = Variables::new();
    for (name, value) in std::env::vars_os() {
        let name = name.to_string_lossy();
        // Bytes that aren't UTF-8 are of no use in any setting; its check will say so.
        if name.starts_with(PREFIX) || name == CREDENTIALS {
            variables.insert(name.into_owned(), value.to_string_lossy().into_owned());
        }
    }
    variables
}

/// The variables that are meant for us, as a tree. Values are kept out of the sources, so that
/// a secret put there by mistake is never printed.
pub(super) fn tree(variables: &Variables) -> (Item, Vec<Finding>) {
    let mut findings = Vec::new();
    let mut root = Vec::new();
    for (name, value) in variables {
        let Some(rest) = name.strip_prefix(PREFIX) else {
            continue;
        };
        let place = place(name);
        let path = rest.to_lowercase();
        let parts: Vec<&str> = path.split(SEPARATOR).collect();
        let plain = |part: &&str| {
            part.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'_') && !part.is_empty()
        };
        if parts.iter().all(plain) && parts.first() != Some(&"source") {
            put(&mut root, &parts, &node(value, &place), &place);
            continue;
        }
        let message = format!("the environment variable `{name}` can't set anything");
        let help = "write `FONDLY__SECTION__KEY`, such as `FONDLY__MAIL__DIR`; \
                    sources are set in files only";
        findings.push(Finding::new(&place.source, place.span, message).with_help(help));
    }
    let node = Node::Table(root);
    let place = place("");
    (Item { node, place }, findings)
}

fn place(name: &str) -> Place {
    let source = Arc::new(SourceText {
        name: format!("environment variable {name}"),
        text: name.to_owned(),
    });
    let span = 0..name.len();
    Place { source, span }
}

/// A word as it stands, or a list or table in TOML's brackets.
fn node(value: &str, place: &Place) -> Node {
    if !value.starts_with(['[', '{']) {
        return Node::Loose(value.to_owned());
    }
    let text = format!("value = {value}");
    let range = 0..text.len();
    let name = place.source.name.clone();
    let parsed = parse_toml(&Arc::new(SourceText { name, text }), range).ok();
    match parsed.as_ref().and_then(|item| item.entry("value")) {
        Some(entry) => moved(&entry.item, place).node,
        None => Node::Loose(value.to_owned()),
    }
}

/// The same, with everything standing at that place.
fn moved(item: &Item, place: &Place) -> Item {
    let node = match &item.node {
        Node::List(items) => Node::List(items.iter().map(|item| moved(item, place)).collect()),
        Node::Table(entries) => Node::Table(
            entries
                .iter()
                .map(|entry| Entry {
                    key: entry.key.clone(),
                    place: place.clone(),
                    item: moved(&entry.item, place),
                })
                .collect(),
        ),
        node => node.clone(),
    };
    let place = place.clone();
    Item { node, place }
}

fn put(entries: &mut Vec<Entry>, path: &[&str], value: &Node, place: &Place) {
    let Some((key, rest)) = path.split_first() else {
        return;
    };
    let at = entries.iter().position(|entry| entry.key == *key);
    let mut entry = match at {
        Some(at) => entries.swap_remove(at),
        None => Entry {
            key: (*key).to_owned(),
            place: place.clone(),
            item: Item {
                node: Node::Table(Vec::new()),
                place: place.clone(),
            },
        },
    };
    match (&mut entry.item.node, rest) {
        (node, []) => *node = value.clone(),
        (Node::Table(below), _) => put(below, rest, value, place),
        (node, _) => {
            let mut below = Vec::new();
            put(&mut below, rest, value, place);
            *node = Node::Table(below);
        }
    }
    entries.push(entry);
}
