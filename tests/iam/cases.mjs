// Permissions on the rows of the table, and what else the function may read, receive and send.

import { ACCOUNT, DELAY_QUEUE, arn, DEAD_LETTERS, INDEX, LAST_PURGES, QUEUE, RETRY_QUEUE, TABLE } from './templates.mjs'

const RESOURCES = {
  table: TABLE,
  index: INDEX,
  'the table of last purges': LAST_PURGES,
  'another index': `${TABLE}/index/other`,
  'another table': arn('dynamodb', 'table/orders'),
  'table of a longer name': `${TABLE}-2`,
  'index of a longer name': INDEX.replace('/index/', '-2/index/'),
  'table of another region': TABLE.replace('eu-west-1', 'us-east-1'),
  'all tables': '*',
  'the queue': QUEUE,
  'the retry queue': RETRY_QUEUE,
  'the delay queue': DELAY_QUEUE,
  'the dead-letter queue': DEAD_LETTERS,
  'a queue of a longer name': `${RETRY_QUEUE}-2`,
  'a delay queue of a longer name': `${DELAY_QUEUE}-2`,
  'a queue of another account': RETRY_QUEUE.replace(ACCOUNT, '210987654321'),
}

// Actions that read and write rows by key.
const BY_KEY = ['Query', 'GetItem', 'BatchGetItem', 'PutItem', 'UpdateItem', 'DeleteItem', 'ConditionCheckItem']
// Those that can have several keys: a batch, and a transaction, which is checked as the actions in it.
const TOGETHER = ['GetItem', 'BatchGetItem', 'PutItem', 'UpdateItem', 'DeleteItem', 'ConditionCheckItem']
const PARTIQL = ['PartiQLSelect', 'PartiQLInsert', 'PartiQLUpdate', 'PartiQLDelete']
const OF_TABLES = [
  'DeleteTable',
  'UpdateTable',
  'UpdateTimeToLive',
  'UpdateContinuousBackups',
  'CreateBackup',
  'ExportTableToPointInTime',
  'RestoreTableToPointInTime',
  'ImportTable',
  'PutResourcePolicy',
  'TagResource',
]
const NEIGHBORS = ['TEAM#web-eu', 'TEAM#web2', 'TEAM#we', 'TEAM#WEB', 'TEAM#*', 'TEAM#', 'web']

export const cases = []

/** Adds a case for each action. `keys` are the request's LeadingKeys; null where AWS sends none. */
function add(expected, who, actions, keys, on = 'table') {
  for (const action of actions) {
    const full = action.includes(':') ? action : `dynamodb:${action}`
    const context = keys ? { 'dynamodb:LeadingKeys': keys } : {}
    cases.push({ expected, who, action: full, context, on, arn: RESOURCES[on] ?? arn('ssm', `parameter${on}`) })
  }
}
const may = (...those) => add('Allowed', ...those)
const mayNot = (...those) => add('ImplicitlyDenied', ...those)

// A team's own rows only.
may('web', BY_KEY, ['TEAM#web'])
may('web', TOGETHER, ['TEAM#web', 'TEAM#web'])
may('docs', ['Query', 'PutItem'], ['TEAM#docs'])
mayNot('docs', ['Query', 'PutItem'], ['TEAM#web'])
mayNot('web', BY_KEY, ['TEAM#docs'])
mayNot('web', BY_KEY, ['GRANTS'])
for (const neighbor of NEIGHBORS) mayNot('web', ['Query', 'PutItem'], [neighbor])
mayNot('web', TOGETHER, ['TEAM#web', 'TEAM#docs'])
mayNot('web', TOGETHER, ['TEAM#web', 'GRANTS'])
may('web and docs', ['BatchGetItem'], ['TEAM#web'])
may('web and docs', ['BatchGetItem'], ['TEAM#docs'])
mayNot('web and docs', ['BatchGetItem'], ['TEAM#web', 'TEAM#docs'])

// ForAllValues alone allows a request without keys; the guard does not.
mayNot('web', BY_KEY, null)
may('web, unguarded', BY_KEY, null)

// Actions that read without keys are refused by name, not only by the guard.
mayNot('web', ['Scan'], null)
mayNot('web', ['Scan'], ['TEAM#web'])
mayNot('web', ['Scan'], null, 'index')
mayNot('web', ['BatchWriteItem', ...PARTIQL], ['TEAM#web'])
mayNot('web, unguarded', ['Scan', 'BatchWriteItem', ...PARTIQL], null)
mayNot('web', ['Query', 'PartiQLSelect'], ['assets.website.com'], 'index')
mayNot('web', ['Query', 'PartiQLSelect'], ['TEAM#web'], 'index')
mayNot('web, unguarded', ['Query', 'Scan', 'PartiQLSelect'], null, 'index')

may('web', ['DescribeTable'], null)
mayNot('web', OF_TABLES, null)
mayNot('web', ['ListTables'], null, 'all tables')
mayNot('web', ['DescribeTable'], null, 'another table')
mayNot('web', ['Query', 'GetItem', 'PutItem'], ['TEAM#web'], 'another table')
mayNot('web', ['Query', 'PutItem'], ['TEAM#web'], 'table of a longer name')
mayNot('web', ['Query', 'PutItem'], ['TEAM#web'], 'table of another region')

// A team's jobs: a review reads its rows, a push edits them, and neither reaches a token.
const OF_PUSHES = ['GetItem', 'PutItem', 'DeleteItem', 'ConditionCheckItem']
may('a review of web', ['Query'], ['TEAM#web'])
mayNot('a review of web', BY_KEY.filter((it) => it !== 'Query'), ['TEAM#web'])
may('a push of web', ['Query', ...OF_PUSHES], ['TEAM#web'])
may('a push of web', OF_PUSHES, ['TEAM#web', 'TEAM#web'])
mayNot('a push of web', ['UpdateItem', 'BatchGetItem', 'BatchWriteItem', ...PARTIQL], ['TEAM#web'])
mayNot('a push of web', OF_TABLES, null)
for (const job of ['a review of web', 'a push of web']) {
  mayNot(job, BY_KEY, ['TEAM#docs'])
  mayNot(job, BY_KEY, ['GRANTS'])
  mayNot(job, BY_KEY, null)
  mayNot(job, TOGETHER, ['TEAM#web', 'TEAM#docs'])
  mayNot(job, ['Query', 'Scan'], ['TEAM#web'], 'index')
  mayNot(job, ['Scan'], null)
  mayNot(job, ['Query', 'PutItem'], ['TEAM#web'], 'table of a longer name')
  mayNot(job, ['ssm:GetParameter', 'ssm:PutParameter'], null, '/purge-router/web/website.co.uk')
}

// An operator: all rows, including the grants.
may('operator', BY_KEY, ['GRANTS'])
may('operator', BY_KEY, ['TEAM#web'])
may('operator', TOGETHER, ['GRANTS', 'TEAM#web', 'TEAM#docs'])
may('operator', ['Query'], ['assets.website.com'], 'index')
may('operator', ['DescribeTable'], null)
mayNot('operator', ['Scan', 'BatchWriteItem', ...PARTIQL, ...OF_TABLES], null)
mayNot('operator', ['Scan', 'PartiQLSelect'], null, 'index')
mayNot('operator', ['ListTables'], null, 'all tables')
mayNot('operator', ['Query', 'PutItem'], ['GRANTS'], 'another table')
mayNot('operator', ['Query', 'PutItem'], ['GRANTS'], 'table of a longer name')

// The function: mappings of a bucket, rows by key, tokens by name.
may('function', ['Query'], ['assets.website.com'], 'index')
may('function', ['BatchGetItem'], ['GRANTS', 'TEAM#web', 'TEAM#docs'])
may('function', ['BatchGetItem', 'PutItem'], ['web/assets.website.com/a'], 'the table of last purges')
mayNot('function', ['GetItem', 'Query', 'UpdateItem', 'DeleteItem'], ['web/assets.website.com/a'], 'the table of last purges')
mayNot('function', ['Scan', ...OF_TABLES], null, 'the table of last purges')
mayNot('web', ['Query', 'BatchGetItem', 'PutItem'], ['TEAM#web'], 'the table of last purges')
mayNot('operator', ['Query', 'BatchGetItem', 'PutItem'], ['web/assets.website.com/a'], 'the table of last purges')
mayNot('function', ['Query'], ['TEAM#web'])
mayNot('function', ['Query'], ['assets.website.com'], 'another index')
mayNot('function', ['Query'], ['assets.website.com'], 'index of a longer name')
mayNot('function', ['BatchGetItem'], ['GRANTS'], 'another table')
mayNot('function', ['BatchGetItem'], ['GRANTS'], 'table of a longer name')
mayNot('function', ['GetItem', 'ConditionCheckItem'], ['GRANTS'])
mayNot('function', ['PutItem', 'UpdateItem', 'DeleteItem', 'BatchWriteItem'], ['GRANTS'])
mayNot('function', ['PutItem', 'UpdateItem', 'DeleteItem', 'BatchWriteItem'], ['TEAM#web'])
mayNot('function', ['Scan', 'DescribeTable', ...PARTIQL, ...OF_TABLES], null)
mayNot('function', ['Scan', 'PartiQLSelect'], null, 'index')
mayNot('function', ['ListTables'], null, 'all tables')
may('function', ['ssm:GetParameters'], null, '/purge-router/web/website.co.uk')
mayNot('function', ['ssm:GetParameters'], null, '/purge-router')
mayNot('function', ['ssm:GetParameters'], null, '/purge-router-2/web/website.co.uk')
mayNot('function', ['ssm:GetParameters'], null, '/other/secret')
mayNot(
  'function',
  ['ssm:GetParameter', 'ssm:GetParametersByPath', 'ssm:GetParameterHistory', 'ssm:PutParameter', 'ssm:DeleteParameter'],
  null,
  '/purge-router/web/website.co.uk',
)

// The function: messages of three queues. It may send to the retry queue, to the delay queue of second purges and to the
// dead-letter queue, and change when a message of the retry queue is retried.
const RECEIVE = ['sqs:ReceiveMessage', 'sqs:DeleteMessage', 'sqs:GetQueueAttributes']
const DEFER = ['sqs:SendMessage', 'sqs:ChangeMessageVisibility']
const MANAGE = [
  'sqs:PurgeQueue',
  'sqs:SetQueueAttributes',
  'sqs:AddPermission',
  'sqs:DeleteQueue',
  'sqs:StartMessageMoveTask',
  'sqs:CancelMessageMoveTask',
]
may('function', [...RECEIVE, ...DEFER], null, 'the retry queue')
may('function', RECEIVE, null, 'the queue')
mayNot('function', DEFER, null, 'the queue')
may('function', [...RECEIVE, 'sqs:SendMessage'], null, 'the delay queue')
mayNot('function', ['sqs:ChangeMessageVisibility'], null, 'the delay queue')
may('function', ['sqs:SendMessage'], null, 'the dead-letter queue')
mayNot('function', [...RECEIVE, 'sqs:ChangeMessageVisibility'], null, 'the dead-letter queue')
for (const queue of ['a queue of a longer name', 'a delay queue of a longer name', 'a queue of another account']) {
  mayNot('function', [...RECEIVE, ...DEFER], null, queue)
}
for (const queue of ['the queue', 'the retry queue', 'the delay queue', 'the dead-letter queue']) {
  mayNot('function', MANAGE, null, queue)
}

// Nobody else reaches the queues that only the function sends to.
for (const who of ['web', 'operator']) {
  for (const queue of ['the retry queue', 'the delay queue']) mayNot(who, [...RECEIVE, ...DEFER, ...MANAGE], null, queue)
}
