//! The token of a link in a letter: what we made is taken, and nothing else.
//!
//! A byte that says what is done, two that say where, a key of 32 bytes, and a text.

use fondly::render::links::{Links, Scope};

/// The longest token that is looked at.
const LONGEST: usize = 200;

/// Makes a token of the text, and alters it; then takes the text for a token.
pub(crate) fn check(data: &[u8]) {
    let [what, high, low, rest @ ..] = data else {
        return;
    };
    let Some((key, text)) = rest.split_first_chunk::<32>() else {
        return;
    };
    let Ok(text) = std::str::from_utf8(text) else {
        return;
    };
    let links = Links::by(*key);
    let scope = Scope::ALL[usize::from(*low) % Scope::ALL.len()];
    // Whatever is taken is what we would have made.
    if let Some(entry) = links.verify(scope, text) {
        assert_eq!(links.token(scope, &entry), text, "a forged token");
    }
    let ours = links.token(scope, text);
    let taken = links.verify(scope, &ours);
    if ours.len() > LONGEST {
        assert_eq!(taken, None);
        return;
    }
    assert_eq!(taken.as_deref(), Some(text));
    let place = usize::from(u16::from_be_bytes([*high, *low]));
    let altered = altered(&ours, place, *what);
    if altered != ours {
        let taken = links.verify(scope, &altered);
        assert_eq!(taken, None, "{altered:?} for {ours:?}");
    }
    let mut other = *key;
    other[place % 32] ^= *what;
    if other != *key {
        let taken = Links::by(other).verify(scope, &ours);
        assert_eq!(taken, None, "another key");
    }
    for other in Scope::ALL.into_iter().filter(|other| *other != scope) {
        assert_eq!(links.verify(other, &ours), None, "another page");
    }
}

/// The token with one slip: a character more, fewer, other or moved, or other letters.
fn altered(token: &str, place: usize, what: u8) -> String {
    let mut letters: Vec<char> = token.chars().collect();
    let at = place % letters.len();
    let other = char::from(what);
    match what % 8 {
        0 => letters[at] = other,
        1 => letters.insert(at, other),
        2 => drop(letters.remove(at)),
        3 => letters.swap(at, 0),
        4 => letters.truncate(at),
        5 => letters.rotate_left(at),
        6 => return token.to_uppercase(),
        _ => letters.extend(token.chars().skip(at)),
    }
    letters.into_iter().collect()
}
