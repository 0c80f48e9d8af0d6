//! What all panels have in common: frame, axes, legend.

use plotters::coord::Shift;
use plotters::coord::types::RangedCoordf64;
use plotters::prelude::*;
use plotters::style::text_anchor::{HPos, Pos, VPos};

use super::{Drawn, GREY};

pub(super) type Area<'a> = DrawingArea<SVGBackend<'a>, Shift>;

const FONT: &str = "sans-serif";
/// For the labels of the vertical axis.
const LEFT: u32 = 74;
/// Where the plots begin, and what is free on their right.
const PLOT: i32 = 84;
const RIGHT: i32 = 24;
/// Above a plot: the title and the legend.
const STRIP: i32 = 34;

/// How something is drawn.
#[derive(Clone, Copy)]
pub(super) enum Mark {
    /// A dot with so many pixels of radius.
    Dot(RGBColor, i32),
    Cross(RGBColor),
    Line(RGBColor),
}

/// A line of the legend.
pub(super) struct Entry {
    pub(super) text: String,
    pub(super) mark: Mark,
}

/// One of the panels. The time begins at 0.
pub(super) struct Panel<'a> {
    pub(super) title: &'static str,
    pub(super) vertical: &'static str,
    /// What the horizontal axis is, below the last panel.
    pub(super) horizontal: Option<&'static str>,
    /// Where the time ends.
    pub(super) end: f64,
    /// Where the vertical axis begins and ends.
    pub(super) bottom: f64,
    pub(super) top: f64,
    pub(super) legend: &'a [Entry],
}

/// A panel with its frame, ready for what is to be seen in it.
pub(super) struct Chart<'a, 'b> {
    context: ChartContext<'a, SVGBackend<'b>, Cartesian2d<RangedCoordf64, RangedCoordf64>>,
}

/// What stands above all panels.
pub(super) fn header(area: &Area<'_>, heading: &str, lines: &[String]) -> Drawn {
    area.draw(&Text::new(heading.to_owned(), (PLOT, 10), (FONT, 22).into_font().style(FontStyle::Bold)))?;
    for (row, line) in lines.iter().enumerate() {
        area.draw(&Text::new(line.clone(), (PLOT, 38 + 19 * row as i32), small()))?;
    }
    Ok(())
}

fn small() -> TextStyle<'static> {
    (FONT, 15).into_font().color(&RGBColor(60, 60, 60))
}

impl Panel<'_> {
    pub(super) fn chart<'a, 'b>(&self, area: &'a Area<'b>) -> Drawn<Chart<'a, 'b>> {
        self.strip(area)?;
        let mut context = ChartBuilder::on(area)
            .margin_top(STRIP)
            .margin_left(10)
            .margin_right(RIGHT)
            .set_label_area_size(LabelAreaPosition::Left, LEFT)
            .set_label_area_size(LabelAreaPosition::Bottom, if self.horizontal.is_some() { 52 } else { 30 })
            .build_cartesian_2d(0.0..self.end, self.bottom..self.top)?;
        let mut mesh = context.configure_mesh();
        mesh.x_labels(12)
            .y_labels(8)
            .max_light_lines(0)
            .bold_line_style(RGBColor(225, 225, 225))
            .axis_style(GREY)
            .label_style(small())
            .axis_desc_style((FONT, 16))
            .x_label_formatter(&number)
            .y_label_formatter(&number)
            .y_desc(self.vertical);
        if let Some(horizontal) = self.horizontal {
            mesh.x_desc(horizontal);
        }
        mesh.draw()?;
        Ok(Chart { context })
    }

    /// The title and the legend, above the plot, so that they hide nothing.
    fn strip(&self, area: &Area<'_>) -> Drawn {
        const MIDDLE: i32 = 20;
        let middle = Pos::new(HPos::Left, VPos::Center);
        let title = (FONT, 17).into_font().style(FontStyle::Bold).color(&BLACK).pos(middle);
        let mut x = PLOT;
        area.draw(&Text::new(self.title, (x, MIDDLE), title.clone()))?;
        x += area.estimate_text_size(self.title, &title)?.0 as i32 + 36;
        let style = small().pos(middle);
        for entry in self.legend {
            match entry.mark {
                Mark::Dot(color, radius) => {
                    area.draw(&Circle::new((x, MIDDLE), radius + 2, color.filled()))?;
                }
                Mark::Cross(color) => area.draw(&Cross::new((x, MIDDLE), 5, color.stroke_width(2)))?,
                Mark::Line(color) => {
                    area.draw(&PathElement::new([(x - 10, MIDDLE), (x + 10, MIDDLE)], color.stroke_width(3)))?;
                }
            }
            area.draw(&Text::new(entry.text.clone(), (x + 16, MIDDLE), style.clone()))?;
            x += area.estimate_text_size(&entry.text, &style)?.0 as i32 + 48;
        }
        Ok(())
    }
}

impl Chart<'_, '_> {
    /// Width and height of the plot in pixels.
    pub(super) fn size(&self) -> (u32, u32) {
        self.context.plotting_area().dim_in_pixel()
    }

    pub(super) fn points(&mut self, points: Vec<(f64, f64)>, mark: Mark) -> Drawn {
        let points = points.into_iter();
        match mark {
            Mark::Dot(color, radius) => {
                self.context.draw_series(points.map(|at| Circle::new(at, radius, color.filled())))?;
            }
            Mark::Cross(color) | Mark::Line(color) => {
                self.context.draw_series(points.map(|at| Cross::new(at, 5, color.stroke_width(2))))?;
            }
        }
        Ok(())
    }

    pub(super) fn line(&mut self, line: Vec<(f64, f64)>, color: RGBColor) -> Drawn {
        self.context.draw_series(LineSeries::new(line, color.stroke_width(2)))?;
        Ok(())
    }
}

/// A number without zeros that say nothing.
fn number(value: &f64) -> String {
    let text = format!("{value:.3}");
    text.trim_end_matches('0').trim_end_matches('.').to_owned()
}
