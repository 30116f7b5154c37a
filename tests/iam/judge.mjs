// IAM's decision on a case, with the policies of infra/.

import { allowedContextKeysForRequest, runSimulation } from '@cloud-copilot/iam-simulate'
import {
  ACCOUNT,
  alarmTopicPolicy,
  allSources,
  arn as arnOf,
  BUS,
  busPolicy,
  ciPolicies,
  deadLetterPolicy,
  doctorPolicy,
  forwarderPolicies,
  functionPolicies,
  keyOf,
  keyPolicy,
  operatorPolicy,
  OTHER_ACCOUNT,
  QUEUE,
  QUEUE_ELSEWHERE,
  queuePolicy,
  teamPolicy,
  TOPIC,
  topicPolicy,
} from './templates.mjs'

/** The team's policy without the condition that LeadingKeys must be present. */
function unguarded(policy) {
  const copy = structuredClone(policy)
  for (const statement of copy.Statement) delete statement.Condition?.Null
  return copy
}

const KEY = { CreateTokenKey: 'true' }
const ELSEWHERE = { TokenFolder: '/purge-router/marketing/' }
const EVERYTHING = { Version: '2012-10-17', Statement: [{ Effect: 'Allow', Action: '*', Resource: '*' }] }
const ALL_KEYS = { Version: '2012-10-17', Statement: [{ Effect: 'Allow', Action: 'kms:*', Resource: '*' }] }

const POLICIES = {
  function: functionPolicies,
  operator: [operatorPolicy],
  'on call': [deadLetterPolicy],
  doctor: [doctorPolicy],
  web: [teamPolicy('web')],
  docs: [teamPolicy('docs')],
  'web and docs': [teamPolicy('web'), teamPolicy('docs')], // a person of two teams
  'web, unguarded': [unguarded(teamPolicy('web'))],
  'web with a key': [teamPolicy('web', KEY)],
  'docs with a key': [teamPolicy('docs', KEY)],
  'web with a folder elsewhere': [teamPolicy('web', { ...ELSEWHERE, ...KEY })],
  'an administrator of keys': [ALL_KEYS],
  'a review of web': ciPolicies('ReviewRole', 'web'),
  'a push of web': ciPolicies('PushRole', 'web'),
  'a stranger': [],
  'all-powerful elsewhere': [EVERYTHING],
  'all-powerful in a third account': [EVERYTHING],
  'the forwarder': forwarderPolicies,
}

const USER = `arn:aws:iam::${ACCOUNT}:user/someone`
const SERVICES = ['s3', 'sns', 'events', 'lambda', 'cloudwatch']
const PRINCIPALS = {
  ...Object.fromEntries(SERVICES.map((name) => [name, `${name}.amazonaws.com`])),
  'all-powerful elsewhere': `arn:aws:iam::${OTHER_ACCOUNT}:user/eve`,
  'all-powerful in a third account': 'arn:aws:iam::333333333333:user/mallory',
  'the forwarder': `arn:aws:sts::${OTHER_ACCOUNT}:assumed-role/forward-Role-1/events`,
  function: `arn:aws:sts::${ACCOUNT}:assumed-role/purge-router-Role-1/purge-router-Function-1`,
}

const RESOURCE_POLICIES = {
  [QUEUE]: queuePolicy(allSources),
  [`${QUEUE}-of-none`]: queuePolicy({ ...allSources, BucketArns: [''] }),
  [`${QUEUE}-of-one`]: queuePolicy({ ...allSources, SourceAccounts: [''] }),
  [TOPIC]: topicPolicy({ QueueArn: QUEUE_ELSEWHERE }),
  [arnOf('sns', 'purge-router-AlarmTopic-1')]: alarmTopicPolicy,
  [BUS]: busPolicy,
  [keyOf('web')]: keyPolicy('web'),
  [keyOf('docs')]: keyPolicy('docs'),
  [keyOf('elsewhere')]: keyPolicy('elsewhere', ELSEWHERE),
}

/** The simulation supports names after a `/` only, so the encryption context is replaced by a tag, which behaves alike. */
const replaceEncryptionContext = (simulation) =>
  JSON.parse(JSON.stringify(simulation).replaceAll('kms:EncryptionContext:', 'aws:PrincipalTag/'))

/** IAM's answer. A case that can't be evaluated as written is an error, never "denied". */
export async function judge({ who, action, context, arn, on }) {
  if (Object.keys(context).some((key) => key.startsWith('kms:EncryptionContext:'))) {
    const keys = await allowedContextKeysForRequest(...action.split(':'), arn, false)
    if (!keys.some((key) => key.startsWith('kms:encryptioncontext:'))) throw new Error(`${action} has no such context`)
  }
  const simulation = replaceEncryptionContext({
    request: {
      principal: PRINCIPALS[who] ?? USER,
      action,
      resource: { resource: arn, accountId: ACCOUNT },
      contextVariables: context,
    },
    identityPolicies: (POLICIES[who] ?? []).map((policy, index) => ({ name: `policy ${index}`, policy })),
    resourcePolicy: RESOURCE_POLICIES[arn],
    serviceControlPolicies: [],
    resourceControlPolicies: [],
  })
  const result = await runSimulation(simulation, {})
  if (result.resultType !== 'single') throw new Error(`${action} on ${on}: ${JSON.stringify(result)}`)
  // IAM has no LeadingKeys for Scan, so it ignores them there.
  const ignored = result.result.ignoredContextKeys
  if (ignored.length > 0 && action !== 'dynamodb:Scan') throw new Error(`${action} has no ${ignored}`)
  return result.overallResult
}
