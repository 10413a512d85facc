//! The format of the `last-event` note: an `event_id` of the ledger and a checksum, so that a torn write is recognized.

use super::digest::block_checksum;

/// The longest progress file that is read, in bytes.
pub(super) const MAX_NOTE_BYTES: u64 = 512;

/// Formats a note.
pub(super) fn write(event_id: &str) -> String {
    format!("{event_id} {:08x}\n", block_checksum(event_id.as_bytes()))
}

/// Parses a note; none when it is torn.
pub(super) fn read(text: &[u8]) -> Option<String> {
    let (event_id, checksum) = str::from_utf8(text).ok()?.strip_suffix('\n')?.rsplit_once(' ')?;
    (u32::from_str_radix(checksum, 16).ok()? == block_checksum(event_id.as_bytes())).then(|| event_id.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_note_reads_back_and_a_part_of_one_does_not() {
        let note = write("st+:file-1");
        assert_eq!(read(note.as_bytes()).as_deref(), Some("st+:file-1"));
        for cut in 0..note.len() {
            assert_eq!(read(&note.as_bytes()[..cut]), None, "{cut}");
        }
        assert_eq!(read(&vec![0; note.len()]), None);
        assert_eq!(read(note.replace('1', "2").as_bytes()), None);
    }
}
