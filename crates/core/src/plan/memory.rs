//! Which objects are unchanged since their last purge, and what is to be remembered after this one.
//!
//! An object is one of a team: its mappings with `skip_unchanged` are skipped together, or not at all.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use crate::model::bounds;
use crate::model::change::{Change, ChangeKind};
use crate::model::event::Event;
use crate::model::last_purge::{LastPurge, LastPurges, PurgedContent, Sequencer, TeamObject};
use crate::model::mappings::Mappings;
use crate::model::names::{BucketName, TeamName};
use crate::plan::output::Remember;

/// The objects of an event whose last purge must be known to plan it: those below the source of a mapping with
/// `skip_unchanged`, whatever its globs and events are. So what changes an object that the mapping does not accept is
/// noticed, too. A key that is longer than S3's can be is not remembered, and so never skipped.
pub fn objects_to_remember(mappings: &Mappings, event: &Event) -> BTreeSet<TeamObject> {
    let (mut objects, mut sources) = (BTreeSet::new(), BTreeMap::new());
    for change in event.changes.iter().filter(|change| change.key.len() <= bounds::TEXT) {
        let (bucket, key) = (&change.bucket, change.key.as_str());
        let of_bucket = sources.entry(bucket).or_insert_with(|| SkippingSources::of(mappings, bucket));
        let teams = of_bucket.teams_of(key).filter(|team| change.is_for(team));
        let object = |team: &TeamName| TeamObject { team: team.clone(), bucket: bucket.clone(), key: key.to_owned() };
        objects.extend(teams.map(object));
    }
    objects
}

/// The sources of a bucket's mappings with `skip_unchanged`. Many mappings share one, and few prefixes are of different
/// lengths, so that a key costs a few lookups whatever the number of mappings is.
#[derive(Debug, Default)]
struct SkippingSources<'m> {
    teams_by_prefix: HashMap<&'m str, BTreeSet<&'m TeamName>>,
    prefix_lengths: BTreeSet<usize>,
}

impl<'m> SkippingSources<'m> {
    fn of(mappings: &'m Mappings, bucket: &BucketName) -> Self {
        let mut sources = Self::default();
        for (_, mapping) in mappings.of_bucket(bucket).filter(|(_, mapping)| mapping.skip_unchanged) {
            let prefix = mapping.source.prefix.as_str();
            sources.prefix_lengths.insert(prefix.len());
            sources.teams_by_prefix.entry(prefix).or_default().insert(&mapping.team);
        }
        sources
    }

    /// The teams with a source that a key is below; a team may be there more than once.
    fn teams_of<'s>(&'s self, key: &'s str) -> impl Iterator<Item = &'m TeamName> + 's {
        let lengths = self.prefix_lengths.range(..=key.len());
        let prefixes = lengths.filter_map(|length| key.get(..*length));
        prefixes.filter_map(|prefix| self.teams_by_prefix.get(prefix)).flatten().copied()
    }
}

/// The objects of an event whose last purges are known, or should be.
#[derive(Debug)]
pub(super) struct Memory<'p> {
    objects: Vec<ObjectMemory<'p>>,
    /// By bucket and key: the teams, with their objects' indices.
    by_key: HashMap<(&'p BucketName, &'p str), Vec<usize>>,
}

/// An object, its changes in the event, and what became of them.
#[derive(Debug)]
struct ObjectMemory<'p> {
    object: &'p TeamObject,
    /// `None` if it can't be read.
    before: Option<&'p LastPurge>,
    changes: Vec<RememberedChange<'p>>,
    /// Changes that come back for a second purge, or to be verified. They write no content; but if such a purge fails, caches
    /// may hold another one than what is remembered.
    returning: Vec<&'p Change>,
    /// Whether its changes are not purged.
    is_unchanged: bool,
}

#[derive(Debug)]
struct RememberedChange<'p> {
    change: &'p Change,
    /// A hash of what mappings with `skip_unchanged` purge for it; `None` if they do not purge it, or not as they ask.
    items: Option<u64>,
    /// Whether mappings with `skip_unchanged` purge it.
    is_purged: bool,
}

impl<'p> Memory<'p> {
    pub(super) fn new(changes: &'p [Change], last_purges: &'p LastPurges) -> Self {
        let mut memory = Self { objects: Vec::with_capacity(last_purges.0.len()), by_key: HashMap::new() };
        for (object, before) in &last_purges.0 {
            let of_key = memory.by_key.entry((&object.bucket, object.key.as_str())).or_default();
            of_key.push(memory.objects.len());
            let before = before.as_ref();
            let (changes, returning) = (Vec::new(), Vec::new());
            memory.objects.push(ObjectMemory { object, before, changes, returning, is_unchanged: false });
        }
        for change in changes {
            for index in memory.by_key.get(&(&change.bucket, change.key.as_str())).into_iter().flatten() {
                match memory.objects.get_mut(*index) {
                    Some(object) if change.is_for(&object.object.team) => object.add(change),
                    _ => {}
                }
            }
        }
        memory
    }

    /// The teams that remember the object of a change. None for a second purge, which is never skipped.
    pub(super) fn teams(&self, change: &Change) -> Vec<&'p TeamName> {
        if self.objects.is_empty() || change.comes_back() {
            return Vec::new();
        }
        let indices = self.by_key.get(&(&change.bucket, change.key.as_str())).into_iter().flatten();
        indices.filter_map(|index| Some(&self.objects.get(*index)?.object.team)).collect()
    }

    /// Notes what a team's mappings with `skip_unchanged` purge for a change. Returns whether that is not to be purged.
    pub(super) fn note(&mut self, change: &Change, team: &TeamName, items: Option<u64>) -> bool {
        let indices = self.by_key.get(&(&change.bucket, change.key.as_str())).into_iter().flatten();
        let mut indices = indices.copied();
        let Some(index) = indices.find(|index| self.objects.get(*index).is_some_and(|it| it.object.team == *team))
        else {
            return false;
        };
        self.objects.get_mut(index).is_some_and(|object| object.note(change, items))
    }

    /// What is to be remembered once the batches have ended, by object.
    pub(super) fn into_remember(self) -> Vec<Remember> {
        let mut remember: Vec<Remember> = self.objects.iter().filter_map(ObjectMemory::remember).collect();
        remember.sort_by(|one, other| one.object.cmp(&other.object));
        remember
    }
}

impl<'p> ObjectMemory<'p> {
    fn add(&mut self, change: &'p Change) {
        match change.comes_back() {
            true => self.returning.push(change),
            false => self.changes.push(RememberedChange { change, items: None, is_purged: false }),
        }
    }

    fn note(&mut self, change: &Change, items: Option<u64>) -> bool {
        let is_unchanged = items.is_some() && self.unchanged_content().is_some_and(|known| Some(known.items) == items);
        self.is_unchanged |= is_unchanged;
        if let Some(noted) = self.changes.iter_mut().find(|it| std::ptr::eq(it.change, change)) {
            (noted.items, noted.is_purged) = (items, !is_unchanged);
        }
        is_unchanged
    }

    /// The content that was purged last, if all changes of the event only wrote it again, and none is older.
    fn unchanged_content(&self) -> Option<&'p PurgedContent> {
        let before = self.before?;
        let content = before.content.as_ref()?;
        let wrote_it = |RememberedChange { change, .. }: &RememberedChange<'_>| {
            change.kind == ChangeKind::Created
                && change.written_etag().is_some_and(|etag| etag.as_str() == content.etag)
                && change.version.sequencer.is_some()
                && change.version.sequencer >= before.sequencer
        };
        self.changes.iter().all(wrote_it).then_some(content)
    }

    fn remember(&self) -> Option<Remember> {
        let Some(newest) = self.changes.iter().max_by(|one, other| one.sequencer().cmp(&other.sequencer())) else {
            return self.keep();
        };
        let remember = |content, sequencer: Option<&Sequencer>| self.remember_as(newest.change, content, sequencer);
        let Some(before) = self.before else { return Some(remember(None, None)) };
        let known = before.sequencer.as_ref();
        let is_ordered = self.changes.iter().all(|it| it.sequencer().is_some());
        if !is_ordered {
            let is_purged = self.changes.iter().any(|it| it.is_purged);
            // What has no place among the events may be the newest.
            return (is_purged || before.content.is_some()).then(|| remember(None, newest.sequencer().max(known)));
        }
        if self.is_unchanged {
            // The next purge of other content must not overtake this event unseen.
            return (newest.sequencer() > known).then(|| remember(before.content.clone(), newest.sequencer()));
        }
        // A purge for an older event leaves what is known as it is: caches hold nothing older than they did.
        if newest.sequencer() < known {
            return None;
        }
        let content = newest.content();
        let is_purged = self.changes.iter().any(|it| it.is_purged);
        (is_purged || before.content.is_some()).then(|| remember(content, newest.sequencer()))
    }

    /// What was remembered stays, if the purges of what came back do not fail.
    fn keep(&self) -> Option<Remember> {
        let newest = self.returning.first()?;
        match self.before {
            None => Some(self.remember_as(newest, None, None)),
            Some(LastPurge { content: None, .. }) => None,
            Some(before) => Some(self.remember_as(newest, before.content.clone(), before.sequencer.as_ref())),
        }
    }

    fn remember_as(&self, newest: &Change, content: Option<PurgedContent>, sequencer: Option<&Sequencer>) -> Remember {
        let changes = self.changes.iter().map(|it| it.change).chain(self.returning.iter().copied());
        Remember {
            object: self.object.clone(),
            origins: changes.map(|change| change.origin.clone()).collect(),
            changed_at: newest.time,
            before: self.before.cloned(),
            content,
            sequencer: sequencer.copied(),
        }
    }
}

impl RememberedChange<'_> {
    fn sequencer(&self) -> Option<&Sequencer> {
        self.change.version.sequencer.as_ref()
    }

    /// The content that caches hold after its purge.
    fn content(&self) -> Option<PurgedContent> {
        let etag = self.change.written_etag().filter(|_| self.change.kind == ChangeKind::Created)?;
        Some(PurgedContent { etag: etag.as_str().to_owned(), items: self.items? })
    }
}
