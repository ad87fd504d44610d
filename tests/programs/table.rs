//! The table that a run prints, for docs/CLIENTS.md.

use crate::journey::Row;

/// Prints the rows in Markdown. An empty cell was not reached.
pub(crate) fn print(rows: &[Row]) {
    println!(
        "\n| client | version | trusts | discovery | registration | login | tool call | refresh | after a revocation | login again |"
    );
    println!("|---|---|---|---|---|---|---|---|---|---|");
    for row in rows {
        let cells = [
            row.name,
            &row.version,
            row.ca,
            &row.discovery,
            &row.registration,
            &row.login,
            &row.call,
            &row.refresh,
            &row.revoked,
            &row.again,
        ];
        println!(
            "| {} |",
            cells.map(|cell| if cell.is_empty() { "not reached" } else { cell }).join(" | ")
        );
    }
}
