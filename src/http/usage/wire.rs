//! The objects of usage, costs and the ledger.

use crate::http::wire::Amount;
use crate::model::dialect::Dialect;
use crate::model::ledger::{LedgerLine, LedgerRow};
use crate::model::prices::LineItem;
use crate::model::purpose::Purpose;
use crate::model::usage::{BucketUsage, Dimensions, Group};
use crate::usage::{Bucket, Cost, CostBucket, CostGroup};
use serde::Serialize;

/// Bytes of a gibibyte.
const GIBIBYTE: f64 = 1_073_741_824.0;
/// Seconds of an hour.
const HOUR_SECONDS: f64 = 3600.0;

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

/// The costs of a group in a bucket.
#[derive(Debug, Serialize)]
pub struct CostResult {
    object: &'static str,
    amount: Amount,
    line_item: Option<&'static str>,
    project_id: Option<String>,
    api_key_id: Option<String>,
    /// The quantity; only in groups by line item.
    quantity: Option<f64>,
    quantity_unit: Option<&'static str>,
}

/// The usage of a group in a bucket.
#[derive(Debug, Serialize)]
pub struct UsageResult {
    object: &'static str,
    project_id: Option<String>,
    api_key_id: Option<String>,
    purpose: Option<&'static str>,
    usage_bytes: i64,
    peak_bytes: i64,
    end_bytes: i64,
    /// A string, since the value can exceed the safe integers of JavaScript.
    byte_seconds: String,
    num_files: i64,
    num_requests: i64,
    ops_class_a: i64,
    ops_class_b: i64,
    input_bytes: i64,
    output_bytes: i64,
}

impl<R> BucketPage<R> {
    /// Creates a page of buckets, each with its first second, the second after its last, and its results.
    fn new(buckets: impl Iterator<Item = (u64, u64, Vec<R>)>, next_page: Option<String>) -> Self {
        let object = |(start_time, end_time, results)| BucketObject { object: "bucket", start_time, end_time, results };
        Self { object: "page", data: buckets.map(object).collect(), has_more: next_page.is_some(), next_page }
    }
}

/// Returns a page of usage.
pub fn usage_page(buckets: &[Bucket], by: Dimensions, next_page: Option<String>) -> BucketPage<UsageResult> {
    let results =
        |bucket: &Bucket| bucket.groups.iter().map(|(group, used)| result(bucket, by, *group, *used)).collect();
    BucketPage::new(buckets.iter().map(|bucket| (bucket.start, bucket.end, results(bucket))), next_page)
}

/// Returns a page of costs.
pub fn cost_page(buckets: &[CostBucket], next_page: Option<String>) -> BucketPage<CostResult> {
    let results = |bucket: &CostBucket| bucket.groups.iter().map(|(group, cost)| cost_result(*group, *cost)).collect();
    BucketPage::new(buckets.iter().map(|bucket| (bucket.start, bucket.end, results(bucket))), next_page)
}

fn cost_result(group: CostGroup, cost: Cost) -> CostResult {
    CostResult {
        object: "organization.costs.result",
        amount: cost.amount.into(),
        line_item: group.item.map(LineItem::name),
        project_id: group.workspace.map(|id| id.to_string()),
        api_key_id: group.key.map(|id| id.to_string()),
        quantity: group.item.map(|item| in_units(item, cost.quantity).0),
        quantity_unit: group.item.map(|item| in_units(item, cost.quantity).1),
    }
}

/// Converts a quantity to the unit of the answer.
#[expect(clippy::cast_precision_loss, reason = "JSON's readers have no other numbers; the ledger is exact")]
fn in_units(item: LineItem, quantity: i128) -> (f64, &'static str) {
    match item {
        LineItem::Storage => (quantity as f64 / (GIBIBYTE * HOUR_SECONDS), "gibibyte_hours"),
        item => (quantity as f64, item.quantity_unit()),
    }
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

/// Converts to a 64-bit integer and saturates at its bounds.
fn number(value: i128) -> i64 {
    i64::try_from(value).unwrap_or(if value < 0 { i64::MIN } else { i64::MAX })
}

/// A correction of the bill.
#[derive(Debug, Serialize)]
pub struct AdjustmentObject {
    object: &'static str,
    id: String,
    created_at: u64,
    project_id: String,
    api_key_id: Option<String>,
    line_item: &'static str,
    /// A string, since the value can exceed the safe integers of JavaScript.
    quantity: String,
    quantity_unit: &'static str,
    reason: Option<String>,
    reverses: Option<String>,
    actor: Option<String>,
}

impl AdjustmentObject {
    /// Creates the object of a correction from its ledger row.
    pub fn new(row: LedgerRow, item: LineItem, quantity: i64) -> Self {
        Self {
            object: "organization.usage.adjustment",
            id: row.event_id,
            created_at: row.ts,
            project_id: row.workspace.to_string(),
            api_key_id: row.key.map(|id| id.to_string()),
            line_item: item.name(),
            quantity: quantity.to_string(),
            quantity_unit: item.quantity_unit(),
            reason: row.note,
            reverses: row.reverses,
            actor: row.actor.map(|actor| actor.to_string()),
        }
    }
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
    actor: Option<String>,
    dialect: Option<&'static str>,
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
            actor: row.actor.map(|actor| actor.to_string()),
            dialect: row.dialect.map(Dialect::name),
        }
    }
}

fn lines(rows: &[LedgerRow]) -> impl Iterator<Item = LedgerLineObject> + '_ {
    rows.iter().flat_map(|row| row.lines().into_iter().map(move |line| LedgerLineObject::new(row, line)))
}

/// Writes rows as JSON Lines.
pub fn ledger_lines(rows: &[LedgerRow]) -> Vec<u8> {
    let mut text = Vec::new();
    for line in lines(rows) {
        crate::http::wire::append(&mut text, &line);
        text.push(b'\n');
    }
    text
}

/// Writes rows as comma-separated values (RFC 4180), with a header line.
pub fn ledger_csv(rows: &[LedgerRow]) -> Vec<u8> {
    let mut text = String::from(
        "seq,event_id,ts,project_id,api_key_id,purpose,kind,line_item,file_id,bytes,count,reverses,note,actor,\
         dialect\r\n",
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
            line.actor.unwrap_or_default(),
            line.dialect.unwrap_or_default().to_owned(),
        ];
        text.push_str(&cells.map(|cell| quoted(&cell)).join(","));
        text.push_str("\r\n");
    }
    text.into_bytes()
}

fn quoted(cell: &str) -> String {
    if cell.contains(['"', ',', '\r', '\n']) { format!("\"{}\"", cell.replace('"', "\"\"")) } else { cell.to_owned() }
}
