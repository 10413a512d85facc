//! Exact decimal numbers.

/// The maximum number of decimal digits.
pub(super) const DECIMALS: usize = 18;

/// Parses a decimal number up to `max`, times 10^18. Signs and exponents are invalid, and digits are required on both
/// sides of the point.
pub(super) fn attos(text: &str, max: u64) -> Option<u128> {
    let (whole, fraction) = text.split_once('.').unwrap_or((text, "0"));
    let digits = |part: &str| !part.is_empty() && part.bytes().all(|byte| byte.is_ascii_digit());
    if !digits(whole) || !digits(fraction) || fraction.len() > DECIMALS {
        return None;
    }
    let fraction: u128 = format!("{fraction:0<DECIMALS$}").parse().ok()?;
    let one = 10_u128.pow(u32::try_from(DECIMALS).ok()?);
    let attos = whole.parse::<u128>().ok()?.checked_mul(one)?.checked_add(fraction)?;
    (attos <= u128::from(max) * one).then_some(attos)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn decimals_are_exact_and_plain() {
        let one = 1_000_000_000_000_000_000;
        for (text, expected) in [
            ("0", Some(0)),
            ("1", Some(one)),
            ("0.5", Some(one / 2)),
            ("007.50", Some(one * 15 / 2)),
            ("0.000000000000000001", Some(1)),
            ("999.999999999999999999", Some(1000 * one - 1)),
            ("1000.000000000000000000", Some(1000 * one)),
            ("1000.000000000000000001", None),
            ("1001", None),
            ("0.0000000000000000010", None),
            ("340282366920938463463374607431768211456", None),
            ("340282366920938463464", None),
            ("340282366920938463463.5", None),
            ("-1", None),
            ("-0", None),
            ("+1", None),
            (".5", None),
            ("5.", None),
            (".", None),
            ("1e3", None),
            ("1_000", None),
            ("1,5", None),
            ("1.2.3", None),
            (" 1", None),
            ("0x1", None),
            ("\u{661}", None),
            ("nan", None),
            ("", None),
        ] {
            assert_eq!(attos(text, 1000), expected, "{text:?}");
        }
    }
}
