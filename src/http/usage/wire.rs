//! The objects of usage.

use crate::model::ledger::{LedgerLine, LedgerRow};
use crate::model::purpose::Purpose;
use crate::model::usage::{BucketUsage, Dimensions, Group};
use crate::usage::Bucket;
use serde::Serialize;

/// A page of buckets.
#[derive(Debug, Serialize)]
pub struct BucketPage<R> {
    object: &'static str,
    data: Vec<BucketObject<R>>,
    has_more: bool,
    next_page: Option<String>,
}

/// A bucket.
#[derive(Debug, Serialize)]
struct BucketObject<R> {
    object: &'static str,
    start_time: u64,
    end_time: u64,
    results: Vec<R>,
}

/// What a group has used in a bucket.
#[derive(Debug, Serialize)]
pub struct UsageResult {
    object: &'static str,
    project_id: Option<String>,
    api_key_id: Option<String>,
    purpose: Option<&'static str>,
    usage_bytes: i64,
    peak_bytes: i64,
    end_bytes: i64,
    /// A text: it may be more than a number of JavaScript can be.
    byte_seconds: String,
    num_files: i64,
    num_requests: i64,
    ops_class_a: i64,
    ops_class_b: i64,
    input_bytes: i64,
    output_bytes: i64,
}

impl<R> BucketPage<R> {
    /// The page of these buckets, each with its results.
    pub fn new<'a>(buckets: &'a [Bucket], next_page: Option<String>, results: impl Fn(&'a Bucket) -> Vec<R>) -> Self {
        let object = |bucket: &'a Bucket| BucketObject {
            object: "bucket",
            start_time: bucket.start,
            end_time: bucket.end,
            results: results(bucket),
        };
        Self { object: "page", data: buckets.iter().map(object).collect(), has_more: next_page.is_some(), next_page }
    }
}

/// A page of usage.
pub fn usage_page(buckets: &[Bucket], by: Dimensions, next_page: Option<String>) -> BucketPage<UsageResult> {
    BucketPage::new(buckets, next_page, |bucket| {
        bucket.groups.iter().map(|(group, used)| result(bucket, by, *group, *used)).collect()
    })
}

fn result(bucket: &Bucket, by: Dimensions, group: Group, used: BucketUsage) -> UsageResult {
    let happened = used.happened;
    let mean = used.byte_seconds.checked_div(i128::from(bucket.elapsed_seconds)).unwrap_or(used.end_bytes);
    UsageResult {
        object: "organization.usage.files.result",
        project_id: group.workspace.filter(|_| by.workspace).map(|id| id.to_string()),
        api_key_id: group.key.filter(|_| by.key).map(|id| id.to_string()),
        purpose: group.purpose.filter(|_| by.purpose),
        usage_bytes: number(mean),
        peak_bytes: number(used.peak_bytes),
        end_bytes: number(used.end_bytes),
        byte_seconds: used.byte_seconds.to_string(),
        num_files: number(used.end_files),
        num_requests: number(happened.ops_class_a + happened.ops_class_b),
        ops_class_a: number(happened.ops_class_a),
        ops_class_b: number(happened.ops_class_b),
        input_bytes: number(happened.ingress_bytes),
        output_bytes: number(happened.egress_bytes),
    }
}

/// What JSON's readers take for a number; what is beyond, which nobody has, is cut off.
fn number(value: i128) -> i64 {
    i64::try_from(value).unwrap_or(if value < 0 { i64::MIN } else { i64::MAX })
}

/// A line of the ledger.
#[derive(Debug, Serialize)]
struct LedgerLineObject {
    seq: u64,
    event_id: String,
    ts: u64,
    project_id: String,
    api_key_id: Option<String>,
    purpose: Option<&'static str>,
    kind: &'static str,
    line_item: &'static str,
    file_id: Option<String>,
    bytes: i64,
    count: i64,
    reverses: Option<String>,
    note: Option<String>,
}

impl LedgerLineObject {
    fn new(row: &LedgerRow, line: LedgerLine) -> Self {
        Self {
            seq: line.seq,
            event_id: line.event_id,
            ts: row.ts,
            project_id: row.workspace.to_string(),
            api_key_id: row.key.map(|id| id.to_string()),
            purpose: row.purpose.map(Purpose::name),
            kind: row.fact.name(),
            line_item: line.line_item.name(),
            file_id: row.file.map(|id| id.to_string()),
            bytes: line.bytes,
            count: line.count,
            reverses: row.reverses.clone(),
            note: row.note.clone(),
        }
    }
}

fn lines(rows: &[LedgerRow]) -> impl Iterator<Item = LedgerLineObject> + '_ {
    rows.iter().flat_map(|row| row.lines().into_iter().map(move |line| LedgerLineObject::new(row, line)))
}

/// Lines of JSON.
pub fn ledger_lines(rows: &[LedgerRow]) -> Vec<u8> {
    let mut text = Vec::new();
    for line in lines(rows) {
        crate::http::wire::append(&mut text, &line);
        text.push(b'\n');
    }
    text
}

/// Comma-separated values (RFC 4180), with a heading.
pub fn ledger_csv(rows: &[LedgerRow]) -> Vec<u8> {
    let mut text = String::from(
        "seq,event_id,ts,project_id,api_key_id,purpose,kind,line_item,file_id,bytes,count,reverses,note\r\n",
    );
    for line in lines(rows) {
        let cells = [
            line.seq.to_string(),
            line.event_id,
            line.ts.to_string(),
            line.project_id,
            line.api_key_id.unwrap_or_default(),
            line.purpose.unwrap_or_default().to_owned(),
            line.kind.to_owned(),
            line.line_item.to_owned(),
            line.file_id.unwrap_or_default(),
            line.bytes.to_string(),
            line.count.to_string(),
            line.reverses.unwrap_or_default(),
            line.note.unwrap_or_default(),
        ];
        text.push_str(&cells.map(|cell| quoted(&cell)).join(","));
        text.push_str("\r\n");
    }
    text.into_bytes()
}

fn quoted(cell: &str) -> String {
    if cell.contains(['"', ',', '\r', '\n']) { format!("\"{}\"", cell.replace('"', "\"\"")) } else { cell.to_owned() }
}
