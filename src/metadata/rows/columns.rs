//! Lists of columns, as statements name them.

/// Returns the number of columns of a list.
pub const fn count(columns: &str) -> usize {
    let (mut rest, mut found) = (columns.as_bytes(), 1);
    while let [first, others @ ..] = rest {
        if *first == b',' {
            found += 1;
        }
        rest = others;
    }
    found
}

/// Returns a list of columns of the table that has this alias in a statement.
pub fn of(alias: &str, columns: &str) -> String {
    let named = columns.split(',').map(|column| format!("{alias}.{}", column.trim()));
    named.collect::<Vec<_>>().join(", ")
}

/// Returns the parameters of so many values: `$1, $2` with the mark `$`.
pub fn parameters(mark: char, count: usize) -> String {
    (1..=count).map(|number| format!("{mark}{number}")).collect::<Vec<_>>().join(", ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn columns_are_counted_and_named() {
        assert_eq!((count("id, name, archived_at"), count("id")), (3, 1));
        assert_eq!(of("w", "id, name"), "w.id, w.name");
        assert_eq!(parameters('?', 3), "?1, ?2, ?3");
    }
}
