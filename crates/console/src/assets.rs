//! The pages' style sheet and script, compiled in, and a préfecture's own theme.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::LazyLock;

use anyhow::{Context, Result, ensure};
use axum::extract::Path as Name;
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};

use convoke_domain::ids::sha256_hex;

const STYLE: &str = include_str!("../../../templates/console/console.css");
const SCRIPT: &str = include_str!("../../../templates/console/console.js");
const ICON: &str = include_str!("../../../templates/console/icon.svg");
/// One year: the address changes with the content.
const FOR_GOOD: &str = "public, max-age=31536000, immutable";
/// A theme contains a style sheet, a logo and a few fonts.
const THEME_FILE_MAX: u64 = 2 << 20;
const THEME_FILES_MAX: usize = 50;

static VERSION: LazyLock<String> =
    LazyLock::new(|| sha256_hex([STYLE, SCRIPT, ICON].concat().as_bytes())[..12].to_owned());

/// The version in asset addresses.
pub(super) fn version() -> &'static str {
    &VERSION
}

/// An embedded file.
pub(super) async fn embedded(Name(name): Name<String>) -> Response {
    let (kind, text) = match name.as_str() {
        "console.css" => ("text/css; charset=utf-8", STYLE),
        "console.js" => ("text/javascript; charset=utf-8", SCRIPT),
        "icon.svg" => ("image/svg+xml", ICON),
        // Made a page of like every bare refusal.
        _ => return StatusCode::NOT_FOUND.into_response(),
    };
    ([(header::CONTENT_TYPE, kind), (header::CACHE_CONTROL, FOR_GOOD)], text).into_response()
}

/// A préfecture's own files, read once: a file added after the server has started is not served.
#[derive(Debug, Default)]
pub(super) struct Theme(BTreeMap<String, (&'static str, Vec<u8>)>);

impl Theme {
    pub(super) fn read(folder: Option<&Path>) -> Result<Self> {
        let Some(folder) = folder else { return Ok(Self::default()) };
        let mut files = BTreeMap::new();
        let listed = std::fs::read_dir(folder).with_context(|| format!("[http] theme {}", folder.display()))?;
        for entry in listed {
            let entry = entry?;
            let (name, path) = (entry.file_name().to_string_lossy().into_owned(), entry.path());
            let Some(kind) = kind(&name).filter(|_| path.is_file()) else { continue };
            ensure!(entry.metadata()?.len() <= THEME_FILE_MAX, "[http] theme: {} is larger than 2 MiB", path.display());
            files.insert(name, (kind, std::fs::read(&path).with_context(|| path.display().to_string())?));
            ensure!(files.len() <= THEME_FILES_MAX, "[http] theme: {} holds more than 50 files", folder.display());
        }
        ensure!(files.contains_key("theme.css"), "[http] theme: {} holds no theme.css", folder.display());
        Ok(Self(files))
    }

    pub(super) fn has_style(&self) -> bool {
        !self.0.is_empty()
    }

    /// A file by its exact name.
    pub(super) fn file(&self, name: &str) -> Option<Response> {
        let (kind, bytes) = self.0.get(name)?;
        let headers = [(header::CONTENT_TYPE, *kind), (header::CACHE_CONTROL, "public, max-age=3600")];
        Some((headers, bytes.clone()).into_response())
    }
}

/// The media type of a theme file; `None` if it is not allowed. Scripts are not.
fn kind(name: &str) -> Option<&'static str> {
    Some(match name.rsplit_once('.')?.1 {
        "css" => "text/css; charset=utf-8",
        "svg" => "image/svg+xml",
        "png" => "image/png",
        "woff2" => "font/woff2",
        _ => return None,
    })
}
