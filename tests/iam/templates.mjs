// The templates of infra/, and the policies in them with CloudFormation's functions resolved by sample values.

import { readFileSync } from 'node:fs'
import { parse } from 'yaml'

const NOTHING = Symbol('AWS::NoValue')

export const ACCOUNT = '123456789012'
export const arn = (service, rest) => `arn:aws:${service}:eu-west-1:${ACCOUNT}:${rest}`
export const TABLE = arn('dynamodb', 'table/purge-router-Table-1')

// What Ref and GetAtt give for all that policies and variables name, besides parameters.
const REFS = {
  'AWS::AccountId': ACCOUNT,
  'AWS::NoValue': NOTHING,
  'AWS::Partition': 'aws',
  'AWS::Region': 'eu-west-1',
  LogGroup: '/purge-router/purge-router',
  Table: 'purge-router-Table-1',
}
const ATTRIBUTES = { 'Queue.Arn': arn('sqs', 'purge-router-Queue-1'), 'Table.Arn': TABLE }

/** A template of infra/ as a tree, with `!Ref x` as `{ Ref: 'x' }` and `!Sub x` as `{ 'Fn::Sub': 'x' }`. */
function read(name) {
  const text = readFileSync(new URL(`../../infra/${name}`, import.meta.url), 'utf8')
  const scalar = (tag, key) => ({ tag, resolve: (value) => ({ [key]: value }) })
  const sequence = (tag, key) => ({ tag, collection: 'seq', resolve: (value) => ({ [key]: value.toJSON() }) })
  const customTags = [
    scalar('!Ref', 'Ref'),
    scalar('!GetAtt', 'Fn::GetAtt'),
    scalar('!Sub', 'Fn::Sub'),
    sequence('!Sub', 'Fn::Sub'),
    sequence('!If', 'Fn::If'),
    sequence('!Equals', 'Fn::Equals'),
    sequence('!Not', 'Fn::Not'),
  ]
  return parse(text, { customTags })
}

/** A part of a template, resolved with these parameters or attributes and the defaults of the other parameters. */
export function resolve(template, part, parameters = {}) {
  const found = (value, what) => {
    if (value === undefined) throw new Error(`no sample value for ${what}`)
    return value
  }
  const ref = (name) => found(parameters[name] ?? template.Parameters[name]?.Default ?? REFS[name], name)
  const attribute = (name) => found(parameters[name] ?? ATTRIBUTES[name], name)
  const substitute = (text, values) =>
    text.replace(/\$\{([^}]+)\}/g, (_, name) => values[name] ?? (name.includes('.') ? attribute : ref)(name))
  const functions = {
    Ref: ref,
    'Fn::GetAtt': attribute,
    'Fn::Sub': (text) => (Array.isArray(text) ? substitute(text[0], walk(text[1])) : substitute(text, {})),
    'Fn::If': ([condition, yes, no]) => walk(walk(template.Conditions[condition]) ? yes : no),
    'Fn::Equals': ([one, other]) => walk(one) === walk(other),
    'Fn::Not': ([condition]) => !walk(condition),
  }
  const walk = (node) => {
    if (Array.isArray(node)) return node.map(walk).filter((item) => item !== NOTHING)
    if (node === null || typeof node !== 'object') return node
    const [name] = Object.keys(node)
    if (Object.hasOwn(functions, name)) return functions[name](node[name])
    if (name?.startsWith('Fn::')) throw new Error(`${name} is not known here`)
    const entries = Object.entries(node).map(([key, item]) => [key, walk(item)])
    return Object.fromEntries(entries.filter(([, item]) => item !== NOTHING))
  }
  return walk(part)
}

export const main = read('template.yaml')
export const team = read('team.yaml')

export const INDEX = `${TABLE}/index/${main.Resources.Table.Properties.GlobalSecondaryIndexes[0].IndexName}`

export const role = resolve(main, main.Resources.Role.Properties)
export const functionPolicies = role.Policies.map((policy) => policy.PolicyDocument)
export const operatorPolicy = resolve(main, main.Resources.OperatorPolicy.Properties.PolicyDocument)

export const ROLE = `arn:aws:iam::${ACCOUNT}:role/purge-router-Role-1`

/** The KMS key of a team's stack. */
export const keyOf = (name) => arn('kms', `key/of-${name}`)

/** A part of a team's stack, without a KMS key unless the parameters say so. */
const ofTeam = (name, part, parameters) =>
  resolve(team, part, {
    Team: name,
    TableArn: TABLE,
    FunctionRoleArn: ROLE,
    'TokenKey.Arn': keyOf(name),
    ...parameters,
  })
export const teamPolicy = (name, parameters) =>
  ofTeam(name, team.Resources.EditorPolicy.Properties.PolicyDocument, parameters)
export const keyPolicy = (name, parameters) => ofTeam(name, team.Resources.TokenKey.Properties.KeyPolicy, parameters)
