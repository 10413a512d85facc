//! Ids: sortable ones for API objects, random ones for blobs and requests.
//!
//! A sortable id is a prefix and 24 base62 digits: 9 for 48 bits of Unix milliseconds, 15 for a tail. The tail is
//! random for the first id of a millisecond, and grows by a random step of up to 80 bits for the next. So ids of one
//! mint strictly increase, and knowing one leaves 80 bits to guess for its neighbour (docs/contract.md, section 10).

mod file_forms;

use super::base62;
use std::fmt;
use std::str::FromStr;

const TIME_DIGITS: usize = 9;
const TAIL_DIGITS: usize = 15;
const DIGITS: usize = TIME_DIGITS + TAIL_DIGITS;
/// The number of tails: 62 to the power of [`TAIL_DIGITS`].
const TAIL_BOUND: u128 = 62_u128.pow(15);
const MAX_TIME_MS: u64 = (1 << 48) - 1;

/// The time during which new blobs share their first byte, in milliseconds.
const MOMENT_MS: u64 = 128;

/// The random bytes that a sortable id consumes.
pub const ID_RANDOM_BYTES: usize = 11;

/// The text is not an id of the expected kind.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("not a well-formed id")]
pub struct MalformedId;

/// The time and tail of a sortable id, for arithmetic. An id is kept as its text, which sorts like both.
#[derive(Clone, Copy)]
struct Sortable {
    time_ms: u64,
    tail: u128,
}

impl Sortable {
    fn next(last: Option<Self>, now_ms: u64, random: [u8; ID_RANDOM_BYTES]) -> Self {
        let first_of = |time_ms: u64| Self { time_ms: time_ms.min(MAX_TIME_MS), tail: number(&random) };
        let Some(last) = last.filter(|last| last.time_ms >= now_ms) else {
            return first_of(now_ms);
        };
        let [_, step @ ..] = random;
        let tail = last.tail + 1 + number(&step);
        if tail < TAIL_BOUND { Self { tail, ..last } } else { first_of(last.time_ms + 1) }
    }

    fn of(digits: &[u8]) -> Option<Self> {
        let (time, tail) = digits.split_at_checked(TIME_DIGITS)?;
        let time_ms = base62::decode(time).and_then(|time| u64::try_from(time).ok())?;
        let is_id = digits.len() == DIGITS && time_ms <= MAX_TIME_MS;
        is_id.then_some(Self { time_ms, tail: base62::decode(tail)? })
    }

    /// Returns the sortable of these numbers; none when one of them is out of bounds.
    fn of_numbers(time_ms: u128, tail: u128) -> Option<Self> {
        let time_ms = u64::try_from(time_ms).ok().filter(|time_ms| *time_ms <= MAX_TIME_MS)?;
        (tail < TAIL_BOUND).then_some(Self { time_ms, tail })
    }

    fn digits(self) -> impl Iterator<Item = u8> {
        let time = base62::encode::<TIME_DIGITS>(u128::from(self.time_ms));
        time.into_iter().chain(base62::encode::<TAIL_DIGITS>(self.tail))
    }
}

fn number(bytes: &[u8]) -> u128 {
    bytes.iter().fold(0, |value, byte| value << 8 | u128::from(*byte))
}

macro_rules! sortable_id {
    ($(#[$doc:meta])* $name:ident, $prefix:literal) => {
        $(#[$doc])*
        #[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub struct $name([u8; $prefix.len() + DIGITS]);

        impl $name {
            /// Returns the id after `last` at `now_ms`. It is greater than `last` even when the clock was set back.
            #[must_use]
            pub fn next(last: Option<Self>, now_ms: u64, random: [u8; ID_RANDOM_BYTES]) -> Self {
                Self::of_sortable(Sortable::next(last.and_then(Self::sortable), now_ms, random))
            }

            /// Returns the Unix second at which the id was minted.
            #[must_use]
            pub fn created_at(self) -> u64 {
                self.sortable().map_or(0, |sortable| sortable.time_ms / 1000)
            }

            /// Returns the text of the id.
            #[must_use]
            pub fn as_str(&self) -> &str {
                // Every id is ASCII.
                str::from_utf8(&self.0).unwrap_or_default()
            }

            fn sortable(self) -> Option<Sortable> {
                Sortable::of(self.0.strip_prefix($prefix.as_bytes())?)
            }

            fn of_sortable(sortable: Sortable) -> Self {
                let mut digits = sortable.digits();
                let mut prefix = $prefix.bytes();
                Self(std::array::from_fn(|_| prefix.next().or_else(|| digits.next()).unwrap_or(b'0')))
            }
        }

        impl FromStr for $name {
            type Err = MalformedId;

            fn from_str(text: &str) -> Result<Self, MalformedId> {
                let id = Self(text.as_bytes().try_into().map_err(|_| MalformedId)?);
                id.sortable().map(|_| id).ok_or(MalformedId)
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
                out.write_str(self.as_str())
            }
        }

        impl fmt::Debug for $name {
            fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
                fmt::Display::fmt(self, out)
            }
        }
    };
}

sortable_id!(
    /// A File's id: `file-` and 24 digits. It is minted when the File is committed, so id order is list order.
    FileId,
    "file-"
);
sortable_id!(
    /// A workspace's id: `ws_` and 24 digits.
    WorkspaceId,
    "ws_"
);
sortable_id!(
    /// An API key's id, not its secret: `key_` and 24 digits.
    KeyId,
    "key_"
);
sortable_id!(
    /// An audit entry's id: `audit_` and 24 digits.
    AuditId,
    "audit_"
);
sortable_id!(
    /// A console session's id, not its secret: `sess_` and 24 digits.
    SessionId,
    "sess_"
);
sortable_id!(
    /// A signed link's id, not its signature: `link_` and 24 digits.
    LinkId,
    "link_"
);
sortable_id!(
    /// A person's id: `user_` and 24 digits.
    PersonId,
    "user_"
);

macro_rules! hex_id {
    ($(#[$doc:meta])* $name:ident, $prefix:literal) => {
        $(#[$doc])*
        #[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub struct $name([u8; 16]);

        impl FromStr for $name {
            type Err = MalformedId;

            fn from_str(text: &str) -> Result<Self, MalformedId> {
                let digits = text.strip_prefix($prefix).ok_or(MalformedId)?;
                let lower = digits.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f'));
                if digits.len() != 32 || !lower {
                    return Err(MalformedId);
                }
                u128::from_str_radix(digits, 16).map(|value| Self(value.to_be_bytes())).map_err(|_| MalformedId)
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
                out.write_str($prefix)?;
                let mut digits = [0; 32];
                out.write_str(base16ct::lower::encode_str(&self.0, &mut digits).map_err(|_| fmt::Error)?)
            }
        }

        impl fmt::Debug for $name {
            fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
                fmt::Display::fmt(self, out)
            }
        }
    };
}

macro_rules! random_id {
    ($(#[$doc:meta])* $name:ident, $prefix:literal) => {
        hex_id!($(#[$doc])* $name, $prefix);

        impl $name {
            /// Returns the id of these random bytes.
            #[must_use]
            pub const fn new(random: [u8; 16]) -> Self {
                Self(random)
            }
        }
    };
}

macro_rules! dated_id {
    ($(#[$doc:meta])* $name:ident, $prefix:literal) => {
        hex_id!($(#[$doc])* $name, $prefix);

        impl $name {
            /// Returns the id of the second `now`, of which the low 32 bits are kept, and these random bytes.
            #[must_use]
            pub fn new(now: u64, random: [u8; 12]) -> Self {
                let [_, _, _, _, second @ ..] = now.to_be_bytes();
                Self(std::array::from_fn(|at| second.iter().chain(&random).nth(at).copied().unwrap_or_default()))
            }

            /// Returns the Unix second of its creation.
            #[must_use]
            pub const fn created_at(self) -> u64 {
                let [a, b, c, d, ..] = self.0;
                u32::from_be_bytes([a, b, c, d]) as u64
            }
        }
    };
}

dated_id!(
    /// An Upload's id: `upload_` and 32 hex digits, of which the first 8 are its second, as OpenAI's.
    UploadId,
    "upload_"
);
dated_id!(
    /// A part's id: `part_` and 32 hex digits, of which the first 8 are its second.
    PartId,
    "part_"
);
random_id!(
    /// A blob's id: 32 hex digits, chosen by the server, never by a client.
    BlobId,
    ""
);

impl BlobId {
    /// Returns an id that sorts by `now_ms`.
    #[must_use]
    pub fn ordered(now_ms: u64, random: [u8; 10]) -> Self {
        let [_, _, millisecond @ ..] = now_ms.to_be_bytes();
        Self(std::array::from_fn(|at| millisecond.iter().chain(&random).nth(at).copied().unwrap_or_default()))
    }

    /// Returns an id whose first byte changes with time. Blobs written together share a directory, and within half a
    /// minute all 256 directories are used evenly.
    #[must_use]
    pub fn of_moment(now_ms: u64, random: [u8; 15]) -> Self {
        let [.., moment] = (now_ms / MOMENT_MS).to_be_bytes();
        Self(std::array::from_fn(|at| std::iter::once(&moment).chain(&random).nth(at).copied().unwrap_or_default()))
    }

    /// Returns the first byte, which is evenly distributed over time.
    #[must_use]
    pub const fn first_byte(self) -> u8 {
        let [first, ..] = self.0;
        first
    }
}

random_id!(
    /// A request's id: `req_` and 32 hex digits.
    RequestId,
    "req_"
);
random_id!(
    /// An installation's id, shared by its copies.
    InstallationId,
    ""
);
random_id!(
    /// The id of a hold on the bytes of deleted blobs.
    HoldId,
    ""
);
random_id!(
    /// The id of one run of a server process. What it left unfinished is garbage once the process is gone.
    ProcessId,
    ""
);

#[cfg(test)]
mod tests {
    use super::*;

    const NOW_MS: u64 = 1_795_374_000_123;

    #[test]
    fn a_file_id_is_29_characters_and_reads_back() {
        let id = FileId::next(None, NOW_MS, [0xab; 11]);
        let text = id.to_string();
        assert_eq!(text.len(), 29);
        assert_eq!(text.parse(), Ok(id));
        assert_eq!(id.created_at(), NOW_MS / 1000);
    }

    #[test]
    fn an_upload_id_begins_with_its_second() {
        let id = UploadId::new(0x6a6b_6c6d, [0xee; 12]);
        assert_eq!(id.to_string(), "upload_6a6b6c6deeeeeeeeeeeeeeeeeeeeeeee");
        assert_eq!((id.created_at(), id.to_string().parse()), (0x6a6b_6c6d, Ok(id)));
    }

    #[test]
    fn ids_increase_within_a_millisecond_and_when_the_clock_steps_back() {
        let mut last = FileId::next(None, NOW_MS, [0xff; 11]);
        for step in 0..5000_u64 {
            let now_ms = if step % 7 == 0 { NOW_MS - 3_600_000 } else { NOW_MS };
            let next = FileId::next(Some(last), now_ms, [0xff; 11]);
            assert!(last < next && last.to_string() < next.to_string());
            last = next;
        }
        assert!(last.created_at() <= NOW_MS / 1000 + 1);
    }

    #[test]
    fn malformed_ids_are_refused() {
        for text in ["", "file-", "fake_id", "file-abc", "ws_0123456789ABCDEFGHIJKLMN", "file-0123456789ABCDEFGHIJKLM!"]
        {
            assert_eq!(text.parse::<FileId>(), Err(MalformedId), "{text}");
        }
        assert!("file-zzzzzzzzz000000000000000".parse::<FileId>().is_err(), "time beyond 48 bits");
        assert!("upload_+000000000000000000000000000000".parse::<UploadId>().is_err());
        assert!("+0000000000000000000000000000000".parse::<BlobId>().is_err());
    }
}
