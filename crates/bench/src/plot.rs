//! Plots of the tables: how a cost grows, a line for each rival. Both axes are logarithmic.

use std::fs;
use std::ops::Range;

use plotters::prelude::*;

const FOLDER: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../../docs/pictures");

const SIZE: (u32, u32) = (800, 480);

/// The colors of rivals: those of Okabe and Ito, which people with color blindness tell apart.
const COLORS: [RGBColor; 5] = [
    RGBColor(0, 114, 178),
    RGBColor(213, 94, 0),
    RGBColor(0, 158, 115),
    RGBColor(204, 121, 167),
    RGBColor(86, 180, 233),
];

/// A plot, and the lines in it.
pub(crate) struct Plot<'p> {
    /// Its file's name in docs/pictures.
    pub(crate) file: &'p str,
    pub(crate) title: &'p str,
    pub(crate) x: &'p str,
    pub(crate) y: &'p str,
    pub(crate) lines: Vec<Line>,
}

/// The figures of one rival.
pub(crate) struct Line {
    pub(crate) name: String,
    pub(crate) points: Vec<(f64, f64)>,
}

/// Writes a plot, and returns the Markdown that shows it.
pub(crate) fn write(plot: &Plot<'_>) -> String {
    let mut svg = String::new();
    draw(plot, &mut svg);
    fs::write(format!("{FOLDER}/{}", plot.file), svg).unwrap();
    format!("![{}: {} against {}](pictures/{})\n", plot.title, plot.y, plot.x, plot.file)
}

fn draw(plot: &Plot<'_>, svg: &mut String) {
    let area = SVGBackend::with_string(svg, SIZE).into_drawing_area();
    area.fill(&WHITE).unwrap();
    let points = || plot.lines.iter().flat_map(|line| &line.points);
    let (x, mut y) = (range(points().map(|point| point.0)), range(points().map(|point| point.1)));
    // Room for the names above the lines.
    y.end *= 10.0;
    let mut chart = ChartBuilder::on(&area)
        .caption(plot.title, ("sans-serif", 20))
        .margin(12)
        .margin_right(40)
        .x_label_area_size(44)
        .y_label_area_size(76)
        .build_cartesian_2d(x.log_scale(), y.log_scale())
        .unwrap();
    let label = |value: &f64| value.to_string();
    let mut mesh = chart.configure_mesh();
    mesh.x_desc(plot.x).y_desc(plot.y).x_label_formatter(&label).y_label_formatter(&label);
    mesh.light_line_style(WHITE).draw().unwrap();
    for (index, line) in plot.lines.iter().enumerate() {
        let color = if line.name == "purge-router" { BLACK } else { COLORS[index % COLORS.len()] }.stroke_width(2);
        let series = LineSeries::new(line.points.iter().copied(), color).point_size(3);
        let legend = move |(x, y)| PathElement::new([(x, y), (x + 20, y)], color);
        chart.draw_series(series).unwrap().label(&line.name).legend(legend);
    }
    chart
        .configure_series_labels()
        .position(SeriesLabelPosition::UpperLeft)
        .background_style(WHITE)
        .border_style(BLACK)
        .draw()
        .unwrap();
}

/// From the power of ten below all values to that above all.
fn range(values: impl Iterator<Item = f64>) -> Range<f64> {
    let (least, most) = values.fold((f64::MAX, f64::MIN_POSITIVE), |(least, most), it| (least.min(it), most.max(it)));
    let most = 10_f64.powf(most.log10().ceil());
    10_f64.powf(least.log10().floor())..most
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_rival_has_a_line_with_its_name() {
        let line = |name: &str, cost| Line { name: name.to_owned(), points: vec![(10.0, cost), (1e6, cost * 4.0)] };
        let lines = vec![line("purge-router", 60.0), line("globset", 200.0)];
        let (mut svg, plot) = (String::new(), Plot { file: "", title: "Routing", x: "mappings", y: "ns", lines });
        draw(&plot, &mut svg);
        for text in ["Routing", "mappings", "purge-router", "globset", "<polyline"] {
            assert!(svg.contains(text), "{text}: {svg}");
        }
    }

    #[test]
    fn the_axes_hold_all_values() {
        assert_eq!(range([20.0, 999.0].into_iter()), 10.0..1000.0);
        assert_eq!(range([0.5, 1000.0].into_iter()), 0.1..1000.0);
    }
}
