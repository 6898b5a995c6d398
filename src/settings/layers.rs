//! Defaults, `fondly.toml`, `local.toml`, the environment: laid over each other by the `config`
//! crate. It knows which value wins but not where it stands, so the place is looked up again.
//!
//! May not know what any setting means, but for its default.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use config::{Config, ConfigError, Map, Source, Value, ValueKind};

use super::environment::{self, Variables};
use super::{Settings, sections, veil};
use crate::model::Finding;
use crate::model::finding::SourceText;
use crate::model::tables::{Entry, Item, Node, Place, decode, parse_toml};

/// The one table whose being empty says something: no caps, whatever a lower layer says.
const CAPS: &str = "caps";

/// What holds unless somebody says otherwise. Settings whose default depends on others, and
/// tables that may be emptied (`caps = {}`), get theirs where they are read.
const DEFAULTS: &[(&str, &str)] = &[
    ("business.language", "en"),
    ("store.url", "sqlite:../var/fondly.db"),
    ("mail.transport", "file"),
    ("mail.dir", "../var/outbox"),
    ("schedule.sync", "0 */5 * * * *"),
    ("schedule.tick", "0 * * * * *"),
    ("schedule.digest", "0 0 7 * * Mon"),
    ("sending.quiet_hours", "20:00-08:00"),
    ("sending.marketing_basis", "existing-customers"),
];

/// Reads the settings: this file, `local.toml` beside it, and the environment of this process.
///
/// # Errors
/// Everything that is wrong with them.
pub fn load(path: &Path) -> Result<Settings, Vec<Finding>> {
    load_with(path, &environment::of_this_process())
}

/// The same with these environment variables.
///
/// # Errors
/// Everything that is wrong with the settings.
pub fn load_with(path: &Path, variables: &Variables) -> Result<Settings, Vec<Finding>> {
    read_layers(path, variables).map_err(|mut findings| {
        for finding in &mut findings {
            finding.source = veil::source(&finding.source);
        }
        findings
    })
}

fn read_layers(path: &Path, variables: &Variables) -> Result<Settings, Vec<Finding>> {
    let main = read(path)?.ok_or_else(|| {
        let finding = about_file(path, "there is no settings file here");
        vec![finding.with_help("`fondly init DIR` writes one; `--config FILE` names another")]
    })?;
    let local = read(&path.with_file_name("local.toml"))?;
    let (mut environment, mut findings) = environment::tree(variables);
    // What is missing altogether is missing in the main file.
    environment.place = main.place.clone();
    let mut layers = vec![environment];
    layers.extend(local);
    let place = main.place.clone();
    layers.push(main);
    for layer in &mut layers {
        findings.extend(take_odd_keys(layer));
    }
    let merged =
        merge(&layers, &place).map_err(|error| vec![about_file(path, &error.to_string())])?;
    let folder = folder_of(path).map_err(|error| {
        vec![about_file(
            path,
            &format!("its folder can't be found: {error}"),
        )]
    })?;
    let credentials = variables.get(environment::CREDENTIALS).map(Path::new);
    match sections::settings(&merged, &folder, credentials) {
        Ok(settings) if findings.is_empty() => return Ok(settings),
        Ok(_) => {}
        Err(found) => findings.extend(found),
    }
    Err(findings)
}

/// The folder that holds the settings, absolute.
pub(super) fn folder_of(path: &Path) -> io::Result<PathBuf> {
    let folder = path.parent().filter(|folder| *folder != Path::new(""));
    fs::canonicalize(folder.unwrap_or_else(|| Path::new(".")))
}

/// Top-level keys that can't be names of ours. They are kept from `config`, which would take
/// `a.b[7]` for a path and make room for eight elements.
pub(super) fn take_odd_keys(layer: &mut Item) -> Vec<Finding> {
    let Node::Table(entries) = &mut layer.node else {
        return Vec::new();
    };
    let plain = |b: u8| b.is_ascii_alphanumeric() || b == b'_' || b == b'-';
    let odd = |entry: &mut Entry| !entry.key.bytes().all(plain) || entry.key.is_empty();
    entries
        .extract_if(.., odd)
        .map(|entry| {
            let Place { source, span } = &entry.place;
            let message = format!("there is no setting `{}`", entry.key);
            Finding::new(source, span.clone(), message).with_help("take it out")
        })
        .collect()
}

fn about_file(path: &Path, message: &str) -> Finding {
    let name = path.display().to_string();
    let text = String::new();
    Finding::new(&Arc::new(SourceText { name, text }), 0..0, message)
}

/// `None` where there is no such file.
pub(super) fn read(path: &Path) -> Result<Option<Item>, Vec<Finding>> {
    let bytes = match fs::read(path) {
        Ok(bytes) => bytes,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        Err(error) => {
            let finding = about_file(path, &format!("this file can't be read: {error}"));
            return Err(vec![finding.with_help(
                "name the settings file itself, and let the user that runs fondly read it",
            )]);
        }
    };
    let source = decode(path.display().to_string(), bytes).map_err(|finding| vec![finding])?;
    parse_toml(&source, 0..source.text.len()).map(Some)
}

/// The layers, topmost first, as one tree whose every value knows its place.
pub(super) fn merge(layers: &[Item], main: &Place) -> Result<Item, ConfigError> {
    let mut builder = Config::builder();
    for (key, value) in DEFAULTS {
        builder = builder.set_default(*key, *value)?;
    }
    for layer in layers.iter().rev() {
        builder = builder.add_source(Layer(layer.clone()));
    }
    let merged = builder.build()?.collect()?;
    let merged = Value::new(None, ValueKind::Table(merged));
    let below: Vec<&Item> = layers.iter().collect();
    Ok(placed(&merged, &below, main))
}

/// One layer, as the `config` crate takes it.
#[derive(Debug, Clone)]
struct Layer(Item);

impl Source for Layer {
    fn clone_into_box(&self) -> Box<dyn Source + Send + Sync> {
        Box::new(self.clone())
    }

    fn collect(&self) -> Result<Map<String, Value>, ConfigError> {
        Ok(map_of(&self.0))
    }
}

fn map_of(item: &Item) -> Map<String, Value> {
    let Node::Table(entries) = &item.node else {
        return Map::new();
    };
    entries
        .iter()
        .map(|entry| (entry.key.clone(), value_of(&entry.item)))
        .collect()
}

fn value_of(item: &Item) -> Value {
    let kind = match &item.node {
        Node::Text(text) | Node::Loose(text) | Node::Moment(text) => {
            ValueKind::String(text.clone())
        }
        Node::Whole(n) => ValueKind::I64(*n),
        Node::Fraction(n) => ValueKind::Float(*n),
        Node::YesNo(yes) => ValueKind::Boolean(*yes),
        Node::List(items) => ValueKind::Array(items.iter().map(value_of).collect()),
        Node::Table(_) => ValueKind::Table(map_of(item)),
    };
    Value::new(None, kind)
}

/// A merged value with the place of the topmost layer that has it; `layers` are the layers'
/// values of the same key, topmost first.
fn placed(value: &Value, layers: &[&Item], above: &Place) -> Item {
    let top = layers.first();
    let place = top.map_or(above, |item| &item.place).clone();
    let node = match &value.kind {
        ValueKind::Table(map) => {
            let mut entries = Vec::new();
            for (key, value) in map {
                let below: Vec<&Entry> = layers.iter().filter_map(|l| l.entry(key)).collect();
                let items: Vec<&Item> = below.iter().map(|entry| &entry.item).collect();
                let key_place = below.first().map_or(&place, |entry| &entry.place);
                let item = match items.first() {
                    Some(Item {
                        node: Node::Table(none),
                        ..
                    }) if none.is_empty() && key == CAPS => Item {
                        node: Node::Table(Vec::new()),
                        place: key_place.clone(),
                    },
                    _ => placed(value, &items, key_place),
                };
                entries.push(Entry {
                    key: key.clone(),
                    place: key_place.clone(),
                    item,
                });
            }
            Node::Table(entries)
        }
        // A list is never merged: it is the topmost layer's. So is a single value, and there the
        // layer still knows whether it came from the environment.
        _ => match top {
            Some(item) => item.node.clone(),
            None => Node::Text(value.clone().into_string().unwrap_or_default()),
        },
    };
    Item { node, place }
}

#[cfg(test)]
mod tests {
    use std::fmt::Write as _;

    use super::*;
    use crate::settings::{Key, Security, Smtp, Transport};

    fn data(name: &str) -> PathBuf {
        Path::new(env!("CARGO_MANIFEST_DIR"))
            .join("tests/data")
            .join(name)
    }

    /// A folder with these two files.
    fn folder(main: &str, local: &str) -> tempfile::TempDir {
        let dir = tempfile::tempdir().unwrap();
        fs::write(dir.path().join("fondly.toml"), main).unwrap();
        if !local.is_empty() {
            fs::write(dir.path().join("local.toml"), local).unwrap();
        }
        dir
    }

    fn read_all(main: &str, local: &str, vars: &[(&str, &str)]) -> Result<Settings, Vec<Finding>> {
        let dir = folder(main, local);
        let vars = vars
            .iter()
            .map(|(name, value)| ((*name).to_owned(), (*value).to_owned()));
        load_with(&dir.path().join("fondly.toml"), &vars.collect())
    }

    fn told(result: Result<Settings, Vec<Finding>>) -> Vec<String> {
        let line = |finding: &Finding| {
            let name = finding.source.name.rsplit('/').next().unwrap_or_default();
            let (line, column) = finding.position();
            let help = finding.help.as_deref().unwrap_or_default();
            format!("{name}:{line}:{column}: {} ({help})", finding.message)
        };
        result.unwrap_err().iter().map(line).collect()
    }

    const SMALL: &str = "[business]\nname = \"Rose\"\nfrom = \"hello@rose.example\"\ntimezone = \"Europe/London\"\n";

    #[test]
    fn three_lines_are_enough() {
        let dir = folder(SMALL, "");
        let settings = load_with(&dir.path().join("fondly.toml"), &Variables::new()).unwrap();
        let home = fs::canonicalize(dir.path()).unwrap();
        assert_eq!(settings.folder, home);
        assert_eq!(settings.rules_dir(), home.join("rules"));
        assert_eq!(
            settings.store.path,
            home.parent().unwrap().join("var/fondly.db")
        );
        assert_eq!(settings.business.language, "en");
        assert_eq!(settings.schedule.tick, "0 * * * * *");
        assert_eq!(settings.policy.caps.len(), 2);
        let guard = settings.policy.guard;
        assert_eq!((guard.most, guard.share), (200, 500));
        assert_eq!(settings.schedule.digest.as_deref(), Some("0 0 7 * * Mon"));
        assert!(settings.policy.quiet.is_some() && settings.sources.is_empty());
    }

    #[test]
    fn each_layer_wins_over_the_one_below() {
        let main = format!("{SMALL}[mail]\ndir = \"main\"\n[sending]\nquiet_hours = \"none\"");
        let local = "[mail]\ndir = \"local\"\n[business]\nlanguage = \"de\"";
        let vars = [
            ("FONDLY__BUSINESS__LANGUAGE", "fr"),
            ("FONDLY_LOG", "debug"),
            ("HOME", "/"),
        ];
        let shown = read_all(&main, local, &vars).unwrap().shown();
        for line in [
            "/local\"",
            "language = \"fr\"",
            "quiet_hours = \"none\"",
            "name = \"Rose\"",
        ] {
            assert!(shown.contains(line), "{line} in {shown}");
        }
    }

    #[test]
    fn the_environment_can_say_numbers_and_lists() {
        let vars = [
            ("FONDLY__MAIL__TRANSPORT", "smtp"),
            ("FONDLY__MAIL__SMTP__HOST", "localhost"),
            ("FONDLY__MAIL__SMTP__PORT", "2525"),
            ("FONDLY__BUSINESS__NAME", "0123"),
            (
                "FONDLY__BUSINESS__OWNER",
                "[\"a@rose.example\", \"b@rose.example\"]",
            ),
            ("FONDLY__SENDING__CAPS", "{}"),
        ];
        let settings = read_all(SMALL, "", &vars).unwrap();
        assert_eq!(
            (
                settings.business.name.as_str(),
                settings.business.owner.len()
            ),
            ("0123", 2)
        );
        assert_eq!(settings.policy.caps, []);
        let Transport::Smtp(relays) = settings.mail.transport else {
            panic!("{:?}", settings.mail);
        };
        let smtp = &relays[0];
        assert_eq!(
            (smtp.port, smtp.security, smtp.connections),
            (2525, Security::Tls, 4)
        );
    }

    #[test]
    fn an_error_names_the_variable_or_file_at_fault() {
        let vars = [
            ("FONDLY__MAIL__DIRR", "secret"),
            ("FONDLY__SENDING__QUIET_HOURS", "never"),
            ("FONDLY__SOURCE__0__PATH", "x"),
            ("FONDLY____DIR", "x"),
        ];
        let lines = told(read_all(SMALL, "[mail]\ntransport = \"pigeon\"", &vars));
        assert_eq!(lines.len(), 5, "{lines:#?}");
        assert!(
            lines[0].starts_with("environment variable FONDLY__SOURCE__0__PATH:1:1: "),
            "{}",
            lines[0]
        );
        assert!(lines[1].starts_with("environment variable FONDLY____DIR:1:1: "));
        assert!(lines[3].ends_with("there is no setting `mail.dirr` (did you mean `dir`?)"));
        assert!(lines[3].contains("FONDLY__MAIL__DIRR"));
        assert!(lines[4].contains("FONDLY__SENDING__QUIET_HOURS:1:1: `sending.quiet_hours`"));
        assert!(lines[2].starts_with("local.toml:2:13: "), "{}", lines[2]);
        assert!(!lines.concat().contains("secret"));
    }

    /// What stands in the place of a whole section takes its settings away; they aren't missing too.
    #[test]
    fn a_value_in_the_place_of_a_section_is_one_finding() {
        let lines = told(read_all(SMALL, "", &[("FONDLY__BUSINESS", "1")]));
        assert_eq!(lines.len(), 1, "{lines:#?}");
        assert!(
            lines[0].starts_with("environment variable FONDLY__BUSINESS:1:1: `business`"),
            "{}",
            lines[0]
        );
        let lines = told(read_all("business = 1\n", "", &[]));
        assert_eq!(lines.len(), 1, "{lines:#?}");
    }

    #[test]
    fn an_empty_table_of_caps_means_none_in_any_layer() {
        let main = format!("{SMALL}[sending]\ncaps = {{ any = \"1 per 2 days\" }}");
        assert_eq!(read_all(&main, "", &[]).unwrap().policy.caps.len(), 1);
        let local = "[sending]\ncaps = {}";
        assert_eq!(read_all(&main, local, &[]).unwrap().policy.caps, []);
    }

    #[test]
    fn strange_keys_and_files_are_findings() {
        let lines = told(read_all(
            &format!("\"a.b[99999999999]\" = 1\n{SMALL}"),
            "",
            &[],
        ));
        assert_eq!(
            lines,
            ["fondly.toml:1:1: there is no setting `a.b[99999999999]` (take it out)"]
        );
        let missing = load_with(Path::new("no-such-folder/fondly.toml"), &Variables::new());
        assert!(told(missing)[0].contains("there is no settings file here"));
        let folder = load_with(&data("base"), &Variables::new());
        assert!(told(folder)[0].contains("can't be read"));
    }

    #[test]
    fn a_password_is_read_from_its_file_and_never_shown() {
        let smtp = "[mail]\ntransport = \"smtp\"\n[mail.smtp]\nhost = \"smtp.rose.example\"\nusername = \"care\"\n";
        let dir = folder(&format!("{SMALL}{smtp}password_file = \"pw\""), "");
        let main = dir.path().join("fondly.toml");
        assert!(told(load_with(&main, &Variables::new()))[0].contains("fondly.toml:10:17: "));
        fs::write(dir.path().join("pw"), "hunter2\n").unwrap();
        let settings = load_with(&main, &Variables::new()).unwrap();
        assert!(!format!("{settings:?}").contains("hunter2"));
        assert!(!settings.shown().contains("hunter2"));
        let Transport::Smtp(relays) = settings.mail.transport else {
            panic!("no relay");
        };
        let Key::Password { password, .. } = &relays[0].login.as_ref().unwrap().key else {
            panic!("no password");
        };
        assert_eq!(password.reveal(), "hunter2");

        // systemd hands it over in a folder of its own.
        fs::write(&main, format!("{SMALL}{smtp}")).unwrap();
        fs::write(dir.path().join("smtp-password"), "hunter3").unwrap();
        let folder = dir.path().to_string_lossy().into_owned();
        let variables = Variables::from([("CREDENTIALS_DIRECTORY".to_owned(), folder)]);
        assert!(load_with(&main, &variables).is_ok());
    }

    #[test]
    fn a_token_stays_in_its_file_until_it_is_needed() {
        let smtp = "[mail]\ntransport = \"smtp\"\n[mail.smtp]\nhost = \"smtp.rose.example\"\n\
            username = \"care@rose.example\"\ntoken_file = \"token\"\n";
        let dir = folder(&format!("{SMALL}{smtp}"), "");
        let main = dir.path().join("fondly.toml");
        let missing = told(load_with(&main, &Variables::new()));
        assert!(missing[0].contains("there is no file"), "{missing:?}");
        fs::write(dir.path().join("token"), "").unwrap();
        let settings = load_with(&main, &Variables::new()).unwrap();
        assert!(settings.shown().contains("token_file = "));
        fs::write(&main, format!("{SMALL}{smtp}password_file = \"token\"\n")).unwrap();
        let both = told(load_with(&main, &Variables::new()));
        assert!(both[0].contains("as well as `token_file`"), "{both:?}");
        let nobody = format!("{SMALL}{smtp}").replace("username", "# username");
        fs::write(&main, nobody).unwrap();
        let nobody = told(load_with(&main, &Variables::new()));
        assert!(nobody[0].contains("no `username`"), "{nobody:?}");
        let odd = format!("{SMALL}{smtp}").replace("care@", "care\\u0001@");
        fs::write(&main, odd).unwrap();
        let odd = told(load_with(&main, &Variables::new()));
        assert!(odd[0].contains("no login can carry"), "{odd:?}");
    }

    #[test]
    fn several_relays_stand_in_order_and_show_as_they_are_written() {
        let relays = "[mail]\ntransport = \"smtp\"\n[[mail.relay]]\nhost = \"a.example\"\n\
            [[mail.relay]]\nhost = \"b.example\"\nsecurity = \"starttls\"\n\
            per_domain = { \"Bücher.example\" = \"9 per 1 day\", \"*\" = \"20 per 1 minute\" }\n";
        let settings = read_all(&format!("{SMALL}{relays}"), "", &[]).unwrap();
        let shown = settings.shown();
        let Transport::Smtp(relays) = &settings.mail.transport else {
            panic!("{:?}", settings.mail);
        };
        let names: Vec<String> = relays.iter().map(Smtp::name).collect();
        assert_eq!(names, ["a.example:465", "b.example:587"]);
        for line in [
            "[[mail.relay]]",
            "\"xn--bcher-kva.example\" = \"9 per 24 hours\"",
            "\"*\" = \"20 per 1 minute\"",
        ] {
            assert!(shown.contains(line), "{line} in {shown}");
        }
        let again = read_all(&shown, "", &[]).unwrap();
        assert_eq!(again.shown(), shown);
    }

    #[test]
    fn a_password_in_the_open_is_starred_out() {
        let text =
            "[mail.smtp]\npassword = \"hünter2\"\n[store]\nurl = \"postgres://u:hunter2@db/x\"\n";
        let result = read_all(&format!("{SMALL}{text}"), "", &[]);
        for finding in result.unwrap_err() {
            assert!(
                !finding.source.text.contains("nter2"),
                "{}",
                finding.source.text
            );
            assert_eq!(finding.source.text.len(), SMALL.len() + text.len());
        }
    }

    const MUCH: &str = r#"
            reply_to = "Anna <anna@rose.example>"
            owner = ["anna@rose.example"]
            postal_address = "1 High Street"
            unsubscribe_mailto = "out@rose.example"
            [mail]
            transport = "smtp"
            [mail.smtp]
            host = "::1"
            security = "none"
            when_unknown = "resend"
            [sending]
            caps = { service = "2 per 1 day" }
            marketing_basis = "opt-in"
            live_from = 2026-12-01
            [guard]
            max_share = "2.5%"
            [schedule]
            digest = "0 0 7 * * Mon"
            [console]
            bind = "127.0.0.1:8425"
            [public]
            bind = "[::1]:8426"
            base_url = "https://care.rose.example/"
            [[source]]
            name = "till"
            kind = "csv"
            path = "in"
            feeds = "events"
            delimiter = "\t"
            complete_after = "2 minutes"
            after = "move"
            dates = "%d/%m/%Y %H:%M"
            columns = { id = "No", "attr.size" = "Size", attr.vip = "VIP" }
            types = { "attr.vip" = "yes-no" }
            "#;

    const SHOP: &str = r#"
            [[source]]
            name = "shop"
            kind = "sql"
            url = "postgres://fondly@db.example/shop"
            password_file = "/etc/fondly/shop-password"
            ca_file = "/etc/fondly/ca.pem"
            feeds = "customers"
            query = "select id from customers where changed > :since"
            since = "changed"
            overlap = "60 minutes"
            timeout = "2 minutes"
            timezone = "UTC"
            "#;

    #[test]
    fn a_database_is_shown_as_it_was_written() {
        let settings = read_all(&format!("{SMALL}{SHOP}"), "", &[]).unwrap();
        let shown = settings.shown();
        assert_eq!(read_all(&shown, "", &[]).unwrap().shown(), shown);
        for line in SHOP.lines() {
            assert!(shown.contains(line.trim()), "{line}: {shown}");
        }
    }

    #[test]
    fn what_is_shown_can_be_read_back() {
        let all = format!("{SMALL}{MUCH}");
        let settings = read_all(&all, "", &[]).unwrap();
        assert_eq!(settings.sources[0].columns.len(), 3);
        let shown = settings.shown();
        assert_eq!(read_all(&shown, "", &[]).unwrap().shown(), shown);
        let (home, up) = (&settings.folder, settings.folder.parent().unwrap());
        let shown = shown.replace(home.to_str().unwrap(), "HOME");
        let shown = shown.replace(up.to_str().unwrap(), "UP");
        insta::assert_snapshot!(shown, @r#"
        [business]
        from = "hello@rose.example"
        language = "en"
        name = "Rose"
        owner = ["anna@rose.example"]
        postal_address = "1 High Street"
        reply_to = "Anna <anna@rose.example>"
        timezone = "Europe/London"
        unsubscribe_mailto = "out@rose.example"

        [console]
        bind = "127.0.0.1:8425"
        login = false

        [guard]
        max_per_rule_per_day = 200
        max_share = "2.50%"

        [mail]
        transport = "smtp"

        [mail.smtp]
        connections = 4
        host = "::1"
        per_second = 10
        port = 25
        security = "none"
        when_unknown = "resend"

        [public]
        base_url = "https://care.rose.example"
        bind = "[::1]:8426"

        [schedule]
        digest = "0 0 7 * * Mon"
        sync = "0 */5 * * * *"
        tick = "0 * * * * *"

        [sending]
        live_from = "2026-12-01"
        marketing_basis = "opt-in"
        quiet_hours = "20:00-08:00"

        [sending.caps]
        service = "2 per 1 day"

        [[source]]
        after = "move"
        complete_after = "120 seconds"
        dates = "%d/%m/%Y %H:%M"
        delimiter = "\t"
        feeds = "events"
        kind = "csv"
        name = "till"
        path = "HOME/in"

        [source.columns]
        "attr.size" = "Size"
        "attr.vip" = "VIP"
        id = "No"

        [source.types]
        "attr.vip" = "yes-no"

        [store]
        url = "sqlite:UP/var/fondly.db"
        "#);
    }

    #[test]
    fn live_mail_needs_an_address_and_a_way_out() {
        use crate::model::policy::Class;
        use crate::settings::live_sending_problems as problems;
        let smtp = format!("{SMALL}[mail]\ntransport = \"smtp\"\n[mail.smtp]\nhost = \"h\"");
        let mut settings = read_all(&smtp, "", &[]).unwrap();
        assert_eq!(problems(&settings, &[Class::Service]), [""; 0]);
        assert_eq!(
            problems(&settings, &[Class::Service, Class::Marketing]).len(),
            2
        );
        settings.business.postal_address = Some("1 High Street".to_owned());
        settings.business.unsubscribe_mailto = "out@rose.example".parse().ok();
        assert_eq!(problems(&settings, &[Class::Relationship]), [""; 0]);
        let file = read_all(SMALL, "", &[]).unwrap();
        assert_eq!(problems(&file, &[Class::Marketing]), [""; 0]);
    }

    proptest::proptest! {
        #![proptest_config(proptest::test_runner::Config::with_cases(64))]
        #[test]
        fn settings_or_findings_but_never_neither(text in "[a-z_.\\[\\]{}=,\" 0-9\\n]{0,80}") {
            for text in [text.clone(), format!("{SMALL}{text}"), format!("{SMALL}[mail]\n{text}")] {
                if let Err(findings) = read_all(&text, "", &[]) {
                    assert!(!findings.is_empty());
                }
            }
        }
    }

    /// Every broken settings file says what is wrong, where, and what to do.
    #[test]
    fn broken_settings_are_explained() {
        let mut cases: Vec<PathBuf> = fs::read_dir(data("broken"))
            .unwrap()
            .map(|entry| entry.unwrap().path())
            .filter(|case| case.join("fondly.toml").is_file())
            .collect();
        cases.sort();
        assert!(cases.len() >= 30);
        let mut report = String::new();
        for case in cases {
            writeln!(report, "# {}", case.file_name().unwrap().display()).unwrap();
            let result = load_with(&case.join("fondly.toml"), &Variables::new());
            let findings = result
                .map(|_| format!("{} is fine?", case.display()))
                .unwrap_err();
            assert!(!findings.is_empty(), "{report}");
            for finding in findings {
                let name = finding.source.name.strip_prefix(case.to_str().unwrap());
                let (line, column) = finding.position();
                let at = finding.source.text.get(finding.span.clone()).unwrap();
                let file = name.unwrap().trim_start_matches('/');
                writeln!(report, "{file}:{line}:{column}: {}", finding.message).unwrap();
                writeln!(report, "    at:   {at:?}").unwrap();
                writeln!(report, "    help: {}", finding.help.unwrap_or_default()).unwrap();
            }
        }
        insta::with_settings!({snapshot_path => "../../tests/snapshots", prepend_module_to_snapshot => false, omit_expression => true}, {
            insta::assert_snapshot!("broken_settings", report);
        });
    }
}
