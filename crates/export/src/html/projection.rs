//! Where a place lies on the world map: the Natural Earth projection, cut off in the far south, where nobody logs in.
//!
//! Also used by `xtask map`, which draws the land once with the same formula.

/// The map's width. Its unit is about 40 km at the equator.
pub const WIDTH: f64 = 1000.0;
/// The map's height, from 84° north to 58° south.
pub const HEIGHT: f64 = 442.0;
/// The southern edge, in degrees.
pub const SOUTH: f64 = -58.0;

/// Half the width over the projection's `x` at 180°.
const SCALE: f64 = WIDTH / 2.0 / 2.735_384;
/// The northern edge's `y`.
const TOP: f64 = 254.0;

/// Latitude and longitude in degrees to `x` and `y`; what lies outside comes to the edge.
pub fn project(latitude: f64, longitude: f64) -> (f64, f64) {
    let phi = latitude.clamp(SOUTH, 84.0).to_radians();
    let lambda = longitude.clamp(-180.0, 180.0).to_radians();
    let square = phi * phi;
    let fourth = square * square;
    // Šavrič, Patterson, Jenny: Map Projections of the World, 2011.
    let x = lambda
        * (0.8707 - 0.131_979 * square - 0.013_791 * fourth
            + fourth * fourth * square * (0.003_971 - 0.001_529 * square));
    let y = phi * (1.007_226 + square * (0.015_085 + fourth * (-0.044_475 + 0.028_874 * square - 0.005_916 * fourth)));
    (WIDTH / 2.0 + SCALE * x, (TOP - SCALE * y).clamp(0.0, HEIGHT))
}
