//! Letters of which nobody knows whether they arrived, settled by the console's buttons: each ends as it
//! does by command, and who said so is noted.

use crate::console::Browser;
use crate::daemon::visit;
use crate::relay::{Act, At, Relay, Script};
use crate::shop::{Shop, until};

/// A word of thanks as soon as a visit is seen.
const THANKS: &str = "title = \"Thanks\"\ntemplate = \"thank-you\"\nclass = \"service\"\n\
    audience = \"customer\"\n[trigger.event]\nevent = \"visit\"\nafter = \"0 minutes\"\n\
    [limits]\nbackfill = \"3 days\"\n";

/// What a person says, as a button, a flag, and the audit log have it.
const WORDS: [(&str, &str, &str, &str); 3] = [
    ("ann", "sent", "--sent", "resolve-sent"),
    ("bob", "not-sent", "--not-sent", "resolve-not-sent"),
    ("cid", "resend", "--resend", "resolve-resend"),
];

/// A shop whose relay doesn't answer the first three dots.
async fn shop() -> (Shop, Relay) {
    let lost = (1..=3).fold(Script::new(), |script, n| {
        script.nth(At::Dot, n, Act::Close)
    });
    let relay = Relay::start(lost).await;
    let shop = Shop::new();
    shop.no_rules();
    shop.rule("thanks", THANKS);
    let port = relay.config().port;
    shop.settings(&format!(
        "[schedule]\nsync = \"* * * * * *\"\ntick = \"* * * * * *\"\n\
         [sending]\nquiet_hours = \"none\"\ncaps = {{}}\n[console]\nbind = \"127.0.0.1:0\"\n\
         [mail]\ntransport = \"smtp\"\n\
         [mail.smtp]\nhost = \"127.0.0.1\"\nport = {port}\nsecurity = \"none\"\n"
    ));
    shop.customers("id,email\nann,ann@mail.example\nbob,bob@mail.example\ncid,cid@mail.example\n");
    for (customer, ..) in WORDS {
        visit(&shop, customer);
    }
    (shop, relay)
}

/// What became of each customer's letter, and why.
fn outcomes(shop: &Shop) -> Vec<(String, String, Option<String>)> {
    let mut all: Vec<_> = shop
        .ledger_so_far()
        .into_iter()
        .map(|one| (one.customer, one.outcome, one.reason))
        .collect();
    all.sort();
    all
}

fn id(shop: &Shop, customer: &str) -> String {
    let all = shop.ledger_so_far();
    all.into_iter()
        .find(|one| one.customer == customer)
        .unwrap()
        .id
}

/// Who said what of which customer's letter, the earliest first.
async fn audited(shop: &Shop) -> Vec<(String, String, String)> {
    sqlx::query_as(
        "SELECT a.who, a.what, l.customer FROM audit a JOIN ledger l ON '#' || l.number = a.subject \
         ORDER BY a.seq",
    )
    .fetch_all(&mut shop.store().await)
    .await
    .unwrap()
}

async fn all_unknown(shop: &Shop) {
    until("three unknown letters", || {
        let all = outcomes(shop);
        let unknown = all.iter().filter(|one| one.1 == "unknown").count();
        (unknown == 3).then_some(())
    })
    .await;
}

async fn settled(shop: &Shop) {
    until("the end of all three", || {
        let open = |one: &(String, String, _)| !["sent", "skipped"].contains(&&*one.1);
        (!outcomes(shop).iter().any(open)).then_some(())
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_unknown_letter_ends_by_button_as_it_does_by_command() {
    let (by_command, _relay) = shop().await;
    by_command.run(&["tick"]).is(3);
    for (customer, _, flag, _) in WORDS {
        by_command
            .run(&["resolve", &id(&by_command, customer), flag])
            .is(0);
    }
    by_command.run(&["tick"]).is(0);

    let (by_button, relay) = shop().await;
    let browser = Browser::start(&by_button).await;
    all_unknown(&by_button).await;
    browser.get("/").shows(&["<b>3</b> for you to decide"]);
    browser
        .get("/held")
        .shows(&["Did they arrive?", ">ann<", ">bob<", ">cid<"]);
    for (customer, word, ..) in WORDS {
        let entry = format!("/ledger/{}", id(&by_button, customer));
        let button = format!("value=\"{word}\"");
        browser
            .get(&entry)
            .shows(&["Did it arrive?", &button, "Message-ID"]);
        assert_eq!(browser.post(&entry, "word=perhaps").status, 400);
        let done = browser.post(&entry, &format!("word={word}"));
        assert_eq!((done.status, done.header("location")), (303, Some(&*entry)));
    }
    settled(&by_button).await;
    // What is settled is settled: the buttons are gone, and another click does nothing.
    for (customer, word, ..) in WORDS {
        let entry = format!("/ledger/{}", id(&by_button, customer));
        assert!(!browser.get(&entry).body.contains("Did it arrive?"));
        assert_eq!(browser.post(&entry, &format!("word={word}")).status, 400);
    }

    assert_eq!(outcomes(&by_button), outcomes(&by_command));
    let letters = relay.letters();
    let to_customers = letters
        .iter()
        .filter(|one| one.to[0].ends_with("@mail.example"));
    assert_eq!(to_customers.count(), 3 + 1, "only one was sent again");
    let said =
        |who: &str| WORDS.map(|(customer, .., what)| [who, what, customer].map(str::to_owned));
    let noted = async |shop| audited(shop).await.into_iter().map(<[String; 3]>::from);
    let noted_by = async |shop| noted(shop).await.collect::<Vec<_>>();
    assert_eq!(noted_by(&by_button).await, said("console on this machine"));
    assert_eq!(noted_by(&by_command).await, said("command line"));
    browser.get("/people").shows(&[
        "said it was sent",
        "said it wasn&#39;t sent",
        "had it sent again",
    ]);
}
