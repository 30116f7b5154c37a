// The templates of infra/, and the policies in them with CloudFormation's functions resolved by sample values.

import { readFileSync } from 'node:fs'
import { parse } from 'yaml'

const NOTHING = Symbol('AWS::NoValue')

export const ACCOUNT = '123456789012'
export const arn = (service, rest) => `arn:aws:${service}:eu-west-1:${ACCOUNT}:${rest}`
export const TABLE = arn('dynamodb', 'table/purge-router-Table-1')
export const LAST_PURGES = arn('dynamodb', 'table/purge-router-LastPurgesTable-1')

// The values of Ref and GetAtt for everything in policies and variables, parameters apart.
const REFS = {
  'AWS::AccountId': ACCOUNT,
  'AWS::NoValue': NOTHING,
  'AWS::Partition': 'aws',
  'AWS::Region': 'eu-west-1',
  AlarmTopic: arn('sns', 'purge-router-AlarmTopic-1'),
  LogGroup: '/purge-router/purge-router',
  RetryQueue: 'https://sqs.eu-west-1.amazonaws.com/123456789012/purge-router-RetryQueue-1',
  DelayQueue: 'https://sqs.eu-west-1.amazonaws.com/123456789012/purge-router-DelayQueue-1',
  DeadLetterQueue: 'https://sqs.eu-west-1.amazonaws.com/123456789012/purge-router-DeadLetterQueue-1',
  Table: 'purge-router-Table-1',
  LastPurgesTable: 'purge-router-LastPurgesTable-1',
}
export const QUEUE = arn('sqs', 'purge-router-Queue-1')
export const RETRY_QUEUE = arn('sqs', 'purge-router-RetryQueue-1')
export const DELAY_QUEUE = arn('sqs', 'purge-router-DelayQueue-1')
export const DEAD_LETTERS = arn('sqs', 'purge-router-DeadLetterQueue-1')
const ALARMS = ['DeadLetters', 'OldestMessage', 'Retries', 'SecondPurges', 'TokenRefused', 'StaleAfterPurge', 'Throttles', 'Errors']
export const FUNCTION = arn('lambda', 'function:purge-router-Function-1')
export const ALARM_TOPIC = arn('sns', 'purge-router-AlarmTopic-1')
const ATTRIBUTES = {
  'Function.Arn': FUNCTION,
  'Queue.Arn': QUEUE,
  'RetryQueue.Arn': RETRY_QUEUE,
  'DelayQueue.Arn': DELAY_QUEUE,
  'DeadLetterQueue.Arn': DEAD_LETTERS,
  'Table.Arn': TABLE,
  'LastPurgesTable.Arn': LAST_PURGES,
  ...Object.fromEntries(ALARMS.map((name) => [`${name}Alarm.Arn`, arn('cloudwatch', `alarm:${name}`)])),
}

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
    sequence('!And', 'Fn::And'),
    sequence('!Or', 'Fn::Or'),
    sequence('!Select', 'Fn::Select'),
    sequence('!Join', 'Fn::Join'),
    sequence('!Split', 'Fn::Split'),
    scalar('!Condition', 'Condition'),
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
    'Fn::And': (conditions) => conditions.every(walk),
    'Fn::Select': ([index, list]) => [walk(list)].flat()[index],
    'Fn::Join': ([between, list]) => [walk(list)].flat().join(between),
    'Fn::Split': ([between, text]) => walk(text).split(between),
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
const ci = read('team-ci.yaml')
const sns = read('source-sns.yaml')
const eventBridge = read('source-eventbridge.yaml')
const forward = read('source-eventbridge-forward.yaml')

export const INDEX = `${TABLE}/index/${main.Resources.Table.Properties.GlobalSecondaryIndexes[0].IndexName}`

export const role = resolve(main, main.Resources.Role.Properties)
export const functionPolicies = role.Policies.map((policy) => policy.PolicyDocument)
export const operatorPolicy = resolve(main, main.Resources.OperatorPolicy.Properties.PolicyDocument)

export const deadLetterPolicy = resolve(main, main.Resources.DeadLetterPolicy.Properties.PolicyDocument)
const oneBucket = { BucketArns: ['arn:aws:s3:::assets.website.com'] }
export const doctorPolicy = resolve(main, main.Resources.DoctorPolicy.Properties.PolicyDocument, oneBucket)

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

export const OTHER_ACCOUNT = '210987654321'
export const QUEUE_ELSEWHERE = QUEUE.replace(ACCOUNT, OTHER_ACCOUNT)
export const TOPIC = arn('sns', 'topic-of-assets')
export const BUS = arn('events', 'event-bus/of-other')
export const RULE = arn('events', 'rule/of-other/rule')
const policyOf = (template, resource, parameters) => resolve(template, template.Resources[resource].Properties.PolicyDocument, parameters)

/** The policy of the queue with these sources. */
export const queuePolicy = (parameters) => policyOf(main, 'QueuePolicy', parameters)
export const allSources = {
  BucketArns: ['arn:aws:s3:::assets.website.com', 'arn:aws:s3:::of-other'],
  TopicArns: [TOPIC, TOPIC.replace(ACCOUNT, OTHER_ACCOUNT)],
  RuleArns: [RULE],
  SourceAccounts: [OTHER_ACCOUNT],
}
export const alarmTopicPolicy = policyOf(main, 'AlarmTopicPolicy')

/** The policy of a bucket's topic, for a queue of this account or of another one. */
export const topicPolicy = (parameters) =>
  policyOf(sns, 'TopicPolicy', { BucketName: 'assets.website.com', QueueArn: QUEUE, Topic: TOPIC, ...parameters })

/** The policy of a bus for the events of another account. */
export const busPolicy = {
  Version: '2012-10-17',
  Statement: [resolve(eventBridge, eventBridge.Resources.BusPolicy.Properties.Statement, { BucketAccount: OTHER_ACCOUNT, 'Bus.Arn': BUS })],
}

const ciRole = (name, team) =>
  resolve(ci, ci.Resources[name].Properties, { Team: team, TableArn: TABLE, Repository: 'website/mappings' })
export const ciPolicies = (name, team) => ciRole(name, team).Policies.map((policy) => policy.PolicyDocument)

const ofRole = ({ AssumeRolePolicyDocument }) => AssumeRolePolicyDocument
const forwarder = resolve(forward, forward.Resources.Role.Properties, { BusArn: BUS })
export const forwarderPolicies = forwarder.Policies.map((policy) => policy.PolicyDocument)
const traced = resolve(main, main.Resources.Role.Properties, { Tracing: 'Active' })

/** All policies of users and roles, by name. */
export const identityPolicies = {
  'the function': functionPolicies[0],
  'the function, traced': traced.Policies[0].PolicyDocument,
  'an operator': operatorPolicy,
  'a person on call': deadLetterPolicy,
  'a doctor': doctorPolicy,
  'a team': teamPolicy('web'),
  'a team with a key': teamPolicy('web', { CreateTokenKey: 'true' }),
  'the forwarder of events': forwarderPolicies[0],
  'jobs that review mappings': ciPolicies('ReviewRole', 'web')[0],
  'jobs that push mappings': ciPolicies('PushRole', 'web')[0],
}

/** All policies of resources, by name. */
export const resourcePolicies = {
  'the queue': queuePolicy(allSources),
  'the topic of alarms': alarmTopicPolicy,
  'the topic of a bucket': topicPolicy({}),
  'the topic of a bucket, for a queue elsewhere': topicPolicy({ QueueArn: QUEUE_ELSEWHERE }),
  'the bus of another account': busPolicy,
  'the key of a team': keyPolicy('web'),
  'who may be the function': ofRole(role),
  'who may be the forwarder': ofRole(forwarder),
  'who may review mappings': ofRole(ciRole('ReviewRole', 'web')),
  'who may push mappings': ofRole(ciRole('PushRole', 'web')),
}
