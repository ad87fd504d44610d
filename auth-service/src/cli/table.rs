//! Plain-text tables on standard output.

/// Prints `rows` under the header `head`. Each column is as wide as its widest cell.
pub(super) fn print<const N: usize>(head: [&str; N], rows: &[[String; N]]) -> anyhow::Result<()> {
    Table::new(head).print(rows)
}

/// A table that is printed part by part. A column grows with the widest cell so far.
pub(super) struct Table<'a, const N: usize> {
    head: Option<[&'a str; N]>,
    widths: [usize; N],
}

impl<'a, const N: usize> Table<'a, N> {
    /// Creates a table with the header `head`.
    pub(super) fn new(head: [&'a str; N]) -> Self {
        Self { head: Some(head), widths: head.map(str::len) }
    }

    /// Prints `rows`, the first time under the header.
    pub(super) fn print(&mut self, rows: &[[String; N]]) -> anyhow::Result<()> {
        for row in rows {
            for (width, cell) in self.widths.iter_mut().zip(row) {
                *width = cell.chars().count().max(*width);
            }
        }
        let head = self.head.take();
        head.into_iter().try_for_each(|head| self.line(head))?;
        rows.iter().try_for_each(|row| self.line(row.each_ref().map(String::as_str)))
    }

    fn line(&self, cells: [&str; N]) -> anyhow::Result<()> {
        let padded = cells.iter().zip(self.widths).map(|(cell, width)| format!("{cell:width$}"));
        super::say(padded.collect::<Vec<_>>().join("  ").trim_end())
    }
}
