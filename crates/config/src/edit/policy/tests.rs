//! Each objection to a push, without a table.

use super::*;
use crate::rows::fields::Fields;
use crate::rows::row_key::RowKey;

fn web() -> TeamName {
    TeamName::parse("web").unwrap()
}

fn mappings(count: usize, include: &str) -> Rows {
    let fields: Fields = [("include".to_owned(), include.into())].into_iter().collect();
    let key = |index: usize| RowKey::Mapping { team: web(), id: format!("{index:02}") };
    (0..count).map(|index| (key(index), fields.clone())).collect()
}

/// Reviews a push that leads from `before` to `after`.
fn reviewed(before: &Rows, after: &Rows, force: bool) -> Result<(), Objection> {
    let diff = Diff::between(before, after);
    let push =
        ProposedPush { team: None, before, diff: &diff, revision: 3, last: None, pulled: None, removed_teams: &[] };
    push.review(force)
}

#[test]
fn a_usual_change_has_no_objection() {
    let (before, mut after) = (mappings(10, "*.css"), mappings(10, "*.css"));
    after.extend(mappings(3, "*.js"));
    assert_eq!(reviewed(&before, &after, false), Ok(()));
    assert_eq!(reviewed(&before, &before, false), Ok(()));
    assert_eq!(reviewed(&Rows::new(), &before, false), Ok(()));
}

#[test]
fn a_large_change_needs_force() {
    let (before, after) = (mappings(10, "*.css"), mappings(6, "*.css"));
    let large = LargeChange { kind: RowKind::Mapping, touched: 4, of: 10 };
    let objection = reviewed(&before, &after, false).unwrap_err();
    assert_eq!(objection, Objection::LargeChange(large));
    let message = "4 of 10 mappings would be changed or removed, more than 30 %: add --force if you mean that";
    assert_eq!(objection.to_string(), message);
    assert_eq!(reviewed(&before, &after, true), Ok(()));
    let last = reviewed(&mappings(1, "*.css"), &Rows::new(), false).unwrap_err();
    assert_eq!(last.to_string(), "this would remove the team's last mapping: add --force if you mean that");
}

#[test]
fn teams_that_the_file_does_not_name_need_force_and_are_all_named() {
    let rows = mappings(1, "*.css");
    let diff = Diff::between(&rows, &Rows::new());
    let zoo = TeamName::parse("zoo").unwrap();
    for (removed, start) in [
        (
            vec![web()],
            "team web is not in the file, so this push would remove all its rows from the table: add --force",
        ),
        (
            vec![web(), zoo],
            "teams web, zoo are not in the file, so this push would remove all their rows from the table",
        ),
    ] {
        let (before, diff, removed_teams) = (&rows, &diff, &removed[..]);
        let push = ProposedPush { team: None, before, diff, revision: 3, last: None, pulled: None, removed_teams };
        let objection = push.review(false).unwrap_err();
        assert_eq!(objection, Objection::RemovesTeams(removed.clone()));
        assert!(objection.to_string().starts_with(start), "{objection}");
        assert_eq!(push.review(true), Ok(()));
    }
}

#[test]
fn a_stale_file_is_refused_even_with_force() {
    let rows = mappings(3, "*.css");
    let diff = Diff::default();
    let push_of = |team: Option<&TeamName>, pulled: &Pulled, revision: u64, last_file: Option<&str>, force: bool| {
        let last = LastPush { by: "user/alice", at: "2026-11-28T10:00:00Z", pulled: last_file };
        let (pulled, last) = (Some(pulled), Some(last));
        ProposedPush { team, before: &rows, diff: &diff, revision, last, pulled, removed_teams: &[] }.review(force)
    };
    let push = |pulled: &Pulled, revision, last_file, force| push_of(None, pulled, revision, last_file, force);
    let mine = Pulled::new(2, 7);
    for force in [false, true] {
        for (team, place) in [(None, "at the top"), (Some(&web()), "in [teams.web]")] {
            let objection = push_of(team, &mine, 3, None, force).unwrap_err();
            let message = format!(
                "your file is based on revision 2; the table is at 3 (pushed by user/alice at 2026-11-28T10:00:00Z): \
                 pull again and redo your edit, or delete the `pulled` line {place} to overwrite"
            );
            assert_eq!(objection.to_string(), message);
        }
        assert!(push(&mine, 3, Some("2-00000008"), force).is_err(), "another copy of the same revision");
        assert!(push(&mine, 1, None, force).is_err(), "the table was restored");
        assert_eq!(push(&mine, 2, None, force), Ok(()));
        assert_eq!(push(&mine, 9, Some("2-00000007"), force), Ok(()), "the same file was pushed before");
    }
}
