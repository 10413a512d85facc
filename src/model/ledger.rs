//! The ledger: billed facts, one row each (docs/design/billing.md, sections 1 and 2).

use super::audit::Actor;
use super::dialect::Dialect;
use super::ids::{FileId, KeyId, RequestId, WorkspaceId};
use super::prices::LineItem;
use super::purpose::Purpose;

/// A billed read.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum ReadOp {
    /// A list.
    List,
    /// A retrieve.
    Retrieve,
    /// A download, with the bytes sent.
    Content,
}

/// A count of equal reads by one key.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Reads {
    /// The billed workspace.
    pub workspace: WorkspaceId,
    /// The key.
    pub key: KeyId,
    /// The kind of read.
    pub op: ReadOp,
    /// The purpose of the Files read.
    pub purpose: Option<Purpose>,
    /// The dialect of the requests.
    pub dialect: Dialect,
    /// The number of reads.
    pub count: u64,
    /// The bytes sent.
    pub bytes: u64,
}

/// The fact that a ledger row records.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fact {
    /// A File existed when the ledger began.
    Opening,
    /// A File was created.
    Create,
    /// A File was completed from parts.
    Complete,
    /// A File was deleted, or expired.
    End,
    /// Files were read.
    Read(ReadOp),
    /// The bill was corrected.
    Adjustment(LineItem),
}

impl Fact {
    /// Every fact except corrections.
    pub const SIMPLE: [Self; 7] = [
        Self::Opening,
        Self::Create,
        Self::Complete,
        Self::End,
        Self::Read(ReadOp::List),
        Self::Read(ReadOp::Retrieve),
        Self::Read(ReadOp::Content),
    ];

    /// Returns its name.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Opening => "opening",
            Self::Create => "create",
            Self::Complete => "complete",
            Self::End => "end",
            Self::Read(ReadOp::List) => "list",
            Self::Read(ReadOp::Retrieve) => "retrieve",
            Self::Read(ReadOp::Content) => "content",
            Self::Adjustment(_) => "adjustment",
        }
    }

    /// Returns the line items that a row of this fact is billed as, in the order of its lines. A line counts the bytes
    /// or the requests of the row. This table is the only one: the lines of the ledger, usage and costs follow from it.
    #[must_use]
    pub const fn billed_as(self) -> &'static [LineItem] {
        match self {
            Self::Opening | Self::End => &[LineItem::Storage],
            Self::Create | Self::Complete => &[LineItem::Storage, LineItem::Ingress, LineItem::ClassA],
            Self::Read(ReadOp::List) => &[LineItem::ClassA],
            Self::Read(ReadOp::Retrieve) => &[LineItem::ClassB],
            Self::Read(ReadOp::Content) => &[LineItem::ClassB, LineItem::Egress],
            Self::Adjustment(_) => &[],
        }
    }

    /// Returns by how many the number of Files changes with a row of this fact.
    #[must_use]
    pub const fn delta_files(self) -> i8 {
        match self {
            Self::Opening | Self::Create | Self::Complete => 1,
            Self::End => -1,
            Self::Read(_) | Self::Adjustment(_) => 0,
        }
    }

    /// Returns the fact of this name. A correction is one of `line_item`.
    #[must_use]
    pub fn named(name: &str, line_item: Option<LineItem>) -> Option<Self> {
        let simple = Self::SIMPLE.into_iter().find(|fact| fact.name() == name);
        simple.or_else(|| line_item.map(Self::Adjustment).filter(|fact| fact.name() == name))
    }
}

/// A row of the ledger.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LedgerRow {
    /// Its position in the order of commits.
    pub seq: u64,
    /// Its unique id.
    pub event_id: String,
    /// The Unix second of the fact.
    pub ts: u64,
    /// The fact.
    pub fact: Fact,
    /// The billed workspace.
    pub workspace: WorkspaceId,
    /// The key, where known. A File's end has the key of its creation.
    pub key: Option<KeyId>,
    /// The purpose of the File or Files.
    pub purpose: Option<Purpose>,
    /// The File.
    pub file: Option<FileId>,
    /// The bytes; negative at the end of a File.
    pub bytes: i64,
    /// The number of requests.
    pub count: i64,
    /// The request that caused the fact.
    pub request: Option<RequestId>,
    /// The dialect of the requests that caused the fact; none of openings, expiries, corrections and rows of
    /// schemas that did not note it.
    pub dialect: Option<Dialect>,
    /// The event that a correction reverses.
    pub reverses: Option<String>,
    /// The reason of a correction.
    pub note: Option<String>,
    /// The actor of a correction.
    pub actor: Option<Actor>,
}

/// A billed line of a ledger row.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LedgerLine {
    /// Its position. Lines of one row are consecutive.
    pub seq: u64,
    /// Its unique id.
    pub event_id: String,
    /// The line item.
    pub line_item: LineItem,
    /// The bytes; for storage, the change from this second on.
    pub bytes: i64,
    /// The number of requests.
    pub count: i64,
}

/// The number of positions reserved for the lines of one row.
pub const LINES_PER_ROW: u64 = 4;

impl LedgerRow {
    /// Returns line item and quantity of a correction; none for other facts.
    #[must_use]
    pub const fn adjusted(&self) -> Option<(LineItem, i64)> {
        match self.fact {
            Fact::Adjustment(item) if item.is_counted() => Some((item, self.count)),
            Fact::Adjustment(item) => Some((item, self.bytes)),
            _ => None,
        }
    }

    /// Returns the billed lines of the row.
    #[must_use]
    pub fn lines(&self) -> Vec<LedgerLine> {
        if let Fact::Adjustment(line_item) = self.fact {
            let (event_id, bytes, count) = (self.event_id.clone(), self.bytes, self.count);
            return vec![LedgerLine { seq: self.seq * LINES_PER_ROW, event_id, line_item, bytes, count }];
        }
        let line = |(place, line_item): (u64, &LineItem)| {
            let (bytes, count) = if line_item.is_counted() { (0, self.count) } else { (self.bytes, 0) };
            let event_id = if place == 0 { self.event_id.clone() } else { self.line_id(*line_item) };
            LedgerLine { seq: self.seq * LINES_PER_ROW + place, event_id, line_item: *line_item, bytes, count }
        };
        (0..).zip(self.fact.billed_as()).map(line).collect()
    }

    /// Returns the `event_id` of a line behind the first one, which has that of its row.
    fn line_id(&self, item: LineItem) -> String {
        let file = self.file.map(|id| id.to_string()).unwrap_or_default();
        match (item, self.request) {
            (LineItem::Ingress, _) => format!("in:{file}"),
            (LineItem::Egress | LineItem::Storage, _) => format!("{}:egress", self.event_id),
            (LineItem::ClassA | LineItem::ClassB, Some(request)) => format!("op:{request}"),
            (LineItem::ClassA | LineItem::ClassB, None) => format!("op:{}:{file}", self.fact.name()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_fact_is_found_by_its_name() {
        for fact in Fact::SIMPLE {
            assert_eq!(Fact::named(fact.name(), None), Some(fact));
        }
        let adjustment = Fact::Adjustment(LineItem::Egress);
        assert_eq!(Fact::named("adjustment", Some(LineItem::Egress)), Some(adjustment));
        assert_eq!(Fact::named("adjustment", None), None);
    }

    #[test]
    fn a_file_that_comes_is_three_lines_and_one_that_goes_is_one() {
        let file = FileId::next(None, 5, [5; 11]);
        let row = LedgerRow {
            seq: 7,
            event_id: format!("st+:{file}"),
            ts: 5,
            fact: Fact::Create,
            workspace: WorkspaceId::next(None, 1, [0; 11]),
            key: None,
            purpose: Some(Purpose::UserData),
            file: Some(file),
            bytes: 10,
            count: 1,
            request: Some(RequestId::new([1; 16])),
            dialect: Some(Dialect::OpenAi),
            reverses: None,
            note: None,
            actor: None,
        };
        let lines = row.lines();
        let items: Vec<_> = lines.iter().map(|line| (line.seq, line.line_item, line.bytes, line.count)).collect();
        let expected = [(28, LineItem::Storage, 10, 0), (29, LineItem::Ingress, 10, 0), (30, LineItem::ClassA, 0, 1)];
        assert_eq!(items, expected);
        assert_eq!(lines[1].event_id, format!("in:{file}"));
        let end = LedgerRow { fact: Fact::End, bytes: -10, ..row };
        assert_eq!(end.lines().len(), 1);
    }
}
