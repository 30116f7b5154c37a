// Prints all cases and what became of them, as a Markdown table.

import { cases, judge } from './cases.mjs'

console.log('| who | action | on | LeadingKeys | expected | result |\n| --- | --- | --- | --- | --- | --- |')
for (const it of cases) {
  const result = await judge(it)
  if (result !== it.expected) process.exitCode = 1
  const keys = it.keys?.map((key) => `\`${key}\``).join(', ') ?? '–'
  const shown = result === it.expected ? result : `**${result}**`
  console.log(`| ${it.who} | ${it.action} | ${it.on} | ${keys} | ${it.expected} | ${shown} |`)
}
