//! What customers choose and tell by the links of their letters, against the real daemon: which letters,
//! a birthday, an opinion.

use std::time::Instant;

use mail_parser::MessageParser;
use serde_json::Value;

use crate::api::counted;
use crate::public::{
    AT_ONCE, Answer, Daemon, FORM, ONE_CLICK, forged, shop, shop_that_looks, visits,
};
use crate::shop::{Shop, until};

const BIND: &str = "127.0.0.1:0";

/// Something they asked for, to the same visits.
const ASKED_FOR: &str = "title = \"Receipt\"\ntemplate = \"receipt\"\nclass = \"service\"\n\
    audience = \"customer\"\n[trigger.event]\nevent = \"visit\"\nafter = \"0 minutes\"\n\
    [limits]\nbackfill = \"3 days\"\n";
const BIRTHDAY: &str = "title = \"Birthday\"\ntemplate = \"birthday\"\nclass = \"relationship\"\n\
    audience = \"customer\"\n[trigger.anniversary]\nfield = \"birthday\"\nfeb29 = \"mar1\"\n";
/// A letter with every link.
pub(crate) const WITH_LINKS: &str = "+++\nsubject = \"Hello\"\n+++\nHello,\n\n\
    [tell us your birthday]({{ links.birthday }}) or {% if links.opinion %}\
    [what you think]({{ links.opinion }}){% endif %}.\n\n{{ links.preferences }}\n";

/// The path of the page that the latest letter to this customer links to.
pub(crate) fn link(shop: &Shop, customer: &str, page: &str) -> String {
    let mark = format!("_{customer}_");
    let letters = shop.outbox();
    let mut paths = letters
        .iter()
        .filter(|(name, _)| name.contains(&mark) && name.contains("at-once"))
        .map(|(_, bytes)| {
            let letter = MessageParser::default().parse(bytes).unwrap();
            let text = letter.body_text(0).unwrap().into_owned();
            let start = format!("https://care.thorn.example/letters/{page}/");
            let token = text.split_once(&start).unwrap().1;
            let end = token.find(|c: char| !c.is_ascii_alphanumeric() && c != '.');
            let token = token.get(..end.unwrap_or(token.len())).unwrap();
            format!("/letters/{page}/{}", token.trim_end_matches('.'))
        });
    paths.next().unwrap()
}

fn post(daemon: &Daemon, path: &str, form: &str) -> Answer {
    daemon.ask("POST", path, FORM, form)
}

/// What became of this visit's letter by this rule, once something has.
async fn became(shop: &Shop, rule: &str, visit: &str) -> String {
    until(visit, || {
        let entries = shop.ledger_so_far();
        let mut entries = entries.into_iter().filter(|entry| entry.rule == rule);
        let entry = entries.find(|entry| entry.occasion == visit)?;
        let done = matches!(entry.outcome.as_str(), "sent" | "skipped");
        done.then(|| format!("{} {}", entry.outcome, entry.reason.unwrap_or_default()))
    })
    .await
}

/// A shop whose letters bear every link, and which thanks Ann for each of her visits.
struct Care {
    shop: Shop,
    daemon: Daemon,
    visits: usize,
}

impl Care {
    async fn start() -> Self {
        Self::looking("* * * * * *").await
    }

    async fn looking(when: &str) -> Self {
        let shop = shop_that_looks(when, BIND);
        shop.rule("at-once", &AT_ONCE.replace("thank-you", "hello"));
        shop.write("config/templates/hello.en.md", WITH_LINKS);
        shop.write(
            "config/templates/hello.de.md",
            WITH_LINKS.replace("Hello,", "Guten Tag,"),
        );
        shop.write(
            "config/templates/receipt.en.md",
            "+++\nsubject = \"Receipt\"\n+++\nThank you.\n",
        );
        shop.customers("id,email,language\nann,ann@mail.example,en\n");
        shop.rule("receipt", ASKED_FOR);
        visits(&shop, &[("0", "ann")]);
        let daemon = Daemon::start(&shop).await;
        assert_eq!(became(&shop, "at-once", "0").await, "sent accepted");
        Self {
            shop,
            daemon,
            visits: 0,
        }
    }

    /// Another visit of Ann's, and what becomes of its letter.
    async fn next(&mut self) -> String {
        self.visits += 1;
        let visit = self.visits.to_string();
        visits(&self.shop, &[(&visit, "ann")]);
        // What they asked for comes in any case.
        assert_eq!(became(&self.shop, "receipt", &visit).await, "sent accepted");
        became(&self.shop, "at-once", &visit).await
    }

    fn get(&self, page: &str) -> Answer {
        self.daemon.get(page)
    }

    fn post(&self, page: &str, form: &str) -> Answer {
        post(&self.daemon, page, form)
    }

    fn language_of_latest(&self) -> String {
        let ledger = self.shop.ledger_so_far();
        let latest = self.visits.to_string();
        let mut thanks = ledger.into_iter().filter(|entry| entry.rule == "at-once");
        let entry = thanks.find(|entry| entry.occasion == latest);
        entry.unwrap().language.unwrap()
    }
}

#[tokio::test]
async fn a_customer_chooses_the_language_of_letters() {
    let mut care = Care::start().await;
    let page = link(&care.shop, "ann", "p");
    let birthday = link(&care.shop, "ann", "b");
    let everybody = care.get("/p/x");
    assert_eq!(everybody.status, 200);
    assert!(everybody.body.contains("at most one in four weeks"));
    for same in [&page, &forged(&page), &birthday.replacen("/b/", "/p/", 1)] {
        assert_eq!(care.get(same), everybody, "{same}");
    }
    // What isn't a form of ours changes nothing, nor does a link to another page.
    for accident in ["", "say=nonsense", ONE_CLICK] {
        assert_eq!(care.post(&page, accident).status, 400, "{accident}");
    }
    let text = "Content-Type: text/plain\r\n";
    let no_form = care.daemon.ask("POST", &page, text, "say=stop");
    assert_eq!(no_form.status, 400);
    let way_out = page.replacen("/p/", "/u/", 1);
    assert_eq!(care.post(&way_out, ONE_CLICK).status, 200);
    assert_eq!(care.next().await, "sent accepted");
    assert_eq!(care.language_of_latest(), "en");

    // German, and the same answer to whoever has no real link.
    let german = "say=choose&language=de&kind=thanks&number=usual&pause=none";
    let unreal = care.post(&forged(&page), german);
    assert_eq!(care.get(&page), everybody);
    let real = care.post(&page, german);
    assert_eq!((unreal.status, &unreal), (200, &real));
    assert_eq!(real.header("set-cookie"), None);
    assert!(real.body.contains("role=\"status\""));
    let chosen = "value=\"de\" lang=\"de\" selected";
    assert!(care.get(&page).body.contains(chosen));
    assert_eq!(care.get(&forged(&page)), everybody);
    // The records don't take it back.
    let customers = "id,email,language,first_name\nann,ann@mail.example,en,Ann\n";
    care.shop.customers(customers);
    assert_eq!(care.next().await, "sent accepted");
    assert_eq!(care.language_of_latest(), "de");
    let log = care.daemon.stop().await;
    let said = "a customer chose which letters they want";
    assert!(log.contains(said), "{log}");
    assert!(!log.contains(page.rsplit_once('.').unwrap().1), "{log}");
}

#[tokio::test]
async fn a_customer_chooses_which_letters_come_and_when() {
    let mut care = Care::start().await;
    let page = link(&care.shop, "ann", "p");
    // None of this kind.
    care.post(&page, "say=choose&number=usual&pause=none");
    assert_eq!(care.next().await, "skipped unwanted-kind");
    let why = ["explain", "ann", "--rule", "at-once"];
    let words = "they don't want letters of this kind";
    care.shop.run(&why).is(0).says(&[words]);
    // A pause, then no pause but fewer, then as before.
    care.post(&page, "say=choose&kind=thanks&number=fewer&pause=3");
    assert_eq!(care.next().await, "skipped customer-paused");
    assert!(care.get(&page).body.contains("value=\"keep\" selected"));
    care.post(&page, "say=choose&kind=thanks&number=fewer&pause=keep");
    assert_eq!(care.next().await, "skipped customer-paused");
    care.post(&page, "say=choose&kind=thanks&number=fewer&pause=none");
    assert_eq!(care.next().await, "skipped capped");
    care.post(&page, "say=choose&kind=thanks&number=usual&pause=none");
    assert_eq!(care.next().await, "sent accepted");
}

#[tokio::test]
async fn a_customer_stops_all_letters_and_comes_back() {
    let mut care = Care::start().await;
    let page = link(&care.shop, "ann", "p");
    let stop = care.post(&page, "say=stop");
    assert_eq!(stop, care.post(&forged(&page), "say=stop"));
    assert_eq!(care.next().await, "skipped suppressed");
    assert!(care.get(&page).body.contains("Write to me again"));
    let back = care.post(&page, "say=again");
    assert_eq!(back, care.post(&forged(&page), "say=again"));
    assert_eq!(care.next().await, "sent accepted");
    // But not over what the business said.
    let add = ["suppress", "add", "ann@mail.example"];
    care.shop.run(&add).is(0);
    let shut = care.get(&page);
    assert!(shut.body.contains("please write to us") && !shut.body.contains("<button"));
    assert_eq!(care.post(&page, "say=again").body, shut.body);
    assert_eq!(care.next().await, "skipped suppressed");
}

#[tokio::test]
async fn a_told_birthday_is_in_the_forecast_at_once_and_stays() {
    let care = Care::start().await;
    let Care { shop, daemon, .. } = &care;
    shop.rule("birthday", BIRTHDAY);
    let page = link(shop, "ann", "b");
    let question = daemon.get(&page);
    assert_eq!(daemon.get(&forged(&page)), question);
    assert!(!question.body.contains(" selected>"));
    for wrong in [
        "",
        "day=30&month=2",
        "day=x&month=1",
        "day=1",
        "day=0&month=0",
    ] {
        let answer = post(daemon, &page, wrong);
        assert_eq!(answer.status, 400, "{wrong}");
        assert!(answer.body.contains("There is no such day"), "{wrong}");
    }
    let explain = || shop.run(&["explain", "ann", "--rule", "birthday"]).is(0);
    explain().says(&["There is no birthday on record"]);
    let leap_day = "day=29&month=2";
    let unreal = post(daemon, &forged(&page), leap_day);
    explain().says(&["There is no birthday on record"]);
    assert_eq!(post(daemon, &page, leap_day), unreal);
    assert!(unreal.body.contains("29 February"));
    explain().says(&["Born on 29 February, as they told us"]);
    // The year isn't known to anybody, and what is known isn't shown.
    assert_eq!(daemon.get(&page), question);

    // Tomorrow's birthday is in the forecast. A file that knows none leaves it.
    let tomorrow = tomorrow();
    let told = format!("day={}&month={}", tomorrow.day(), tomorrow.month());
    post(daemon, &page, &told);
    shop.customers("id,email,language,first_name\nann,ann@mail.example,en,Ann\n");
    shop.run(&["sync"]).is(0);
    let args = [
        "forecast", "--days", "3", "--rule", "birthday", "--format", "json",
    ];
    let forecast = || shop.run(&args).is(0).out;
    let ahead: Value = serde_json::from_str(&forecast()).unwrap();
    assert_eq!(
        (&ahead["customer"], &ahead["outcome"]),
        (&"ann".into(), &"sent".into())
    );
    // The record learns of another day, which is the later word.
    shop.customers("id,email,birthday\nann,ann@mail.example,1984-01-01\n");
    shop.run(&["sync"]).is(0);
    explain().says(&["Born on 1 January 1984;"]);
    // Until they say it again; the year is the record's.
    post(daemon, &page, &told);
    let year = tomorrow
        .strftime("%-d %B 1984, as they told us")
        .to_string();
    explain().says(&[&year]);
    shop.customers("id,email,birthday,first_name\nann,ann@mail.example,1984-01-01,Ann\n");
    shop.run(&["sync"]).is(0);
    explain().says(&[&year]);
    let exported = shop.run(&["export", "ann"]).is(0).out;
    let exported: Value = serde_json::from_str(&exported).unwrap();
    assert_eq!(exported["said"][0]["birthday_on_record_then"], "1984-01-01");
    assert_eq!(exported["customers"][0]["birthday"], "1984-01-01");
}

/// Tomorrow at the shop, which isn't 29 February's neighbour in any way that matters here.
fn tomorrow() -> jiff::civil::Date {
    let zone = jiff::tz::TimeZone::get("Europe/London").unwrap();
    zone.to_datetime(crate::shop::now())
        .date()
        .tomorrow()
        .unwrap()
}

/// The alerts in the outbox, the text of each.
fn alerts(shop: &Shop) -> Vec<String> {
    let letters = shop.outbox();
    let alerts = letters
        .iter()
        .filter(|(name, _)| name.contains("alert_complaint"));
    alerts
        .map(|(_, bytes)| {
            let letter = MessageParser::default().parse(bytes).unwrap();
            let html = letter.body_html(0).unwrap().into_owned();
            assert!(
                !html.contains("<script") && !html.contains("href"),
                "{html}"
            );
            let to = letter.to().unwrap().first().unwrap().address().unwrap();
            let subject = letter.subject().unwrap();
            format!("{to}\n{subject}\n{}", letter.body_text(0).unwrap())
        })
        .collect()
}

async fn one_alert(shop: &Shop, words: &str) -> String {
    let told = || alerts(shop).into_iter().find(|alert| alert.contains(words));
    until("an alert", told).await
}

const HOSTILE: &str = "face=1&text=Too+late.%0D%0A%0D%0A%23+A+heading%0D%0A\
    %3Cscript%3Ealert(1)%3C/script%3E+%5Bclick%5D(https://evil.example)+www.evil.example";

#[tokio::test]
async fn a_bad_opinion_tells_the_owner_and_silences_marketing() {
    let mut care = Care::start().await;
    let page = link(&care.shop, "ann", "o");
    let question = care.get(&page);
    assert_eq!(question.body.matches("type=\"radio\"").count(), 5);
    assert_eq!(care.get(&forged(&page)), question);
    let too_much = format!("face=1&text={}", "x".repeat(4001));
    for wrong in ["", "face=0", "face=6", "face=good", "text=hello", &too_much] {
        assert_eq!(care.post(&page, wrong).status, 400, "{wrong}");
    }
    // The longest that fits, in signs that take twelve bytes each on the way.
    let longest = format!("face=1&text={}", "%F0%9F%8C%B9".repeat(4000));
    assert_eq!(care.post(&forged(&page), &longest).status, 200);
    let unreal = care.post(&forged(&page), HOSTILE);
    assert_eq!(care.next().await, "sent accepted");
    assert_eq!(care.post(&page, HOSTILE), unreal);
    assert!(unreal.body.contains("We are sorry"), "{}", unreal.body);
    let told = one_alert(&care.shop, "Too late.").await;
    for part in [
        "anna@thorn.example\nfondly needs you: a complaint of customer ann\n",
        "gave you 1 of 5",
        "> # A heading",
        "> <script>alert(1)</script> [click](https: //evil. example) www .evil. example",
        "fondly complaint close ann",
    ] {
        assert!(told.contains(part), "{part}\n{told}");
    }
    // The same again is no news.
    care.post(&page, HOSTILE);
    assert_eq!(care.next().await, "skipped complaint-open");
    assert_eq!(alerts(&care.shop).len(), 1);
    let why = ["explain", "ann", "--rule", "at-once"];
    let words = "a complaint of theirs is open";
    care.shop.run(&why).is(0).says(&[words]);
    let log = care.daemon.stop().await;
    assert!(!log.contains("Too late"), "{log}");
    assert!(!log.contains("@mail.example"), "{log}");
}

#[tokio::test]
async fn a_complaint_is_the_owner_s_to_close_whatever_the_customer_says_next() {
    let mut care = Care::start().await;
    let page = link(&care.shop, "ann", "o");
    care.post(&page, "face=2&text=Too+late");
    one_alert(&care.shop, "Too late").await;
    let list = ["complaint", "list", "--format", "json"];
    let listed: Value = serde_json::from_str(&care.shop.run(&list).is(0).out).unwrap();
    let who_and_what = (&listed["customer"], &listed["rating"]);
    assert_eq!(who_and_what, (&"ann".into(), &2.into()));
    // They think better of it, which closes nothing; the owner hears of it and does.
    let thanks = care.post(&page, "face=5&text=All+is+well");
    assert!(thanks.body.contains("We read every answer ourselves"));
    let told = one_alert(&care.shop, "All is well").await;
    assert!(told.contains("gave you 5 of 5"), "{told}");
    assert_eq!(care.next().await, "skipped complaint-open");
    let close = |who| care.shop.run(&["complaint", "close", who]);
    close("ann").is(0).says(&["The complaint of ann is closed"]);
    close("ann").is(0).says(&["No complaint of ann is open"]);
    close("nobody").is(1).says(&["nobody"]);
    let list = ["complaint", "list"];
    care.shop.run(&list).is(0).says(&["No complaint is open"]);
    assert_eq!(care.next().await, "sent accepted");
    assert_eq!(alerts(&care.shop).len(), 2);

    // One opinion a letter: the last.
    let exported = care.shop.run(&["export", "ann"]).is(0).out;
    let exported: Value = serde_json::from_str(&exported).unwrap();
    let events = exported["events"].as_array().unwrap();
    let said = events.iter().filter(|event| event["kind"] == "feedback");
    let said: Vec<_> = said.map(|event| &event["attr"]).collect();
    assert_eq!(said.len(), 1, "{said:#?}");
    let kept = (&said[0]["rating"], &said[0]["text"]);
    assert_eq!(kept, (&5.0.into(), &"All is well".into()));
}

/// No pass comes for a year, and the owner needn't wait for one.
#[tokio::test]
async fn the_owner_is_told_of_a_bad_opinion_at_once() {
    let care = Care::looking("0 0 0 1 1 *").await;
    let page = link(&care.shop, "ann", "o");
    care.post(&page, "face=1&text=Never+again");
    one_alert(&care.shop, "Never again").await;
}

/// A complaint that the records close is no trouble any more.
#[tokio::test]
async fn a_complaint_is_closed_by_the_records_as_well() {
    let care = Care::start().await;
    let Care { shop, daemon, .. } = &care;
    post(daemon, &link(shop, "ann", "o"), "face=2&text=Cold+soup");
    one_alert(shop, "Cold soup").await;
    let later = crate::shop::now() + jiff::SignedDuration::from_secs(1);
    shop.events(&format!(
        "id,customer_id,kind,at\nx,ann,complaint-closed,{later}\n"
    ));
    let mut store = shop.store().await;
    let gone = async |store: &mut sqlx::sqlite::SqliteConnection| -> bool {
        let left: i64 = sqlx::query_scalar("SELECT COUNT(*) FROM trouble WHERE kind = 'complaint'")
            .fetch_one(store)
            .await
            .unwrap();
        left == 0
    };
    let began = std::time::Instant::now();
    while !gone(&mut store).await {
        assert!(began.elapsed() < crate::shop::PATIENCE);
        tokio::task::yield_now().await;
    }
    shop.run(&["complaint", "list"])
        .is(0)
        .says(&["No complaint is open"]);
}

#[tokio::test]
async fn an_edit_of_words_and_rules_is_on_the_pages_without_a_restart() {
    let care = Care::start().await;
    let Care { shop, daemon, .. } = &care;
    assert!(!daemon.get("/p/x").body.contains("value=\"greetings\""));
    shop.rule("birthday", BIRTHDAY);
    shop.write(
        "config/words/en.toml",
        "[preferences]\ngreetings = \"Your <big> day\"\n",
    );
    let edited = || {
        let page = daemon.get("/p/x").body;
        page.contains("<span>Your &lt;big&gt; day</span>")
            .then_some(())
    };
    until("edited page", edited).await;
}

#[test]
fn a_link_to_a_page_that_nobody_serves_is_found_by_check() {
    let shop = Shop::new();
    shop.no_rules();
    shop.rule("at-once", &AT_ONCE.replace("thank-you", "hello"));
    shop.customers("id,email\nann,ann@mail.example\n");
    visits(&shop, &[("1", "ann")]);
    shop.write("config/templates/hello.en.md", WITH_LINKS);
    shop.run(&["check"]).is(1).says(&[
        "hello.en.md:6: there is no page for this link; it needs `[public]` in fondly.toml",
    ]);
    let asked = WITH_LINKS
        .replace("({{ links.birthday }})", "(https://shop.example)")
        .replace(
            "{{ links.preferences }}",
            "{% if links.preferences %}x{% endif %}",
        );
    shop.write("config/templates/hello.en.md", asked);
    shop.run(&["check"]).is(0);
    let misspelt = WITH_LINKS.replace("links.preferences", "links.preference");
    shop.write("config/templates/hello.en.md", misspelt);
    shop.run(&["check"])
        .is(1)
        .says(&["did you mean `preferences`?"]);
}

#[test]
fn words_of_the_businesss_own_are_used_and_checked() {
    let shop = shop(BIND);
    shop.customers("id,email,language\nann,ann@mail.example,en\n");
    visits(&shop, &[("1", "ann")]);
    shop.write(
        "config/words/en.toml",
        "[footer]\npreferences = \"Just some of our letters\"\n",
    );
    shop.run(&["tick"]).is(0);
    let letters = shop.outbox();
    let letter = MessageParser::default().parse(letters.values().next().unwrap());
    let text = letter.unwrap().body_text(0).unwrap().into_owned();
    assert!(
        text.contains("Just some of our letters: https://care"),
        "{text}"
    );
    assert!(text.contains("Unsubscribe: https://care"), "{text}");
    shop.write(
        "config/words/en.toml",
        "[footer]\nprefrences = \"x\"\nbecause = \"hi\"\n",
    );
    shop.run(&["check"]).is(1).says(&[
        "config/words/en.toml:2:1",
        "there is no text `footer.prefrences`",
        "did you mean `footer.preferences`?",
        "config/words/en.toml:3:11",
    ]);
}

/// A script with one real link changes its mind as fast as it can. What sending needs is kept for it once
/// a second at most, and the last word counts; who leaves meanwhile, leaves at once.
#[tokio::test]
async fn one_link_that_changes_its_mind_without_end_is_noted_in_turns() {
    let care = Care::looking("0 0 0 1 1 *").await;
    let page = link(&care.shop, "ann", "p");
    let choice = |number: &str| format!("say=choose&kind=thanks&number={number}&pause=keep");
    let revision = || async {
        let sql = "SELECT revision FROM customer WHERE id = 'ann'";
        counted(&care.shop, sql).await
    };
    let before = revision().await;
    let began = Instant::now();
    std::thread::scope(|scope| {
        for _ in 0..8 {
            scope.spawn(|| {
                for number in ["fewer", "usual"].iter().cycle().take(40) {
                    assert_eq!(care.post(&page, &choice(number)).status, 200);
                }
            });
        }
        // Here is a pause, which is noted with a choice that overtakes it and says nothing of one.
        let paused = "say=choose&kind=thanks&number=usual&pause=3";
        assert_eq!(care.post(&page, paused).status, 200);
    });
    let german = "say=choose&language=de&kind=thanks&number=fewer&pause=keep";
    assert_eq!(care.post(&page, german).status, 200);
    let written = revision().await - before;
    let seconds = i64::try_from(began.elapsed().as_secs()).unwrap();
    // The first one goes in at once.
    assert!(written <= seconds + 2, "{written} in {seconds} s");
    let last = "SELECT count(*) FROM preference WHERE language = 'de' AND fewer = 1 \
                AND pause_until IS NOT NULL";
    assert_eq!(counted(&care.shop, last).await, 1);
    // She wants letters again, leaves, and what waits doesn't bring her back.
    let stopped = "SELECT count(*) FROM customer WHERE stopped_at IS NOT NULL";
    for say in ["stop", "again", "stop"] {
        assert_eq!(care.post(&page, &format!("say={say}")).status, 200);
    }
    assert_eq!(counted(&care.shop, stopped).await, 1);
    // Nothing of what was answered is lost at the stop.
    care.post(&page, "say=again");
    assert_eq!(care.post(&page, &choice("usual")).status, 200);
    assert_eq!(care.post(&page, &choice("fewer")).status, 200);
    care.daemon.stop().await;
    assert_eq!(counted(&care.shop, last).await, 1);
    assert_eq!(counted(&care.shop, stopped).await, 0);
}
