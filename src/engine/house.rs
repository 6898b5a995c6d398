//! Everything a pass works with: settings, rules, letters, the store and the clock.
//!
//! Reads the configuration folder as a whole, collects every finding in it, and checks what only
//! shows when its files are held against each other.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use jiff::Timestamp;
use jiff::civil::Date;
use jiff::tz::TimeZone;

use super::amiss::{as_named, has_a_fault, missing_letter, no_folder, no_owner};
use super::outbox::Outbox;
use super::plan::furthest_day;
use super::print::Print;
use super::progress::Progress;
use super::{EngineError, links, wiring};
use crate::clock::Clock;
use crate::deliver::Simulated;
use crate::model::facts::BusinessWords;
use crate::model::policy::{Audience, Learnt};
use crate::model::{Finding, Policy, View};
use crate::render::links::Links;
use crate::render::{Catalogue, Phrases};
use crate::rules::{self, Rule};
use crate::settings::{self, Settings};
use crate::store::{OpenOptions, Store};

/// What stands in the configuration folder.
#[derive(Debug, Clone)]
pub struct Plans {
    config: PathBuf,
    /// The settings.
    pub settings: Settings,
    /// Every rule, by name.
    pub rules: Vec<Rule>,
    /// Every letter.
    pub letters: Catalogue,
    /// What fondly itself writes to customers, by language.
    pub phrases: Arc<Phrases>,
    /// What letters and conditions see of the business.
    pub words: Arc<BusinessWords>,
    /// What of all this can't be read just now.
    pub broken: Broken,
    /// The folder that they were read from, as it was just before.
    pub(super) print: Print,
}

/// What stands in the way of reading a configuration as a whole; nothing, where everything is there
/// but for [`Plans::at_hand`].
#[derive(Debug, Clone, Default)]
pub struct Broken {
    /// In the settings: what they couldn't say is as by default.
    pub settings: Vec<Finding>,
    /// In rules and letters: some of them aren't there.
    pub rules: Vec<Finding>,
    /// It isn't known how mail leaves.
    pub mail: bool,
    /// The business's zone isn't known; it counts as UTC.
    pub zone: bool,
}

impl Broken {
    /// Everything.
    pub fn all(&self) -> impl Iterator<Item = &Finding> {
        self.settings.iter().chain(&self.rules)
    }
}

impl Plans {
    /// Reads the folder of this `fondly.toml`.
    ///
    /// # Errors
    /// Every finding in it.
    pub fn read(config: &Path) -> Result<Self, Vec<Finding>> {
        let print = Print::before_reading(config);
        let settings = settings::load(config)?;
        let print = print.and_read(&settings);
        let folder = settings.folder.clone();
        let read = Self::read_with(settings, config);
        read.map(|plans| Self { print, ..plans })
            .map_err(|findings| as_named(findings, &folder, config))
    }

    /// The same for what needs little but the store, such as a pause: mistakes in rules, letters
    /// and other settings are told by [`Plans::broken`], and keep nobody from it. Of the rules there
    /// are those that could be read, to call them by their names; nothing may be decided by them.
    ///
    /// # Errors
    /// It can't be read for sure where the store is.
    pub fn at_hand(config: &Path) -> Result<Self, Vec<Finding>> {
        let least = settings::load_least(config)?;
        let folder = least.settings.folder.clone();
        let (mut plans, rules) = Self::gather(least.settings, config);
        let rules = as_named(rules, &folder, config);
        plans.broken = Broken {
            settings: least.findings,
            rules,
            mail: !least.mail,
            zone: !least.zone,
        };
        Ok(plans)
    }

    /// The same for whoever only looks at what was done: mistakes in rules and letters don't keep
    /// anybody from the ledger, those in the settings do. `true`: there are some.
    ///
    /// # Errors
    /// Every finding in the settings.
    pub fn read_for_review(config: &Path) -> Result<(Self, bool), Vec<Finding>> {
        let plans = Self::at_hand(config)?;
        if !plans.broken.settings.is_empty() {
            return Err(plans.broken.settings);
        }
        let broken = !plans.broken.rules.is_empty();
        Ok((plans, broken))
    }

    /// The `fondly.toml` that they were read from.
    pub fn config(&self) -> &Path {
        &self.config
    }

    fn read_with(settings: Settings, config: &Path) -> Result<Self, Vec<Finding>> {
        match Self::gather(settings, config) {
            (plans, findings) if findings.is_empty() => Ok(plans),
            (_, findings) => Err(findings),
        }
    }

    /// With neither rules nor letters.
    fn bare(settings: Settings, config: &Path) -> Self {
        Self {
            config: config.to_owned(),
            words: wiring::words(&settings),
            settings,
            rules: Vec::new(),
            letters: Catalogue::default(),
            phrases: Arc::clone(Phrases::built_in()),
            broken: Broken::default(),
            print: Print::default(),
        }
    }

    /// What can be read, and everything that is wrong with it.
    fn gather(settings: Settings, config: &Path) -> (Self, Vec<Finding>) {
        let loaded = match rules::load(&settings.rules_dir(), &settings.holidays_dir()) {
            Ok(loaded) => loaded,
            Err(error) => {
                let finding = no_folder(&settings, &error);
                return (Self::bare(settings, config), vec![finding]);
            }
        };
        let (rules, mut findings) = (loaded.rules, loaded.findings);
        let (phrases, more) = Phrases::load(&settings.words_dir());
        findings.extend(more);
        let phrases = Arc::new(phrases);
        let (letters, more) = Catalogue::load_with(&settings.templates_dir(), &phrases);
        findings.extend(more);
        for rule in &rules {
            let wanted = [
                ("template", Some(&rule.template)),
                ("late_template", rule.send.late_template.as_ref()),
            ];
            for (key, name) in wanted {
                let Some(name) = name else { continue };
                if let Err(error) = letters.check(name, &settings.business.language)
                    && !has_a_fault(&findings, name)
                {
                    findings.push(missing_letter(&settings, rule, (key, name), error.help));
                }
            }
        }
        if settings.business.owner.is_empty() {
            let to_owner = rules.iter().filter(|rule| rule.audience == Audience::Owner);
            findings.extend(to_owner.map(|rule| no_owner(&settings, rule)));
        }
        let plans = Self {
            rules,
            letters,
            phrases,
            ..Self::bare(settings, config)
        };
        (plans, findings)
    }
}

/// How a business's books are opened.
const DURABLE: OpenOptions = OpenOptions {
    create: true,
    volatile: false,
    in_step: false,
};

/// One business at work.
#[derive(Debug)]
pub struct House {
    /// The configuration.
    pub plans: Plans,
    /// Ledger, outbox and people.
    pub store: Store,
    /// The time.
    pub clock: Clock,
    /// Where letters go.
    pub outbox: Outbox,
    /// Signs the links in letters, and knows its own again.
    pub links: Arc<Links>,
    /// Whether a long pass is still moving.
    pub progress: Progress,
    /// Its store is a copy to try things on: the letters that lie in folders are the real one's, and
    /// stay.
    pub(super) on_copy: bool,
}

impl House {
    /// Opens the store and moves in.
    ///
    /// # Errors
    /// The store can't be opened.
    pub async fn open(plans: Plans, clock: Clock) -> Result<Self, EngineError> {
        let options = OpenOptions {
            // A slip in the settings must not make an empty store that nobody works with.
            create: plans.broken.settings.is_empty(),
            ..DURABLE
        };
        Self::with_outbox(plans, clock, options, |settings, clock| {
            Outbox::new(settings, true, clock)
        })
        .await
    }

    /// The same, where nothing is worth waiting for the disk: a rehearsal.
    ///
    /// # Errors
    /// The store can't be opened.
    pub async fn for_rehearsal(plans: Plans, clock: Clock) -> Result<Self, EngineError> {
        let options = OpenOptions {
            volatile: true,
            ..DURABLE
        };
        Self::with_outbox(plans, clock, options, |settings, clock| {
            Outbox::new(settings, false, clock)
        })
        .await
    }

    /// The same with somebody who plays the mail server, and one thing after the other: with one
    /// worker, the same things happen in the same order every time.
    ///
    /// # Errors
    /// The store can't be opened.
    pub async fn for_simulation(
        plans: Plans,
        clock: Clock,
        relay: Simulated,
    ) -> Result<Self, EngineError> {
        let options = OpenOptions {
            volatile: true,
            in_step: true,
            ..DURABLE
        };
        Self::with_outbox(plans, clock, options, |settings, clock| {
            Outbox::played(settings, clock, &relay)
        })
        .await
    }

    async fn with_outbox(
        plans: Plans,
        clock: Clock,
        options: OpenOptions,
        outbox: impl FnOnce(&Settings, &Clock) -> Result<Outbox, EngineError>,
    ) -> Result<Self, EngineError> {
        let store = Store::open(&plans.settings.store.path.display().to_string(), options).await?;
        let outbox = outbox(&plans.settings, &clock)?;
        Self::around(plans, clock, store, outbox).await
    }

    /// The same for whoever looks and leaves no trace: nothing can be written, or sent.
    ///
    /// # Errors
    /// The store can't be opened, or would have to be changed first.
    pub async fn to_look(plans: Plans, clock: Clock) -> Result<Self, EngineError> {
        let store = Store::look_at(&plans.settings.store.path.display().to_string()).await?;
        Self::around(plans, clock, store, Outbox::nowhere()).await
    }

    async fn around(
        mut plans: Plans,
        clock: Clock,
        store: Store,
        outbox: Outbox,
    ) -> Result<Self, EngineError> {
        let by = furthest_day(clock.now());
        plans.settings.policy.learnt = store.learnt(by).await?;
        let links = Arc::new(Links::new(links::keys(&store).await?));
        Ok(Self {
            plans,
            store,
            clock,
            outbox,
            links,
            progress: Progress::default(),
            on_copy: false,
        })
    }

    /// The same business with other plans: the store stays open, the mail's way is set up anew.
    ///
    /// # Errors
    /// A relay that can't be used.
    pub fn with_plans(&self, mut plans: Plans) -> Result<Self, EngineError> {
        let known = &self.policy().learnt;
        plans.settings.policy.learnt.clone_from(known);
        let outbox = Outbox::new(&plans.settings, true, &self.clock)?;
        Ok(self.moved(plans, outbox))
    }

    /// The same business, knowing this of how its customers come.
    #[must_use]
    pub fn knowing(&self, learnt: Vec<Learnt>) -> Self {
        let mut plans = self.plans.clone();
        plans.settings.policy.learnt = learnt;
        self.moved(plans, self.outbox.clone())
    }

    fn moved(&self, plans: Plans, outbox: Outbox) -> Self {
        Self {
            plans,
            store: self.store.clone(),
            clock: self.clock.clone(),
            outbox,
            links: Arc::clone(&self.links),
            progress: Progress::default(),
            on_copy: self.on_copy,
        }
    }

    /// What holds for every rule.
    pub fn policy(&self) -> &Policy {
        &self.plans.settings.policy
    }

    /// The rule with this id.
    pub fn rule(&self, id: &str) -> Option<&Rule> {
        self.plans.rules.iter().find(|rule| rule.id == id)
    }

    /// What people call a rule; its id where its file is gone.
    pub fn title<'a>(&'a self, rule: &'a str) -> &'a str {
        self.rule(rule).map_or(rule, |rule| rule.title.as_str())
    }

    /// The civil day at the business.
    pub fn today(&self, now: Timestamp) -> Date {
        self.policy().zone.to_datetime(now).date()
    }

    /// A zone by its IANA name; the business's where the name isn't known (any more).
    pub fn zone(&self, name: &str) -> TimeZone {
        TimeZone::get(name).unwrap_or_else(|_| self.policy().zone.clone())
    }

    /// Everything about these customers that a decision may look at.
    ///
    /// # Errors
    /// The store's trouble.
    pub async fn views(&self, ids: &[String]) -> Result<Vec<View>, EngineError> {
        let policy = self.policy();
        Ok(self
            .store
            .views(ids, &policy.zone, &policy.zone_name)
            .await?)
    }
}
