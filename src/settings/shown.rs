//! The settings as they are in effect, for people: `fondly check --show`.
//!
//! Never shows a secret; what it shows can be read back as a settings file.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use toml::{Table, Value};

use super::{
    Api, AttrType, Dropped, Key, Place, Retention, Settings, Smtp, Source, Sql, Transport,
};
use crate::model::Period;
use crate::model::policy::{Guard, MarketingBasis, Policy};
use crate::records::sql::{Overlap, Url};

impl Settings {
    /// The effective settings as TOML, with all paths absolute.
    pub fn shown(&self) -> String {
        let mut top = Table::new();
        top.insert("business".to_owned(), self.shown_business().into());
        let store = format!("sqlite:{}", self.store.path.display());
        top.insert("store".to_owned(), table([("url", store.into())]).into());
        top.insert("mail".to_owned(), self.shown_mail().into());
        let mut schedule = table([
            ("sync", self.schedule.sync.as_str().into()),
            ("tick", self.schedule.tick.as_str().into()),
        ]);
        let digest = self.schedule.digest.clone();
        add(&mut schedule, "digest", digest.or(Some("none".to_owned())));
        top.insert("schedule".to_owned(), schedule.into());
        top.insert("sending".to_owned(), sending(&self.policy).into());
        top.insert("guard".to_owned(), guard(self.policy.guard).into());
        let kept = retention(self.retention);
        if !kept.is_empty() {
            top.insert("retention".to_owned(), kept.into());
        }
        if let Some(console) = &self.console {
            let mut shown = table([("bind", console.bind.to_string().into())]);
            add(&mut shown, "base_url", console.base_url.clone());
            shown.insert("login".to_owned(), console.login.into());
            top.insert("console".to_owned(), shown.into());
        }
        if let Some(public) = &self.public {
            let public = table([
                ("bind", public.bind.to_string().into()),
                ("base_url", public.base_url.as_str().into()),
            ]);
            top.insert("public".to_owned(), public.into());
        }
        if let Some(api) = &self.api {
            top.insert("api".to_owned(), shown_api(api).into());
        }
        let sources: Vec<Value> = self.sources.iter().map(|s| source(s).into()).collect();
        if !sources.is_empty() {
            top.insert("source".to_owned(), sources.into());
        }
        toml::to_string(&top).unwrap_or_default()
    }

    fn shown_business(&self) -> Table {
        let business = &self.business;
        let owner: Vec<Value> = business
            .owner
            .iter()
            .map(|o| o.to_string().into())
            .collect();
        let mut shown = table([
            ("name", business.name.as_str().into()),
            ("from", business.from.to_string().into()),
            ("owner", owner.into()),
            ("timezone", self.policy.zone_name.as_str().into()),
            ("language", business.language.as_str().into()),
        ]);
        let reply_to = business.reply_to.as_ref().map(ToString::to_string);
        let mailto = business
            .unsubscribe_mailto
            .as_ref()
            .map(ToString::to_string);
        add(&mut shown, "reply_to", reply_to);
        add(
            &mut shown,
            "postal_address",
            business.postal_address.clone(),
        );
        add(&mut shown, "unsubscribe_mailto", mailto);
        shown
    }

    fn shown_mail(&self) -> Table {
        match &self.mail.transport {
            Transport::File { dir } => table([
                ("transport", "file".into()),
                ("dir", dir.display().to_string().into()),
            ]),
            Transport::Smtp(relays) => {
                let shown: Vec<Value> = relays.iter().map(|one| smtp(one).into()).collect();
                let mut mail = table([("transport", "smtp".into())]);
                match <[Value; 1]>::try_from(shown) {
                    Ok([only]) => mail.insert("smtp".to_owned(), only),
                    Err(several) => mail.insert("relay".to_owned(), several.into()),
                };
                mail
            }
        }
    }
}

fn table<const N: usize>(entries: [(&str, Value); N]) -> Table {
    entries
        .into_iter()
        .map(|(key, value)| (key.to_owned(), value))
        .collect()
}

fn add(table: &mut Table, key: &str, value: Option<String>) {
    if let Some(value) = value {
        table.insert(key.to_owned(), value.into());
    }
}

fn smtp(smtp: &Smtp) -> Table {
    let mut shown = table([
        ("host", smtp.host.as_str().into()),
        ("port", i64::from(smtp.port).into()),
        ("security", smtp.security.as_str().into()),
        ("connections", i64::from(smtp.connections).into()),
        ("per_second", i64::from(smtp.per_second).into()),
        ("when_unknown", smtp.when_unknown.as_str().into()),
    ]);
    if let Some(login) = &smtp.login {
        let (name, file) = match &login.key {
            Key::Password { file, .. } => ("password_file", file),
            Key::TokenFile(file) => ("token_file", file),
        };
        shown.insert("username".to_owned(), login.username.as_str().into());
        shown.insert(name.to_owned(), file.display().to_string().into());
    }
    let ca_file = smtp.ca_file.as_ref().map(|path| path.display().to_string());
    add(&mut shown, "ca_file", ca_file);
    if !smtp.per_domain.is_empty() {
        let limits = smtp.per_domain.iter();
        let limits = limits.map(|(domain, limit)| (domain.clone(), limit.shown().into()));
        shown.insert("per_domain".to_owned(), limits.collect::<Table>().into());
    }
    shown
}

fn sending(policy: &Policy) -> Table {
    let quiet = policy.quiet.map_or_else(
        || "none".to_owned(),
        |quiet| {
            format!(
                "{}-{}",
                quiet.from.strftime("%H:%M"),
                quiet.until.strftime("%H:%M")
            )
        },
    );
    let caps: Table = policy
        .caps
        .iter()
        .map(|cap| {
            let class = cap.class.map_or("any", |class| class.as_str());
            let text = format!("{} per {}", cap.count, Period::Days(cap.days));
            (class.to_owned(), text.into())
        })
        .collect();
    let basis = match policy.basis {
        MarketingBasis::OptIn => "opt-in",
        MarketingBasis::ExistingCustomers => "existing-customers",
    };
    let mut shown = table([
        ("quiet_hours", quiet.into()),
        ("caps", caps.into()),
        ("marketing_basis", basis.into()),
    ]);
    add(
        &mut shown,
        "live_from",
        policy.live_from.map(|date| date.to_string()),
    );
    shown
}

fn guard(guard: Guard) -> Table {
    let (whole, fraction) = (guard.share / 100, guard.share % 100);
    let share = if fraction == 0 {
        format!("{whole}%")
    } else {
        format!("{whole}.{fraction:02}%")
    };
    table([
        ("max_per_rule_per_day", i64::from(guard.most).into()),
        ("max_share", share.into()),
    ])
}

fn retention(kept: Retention) -> Table {
    let mut shown = Table::new();
    for (key, period) in [
        ("events", kept.events),
        ("ledger_text", kept.ledger_text),
        ("copies", kept.copies),
    ] {
        add(&mut shown, key, period.map(|period| period.to_string()));
    }
    shown
}

fn shown_api(api: &Api) -> Table {
    let mut shown = table([
        ("bind", api.bind.to_string().into()),
        ("behind_tls", api.behind_tls.into()),
        ("source", api.source.as_str().into()),
        ("per_minute", i64::from(api.per_minute).into()),
    ]);
    if !api.types.is_empty() {
        shown.insert("types".to_owned(), types(&api.types).into());
    }
    shown
}

fn types(types: &BTreeMap<String, AttrType>) -> Table {
    types
        .iter()
        .map(|(name, of)| (format!("attr.{name}"), of.as_str().into()))
        .collect()
}

fn source(source: &Source) -> Table {
    let columns: Table = source
        .columns
        .iter()
        .map(|(field, column)| (field.clone(), column.as_str().into()))
        .collect();
    let types: Table = source
        .types
        .iter()
        .map(|(name, of)| (format!("attr.{name}"), of.as_str().into()))
        .collect();
    let mut shown = table([
        ("name", source.name.as_str().into()),
        ("kind", source.place.kind().into()),
        ("feeds", source.feeds.as_str().into()),
    ]);
    add(&mut shown, "event", source.event.clone());
    place(&source.place, &mut shown);
    for (key, entries) in [("columns", columns), ("types", types)] {
        if !entries.is_empty() {
            shown.insert(key.to_owned(), entries.into());
        }
    }
    add(&mut shown, "dates", source.dates.clone());
    add(
        &mut shown,
        "decimal",
        source.decimal.map(|it| it.to_string()),
    );
    let zone = source.timezone.as_ref().map(|(name, _)| name.clone());
    add(&mut shown, "timezone", zone);
    shown
}

fn place(place: &Place, shown: &mut Table) {
    let path = |path: &Path| Some(path.display().to_string());
    match place {
        Place::Csv {
            path: at,
            dropped: files,
            delimiter,
            encoding,
        } => {
            add(shown, "path", path(at));
            dropped(*files, shown);
            add(shown, "delimiter", delimiter.map(|it| it.to_string()));
            add(shown, "encoding", encoding.clone());
        }
        Place::Xlsx {
            path: at,
            dropped: files,
            sheet,
            header_row,
        } => {
            add(shown, "path", path(at));
            dropped(*files, shown);
            add(shown, "sheet", sheet.clone());
            if let Some(row) = header_row {
                shown.insert("header_row".to_owned(), i64::from(*row).into());
            }
        }
        Place::Vcard {
            path: at,
            dropped: files,
            encoding,
        } => {
            add(shown, "path", path(at));
            dropped(*files, shown);
            add(shown, "encoding", encoding.clone());
        }
        Place::Sql(sql) => query(sql, shown),
    }
}

fn dropped(files: Dropped, shown: &mut Table) {
    let wait = format!("{} seconds", files.complete_after.as_secs());
    add(shown, "complete_after", Some(wait));
    add(shown, "after", Some(files.after.as_str().to_owned()));
}

fn query(sql: &Sql, shown: &mut Table) {
    let path = |path: &Option<PathBuf>| path.as_ref().map(|path| path.display().to_string());
    match &sql.url {
        Url::Text(url) => add(shown, "url", Some(url.clone())),
        Url::File(file) => add(shown, "url_file", Some(file.display().to_string())),
    }
    add(shown, "password_file", path(&sql.password_file));
    add(shown, "ca_file", path(&sql.ca_file));
    add(shown, "query", Some(sql.query.clone()));
    add(shown, "since", sql.since.clone());
    match sql.overlap {
        None => {}
        Some(Overlap::Count(n)) => {
            shown.insert("overlap".to_owned(), n.into());
        }
        Some(Overlap::Time(time)) => {
            add(
                shown,
                "overlap",
                Some(format!("{} minutes", time.as_mins())),
            );
        }
    }
    let minutes = sql.timeout.as_secs() / 60;
    add(shown, "timeout", Some(format!("{minutes} minutes")));
    let hours = sql.full_every.map(|every| every.as_secs() / 3600);
    add(
        shown,
        "full_every",
        hours.map(|hours| format!("{hours} hours")),
    );
    add(shown, "ids", sql.ids.clone());
}
