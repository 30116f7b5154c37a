//! A test of mappings: its object, its event, and what it expects.

use purge_router_core::bounds;
use purge_router_core::{Change, ChangeKind, Code, Invalid, Team};

use crate::decoded::{Decoded, FieldChecker};
use crate::mapping_test::named_item::NamedItem;
use crate::mapping_test::{Expected, MappingTest};
use crate::problem::Problem;
use crate::spec::TestSpec;
use crate::validate::words::word;

/// The valid tests of a team. What is wrong is added to `problems`. `knows_zones`: whether `team` has all zones that it
/// declares.
pub(crate) fn tests<'d>(
    team: &Team,
    knows_zones: bool,
    decoded: impl IntoIterator<Item = &'d Decoded<TestSpec>>,
    problems: &mut Vec<Problem>,
) -> Vec<MappingTest> {
    let mut tests = Vec::new();
    for (index, decoded) in decoded.into_iter().enumerate() {
        let mut checker = decoded.checker.clone();
        if index == bounds::TESTS {
            let message = format!("a team may have {} tests, and this is one more", bounds::TESTS);
            checker.note_whole(Invalid::new(Code::TooManyTests, message, "delete some"));
            problems.extend(checker.into_problems());
            break;
        }
        tests.extend(decoded.spec.as_ref().and_then(|spec| test(team, knows_zones, spec, &mut checker)));
        problems.extend(checker.into_problems());
    }
    tests
}

/// The problems of tests whose object the team does not own: no mapping of the team can accept it, so what must not be purged
/// can't fail. Tests in the table are not held against this, so that what a change of `owns` does to them can be shown.
pub(crate) fn not_owned<'t>(team: &'t Team, tests: &'t [MappingTest]) -> impl Iterator<Item = Problem> + 't {
    let is_owned = |change: &Change| {
        team.owns.iter().any(|it| it.bucket == change.bucket && change.key.starts_with(it.prefix.as_str()))
    };
    tests.iter().filter(move |test| !is_owned(&test.change)).map(|test| {
        let message = format!("team {} does not own `{}`", team.name, test.change.object());
        let help = "name an object below what the team `owns`: no other can match its mappings";
        Problem::new(test.place.key("object"), Invalid::new(Code::SourceNotOwned, message, help))
    })
}

fn test(team: &Team, knows_zones: bool, spec: &TestSpec, checker: &mut FieldChecker) -> Option<MappingTest> {
    let event = word(Code::UnknownEvent, "an event", ChangeKind::WORDS);
    let kind = checker.optional("event", spec.event.as_deref(), event).unwrap_or(ChangeKind::Created);
    let object = |text: &str| Change::of_object(text, kind);
    let help = "name the object that changes: `object = \"s3://bucket/key\"`";
    let change = checker.required("object", spec.object.as_deref(), help, object);
    let item = |text: &str| {
        let item = NamedItem::parse(text)?;
        if knows_zones {
            item.check(team)?;
        }
        Ok(item)
    };
    let help = "name something, or leave it out";
    let mut items = |field, items: &Option<Vec<String>>| checker.filled_list(field, items.as_deref(), help, item);
    let (purges, not_purges) = (items("purges", &spec.purges), items("not_purges", &spec.not_purges));
    let has_items = purges.is_some() || not_purges.is_some();
    let is_unmatched = spec.unmatched.unwrap_or_default();
    if !checker.has_problems() && !has_items && !is_unmatched {
        let help = "write `purges`, `not_purges` or `unmatched = true`";
        checker.note_whole(Invalid::new(Code::TestWithoutExpectation, "the test expects nothing", help));
    }
    if has_items && is_unmatched {
        let message = "what no mapping accepts purges nothing, so `purges` and `not_purges` have no place";
        checker.note("unmatched", Invalid::new(Code::UnmatchedWithItems, message, "remove it, or them"));
    }
    let expected = match is_unmatched {
        true => Expected::Unmatched,
        false => Expected::Items { purges: purges.unwrap_or_default(), not_purges: not_purges.unwrap_or_default() },
    };
    let place = checker.place.clone();
    Some(MappingTest { place, team: team.name.clone(), change: change?, expected }).filter(|_| !checker.has_problems())
}
