//! What a page answers with: HTML, a file, a redirect.

use askama::Template;
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};

use super::failure::{Answer, Failure};
use convoke_report::List;
use convoke_report::lists::workbook;

/// A page.
pub(super) fn html(page: &impl Template) -> Answer {
    let text = page.render().map_err(|e| Failure::Broken(anyhow::anyhow!("a page could not be written: {e}")))?;
    Ok(([(header::CONTENT_TYPE, "text/html; charset=utf-8")], text).into_response())
}

/// Redirects to another page after an act, so that reloading does not repeat it.
pub(super) fn see(path: &str) -> Response {
    (StatusCode::SEE_OTHER, [(header::LOCATION, path.to_owned())]).into_response()
}

/// A file to download. Its name is chosen by the program and contains no personal data.
pub(super) fn file(name: &str, kind: &'static str, bytes: Vec<u8>) -> Response {
    let disposition = format!("attachment; filename=\"{name}\"");
    ([(header::CONTENT_TYPE, kind.to_owned()), (header::CONTENT_DISPOSITION, disposition)], bytes).into_response()
}

/// A list to download, as CSV or as a spreadsheet.
pub(super) fn export(name: &str, list: &List, format: &str) -> Answer {
    match format {
        "csv" => Ok(file(&format!("{name}.csv"), "text/csv; charset=utf-8", list.to_csv().into_bytes())),
        "xlsx" => {
            let book = workbook(std::slice::from_ref(list)).map_err(|e| Failure::Broken(e.into()))?;
            let kind = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet";
            Ok(file(&format!("{name}.xlsx"), kind, book))
        }
        _ => Err(Failure::Missing),
    }
}

/// Whether a response is a page, and not a file or a redirect.
pub(super) fn is_html(response: &Response) -> bool {
    response.headers().get(header::CONTENT_TYPE).is_some_and(|kind| kind.as_bytes().starts_with(b"text/html"))
}
