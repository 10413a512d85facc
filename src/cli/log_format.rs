//! The lines of the log: as `tracing-subscriber` formats them, and with the request that they belong to.

use crate::traces::LoggedRequest;
use std::fmt;
use tracing::{Event, Subscriber};
use tracing_subscriber::fmt::format::Writer;
use tracing_subscriber::fmt::{FmtContext, FormatEvent, FormatFields};
use tracing_subscriber::registry::LookupSpan;

/// Adds the ids of the request to a formatted line, which ends with a line feed.
pub type AddRequest = fn(&str, &LoggedRequest) -> String;

/// A format whose lines name the request that the task works for, if there is one.
pub struct WithRequest<F> {
    /// The format of the rest of the line.
    pub format: F,
    /// Adds the request.
    pub add: AddRequest,
}

impl<S, N, F> FormatEvent<S, N> for WithRequest<F>
where
    S: Subscriber + for<'span> LookupSpan<'span>,
    N: for<'writer> FormatFields<'writer> + 'static,
    F: FormatEvent<S, N>,
{
    fn format_event(&self, context: &FmtContext<'_, S, N>, mut out: Writer<'_>, event: &Event<'_>) -> fmt::Result {
        let Some(request) = LoggedRequest::current() else { return self.format.format_event(context, out, event) };
        let mut line = String::new();
        self.format.format_event(context, Writer::new(&mut line), event)?;
        out.write_str(&(self.add)(&line, &request))
    }
}

/// Adds the ids to a line of text.
pub fn add_to_text(line: &str, request: &LoggedRequest) -> String {
    let trace_id = request.trace_id().map(|id| format!(" trace_id={id}")).unwrap_or_default();
    format!("{} request_id={}{trace_id}\n", line.trim_end(), request.id())
}

/// Adds the ids to a JSON object. They are of letters, digits and underscores, which need no escapes.
pub fn add_to_json(line: &str, request: &LoggedRequest) -> String {
    let Some(fields) = line.trim_end().strip_suffix('}') else { return line.to_owned() };
    let trace_id = request.trace_id().map(|id| format!(r#","trace_id":"{id}""#)).unwrap_or_default();
    format!("{fields},\"request_id\":\"{}\"{trace_id}}}\n", request.id())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_has_the_ids_at_its_end() {
        let plain = LoggedRequest::new("req_1".into(), None);
        let traced = LoggedRequest::new("req_2".into(), Some("abc".into()));
        assert_eq!(add_to_text("INFO stopped\n", &plain), "INFO stopped request_id=req_1\n");
        assert_eq!(add_to_text("INFO stopped\n", &traced), "INFO stopped request_id=req_2 trace_id=abc\n");
        assert_eq!(add_to_json("{\"level\":\"INFO\"}\n", &plain), "{\"level\":\"INFO\",\"request_id\":\"req_1\"}\n");
        let json: serde_json::Value = serde_json::from_str(&add_to_json("{\"a\":{}}\n", &traced)).unwrap();
        assert_eq!(json, serde_json::json!({"a": {}, "request_id": "req_2", "trace_id": "abc"}));
    }
}
