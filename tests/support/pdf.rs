//! What a third-party validator reports about a PDF.

use page_validation::{ValidationOptions, ValidationProfile, validate_pdf_bytes};

/// Every breach of PDF/A-2a and PDF/UA-1.
pub(crate) fn failures(pdf: &[u8]) -> Vec<String> {
    let mut failures = Vec::new();
    for profile in ["2a", "ua1"] {
        let profile: ValidationProfile = profile.parse().unwrap();
        let report = validate_pdf_bytes(pdf, &ValidationOptions::default().profile(profile)).unwrap();
        assert!(report.rules.passed > 50, "the validator looked at nothing");
        failures.extend(report.failures.iter().map(ToString::to_string));
        assert_eq!(report.is_compliant, report.failures.is_empty());
    }
    failures
}

/// Pages, as the file's page tree counts them.
#[allow(dead_code, reason = "not every test program counts pages")]
pub(crate) fn pages(pdf: &[u8]) -> usize {
    let profile: ValidationProfile = "2a".parse().unwrap();
    let report = validate_pdf_bytes(pdf, &ValidationOptions::default().profile(profile)).unwrap();
    serde_json::to_value(&report.document).unwrap()["page_count"].as_u64().unwrap() as usize
}
