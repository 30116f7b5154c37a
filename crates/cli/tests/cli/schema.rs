//! `schema`, and the line by which `init` names it.

use serde_json::Value;

use crate::fixtures::WorkFolder;

#[test]
fn init_writes_the_schema_that_its_first_line_names() {
    let folder = WorkFolder::empty();
    folder.run(&["init"]).with_code(0);
    let mappings = folder.read("mappings.toml");
    let named = mappings.lines().next().unwrap().strip_prefix("#:schema ./").unwrap();
    let printed = folder.run(&["schema"]).with_code(0).stdout;
    assert_eq!(folder.read(named), printed);
    let schema: Value = serde_json::from_str(&printed).unwrap();
    assert_eq!(schema["$schema"], "http://json-schema.org/draft-07/schema#");
    let plan = "/properties/teams/additionalProperties/properties/zones/additionalProperties/properties/plan/enum";
    assert_eq!(schema.pointer(plan).unwrap().as_array().unwrap().len(), 4);
    folder.run(&["init", "more.toml"]).with_code(0);
}

#[test]
fn a_schema_of_another_release_is_changed_only_by_force() {
    let folder = WorkFolder::empty();
    folder.write("purge-router.schema.json", "{}");
    let answer = folder.run(&["init"]).with_code(0);
    assert!(answer.stderr.contains("not purge-router.schema.json, which is of another release"), "{answer}");
    assert_eq!(folder.read("purge-router.schema.json"), "{}");
    folder.run(&["init", "--force"]).with_code(0);
    assert_ne!(folder.read("purge-router.schema.json"), "{}");
}
