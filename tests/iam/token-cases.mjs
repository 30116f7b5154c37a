// Permissions on the tokens in SSM, and on the KMS keys that encrypt them.

import { arn, keyOf } from './templates.mjs'

const WEB = '/purge-router/web/website.co.uk'
const DOCS = '/purge-router/docs/website.dev'
const FOREIGN = [
  DOCS,
  '/purge-router/web-eu/website.de',
  '/purge-router/web2/website.de',
  '/purge-router/we/website.de',
  '/purge-router/WEB/website.co.uk',
  '/purge-router/web', // a parameter beside the folder
  '/purge-router/',
  '/purge-router-2/web/website.co.uk',
  '/web/website.co.uk',
  '/other/secret',
]

const BY_NAME = ['PutParameter', 'GetParameter']
const OTHERWISE = [
  'GetParametersByPath',
  'GetParameterHistory',
  'DeleteParameter',
  'DeleteParameters',
  'LabelParameterVersion',
  'UnlabelParameterVersion',
  'AddTagsToResource',
  'RemoveTagsFromResource',
  'ListTagsForResource',
  'PutResourcePolicy',
]

// What SSM calls in KMS on behalf of its caller, and what it does not.
const OF_SSM = ['Encrypt', 'GenerateDataKey', 'Decrypt']
const OF_KEYS = [
  'CreateGrant',
  'DescribeKey',
  'DisableKey',
  'DisableKeyRotation',
  'GetKeyPolicy',
  'PutKeyPolicy',
  'ScheduleKeyDeletion',
  'UpdateAlias',
]
const OTHER_CRYPTOGRAPHY = ['GenerateDataKeyWithoutPlaintext', 'ReEncryptFrom', 'ReEncryptTo']

export const tokenCases = []

function add(expected, who, service, actions, on, resource, context = {}) {
  for (const action of actions) {
    tokenCases.push({ expected, who, action: `${service}:${action}`, context, on, arn: resource })
  }
}

const parameter = (name) => arn('ssm', `parameter${name}`)
/** A case for each of these actions of SSM on a parameter. */
const may = (who, actions, name) => add('Allowed', who, 'ssm', actions, name, parameter(name))
const mayNot = (who, actions, name) => add('ImplicitlyDenied', who, 'ssm', actions, name, parameter(name))

/** A case for each of these actions of KMS on a team's key, for a parameter; null for none. */
const forParameter = (name) => (name === null ? {} : { 'kms:EncryptionContext:PARAMETER_ARN': parameter(name) })
const mayUse = (who, actions, of, name) =>
  add('Allowed', who, 'kms', actions, `the key of ${of}`, keyOf(of), forParameter(name))
const mayNotUse = (who, actions, of, name) =>
  add('ImplicitlyDenied', who, 'kms', actions, `the key of ${of}`, keyOf(of), forParameter(name))

// A team's own tokens, by name.
may('web', BY_NAME, WEB)
may('web', BY_NAME, '/purge-router/web/eu/website.de')
may('docs', BY_NAME, DOCS)
mayNot('docs', BY_NAME, WEB)
for (const name of FOREIGN) mayNot('web', BY_NAME, name)
mayNot('web', ['GetParameters', ...OTHERWISE], WEB)
mayNot('web', ['GetParameters', ...OTHERWISE], DOCS)
mayNot('web', ['GetParametersByPath'], '/purge-router/web')
mayNot('web', ['GetParametersByPath'], '/purge-router')
add('ImplicitlyDenied', 'web', 'ssm', ['DescribeParameters'], 'all parameters', '*')
const IN_ANOTHER_REGION = parameter(WEB).replace('eu-west-1', 'us-east-1')
add('ImplicitlyDenied', 'web', 'ssm', BY_NAME, 'a token of another region', IN_ANOTHER_REGION)
may('web and docs', BY_NAME, WEB)
may('web and docs', BY_NAME, DOCS)

// The folder in the grant instead of the default.
may('web with a folder elsewhere', BY_NAME, '/purge-router/marketing/website.co.uk')
mayNot('web with a folder elsewhere', BY_NAME, '/purge-router/marketing-eu/website.de')
mayNot('web with a folder elsewhere', BY_NAME, WEB)

// The function reads the tokens of all teams and writes none. Operators can do neither.
may('function', ['GetParameters'], WEB)
may('function', ['GetParameters'], DOCS)
for (const name of [WEB, DOCS]) mayNot('function', [...BY_NAME, ...OTHERWISE], name)
add('ImplicitlyDenied', 'function', 'ssm', ['DescribeParameters'], 'all parameters', '*')
mayNot('operator', [...BY_NAME, 'GetParameters', ...OTHERWISE], WEB)

// A team with a key: its own key, for its own parameters.
may('web with a key', BY_NAME, WEB)
mayUse('web with a key', OF_SSM, 'web', WEB)
mayUse('docs with a key', OF_SSM, 'docs', DOCS)
for (const name of FOREIGN) mayNotUse('web with a key', OF_SSM, 'web', name)
mayNotUse('web with a key', OF_SSM, 'web', null)
mayNotUse('web with a key', OF_SSM, 'docs', WEB)
mayNotUse('web with a key', OF_SSM, 'docs', DOCS)
mayNotUse('web with a key', OTHER_CRYPTOGRAPHY, 'web', WEB)
mayNotUse('web with a key', OF_KEYS, 'web', null)
mayNotUse('web', OF_SSM, 'web', WEB)
mayNotUse('operator', OF_SSM, 'web', WEB)

// The function has no policy for keys: each key allows it to decrypt the tokens of the key's team.
mayUse('function', ['Decrypt'], 'web', WEB)
mayUse('function', ['Decrypt'], 'docs', DOCS)
for (const name of FOREIGN) mayNotUse('function', ['Decrypt'], 'web', name)
mayNotUse('function', ['Decrypt'], 'web', null)
mayNotUse('function', ['Encrypt', 'GenerateDataKey', ...OTHER_CRYPTOGRAPHY], 'web', WEB)
mayNotUse('function', OF_KEYS, 'web', null)
mayUse('function', ['Decrypt'], 'elsewhere', '/purge-router/marketing/website.co.uk')
mayNotUse('function', ['Decrypt'], 'elsewhere', '/purge-router/elsewhere/website.co.uk')

// The account's statement in a key's policy allows whom IAM policies allow, and nobody by itself.
mayNotUse('a stranger', OF_SSM, 'web', WEB)
mayNotUse('a stranger', OF_KEYS, 'web', null)
mayUse('an administrator of keys', ['PutKeyPolicy', 'ScheduleKeyDeletion', 'Decrypt'], 'web', null)
