//! Seeded mappings and changes.
//!
//! A bucket has ten mappings: one of the whole bucket, three of folders, and two below each of these. So up to three
//! prefixes start a key. Keys are made for a mapping: most are accepted by its globs, some are excluded or match nothing.

use std::hint::black_box;

use fastrand::Rng;
use purge_router_core::{Change, ChangeKind};

/// One mapping.
#[derive(Debug, Clone)]
pub(crate) struct Rule {
    /// Its index in [`Corpus::buckets`].
    pub(crate) bucket: usize,
    pub(crate) prefix: String,
    pub(crate) include: Vec<String>,
    pub(crate) exclude: Vec<String>,
}

/// All mappings of a cell.
#[derive(Debug)]
pub(crate) struct Corpus {
    pub(crate) buckets: Vec<String>,
    pub(crate) rules: Vec<Rule>,
    globs: Globs,
    seed: u64,
}

/// A changed object.
#[derive(Debug)]
pub(crate) struct Lookup {
    pub(crate) change: Change,
    /// The same as JSON, for rivals that read JSON. Making it costs them nothing.
    pub(crate) json: String,
}

/// What kind of globs mappings have.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Globs {
    /// All mappings have one of six usual lists.
    Shared,
    /// Each mapping has globs that no other has.
    Unique,
    /// Globs that begin with a star, some with several stars.
    Stars,
    /// Globs with many alternates.
    Braces,
}

/// One set of mappings to measure.
#[derive(Debug, Clone)]
pub(crate) struct Cell {
    pub(crate) globs: Globs,
    pub(crate) mappings: usize,
    pub(crate) buckets: usize,
}

const fn cell(globs: Globs, mappings: usize, buckets: usize) -> Cell {
    Cell { globs, mappings, buckets }
}

pub(crate) const CELLS: &[Cell] = &[
    cell(Globs::Shared, 10, 1),
    cell(Globs::Shared, 1000, 100),
    cell(Globs::Shared, 10_000, 1000),
    cell(Globs::Shared, 100_000, 10_000),
    cell(Globs::Shared, 1_000_000, 100_000),
    cell(Globs::Unique, 10, 1),
    cell(Globs::Unique, 1000, 100),
    cell(Globs::Unique, 10_000, 1000),
    cell(Globs::Unique, 100_000, 10_000),
    cell(Globs::Unique, 1_000_000, 100_000),
    cell(Globs::Stars, 10_000, 1000),
    cell(Globs::Stars, 1_000_000, 100_000),
    cell(Globs::Braces, 10_000, 1000),
    cell(Globs::Braces, 1_000_000, 100_000),
    cell(Globs::Shared, 10_000, 1),
    cell(Globs::Unique, 10_000, 1),
];

/// How many different keys of the hot bucket change.
const HOT_LOOKUPS: usize = 64;

impl Lookup {
    pub(crate) fn bucket(&self) -> &str {
        self.change.bucket.as_str()
    }

    pub(crate) fn key(&self) -> &str {
        &self.change.key
    }

    /// Reads all of it, so that it is in the caches.
    pub(crate) fn touch(&self) {
        let bytes = |text: &str| text.bytes().fold(0, u8::wrapping_add);
        black_box((bytes(self.bucket()), bytes(self.key()), bytes(&self.json)));
    }
}

impl Cell {
    pub(crate) fn name(&self) -> String {
        let Self { globs, mappings, buckets } = self;
        let globs = format!("{globs:?}").to_lowercase();
        format!("{globs}, {mappings} in {buckets}")
    }
}

impl Corpus {
    /// The mappings of a cell. The same cell has the same mappings in each run.
    pub(crate) fn new(cell: &Cell) -> Self {
        let seed = (cell.mappings * 31 + cell.buckets) as u64;
        let mut rng = Rng::with_seed(seed);
        let buckets: Vec<String> = (0..cell.buckets).map(|index| bucket_name(index, &mut rng)).collect();
        let of_bucket = cell.mappings / cell.buckets;
        let rules = (0..cell.mappings).map(|index| {
            let (include, exclude) = globs(cell.globs, index, &mut rng);
            Rule { bucket: index / of_bucket, prefix: prefix(index % of_bucket, of_bucket), include, exclude }
        });
        Self { rules: rules.collect(), buckets, globs: cell.globs, seed }
    }

    pub(crate) fn globs(&self) -> Globs {
        self.globs
    }

    /// Changes of one bucket.
    pub(crate) fn hot_lookups(&self) -> Vec<Lookup> {
        let mut rng = Rng::with_seed(self.seed + 1);
        let of_bucket = self.rules.len() / self.buckets.len();
        let first = self.buckets.len() / 2 * of_bucket;
        (0..HOT_LOOKUPS).map(|_| self.lookup(first + rng.usize(..of_bucket), &mut rng)).collect()
    }

    /// Changes of buckets that are chosen at random, each as likely as the others.
    pub(crate) fn random_lookups(&self, count: usize) -> Vec<Lookup> {
        let mut rng = Rng::with_seed(self.seed + 2);
        (0..count).map(|_| self.lookup(rng.usize(..self.rules.len()), &mut rng)).collect()
    }

    /// A change of an object below the prefix of a mapping.
    fn lookup(&self, rule: usize, rng: &mut Rng) -> Lookup {
        let (index, rule) = (rule, &self.rules[rule]);
        let bucket = &self.buckets[rule.bucket];
        let key = format!("{}{}", rule.prefix, relative_key(self.globs, index, rng));
        let json = format!(r#"{{"bucket":"{bucket}","key":"{key}"}}"#);
        let object = format!("s3://{bucket}/{key}");
        Lookup { change: Change::of_object(&object, ChangeKind::Created).unwrap(), json }
    }
}

fn bucket_name(index: usize, rng: &mut Rng) -> String {
    let word = |rng: &mut Rng| *rng.choice(&["assets", "media", "static", "downloads", "web", "images"]).unwrap();
    format!("{}-{}-{index}-eu-west-1", word(rng), word(rng))
}

fn prefix(index: usize, of_bucket: usize) -> String {
    if of_bucket > 10 {
        // One bucket of many tenants.
        return format!("tenants/{:02x}/{index:05}/", index % 256);
    }
    match index {
        0 => String::new(),
        1..=3 => format!("site{index}/"),
        _ => format!("site{}/{}/", index % 3 + 1, ["assets", "blog", "uploads"][(index - 4) / 3 % 3]),
    }
}

fn list(patterns: &[&str]) -> Vec<String> {
    patterns.iter().map(|&pattern| pattern.to_owned()).collect()
}

fn globs(globs: Globs, index: usize, rng: &mut Rng) -> (Vec<String>, Vec<String>) {
    match globs {
        Globs::Shared => match rng.u8(..6) {
            0 => (list(&["*.{css,js,mjs}"]), Vec::new()),
            1 => (list(&["*.{png,jpg,jpeg,webp,avif,svg}"]), list(&["drafts/"])),
            2 => (list(&["*.html", "blog/**"]), list(&["*.tmp"])),
            3 => (Vec::new(), list(&["drafts/", "*.bak"])),
            4 => (list(&["/robots.txt", "/sitemap*.xml", "*.html"]), Vec::new()),
            _ => (list(&["img/*.png", "*.css"]), Vec::new()),
        },
        Globs::Unique => {
            let include = [format!("page{index}-*.html"), format!("v{index}/**"), format!("*.x{index}")];
            (include.to_vec(), vec![format!("old{index}/")])
        }
        Globs::Stars => {
            let n = rng.u8(..50);
            let include = [format!("*-thumb{n}.jpg"), "*hero*".to_owned(), format!("*_{n}_*.png")];
            (include.to_vec(), list(&["*.draft.*"]))
        }
        Globs::Braces => {
            let extensions = "*.{css,js,mjs,json,map,png,jpg,jpeg,gif,webp,avif,svg,ico,woff,woff2,ttf}";
            (list(&["{app,main,vendor}{,.min}.{js,css}", extensions]), list(&["{drafts,old,tmp}/**"]))
        }
    }
}

/// A key that the globs of the mapping may accept.
fn relative_key(globs: Globs, index: usize, rng: &mut Rng) -> String {
    let folder = *rng.choice(&["", "", "blog/", "img/", "css/v2/", "2026/11/", "drafts/"]).unwrap();
    let n = rng.u16(..1000);
    let name = match globs {
        Globs::Shared | Globs::Braces => match rng.u8(..10) {
            0 => "index.html".to_owned(),
            1 => format!("app.{n}.css"),
            2 => format!("main.{n}.js"),
            3 => "app.min.js".to_owned(),
            4 => format!("photo-{n}.jpg"),
            5 => format!("image-{n}.png"),
            6 => format!("article-{n}.html"),
            7 => format!("report-{n}.pdf"),
            8 => format!("data-{n}.tmp"),
            _ => "robots.txt".to_owned(),
        },
        Globs::Unique => match rng.u8(..4) {
            0 => format!("page{index}-{n}.html"),
            1 => format!("v{index}/{n}.js"),
            2 => format!("{n}.x{index}"),
            _ => format!("page{n}.html"),
        },
        Globs::Stars => match rng.u8(..4) {
            0 => format!("photo-{n}-thumb{}.jpg", rng.u8(..50)),
            1 => format!("big-hero-{n}.webp"),
            2 => format!("a_{}_{n}.png", rng.u8(..50)),
            _ => format!("text-{n}.draft.html"),
        },
    };
    format!("{folder}{name}")
}
