//! Signed tokens of the links in letters: what each opens, and the keys that sign them.
//!
//! May not know addresses: a token holds the ledger's entry, the number of the key and a signature,
//! nothing about the person. May not keep a key anywhere.

use std::fmt;
use std::sync::{PoisonError, RwLock};

use hmac::{Hmac, Mac as _};
use sha2::Sha256;

/// Bytes of the signature that are kept: 128 bits can't be guessed over the network.
const SIGNATURE_BYTES: usize = 16;
/// The longest token looked at.
const LONGEST: usize = 200;

/// What a link opens. A token for one opens no other.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Scope {
    /// The button that ends all letters.
    Unsubscribe,
    /// Which letters, how many, in which language.
    Preferences,
    /// "Tell us your birthday."
    Birthday,
    /// "What do you think of us?"
    Opinion,
}

impl Scope {
    /// All there are.
    pub const ALL: [Self; 4] = [
        Self::Unsubscribe,
        Self::Preferences,
        Self::Birthday,
        Self::Opinion,
    ];

    /// The first part of its path, and what its signatures are for.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Unsubscribe => "u",
            Self::Preferences => "p",
            Self::Birthday => "b",
            Self::Opinion => "o",
        }
    }
}

/// A key that signs links.
#[derive(Clone, PartialEq, Eq)]
pub struct Key {
    /// Rises from 1; stands in each of its tokens.
    pub number: u32,
    /// The secret.
    pub secret: [u8; 32],
}

impl fmt::Debug for Key {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Key")
            .field("number", &self.number)
            .finish_non_exhaustive()
    }
}

/// The keys that count: the newest signs, and links of the older ones go on working.
#[derive(Debug, Clone)]
pub struct Keys {
    /// Signs.
    pub newest: Key,
    /// Only open what they signed.
    pub older: Vec<Key>,
}

/// Makes and opens links. Keys may change under it, while letters are written and pages answered.
#[derive(Debug)]
pub struct Links {
    keys: RwLock<Keys>,
}

impl Links {
    /// Links by these keys.
    pub fn new(keys: Keys) -> Self {
        Self {
            keys: RwLock::new(keys),
        }
    }

    /// Links by one key, for letters that never leave and for tests.
    pub fn by(secret: [u8; 32]) -> Self {
        Self::new(Keys {
            newest: Key { number: 1, secret },
            older: Vec::new(),
        })
    }

    /// From now on by these keys.
    pub fn turn(&self, keys: Keys) {
        *self.keys.write().unwrap_or_else(PoisonError::into_inner) = keys;
    }

    /// The token of an entry's link, safe in a URL: `1f0a…9c.1.5e…`.
    pub fn token(&self, scope: Scope, entry_id: &str) -> String {
        use std::fmt::Write as _;

        let keys = self.keys.read().unwrap_or_else(PoisonError::into_inner);
        let key = &keys.newest;
        let mut token = format!("{entry_id}.{}.", key.number);
        if let Some(mac) = signature(key, scope, entry_id) {
            for byte in mac.finalize().into_bytes().iter().take(SIGNATURE_BYTES) {
                // Writing to a String can't fail.
                _ = write!(token, "{byte:02x}");
            }
        }
        token
    }

    /// The entry a token was made for; `None` unless we made it, for this, by a key that still
    /// counts. Takes as long for a near miss as for a wild guess.
    pub fn verify(&self, scope: Scope, token: &str) -> Option<String> {
        if token.len() > LONGEST {
            return None;
        }
        let (rest, hex) = token.rsplit_once('.')?;
        let (entry_id, number) = rest.rsplit_once('.')?;
        let claimed = bytes_of(hex)?;
        let keys = self.keys.read().unwrap_or_else(PoisonError::into_inner);
        let key = std::iter::once(&keys.newest)
            .chain(&keys.older)
            // Compared as written, so that a number has one spelling.
            .find(|key| key.number.to_string() == number)?;
        signature(key, scope, entry_id)?
            .verify_truncated_left(&claimed)
            .ok()?;
        Some(entry_id.to_owned())
    }
}

fn signature(key: &Key, scope: Scope, entry_id: &str) -> Option<Hmac<Sha256>> {
    // A key of any length is accepted, so this is always `Some`.
    let mut mac = Hmac::<Sha256>::new_from_slice(&key.secret).ok()?;
    mac.update(scope.as_str().as_bytes());
    mac.update(&[0]);
    mac.update(entry_id.as_bytes());
    Some(mac)
}

/// Exactly the signature's bytes, written in lower-case hex.
fn bytes_of(hex: &str) -> Option<[u8; SIGNATURE_BYTES]> {
    if hex.len() != SIGNATURE_BYTES * 2
        || !hex.bytes().all(|b| matches!(b, b'0'..=b'9' | b'a'..=b'f'))
    {
        return None;
    }
    let mut bytes = [0; SIGNATURE_BYTES];
    for (n, byte) in bytes.iter_mut().enumerate() {
        *byte = u8::from_str_radix(hex.get(n * 2..n * 2 + 2)?, 16).ok()?;
    }
    Some(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    const ENTRY: &str = "1f0a33c2d4e5b697";

    fn key(number: u32) -> Key {
        Key {
            number,
            secret: [u8::try_from(number).unwrap(); 32],
        }
    }

    #[test]
    fn only_our_own_tokens_are_accepted() {
        let links = Links::by([7; 32]);
        let ours = links.token(Scope::Unsubscribe, ENTRY);
        let verify = |token: &str| links.verify(Scope::Unsubscribe, token);
        assert_eq!(ours.len(), 16 + 3 + 32);
        assert_eq!(verify(&ours).as_deref(), Some(ENTRY));
        let others = Links::by([8; 32]);
        assert_eq!(others.verify(Scope::Unsubscribe, &ours), None);

        let (entry, signature) = ours.split_once(".1.").unwrap();
        for forged in [
            String::new(),
            ".".to_owned(),
            "..".to_owned(),
            entry.to_owned(),
            format!("{entry}.1."),
            format!("{entry}.{signature}"),
            format!("{entry}..{signature}"),
            format!("{entry}.01.{signature}"),
            format!("{entry}.+1.{signature}"),
            format!("{entry}.2.{signature}"),
            format!("{entry}.1.{}", signature.split_at(30).0),
            format!("{entry}.1.{}", signature.to_uppercase()),
            format!("{entry}.1.{signature}00"),
            format!("1f0a33c2d4e5b698.1.{signature}"),
            format!("{entry}.1.{}", "0".repeat(32)),
            format!("{entry}.1.{}", "+f".repeat(16)),
            "é".repeat(300),
        ] {
            assert_eq!(verify(&forged), None, "{forged}");
        }
    }

    #[test]
    fn a_token_opens_only_what_it_was_made_for() {
        let links = Links::by([7; 32]);
        for made in Scope::ALL {
            let token = links.token(made, ENTRY);
            for asked in Scope::ALL {
                let opened = links.verify(asked, &token);
                assert_eq!(opened.is_some(), asked == made, "{made:?} for {asked:?}");
            }
        }
    }

    #[test]
    fn links_of_older_keys_work_until_their_key_has_ended() {
        let links = Links::new(Keys {
            newest: key(1),
            older: Vec::new(),
        });
        let first = links.token(Scope::Birthday, ENTRY);
        links.turn(Keys {
            newest: key(2),
            older: vec![key(1)],
        });
        let second = links.token(Scope::Birthday, ENTRY);
        assert_ne!(first, second);
        for token in [&first, &second] {
            assert!(links.verify(Scope::Birthday, token).is_some(), "{token}");
        }
        links.turn(Keys {
            newest: key(2),
            older: Vec::new(),
        });
        assert_eq!(links.verify(Scope::Birthday, &first), None);
        assert!(links.verify(Scope::Birthday, &second).is_some());
    }

    #[test]
    fn a_token_is_safe_in_a_url() {
        let token = Links::by([7; 32]).token(Scope::Opinion, ENTRY);
        assert!(
            token
                .bytes()
                .all(|b| b.is_ascii_alphanumeric() || b == b'.')
        );
    }
}
