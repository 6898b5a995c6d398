//! Where the names of points stand, so that they cover neither each other nor a point.
//!
//! May not know what is drawn: it gets places and sizes in dots.

/// A rectangle: left, top, right, bottom.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Area {
    pub(super) left: i32,
    pub(super) top: i32,
    pub(super) right: i32,
    pub(super) bottom: i32,
}

impl Area {
    /// The dots that two of them share.
    fn overlap(&self, other: &Self) -> i32 {
        let width = self.right.min(other.right) - self.left.max(other.left);
        let height = self.bottom.min(other.bottom) - self.top.max(other.top);
        width.max(0).saturating_mul(height.max(0))
    }

    fn dots(&self) -> i32 {
        (self.right - self.left).saturating_mul(self.bottom - self.top)
    }
}

/// Something to be named.
#[derive(Debug, Clone)]
pub(super) struct Point {
    pub(super) at: (i32, i32),
    /// How far its mark reaches.
    pub(super) radius: i32,
    /// Its name's size.
    pub(super) size: (i32, i32),
}

/// Where each name stands: its upper left corner, as near as possible to its point, the first ones
/// first. Lines run between the given dots and are better not covered.
pub(super) fn place(points: &[Point], lines: &[(i32, i32)], within: &Area) -> Vec<(i32, i32)> {
    let marks: Vec<Area> = points.iter().map(mark).collect();
    let mut taken: Vec<Area> = Vec::new();
    let mut places = Vec::new();
    for point in points {
        let cost = |area: &Area| {
            let covered = marks.iter().chain(&taken).map(|other| area.overlap(other));
            let outside = area.dots() - area.overlap(within);
            let crossed = lines.iter().filter(|(x, y)| {
                (area.left..=area.right).contains(x) && (area.top..=area.bottom).contains(y)
            });
            let crossed = i32::try_from(crossed.count()).unwrap_or(i32::MAX);
            covered.sum::<i32>().saturating_mul(100) + outside * 200 + crossed.saturating_mul(40)
        };
        // The first of equally good ones.
        let best = around(point).min_by_key(cost);
        if let Some(area) = best {
            taken.push(area);
            places.push((area.left, area.top));
        }
    }
    places
}

fn mark(point: &Point) -> Area {
    let ((x, y), r) = (point.at, point.radius);
    Area {
        left: x - r,
        top: y - r,
        right: x + r,
        bottom: y + r,
    }
}

/// To the right, above, below, to the left, and at the corners; then the same a little farther off.
fn around(point: &Point) -> impl Iterator<Item = Area> {
    let ((x, y), (width, height)) = (point.at, point.size);
    let radius = point.radius;
    [6, 24, 48].into_iter().flat_map(move |gap| {
        let far = radius + gap;
        let (middle, level) = (x - width / 2, y - height / 2);
        [
            (x + far, level),
            (middle, y - far - height),
            (middle, y + far),
            (x - far - width, level),
            (x + far * 2 / 3, y - far * 2 / 3 - height),
            (x + far * 2 / 3, y + far * 2 / 3),
            (x - far * 2 / 3 - width, y - far * 2 / 3 - height),
            (x - far * 2 / 3 - width, y + far * 2 / 3),
        ]
        .map(|(left, top)| Area {
            left,
            top,
            right: left + width,
            bottom: top + height,
        })
    })
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const WITHIN: Area = Area {
        left: 0,
        top: 0,
        right: 1_000,
        bottom: 1_000,
    };

    fn point(at: (i32, i32)) -> Point {
        Point {
            at,
            radius: 10,
            size: (120, 40),
        }
    }

    fn areas(points: &[Point]) -> Vec<Area> {
        let size = |(point, (left, top)): (&Point, (i32, i32))| Area {
            left,
            top,
            right: left + point.size.0,
            bottom: top + point.size.1,
        };
        let places = place(points, &[], &WITHIN);
        points.iter().zip(places).map(size).collect()
    }

    #[test]
    fn a_lonely_name_stands_to_the_right_and_at_the_edge_to_the_left() {
        assert_eq!(place(&[point((500, 500))], &[], &WITHIN), [(516, 480)]);
        assert_eq!(place(&[point((985, 500))], &[], &WITHIN)[0].0, 849);
        // A line to the right: above it.
        let line: Vec<_> = (500..700).map(|x| (x, 500)).collect();
        assert_eq!(place(&[point((500, 500))], &line, &WITHIN)[0].1, 444);
    }

    #[test]
    fn names_of_close_points_cover_nothing() {
        let points: Vec<Point> = [(500, 500), (520, 505), (540, 510), (500, 530)]
            .map(point)
            .to_vec();
        let areas = areas(&points);
        for (place, area) in areas.iter().enumerate() {
            assert_eq!(area.dots(), area.overlap(&WITHIN));
            for other in &areas[..place] {
                assert_eq!(area.overlap(other), 0, "{areas:?}");
            }
        }
    }

    proptest! {
        #[test]
        fn every_point_gets_a_place(
            ats in proptest::collection::vec((0_i32..1_000, 0_i32..1_000), 0..20),
        ) {
            let points: Vec<Point> = ats.into_iter().map(point).collect();
            prop_assert_eq!(place(&points, &[], &WITHIN).len(), points.len());
        }
    }
}
