//! Money and other exact decimals: whole ten-thousandths, never a float.
//!
//! May not know currencies: an amount is only compared within one currency by its user.

use std::fmt;

/// Ten-thousandths in one unit.
const SCALE: i64 = 10_000;
/// Decimal places kept.
const PLACES: usize = 4;

/// An exact decimal with up to four places, such as `12.50`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct Amount(i64);

impl Amount {
    /// From whole ten-thousandths, as the store keeps it.
    pub const fn from_ten_thousandths(n: i64) -> Self {
        Self(n)
    }

    /// Whole ten-thousandths.
    pub const fn ten_thousandths(self) -> i64 {
        self.0
    }

    /// Reads `12`, `12.5` or `-3.1234` (a point, no grouping). `None` for anything else, for more
    /// than four places that aren't zeros, and for what doesn't fit.
    pub fn parse(text: &str) -> Option<Self> {
        let (negative, digits) = match text.strip_prefix('-') {
            Some(rest) => (true, rest),
            None => (false, text.strip_prefix('+').unwrap_or(text)),
        };
        let (whole, fraction) = digits.split_once('.').unwrap_or((digits, ""));
        if whole.is_empty() && fraction.is_empty() {
            return None;
        }
        if !whole
            .chars()
            .chain(fraction.chars())
            .all(|c| c.is_ascii_digit())
        {
            return None;
        }
        let fraction = fraction.trim_end_matches('0');
        if fraction.len() > PLACES {
            return None;
        }
        let whole: i64 = if whole.is_empty() {
            0
        } else {
            whole.parse().ok()?
        };
        let part: i64 = if fraction.is_empty() {
            0
        } else {
            fraction.parse().ok()?
        };
        let missing = u32::try_from(PLACES - fraction.len()).ok()?;
        let n = whole
            .checked_mul(SCALE)?
            .checked_add(part * 10_i64.pow(missing))?;
        Some(Self(if negative { -n } else { n }))
    }

    /// The sum, or `None` when it doesn't fit.
    pub fn checked_add(self, other: Self) -> Option<Self> {
        self.0.checked_add(other.0).map(Self)
    }

    /// The nearest float, for templates and conditions only.
    #[expect(
        clippy::cast_precision_loss,
        reason = "only shown and compared in conditions"
    )]
    pub fn to_f64(self) -> f64 {
        self.0 as f64 / SCALE as f64
    }
}

impl fmt::Display for Amount {
    /// At least two places: `12.00`, `0.1234`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let sign = if self.0 < 0 { "-" } else { "" };
        let n = self.0.unsigned_abs();
        let scale = SCALE.unsigned_abs();
        let fraction = format!("{:04}", n % scale);
        let (cents, rest) = fraction.split_at(2);
        write!(
            f,
            "{sign}{}.{cents}{}",
            n / scale,
            rest.trim_end_matches('0')
        )
    }
}

/// Whether amounts in these currencies add up: `EUR` and `eur` do.
pub fn same_currency(one: Option<&str>, other: Option<&str>) -> bool {
    match (one, other) {
        (Some(one), Some(other)) => one.eq_ignore_ascii_case(other),
        (None, None) => true,
        (Some(_), None) | (None, Some(_)) => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_and_writes_exactly() {
        for (text, shown) in [
            ("12", "12.00"),
            ("12.5", "12.50"),
            ("-3.1234", "-3.1234"),
            (".5", "0.50"),
            ("0.1230000", "0.123"),
        ] {
            assert_eq!(Amount::parse(text).unwrap().to_string(), shown, "{text}");
        }
        for bad in [
            "",
            ".",
            "1,5",
            "1e3",
            "1.23456",
            "99999999999999999999",
            "--1",
            "1.2.3",
        ] {
            assert_eq!(Amount::parse(bad), None, "{bad}");
        }
    }
}
