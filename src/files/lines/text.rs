//! The decoded text of a JSON string, up to a bound.

/// Decoded text up to a bound. A lone surrogate is kept as the three bytes of WTF-8, so that texts which differ only in
/// lone surrogates stay different.
#[derive(Debug)]
pub(super) struct Text {
    bytes: Vec<u8>,
    max_bytes: usize,
    is_longer: bool,
    /// A high surrogate whose low one may follow.
    high: Option<u16>,
}

impl Text {
    pub(super) const fn new(max_bytes: usize) -> Self {
        Self { bytes: Vec::new(), max_bytes, is_longer: false, high: None }
    }

    /// Empties the text; allocated memory is kept.
    pub(super) fn clear(&mut self) {
        self.bytes.clear();
        self.is_longer = false;
        self.high = None;
    }

    /// Appends bytes that were not escaped.
    pub(super) fn push(&mut self, bytes: &[u8]) {
        self.end();
        self.keep(bytes);
    }

    /// Appends an escaped UTF-16 code unit.
    pub(super) fn push_unit(&mut self, unit: u16) {
        if let Some(high) = self.high.take() {
            if let Some(Ok(char)) = char::decode_utf16([high, unit]).next() {
                return self.keep(char.encode_utf8(&mut [0; 4]).as_bytes());
            }
            self.keep(&lone(high));
        }
        match (char::from_u32(unit.into()), unit) {
            (Some(char), _) => self.keep(char.encode_utf8(&mut [0; 4]).as_bytes()),
            (None, ..0xDC00) => self.high = Some(unit),
            (None, _) => self.keep(&lone(unit)),
        }
    }

    /// Ends the text.
    pub(super) fn end(&mut self) {
        if let Some(high) = self.high.take() {
            self.keep(&lone(high));
        }
    }

    /// Returns the text; none when it exceeded its bound.
    pub(super) fn get(&self) -> Option<&[u8]> {
        (!self.is_longer).then_some(&self.bytes)
    }

    #[cfg(test)]
    pub(super) fn held_bytes(&self) -> usize {
        self.bytes.capacity()
    }

    fn keep(&mut self, bytes: &[u8]) {
        self.is_longer |= self.bytes.len() + bytes.len() > self.max_bytes;
        if !self.is_longer {
            self.bytes.extend_from_slice(bytes);
        }
    }
}

/// Returns the three bytes of a surrogate in WTF-8.
fn lone(surrogate: u16) -> [u8; 3] {
    let [_, middle] = (0x80 | surrogate >> 6 & 0x3F).to_be_bytes();
    let [_, last] = (0x80 | surrogate & 0x3F).to_be_bytes();
    [0xED, middle, last]
}

#[cfg(test)]
mod tests {
    use super::*;

    fn text(units: &[u16]) -> Vec<u8> {
        let mut text = Text::new(64);
        for unit in units {
            text.push_unit(*unit);
        }
        text.end();
        text.get().unwrap().to_vec()
    }

    #[test]
    fn escaped_units_are_decoded_and_lone_surrogates_stay_different() {
        for whole in ["", "a\u{e9}\u{6587}", "\u{1f600}x", "\u{10ffff}\u{ffff}"] {
            assert_eq!(text(&whole.encode_utf16().collect::<Vec<_>>()), whole.as_bytes());
        }
        let lone = [vec![0xD800], vec![0xDBFF], vec![0xDC00], vec![0xDFFF], vec![0xDC00, 0xD800], vec![0xD800, 0xD800]];
        let mut texts: Vec<_> = lone.iter().map(|units| text(units)).collect();
        assert_eq!(text(&[0xD800, 0xD83D, 0xDE00]), [&[0xED, 0xA0, 0x80], "\u{1f600}".as_bytes()].concat());
        texts.sort();
        texts.dedup();
        assert_eq!(texts.len(), lone.len());
    }

    #[test]
    fn a_text_over_its_bound_is_told_and_not_kept() {
        let mut text = Text::new(4);
        text.push(b"abc");
        text.push_unit(0xE9);
        text.push(b"d");
        assert!(text.get().is_none() && text.bytes.capacity() <= 8);
        text.clear();
        text.push(b"abcd");
        assert_eq!(text.get(), Some(&b"abcd"[..]));
    }
}
