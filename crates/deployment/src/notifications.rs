//! Where a bucket sends its notifications.

use aws_config::SdkConfig;
use purge_router_aws::CallError;
use roxmltree::{Document, Node};

use crate::signed::{Call, Service, encoded, send, text_of, unexpected};

/// The elements of notifications, each with the element of its target.
const TARGETS: [(&str, &str); 3] =
    [("QueueConfiguration", "Queue"), ("TopicConfiguration", "Topic"), ("CloudFunctionConfiguration", "CloudFunction")];

/// Where a bucket sends its notifications.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Notifications {
    /// Those to queues, topics and functions.
    pub all: Vec<Notification>,
    /// Whether it sends all its events to EventBridge.
    pub event_bridge: bool,
}

/// One of a bucket's notifications.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Notification {
    /// The ARN of a queue, a topic or a function.
    pub target: String,
    /// S3's names, such as `s3:ObjectCreated:*`.
    pub events: Vec<String>,
    /// What keys begin with, as S3 compares it.
    pub prefix: String,
    /// What keys end in.
    pub suffix: String,
}

/// Reads where a bucket sends its notifications.
///
/// # Errors
/// See [`CallError`].
pub async fn notifications_of(config: &SdkConfig, bucket: &str) -> Result<Notifications, CallError> {
    let call = Call::get(Service::S3, format!("/{}?notification", encoded(bucket)));
    read(&send(config, &call).await?)
}

fn read(text: &str) -> Result<Notifications, CallError> {
    let document = Document::parse(text).map_err(|error| unexpected(&error))?;
    let elements = || document.root_element().children().filter(Node::is_element);
    let all = elements().filter_map(|it| {
        let (_, target) = TARGETS.into_iter().find(|(name, _)| it.tag_name().name() == *name)?;
        Some(notification(it, &text_of(it, target)))
    });
    let event_bridge = elements().any(|it| it.tag_name().name() == "EventBridgeConfiguration");
    Ok(Notifications { all: all.collect(), event_bridge })
}

fn notification(element: Node<'_, '_>, target: &str) -> Notification {
    let named = |name: &'static str| element.descendants().filter(move |it| it.tag_name().name() == name);
    // S3 accepts the names of rules in any case, and returns them as they were written.
    let rule = |wanted: &str| {
        let rule = named("FilterRule").find(|rule| text_of(*rule, "Name").eq_ignore_ascii_case(wanted));
        rule.map(|rule| text_of(rule, "Value")).unwrap_or_default()
    };
    Notification {
        target: target.to_owned(),
        events: named("Event").filter_map(|it| it.text()).map(str::to_owned).collect(),
        prefix: rule("prefix"),
        suffix: rule("suffix"),
    }
}

impl Notification {
    /// Whether it reports this kind of event for keys of a folder, such as `s3:ObjectRemoved:` for `uk/`.
    pub fn covers(&self, event: &str, prefix: &str) -> bool {
        prefix.starts_with(&self.prefix) && self.events.iter().any(|name| name.starts_with(event))
    }

    /// Whether it may report some keys of a folder.
    pub fn overlaps(&self, prefix: &str) -> bool {
        prefix.starts_with(&self.prefix) || self.prefix.starts_with(prefix)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn queues_topics_functions_and_the_bus_are_read_with_their_filters() {
        let text = r#"<NotificationConfiguration xmlns="http://s3.amazonaws.com/doc/2006-03-01/">
            <QueueConfiguration><Id>1</Id><Queue>arn:q</Queue><Event>s3:ObjectCreated:*</Event><Event>s3:ObjectRemoved:*</Event>
              <Filter><S3Key><FilterRule><Name>Prefix</Name><Value>uk/</Value></FilterRule>
              <FilterRule><Name>suffix</Name><Value>.css</Value></FilterRule></S3Key></Filter></QueueConfiguration>
            <TopicConfiguration><Topic>arn:t</Topic><Event>s3:ObjectCreated:Put</Event></TopicConfiguration>
            <CloudFunctionConfiguration><CloudFunction>arn:f</CloudFunction></CloudFunctionConfiguration>
            <EventBridgeConfiguration/></NotificationConfiguration>"#;
        let found = read(text).unwrap();
        let targets: Vec<&str> = found.all.iter().map(|it| it.target.as_str()).collect();
        assert_eq!((targets, found.event_bridge), (vec!["arn:q", "arn:t", "arn:f"], true));
        let first = &found.all[0];
        assert_eq!((first.prefix.as_str(), first.suffix.as_str(), first.events.len()), ("uk/", ".css", 2));
        assert!(
            first.covers("s3:ObjectRemoved:", "uk/img/")
                && !first.covers("s3:ObjectRemoved:", "")
                && first.overlaps("")
        );
        assert_eq!(read("<NotificationConfiguration/>").unwrap(), Notifications::default());
        assert!(read("nonsense").is_err());
    }
}
