//! Messages of the outbox: bytes that are written once and sent unchanged until they are acknowledged.

use bytes::Bytes;

/// The seconds of a day.
const DAY_SECONDS: u64 = 86_400;

/// A sink: the logical receiver of messages. The operator configures its address.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum SinkName {
    /// Usage batches.
    Usage,
    /// Spend alerts.
    Alerts,
}

impl SinkName {
    /// Every sink.
    pub const ALL: [Self; 2] = [Self::Usage, Self::Alerts];

    /// Returns how long acknowledged messages are kept, in seconds. Usage batches are large and never repeated. Alerts
    /// are kept for 40 days, so that an alert of a month is known for the whole month.
    #[must_use]
    pub const fn kept_seconds(self) -> u64 {
        match self {
            Self::Usage => DAY_SECONDS,
            Self::Alerts => 40 * DAY_SECONDS,
        }
    }

    /// Returns its name.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Usage => "usage",
            Self::Alerts => "alerts",
        }
    }
}

/// A message before it is stored.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NewMessage {
    /// Its unique id, derived from its content, so that a message that is written twice is stored once. Letters,
    /// digits, `:`, `_` and `-`.
    pub id: String,
    /// Its sink.
    pub sink: SinkName,
    /// The media type of its body.
    pub content_type: &'static str,
    /// Its body.
    pub body: Bytes,
}

/// A message to be sent.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Message {
    /// Its position in the order of sending.
    pub seq: u64,
    /// Its unique id.
    pub id: String,
    /// The media type of its body.
    pub content_type: String,
    /// Its body.
    pub body: Bytes,
    /// The Unix second at which it was written.
    pub created_at: u64,
}

/// The state of a sink's messages.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct OutboxStatus {
    /// The number of messages that are not acknowledged.
    pub pending: u64,
    /// The Unix second at which the oldest of those was written.
    pub oldest_pending_at: Option<u64>,
    /// The Unix second of the last acknowledgement, among kept messages.
    pub last_acknowledged_at: Option<u64>,
    /// The number of refused messages that are set aside. They are not pending.
    pub refused: u64,
    /// The HTTP status of the last refusal.
    pub last_refusal: Option<u16>,
}

impl OutboxStatus {
    /// The state of a sink without messages.
    pub const NOTHING: Self =
        Self { pending: 0, oldest_pending_at: None, last_acknowledged_at: None, refused: 0, last_refusal: None };
}

/// A message that is set aside.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RefusedMessage {
    /// Its unique id.
    pub id: String,
    /// The Unix second at which it was written.
    pub created_at: u64,
    /// The Unix second at which it was set aside.
    pub refused_at: u64,
    /// The HTTP status of the refusal.
    pub status: u16,
    /// The length of its body, in bytes.
    pub size_bytes: u64,
}
