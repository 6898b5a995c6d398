//! Passwords of people who look at the console: what is kept of one, and whether one is right.
//!
//! Argon2id with the library's usual cost (19 MiB, two rounds), which is OWASP's advice. May not
//! know who they belong to.

use argon2::Argon2;
use argon2::password_hash::phc::PasswordHash;
use argon2::password_hash::{PasswordHasher as _, PasswordVerifier as _};

use super::EngineError;

/// The shortest password that is taken, in characters; NIST SP 800-63B asks for 15 where there is
/// nothing else.
pub const SHORTEST: usize = 15;
/// The longest, in bytes: what is longer would only keep the machine busy.
pub const LONGEST: usize = 1024;
/// Random bytes beside each password.
const SALT: usize = 16;

/// What is kept of a password.
///
/// # Errors
/// It is too short or too long, or the system gives no random numbers.
pub fn kept(password: &str) -> Result<String, EngineError> {
    let other = |words: String| EngineError::Other(words);
    if password.chars().count() < SHORTEST || password.len() > LONGEST {
        return Err(other(format!(
            "a password has at least {SHORTEST} characters; a few words in a row are easy to keep \
             in mind"
        )));
    }
    let mut salt = [0; SALT];
    getrandom::fill(&mut salt)
        .map_err(|why| other(format!("the system gives no random numbers ({why})")))?;
    let hash: PasswordHash = Argon2::default()
        .hash_password_with_salt(password.as_bytes(), &salt)
        .map_err(|why| other(format!("the password can't be kept: {why}")))?;
    Ok(hash.to_string())
}

/// Whether it is the one of which this was kept. Takes as long where there is none, so that nobody
/// learns by the time who has an account.
pub fn fits(password: &str, kept: Option<&str>) -> bool {
    /// Of a password that nobody has.
    const NOBODY: &str = "$argon2id$v=19$m=19456,t=2,p=1$bm9ib2R5IGF0IGFsbCEhIQ$\
                          AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA";
    if password.len() > LONGEST {
        return false;
    }
    let Ok(hash) = PasswordHash::new(kept.unwrap_or(NOBODY)) else {
        return false;
    };
    let right = Argon2::default().verify_password(password.as_bytes(), &hash);
    right.is_ok() && kept.is_some()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_password_fits_what_was_kept_of_it_and_nothing_else_does() {
        let kept = kept("four roses in a row").unwrap();
        assert!(
            kept.starts_with("$argon2id$v=19$m=19456,t=2,p=1$"),
            "{kept}"
        );
        assert!(!kept.contains("roses"));
        assert!(fits("four roses in a row", Some(&kept)));
        assert!(!fits("four roses in a roW", Some(&kept)));
        assert!(!fits("four roses in a row", None));
        assert!(!fits("four roses in a row", Some("nonsense")));
        assert!(super::kept("short").is_err());
        // The same password looks different each time.
        assert_ne!(super::kept("four roses in a row").unwrap(), kept);
    }
}
