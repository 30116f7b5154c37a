// What the function's role, an operator and a team's editors may do, by evaluation of the policies of infra/.

import assert from 'node:assert/strict'
import test from 'node:test'
import { cases, judge } from './cases.mjs'
import { main, resolve, role, TABLE, team } from './templates.mjs'

test('policies', async (t) => {
  for (const it of cases) {
    const verb = it.expected === 'Allowed' ? 'may' : 'may not'
    const keys = it.keys?.join(' + ') ?? 'no keys'
    await t.test(`${it.who} ${verb} ${it.action} of ${keys} on ${it.on}`, async () => {
      assert.equal(await judge(it), it.expected)
    })
  }
})

test('the role has no policies besides', () => {
  assert.deepEqual(Object.keys(role).sort(), ['AssumeRolePolicyDocument', 'Policies'])
})

test('a stack of a team takes names of teams and tables only', async (t) => {
  const names = {
    Team: {
      good: ['web', 'web-eu', '0', 'a'.repeat(32)],
      bad: ['', 'Web', '-web', 'web*', 'web?', 'web#docs', 'a b', '${aws:username}', 'web\n', 'a'.repeat(33)],
    },
    TableArn: {
      good: [TABLE, TABLE.replace('arn:aws:', 'arn:aws-cn:')],
      bad: ['*', `${TABLE}*`, `${TABLE}/*`, `${TABLE}/index/by-bucket`, 'purge-router-Table-1', 'arn:aws:s3:::bucket'],
    },
  }
  for (const [parameter, { good, bad }] of Object.entries(names)) {
    const pattern = new RegExp(team.Parameters[parameter].AllowedPattern)
    for (const name of good) await t.test(`${parameter} ${name}`, () => assert.match(name, pattern))
    for (const name of bad) {
      await t.test(`no ${parameter} ${JSON.stringify(name)}`, () => assert.doesNotMatch(name, pattern))
    }
  }
})

test('the function gets either the table or a mapping file', () => {
  const { Variables } = main.Resources.Function.Properties.Environment
  const settings = (parameters) => {
    const { MAPPINGS_TABLE, MAPPINGS_FILE } = resolve(main, Variables, parameters)
    return [MAPPINGS_TABLE, MAPPINGS_FILE]
  }
  assert.deepEqual(settings({}), ['purge-router-Table-1', undefined])
  assert.deepEqual(settings({ MappingsFile: 'mappings.toml' }), [undefined, 'mappings.toml'])
})
