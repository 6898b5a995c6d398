//! Signed tokens for the unsubscribe link.
//!
//! May not know addresses: a token holds the ledger's entry and a signature, nothing about the
//! person. May not keep the key anywhere.

use hmac::{Hmac, Mac as _};
use sha2::Sha256;

/// What the signature is for; another purpose gets another word, so that a token for one can't be
/// used for the other.
const UNSUBSCRIBE: &[u8] = b"u";
/// Bytes of the signature that are kept: 128 bits can't be guessed over the network.
const SIGNATURE_BYTES: usize = 16;
/// The longest token looked at.
const LONGEST: usize = 200;

/// The token of an entry, safe in a URL: `1f0a…9c.5e…`.
pub fn token(key: &[u8; 32], entry_id: &str) -> String {
    use std::fmt::Write as _;

    let mut token = format!("{entry_id}.");
    if let Some(mac) = signature(key, entry_id) {
        for byte in mac.finalize().into_bytes().iter().take(SIGNATURE_BYTES) {
            // Writing to a String can't fail.
            _ = write!(token, "{byte:02x}");
        }
    }
    token
}

/// The entry a token was made for; `None` unless we made it. Takes as long for a near miss as for
/// a wild guess.
pub fn verify(key: &[u8; 32], token: &str) -> Option<String> {
    if token.len() > LONGEST {
        return None;
    }
    let (entry_id, hex) = token.rsplit_once('.')?;
    let claimed = bytes_of(hex)?;
    signature(key, entry_id)?
        .verify_truncated_left(&claimed)
        .ok()?;
    Some(entry_id.to_owned())
}

fn signature(key: &[u8; 32], entry_id: &str) -> Option<Hmac<Sha256>> {
    // A key of any length is accepted, so this is always `Some`.
    let mut mac = Hmac::<Sha256>::new_from_slice(key).ok()?;
    mac.update(UNSUBSCRIBE);
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

    const KEY: [u8; 32] = [7; 32];

    #[test]
    fn only_our_own_tokens_are_accepted() {
        let ours = token(&KEY, "1f0a33c2d4e5b697");
        assert_eq!(ours.len(), 16 + 1 + 32);
        assert_eq!(verify(&KEY, &ours).as_deref(), Some("1f0a33c2d4e5b697"));
        assert_eq!(verify(&[8; 32], &ours), None);

        let (entry, signature) = ours.split_once('.').unwrap();
        for forged in [
            String::new(),
            ".".to_owned(),
            entry.to_owned(),
            format!("{entry}."),
            format!("{entry}.{}", signature.split_at(30).0),
            format!("{entry}.{}", signature.to_uppercase()),
            format!("{entry}.{signature}00"),
            format!("1f0a33c2d4e5b698.{signature}"),
            format!("{entry}.{}", "0".repeat(32)),
            format!("{entry}.{}", "+f".repeat(16)),
            "é".repeat(300),
        ] {
            assert_eq!(verify(&KEY, &forged), None, "{forged}");
        }
    }

    #[test]
    fn a_token_is_safe_in_a_url() {
        let token = token(&KEY, "1f0a33c2d4e5b697");
        assert!(
            token
                .bytes()
                .all(|b| b.is_ascii_alphanumeric() || b == b'.')
        );
    }
}
