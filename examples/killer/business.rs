//! A business in a folder: settings, rules, and customers of whom everybody is due a letter now.
//!
//! Remembers for each customer what should become of it, from nothing but what it wrote into the
//! files.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use anyhow::{Context as _, bail};
use fondly::clock::Clock;
use jiff::civil::Date;
use jiff::tz::TimeZone;
use jiff::{Span, ToSpan as _};

use super::relay::Arrived;

/// What should become of a letter.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Fate {
    /// It arrives.
    Arrives,
    /// There is no address, or its owner said no.
    NeverTried,
    /// The relay doesn't know the address.
    NoSuchUser,
    /// The relay puts it off.
    PutOff,
    /// The relay refuses it after the dot.
    Refused,
}

/// A rule that a customer is due under: its name, and what it starts from.
const BIRTHDAY: &str = "birthday";
const THANKS: &str = "thank-you";
const MISSED: &str = "we-miss-you";

/// The rules: the shipped ones, due at midnight.
const RULES: &[(&str, &str)] = &[
    (
        BIRTHDAY,
        "title = \"Birthday\"\ntemplate = \"birthday\"\nclass = \"marketing\"\npriority = 80\n\
         audience = \"customer\"\n[trigger.anniversary]\nfield = \"birthday\"\n[send]\nat = \"00:00\"\n",
    ),
    (
        THANKS,
        "title = \"Thanks\"\ntemplate = \"thank-you\"\nclass = \"relationship\"\npriority = 60\n\
         audience = \"customer\"\n[trigger.event]\nevent = \"purchase\"\nafter = \"3 days\"\n\
         [send]\nat = \"00:00\"\n",
    ),
    (
        MISSED,
        "title = \"We miss you\"\ntemplate = \"we-miss-you\"\nclass = \"marketing\"\npriority = 40\n\
         audience = \"customer\"\n[trigger.lapsed]\ncontact = [\"visit\"]\nafter = \"90 days\"\n\
         [send]\nat = \"00:00\"\n",
    ),
];

/// The business.
#[derive(Debug)]
pub(crate) struct Business {
    folder: PathBuf,
    binary: PathBuf,
    /// By rule and customer, what should become of the letter.
    pub(crate) expected: BTreeMap<(&'static str, String), Fate>,
    files: u32,
    customers: u32,
    edits: u32,
}

impl Business {
    /// Lays it out. Letters go to this port of this machine, or into files; unknown ones again if
    /// so wished.
    pub(crate) fn found(
        folder: &Path,
        binary: &Path,
        (relay, resend): (Option<u16>, bool),
    ) -> anyhow::Result<Self> {
        let business = Self {
            folder: folder.to_owned(),
            binary: binary.to_owned(),
            expected: BTreeMap::new(),
            files: 0,
            customers: 0,
            edits: 0,
        };
        let config = folder.join("config");
        let made = Command::new(binary).arg("init").arg(&config).output()?;
        if !made.status.success() {
            bail!("fondly init: {}", String::from_utf8_lossy(&made.stderr));
        }
        fs::write(config.join("fondly.toml"), settings(relay, resend))?;
        for (name, text) in RULES {
            fs::write(config.join(format!("rules/{name}.toml")), text)?;
        }
        fs::create_dir_all(folder.join("customers"))?;
        fs::create_dir_all(folder.join("events"))?;
        Ok(business)
    }

    /// A command of the program's, not yet started.
    pub(crate) fn command(&self, words: &[&str]) -> Command {
        let mut command = Command::new(&self.binary);
        command
            .arg("--config")
            .arg(self.folder.join("config/fondly.toml"))
            .args(words)
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::piped())
            .env("XDG_STATE_HOME", self.folder.join("state"))
            .env_remove("FONDLY_LOG")
            .env_remove("FONDLY_FAULT");
        command
    }

    /// Customers so far.
    pub(crate) const fn customers(&self) -> u32 {
        self.customers
    }

    /// Writes files with so many new customers, each with something due now.
    pub(crate) fn feed(&mut self, count: u32) -> anyhow::Result<()> {
        let today = TimeZone::UTC.to_datetime(Clock::System.now()).date();
        let before = |span: Span| -> anyhow::Result<Date> { Ok(today.checked_sub(span)?) };
        let mut customers =
            "id,email,first_name,last_name,birthday,consent,unsubscribed\n".to_owned();
        let mut events = "id,customer_id,kind,at\n".to_owned();
        for n in self.customers..self.customers + count {
            let id = format!("c{n}");
            let (email, said_no, fate) = address(n);
            let birthday = match n % 10 {
                0..=6 => before(30.years())?.to_string(),
                _ => String::new(),
            };
            writeln!(
                customers,
                "{id},{email},Ann {n},\"Müller, {n}\",{birthday},unknown,{said_no}"
            )?;
            let rules: &[&str] = match n % 10 {
                0..=5 => &[BIRTHDAY],
                6 => &[BIRTHDAY, THANKS],
                7 | 8 => &[THANKS],
                _ => &[MISSED],
            };
            for rule in rules {
                if *rule == THANKS {
                    writeln!(events, "e{n},{id},purchase,{}", before(3.days())?)?;
                }
                if *rule == MISSED {
                    writeln!(events, "e{n},{id},visit,{}", before(90.days())?)?;
                }
                self.expected.insert((rule, id.clone()), fate);
            }
        }
        self.customers += count;
        self.files += 1;
        // Customers last: a file is seen whole, and events of strangers can wait for them.
        self.place("events", &events)?;
        self.place("customers", &customers)
    }

    /// Edits the first rule: to one that works and means the same, or to one that is broken.
    pub(crate) fn edit(&mut self, well: bool) -> anyhow::Result<()> {
        let Some((name, text)) = RULES.first() else {
            return Ok(());
        };
        self.edits += 1;
        let note = format!("# Edited {} times.\n", self.edits);
        let slip = if well { "" } else { "class = unfinished\n" };
        let path = self.folder.join(format!("config/rules/{name}.toml"));
        Ok(fs::write(path, format!("{note}{slip}{text}"))?)
    }

    /// Puts a file in its place in one step, as any careful writer would.
    fn place(&self, source: &str, text: &str) -> anyhow::Result<()> {
        let name = format!("{:06}.csv", self.files);
        let draft = self.folder.join(&name);
        fs::write(&draft, text)?;
        Ok(fs::rename(draft, self.folder.join(source).join(name))?)
    }

    /// The letters that are in their place, where letters are files.
    pub(crate) fn files(&self) -> anyhow::Result<Vec<Arrived>> {
        let mut arrived = Vec::new();
        let outbox = self.folder.join("outbox");
        let entries =
            fs::read_dir(&outbox).with_context(|| format!("{} can't be read", outbox.display()))?;
        for entry in entries {
            let path = entry?.path();
            if path.extension().is_some_and(|ending| ending == "eml") {
                let letter = fs::read(&path)?;
                let letter = String::from_utf8_lossy(&letter);
                let to = letter.lines().find_map(|line| line.strip_prefix("To:"));
                let to = to.unwrap_or_default();
                let address = to.rsplit_once('<').map_or(to, |(_, address)| address);
                arrived.push(Arrived::read(address.trim().trim_end_matches('>'), &letter));
            }
        }
        Ok(arrived)
    }

    /// Whether letters leave as files.
    pub(crate) fn is_of_files(&self) -> bool {
        self.folder.join("outbox").exists()
    }
}

/// A customer's address, whether they unsubscribed, and what becomes of their letters.
fn address(n: u32) -> (String, &'static str, Fate) {
    let at = |name: &str| format!("{name}{n}@customer.example");
    match n {
        n if n % 29 == 0 => (String::new(), "no", Fate::NeverTried),
        n if n % 31 == 0 => (at("declined"), "yes", Fate::NeverTried),
        n if n % 37 == 0 => (at("nobody"), "no", Fate::NoSuchUser),
        n if n % 41 == 0 => (at("busy"), "no", Fate::PutOff),
        n if n % 43 == 0 => (at("refused"), "no", Fate::Refused),
        _ => (at("ann"), "no", Fate::Arrives),
    }
}

/// Files come into their folder whole, and nobody has to wait whether more is written to them.
/// Who is told of what needs a person.
pub(crate) const OWNER: &str = "anna@thorn.example";

const AT_ONCE: &str = "complete_after = \"0 seconds\"\n";

fn settings(relay: Option<u16>, resend: bool) -> String {
    let unknown = if resend { "resend" } else { "hold" };
    let mail = match relay {
        None => "[mail]\ntransport = \"file\"\ndir = \"../outbox\"\n".to_owned(),
        Some(port) => format!(
            "[mail]\ntransport = \"smtp\"\n[mail.smtp]\nhost = \"127.0.0.1\"\nport = {port}\n\
             security = \"none\"\nconnections = 4\nper_second = 10000\nwhen_unknown = \"{unknown}\"\n"
        ),
    };
    format!(
        "[business]\nname = \"Thorn & Rose\"\nfrom = \"Thorn & Rose <hello@thorn.example>\"\n\
         owner = [\"{OWNER}\"]\ntimezone = \"UTC\"\nlanguage = \"en\"\n\
         postal_address = \"1 High Street, Leeds\"\nunsubscribe_mailto = \"out@thorn.example\"\n\
         [schedule]\nsync = \"* * * * * *\"\ntick = \"* * * * * *\"\n\
         [store]\nurl = \"sqlite:../fondly.db\"\n{mail}\
         [sending]\nquiet_hours = \"none\"\ncaps = {{}}\n\
         [guard]\nmax_per_rule_per_day = 1000000\n\
         [[source]]\nname = \"customers\"\nkind = \"csv\"\npath = \"../customers\"\n\
         feeds = \"customers\"\n{AT_ONCE}\
         [[source]]\nname = \"events\"\nkind = \"csv\"\npath = \"../events\"\nfeeds = \"events\"\n{AT_ONCE}"
    )
}
