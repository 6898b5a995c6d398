//! Edits while it runs: what is in force, what a mistake does, and that nothing is done twice.

use std::fs;
use std::sync::Arc;

use fondly::clock::Clock;
use fondly::engine::reload::Watch;
use fondly::engine::tick::{Pass, tick};
use fondly::engine::{House, Plans};
use fondly::model::Matter;
use jiff::{ToSpan as _, ZonedDateTime};
use tokio_util::sync::CancellationToken;

use crate::shop::Shop;

const THANKS: &str = "title = \"Thank you\"\ntemplate = \"thank-you\"\nclass = \"service\"\n\
                      audience = \"customer\"\n[trigger.event]\nevent = \"purchase\"\n\
                      after = \"2 days\"\n[send]\nat = \"09:00\"\nlate = \"3 days\"\n";

/// A business over many days, whose files somebody edits in between.
struct Year {
    shop: Shop,
    now: ZonedDateTime,
}

impl Year {
    fn new() -> Self {
        let shop = Shop::new();
        shop.no_rules();
        shop.settings("[sending]\nquiet_hours = \"none\"\ncaps = {}\n");
        let now = "2027-03-01T12:00[Europe/London]".parse().unwrap();
        Self { shop, now }
    }

    /// What a start at this moment does, and its ledger as `rule customer outcome reason`.
    async fn pass(&self) -> Vec<String> {
        let plans = Plans::read(&self.shop.path("config/fondly.toml")).unwrap();
        let clock = Clock::manual(self.now.timestamp());
        let house = Arc::new(House::open(plans, clock).await.unwrap());
        let pass = Pass {
            sync: true,
            workers: None,
        };
        tick(&house, pass, &CancellationToken::new()).await.unwrap();
        let entries = house
            .store
            .log(&fondly::store::Filter::default())
            .await
            .unwrap();
        house.store.clone().close().await.unwrap();
        let line = |entry: &fondly::store::Entry| {
            let reason = entry.reason.map_or("-", fondly::model::Reason::as_str);
            format!("{} {} {reason}", entry.occasion.key, entry.outcome)
        };
        entries.iter().map(line).collect()
    }

    async fn days(&mut self, days: i32) -> Vec<String> {
        let mut ledger = Vec::new();
        for _ in 0..days {
            self.now = self.now.checked_add(1.day()).unwrap();
            ledger = self.pass().await;
        }
        ledger
    }

    fn rule(&self, change: (&str, &str)) {
        let text = THANKS.replace(change.0, change.1);
        self.shop.rule("thanks", &text);
    }
}

fn purchases(days: &[&str]) -> String {
    let rows = days
        .iter()
        .map(|day| format!("{day},ann,purchase,2027-{day}\n"));
    format!("id,customer_id,kind,at\n{}", rows.collect::<String>())
}

#[tokio::test]
async fn a_rule_that_was_off_starts_anew_and_what_was_decided_stays() {
    let mut year = Year::new();
    year.shop.customers("id,email\nann,ann@mail.example\n");
    year.shop
        .events(&purchases(&["03-02", "04-10", "06-01", "06-08"]));
    year.rule(("[trigger", "enabled = false\n[trigger"));
    year.pass().await;
    // It was in the folder for a month, but never on.
    assert_eq!(year.days(39).await, [""; 0]);
    year.rule(("", ""));
    assert_eq!(year.days(5).await, ["04-10 sent accepted"]);
    // Another title, another hour: the same letter, and it was sent.
    year.rule(("Thank you", "Many thanks"));
    assert_eq!(year.days(1).await, ["04-10 sent accepted"]);
    year.rule(("09:00", "18:00"));
    assert_eq!(year.days(1).await, ["04-10 sent accepted"]);
    // Off while the third would be due, and on again when it could still go, were it not for that.
    year.days(40).await;
    year.rule(("[trigger", "enabled = false\n[trigger"));
    let ledger = year.days(9).await;
    assert_eq!(ledger, ["04-10 sent accepted"]);
    year.rule(("", ""));
    let ledger = year.days(10).await;
    assert_eq!(ledger, ["04-10 sent accepted", "06-08 sent accepted"]);
    assert_eq!(year.shop.outbox().len(), 2);
}

#[tokio::test]
async fn a_file_that_was_away_starts_anew_too() {
    let mut year = Year::new();
    year.shop.customers("id,email\nann,ann@mail.example\n");
    year.shop.events(&purchases(&["03-02", "04-10", "05-20"]));
    year.rule(("", ""));
    year.pass().await;
    assert_eq!(year.days(9).await, ["03-02 sent accepted"]);
    fs::remove_file(year.shop.path("config/rules/thanks.toml")).unwrap();
    year.days(40).await;
    year.rule(("Thank you", "Many thanks"));
    let ledger = year.days(50).await;
    assert_eq!(ledger, ["03-02 sent accepted", "05-20 sent accepted"]);
}

#[tokio::test]
async fn a_corrected_class_holds_for_what_waits_already() {
    let mut year = Year::new();
    year.shop
        .customers("id,email,consent\nann,ann@mail.example,no\n");
    year.shop.events(&purchases(&["03-02"]));
    year.shop
        .settings("[sending]\nquiet_hours = \"20:00-08:00\"\ncaps = {}\n");
    year.rule(("09:00", "21:00"));
    year.pass().await;
    year.now = "2027-03-04T21:30[Europe/London]".parse().unwrap();
    assert_eq!(year.pass().await, ["03-02 deferred quiet-hours"]);
    // It was taken for a service by mistake.
    let corrected = THANKS
        .replace("service", "marketing")
        .replace("09:00", "21:00");
    year.shop.rule("thanks", &corrected);
    assert_eq!(year.days(1).await, ["03-02 skipped no-consent"]);
    assert!(year.shop.outbox().is_empty());
}

/// What was a service's when it was planned counts as what it is by now, also where places of a day
/// are given out.
#[tokio::test]
async fn a_corrected_class_takes_nobody_s_place_in_a_day() {
    let mut year = Year::new();
    year.shop.settings(
        "[sending]\nquiet_hours = \"20:00-08:00\"\ncaps = { marketing = \"1 per 14 days\", any = \"9 per 2 days\" }\n",
    );
    year.shop
        .customers("id,email\nann,ann@mail.example\nbob,bob@mail.example\n");
    year.shop.events(
        "id,customer_id,kind,at\nA,ann,purchase,2027-03-02\nB,ann,visit,2027-03-04\n\
         C,bob,visit,2027-03-04\n",
    );
    let thanks = THANKS.replace("09:00", "21:00");
    let thanks = thanks.replace("[trigger", "priority = 90\n[trigger");
    year.shop.rule("thanks", &thanks);
    let one_a_day = THANKS
        .replace("service", "marketing")
        .replace("\"purchase\"", "\"visit\"")
        .replace("2 days", "1 day")
        .replace("09:00", "08:00");
    let one_a_day = one_a_day.replace("[trigger", "[limits]\nmax_per_day = 1\n[trigger");
    year.shop.rule("visits", &one_a_day);
    year.pass().await;
    year.now = "2027-03-04T21:30[Europe/London]".parse().unwrap();
    assert_eq!(year.pass().await[0], "A deferred quiet-hours");
    year.shop
        .rule("thanks", &thanks.replace("service", "marketing"));
    year.now = "2027-03-05T08:00[Europe/London]".parse().unwrap();
    let ledger = year.pass().await;
    assert_eq!(
        ledger,
        ["A sent accepted", "B skipped capped", "C sent accepted"]
    );
}

const MISSED: &str = "title = \"We miss you\"\ntemplate = \"we-miss-you\"\nclass = \"service\"\n\
                      audience = \"customer\"\n[trigger.lapsed]\ncontact = [\"purchase\"]\n\
                      after = \"1 cadence\"\notherwise = \"20 days\"\n";

#[tokio::test]
async fn whoever_came_while_a_rule_was_away_is_missed_when_their_day_comes() {
    let mut year = Year::new();
    year.shop.customers("id,email\nann,ann@mail.example\n");
    year.shop.events(&purchases(&[]));
    year.shop.rule("missed", MISSED);
    year.days(1).await;
    year.shop.no_rules();
    year.shop.events(&purchases(&["03-03"]));
    year.days(2).await;
    year.shop.rule("missed", MISSED);
    let ledger = year.days(21).await;
    assert_eq!(ledger, ["2027-03-03/1 sent accepted"]);
}

#[tokio::test]
async fn whoever_is_silent_before_a_business_goes_live_is_missed_when_their_day_comes() {
    let mut year = Year::new();
    year.shop
        .settings("[sending]\nquiet_hours = \"none\"\ncaps = {}\nlive_from = 2027-03-10\n");
    year.shop.customers("id,email\nann,ann@mail.example\n");
    year.shop.events(&purchases(&["02-28"]));
    year.shop.rule("missed", MISSED);
    let ledger = year.days(20).await;
    assert_eq!(ledger, ["2027-02-28/1 sent accepted"]);
}

#[tokio::test]
async fn a_clock_that_was_ahead_loses_nobody() {
    let mut year = Year::new();
    year.shop.customers("id,email\nann,ann@mail.example\n");
    year.shop.events(&purchases(&[]));
    year.shop.rule("missed", MISSED);
    year.days(31).await;
    year.now = "2027-03-02T12:00[Europe/London]".parse().unwrap();
    year.shop.events(&purchases(&["03-02"]));
    let ledger = year.days(21).await;
    assert_eq!(ledger, ["2027-03-02/1 sent accepted"]);
}

/// What ann bought as `P7`, on this day of 2027.
fn purchase_on(day: &str) -> String {
    format!("id,customer_id,kind,at\nP7,ann,purchase,2027-{day}\n")
}

/// The thank-you is due at nine in the evening two days after it, and waits for the morning.
fn at_night() -> Year {
    let year = Year::new();
    year.shop.customers("id,email\nann,ann@mail.example\n");
    year.shop
        .settings("[sending]\nquiet_hours = \"20:00-08:00\"\ncaps = {}\n");
    year.shop.events(&purchase_on("05-01"));
    year
}

#[tokio::test]
async fn a_letter_that_waits_goes_with_its_purchase_when_that_is_put_off() {
    let mut year = at_night();
    year.rule(("09:00", "21:00"));
    year.pass().await;
    year.now = "2027-05-03T21:30[Europe/London]".parse().unwrap();
    assert_eq!(year.pass().await, ["P7 deferred quiet-hours"]);
    year.shop.events(&purchase_on("05-20"));
    year.now = "2027-05-04T12:00[Europe/London]".parse().unwrap();
    assert_eq!(year.pass().await, ["P7 planned record-changed"]);
    assert!(year.shop.outbox().is_empty());
    // Whatever else changes of her meanwhile, it waits for its day.
    year.shop.customers("id,email\nann,anna@mail.example\n");
    assert_eq!(year.days(18).await, ["P7 planned record-changed"]);
    year.now = "2027-05-22T21:30[Europe/London]".parse().unwrap();
    assert_eq!(year.pass().await, ["P7 deferred quiet-hours"]);
    year.now = "2027-05-23T08:00[Europe/London]".parse().unwrap();
    assert_eq!(year.pass().await, ["P7 sent accepted"]);
    assert_eq!(year.shop.outbox().len(), 1);
}

#[tokio::test]
async fn a_letter_that_waits_for_a_person_is_not_lost_when_its_purchase_is_moved() {
    let mut year = at_night();
    year.rule(("[trigger", "[limits]\napprove = \"first 5\"\n[trigger"));
    year.pass().await;
    year.now = "2027-05-03T12:00[Europe/London]".parse().unwrap();
    assert_eq!(year.pass().await, ["P7 held awaits-approval"]);
    year.shop.events(&purchase_on("05-20"));
    assert_eq!(year.pass().await, ["P7 planned record-changed"]);
    // It is moved once more, and back into days that are planned already.
    year.shop.events(&purchase_on("05-03"));
    assert_eq!(year.days(2).await, ["P7 held awaits-approval"]);
    year.shop.events(&purchase_on("05-02"));
    assert_eq!(year.days(1).await, ["P7 held awaits-approval"]);
    assert_eq!(year.days(2).await, ["P7 skipped too-late"]);
}

/// Whoever decided while a pass was holding a batch decided, also after that pass.
#[tokio::test]
async fn what_a_person_said_of_a_batch_is_never_said_anew_by_a_pass() {
    let mut year = at_night();
    year.rule(("[trigger", "[limits]\napprove = \"first 5\"\n[trigger"));
    year.pass().await;
    year.now = "2027-05-03T12:00[Europe/London]".parse().unwrap();
    assert_eq!(year.pass().await, ["P7 held awaits-approval"]);
    let said = year.now.timestamp();
    let tamper = "INSERT INTO approval (rule, day, approved, at) SELECT rule, due_day, 1, decided_at \
                  FROM ledger";
    assert_eq!(year.shop.tamper(tamper).await, 1);
    year.now = "2027-05-03T13:00[Europe/London]".parse().unwrap();
    assert_eq!(year.pass().await, ["P7 sent accepted"]);
    let plans = Plans::read(&year.shop.path("config/fondly.toml")).unwrap();
    let house = House::open(plans, Clock::manual(said)).await.unwrap();
    let approvals = house.store.approvals(jiff::civil::Date::MIN).await.unwrap();
    assert_eq!(approvals.len(), 1);
    assert_eq!(approvals[0].at, said, "a pass said it again");
    house.store.clone().close().await.unwrap();
}

/// A business at work whose configuration was read, and what comes of edits.
struct AtWork {
    house: Arc<House>,
    watch: Watch,
}

impl AtWork {
    async fn with(plans: Plans) -> Self {
        let clock = Clock::manual("2027-03-01T12:00Z".parse().unwrap());
        let house = Arc::new(House::open(plans, clock).await.unwrap());
        let watch = Watch::new(&house).await.unwrap();
        Self { house, watch }
    }

    async fn new(shop: &Shop) -> Self {
        Self::with(Plans::read(&shop.path("config/fondly.toml")).unwrap()).await
    }

    /// Looks once. `true`: an edit came into force.
    async fn looks(&mut self) -> bool {
        let fresh = self.watch.refreshed(&self.house).await.unwrap();
        !Arc::ptr_eq(
            &fresh,
            &std::mem::replace(&mut self.house, Arc::clone(&fresh)),
        )
    }

    /// What the owner has been told of the last edit, while it stands.
    async fn trouble(&self) -> String {
        let troubles = self.house.store.troubles().await.unwrap().into_iter();
        let findings = troubles.filter_map(|trouble| match trouble.matter {
            Matter::Edit { findings } => Some(findings),
            _ => None,
        });
        findings.collect()
    }
}

const LIVE: &str = "[mail]\ntransport = \"smtp\"\n[mail.smtp]\nhost = \"127.0.0.1\"\nport = 9\n\
                    security = \"none\"\n[business]\npostal_address = \"1 High Street, Leeds\"\n";
const BY_MAIL: &str = "unsubscribe_mailto = \"out@thorn.example\"\n";
const BY_WEB: &str =
    "[public]\nbind = \"127.0.0.1:9\"\nbase_url = \"https://care.thorn.example\"\n";

#[tokio::test]
async fn the_only_way_out_of_letters_isn_t_edited_away_before_the_next_one_is_there() {
    let shop = Shop::new();
    shop.no_rules();
    shop.rule("missed", &MISSED.replace("service", "marketing"));
    let settings = |ways: &str| shop.settings(&format!("{LIVE}{ways}"));
    settings(BY_MAIL);
    let mut at_work = AtWork::new(&shop).await;
    // The pages open with a restart, and the address would be gone now.
    settings(BY_WEB);
    assert!(!at_work.looks().await);
    let business = &at_work.house.plans.settings.business;
    assert!(business.unsubscribe_mailto.is_some());
    let told = at_work.trouble().await;
    assert!(
        told.contains("[public]") && told.contains("restart"),
        "{told}"
    );
    // Both is fine, and so is what a restart makes of it.
    settings(&format!("{BY_MAIL}{BY_WEB}"));
    assert!(at_work.looks().await);
    assert_eq!(at_work.trouble().await, "");
    assert!(at_work.house.plans.settings.public.is_none());
    // Where the pages are open, they stay so until a restart, and the address may go.
    at_work.house.store.clone().close().await.unwrap();
    let mut again = AtWork::new(&shop).await;
    settings(BY_WEB);
    assert!(again.looks().await);
    assert!(again.house.plans.settings.public.is_some());
    // Without either, the next start would be refused, and the owner hears of it now.
    settings("");
    assert!(!again.looks().await);
    let told = again.trouble().await;
    assert!(told.contains("a way to unsubscribe"), "{told}");
    assert!(!told.contains("restart"), "{told}");
}

#[tokio::test]
async fn what_is_saved_while_it_starts_comes_into_force() {
    let shop = Shop::new();
    shop.no_rules();
    shop.rule("thanks", THANKS);
    let read = Plans::read(&shop.path("config/fondly.toml")).unwrap();
    shop.rule("thanks", &THANKS.replace("Thank you", "Many thanks"));
    // The store is opened, and looked through after a crash.
    let mut at_work = AtWork::with(read).await;
    assert!(at_work.looks().await);
    assert_eq!(at_work.house.plans.rules[0].title, "Many thanks");
    assert!(!at_work.looks().await, "once is enough");
}

#[tokio::test]
async fn what_editors_leave_beside_a_file_is_no_edit() {
    let shop = Shop::new();
    shop.write("config/smtp-password", "hush\n");
    shop.settings(&format!(
        "[mail]\ntransport = \"smtp\"\n[mail.smtp]\nhost = \"127.0.0.1\"\nport = 9\n\
         security = \"none\"\nusername = \"anna\"\npassword_file = \"smtp-password\"\n\
         [business]\n{BY_MAIL}"
    ));
    let mut at_work = AtWork::new(&shop).await;
    assert!(!at_work.looks().await, "nothing was edited");
    for left in [
        "rules/.#birthday.toml",
        "rules/birthday.toml~",
        "templates/.#birthday.en.md",
        "templates/.birthday.en.md.swp",
        "holidays/.#fair.toml",
        "words/.#de.toml",
    ] {
        shop.write(&format!("config/{left}"), "half a wo");
    }
    assert!(!at_work.looks().await, "nothing was edited");
    shop.write("config/smtp-password", "quiet\n");
    assert!(at_work.looks().await, "a new password is an edit");
    assert!(!at_work.looks().await);
}
