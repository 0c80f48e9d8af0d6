//! Fewer points, and the same picture: what would be drawn on top of something of its kind is left out.

use std::collections::BTreeSet;

use super::canvas::Panel;

/// One point per cell of two pixels by two.
pub(super) fn points(
    points: impl Iterator<Item = (f64, f64)>,
    panel: &Panel<'_>,
    (width, height): (u32, u32),
) -> Vec<(f64, f64)> {
    let cell = |share: f64, pixels: u32| (share * f64::from(pixels) / 2.0) as i64;
    let across = |x: f64| cell(x / panel.end, width);
    let up = |y: f64| cell((y - panel.bottom) / (panel.top - panel.bottom), height);
    let mut taken = BTreeSet::new();
    points.filter(|(x, y)| taken.insert((across(*x), up(*y)))).collect()
}

/// A line that keeps its value until the next one: of each column of pixels the first, the least, the greatest and the last
/// value.
pub(super) fn steps(values: &[(f64, f64)], panel: &Panel<'_>, (width, _): (u32, u32)) -> Vec<(f64, f64)> {
    let column = |x: f64| (x / panel.end * f64::from(width)) as i64;
    let mut line: Vec<(f64, f64)> = Vec::new();
    for group in values.chunk_by(|one, next| column(one.0) == column(next.0)) {
        let (Some(first), Some(last)) = (group.first(), group.last()) else { continue };
        if let Some(before) = line.last().copied() {
            line.push((first.0, before.1));
        }
        let least = group.iter().map(|(_, value)| *value).fold(f64::INFINITY, f64::min);
        let greatest = group.iter().map(|(_, value)| *value).fold(f64::NEG_INFINITY, f64::max);
        line.push(*first);
        if group.len() > 1 {
            line.extend([(first.0, least), (first.0, greatest), *last]);
        }
    }
    line.dedup();
    line
}
