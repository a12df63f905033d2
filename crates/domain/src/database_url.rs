//! What the URL of a database holds that nobody may see.

/// Whether a parameter of the URL is a password: libpq takes `password` and `sslpassword` there, besides the one
/// before the host.
pub fn is_password(parameter: &str) -> bool {
    parameter.ends_with("password")
}
