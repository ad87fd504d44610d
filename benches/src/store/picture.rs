//! The figures as a table in Markdown, and as a picture in SVG.

use std::fmt::Write as _;

use super::acts::{ACTS, Figures};
use crate::stats::shown;

/// Width and height of the picture, and of its margins.
const SIZE: (f64, f64) = (760.0, 460.0);
const MARGIN: (f64, f64) = (70.0, 40.0);
/// The width of the legend.
const LEGEND: f64 = 190.0;

const COLOURS: [&str; 8] =
    ["#1b6ca8", "#c0392b", "#27ae60", "#8e44ad", "#d35400", "#16a085", "#7f8c8d", "#2c3e50"];

/// A table with a row for each act.
#[must_use]
pub fn table(all: &[Figures]) -> String {
    let mut text = String::from("| ms |");
    let sizes = all.iter().map(|figures| shown(Some(as_float(figures.grants))));
    sizes.for_each(|size| text.extend([" ", &size, " grants |"]));
    text.push_str("\n|---|");
    text.push_str(&"---:|".repeat(all.len()));
    text.push('\n');
    let mut row = |name: &str, value: &dyn Fn(&Figures) -> String| {
        text.extend(["| ", name, " |"]);
        all.iter().for_each(|figures| text.extend([" ", &value(figures), " |"]));
        text.push('\n');
    };
    for (place, act) in ACTS.iter().enumerate() {
        row(act, &|figures| shown(figures.millis.get(place).copied()));
    }
    row("backup", &|figures| shown(Some(figures.backup)));
    row("restore", &|figures| shown(Some(figures.restore)));
    let mega = |bytes: u64| format!("{:.1} MB", bytes as f64 / 1e6);
    row("p99 of /verify at rest, µs", &|figures| shown(Some(figures.disturbance.quiet)));
    row("p99 of /verify during these operations, µs", &|figures| {
        shown(Some(figures.disturbance.busy))
    });
    row("× of the two, median", &|figures| shown(Some(figures.disturbance.ratio)));
    row("memory of the export", &|figures| mega(figures.export_memory));
    row("memory of the backup", &|figures| mega(figures.backup_memory));
    row("bytes of Redis a grant, without indexes", &|figures| format!("{:.0}", figures.bytes.0));
    row("bytes of Redis a grant, with indexes", &|figures| format!("{:.0}", figures.bytes.1));
    text
}

/// A picture of the times, both axes logarithmic.
#[must_use]
pub fn svg(all: &[Figures]) -> String {
    let values = all.iter().flat_map(|figures| figures.millis).map(clamped);
    let top = values.fold(1.0, f64::max).log10().ceil();
    let sizes = all.iter().map(|figures| as_float(figures.grants).log10());
    let (left, right) =
        sizes.fold((f64::MAX, f64::MIN), |(low, high), size| (low.min(size), high.max(size)));
    let axes = Axes { left, right: right.max(left + 1.0), bottom: -1.0, top };
    let mut svg = format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {} {}\" font-family=\"sans-serif\" \
         font-size=\"12\">\n<rect width=\"100%\" height=\"100%\" fill=\"white\"/>\n",
        SIZE.0, SIZE.1
    );
    axes.draw(&mut svg);
    for (place, (act, colour)) in ACTS.iter().zip(COLOURS).enumerate() {
        let points: Vec<(f64, f64)> = all
            .iter()
            .filter_map(|figures| {
                let value = clamped(*figures.millis.get(place)?);
                Some(axes.point(as_float(figures.grants).log10(), value.log10()))
            })
            .collect();
        let line: Vec<String> = points.iter().map(|(x, y)| format!("{x:.1},{y:.1}")).collect();
        let _ = writeln!(
            svg,
            "<polyline points=\"{}\" fill=\"none\" stroke=\"{colour}\" stroke-width=\"2\"/>",
            line.join(" ")
        );
        for (x, y) in points {
            let _ =
                writeln!(svg, "<circle cx=\"{x:.1}\" cy=\"{y:.1}\" r=\"3\" fill=\"{colour}\"/>");
        }
        let y = MARGIN.1 + 20.0 * as_float(place);
        let x = SIZE.0 - LEGEND;
        let _ = writeln!(
            svg,
            "<rect x=\"{x}\" y=\"{y}\" width=\"12\" height=\"12\" fill=\"{colour}\"/>\
             <text x=\"{}\" y=\"{}\">{act}</text>",
            x + 18.0,
            y + 11.0
        );
    }
    svg.push_str("</svg>\n");
    svg
}

/// What is shown of a time: less than a tenth of a millisecond is noise.
fn clamped(millis: f64) -> f64 {
    millis.max(0.1)
}

/// The ranges of the axes, as powers of ten.
struct Axes {
    left: f64,
    right: f64,
    bottom: f64,
    top: f64,
}

impl Axes {
    fn point(&self, x: f64, y: f64) -> (f64, f64) {
        let (wide, high) = (SIZE.0 - LEGEND - 20.0 - MARGIN.0, SIZE.1 - 2.0 * MARGIN.1);
        let across = (x - self.left) / (self.right - self.left);
        let up = (y - self.bottom) / (self.top - self.bottom);
        (MARGIN.0 + wide * across, SIZE.1 - MARGIN.1 - high * up)
    }

    fn draw(&self, svg: &mut String) {
        let grid = "stroke=\"#ddd\"";
        let mut power = self.bottom;
        while power <= self.top {
            let ((from, y), (to, _)) =
                (self.point(self.left, power), self.point(self.right, power));
            let _ = writeln!(
                svg,
                "<line x1=\"{from}\" x2=\"{to}\" y1=\"{y:.1}\" y2=\"{y:.1}\" {grid}/>\
                 <text x=\"{}\" y=\"{:.1}\" text-anchor=\"end\">{} ms</text>",
                from - 6.0,
                y + 4.0,
                10_f64.powf(power)
            );
            power += 1.0;
        }
        let mut power = self.left.round();
        while power <= self.right {
            let ((x, low), (_, high)) =
                (self.point(power, self.bottom), self.point(power, self.top));
            let _ = writeln!(
                svg,
                "<line x1=\"{x:.1}\" x2=\"{x:.1}\" y1=\"{low}\" y2=\"{high}\" {grid}/>\
                 <text x=\"{x:.1}\" y=\"{}\" text-anchor=\"middle\">{}</text>",
                low + 18.0,
                shown(Some(10_f64.powf(power)))
            );
            power += 1.0;
        }
        let (x, y) = self.point(f64::midpoint(self.left, self.right), self.bottom);
        let _ = writeln!(
            svg,
            "<text x=\"{x}\" y=\"{}\" text-anchor=\"middle\">grants</text>",
            y + 34.0
        );
    }
}

fn as_float(number: usize) -> f64 {
    number as f64
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::disturbance::Disturbance;

    #[test]
    fn each_act_has_a_row_and_a_line() {
        let figures = |grants, millis| Figures {
            grants,
            millis: [millis; ACTS.len()],
            export_memory: 1_000_000,
            backup_memory: 1,
            backup: 1.0,
            restore: 1.0,
            bytes: (1000.0, 1300.0),
            disturbance: Disturbance { quiet: 100.0, busy: 150.0, ratio: 1.5 },
        };
        let all = [figures(1_000, 0.0), figures(10_000, 25.0)];
        let (table, svg) = (table(&all), svg(&all));
        assert_eq!(table.lines().count(), 2 + ACTS.len() + 9);
        assert!(table.contains("| revoke all | 0 | 25.0 |"), "{table}");
        assert_eq!(svg.matches("<polyline").count(), ACTS.len());
        assert!(!svg.contains("NaN") && !svg.contains("inf"), "{svg}");
    }
}
