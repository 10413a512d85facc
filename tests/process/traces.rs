//! Traces of a real server, as a receiver of OTLP gets them.

use opentelemetry_proto::tonic::collector::trace::v1::ExportTraceServiceRequest;
use opentelemetry_proto::tonic::common::v1::{KeyValue, any_value::Value};
use opentelemetry_proto::tonic::trace::v1::span::SpanKind;
use opentelemetry_proto::tonic::trace::v1::{Span, Status, status::StatusCode};
use prost::Message;
use std::collections::BTreeMap;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::process::Command;
use std::sync::{Arc, Mutex};
use venna_testkit::program::{Data, Program, venna, wait_until};

/// Too large for the database.
const LARGE_BYTES: usize = 200_000;
const TRACE: &str = "4bf92f3577b34da6a3ce929d0e0e4736";
const PARENT: &str = "00f067aa0b0902b7";

/// A receiver of traces.
struct Collector {
    address: SocketAddr,
    /// The head and body of each request.
    requests: Arc<Mutex<Requests>>,
}

type Requests = Vec<(String, Vec<u8>)>;

impl Collector {
    fn open() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let collector = Self { address: listener.local_addr().unwrap(), requests: Arc::default() };
        let requests = Arc::clone(&collector.requests);
        std::thread::spawn(move || {
            for socket in listener.incoming().map_while(Result::ok) {
                if let Some(request) = take(socket) {
                    requests.lock().unwrap().push(request);
                }
            }
        });
        collector
    }

    /// Returns the command of a server that sends its traces here.
    fn observes(&self, variables: &[(&str, &str)]) -> Command {
        let mut command = venna(&["serve", "--log-level", "debug"]);
        command.env("OTEL_EXPORTER_OTLP_ENDPOINT", format!("http://{}", self.address));
        command.env("OTEL_BSP_SCHEDULE_DELAY", "50").envs(variables.iter().copied());
        command
    }

    fn heads(&self) -> Vec<String> {
        self.requests.lock().unwrap().iter().map(|(head, _)| head.clone()).collect()
    }

    fn messages(&self) -> Vec<ExportTraceServiceRequest> {
        let requests = self.requests.lock().unwrap();
        requests.iter().map(|(_, body)| ExportTraceServiceRequest::decode(&body[..]).unwrap()).collect()
    }

    fn spans(&self) -> Vec<Span> {
        let resources = self.messages().into_iter().flat_map(|message| message.resource_spans);
        resources.flat_map(|resource| resource.scope_spans).flat_map(|scope| scope.spans).collect()
    }
}

/// Takes one request and answers it.
fn take(socket: TcpStream) -> Option<(String, Vec<u8>)> {
    let mut reader = BufReader::new(socket);
    let mut head = String::new();
    while !head.ends_with("\r\n\r\n") {
        (reader.read_line(&mut head).ok()? > 0).then_some(())?;
    }
    let head = head.to_ascii_lowercase();
    let length = head.lines().find_map(|line| line.strip_prefix("content-length: "))?.parse().ok()?;
    let mut body = vec![0; length];
    reader.read_exact(&mut body).ok()?;
    reader.get_mut().write_all(b"HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 0\r\n\r\n").ok()?;
    Some((head, body))
}

/// Sends a request with these lines, and returns all of the answer.
fn send(program: &Program, lines: &[&str]) -> String {
    let mut socket = TcpStream::connect(program.address).unwrap();
    write!(socket, "{}\r\nHost: x\r\nConnection: close\r\n\r\n", lines.join("\r\n")).unwrap();
    let mut answer = String::new();
    socket.read_to_string(&mut answer).unwrap();
    answer
}

fn stop(mut program: Program) {
    program.signal("TERM");
    assert_eq!(program.wait(), Some(0));
}

fn hex(id: &[u8]) -> String {
    id.iter().fold(String::new(), |text, byte| text + &format!("{byte:02x}"))
}

fn texts(attributes: &[KeyValue]) -> BTreeMap<String, String> {
    let value = |attribute: &KeyValue| match attribute.value.as_ref().and_then(|value| value.value.clone()) {
        Some(Value::StringValue(text)) => text,
        Some(Value::IntValue(number)) => number.to_string(),
        other => panic!("{other:?}"),
    };
    attributes.iter().map(|attribute| (attribute.key.clone(), value(attribute))).collect()
}

#[test]
fn an_upload_is_a_trace_with_its_steps() {
    let (data, collector) = (Data::new(), Collector::open());
    let variables = [
        ("OTEL_EXPORTER_OTLP_HEADERS", "x-token=abc"),
        ("OTEL_RESOURCE_ATTRIBUTES", "deployment.environment.name=test"),
    ];
    let program = Program::spawn(collector.observes(&variables), &data.path());
    let key = data.first_key();
    assert_eq!(program.client(&key).upload(b"secret-content", LARGE_BYTES).unwrap().status, 200);
    stop(program);
    let spans = collector.spans();
    let [request] = &spans.iter().filter(|span| span.parent_span_id.is_empty()).collect::<Vec<_>>()[..] else {
        panic!("background work has no traces: {spans:?}")
    };
    assert_eq!((request.name.as_str(), request.kind()), ("POST /v1/files", SpanKind::Server));
    let attributes = texts(&request.attributes);
    for (name, value) in [
        ("http.request.method", "POST"),
        ("http.route", "/v1/files"),
        ("http.response.status_code", "200"),
        ("network.protocol.version", "1.1"),
        ("url.scheme", "http"),
    ] {
        assert_eq!(attributes[name], value, "{name}");
    }
    assert!(attributes["venna.request.id"].starts_with("req_") && !attributes.contains_key("error.type"));
    let steps: Vec<&Span> = spans.iter().filter(|span| span.parent_span_id == request.span_id).collect();
    assert_eq!(steps.len() + 1, spans.len(), "{spans:?}");
    for name in ["authenticate", "receive", "write", "publish", "commit"] {
        let step = steps.iter().find(|step| step.name == name).unwrap_or_else(|| panic!("{name}: {steps:?}"));
        assert_eq!(step.trace_id, request.trace_id, "{name}");
        assert!(step.start_time_unix_nano >= request.start_time_unix_nano, "{name}");
        assert!(step.end_time_unix_nano >= step.start_time_unix_nano, "{name}");
        assert!(step.end_time_unix_nano <= request.end_time_unix_nano, "{name}");
        assert!(step.events.is_empty() && step.attributes.is_empty(), "{step:?}");
    }
    for message in collector.messages() {
        let resource = texts(&message.resource_spans[0].resource.as_ref().unwrap().attributes);
        assert_eq!(
            (resource["service.name"].as_str(), resource["deployment.environment.name"].as_str()),
            ("venna", "test")
        );
        assert_eq!(resource["service.version"], env!("CARGO_PKG_VERSION"));
    }
    for head in collector.heads() {
        assert!(head.starts_with("post /v1/traces http/1.1\r\n") && head.contains("x-token: abc\r\n"), "{head}");
    }
    let sent = format!("{:?}", collector.messages());
    for secret in [key.as_str(), "a.bin", "secret-content"] {
        assert!(!sent.contains(secret), "{sent}");
    }
}

#[test]
fn a_trace_that_a_client_began_goes_on_and_is_in_the_log() {
    let (data, collector) = (Data::new(), Collector::open());
    let variables = [("OTEL_TRACES_SAMPLER", "parentbased_traceidratio"), ("OTEL_TRACES_SAMPLER_ARG", "0")];
    let program = Program::spawn(collector.observes(&variables), &data.path());
    let traceparent = |sampled: bool| format!("traceparent: 00-{TRACE}-{PARENT}-0{}", u8::from(sampled));
    send(&program, &["GET /healthz HTTP/1.1"]);
    send(&program, &["GET /healthz HTTP/1.1", "traceparent: 00-nonsense"]);
    send(&program, &["GET /readyz HTTP/1.1", &traceparent(false)]);
    send(&program, &["MADE-UP /made-up HTTP/1.1", &traceparent(true), "tracestate: made=up"]);
    let log = Arc::clone(&program.whole_log);
    stop(program);
    let spans = collector.spans();
    let [span] = &spans[..] else { panic!("only what the client samples is sent: {spans:?}") };
    assert_eq!((hex(&span.trace_id), hex(&span.parent_span_id)), (TRACE.to_owned(), PARENT.to_owned()));
    assert_eq!((span.name.as_str(), span.trace_state.as_str()), ("HTTP", ""));
    let attributes = texts(&span.attributes);
    assert_eq!((attributes["http.request.method"].as_str(), attributes.get("http.route")), ("_OTHER", None));
    assert!(!format!("{span:?}").to_lowercase().contains("made"), "{span:?}");
    assert_eq!(span.status.as_ref().map_or(StatusCode::Unset, Status::code), StatusCode::Unset);
    let log = log.lock().unwrap().clone();
    let of_trace = format!("\"trace_id\":\"{TRACE}\"");
    let finished: Vec<&str> = log.lines().filter(|line| line.contains("\"request finished\"")).collect();
    assert_eq!(finished.iter().filter(|line| line.contains(&of_trace)).count(), 2, "{log}");
    assert_eq!(
        finished.iter().filter(|line| line.contains("\"trace_id\":\"")).count(),
        2,
        "the others are in no trace"
    );
    assert!(finished.iter().all(|line| line.contains("\"request_id\":\"req_")), "{log}");
}

#[test]
fn a_receiver_that_is_down_harms_no_request() {
    let data = Data::new();
    let nobody = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let mut command = venna(&["serve"]);
    command.env("OTEL_EXPORTER_OTLP_TRACES_ENDPOINT", format!("http://user:hunter2@{nobody}/v1/traces"));
    command.env("OTEL_BSP_SCHEDULE_DELAY", "20").env("OTEL_EXPORTER_OTLP_TIMEOUT", "50");
    let program = Program::spawn(command, &data.path());
    let (client, log) = (program.client(&data.first_key()), Arc::clone(&program.whole_log));
    wait_until("the failure is logged", || {
        assert_eq!(client.upload(b"x", 1000).unwrap().status, 200);
        log.lock().unwrap().contains("trace export failed")
    });
    for _ in 0..50 {
        assert_eq!(client.upload(b"x", 1000).unwrap().status, 200);
    }
    stop(program);
    let log = log.lock().unwrap().clone();
    assert_eq!(log.matches("trace export failed").count(), 1, "{log}");
    assert!(log.contains("the receiver cannot be reached") && !log.contains("hunter2"), "{log}");
}

#[test]
fn an_invalid_variable_stops_the_start() {
    let (data, collector) = (Data::new(), Collector::open());
    for variable in [("OTEL_EXPORTER_OTLP_PROTOCOL", "grpc"), ("OTEL_TRACES_SAMPLER", "sometimes")] {
        let log = Program::try_spawn(collector.observes(&[variable]), &data.path()).err().unwrap().concat();
        assert!(log.contains(variable.0) && log.contains("expected"), "{log}");
    }
}

#[test]
fn without_an_endpoint_or_when_disabled_nothing_is_sent() {
    let (data, collector) = (Data::new(), Collector::open());
    let program = Program::spawn(collector.observes(&[("OTEL_SDK_DISABLED", "true")]), &data.path());
    send(&program, &["GET /healthz HTTP/1.1", &format!("traceparent: 00-{TRACE}-{PARENT}-01")]);
    let log = Arc::clone(&program.whole_log);
    stop(program);
    assert!(collector.heads().is_empty() && !log.lock().unwrap().contains("trace_id"));
}
