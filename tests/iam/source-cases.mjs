// Permissions to send to the queue, the topics and the bus: of services on behalf of a source, and of principals of accounts.

import { ACCOUNT, arn, BUS, OTHER_ACCOUNT, QUEUE, QUEUE_ELSEWHERE, RETRY_QUEUE, RULE, TOPIC } from './templates.mjs'

const TOPIC_OF_OTHER = TOPIC.replace(ACCOUNT, OTHER_ACCOUNT)
const ALARM_TOPIC = arn('sns', 'purge-router-AlarmTopic-1')
const THIRD_ACCOUNT = '333333333333'
const BUCKET = 'arn:aws:s3:::assets.website.com'

export const sourceCases = []

function add(expected, who, action, on, resource, context = {}) {
  sourceCases.push({ expected, who, action, context, on, arn: resource })
}
const from = (source, account) => ({ 'aws:SourceArn': source, ...(account && { 'aws:SourceAccount': account }) })

/** Cases of a service that sends to the queue for a source of an account. */
const maySend = (service, source, account) => add('Allowed', service, 'sqs:SendMessage', 'the queue', QUEUE, from(source, account))
const mayNotSend = (service, source, account) =>
  add('ImplicitlyDenied', service, 'sqs:SendMessage', 'the queue', QUEUE, from(source, account))

// Buckets: the listed ones, of this account or of a listed one.
maySend('s3', BUCKET, ACCOUNT)
maySend('s3', 'arn:aws:s3:::of-other', OTHER_ACCOUNT)
mayNotSend('s3', 'arn:aws:s3:::another', ACCOUNT)
mayNotSend('s3', `${BUCKET}-2`, ACCOUNT)
mayNotSend('s3', BUCKET, THIRD_ACCOUNT)
mayNotSend('s3', BUCKET, undefined)
add('ImplicitlyDenied', 's3', 'sqs:SendMessage', 'the queue', QUEUE, { 'aws:SourceAccount': ACCOUNT })
add('ImplicitlyDenied', 's3', 'sqs:ReceiveMessage', 'the queue', QUEUE, from(BUCKET, ACCOUNT))
add('ImplicitlyDenied', 's3', 'sqs:SendMessage', 'the queue, where no bucket is named', `${QUEUE}-of-none`, from(BUCKET, ACCOUNT))
add('ImplicitlyDenied', 's3', 'sqs:SendMessage', 'the queue, without other accounts', `${QUEUE}-of-one`, from('arn:aws:s3:::of-other', OTHER_ACCOUNT))

// Topics, whether SNS sends SourceAccount or not.
for (const account of [undefined, ACCOUNT]) {
  maySend('sns', TOPIC, account)
  mayNotSend('sns', arn('sns', 'another'), account)
  mayNotSend('sns', BUCKET, account)
  maySend('events', RULE, account)
  mayNotSend('events', arn('events', 'rule/another'), account)
  mayNotSend('events', RULE.replace(ACCOUNT, OTHER_ACCOUNT), account)
  mayNotSend('events', TOPIC, account)
}
maySend('sns', TOPIC_OF_OTHER, OTHER_ACCOUNT)
mayNotSend('sns', TOPIC, THIRD_ACCOUNT)
mayNotSend('sns', TOPIC.replace(ACCOUNT, THIRD_ACCOUNT), THIRD_ACCOUNT)
mayNotSend('lambda', BUCKET, ACCOUNT)

// Principals of other accounts, whatever their own account allows.
for (const action of ['sqs:SendMessage', 'sqs:ReceiveMessage', 'sqs:DeleteMessage', 'sqs:PurgeQueue', 'sqs:SetQueueAttributes']) {
  add('ImplicitlyDenied', 'all-powerful elsewhere', action, 'the queue', QUEUE)
  add('ImplicitlyDenied', 'all-powerful elsewhere', action, 'the retry queue', RETRY_QUEUE)
}

// The retry queue has no policy, so no source may send to it.
add('ImplicitlyDenied', 's3', 'sqs:SendMessage', 'the retry queue', RETRY_QUEUE, from(BUCKET, ACCOUNT))
add('ImplicitlyDenied', 'sns', 'sqs:SendMessage', 'the retry queue', RETRY_QUEUE, from(TOPIC, ACCOUNT))
add('ImplicitlyDenied', 'events', 'sqs:SendMessage', 'the retry queue', RETRY_QUEUE, from(RULE, ACCOUNT))

// A bucket's topic: its bucket may publish, and the queue's account may subscribe the queue.
const onTopic = (expected, who, action, context) => add(expected, who, `sns:${action}`, "a bucket's topic", TOPIC, context)
onTopic('Allowed', 's3', 'Publish', from(BUCKET, ACCOUNT))
onTopic('ImplicitlyDenied', 's3', 'Publish', from(BUCKET, OTHER_ACCOUNT))
onTopic('ImplicitlyDenied', 's3', 'Publish', from('arn:aws:s3:::another', ACCOUNT))
onTopic('ImplicitlyDenied', 'all-powerful elsewhere', 'Publish', {})
const subscription = (protocol, endpoint) => ({ 'sns:Protocol': protocol, 'sns:Endpoint': endpoint })
onTopic('Allowed', 'all-powerful elsewhere', 'Subscribe', subscription('sqs', QUEUE_ELSEWHERE))
onTopic('ImplicitlyDenied', 'all-powerful elsewhere', 'Subscribe', subscription('sqs', `${QUEUE_ELSEWHERE}-2`))
onTopic('ImplicitlyDenied', 'all-powerful elsewhere', 'Subscribe', subscription('https', QUEUE_ELSEWHERE))
onTopic('ImplicitlyDenied', 'all-powerful elsewhere', 'SetTopicAttributes', {})

// The topic of alarms: this stack's alarms.
const alarm = (name) => arn('cloudwatch', `alarm:${name}`)
add('Allowed', 'cloudwatch', 'sns:Publish', 'the topic of alarms', ALARM_TOPIC, from(alarm('DeadLetters'), ACCOUNT))
add('ImplicitlyDenied', 'cloudwatch', 'sns:Publish', 'the topic of alarms', ALARM_TOPIC, from(alarm('another'), ACCOUNT))
add('ImplicitlyDenied', 'all-powerful elsewhere', 'sns:Publish', 'the topic of alarms', ALARM_TOPIC)

// The bus: events of S3 from its account only; the forwarder sends to no other bus.
const onBus = (expected, who, source) => add(expected, who, 'events:PutEvents', 'the bus', BUS, { 'events:source': source })
onBus('Allowed', 'all-powerful elsewhere', ['aws.s3'])
onBus('ImplicitlyDenied', 'all-powerful elsewhere', ['forged'])
onBus('ImplicitlyDenied', 'all-powerful elsewhere', ['aws.s3', 'forged'])
onBus('ImplicitlyDenied', 'all-powerful in a third account', ['aws.s3'])
add('ImplicitlyDenied', 'all-powerful elsewhere', 'events:PutEvents', 'the bus', BUS)
add('ImplicitlyDenied', 'all-powerful elsewhere', 'events:PutRule', 'a rule of the bus', RULE)
add('Allowed', 'the forwarder', 'events:PutEvents', 'the bus', BUS, { 'events:source': ['aws.s3'] })
add('ImplicitlyDenied', 'the forwarder', 'events:PutEvents', 'another bus', `${BUS}-2`, { 'events:source': ['aws.s3'] })
