// The permissions of the function's role, of an operator and of a team's editors: the policies of infra/, evaluated.

import assert from 'node:assert/strict'
import test from 'node:test'
import { callCases } from './call-cases.mjs'
import { cases } from './cases.mjs'
import { judge } from './judge.mjs'
import { main, resolve, role, ROLE, TABLE, team } from './templates.mjs'
import { sourceCases } from './source-cases.mjs'
import { tokenCases } from './token-cases.mjs'

test('policies', async (t) => {
  for (const it of [...cases, ...callCases, ...tokenCases, ...sourceCases]) {
    const verb = it.expected === 'Allowed' ? 'may' : 'may not'
    const keys = Object.values(it.context).flat().join(' + ') || 'no keys'
    await t.test(`${it.who} ${verb} ${it.action} of ${keys} on ${it.on}`, async () => {
      assert.equal(await judge(it), it.expected)
    })
  }
})

test('the role has no other policies', () => {
  assert.deepEqual(Object.keys(role).sort(), ['AssumeRolePolicyDocument', 'Policies', 'Tags'])
})

test('the parameters of a team stack accept only names of teams, tables, folders and roles', async (t) => {
  const names = {
    Team: {
      good: ['web', 'web-eu', '0', 'a'.repeat(32)],
      bad: ['', 'Web', '-web', 'web*', 'web?', 'web#docs', 'a b', '${aws:username}', 'web\n', 'a'.repeat(33)],
    },
    TableArn: {
      good: [TABLE, TABLE.replace('arn:aws:', 'arn:aws-cn:')],
      bad: ['*', `${TABLE}*`, `${TABLE}/*`, `${TABLE}/index/by-bucket`, 'purge-router-Table-1', 'arn:aws:s3:::bucket'],
    },
    TokenFolder: {
      good: ['', '/purge-router/web/', '/cf/', '/a.b/c_d/E-1/', '/a'.repeat(14) + '/'],
      bad: ['/', '//', '*', '/*/', '/w?b/', '/web*', '/purge-router/web', 'purge-router/web/', '/web//', '/${a}/'],
    },
    FunctionRoleArn: {
      good: ['', ROLE, ROLE.replace('role/', 'role/a/path/')],
      bad: ['*', `${ROLE}*`, ROLE.replace(/role.*/, 'root'), ROLE.replace('role/', 'user/'), 'purge-router-Role-1'],
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

// The emulator does not support reserved concurrency.
test('concurrency is reserved only on request, and as much as the request says', () => {
  const { ReservedConcurrentExecutions } = main.Resources.Function.Properties
  const reserved = (parameters) => resolve(main, [ReservedConcurrentExecutions], parameters)[0]
  assert.equal(reserved({ MaximumConcurrency: 4 }), undefined)
  assert.equal(reserved({ MaximumConcurrency: 4, ReserveConcurrency: '6' }), '6')
  const pattern = new RegExp(main.Parameters.ReserveConcurrency.AllowedPattern)
  for (const value of ['false', '4', '2000']) assert.match(value, pattern)
  // `true` would reserve too few for both queues.
  for (const value of ['true', '0', '', '-1', '1.5', '4 ', '12345']) assert.doesNotMatch(value, pattern)
})

test('only the function may send to the retry queue', () => {
  const queues = Object.values(main.Resources).filter(({ Type }) => Type === 'AWS::SQS::QueuePolicy')
  assert.deepEqual(queues.map(({ Properties }) => Properties.Queues), [[{ Ref: 'Queue' }]])
})

test('a key needs the role that decrypts with it, and a folder is not the folder of all teams', async (t) => {
  const stacks = {
    'no key': { good: true },
    'a key and a role': { good: true, CreateTokenKey: 'true', FunctionRoleArn: ROLE },
    'a key without a role': { good: false, CreateTokenKey: 'true' },
    'a folder': { good: true, TokenFolder: '/purge-router/marketing/' },
    'the folder of all teams': { good: false, TokenFolder: '/purge-router/' },
  }
  for (const [what, { good, ...parameters }] of Object.entries(stacks)) {
    await t.test(what, () => {
      const holds = ({ RuleCondition = true, Assertions }) =>
        !resolve(team, RuleCondition, parameters) ||
        Assertions.every(({ Assert }) => resolve(team, Assert, parameters))
      assert.equal(Object.values(team.Rules).every(holds), good)
    })
  }
})

test('a key is rotated, and kept when its stack is deleted', () => {
  const { TokenKey, TokenKeyAlias } = team.Resources
  assert.deepEqual([TokenKey.DeletionPolicy, TokenKey.UpdateReplacePolicy], ['Retain', 'Retain'])
  assert.equal(TokenKey.Properties.EnableKeyRotation, true)
  assert.equal(resolve(team, TokenKeyAlias.Properties.AliasName, { Team: 'web' }), 'alias/purge-router-web')
  for (const it of [TokenKey, TokenKeyAlias]) assert.equal(it.Condition, 'HasTokenKey')
})
