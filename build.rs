//! Notes when the program was built: a clock that is behind that can't be right.

use std::time::{SystemTime, UNIX_EPOCH};

fn main() {
    println!("cargo:rerun-if-changed=build.rs");
    println!("cargo:rerun-if-env-changed=SOURCE_DATE_EPOCH");
    // https://reproducible-builds.org/docs/source-date-epoch: whoever builds the same bytes twice
    // says which time it is.
    #[expect(
        clippy::disallowed_methods,
        reason = "the program itself has one reader of the clock and one of the environment; this isn't in it"
    )]
    let (wished, now) = (std::env::var("SOURCE_DATE_EPOCH"), SystemTime::now());
    let wished = wished.ok().and_then(|seconds| seconds.parse::<u64>().ok());
    let since = now.duration_since(UNIX_EPOCH).unwrap_or_default();
    println!(
        "cargo:rustc-env=FONDLY_BUILT={}",
        wished.unwrap_or(since.as_secs())
    );
}
