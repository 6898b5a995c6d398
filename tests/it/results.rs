//! Whether letters helped: a business of which the truth is known, and what it is told.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;
use std::sync::Arc;

use fondly::clock::Clock;
use fondly::engine::tick::{Pass, tick};
use fondly::engine::{House, Plans};
use jiff::{ToSpan as _, ZonedDateTime};
use serde::Deserialize;
use tokio_util::sync::CancellationToken;

use crate::shop::{Entry, Shop, now};

/// People who went quiet on the same day.
const PEOPLE: usize = 600;

const MISS_YOU: &str = "title = \"We miss you\"\ntemplate = \"we-miss-you\"\n\
    class = \"relationship\"\naudience = \"customer\"\npriority = 40\n[trigger.lapsed]\n\
    contact = [\"visit\", \"call\"]\nafter = \"60 days\"\n[send]\nlate = \"5 days\"\n\
    [limits]\nholdout = \"40%\"\n";

/// A letter that comes first to some, for whom "we miss you" then has to wait.
const NEWS: &str = "title = \"News\"\ntemplate = \"news\"\nclass = \"service\"\n\
    audience = \"customer\"\npriority = 90\n[only]\nwhere = \"'news' in customer.tags\"\n";

const WORDS: &str = "+++\nsubject = \"News\"\n+++\nWe have moved.\n";

/// What machines get, and nothing else.
#[derive(Debug, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
struct Row {
    rule: String,
    within_days: u16,
    contact: Vec<String>,
    first_day: Option<String>,
    last_day: Option<String>,
    meant: u32,
    meant_back: u32,
    holdout: u32,
    holdout_back: u32,
    difference: Option<f64>,
    low: Option<f64>,
    high: Option<f64>,
    sent: u32,
    sent_back: u32,
    unknown: u32,
    waiting: u32,
    needed: Option<u32>,
    verdict: String,
}

/// A business a hundred days ago.
struct Past {
    shop: Shop,
    start: ZonedDateTime,
    events: String,
}

impl Past {
    fn new() -> Self {
        let shop = Shop::new();
        shop.no_rules();
        shop.settings(
            "[sending]\nquiet_hours = \"none\"\ncaps = { any = \"1 per 2 days\" }\n\
             [guard]\nmax_per_rule_per_day = 100000\n",
        );
        let zone = jiff::tz::TimeZone::get("Europe/London").unwrap();
        let today = zone.to_datetime(now()).date();
        let day = today.checked_sub(100.days()).unwrap();
        let noon = zone.to_timestamp(day.at(12, 0, 0, 0)).unwrap();
        let start = noon.to_zoned_datetime(zone);
        shop.rule("miss-you", MISS_YOU);
        shop.rule("news", &format!("{NEWS}[trigger.fixed]\non = [{day}]\n"));
        shop.write("config/templates/news.en.md", WORDS);
        let mut people = String::from("id,email,tags\n");
        for n in 0..PEOPLE {
            let tag = if n % 10 == 0 { "news" } else { "" };
            writeln!(people, "{n},p{n}@mail.example,{tag}").unwrap();
        }
        shop.customers(&people);
        let mut past = Self {
            shop,
            start,
            events: String::from("id,customer_id,kind,at\n"),
        };
        for n in 0..PEOPLE {
            past.happens(n, "visit", -60);
        }
        past
    }

    /// Something happens so many days after the start, at one in the afternoon.
    fn happens(&mut self, who: usize, kind: &str, days: i64) {
        let at = self.start.checked_add(days.days().hours(1)).unwrap();
        let at = at.strftime("%Y-%m-%dT%H:%M:%S%:z");
        writeln!(self.events, "{who}-{kind}-{days},{who},{kind},{at}").unwrap();
    }

    /// A pass at noon, so many days after the start.
    async fn pass(&self, days: i64) {
        self.shop.events(&self.events);
        let plans = Plans::read(&self.shop.path("config/fondly.toml")).unwrap();
        let now = self.start.checked_add(days.days()).unwrap().timestamp();
        let house = Arc::new(House::open(plans, Clock::manual(now)).await.unwrap());
        let pass = Pass {
            sync: true,
            workers: None,
        };
        tick(&house, pass, &CancellationToken::new()).await.unwrap();
        house.store.clone().close().await.unwrap();
    }

    fn results(&self, args: &[&str]) -> BTreeMap<String, Row> {
        let args = [&["results", "--format", "json"], args].concat();
        let told = self.shop.run(&args).is(0).out;
        told.lines()
            .map(|line| {
                let row: Row = serde_json::from_str(line).unwrap();
                (row.rule.clone(), row)
            })
            .collect()
    }

    /// Whose "we miss you" is as it should be.
    fn those(&self, is: impl Fn(&Entry) -> bool) -> BTreeSet<usize> {
        let ledger = self.shop.ledger_so_far().into_iter();
        let entries = ledger.filter(|entry| entry.rule == "miss-you" && is(entry));
        entries
            .map(|entry| entry.customer.parse().unwrap())
            .collect()
    }

    /// Every third of those held out comes back by themselves; of the others two of three do. Some who
    /// still wait for their letter are back the next day, and never get it: the second answer.
    fn they_come_back(
        &mut self,
        held_out: &BTreeSet<usize>,
        waiting: &BTreeSet<usize>,
    ) -> (BTreeSet<usize>, BTreeSet<usize>) {
        let (mut back, mut never_sent) = (BTreeSet::new(), BTreeSet::new());
        for n in 0..PEOPLE {
            if waiting.contains(&n) && n % 3 == 1 {
                self.happens(n, "visit", 1);
                never_sent.insert(n);
                back.insert(n);
            } else if held_out.contains(&n) == (n % 3 == 0) {
                self.happens(n, if n % 2 == 0 { "visit" } else { "call" }, 20);
                back.insert(n);
            } else {
                // Not a contact of this rule's, and too late to count.
                self.happens(n, "purchase", 10);
                self.happens(n, "visit", 40);
            }
        }
        (back, never_sent)
    }
}

fn count<'a>(who: impl Iterator<Item = &'a usize>) -> u32 {
    u32::try_from(who.count()).unwrap()
}

#[tokio::test]
async fn the_truth_about_a_letter_comes_out() {
    let mut past = Past::new();
    past.pass(0).await;
    let held_out = past.those(|entry| entry.reason.as_deref() == Some("holdout"));
    let waiting = past.those(|entry| entry.outcome == "deferred");
    let sent = past.those(Entry::is_sent);
    assert!(held_out.len() > 150 && sent.len() > 150 && waiting.len() > 20);
    assert_eq!(held_out.len() + waiting.len() + sent.len(), PEOPLE);

    let (back, never_sent) = past.they_come_back(&held_out, &waiting);
    past.pass(2).await;
    past.pass(45).await;
    let late = past.those(|entry| entry.reason.as_deref() == Some("contacted-since"));
    assert_eq!(late, never_sent);

    let all = past.results(&[]);
    let row = &all["miss-you"];
    let meant: BTreeSet<usize> = sent.union(&waiting).copied().collect();
    let letters: BTreeSet<usize> = meant.difference(&never_sent).copied().collect();
    assert_eq!(
        (row.within_days, row.contact.join(" ").as_str()),
        (30, "visit call")
    );
    let of = |who: &BTreeSet<usize>| (count(who.iter()), count(who.intersection(&back)));
    assert_eq!((row.meant, row.meant_back), of(&meant));
    assert_eq!((row.holdout, row.holdout_back), of(&held_out));
    assert_eq!((row.sent, row.sent_back), of(&letters));
    assert_eq!((row.unknown, row.waiting), (0, 0));
    // One third is the truth.
    let [low, found, high] = [row.low, row.difference, row.high].map(Option::unwrap);
    assert!(low > 0.2 && low < found && found < high && high < 0.45);
    assert!(low < 1.0 / 3.0 && 1.0 / 3.0 < high, "{row:?}");
    assert_eq!(row.verdict, "helps");
    let day = past.start.date();
    assert_eq!(row.first_day, Some(day.to_string()));

    // Nobody was held out of the other, and its rule says nothing of contacts.
    let news = &all["news"];
    assert_eq!(news.verdict, "no-holdout");
    assert_eq!(
        (news.sent, news.contact.join(" ").as_str()),
        (60, "visit purchase")
    );
    assert_eq!(news.difference, None);

    let told = past.shop.run(&["results"]).is(0);
    told.says(&[
        "We miss you (miss-you)\n  Back means: visit or call within 30 days.",
        &format!(
            "Held out:         {} of {} came back",
            row.holdout_back, row.holdout
        ),
        &format!(
            "Letter sent:      {} of {} came back",
            row.sent_back, row.sent
        ),
        "It helps: ",
        "add `holdout = \"10%\"` under [limits]",
    ]);
    // A shorter time, in which hardly anybody came back.
    let short = &past.results(&["miss-you", "--within", "2 weeks"])["miss-you"];
    assert_eq!(short.within_days, 14);
    assert_eq!((short.meant_back, short.sent_back), (of(&never_sent).1, 0));
}

#[tokio::test]
async fn what_is_asked_wrongly_or_too_soon_is_said() {
    let past = Past::new();
    past.pass(0).await;
    // Too early: it happened just now, as far as anybody knows.
    let early = &past.results(&["miss-you", "--within", "101 days"])["miss-you"];
    assert_eq!(early.verdict, "too-early");
    assert_eq!((early.waiting, early.meant), (600, 0));
    assert_eq!(early.difference, None);
    let told = past.shop.run(&["results", "--within", "101 days"]).is(0);
    told.says(&[
        "Held out:         nobody yet\n",
        "Still waiting: 600\n  Too early to tell: the 101 days aren't over for anybody yet.\n",
    ]);
    // A long help says what is compared with what.
    past.shop
        .run(&["results", "--help"])
        .is(0)
        .says(&["whatever became of it afterwards"]);
    // Nothing came due before it all began.
    let day = past.start.date().to_string();
    let before = past.results(&["--until", &day]);
    assert_eq!(before["miss-you"].verdict, "no-letters");
    past.shop
        .run(&["results", "mis-you"])
        .is(1)
        .says(&["did you mean `miss-you`"]);
    for wrong in ["0 days", "3 hours", "1 month", "soon"] {
        past.shop
            .run(&["results", "--within", wrong])
            .is(2)
            .says(&[wrong]);
    }
    past.shop
        .run(&["results", "--since", "soon"])
        .is(2)
        .says(&["`soon` is no day"]);
}
