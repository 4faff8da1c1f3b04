//! `xtask map`: draws the report's world map from Natural Earth's shapes (public domain).
//!
//! Writes two files under `crates/export/assets`: the land as one SVG path, and a point for each country, the middle of
//! its largest part. `README.md` there says where the shapes come from.

// The same formula places the points in the report.
#[path = "../../crates/export/src/html/projection.rs"]
mod projection;

use crate::arguments::Arguments;
use anyhow::{Context, Result};
use projection::{SOUTH, project};
use serde_json::Value;
use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::path::Path;

const HELP: &str = "\
map: draw the world map of the report, from shapes that are in the public domain.

  map LAND COUNTRIES CODES

  LAND       land-110m.json of the npm package world-atlas
  COUNTRIES  countries-50m.json of the same
  CODES      codes.json of the npm package i18n-iso-countries: which number is which country";

const FOLDER: &str = "crates/export/assets";

/// The land is drawn in halves of the map's unit, so that whole numbers suffice.
const STEPS: f64 = 2.0;

/// Longitude and latitude, in degrees.
type Point = (f64, f64);

/// Reads the shapes and writes the two files.
pub(crate) fn run(words: Vec<String>) -> Result<()> {
    let Some(mut arguments) = Arguments::new(words, HELP) else { return Ok(()) };
    let mut next = |what: &str| -> Result<Value> {
        let path = arguments.positional().with_context(|| format!("which file is {what}? `--help` tells"))?;
        let text = std::fs::read_to_string(&path).with_context(|| format!("could not read `{path}`"))?;
        serde_json::from_str(&text).with_context(|| format!("`{path}` is not JSON"))
    };
    let (land, countries, codes) = (next("LAND")?, next("COUNTRIES")?, next("CODES")?);
    arguments.finish()?;
    write("land.svg-path.txt", &land_path(&Topology::read(&land)?))?;
    write("country-points.csv", &country_points(&Topology::read(&countries)?, &codes))
}

fn write(name: &str, text: &str) -> Result<()> {
    let path = Path::new(FOLDER).join(name);
    std::fs::write(&path, text).with_context(|| format!("could not write `{}`", path.display()))?;
    println!("{}: {} bytes", path.display(), text.len());
    Ok(())
}

/// Shapes that share their borders, as TopoJSON writes them.
struct Topology<'a> {
    arcs: Vec<Vec<Point>>,
    shapes: Vec<&'a Value>,
}

impl<'a> Topology<'a> {
    fn read(topology: &'a Value) -> Result<Self> {
        let pair = |value: &Value| Some((value[0].as_f64()?, value[1].as_f64()?));
        let transform = &topology["transform"];
        let scale = pair(&transform["scale"]).context("the shapes have no scale")?;
        let shift = pair(&transform["translate"]).context("the shapes have no origin")?;
        let arcs = topology["arcs"].as_array().context("the shapes have no arcs")?;
        let arcs = arcs.iter().map(|arc| {
            let (mut x, mut y) = (0.0, 0.0);
            let steps = arc.as_array().into_iter().flatten().filter_map(pair);
            let points = steps.map(|(right, up)| {
                (x, y) = (x + right, y + up);
                (x * scale.0 + shift.0, y * scale.1 + shift.1)
            });
            points.collect()
        });
        let arcs = arcs.collect();
        let objects = topology["objects"].as_object().context("the file has no objects")?;
        let named = objects.get("countries").or_else(|| objects.get("land")).context("neither land nor countries")?;
        Ok(Self { arcs, shapes: named["geometries"].as_array().into_iter().flatten().collect() })
    }

    /// The outlines of a shape: outer edges and holes alike.
    fn rings(&self, shape: &Value) -> Vec<Vec<Point>> {
        let polygons = match shape["type"].as_str() {
            Some("Polygon") => vec![&shape["arcs"]],
            _ => shape["arcs"].as_array().into_iter().flatten().collect(),
        };
        let rings = polygons.into_iter().filter_map(Value::as_array).flatten().filter_map(Value::as_array);
        rings.map(|ring| ring.iter().filter_map(Value::as_i64).flat_map(|arc| self.arc(arc)).collect()).collect()
    }

    /// An arc; one with a negative number is to be walked backwards.
    fn arc(&self, number: i64) -> Vec<Point> {
        let forwards = number >= 0;
        let index = if forwards { number } else { !number };
        let mut points = usize::try_from(index).ok().and_then(|at| self.arcs.get(at)).cloned().unwrap_or_default();
        if !forwards {
            points.reverse();
        }
        points
    }
}

/// The land as one SVG path of whole numbers, each relative to the one before.
fn land_path(land: &Topology<'_>) -> String {
    let mut path = String::new();
    for ring in land.shapes.iter().flat_map(|shape| land.rings(shape)) {
        if ring.iter().all(|(_, latitude)| *latitude < SOUTH) {
            continue;
        }
        pieces(&ring).iter().for_each(|piece| draw(piece, &mut path));
    }
    path.replace(" -", "-") + "\n"
}

fn draw(ring: &[Point], path: &mut String) {
    let mut last: Option<(i64, i64)> = None;
    for &(longitude, latitude) in ring {
        let (x, y) = project(latitude, longitude);
        let (x, y) = ((x * STEPS).round() as i64, (y * STEPS).round() as i64);
        // Writing to a string cannot fail.
        let _ = match last {
            None => write!(path, "M{x} {y}l"),
            Some(last) if last == (x, y) => continue,
            Some((before_x, before_y)) => write!(path, "{} {} ", x - before_x, y - before_y),
        };
        last = Some((x, y));
    }
    path.truncate(path.trim_end().len());
    path.push('z');
}

/// The outline in parts, cut where the map ends: Russia and Fiji lie on both of its edges.
fn pieces(ring: &[Point]) -> Vec<Vec<Point>> {
    let whole = unrolled(ring);
    let turns = [-360.0, 0.0, 360.0].map(|turn| whole.iter().map(|&(x, y)| (x + turn, y)).collect::<Vec<Point>>());
    let cut = turns.into_iter().map(|turned| cut(&cut(&turned, -180.0, 1.0), 180.0, -1.0));
    cut.filter(|piece| piece.len() > 2).collect()
}

/// The outline without jumps from one edge of the map to the other; longitudes may leave the usual range.
fn unrolled(ring: &[Point]) -> Vec<Point> {
    let (mut turn, mut before) = (0.0, None);
    let points = ring.iter().map(|&(longitude, latitude)| {
        let jump = before.map_or(0.0, |before: f64| longitude - before);
        before = Some(longitude);
        turn -= if jump.abs() > 180.0 { 360.0 * jump.signum() } else { 0.0 };
        (longitude + turn, latitude)
    });
    points.collect()
}

/// What lies on one side of a meridian: east of it for `side` 1, west for -1.
fn cut(ring: &[Point], meridian: f64, side: f64) -> Vec<Point> {
    let is_inside = |point: &Point| (point.0 - meridian) * side >= 0.0;
    let mut kept = Vec::new();
    for (one, other) in ring.iter().zip(ring.iter().cycle().skip(1)) {
        if is_inside(one) {
            kept.push(*one);
        }
        if is_inside(one) != is_inside(other) {
            let share = (meridian - one.0) / (other.0 - one.0);
            kept.push((meridian, one.1 + share * (other.1 - one.1)));
        }
    }
    kept
}

/// `NL,52.1,5.6`: a point for each country.
fn country_points(countries: &Topology<'_>, codes: &Value) -> String {
    let codes: BTreeMap<&str, &str> = codes
        .as_array()
        .into_iter()
        .flatten()
        .filter_map(|code| Some((code[2].as_str()?, code[0].as_str()?)))
        .collect();
    let mut points = BTreeMap::new();
    for shape in &countries.shapes {
        let Some(code) = shape["id"].as_str().and_then(|number| codes.get(number)) else { continue };
        let rings = countries.rings(shape);
        let middles = rings.iter().map(|ring| middle(ring)).filter(|(area, _)| *area > 0.0);
        if let Some((_, (longitude, latitude))) = middles.max_by(|one, other| one.0.total_cmp(&other.0)) {
            points.insert(*code, format!("{code},{latitude:.1},{longitude:.1}\n"));
        }
    }
    points.into_values().collect()
}

/// The area of an outline and its centre of gravity.
fn middle(ring: &[Point]) -> (f64, Point) {
    let (mut area, mut x, mut y) = (0.0, 0.0, 0.0);
    for (one, other) in ring.iter().zip(ring.iter().cycle().skip(1)) {
        let cross = one.0 * other.1 - other.0 * one.1;
        area += cross;
        x += (one.0 + other.0) * cross;
        y += (one.1 + other.1) * cross;
    }
    (area.abs() / 2.0, (x / (3.0 * area), y / (3.0 * area)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_square_has_its_middle_in_the_middle() {
        let (area, middle) = middle(&[(0.0, 0.0), (4.0, 0.0), (4.0, 2.0), (0.0, 2.0)]);
        assert_eq!((area, middle), (8.0, (2.0, 1.0)));
    }

    #[test]
    fn an_island_on_both_edges_of_the_map_is_cut_in_two() {
        let pieces = pieces(&[(170.0, 0.0), (-170.0, 0.0), (-170.0, 10.0), (170.0, 10.0)]);
        assert_eq!(pieces.len(), 2);
        assert!(pieces.concat().iter().all(|(longitude, _)| (170.0..=180.0).contains(&longitude.abs())));
    }

    #[test]
    fn an_arc_may_be_walked_backwards() {
        let topology = Topology { arcs: vec![vec![(0.0, 0.0), (1.0, 2.0)]], shapes: vec![] };
        assert_eq!(topology.arc(-1), [(1.0, 2.0), (0.0, 0.0)]);
        assert!(topology.arc(7).is_empty());
    }
}
