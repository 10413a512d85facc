//! Quantities in texts for people. Programs read the exact numbers of `--json`.

use bytesize::ByteSize;

/// The seconds of an hour.
const HOUR_SECONDS: i128 = 3600;

/// Returns a count with its noun: `1 file`, `2 files`.
pub fn counted(count: u64, one: &str, several: &str) -> String {
    format!("{count} {}", if count == 1 { one } else { several })
}

/// Returns a number of bytes: `97.7 KiB`.
pub fn bytes(count: i128) -> String {
    let size = ByteSize(u64::try_from(count.unsigned_abs()).unwrap_or(u64::MAX)).display().iec();
    if count < 0 { format!("-{size}") } else { size.to_string() }
}

/// Returns a quantity of a line item with its unit.
pub fn of_item(quantity: i128, unit: &str) -> String {
    match unit {
        "bytes" => bytes(quantity),
        "byte_seconds" if quantity.abs() >= HOUR_SECONDS => format!("{} hours", bytes(quantity / HOUR_SECONDS)),
        _ => format!("{} {}", grouped(quantity), unit.replace('_', " ")),
    }
}

/// Returns a number with its digits in groups of three.
fn grouped(number: i128) -> String {
    let digits = number.unsigned_abs().to_string();
    let mut text = String::with_capacity(digits.len() + digits.len() / 3 + 1);
    if number < 0 {
        text.push('-');
    }
    for (at, digit) in digits.chars().enumerate() {
        if at > 0 && (digits.len() - at).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quantities_are_short_and_have_their_unit() {
        assert_eq!((counted(1, "file", "files"), counted(0, "file", "files")), ("1 file".into(), "0 files".into()));
        assert_eq!(counted(1_234_567, "file", "files"), "1234567 files");
        assert_eq!((bytes(0), bytes(100_000), bytes(-2048)), ("0 B".into(), "97.7 KiB".into(), "-2.0 KiB".into()));
        assert_eq!(of_item(7200 << 30, "byte_seconds"), "2.0 GiB hours");
        assert_eq!(of_item(3599, "byte_seconds"), "3,599 byte seconds");
        assert_eq!(
            (of_item(1500, "requests"), of_item(-100, "requests")),
            ("1,500 requests".into(), "-100 requests".into())
        );
    }
}
