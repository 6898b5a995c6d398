//! The way in for other programs, by the token they have.

use fondly::review::{Kind, Side, Way, ways};

use super::{ELSEWHERE, Table};
use crate::api::{JSON, Program, counted, purchase, shop, token};
use crate::shop::Shop;

const HEADINGS: [&str; 8] = [
    "way",
    "without a token",
    "made up",
    "revoked",
    "good for something else",
    "good for it",
    "good for it, from another page",
    "by another method",
];

/// A program's tokens.
struct Tokens {
    revoked: String,
    of_events: String,
    of_customers: String,
}

/// What a program sends, and which scope it takes.
fn body(way: Way, n: usize) -> (String, bool) {
    match way.path {
        "/api/events" => (purchase(&format!("order-{n}"), "ann").to_string(), true),
        "/api/customers" => (format!("{{\"id\": \"customer-{n}\"}}"), false),
        "/api/customers/{id}" => ("{}".to_owned(), false),
        "/api/openapi.json" => (String::new(), false),
        new => panic!("what is sent to {new}?"),
    }
}

async fn kept(shop: &Shop) -> i64 {
    let sql = "SELECT (SELECT COUNT(*) FROM event) + (SELECT COUNT(*) FROM customer) \
               + (SELECT COUNT(*) FROM quarantine)";
    counted(shop, sql).await
}

/// What everybody is answered by this method, and whether anything was kept.
async fn asked(
    shop: &Shop,
    program: &Program,
    tokens: &Tokens,
    (way, method): (Way, &str),
) -> [String; 7] {
    let (_, of_events) = body(way, 0);
    let (right, wrong) = if of_events {
        (&tokens.of_events, &tokens.of_customers)
    } else {
        (&tokens.of_customers, &tokens.of_events)
    };
    let made_up = right.to_uppercase();
    let mut told = Vec::new();
    for (n, (method, token, more)) in [
        (method, None, ""),
        (method, Some(&made_up), ""),
        (method, Some(&tokens.revoked), ""),
        (method, Some(wrong), ""),
        (method, Some(right), ""),
        (method, Some(right), ELSEWHERE),
        ("DELETE", Some(right), ""),
    ]
    .into_iter()
    .enumerate()
    {
        let (body, _) = body(way, n);
        let path = way.path.replace("{id}", &format!("put-{n}"));
        let before = kept(shop).await;
        let bears = token.map(|token| format!("Authorization: Bearer {token}\r\n"));
        let head = format!(
            "{method} {path} HTTP/1.1\r\nHost: x\r\n{JSON}{}{more}Content-Length: {}\r\n\r\n",
            bears.unwrap_or_default(),
            body.len()
        );
        let answer = program.say((head + &body).as_bytes()).unwrap();
        // Whatever page asks, its browser doesn't give it the answer.
        assert_eq!(answer.header("access-control-allow-origin"), None, "{path}");
        assert_eq!(answer.header("set-cookie"), None, "{path}");
        let kept = if kept(shop).await == before {
            ""
        } else {
            ", kept"
        };
        told.push(format!("{}{kept}", answer.status));
    }
    told.try_into().unwrap()
}

/// What the table may never say, whoever accepts it.
fn holds(way: Way, method: &str, answers: &[String; 7]) {
    let place = format!("{method} {}: {answers:?}", way.path);
    let [
        without,
        made_up,
        revoked,
        wrong,
        right,
        _,
        by_another_method,
    ] = answers;
    assert_eq!(by_another_method, "405", "{place}");
    if way.kind == Kind::Open {
        assert!(answers[..6].iter().all(|answer| answer == "200"), "{place}");
        return;
    }
    for nobody in [without, made_up, revoked] {
        assert_eq!(nobody, "401", "{place}");
    }
    assert_eq!(wrong, "403", "{place}");
    assert!(right.ends_with(", kept"), "{place}");
}

#[tokio::test]
async fn every_way_of_records_answers_every_program_as_the_table_says() {
    let shop = shop("");
    let program = Program::start(&shop).await;
    let tokens = Tokens {
        revoked: token(&shop, "old", "events,customers"),
        of_events: token(&shop, "pos", "events"),
        of_customers: token(&shop, "crm", "customers"),
    };
    shop.run(&["token", "revoke", "old"]).is(0);
    let mut table = Table::new(&HEADINGS);
    for way in ways(Side::Api) {
        let methods = (way.kind != Kind::Nothing).then_some("GET");
        for method in methods.into_iter().chain(way.takes) {
            let answers = asked(&shop, &program, &tokens, (way, method)).await;
            holds(way, method, &answers);
            let cells = std::iter::once(format!("{method} {}", way.path)).chain(answers);
            table.row(&cells.collect::<Vec<_>>());
        }
    }
    table.is("ways-api");
}
