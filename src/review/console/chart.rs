//! Pictures as SVG: how the days went, and how sure a difference is.
//!
//! Colours are Okabe and Ito's (2008), which the colour-blind can tell apart; the stylesheet gives each
//! its shade for light and dark. Words stand beside a picture, in the page, where they can be read on a
//! phone. May not know what is counted.

use plotters::prelude::*;

/// Dots of the days' picture.
const DAYS: (u32, u32) = (720, 150);
/// Dots of a difference's picture.
const DIFFERENCE: (u32, u32) = (360, 44);
/// A bar's share of its place.
const BAR: f64 = 0.72;

const SENT: RGBColor = RGBColor(0, 114, 178);
const OPEN: RGBColor = RGBColor(230, 159, 0);
const NOT: RGBColor = RGBColor(153, 153, 153);
const LINE: RGBColor = RGBColor(119, 119, 119);

/// A bar a day, of what was sent, what is open, and what wasn't sent, from below. Empty where it can't
/// be drawn.
pub(super) fn days(days: &[[u64; 3]]) -> String {
    let most = days.iter().map(|day| day.iter().sum::<u64>()).max();
    let most = most.unwrap_or(0).max(1);
    let mut svg = String::new();
    let (width, height) = (f64::from(DAYS.0), f64::from(DAYS.1) - 2.0);
    let step = width / f64::from(u32::try_from(days.len()).unwrap_or(1).max(1));
    let drawn = {
        let canvas = SVGBackend::with_string(&mut svg, DAYS).into_drawing_area();
        let mut bars = Vec::new();
        for (at, day) in (0_u32..).zip(days) {
            let left = (f64::from(at) + (1.0 - BAR) / 2.0) * step;
            let (left, right) = (dot(left), dot(left + BAR * step));
            let mut below = 0;
            for (count, colour) in day.iter().zip([SENT, OPEN, NOT]) {
                let (from, to) = (below, below + count);
                below = to;
                if *count > 0 {
                    let level = |n: u64| dot(height * (1.0 - share(n, most)));
                    // However few, they can be seen.
                    let top = level(to).min(level(from) - 2);
                    bars.push(([(left, top), (right, level(from))], colour));
                }
            }
        }
        let ground = dot(height);
        let line = PathElement::new([(0, ground), (dot(width), ground)], LINE.stroke_width(1));
        let bars = bars
            .into_iter()
            .try_for_each(|(ends, colour)| canvas.draw(&Rectangle::new(ends, colour.filled())));
        bars.and_then(|()| canvas.draw(&line))
            .and_then(|()| canvas.present())
    };
    if drawn.is_err() { String::new() } else { svg }
}

/// A difference with its interval, all from -1 to 1, on a line with zero marked.
pub(super) fn difference([low, found, high]: [f64; 3]) -> String {
    let reach = [low, found, high].into_iter().map(f64::abs);
    let reach = reach.fold(0.05, f64::max) * 1.1;
    let mut svg = String::new();
    let (width, middle) = (f64::from(DIFFERENCE.0), dot(f64::from(DIFFERENCE.1) / 2.0));
    let place = |share: f64| dot(width * (share / reach + 1.0) / 2.0);
    let drawn = {
        let canvas = SVGBackend::with_string(&mut svg, DIFFERENCE).into_drawing_area();
        let zero = [
            (place(0.0), 4),
            (place(0.0), dot(f64::from(DIFFERENCE.1)) - 4),
        ];
        let whole = [(0, middle), (dot(width), middle)];
        let sure = [(place(low), middle), (place(high), middle)];
        canvas
            .draw(&PathElement::new(whole, LINE.stroke_width(1)))
            .and_then(|()| canvas.draw(&PathElement::new(zero, LINE.stroke_width(2))))
            .and_then(|()| canvas.draw(&PathElement::new(sure, SENT.stroke_width(6))))
            .and_then(|()| canvas.draw(&Circle::new((place(found), middle), 8, SENT.filled())))
            .and_then(|()| canvas.present())
    };
    if drawn.is_err() { String::new() } else { svg }
}

fn share(part: u64, whole: u64) -> f64 {
    let number = |n: u64| f64::from(u32::try_from(n).unwrap_or(u32::MAX));
    number(part) / number(whole)
}

#[expect(clippy::cast_possible_truncation, reason = "dots of a small picture")]
fn dot(at: f64) -> i32 {
    at.round() as i32
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The page's policy lets in no style that stands in an element.
    #[test]
    fn pictures_have_no_style_of_their_own_and_every_kind_shows() {
        let svg = days(&[[0, 0, 0], [1_000_000, 1, 1], [3, 0, 2]]);
        assert_eq!(svg.matches("<rect").count(), 5, "{svg}");
        for colour in ["#0072B2", "#E69F00", "#999999"] {
            assert!(svg.contains(colour), "{colour}: {svg}");
        }
        let other = difference([-0.1, 0.2, 0.3]);
        assert!(other.contains("<circle"), "{other}");
        for svg in [svg, other, days(&[])] {
            assert!(svg.starts_with("<svg") && !svg.contains("style="), "{svg}");
        }
    }
}
