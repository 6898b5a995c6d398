//! The picture of a walk over the past: precision against earliness, and whether chances are what
//! they say. Made as SVG; `png` makes dots of it.
//!
//! Text is placed by estimated widths, so that the picture is the same with whatever fonts. Colours
//! are Okabe and Ito's (2008), which the colour-blind can tell apart; each has a shape of its own, too.

mod labels;

use plotters::coord::Shift;
use plotters::coord::types::RangedCoordf64;
use plotters::prelude::*;
use plotters::style::text_anchor::{HPos, Pos, VPos};

use self::labels::{Area, Point, place};
use crate::engine::backtest::{Days, Played, Report, Threshold};
use crate::rules::Patience;

/// The whole picture, in dots: tall, so that a phone shows it in full width.
const SIZE: (u32, u32) = (1_600, 2_300);
/// Dots above the first panel, and of both panels.
const TITLE: i32 = 190;
const PANEL: i32 = 1_055;
/// Sizes of letters, in dots.
const LARGE: f64 = 54.0;
const MIDDLE: f64 = 44.0;
const SMALL: f64 = 36.0;
/// A letter's width as a share of its height, on average.
const LETTER: f64 = 0.58;
/// The SVG writer takes sizes as those of a line, which are so much larger.
const LINE: f64 = 1.24;
/// Dots from the left edge to the axis.
const LEFT: i32 = 130;
/// How far the ring about the rule's mark is from it.
const RING: i32 = 12;
/// How far the mark of a threshold reaches that catches nobody, and how much farther that of one that
/// catches everybody.
const SMALLEST_MARK: i32 = 6;
const LARGEST_MARK: f64 = 18.0;
/// Longer titles end in dots.
const LONGEST_TITLE: usize = 44;

const INK: RGBColor = RGBColor(32, 32, 32);
const GREY: RGBColor = RGBColor(96, 96, 96);
const PALE: RGBColor = RGBColor(228, 228, 228);
const VERMILION: RGBColor = RGBColor(213, 94, 0);
const GREEN: RGBColor = RGBColor(0, 128, 96);
const BLUE: RGBColor = RGBColor(0, 114, 178);

type Canvas<'a> = DrawingArea<SVGBackend<'a>, Shift>;
/// A threshold and where it stands.
type Mark<'a> = (&'a Played, (f64, f64));
type Panel<'a, 'b> = ChartContext<'a, SVGBackend<'b>, Cartesian2d<RangedCoordf64, RangedCoordf64>>;

/// Thresholds of one kind.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Family {
    Days,
    Cadences,
    Sure,
}

impl Family {
    const ALL: [Self; 3] = [Self::Days, Self::Cadences, Self::Sure];

    fn of(threshold: Threshold) -> Self {
        match threshold {
            Threshold(Patience::Days(_)) => Self::Days,
            Threshold(Patience::Cadences(_)) => Self::Cadences,
            Threshold(Patience::Sure(_)) => Self::Sure,
        }
    }

    const fn colour(self) -> RGBColor {
        match self {
            Self::Days => VERMILION,
            Self::Cadences => GREEN,
            Self::Sure => BLUE,
        }
    }
}

/// The picture as SVG.
///
/// # Errors
/// It can't be drawn.
pub(super) fn svg(report: &Report, days: &Days) -> anyhow::Result<String> {
    let mut svg = String::new();
    draw(&mut svg, report, days).map_err(|error| anyhow::anyhow!("the picture: {error}"))?;
    Ok(svg)
}

fn draw(svg: &mut String, report: &Report, days: &Days) -> anyhow::Result<()> {
    let canvas = SVGBackend::with_string(svg, SIZE).into_drawing_area();
    canvas.fill(&WHITE)?;
    let title = shortened(&report.title);
    text(&canvas, &title, (40, 36), &bold(LARGE, INK))?;
    let span = format!(
        "{} to {}, judged by the {} days after each letter",
        days.from, days.judged_until, report.horizon_days
    );
    text(&canvas, &span, (40, 108), &plain(SMALL, GREY))?;
    let (_, panels) = canvas.split_vertically(TITLE);
    let (upper, lower) = panels.split_vertically(PANEL);
    earliness(&upper, &report.played)?;
    calibration(&lower, report)?;
    canvas.present()?;
    Ok(())
}

/// How early, and how many in vain.
fn earliness(canvas: &Canvas<'_>, played: &[Played]) -> anyhow::Result<()> {
    let points: Vec<Mark<'_>> = played.iter().filter_map(point).collect();
    let most = |pick: fn(&(f64, f64)) -> f64| {
        let values = points.iter().map(|(_, at)| pick(at));
        values.fold(0.0, f64::max)
    };
    let right = rounded_up(most(|at| at.0) * 1.1, 20.0);
    let top = rounded_up(most(|at| at.1) + 4.0, 10.0);
    let words = Words {
        heading: "How early it writes, and how much in vain",
        up: "Needless letters of 100. The larger a mark, the more are caught.",
        across: "Days of silence before those who stay away get it (median)",
    };
    let mut panel = panel(canvas, (right, top), &words)?;
    let mut lines = Vec::new();
    for family in Family::ALL {
        let of_family = points
            .iter()
            .filter(|(one, _)| Family::of(one.threshold) == family);
        let sizes = of_family.clone().map(|(one, _)| mark(one));
        let line: Vec<(f64, f64)> = of_family.map(|(_, at)| *at).collect();
        let colour = family.colour();
        let drawn = LineSeries::new(line.iter().copied(), colour.stroke_width(5));
        panel.draw_series(drawn)?;
        lines.extend(line.windows(2).flat_map(|ends| between(&panel, ends)));
        for (at, size) in line.into_iter().zip(sizes) {
            let filled = colour.filled();
            match family {
                Family::Days => panel.draw_series([Circle::new(at, size, filled)])?,
                Family::Cadences => {
                    panel.draw_series([TriangleMarker::new(at, size * 4 / 3, filled)])?
                }
                Family::Sure => {
                    let half = size * 7 / 8;
                    let square = Rectangle::new([(-half, -half), (half, half)], filled);
                    panel.draw_series([EmptyElement::at(at) + square])?
                }
            };
        }
    }
    let rule = points.iter().filter(|(one, _)| one.is_rule);
    panel.draw_series(
        rule.map(|(one, at)| Circle::new(*at, mark(one) + RING, INK.stroke_width(5))),
    )?;
    names(canvas, &panel, (&points, &lines))
}

/// Where a threshold stands: days of silence, and needless letters of a hundred.
fn point(one: &Played) -> Option<Mark<'_>> {
    let early = one.tally.right.percentile(50)?;
    let vain = one.tally.needless_share()?;
    Some((one, (f64::from(early), vain * 100.0)))
}

/// How far a threshold's mark reaches: its area grows with the share that is caught.
#[expect(clippy::cast_possible_truncation, reason = "a share of a few dots")]
fn mark(one: &Played) -> i32 {
    let caught = one.tally.caught_share().unwrap_or_default();
    SMALLEST_MARK + (caught.sqrt() * LARGEST_MARK) as i32
}

/// The thresholds' names beside their points, the rule's first.
fn names(
    canvas: &Canvas<'_>,
    panel: &Panel<'_, '_>,
    (points, lines): (&[Mark<'_>], &[(i32, i32)]),
) -> anyhow::Result<()> {
    let (rules, others): (Vec<_>, Vec<_>) = points.iter().partition(|(one, _)| one.is_rule);
    let named: Vec<(String, TextStyle<'_>, Point)> = rules
        .into_iter()
        .chain(others)
        .map(|(one, at)| {
            let (name, style, radius) = if one.is_rule {
                let name = format!("this rule: {}", one.threshold);
                (name, bold(SMALL, INK), mark(one) + RING + 6)
            } else {
                let colour = Family::of(one.threshold).colour();
                (
                    one.threshold.to_string(),
                    plain(SMALL, colour),
                    mark(one) + 4,
                )
            };
            let size = (width(&name, SMALL), whole(SMALL));
            let at = panel.backend_coord(&at);
            (name, style, Point { at, radius, size })
        })
        .collect();
    let places: Vec<Point> = named.iter().map(|(_, _, point)| point.clone()).collect();
    let (across, down) = panel.plotting_area().get_pixel_range();
    let within = Area {
        left: across.start,
        top: down.start,
        right: across.end,
        bottom: down.end,
    };
    let (left, top) = canvas.get_base_pixel();
    for ((name, style, _), (x, y)) in named.iter().zip(place(&places, lines, &within)) {
        text(canvas, name, (x - left, y - top), style)?;
    }
    Ok(())
}

/// Dots on a line between two points.
fn between(panel: &Panel<'_, '_>, ends: &[(f64, f64)]) -> Vec<(i32, i32)> {
    const STEPS: u32 = 60;
    let [one, other] = ends else {
        return Vec::new();
    };
    let dot = |step: u32| {
        let part = f64::from(step) / f64::from(STEPS);
        let x = one.0 + (other.0 - one.0) * part;
        let y = one.1 + (other.1 - one.1) * part;
        panel.backend_coord(&(x, y))
    };
    (0..=STEPS).map(dot).collect()
}

/// What was said of how many, against what came.
fn calibration(canvas: &Canvas<'_>, report: &Report) -> anyhow::Result<()> {
    let words = Words {
        heading: "Is the likelihood what it says?",
        up: "Customers of 100 who then stayed away, a dot for each tenth of them",
        across: "Of 100 like them, so many were said to stay away; on the line it is exact",
    };
    let mut panel = panel(canvas, (100.0, 100.0), &words)?;
    let exact = [(0.0, 0.0), (100.0, 100.0)];
    panel.draw_series(LineSeries::new(exact, GREY.stroke_width(3)))?;
    let tenths = report.tenths.iter();
    let points: Vec<(f64, f64)> = tenths
        .map(|one| (one.said * 100.0, one.was * 100.0))
        .collect();
    panel.draw_series(points.iter().map(|at| Circle::new(*at, 15, BLUE.filled())))?;
    if points.is_empty() {
        let few = "Too few customers, or too short a past, to say.";
        text(canvas, few, (LEFT + 60, 200), &plain(SMALL, GREY))?;
    }
    Ok(())
}

/// What stands around a panel.
struct Words {
    heading: &'static str,
    up: &'static str,
    across: &'static str,
}

/// Axes from zero to these ends, with what they count.
fn panel<'a, 'b>(
    canvas: &'a Canvas<'b>,
    (right, top): (f64, f64),
    words: &Words,
) -> anyhow::Result<Panel<'a, 'b>> {
    text(canvas, words.heading, (40, 0), &bold(MIDDLE, INK))?;
    text(canvas, words.up, (40, 66), &plain(SMALL, GREY))?;
    let mut panel = ChartBuilder::on(canvas)
        .margin_top(136)
        .margin_left(30)
        .margin_right(50)
        .margin_bottom(110)
        .x_label_area_size(70)
        .y_label_area_size(LEFT - 30)
        .build_cartesian_2d(0.0..right, 0.0..top)?;
    panel
        .configure_mesh()
        .light_line_style(TRANSPARENT)
        .bold_line_style(PALE.stroke_width(2))
        .axis_style(GREY.stroke_width(3))
        .x_labels(10)
        .y_labels(8)
        .x_label_formatter(&|value| format!("{value:.0}"))
        .y_label_formatter(&|value| format!("{value:.0}"))
        .label_style(plain(SMALL, INK))
        .draw()?;
    let below = i32::try_from(canvas.dim_in_pixel().1).unwrap_or(PANEL);
    let style = plain(SMALL, GREY);
    text(canvas, words.across, (LEFT, below - 104), &style)?;
    Ok(panel)
}

fn text(
    canvas: &Canvas<'_>,
    words: &str,
    at: (i32, i32),
    style: &TextStyle<'_>,
) -> anyhow::Result<()> {
    // XML has no place for control characters.
    let words: String = words.chars().filter(|c| !c.is_control()).collect();
    canvas.draw(&Text::new(words, at, style.clone()))?;
    Ok(())
}

fn plain(size: f64, colour: RGBColor) -> TextStyle<'static> {
    style(("sans-serif", size * LINE).into_font(), colour)
}

fn bold(size: f64, colour: RGBColor) -> TextStyle<'static> {
    style(
        ("sans-serif", size * LINE, FontStyle::Bold).into_font(),
        colour,
    )
}

/// Written to the right and below of where it stands.
fn style(font: FontDesc<'static>, colour: RGBColor) -> TextStyle<'static> {
    TextStyle {
        color: colour.to_backend_color(),
        pos: Pos::new(HPos::Left, VPos::Top),
        ..TextStyle::from(font)
    }
}

/// How wide words are, about.
fn width(words: &str, size: f64) -> i32 {
    let letters = i32::try_from(words.chars().count()).unwrap_or(i32::MAX);
    letters.saturating_mul(whole(size * LETTER))
}

#[expect(clippy::cast_possible_truncation, reason = "sizes of letters")]
fn whole(size: f64) -> i32 {
    size.ceil() as i32
}

/// To a multiple of a step, at least one.
fn rounded_up(value: f64, step: f64) -> f64 {
    ((value / step).ceil() * step).max(step)
}

fn shortened(title: &str) -> String {
    if title.chars().count() <= LONGEST_TITLE {
        return title.to_owned();
    }
    let start: String = title.chars().take(LONGEST_TITLE - 1).collect();
    start.trim_end().to_owned() + "…"
}
