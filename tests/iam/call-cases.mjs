// The permissions of people on call, who handle dead letters, and of those who run doctor.

import { DELAY_QUEUE, ALARM_TOPIC, arn, DEAD_LETTERS, FUNCTION, INDEX, QUEUE, RETRY_QUEUE, TABLE } from './templates.mjs'

const RESOURCES = {
  'the queue': QUEUE,
  'the retry queue': RETRY_QUEUE,
  'the delay queue': DELAY_QUEUE,
  'the dead-letter queue': DEAD_LETTERS,
  'a queue of a longer name': `${DEAD_LETTERS}-2`,
  'the function': FUNCTION,
  'another function': arn('lambda', 'function:orders'),
  'the table': TABLE,
  'the index': INDEX,
  'the log': arn('logs', 'log-group:/purge-router/purge-router'),
  'another log': arn('logs', 'log-group:/orders'),
  'the topic of alarms': ALARM_TOPIC,
  'another topic': arn('sns', 'orders'),
  'an alarm': arn('cloudwatch', 'alarm:purge-router-DeadLettersAlarm-1'),
  'a bucket': 'arn:aws:s3:::assets.website.com',
  'an object': 'arn:aws:s3:::assets.website.com/uk/app.css',
  'another bucket': 'arn:aws:s3:::orders',
  'no resource': '*',
  'a token': arn('ssm', 'parameter/purge-router/web/website.com'),
}

export const callCases = []

const add = (expected) => (who, actions, on, context = {}) => {
  for (const action of actions) callCases.push({ expected, who, action, context, on, arn: RESOURCES[on] })
}
const may = add('Allowed')
const mayNot = add('ImplicitlyDenied')
const keys = (...all) => ({ 'dynamodb:LeadingKeys': all })

const HANDLE = ['sqs:ReceiveMessage', 'sqs:DeleteMessage', 'sqs:ChangeMessageVisibility', 'sqs:GetQueueAttributes']
const MANAGE = ['sqs:PurgeQueue', 'sqs:SetQueueAttributes', 'sqs:DeleteQueue']
const WRITE_ROWS = ['dynamodb:PutItem', 'dynamodb:UpdateItem', 'dynamodb:DeleteItem']
const CHANGE_FUNCTION = ['lambda:UpdateFunctionConfiguration', 'lambda:UpdateFunctionCode', 'lambda:InvokeFunction']

may('on call', HANDLE, 'the dead-letter queue')
may('on call', ['sqs:SendMessage'], 'the queue')
mayNot('on call', ['sqs:SendMessage', ...MANAGE], 'the dead-letter queue')
mayNot('on call', [...HANDLE, ...MANAGE], 'the queue')
for (const queue of ['the retry queue', 'the delay queue', 'a queue of a longer name']) {
  mayNot('on call', [...HANDLE, 'sqs:SendMessage'], queue)
}
may('on call', ['lambda:GetFunctionConfiguration'], 'the function')
may('on call', ['lambda:ListEventSourceMappings'], 'no resource')
mayNot('on call', ['lambda:GetFunctionConfiguration'], 'another function')
mayNot('on call', CHANGE_FUNCTION, 'the function')
may('on call', ['dynamodb:Query'], 'the index', keys('assets.website.com'))
may('on call', ['dynamodb:BatchGetItem'], 'the table', keys('GRANTS', 'TEAM#web'))
mayNot('on call', ['dynamodb:Query', ...WRITE_ROWS], 'the table', keys('TEAM#web'))
may('on call', ['logs:FilterLogEvents'], 'the log')
mayNot('on call', ['logs:FilterLogEvents'], 'another log')
mayNot('on call', ['logs:DeleteLogGroup', 'logs:PutRetentionPolicy'], 'the log')
mayNot('on call', ['ssm:GetParameter', 'ssm:GetParameters', 'ssm:PutParameter'], 'a token')

may('doctor', ['lambda:GetFunctionConfiguration'], 'the function')
may('doctor', ['lambda:ListEventSourceMappings', 'cloudwatch:DescribeAlarmsForMetric'], 'no resource')
mayNot('doctor', ['lambda:ListFunctions'], 'no resource')
mayNot('doctor', ['lambda:GetFunctionConfiguration'], 'another function')
mayNot('doctor', CHANGE_FUNCTION, 'the function')
for (const queue of ['the queue', 'the retry queue', 'the dead-letter queue']) {
  may('doctor', ['sqs:GetQueueAttributes'], queue)
  mayNot('doctor', ['sqs:ReceiveMessage', 'sqs:DeleteMessage', 'sqs:SendMessage', ...MANAGE], queue)
}
mayNot('doctor', ['sqs:GetQueueAttributes'], 'a queue of a longer name')
may('doctor', ['dynamodb:Query'], 'the table', keys('TEAM#web'))
mayNot('doctor', WRITE_ROWS, 'the table', keys('TEAM#web'))
may('doctor', ['cloudwatch:DescribeAlarms'], 'an alarm')
mayNot('doctor', ['cloudwatch:DeleteAlarms', 'cloudwatch:SetAlarmState', 'cloudwatch:DisableAlarmActions'], 'an alarm')
may('doctor', ['sns:ListSubscriptionsByTopic'], 'the topic of alarms')
mayNot('doctor', ['sns:ListSubscriptionsByTopic'], 'another topic')
mayNot('doctor', ['sns:Subscribe', 'sns:Publish'], 'the topic of alarms')
may('doctor', ['s3:GetBucketNotification'], 'a bucket')
mayNot('doctor', ['s3:GetBucketNotification'], 'another bucket')
mayNot('doctor', ['s3:PutBucketNotification', 's3:ListBucket'], 'a bucket')
mayNot('doctor', ['s3:GetObject', 's3:PutObject'], 'an object')
mayNot('doctor', ['ssm:GetParameter', 'ssm:GetParameters'], 'a token')
