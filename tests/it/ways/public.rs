//! The pages behind a letter's links, by whose link it is.

use fondly::review::{Kind, Side, Way, ways};
use serde_json::Value;

use super::{ELSEWHERE, Table};
use crate::care::{WITH_LINKS, link};
use crate::public::{AT_ONCE, Answer, Daemon, FORM, ONE_CLICK, forged, shop_that_looks, visits};
use crate::shop::Shop;

const HEADINGS: [&str; 7] = [
    "way",
    "somebody's link",
    "an altered one",
    "of another page",
    "of a key that was ended",
    "somebody's, from another page",
    "by another method",
];
/// What the daemon of this test never does by itself.
const NEVER: &str = "0 0 0 1 1 *";
/// Those whose links are used: her own, from another page, and of the key that was ended.
const WHO: [&str; 3] = ["ann", "bob", "cat"];

/// A shop that wrote to Cat before its key was changed and to Ann and Bob afterwards, and whose old key
/// is ended.
fn shop() -> Shop {
    let shop = shop_that_looks(NEVER, "127.0.0.1:0");
    shop.rule("at-once", &AT_ONCE.replace("thank-you", "hello"));
    shop.write("config/templates/hello.en.md", WITH_LINKS);
    let customers = WHO.map(|id| format!("{id},{id}@mail.example\n"));
    shop.customers(&format!("id,email\n{}", customers.concat()));
    visits(&shop, &[("1", "cat")]);
    shop.run(&["tick"]).is(0);
    shop.run(&["links", "rotate"]).is(0);
    visits(&shop, &[("1", "cat"), ("2", "ann"), ("3", "bob")]);
    shop.run(&["tick"]).is(0);
    shop.run(&["links", "end", "1", "--now"]).is(0);
    shop
}

/// Everything that is kept of any of them.
fn kept(shop: &Shop) -> Vec<Value> {
    let export = |who| {
        let mut all: Value = serde_json::from_str(&shop.run(&["export", who]).is(0).out).unwrap();
        assert!(all.as_object_mut().unwrap().remove("exported_at").is_some());
        all
    };
    WHO.map(export).to_vec()
}

/// The page's link in each one's letter.
fn links(shop: &Shop, way: Way) -> [String; 3] {
    let page = way.path.trim_start_matches('/').split('/').next().unwrap();
    let of = |who: &str| match way.kind {
        Kind::Open => format!("/letters{}", way.path),
        _ => link(shop, who, page),
    };
    WHO.map(of)
}

/// A link to one page, as if it led to this one.
fn of_another_page(shop: &Shop, way: Way, own: &str) -> String {
    if way.kind == Kind::Open {
        return own.to_owned();
    }
    let other = if way.path.starts_with("/u/") {
        "p"
    } else {
        "u"
    };
    let (_, token) = own.rsplit_once('/').unwrap();
    let start = own.strip_suffix(token).unwrap();
    let others = link(shop, WHO[0], other);
    format!("{start}{}", others.rsplit_once('/').unwrap().1)
}

fn form(way: Way) -> &'static str {
    match way.path {
        "/u/{token}" => ONE_CLICK,
        "/p/{token}" => "say=again",
        "/b/{token}" => "day=29&month=2",
        "/o/{token}" => "face=5&text=All+is+well",
        new => panic!("what is posted to {new}?"),
    }
}

/// What everybody is answered by this method, and whether anything was kept.
fn asked(shop: &Shop, daemon: &Daemon, way: Way, method: &str) -> [String; 6] {
    let [own, of_bob, ended] = links(shop, way);
    let body = if method == "GET" { "" } else { form(way) };
    let mut before = kept(shop);
    // Strangers ask first, and are all answered alike.
    let mut to_strangers: Option<Answer> = None;
    let mut ask = |method: &str, path: &str, more: &str| {
        let answer = daemon.ask(method, path, &format!("{FORM}{more}"), body);
        assert_eq!(answer.header("set-cookie"), None, "{path}");
        assert_eq!(answer.header("location"), None, "{path}");
        let after = kept(shop);
        let noted = if after == before { "" } else { ", noted" };
        before = after;
        let status = answer.status;
        let same = status == 405 || *to_strangers.get_or_insert_with(|| answer.clone()) == answer;
        format!(
            "{status}{}{noted}",
            if same { "" } else { ", their choice" }
        )
    };
    let altered = forged(&own);
    let altered = if way.kind == Kind::Open {
        &own
    } else {
        &altered
    };
    let another = of_another_page(shop, way, &own);
    // Those that may do nothing come first.
    let altered = ask(method, altered, "");
    let another = ask(method, &another, "");
    let ended = ask(method, &ended, "");
    let by_another_method = ask("DELETE", &own, "");
    let elsewhere = ask(method, &of_bob, ELSEWHERE);
    let own = ask(method, &own, "");
    [own, altered, another, ended, elsewhere, by_another_method]
}

/// What the table may never say, whoever accepts it.
fn holds(way: Way, method: &str, answers: &[String; 6]) {
    let place = format!("{method} {}: {answers:?}", way.path);
    let [own, altered, another, ended, elsewhere, by_another_method] = answers;
    assert_eq!(by_another_method, "405", "{place}");
    // Nobody learns from an answer whether a link is one of ours.
    for nobody in [altered, another, ended] {
        assert_eq!(nobody, "200", "{place}");
    }
    if method == "POST" {
        assert_eq!(own, "200, noted", "{place}");
    }
    // Mail providers click from wherever they are (RFC 8058 §3.1).
    assert_eq!(own, elsewhere, "{place}");
}

#[tokio::test]
async fn every_way_behind_a_letter_s_links_answers_everybody_as_the_table_says() {
    let shop = shop();
    let daemon = Daemon::start(&shop).await;
    let mut table = Table::new(&HEADINGS);
    for way in ways(Side::Public) {
        let methods = (way.kind != Kind::Nothing).then_some("GET");
        for method in methods.into_iter().chain(way.takes) {
            let answers = asked(&shop, &daemon, way, method);
            holds(way, method, &answers);
            let cells = std::iter::once(format!("{method} {}", way.path)).chain(answers);
            table.row(&cells.collect::<Vec<_>>());
        }
    }
    table.is("ways-public");
}
