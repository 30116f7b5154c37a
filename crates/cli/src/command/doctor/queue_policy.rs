//! Whether a queue's policy lets a bucket send. Only what the template writes is understood; anything else is not taken for
//! a permission.

use serde_json::Value;

/// Whether a statement of the policy allows S3 to send messages for this bucket.
pub(super) fn allows_bucket(policy: &str, bucket: &str) -> bool {
    let Ok(policy) = serde_json::from_str::<Value>(policy) else { return false };
    let arn = format!("arn:aws:s3:::{bucket}");
    all_of(&policy["Statement"]).iter().any(|statement| {
        statement["Effect"] == "Allow"
            && texts(&statement["Action"])
                .iter()
                .any(|action| matches!(action.to_ascii_lowercase().as_str(), "sqs:sendmessage" | "sqs:*"))
            && is_s3(&statement["Principal"])
            && names_bucket(&statement["Condition"], &arn)
    })
}

fn is_s3(principal: &Value) -> bool {
    *principal == "*" || texts(&principal["Service"]).contains(&"s3.amazonaws.com") || principal["AWS"] == "*"
}

/// Whether the conditions on the sender's ARN, if there are any, hold for this one.
fn names_bucket(condition: &Value, arn: &str) -> bool {
    let Some(operators) = condition.as_object() else { return true };
    operators.iter().all(|(operator, keys)| {
        let source = keys.as_object().into_iter().flatten().find(|(key, _)| key.eq_ignore_ascii_case("aws:SourceArn"));
        let Some((_, patterns)) = source else { return true };
        let is_exact = matches!(operator.as_str(), "StringEquals" | "StringEqualsIfExists");
        texts(patterns).iter().any(|pattern| {
            let pattern = in_this_partition(pattern);
            if is_exact { pattern == arn } else { is_like(&pattern, arn) }
        })
    })
}

/// The ARNs of other partitions, such as `arn:aws-cn:s3:::`, written like those of the main one.
fn in_this_partition(arn: &str) -> String {
    match arn.split_once(":s3:::") {
        Some((partition, rest)) if partition.starts_with("arn:aws") => format!("arn:aws:s3:::{rest}"),
        _ => arn.to_owned(),
    }
}

/// IAM's patterns: `*` is any text, `?` any character.
fn is_like(pattern: &str, text: &str) -> bool {
    match (pattern.chars().next(), text.chars().next()) {
        (None, None) => true,
        (Some('*'), _) => {
            is_like(&pattern[1..], text)
                || text.chars().next().is_some_and(|first| is_like(pattern, &text[first.len_utf8()..]))
        }
        (Some('?'), Some(first)) => is_like(&pattern[1..], &text[first.len_utf8()..]),
        (Some(one), Some(other)) if one == other => is_like(&pattern[one.len_utf8()..], &text[one.len_utf8()..]),
        _ => false,
    }
}

fn all_of(value: &Value) -> Vec<&Value> {
    value.as_array().map_or_else(|| vec![value], |all| all.iter().collect())
}

fn texts(value: &Value) -> Vec<&str> {
    all_of(value).into_iter().filter_map(Value::as_str).collect()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_statement_must_allow_s3_to_send_for_this_bucket() {
        let statement = |effect: &str, service: &str, action: &str, condition: Value| {
            let principal = json!({ "Service": service });
            json!({ "Effect": effect, "Principal": principal, "Action": action, "Condition": condition })
        };
        let like =
            |arn: &str| json!({ "ArnLike": { "aws:SourceArn": [arn] }, "StringEquals": { "aws:SourceAccount": "1" } });
        let s3 = "s3.amazonaws.com";
        for (expected, statement) in [
            (true, statement("Allow", s3, "sqs:SendMessage", like("arn:aws:s3:::assets"))),
            (true, statement("Allow", s3, "SQS:SendMessage", like("arn:aws:s3:::a*"))),
            (true, statement("Allow", s3, "sqs:*", json!({}))),
            (false, statement("Allow", s3, "sqs:SendMessage", like("arn:aws:s3:::other"))),
            (false, statement("Allow", "sns.amazonaws.com", "sqs:SendMessage", like("arn:aws:s3:::assets"))),
            (false, statement("Deny", s3, "sqs:SendMessage", like("arn:aws:s3:::assets"))),
            (false, statement("Allow", s3, "sqs:ReceiveMessage", like("arn:aws:s3:::assets"))),
            (
                false,
                statement(
                    "Allow",
                    s3,
                    "sqs:SendMessage",
                    json!({ "StringEquals": { "aws:SourceArn": "arn:aws:s3:::a*" } }),
                ),
            ),
        ] {
            let policy = json!({ "Statement": [statement] }).to_string();
            assert_eq!(allows_bucket(&policy, "assets"), expected, "{policy}");
        }
        assert!(!allows_bucket("not JSON", "assets"));
    }
}
