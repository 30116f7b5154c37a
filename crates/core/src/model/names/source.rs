//! Advice on sources.

/// How to write a source whose prefix does not end in `/`.
pub(super) fn help_with_prefix(bucket: &str, prefix: &str) -> String {
    let Some((before, _)) = prefix.split_once('*') else {
        return format!("write `s3://{bucket}/{prefix}/`, or `s3://{bucket}/` for all keys");
    };
    let folder = before.rfind('/').and_then(|slash| before.get(..=slash)).unwrap_or_default();
    let pattern = prefix.strip_prefix(folder).unwrap_or(prefix);
    let include = match pattern {
        "*" | "**" => String::new(),
        _ => format!(", and `{pattern}` in the mapping's `include`"),
    };
    format!("a source has no wildcards: write `s3://{bucket}/{folder}`{include}")
}
