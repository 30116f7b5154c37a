// The check of words fails on a page that uses one of them, and only on such a page.

import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { test } from 'node:test';

const TEXTLINT = 'node_modules/textlint/bin/textlint.js';

function textlint(page) {
  const run = spawnSync(process.execPath, [TEXTLINT, '--format', 'unix', '--stdin', '--stdin-filename', 'page.md'], {
    input: page,
    encoding: 'utf8',
  });
  return { status: run.status, problems: run.stdout.split('\n').filter((line) => line.includes('[Error/')) };
}

test('a page in our words passes, and code is not read', () => {
  const { status, problems } = textlint('# A page\n\nSQS redelivers the message.\n\n```sh\n# it lies in SSM\n```\n\nSee `lies in`.\n');
  assert.deepEqual(problems, []);
  assert.equal(status, 0);
});

test('each line of a sabotaged page is reported, also in tables and lists', () => {
  const sabotaged = [
    'The message comes again.',
    '- The token lies in SSM.',
    '| a | whoever reads it |\n| --- | --- |\n| b | c |',
    '> In order to purge, wait.',
    '# The behaviour',
    'A mispelled word.',
  ];
  const { status, problems } = textlint(sabotaged.join('\n\n'));
  assert.equal(status, 1);
  assert.equal(problems.length, sabotaged.length, problems.join('\n'));
});
