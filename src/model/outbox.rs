//! Messages to the outside: bytes that are written once and sent, always the same, until they are acknowledged.

use bytes::Bytes;

/// Seconds of a day.
const DAY_SECONDS: u64 = 86_400;

/// Where a message goes; the operator says at which address that is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum SinkName {
    /// Batches of usage.
    Usage,
    /// What somebody should know.
    Alerts,
}

impl SinkName {
    /// Every sink.
    pub const ALL: [Self; 2] = [Self::Usage, Self::Alerts];

    /// How long its messages are kept that were acknowledged, in seconds. Hours are exported once, and batches of them are long;
    /// an alert is kept for 40 days, so that what is said once a month is known for the whole of it.
    #[must_use]
    pub const fn kept_seconds(self) -> u64 {
        match self {
            Self::Usage => DAY_SECONDS,
            Self::Alerts => 40 * DAY_SECONDS,
        }
    }

    /// Its name.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Usage => "usage",
            Self::Alerts => "alerts",
        }
    }
}

/// A message as it is written.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NewMessage {
    /// What tells it from every other, and follows from what it says: a message that is written twice is one. Letters, digits,
    /// `:`, `_` and `-`.
    pub id: String,
    /// Where it goes.
    pub sink: SinkName,
    /// What its body is, as a media type.
    pub content_type: &'static str,
    /// What it says.
    pub body: Bytes,
}

/// A message that is to be sent.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Message {
    /// Its place in the order of sending.
    pub seq: u64,
    /// What tells it from every other.
    pub id: String,
    /// What its body is, as a media type.
    pub content_type: String,
    /// What it says.
    pub body: Bytes,
    /// The second in which it was written, in Unix time.
    pub created_at: u64,
}

/// How the messages to a sink stand.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct OutboxStatus {
    /// How many are to be sent and not acknowledged.
    pub pending: u64,
    /// When the oldest of those was written.
    pub oldest_pending_at: Option<u64>,
    /// When one was last acknowledged, of those that are kept.
    pub last_acknowledged_at: Option<u64>,
    /// How many are set aside because the receiver refused them for what they say; they are not pending.
    pub refused: u64,
    /// The status with which the last of those was refused.
    pub last_refusal: Option<u16>,
}

impl OutboxStatus {
    /// That of a sink to which nothing was ever sent.
    pub const NOTHING: Self =
        Self { pending: 0, oldest_pending_at: None, last_acknowledged_at: None, refused: 0, last_refusal: None };
}

/// A message that is set aside.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RefusedMessage {
    /// What tells it from every other.
    pub id: String,
    /// The second in which it was written, in Unix time.
    pub created_at: u64,
    /// The second in which it was set aside.
    pub refused_at: u64,
    /// The status of the receiver's answer.
    pub status: u16,
    /// The length of its body.
    pub size_bytes: u64,
}
