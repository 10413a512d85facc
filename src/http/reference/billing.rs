//! The page of limits and prices of the running configuration.

use super::facts::{Facts, PriceLine};
use super::route_doc::REFERENCE;
use crate::files::MAX_BATCH_FILE_BYTES;
use crate::http::conditions::http_date;
use crate::model::expiry::EXPIRES_AFTER_SECONDS;
use crate::model::filename::MAX_FILENAME_CHARACTERS;
use crate::model::idempotency::REMEMBERED_SECONDS;
use crate::model::upload::{MAX_PART_BYTES, MAX_PARTS, MAX_UPLOAD_BYTES};
use venna_reference::{Block, Page, number};

/// Writes the page.
pub fn page(facts: &Facts) -> Page {
    let blocks = vec![
        Block::heading(2, "limits", "Limits of this server"),
        Block::Table { head: vec!["Limit", "Value"], rows: limits(facts) },
        Block::heading(2, "own-limits", "Limits of projects and keys"),
        Block::text(
            "An administrator can limit stored bytes, files, file sizes, rates, concurrent uploads and monthly \
             spending. [Who am I](/docs/retrieve-own-key) shows the limits of a key. [Limits and \
             quotas](/docs/limits) shows the answers at each limit.",
        ),
        Block::heading(2, "billing", "What is billed"),
        Block::text(
            "Billing targets the key workspace. Only 2xx answers are billed. A repetition under an `Idempotency-Key` \
             is not billed.",
        ),
        Block::Table {
            head: vec!["Line item", "Counts"],
            rows: vec![
                billed(
                    "files.storage",
                    "stored bytes, exact to the byte-second, from `created_at` to the delete or `expires_at`",
                ),
                billed("files.ops.class_a", "requests that create, complete or list"),
                billed("files.ops.class_b", "requests that retrieve or read content"),
                billed("files.ingress", "bytes of created files; parts are not billed"),
                billed("files.egress", "bytes of content that was sent"),
            ],
        },
        Block::heading(2, "prices", "Prices"),
        prices(&facts.prices),
    ];
    Page {
        section: REFERENCE,
        slug: "limits-and-billing".to_owned(),
        title: "Limits and billing".to_owned(),
        about: "The limits of this server, the billed line items, and the prices.".to_owned(),
        blocks,
    }
}

fn limits(facts: &Facts) -> Vec<Vec<String>> {
    let row = |what: &str, most: String| vec![what.to_owned(), most];
    let (least_bytes, window_seconds) = facts.body_pace;
    let logins = match facts.max_failed_logins_per_minute {
        0 => "no limit".to_owned(),
        number => number.to_string(),
    };
    vec![
        row("File in one `POST /v1/files`", bytes(facts.max_file_bytes)),
        row("File of purpose `batch`", bytes(MAX_BATCH_FILE_BYTES)),
        row("Upload", bytes(MAX_UPLOAD_BYTES)),
        row("Part of an Upload", bytes(MAX_PART_BYTES)),
        row("Parts of an Upload", number(u64::from(MAX_PARTS))),
        row("Time to add parts to an Upload", format!("{} seconds", number(facts.upload_ttl_seconds))),
        row("Filename", format!("{MAX_FILENAME_CHARACTERS} characters")),
        row(
            "`expires_after`",
            format!("{} to {} seconds", number(*EXPIRES_AFTER_SECONDS.start()), number(*EXPIRES_AFTER_SECONDS.end())),
        ),
        row("Concurrent uploads of files and parts, all projects", facts.max_concurrent_uploads.to_string()),
        row("Concurrent uploads of one project without a limit of its own", facts.max_project_uploads.to_string()),
        row("Slowest request body", format!("{} bytes a second over {window_seconds} seconds", number(least_bytes))),
        row("Requests with invalid keys a minute, one network", logins),
        row("Memory of an `Idempotency-Key`", format!("{} seconds", number(REMEMBERED_SECONDS))),
    ]
}

/// Writes a size in the largest unit in which it is whole, and in bytes.
fn bytes(size: u64) -> String {
    let units = [(30, "GiB"), (20, "MiB"), (10, "KiB")];
    match units.into_iter().find(|(shift, _)| size > 0 && size.trailing_zeros() >= *shift) {
        Some((shift, unit)) => format!("{} {unit} ({} bytes)", number(size >> shift), number(size)),
        None => format!("{} bytes", number(size)),
    }
}

fn billed(item: &str, counts: &str) -> Vec<String> {
    vec![format!("`{item}`"), counts.to_owned()]
}

fn prices(lines: &[PriceLine]) -> Block {
    if lines.is_empty() {
        return Block::text("This server has no prices. It meters usage; the cost is 0.");
    }
    let row = |line: &PriceLine| {
        let unit = line.per.replace('_', " ");
        vec![
            format!("`{}`", line.line_item),
            http_date(line.effective_from),
            format!("{} USD for each of the {unit}", line.usd),
            format!("{} {unit}", line.free_per_month),
        ]
    };
    Block::Table {
        head: vec!["Line item", "From", "Price", "Free in a calendar month (UTC)"],
        rows: lines.iter().map(row).collect(),
    }
}
