//! Commands on pages: `purge-router …` as the built program has them, and `cargo xtask …` as its usage has them.

use super::help::Help;
use super::markdown::Page;
use super::shell::{Command, parse};

/// What may stand before a command.
const KEYWORDS: &[&str] = &["do", "then", "else", "if", "while", "!", "{", "time", "exec"];

/// Each comment behind a command. An interactive zsh takes its words for arguments.
pub(crate) fn comments_behind_commands(page: &Page) -> Vec<String> {
    let blocks = page.blocks.iter().filter(|block| block.language == "sh");
    let lines = blocks.flat_map(|block| parse(&block.text, block.line).comments_behind);
    lines.map(|line| format!("{}: a comment behind a command breaks in zsh: write it above", page.at(line))).collect()
}

/// Each command of `purge-router` that does not exist, or not with these options.
pub(crate) fn unknown_commands<F: FnMut(&[String]) -> Result<String, String>>(
    page: &Page,
    help: &mut Help<F>,
) -> Result<Vec<String>, String> {
    let mut problems = Vec::new();
    if is_history(page) {
        return Ok(problems);
    }
    for command in commands(page, help)? {
        if let Some(arguments) = arguments_of_program(&command.words) {
            let problem = unknown_argument(arguments, help)?;
            problems.extend(problem.map(|problem| format!("{}: {problem}", page.at(command.line))));
        }
    }
    Ok(problems)
}

/// Each `cargo xtask …` that its usage does not have.
pub(crate) fn unknown_tasks(page: &Page, usage: &str) -> Vec<String> {
    let tasks: Vec<&str> = usage.lines().filter_map(|line| line.strip_prefix("  ")).collect();
    let tasks: Vec<&str> = tasks.into_iter().filter(|line| !line.starts_with(' ')).collect();
    let mut problems = Vec::new();
    for command in shown(page).filter(|_| !is_history(page)) {
        let Some(words) = after(command_words(&command.words), &["cargo", "xtask"]) else { continue };
        let problem = unknown_task(words, &tasks);
        problems.extend(problem.map(|problem| format!("{}: {problem}", page.at(command.line))));
    }
    problems
}

/// Pages that speak of earlier versions.
fn is_history(page: &Page) -> bool {
    page.path.ends_with("CHANGELOG.md") || page.path.starts_with("docs/decisions")
}

/// Commands in blocks of `sh`, behind `$ ` in other blocks, and in code within a line.
fn shown(page: &Page) -> impl Iterator<Item = Command> {
    let blocks = page.blocks.iter().flat_map(|block| match block.language.as_str() {
        "sh" => parse(&block.text, block.line).commands,
        "text" => block.text.lines().zip(block.line..).flat_map(|(line, at)| typed(line, at)).collect(),
        _ => Vec::new(),
    });
    blocks.chain(page.spans.iter().flat_map(|span| parse(&span.text, span.line).commands))
}

fn typed(line: &str, at: usize) -> Vec<Command> {
    line.strip_prefix("$ ").map(|command| parse(command, at).commands).unwrap_or_default()
}

/// All commands of a page, and code within a line that names one without the program, such as `tokens verify`.
fn commands<F: FnMut(&[String]) -> Result<String, String>>(
    page: &Page,
    help: &mut Help<F>,
) -> Result<Vec<Command>, String> {
    let mut commands: Vec<Command> = shown(page).collect();
    for span in &page.spans {
        let words: Vec<&str> = span.text.split(' ').collect();
        let &[first, second, ..] = &words[..] else { continue };
        if !help.of(&[])?.subcommands.contains(first) {
            continue;
        }
        let has_subcommands = !help.of(&[first.to_owned()])?.subcommands.is_empty();
        let is_word = second.bytes().all(|byte| byte.is_ascii_lowercase() || byte == b'-');
        if second.starts_with("--") || (has_subcommands && is_word && second != "-") {
            commands.extend(parse(&format!("purge-router {}", span.text), span.line).commands);
        }
    }
    Ok(commands)
}

fn arguments_of_program(words: &[String]) -> Option<&[String]> {
    let words = command_words(words);
    after(words, &["purge-router"]).or_else(|| after(words, &["cargo", "run", "--"]))
}

/// The words from the command's name on.
fn command_words(words: &[String]) -> &[String] {
    let is_before = |word: &String| KEYWORDS.contains(&word.as_str()) || is_assignment(word);
    let start = words.iter().position(|word| !is_before(word)).unwrap_or(words.len());
    &words[start..]
}

fn is_assignment(word: &str) -> bool {
    word.split_once('=').is_some_and(|(name, _)| {
        !name.is_empty() && name.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_')
    })
}

fn after<'w>(words: &'w [String], start: &[&str]) -> Option<&'w [String]> {
    let begins = words.len() >= start.len() && words.iter().zip(start).all(|(word, start)| word == start);
    begins.then(|| &words[start.len()..])
}

fn unknown_argument<F: FnMut(&[String]) -> Result<String, String>>(
    words: &[String],
    help: &mut Help<F>,
) -> Result<Option<String>, String> {
    let mut path: Vec<String> = Vec::new();
    let mut words = words.iter();
    while let Some(word) = words.next() {
        if word.contains('…') {
            return Ok(None);
        }
        let usage = help.of(&path)?;
        let name = word.split('=').next().unwrap_or_default();
        if usage.subcommands.contains(word) {
            path.push(word.clone());
        } else if word.len() > 1 && word.starts_with('-') {
            match usage.options.get(name) {
                None => return Ok(Some(format!("`{}` has no option {name}", whole(&path)))),
                Some(takes_value) if *takes_value && name == word => _ = words.next(),
                Some(_) => (),
            }
        } else if !usage.subcommands.is_empty() {
            return Ok(Some(format!("`{}` has no command {word}", whole(&path))));
        } else if !usage.takes_arguments {
            return Ok(Some(format!("`{}` takes no argument, but {word} is one", whole(&path))));
        }
    }
    Ok(None)
}

fn whole(path: &[String]) -> String {
    let words: Vec<&str> = ["purge-router"].into_iter().chain(path.iter().map(String::as_str)).collect();
    words.join(" ")
}

fn unknown_task(words: &[String], tasks: &[&str]) -> Option<String> {
    let first = words.first().filter(|word| !word.contains('…'))?;
    let of_name = tasks.iter().filter(|task| task.split(' ').next() == Some(first));
    // `bench way` is a task of its own.
    let is_named =
        |task: &&&str| task.split(' ').nth(1).is_some_and(|second| words.get(1).is_some_and(|it| it == second));
    let Some(task) = of_name.clone().find(is_named).or_else(|| of_name.clone().next()) else {
        return Some(format!("`cargo xtask` has no command {first}"));
    };
    let unknown = words.iter().find(|word| word.starts_with("--") && !task.contains(word.as_str()));
    unknown.map(|option| format!("`cargo xtask {first}` has no option {option}"))
}

#[cfg(test)]
mod tests;
