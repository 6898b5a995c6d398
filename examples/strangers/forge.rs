//! Links that somebody made up, each kind with what it hopes for. May not know the door.

use anyhow::Context as _;
use fondly::render::links::{Key, Keys, Links, Scope};

use super::luck::Luck;

/// How many kinds of forgery there are.
pub(crate) const KINDS: [&str; 12] = [
    "another sign in the signature",
    "another entry with this signature",
    "a sign of the entry changed",
    "the link of another page",
    "signed by another key",
    "by a key that doesn't exist",
    "by no key",
    "cut short",
    "made longer",
    "in capitals",
    "guessed",
    "an empty or endless one",
];

const HEX: &[u8; 16] = b"0123456789abcdef";

/// Everything that a forger may know: real links of many entries, but no key.
#[derive(Debug)]
pub(crate) struct Forger<'a> {
    pub(crate) real: &'a Links,
    pub(crate) entries: &'a [String],
    /// By a key of their own.
    pub(crate) own: Links,
}

impl<'a> Forger<'a> {
    pub(crate) fn new(real: &'a Links, entries: &'a [String]) -> Self {
        Self {
            real,
            entries,
            own: Links::new(Keys {
                newest: Key {
                    number: 1,
                    secret: [0x5a; 32],
                },
                older: Vec::new(),
            }),
        }
    }

    /// The n-th forgery: which page it is for, and the token.
    pub(crate) fn forge(&self, n: usize, luck: &mut Luck) -> anyhow::Result<(Scope, String)> {
        let scope = page(n / KINDS.len());
        let entry = self.entry(luck)?;
        let ours = self.real.token(scope, entry);
        let (rest, signature) = halves(&ours)?;
        let token = match n % KINDS.len() {
            0 => {
                let at = luck.below(signature.len() as u64);
                format!("{rest}.{}", changed(signature, at, luck))
            }
            1 => {
                let other = self.another(entry, luck)?;
                format!("{other}.1.{signature}")
            }
            2 => {
                let at = luck.below(entry.len() as u64);
                format!("{}.1.{signature}", changed(entry, at, luck))
            }
            3 => {
                let beside = usize::try_from(1 + luck.below(3))?;
                let other = page(n / KINDS.len() + beside);
                self.real.token(other, entry)
            }
            4 => self.own.token(scope, entry),
            5 => format!("{entry}.{}.{signature}", 2 + luck.below(1_000_000)),
            6 => format!("{entry}.{signature}"),
            7 => {
                let length = usize::try_from(luck.below(ours.len() as u64))?;
                ours.get(..length).unwrap_or_default().to_owned() + "."
            }
            8 => format!("{ours}{}", luck.below(1_000)),
            9 => ours.to_uppercase(),
            10 => {
                let random: String = (0..32).map(|_| hex(luck)).collect();
                format!("{rest}.{random}")
            }
            _ if luck.below(2) == 0 => "0".repeat(usize::try_from(1 + luck.below(4_000))?),
            _ => ".".repeat(usize::try_from(1 + luck.below(8))?) + "-",
        };
        Ok((scope, token))
    }

    fn entry(&self, luck: &mut Luck) -> anyhow::Result<&'a str> {
        let at = usize::try_from(luck.below(self.entries.len() as u64))?;
        let entry = self.entries.get(at).context("there are no letters")?;
        Ok(entry)
    }

    fn another(&self, entry: &str, luck: &mut Luck) -> anyhow::Result<&'a str> {
        loop {
            let other = self.entry(luck)?;
            if other != entry {
                return Ok(other);
            }
        }
    }
}

/// The n-th page, around and around.
fn page(n: usize) -> Scope {
    let mut all = Scope::ALL.into_iter().cycle();
    all.nth(n % Scope::ALL.len()).unwrap_or(Scope::Unsubscribe)
}

fn halves(token: &str) -> anyhow::Result<(&str, &str)> {
    token
        .rsplit_once('.')
        .context("a token without a signature")
}

/// With another sign at this place.
fn changed(text: &str, at: u64, luck: &mut Luck) -> String {
    let mut changed = String::new();
    for (n, sign) in (0..).zip(text.chars()) {
        let mut new = sign;
        while n == at && new == sign {
            new = hex(luck);
        }
        changed.push(new);
    }
    changed
}

fn hex(luck: &mut Luck) -> char {
    let n = usize::try_from(luck.below(16)).unwrap_or(0);
    char::from(HEX.get(n).copied().unwrap_or(b'0'))
}
