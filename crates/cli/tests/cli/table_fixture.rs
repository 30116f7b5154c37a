//! A table on AWS's own DynamoDB engine, and the command that edits it.

use std::process::Command;

use purge_router_dynamodb_local::Table;

use crate::fixtures::{Answer, MAPPINGS, WorkFolder};

/// A folder with a mapping file, and a table behind a proxy.
pub(crate) struct TableFixture {
    pub(crate) folder: WorkFolder,
    pub(crate) table: Table,
}

impl TableFixture {
    pub(crate) async fn new() -> Self {
        Self { folder: WorkFolder::new(), table: Table::new().await }
    }

    /// With grants and mappings of both teams in the table.
    pub(crate) async fn pushed() -> Self {
        let fixture = Self::new().await;
        fixture.run(&["grants", "push", "--yes"]).with_code(0);
        fixture.run(&["mappings", "push", "--yes"]).with_code(0);
        fixture
    }

    /// Runs as the user alice.
    pub(crate) fn run(&self, args: &[&str]) -> Answer {
        self.run_as("alice", args)
    }

    pub(crate) fn run_as(&self, user: &str, args: &[&str]) -> Answer {
        self.folder.run_with(args, &self.variables(user), b"")
    }

    pub(crate) fn variables<'v>(&'v self, user: &'v str) -> [(&'v str, &'v str); 5] {
        [
            ("AWS_REGION", "eu-west-1"),
            ("AWS_ACCESS_KEY_ID", user),
            ("AWS_SECRET_ACCESS_KEY", "secret"),
            ("AWS_ENDPOINT_URL", &self.table.proxy.url),
            ("MAPPINGS_TABLE", &self.table.name),
        ]
    }

    pub(crate) fn command(&self, user: &str) -> Command {
        let mut command = self.folder.command();
        command.envs(self.variables(user));
        command
    }

    /// Changes the mapping file.
    pub(crate) fn edit(&self, from: &str, to: &str) {
        let text = self.folder.read("mappings.toml");
        assert!(text.contains(from), "{text}");
        self.folder.write("mappings.toml", text.replace(from, to));
    }

    pub(crate) fn checksum(&self, args: &[&str]) -> String {
        let diff = self.run(&[&["mappings", "diff", "--json"], args].concat()).with_code(0).json();
        diff["checksum"].as_str().unwrap().to_owned()
    }
}

/// So many mappings of team web, each of a folder of its own.
pub(crate) fn many(count: usize, include: &str) -> String {
    let head = MAPPINGS.split("[[teams.web.mappings]]").next().unwrap();
    let mapping = |index: usize| {
        format!(
            "[[teams.web.mappings]]\nsource = \"s3://assets.website.com/{index:04}/\"\nzones = [\"website.com\"]\n\
             include = [\"{include}\"]\n"
        )
    };
    format!("{head}{}", (0..count).map(mapping).collect::<String>())
}
