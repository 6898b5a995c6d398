//! The picture in dots: the same bytes on every machine, whatever fonts it has or hasn't.

use anyhow::Context as _;
use resvg::tiny_skia::{Pixmap, Transform};
use resvg::usvg::{Options, Tree};

/// What the picture is written in; see `font/README.md`.
const FONTS: [&[u8]; 2] = [
    include_bytes!("font/Roboto-Regular.ttf"),
    include_bytes!("font/Roboto-Bold.ttf"),
];
/// The family's name in those files.
const FAMILY: &str = "Roboto";

/// A PNG of an SVG picture.
///
/// # Errors
/// The picture can't be read or is too large.
pub(super) fn of(svg: &str) -> anyhow::Result<Vec<u8>> {
    let mut options = Options::default();
    let fonts = options.fontdb_mut();
    for font in FONTS {
        fonts.load_font_data(font.to_vec());
    }
    fonts.set_sans_serif_family(FAMILY);
    let tree = Tree::from_str(svg, &options).context("the picture can't be drawn")?;
    let size = tree.size().to_int_size();
    let mut picture =
        Pixmap::new(size.width(), size.height()).context("the picture is too large")?;
    resvg::render(&tree, Transform::default(), &mut picture.as_mut());
    picture.encode_png().context("the picture can't be written")
}
