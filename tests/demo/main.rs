//! The demonstration's series, short: real servers, real requests, an accelerated clock. A binary of its own, because Cargo
//! runs one after the other: beside other tests the machine would be too slow for that clock.

#![allow(clippy::unwrap_used)]

use std::ffi::OsString;

use amiable::cli::exit::Exit;

#[test]
fn a_series_of_releases_with_a_bad_one_costs_no_request() {
    let arguments = ["amiable", "demo", "--releases", "4", "--speed", "60"];
    assert_eq!(amiable::cli::run(arguments.map(OsString::from)), Exit::Fine);
}
