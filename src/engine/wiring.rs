//! Settings as the rooms want them: the settings know neither CSV files nor couriers.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use sha2::{Digest as _, Sha256};

use crate::deliver::budget::Budgets;
use crate::deliver::{Login, Security, SmtpConfig};
use crate::model::facts::BusinessWords;
use crate::records::sql::{Access, SqlSource};
use crate::records::{self, Decimal, FileSource, Format, Meaning};
use crate::settings::{self, DomainLimit, Dropped, Key, Place, Settings, Smtp, Source, Sql};

/// What letters and conditions see of the business.
pub(super) fn words(settings: &Settings) -> Arc<BusinessWords> {
    let business = &settings.business;
    let answers_to = business.reply_to.as_ref().unwrap_or(&business.from);
    Arc::new(BusinessWords {
        name: business.name.clone(),
        postal_address: business.postal_address.clone(),
        email: Some(answers_to.email.to_string()),
        language: business.language.clone(),
        timezone: settings.policy.zone_name.clone(),
    })
}

/// A source, as the records room reads it.
pub(super) enum Input {
    /// Files, and how those of a folder are taken.
    Files(FileSource, Dropped),
    /// A query in a database, and how often it is looked who is gone.
    Query(SqlSource, Option<Duration>),
}

impl Input {
    /// The source's name.
    pub(super) fn name(&self) -> &str {
        match self {
            Self::Files(source, _) => &source.meaning.name,
            Self::Query(source, _) => &source.meaning.name,
        }
    }
}

/// The sources, as the records room reads them.
pub(super) fn sources(settings: &Settings) -> Vec<Input> {
    let inputs = settings.sources.iter();
    inputs.map(|source| input(settings, source)).collect()
}

fn input(settings: &Settings, source: &Source) -> Input {
    let (path, dropped, format) = match &source.place {
        Place::Csv {
            path,
            dropped,
            delimiter,
            encoding,
        } => {
            let delimiter = delimiter.and_then(|sign| u8::try_from(sign).ok());
            let encoding = encoding.clone();
            (
                path,
                dropped,
                Format::Csv {
                    delimiter,
                    encoding,
                },
            )
        }
        Place::Xlsx {
            path,
            dropped,
            sheet,
            header_row,
        } => {
            let (sheet, header_row) = (sheet.clone(), *header_row);
            (path, dropped, Format::Sheet { sheet, header_row })
        }
        Place::Sql(sql) => return Input::Query(query(settings, source, sql), sql.full_every),
        Place::Vcard {
            path,
            dropped,
            encoding,
        } => {
            let encoding = encoding.clone();
            (path, dropped, Format::Cards { encoding })
        }
    };
    let files = FileSource {
        meaning: meaning(settings, source),
        path: path.clone(),
        shown: shown(&settings.folder, path),
        format,
    };
    Input::Files(files, *dropped)
}

fn query(settings: &Settings, source: &Source, sql: &Sql) -> SqlSource {
    SqlSource {
        meaning: meaning(settings, source),
        access: Access {
            url: sql.url.clone(),
            password_file: sql.password_file.clone(),
            ca_file: sql.ca_file.clone(),
            folder: settings.folder.clone(),
        },
        query: sql.query.clone(),
        since: sql.since.clone(),
        overlap: sql.overlap,
        timeout: sql.timeout,
        zone_is_stated: source.timezone.is_some(),
        ids: sql.ids.clone(),
    }
}

fn meaning(settings: &Settings, source: &Source) -> Meaning {
    Meaning {
        name: source.name.clone(),
        feeds: match source.feeds {
            settings::Feeds::Customers => records::Feeds::Customers,
            settings::Feeds::Events => records::Feeds::Events,
        },
        event: source.event.clone(),
        columns: source.columns.clone(),
        types: types(&source.types),
        dates: source.dates.clone(),
        decimal: source.decimal.map(|sign| match sign {
            ',' => Decimal::Comma,
            _ => Decimal::Point,
        }),
        zone: source
            .timezone
            .as_ref()
            .map_or(&settings.policy.zone, |(_, zone)| zone)
            .clone(),
    }
}

/// The types of the business's own attributes.
pub(super) fn types(
    types: &BTreeMap<String, settings::AttrType>,
) -> BTreeMap<String, records::AttrType> {
    let of = |kind: &settings::AttrType| match kind {
        settings::AttrType::Text => records::AttrType::Text,
        settings::AttrType::Number => records::AttrType::Number,
        settings::AttrType::Date => records::AttrType::Date,
        settings::AttrType::YesNo => records::AttrType::YesNo,
    };
    types
        .iter()
        .map(|(name, kind)| (name.clone(), of(kind)))
        .collect()
}

/// A path as a person knows it: below the folder above the settings where it lies there.
fn shown(folder: &Path, path: &Path) -> String {
    let home = folder.parent().unwrap_or(folder);
    path.strip_prefix(home)
        .unwrap_or(path)
        .display()
        .to_string()
}

/// The relay, as the courier is told of it.
pub(super) fn relay(settings: &Settings, smtp: &Smtp) -> SmtpConfig {
    let security = match smtp.security {
        settings::Security::Tls => Security::Tls,
        settings::Security::StartTls => Security::StartTls,
        settings::Security::None => Security::None,
    };
    let mut config = SmtpConfig::new(&smtp.host, smtp.port, security);
    settings
        .business
        .from
        .email
        .domain()
        .clone_into(&mut config.helo);
    config.ca_file.clone_from(&smtp.ca_file);
    if let Some(login) = &smtp.login {
        let name = &login.username;
        config.login = Some(match &login.key {
            Key::Password { password, .. } => Login::with_password(name, password.reveal()),
            Key::TokenFile(path) => Login::with_token_file(name, path),
        });
    }
    config
}

/// What may go to each mail domain.
pub(super) fn budgets(smtp: &Smtp) -> Budgets {
    let limit = |limit: &DomainLimit| (limit.count, limit.within);
    let others = smtp.per_domain.get(DomainLimit::OTHERS).map(limit);
    let named = smtp.per_domain.iter();
    let named = named.filter(|(domain, _)| *domain != DomainLimit::OTHERS);
    let named = named.map(|(domain, it)| (domain.clone(), limit(it)));
    Budgets::new(named.collect(), others)
}

/// A fingerprint of what decides whether a relay takes us. Kept short on purpose: long enough to
/// notice a change, too short to guess a password by.
pub(super) fn print(smtp: &Smtp) -> String {
    let mut hash = Sha256::new();
    let mut add = |part: &str| {
        hash.update(part.len().to_be_bytes());
        hash.update(part);
    };
    add(smtp.security.as_str());
    add(&format!("{:?}", smtp.ca_file));
    if let Some(login) = &smtp.login {
        add(&login.username);
        match &login.key {
            Key::Password { password, .. } => add(password.reveal()),
            // Its token is read for each login, so that a probe notices a new one.
            Key::TokenFile(path) => add(&path.to_string_lossy()),
        }
    }
    let digest = format!("{:x}", hash.finalize());
    digest.chars().take(4).collect()
}
