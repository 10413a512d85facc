//! The wire format of usage events: CloudEvents 1.0 in batches of its JSON format, documented in `docs/operations.md`.

use crate::clock;
use crate::model::outbox::{Message, NewMessage, SinkName};
use crate::model::prices::LineItem;
use crate::model::usage::{Group, SlotWidth};
use bytes::Bytes;
use serde_json::{Value, json};

/// The media type of a batch.
const CONTENT_TYPE: &str = "application/cloudevents-batch+json";
/// The source of the events. Workspace ids are random, so event ids are unique across installations.
const SOURCE: &str = "venna";
/// The maximum of events in a batch.
const MAX_BATCH_EVENTS: usize = 500;
/// The maximum of bytes in a batch, unless a single event is longer.
const MAX_BATCH_BYTES: usize = 256 << 10;
/// The placeholder of an unknown key or purpose in an id.
const UNKNOWN: &str = "-";

/// The usage of a line item in an hour, or a correction of it.
#[derive(Clone, Copy, Debug)]
pub(super) struct Event {
    /// The first Unix second of the hour.
    pub(super) hour: u64,
    /// The group that used it.
    pub(super) group: Group,
    /// The line item.
    pub(super) item: LineItem,
    /// The quantity, in the item's smallest unit.
    pub(super) quantity: i128,
    /// 0 for the first event, and the number of the correction for later ones.
    pub(super) revision: u64,
}

impl Event {
    fn write(&self) -> String {
        let Self { hour, group, item, quantity, revision } = self;
        let workspace = group.workspace.map(|id| id.to_string()).unwrap_or_default();
        let key = group.key.map(|id| id.to_string());
        let (key_in_id, purpose_in_id) = (key.as_deref().unwrap_or(UNKNOWN), group.purpose.unwrap_or(UNKNOWN));
        let event = json!({
            "specversion": "1.0",
            "id": format!("{workspace}:{}:{hour}:{key_in_id}:{purpose_in_id}:r{revision}", item.name()),
            "source": SOURCE,
            "type": format!("venna.{}", item.name()),
            "subject": workspace,
            "time": time(*hour),
            "datacontenttype": "application/json",
            "data": {
                "line_item": item.name(),
                "quantity": quantity.to_string(),
                "quantity_unit": item.quantity_unit(),
                "start_time": hour,
                "end_time": hour + SlotWidth::Hour.seconds(),
                "project_id": workspace,
                "api_key_id": key,
                "purpose": group.purpose,
                "revision": revision,
            },
        });
        event.to_string()
    }
}

/// Formats a full hour as RFC 3339.
fn time(hour: u64) -> String {
    clock::format_utc(hour, "%Y-%m-%dT%H:%M:%SZ")
}

/// The messages of one transaction while they are built.
#[derive(Debug)]
pub(super) struct Batches {
    name: String,
    messages: Vec<NewMessage>,
    frozen_bytes: usize,
    body: Vec<u8>,
    events: usize,
}

impl Batches {
    /// Returns empty batches. Their ids begin with the unique `name`.
    pub(super) const fn new(name: String) -> Self {
        Self { name, messages: Vec::new(), frozen_bytes: 0, body: Vec::new(), events: 0 }
    }

    /// Adds an event unless its quantity is zero.
    pub(super) fn add(&mut self, event: &Event) {
        if event.quantity == 0 {
            return;
        }
        let text = event.write();
        // A comma or bracket before the event, and the bracket that ends the batch.
        if self.events == MAX_BATCH_EVENTS || self.body.len() + text.len() + 2 > MAX_BATCH_BYTES {
            self.cut();
        }
        self.body.push(if self.events == 0 { b'[' } else { b',' });
        self.body.extend_from_slice(text.as_bytes());
        self.events += 1;
    }

    /// Returns the bytes of all batches.
    pub(super) const fn size_bytes(&self) -> usize {
        self.frozen_bytes + self.body.len()
    }

    /// Returns the messages.
    pub(super) fn finish(mut self) -> Vec<NewMessage> {
        self.cut();
        self.messages
    }

    fn cut(&mut self) {
        if self.events == 0 {
            return;
        }
        self.body.push(b']');
        let id = format!("{}:{}", self.name, self.messages.len());
        let body = Bytes::from(std::mem::take(&mut self.body));
        self.frozen_bytes += body.len();
        self.events = 0;
        self.messages.push(NewMessage { id, sink: SinkName::Usage, content_type: CONTENT_TYPE, body });
    }
}

/// Splits a batch into two. Events keep their ids, so that none is counted twice. Returns none for a batch of one
/// event, or another message.
#[must_use]
pub fn halve_batch(message: &Message) -> Option<Vec<NewMessage>> {
    let events: Vec<Value> = serde_json::from_slice(&message.body).ok()?;
    let (first, second) = events.split_at_checked(events.len() / 2).filter(|(first, _)| !first.is_empty())?;
    let half = |name: &str, events: &[Value]| {
        let body = Bytes::from(serde_json::to_vec(events).ok()?);
        let id = format!("{}:{name}", message.id);
        Some(NewMessage { id, sink: SinkName::Usage, content_type: CONTENT_TYPE, body })
    };
    Some(vec![half("a", first)?, half("b", second)?])
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::ids::{KeyId, WorkspaceId};
    use crate::model::purpose::Purpose;
    use std::collections::BTreeSet;

    const HOUR: u64 = 1_795_374_000;

    fn event(number: u8, quantity: i128) -> Event {
        let workspace = WorkspaceId::next(None, 1, [number; 11]);
        let key = KeyId::next(None, 2, [number; 11]);
        let group = Group::of(Some(workspace), Some(key), Some(Purpose::Vision));
        Event { hour: HOUR, group, item: LineItem::Storage, quantity, revision: 0 }
    }

    #[test]
    fn an_event_is_a_cloud_event_whose_numbers_are_texts() {
        let written: Value = serde_json::from_str(&event(1, 1 << 80).write()).unwrap();
        let workspace = event(1, 0).group.workspace.unwrap().to_string();
        let key = event(1, 0).group.key.unwrap().to_string();
        let expected = json!({
            "specversion": "1.0", "id": format!("{workspace}:files.storage:{HOUR}:{key}:vision:r0"), "source": "venna",
            "type": "venna.files.storage", "subject": workspace, "time": "2026-11-22T19:00:00Z",
            "datacontenttype": "application/json",
            "data": {
                "line_item": "files.storage", "quantity": "1208925819614629174706176", "quantity_unit": "byte_seconds",
                "start_time": HOUR, "end_time": HOUR + 3600, "project_id": workspace, "api_key_id": key,
                "purpose": "vision", "revision": 0,
            },
        });
        assert_eq!(written, expected);
        let unknown = Event { group: Group { key: None, purpose: None, ..event(1, 0).group }, ..event(1, -5) };
        let written: Value = serde_json::from_str(&unknown.write()).unwrap();
        assert_eq!(written["id"], format!("{workspace}:files.storage:{HOUR}:-:-:r0"));
        assert!(written["data"]["api_key_id"].is_null() && written["data"]["quantity"] == "-5");
    }

    #[test]
    fn halves_say_what_the_batch_said() {
        let mut batches = Batches::new("usage:x".into());
        (0..5).for_each(|number| batches.add(&event(number, 7)));
        let whole = batches.finish().remove(0);
        let message = |new: &NewMessage| Message {
            seq: 1,
            id: new.id.clone(),
            content_type: new.content_type.to_owned(),
            body: new.body.clone(),
            created_at: 0,
        };
        let halves = halve_batch(&message(&whole)).unwrap();
        assert_eq!(halves.iter().map(|half| half.id.as_str()).collect::<Vec<_>>(), ["usage:x:0:a", "usage:x:0:b"]);
        let texts: Vec<&str> = halves.iter().map(|half| std::str::from_utf8(&half.body).unwrap()).collect();
        let joined = texts.iter().map(|text| text.trim_matches(['[', ']'])).collect::<Vec<_>>().join(",");
        assert_eq!(format!("[{joined}]").as_bytes(), &whole.body[..], "event by event the same bytes");
        let mut smallest = message(&whole);
        while let Some(halves) = halve_batch(&smallest) {
            smallest = message(&halves[0]);
        }
        assert_eq!(serde_json::from_slice::<Vec<Value>>(&smallest.body).unwrap().len(), 1);
        assert_eq!(halve_batch(&Message { body: "{}".into(), ..smallest }), None);
    }

    #[test]
    fn batches_are_bounded_and_leave_out_what_says_nothing() {
        let mut batches = Batches::new("usage:x".into());
        for number in 0..1201_u16 {
            let event = event(u8::try_from(number % 200).unwrap(), i128::from(number));
            batches.add(&Event { hour: HOUR + u64::from(number) * 3600, ..event });
        }
        let size_bytes = batches.size_bytes();
        let messages = batches.finish();
        assert_eq!(messages.iter().map(|message| message.body.len()).sum::<usize>(), size_bytes + 1);
        let mut ids = BTreeSet::new();
        for message in &messages {
            let events: Vec<Value> = serde_json::from_slice(&message.body).unwrap();
            assert!(events.len() <= MAX_BATCH_EVENTS && message.body.len() <= MAX_BATCH_BYTES);
            ids.extend(events.iter().map(|event| event["id"].as_str().unwrap().to_owned()));
        }
        assert_eq!(ids.len(), 1200);
        let names: Vec<&str> = messages.iter().map(|message| message.id.as_str()).collect();
        assert_eq!(names, ["usage:x:0", "usage:x:1", "usage:x:2"]);
        assert!(Batches::new("usage:y".into()).finish().is_empty());
    }
}
