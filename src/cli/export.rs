//! `fondly export`: everything about a customer, as one JSON document.

use std::io;
use std::path::Path;

use serde_json::json;

use super::{Done, Failure, Outcome, house_at_hand, output};
use crate::engine::dossier_json::{SECTIONS, piece_json};
use crate::engine::entry_json::rfc3339;
use crate::engine::{House, privacy};
use crate::model::address;
use crate::store::{Piece, Whom};

/// The document's form. One that breaks readers would get another number.
const FORM: &str = "fondly-export-1";

#[derive(Debug, clap::Args)]
#[command(
    after_help = "The document has the sections customers (the record, with consent and \
    unsubscription), planning (what rules wait for), events, ledger (with history and the letters as \
    they were sent), suppression, quarantine and words. In quarantine, `named_by` says whether a record \
    has the address, or a field that is the id; look at the latter before you hand them out: a small \
    number may mean something else."
)]
pub(super) struct Args {
    #[command(flatten)]
    pub(super) who: Who,
    /// How to print: JSON is the only way
    #[arg(long, value_enum, default_value_t)]
    format: Format,
}

#[derive(Debug, Clone, Copy, Default, clap::ValueEnum)]
enum Format {
    /// One document.
    #[default]
    Json,
}

/// Who is meant.
#[derive(Debug, clap::Args)]
#[group(required = true, multiple = false)]
pub(super) struct Who {
    /// The customer's id
    customer: Option<String>,
    /// Whoever has this address, also where there is no record of them
    #[arg(long)]
    address: Option<String>,
}

impl Who {
    pub(super) fn whom(&self) -> Result<Whom, Failure> {
        match (&self.customer, &self.address) {
            (_, Some(address)) => {
                let address = super::suppress::plain(address)?;
                Ok(Whom::Address(address))
            }
            (customer, None) => Ok(Whom::Customer(customer.clone().unwrap_or_default())),
        }
    }
}

pub(super) async fn run(args: Args, config: &Path) -> Outcome {
    let whom = args.who.whom()?;
    let house = house_at_hand(config).await?;
    let done = export(&house, &whom).await;
    house.store.clone().close().await?;
    done?;
    Ok(Done::Well)
}

async fn export(house: &House, whom: &Whom) -> Result<(), Failure> {
    let zone = &house.policy().zone;
    let mut document = Document {
        asked: asked(whom),
        at: rfc3339(house.clock.now(), zone),
        section: None,
        pieces: 0,
    };
    let mut take = |piece: Piece| {
        let (section, said) = piece_json(piece, zone);
        document.add(section, &said.to_string())
    };
    house.store.dossier(whom, &mut take).await?;
    if document.section.is_none() {
        return Err(nobody(house, whom).await);
    }
    document.end()?;
    Ok(())
}

fn asked(whom: &Whom) -> serde_json::Value {
    match whom {
        Whom::Customer(id) => json!({ "customer": id }),
        Whom::Address(address) => json!({ "address": address::key(address) }),
    }
}

/// Nothing is here of them.
pub(super) async fn nobody(house: &House, whom: &Whom) -> Failure {
    let words = match whom {
        Whom::Customer(id) => match house.store.was_forgotten(id).await {
            Ok(None) => format!(
                "there is no customer `{id}`, and nothing is kept under that id; \
                 `--address ADDRESS` looks for an address instead"
            ),
            Ok(Some(at)) => privacy::was_forgotten(house, id, at).to_string(),
            Err(error) => return error.into(),
        },
        Whom::Address(address) => format!("nothing is kept of {address}"),
    };
    Failure::Trouble(anyhow::anyhow!(words))
}

/// Writes the document as its pieces come: a line each, so that it can be as long as it must.
struct Document {
    asked: serde_json::Value,
    at: String,
    /// Which section is open; none before the first piece.
    section: Option<usize>,
    /// Pieces in it.
    pieces: u64,
}

impl Document {
    fn add(&mut self, section: &str, piece: &str) -> io::Result<()> {
        let wanted = SECTIONS.iter().position(|name| *name == section);
        self.open(wanted.unwrap_or(SECTIONS.len()))?;
        let between = if self.pieces == 0 { "\n  " } else { ",\n  " };
        self.pieces += 1;
        output::raw(&format!("{between}{piece}"))
    }

    /// Opens this section, and those before it, which have nothing in them.
    fn open(&mut self, wanted: usize) -> io::Result<()> {
        if self.section.is_none() {
            let (at, asked) = (&self.at, &self.asked);
            output::raw(&format!(
                "{{\"form\": \"{FORM}\", \"exported_at\": \"{at}\", \"asked_for\": {asked}"
            ))?;
        }
        let next = self.section.map_or(0, |section| section + 1);
        for (number, name) in SECTIONS.iter().enumerate().skip(next) {
            if number > wanted {
                break;
            }
            self.close()?;
            output::raw(&format!(",\n\"{name}\": ["))?;
            self.section = Some(number);
        }
        Ok(())
    }

    fn close(&mut self) -> io::Result<()> {
        let had_some = std::mem::take(&mut self.pieces) > 0;
        match self.section {
            Some(_) => output::raw(if had_some { "\n]" } else { "]" }),
            None => Ok(()),
        }
    }

    fn end(&mut self) -> io::Result<()> {
        self.open(SECTIONS.len())?;
        self.close()?;
        output::raw("}\n")
    }
}
