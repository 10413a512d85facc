//! Rules for repeating a request.

use reqwest::StatusCode;
use reqwest::header::HeaderMap;
use std::time::Duration;

/// The repetitions of one request after failures.
pub const MAX_REPETITIONS: u32 = 4;
/// The repetitions of one request for which the server named the pause, as at a rate limit.
const MAX_ASKED_REPETITIONS: u32 = 30;
/// The bound of the first pause; it doubles with each repetition.
const FIRST_PAUSE: Duration = Duration::from_millis(500);
/// The longest pause, also if the server asks for more.
const LONGEST_PAUSE: Duration = Duration::from_mins(1);

/// Returns whether a request with this answer is repeated.
pub fn is_repeated(status: StatusCode, headers: &HeaderMap) -> bool {
    match headers.get("x-should-retry").and_then(|value| value.to_str().ok()) {
        Some("true") => true,
        Some("false") => false,
        _ => {
            let passes = status.is_server_error() && status != StatusCode::NOT_IMPLEMENTED;
            passes || [408, 409, 429].contains(&status.as_u16())
        }
    }
}

/// Returns the pause that the server asks for, cut to the longest one.
pub fn asked_pause(headers: &HeaderMap) -> Option<Duration> {
    let number = |name| headers.get(name)?.to_str().ok()?.trim().parse::<u64>().ok();
    let pause = number("retry-after-ms")
        .map(Duration::from_millis)
        .or_else(|| number("retry-after").map(Duration::from_secs))?;
    Some(pause.min(LONGEST_PAUSE))
}

/// Returns a random pause (full jitter) before the next repetition.
pub fn pause(repetitions: u32) -> Duration {
    let bound = FIRST_PAUSE.saturating_mul(1_u32.checked_shl(repetitions).unwrap_or(u32::MAX)).min(LONGEST_PAUSE);
    // Without random bytes the pause is the whole bound.
    let share = getrandom::u32().map_or(1.0, |number| f64::from(number) / f64::from(u32::MAX));
    bound.mul_f64(share)
}

/// Counts the repetitions of one request.
#[derive(Debug, Default)]
pub struct Repetitions {
    after_failures: u32,
    asked: u32,
}

impl Repetitions {
    /// Returns the pause before the next repetition; none if there were enough.
    pub fn next_pause(&mut self, asked_pause: Option<Duration>) -> Option<Duration> {
        let (count, most) = match asked_pause {
            Some(_) => (&mut self.asked, MAX_ASKED_REPETITIONS),
            None => (&mut self.after_failures, MAX_REPETITIONS),
        };
        if *count == most {
            return None;
        }
        *count += 1;
        // Requests in parallel come back at different times.
        Some(asked_pause.map_or_else(|| pause(*count), |asked| asked.saturating_add(pause(0))))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn headers(name: &'static str, value: &'static str) -> HeaderMap {
        HeaderMap::from_iter([(reqwest::header::HeaderName::from_static(name), value.parse().unwrap())])
    }

    #[test]
    fn the_server_overrides_what_the_status_says() {
        let repeated = [408, 409, 429, 500, 503].map(|status| (status, true));
        for (status, repeated) in repeated.into_iter().chain([(404, false), (501, false)]) {
            let status = StatusCode::from_u16(status).unwrap();
            assert_eq!(is_repeated(status, &HeaderMap::new()), repeated, "{status}");
            assert!(is_repeated(status, &headers("x-should-retry", "true")));
            assert!(!is_repeated(status, &headers("x-should-retry", "false")));
        }
    }

    #[test]
    fn pauses_are_those_of_the_server_or_bounded() {
        assert_eq!(asked_pause(&headers("retry-after", "3")), Some(Duration::from_secs(3)));
        assert_eq!(asked_pause(&headers("retry-after-ms", "20")), Some(Duration::from_millis(20)));
        assert_eq!(asked_pause(&headers("retry-after", "86400")), Some(LONGEST_PAUSE));
        assert_eq!(asked_pause(&headers("retry-after", "soon")), None);
        assert!((0..200).all(|_| pause(1) <= FIRST_PAUSE * 2 && pause(4000) <= LONGEST_PAUSE));
    }

    #[test]
    fn repetitions_end() {
        let asked = Some(Duration::ZERO);
        let mut repetitions = Repetitions::default();
        assert!((0..MAX_ASKED_REPETITIONS).all(|_| repetitions.next_pause(asked).is_some()));
        assert_eq!(repetitions.next_pause(asked), None);
        assert!((0..MAX_REPETITIONS).all(|_| repetitions.next_pause(None).is_some()), "failures count by themselves");
        assert_eq!(repetitions.next_pause(None), None);
    }
}
