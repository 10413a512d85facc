//! Lists of Files: whole ones, page by page, and those of ids.

use super::failures::Failures;
use anyhow::{Result, bail};
use venna_client::{Client, FileObject, ListQuery};

/// The size of a page of a list, in files.
const PAGE_FILES: u32 = 1000;

/// Retrieves the Files of ids. Notes those that fail.
pub async fn retrieve_all(client: &Client, ids: &[String], failures: &mut Failures) -> Result<Vec<FileObject>> {
    let mut files = Vec::new();
    for id in ids {
        match client.retrieve(id).await {
            Ok(file) => files.push(file),
            Err(error) => failures.note(id, error)?,
        }
    }
    Ok(files)
}

/// Lists at most `most` Files.
pub async fn list(client: &Client, mut query: ListQuery, most: usize) -> Result<Vec<FileObject>> {
    let mut files: Vec<FileObject> = Vec::new();
    while files.len() < most {
        query.limit = Some(u32::try_from(most - files.len()).unwrap_or(PAGE_FILES).min(PAGE_FILES));
        let page = client.list(&query).await?;
        let last = page.data.last().map(|file| file.id.clone());
        if last.is_some() && last == query.after {
            bail!("the server ignores `after`: its list has no end");
        }
        files.extend(page.data);
        if !page.has_more || last.is_none() {
            break;
        }
        query.after = last;
    }
    files.truncate(most);
    Ok(files)
}
