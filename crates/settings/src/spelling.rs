//! What was meant by a name that does not exist.

/// Adds a suggestion to an error about an unknown name.
pub(super) fn did_you_mean(message: String) -> String {
    let Some((_, rest)) = message.split_once("unknown field `") else { return message };
    let mut names = rest.split('`').step_by(2);
    let Some(found) = names.next() else { return message };
    let likeness = |name: &str| (strsim::jaro_winkler(found, name) * 1000.0) as u32;
    let best = rest.split('`').skip(2).step_by(2).max_by_key(|name| likeness(name));
    match best.filter(|name| likeness(name) > 750) {
        Some(best) => format!("{}; did you mean `{best}`?", message.trim_end()),
        None => message,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_meant_is_suggested_where_it_is_near() {
        let shown = did_you_mean("unknown field `hour`, expected one of `hours`, `days`".into());
        assert!(shown.ends_with("did you mean `hours`?"), "{shown}");
        let far = "unknown field `xyz`, expected `hours` or `days`".to_owned();
        assert_eq!(did_you_mean(far.clone()), far);
        assert_eq!(did_you_mean("something else".into()), "something else");
    }
}
