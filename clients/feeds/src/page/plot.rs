//! Axes of plots.

use super::days::Days;
use super::html::Escaped;
use std::fmt::{self, Write};

/// The place of a plot in its SVG, and the largest value in it.
pub(super) struct Plot {
    pub(super) left: f64,
    pub(super) top: f64,
    pub(super) width: f64,
    pub(super) height: f64,
    /// Lines across the plot.
    pub(super) steps: u32,
    /// Days that are named.
    pub(super) names: usize,
    highest: f64,
    step: f64,
}

impl Plot {
    pub(super) fn new([left, top, width, height]: [f64; 4], steps: u32, names: usize, highest: f64) -> Self {
        let step = round_step(highest / f64::from(steps));
        let highest = (highest / step).ceil().max(1.0) * step;
        Self { left, top, width, height, steps, names, highest, step }
    }

    /// Where a value is.
    pub(super) fn y(&self, value: f64) -> f64 {
        self.top + self.height - value / self.highest * self.height
    }

    /// The width that a day has.
    pub(super) fn slot(&self, days: &Days) -> f64 {
        // A few days do not fill the plot with a few thick bars.
        self.width / days.count().max(7) as f64
    }

    /// Where a day begins.
    pub(super) fn x(&self, days: &Days, place: usize) -> f64 {
        self.left + self.slot(days) * place as f64
    }

    /// Begins the SVG with what it shows, for people who do not see it.
    pub(super) fn begin(&self, html: &mut String, title: &str, right: f64, below: f64) -> fmt::Result {
        let (width, height) = (self.left + self.width + right, self.top + self.height + below);
        writeln!(html, "<svg role=\"img\" viewBox=\"0 0 {width} {height}\"><title>{}</title>", Escaped(title))
    }

    /// Draws lines with their values, and names some days.
    pub(super) fn axes(&self, html: &mut String, days: &Days, unit: &str) -> fmt::Result {
        let (left, right) = (self.left, self.left + self.width);
        for number in 0..=self.steps {
            let value = f64::from(number) * self.step;
            if value > self.highest {
                break;
            }
            let y = self.y(value);
            let label = if value < 1_000.0 { format!("{value}") } else { super::html::count(value as u64) };
            writeln!(
                html,
                "<line class=\"grid\" x1=\"{left}\" x2=\"{right}\" y1=\"{y:.1}\" y2=\"{y:.1}\"/>\
                 <text class=\"value\" x=\"{:.1}\" y=\"{:.1}\">{label}{unit}</text>",
                left - 6.0,
                y + 4.0
            )?;
        }
        let every = days.count().div_ceil(self.names).max(1);
        for place in (0..days.count()).step_by(every) {
            let middle = self.x(days, place) + self.slot(days) / 2.0;
            let (y, name) = (self.top + self.height + 18.0, days.name(place));
            writeln!(html, "<text class=\"day\" x=\"{middle:.1}\" y=\"{y:.1}\">{name}</text>")?;
        }
        Ok(())
    }
}

/// 1, 2 or 5 times a power of ten: the least that is no smaller.
fn round_step(step: f64) -> f64 {
    let power = 10_f64.powf(step.max(1.0).log10().floor());
    [1.0, 2.0, 5.0, 10.0].map(|factor| factor * power).into_iter().find(|round| *round >= step).unwrap_or(1.0)
}
