//! The console, by who is signed in.

use fondly::review::{Kind, Side, Way, ways};

use super::{ELSEWHERE, Table};
use crate::console::{
    Answer, Browser, Filling, OURS, PASSWORD, add, becomes, expire, filled, shop, today, token,
    visit,
};

const HEADINGS: [&str; 7] = [
    "way",
    "nobody",
    "session over",
    "viewer",
    "owner",
    "owner, from another page",
    "owner, by another method",
];

/// Cookies as headers.
struct People {
    expired: String,
    viewer: String,
    owner: String,
}

/// A status, and where it leads to.
fn told(answer: &Answer) -> String {
    let to = answer.header("location").map(|to| {
        let path = to.split('?').next().unwrap();
        format!(" to {path}")
    });
    format!("{}{}", answer.status, to.unwrap_or_default())
}

impl People {
    /// What everybody is answered who looks.
    async fn look(&self, browser: &Browser, path: &str) -> [String; 6] {
        let get = format!("GET {path}");
        browser.whole(path, &self.owner).await;
        let ask = |more: &str| told(&browser.ask(&get, more, ""));
        let owner = &self.owner;
        [
            ask(""),
            ask(&self.expired),
            ask(&self.viewer),
            ask(owner),
            // A link somewhere else may lead here.
            ask(&format!("{ELSEWHERE}{owner}")),
            told(&browser.ask(&format!("DELETE {path}"), &format!("{OURS}{owner}"), "")),
        ]
    }

    /// What everybody is answered who decides. The owner comes last, since it is done then.
    fn decide(&self, browser: &Browser, path: &str, form: &str) -> [String; 6] {
        let post = format!("POST {path}");
        let ask = |more: &str| told(&browser.ask(&post, more, form));
        let owner = &self.owner;
        let nobody = ask(OURS);
        let expired = ask(&format!("{OURS}{}", self.expired));
        let elsewhere = ask(&format!("{ELSEWHERE}{owner}"));
        let viewer = ask(&format!("{OURS}{}", self.viewer));
        let another = browser.ask(&format!("PUT {path}"), &format!("{OURS}{owner}"), form);
        let owner = ask(&format!("{OURS}{owner}"));
        [nobody, expired, viewer, owner, elsewhere, told(&another)]
    }
}

fn form(way: Way) -> String {
    match way.path {
        "/ledger/{entry}" => "word=sent".to_owned(),
        "/held/{rule}/{day}" => "word=decline&count=1".to_owned(),
        "/login" => format!("name=anna&password={}", PASSWORD.replace(' ', "+")),
        "/logout" => String::new(),
        new => panic!("what is posted to {new}?"),
    }
}

/// What the table may never say, whoever accepts it.
fn holds(way: Way, method: &str, answers: &[String; 6]) {
    let [nobody, expired, viewer, owner, elsewhere, another] = answers;
    let place = format!("{method} {}: {answers:?}", way.path);
    assert_eq!(another, "405", "{place}");
    if method == "POST" {
        assert_eq!(elsewhere, "403", "{place}");
        if way.path != "/login" {
            assert_eq!((&**nobody, &**expired), ("403", "403"), "{place}");
        }
        if !["/login", "/logout"].contains(&way.path) {
            assert_eq!(viewer, "403", "{place}");
        }
        return;
    }
    assert_eq!(viewer, owner, "{place}");
    if way.kind != Kind::Open {
        let login = "303 to /login";
        assert_eq!((&**nobody, &**expired), (login, login), "{place}");
    }
}

#[tokio::test]
async fn every_way_into_the_console_answers_everybody_as_the_table_says() {
    let shop = shop("base_url = \"https://console.thorn.example\"\n");
    shop.customers("id,email,first_name\nc1,ann@mail.example,Ann\n");
    visit(&shop, "c1");
    add(&shop, "anna", "owner", PASSWORD).is(0);
    add(&shop, "ben", "viewer", PASSWORD).is(0);
    let mut browser = Browser::start(&shop).await;
    browser.host = "console.thorn.example".to_owned();
    becomes(&shop, "held").await;
    let entry = shop.ledger_so_far().remove(0).id;
    let day = today().to_string();
    let filling: &Filling<'_> = &[
        ("entry", &entry),
        ("rule", "thanks"),
        ("day", &day),
        ("customer", "c1"),
        ("source", "customers"),
    ];
    let signed_in = |name| format!("Cookie: __Host-fondly={}\r\n", token(&browser, name));
    let expired = signed_in("anna");
    expire(&shop).await;
    let people = People {
        expired,
        viewer: signed_in("ben"),
        owner: signed_in("anna"),
    };
    let mut table = Table::new(&HEADINGS);
    for way in ways(Side::Console) {
        let path = filled(way.path, filling);
        let mut row = |method: &str, answers: [String; 6]| {
            holds(way, method, &answers);
            let way = format!("{method} {}", way.path);
            let cells = std::iter::once(way).chain(answers);
            table.row(&cells.collect::<Vec<_>>());
        };
        if way.kind != Kind::Nothing {
            row("GET", people.look(&browser, &path).await);
        }
        if let Some(method) = way.takes {
            row(method, people.decide(&browser, &path, &form(way)));
        }
    }
    table.is("ways-console");
}
