//! `[trigger.<kind>]` -> what makes a rule due. A new kind is one more arm of [`trigger`].
//!
//! Text in, values out: no files, no clock, no store.

mod dates;
mod events;
mod usage;

pub(super) use dates::days;

use super::holiday::OwnHolidays;
use super::trigger::Trigger;
use crate::model::tables::{Node, Table, nearest};

/// The kinds that are built.
const KINDS: &[&str] = &[
    "anniversary",
    "date",
    "event",
    "lapsed",
    "usage",
    "holiday",
    "fixed",
];

const EXAMPLE: &str = "add one, such as `[trigger.anniversary]` with `field = \"birthday\"`";

/// Reads the one trigger.
pub(super) fn trigger(top: &mut Table<'_>, own: &OwnHolidays) -> Option<Trigger> {
    let Some(value) = top.get("trigger") else {
        top.complain(
            "`trigger` is missing: nothing would make this rule due",
            EXAMPLE,
        );
        return None;
    };
    if !matches!(value.item().node, Node::Table(_)) {
        value.complain("this must be a table", Some(EXAMPLE.to_owned()));
        return None;
    }
    let kinds: Vec<_> = value.table()?.all().collect();
    let mut triggers = Vec::new();
    for (kind, value) in &kinds {
        match *kind {
            "anniversary" => triggers.extend(value.table().map(dates::anniversary)),
            "date" => triggers.extend(value.table().map(dates::date)),
            "event" => triggers.extend(value.table().map(events::event)),
            "lapsed" => triggers.extend(value.table().map(events::lapsed)),
            "usage" => triggers.extend(value.table().map(usage::usage)),
            "holiday" => triggers.extend(value.table().map(|t| dates::holiday(t, own))),
            "fixed" => triggers.extend(value.table().map(dates::fixed)),
            other => {
                let help = match nearest(other, KINDS.iter().copied()) {
                    Some(near) => format!("did you mean `[trigger.{near}]`?"),
                    None => format!("there are {}", KINDS.join(", ")),
                };
                value.complain_of_key(&format!("there is no trigger `{other}`"), &help);
            }
        }
    }
    match kinds.as_slice() {
        [] => value.complain("no trigger is named", Some(EXAMPLE.to_owned())),
        [_] => {}
        [_, others @ ..] => {
            for (kind, value) in others {
                let message = format!("`trigger.{kind}` is one trigger too many");
                let help = "keep one, and give the other a rule file of its own";
                value.complain_of_key(&message, help);
            }
        }
    }
    triggers.into_iter().next().flatten()
}
