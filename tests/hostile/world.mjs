// A business whose customers are what `values.mjs` says: its files, a mail server that answers likewise, and
// the daemon that lives between them.
import { execFile, spawn } from 'node:child_process';
import { createWriteStream, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { promisify } from 'node:util';
import { must, pause, until } from './look.mjs';
import { cut } from './values.mjs';

const run = promisify(execFile);
const LONGEST_ID = 190;
const day = (days) => new Date(Date.now() + days * 86_400_000).toISOString().slice(0, 10);

// So many customers' letters the mail server refuses, and so many it wants later.
const REFUSED = 3;
const LATER = 3;

// A file with a NUL in it is taken for a damaged one.
const row = (cells) => cells.map((cell) => `"${String(cell).replaceAll('"', '""').replaceAll('\0', '\x01')}"`).join(',');
const table = (head, rows) => [head.join(','), ...rows.map(row)].join('\n') + '\n';

// What one field after another of one customer says. A formula is one only at the beginning.
const idOf = (text, n) => `${cut(text, LONGEST_ID)} ${n}`;

// A control sign of 80 to 9F is a letter that got lost on its way: such a name is set aside, and comes
// into no letter. It stays in everything else.
const called = (text) => text.replace(/[\u0080-\u0084\u0086-\u009f]/gu, '');

function customers(all) {
  const head = ['id', 'email', 'first_name', 'last_name', 'salutation', 'language', 'tags', 'staff_name',
    'staff_email', 'attr.note', 'birthday', 'joined_on'];
  const birthday = `1980${day(5).slice(4)}`;
  const good = all.map(([, text], n) => [idOf(text, n), `c${n}@mail.example`, called(text), called(text), called(text),
    n % 2 ? text : 'en', text, called(text), 'staff@thorn.example', text, birthday, '2020-01-02']);
  // Who has only a number for a name, and whom nobody can tell by anything.
  const nameless = all.filter(([name]) => ['nothing', 'filler'].includes(name))
    .map(([, text], n) => [text, `n${n}@mail.example`, text, text, text, text, text, text, '', text, birthday, '']);
  const places = ['email', 'birthday', 'joined_on', 'staff_email'];
  const bad = all.map(([, text], n) => {
    const cells = [`bad${n}`, '', text, text, text, text, text, text, '', text, '', ''];
    cells[head.indexOf(places[n % places.length])] = `${text} x`;
    return cells;
  });
  const asked = all.slice(0, REFUSED + LATER).map(([, text], n) => [
    `${n < REFUSED ? 'refused' : 'later'} ${cut(text, 150)}`,
    `${n < REFUSED ? 'refused' : 'later'}${n}@mail.example`, called(text), called(text), called(text), 'en', '', '', '', text, '', '']);
  const addresses = ['"<script>harm()</script>"@mail.example', '"a b\\"c"@mail.example', 'a\'b{}|~@mail.example',
    'נועה@mail.example', '<b@mail.example', 'b@<b>.example', '=1+1@mail.example'];
  const odd = addresses.map((address, n) => [`odd${n}`, address, 'Odd', 'Address', '', 'en', '', '', '', 'x',
    birthday, '']);
  return table(head, [...good, ...nameless, ...asked, ...odd, ...bad]);
}

function events(all) {
  const head = ['id', 'customer_id', 'kind', 'at', 'amount', 'currency', 'attr.words'];
  const now = new Date().toISOString();
  const rows = [];
  all.forEach(([, text], n) => {
    const of = idOf(text, n);
    const event = (what, kind, at, amount = '') => rows.push([`${cut(text, 180)} ${what}${n}`, of, kind, at, amount,
      amount && cut(text, 40), text]);
    event('order', 'order', now, '12.50');
    if (n % 2) event('pickup', 'pickup', now);
    for (let visit = 0; visit < 6; visit += 1) event(`visit${visit}`, 'visit', day(visit * 10 - 300), '20.00');
    event('own', `${cut(text, LONGEST_ID)} ${n}`, now);
    if (n % 4 === 0) event('wrong', 'order', text, text);
  });
  all.slice(0, REFUSED + LATER).forEach(([, text], n) => rows.push([`more${n}`,
    `${n < REFUSED ? 'refused' : 'later'} ${cut(text, 150)}`, 'order', now, '', '', '']));
  for (let n = 0; n < 7; n += 1) rows.push([`odd-order${n}`, `odd${n}`, 'order', now, '', '', '']);
  return table(head, rows);
}

const rule = (title, template, more) => `title = ${JSON.stringify(title)}\ntemplate = "${template}"\n${more}`;

function rules(texts) {
  const one = (name) => texts[name].replace(/[\p{Cc}]/gu, ' ');
  const order = '[trigger.event]\nevent = "order"\nafter = "0 minutes"\n[limits]\nbackfill = "3 days"\n';
  return {
    order: rule(`${one('script')} ${one('svg')} ${one('override')}`, 'everything',
      `class = "marketing"\naudience = "customer"\n${order}`),
    note: rule(one('hebrew'), 'staff-call', `class = "service"\naudience = "staff"\n${order}`),
    pickup: rule(`${one('ends')} ${one('link')} ${one('zalgo')} ${one('equals')}`, 'thank-you',
      'class = "service"\naudience = "customer"\n[trigger.event]\nevent = "pickup"\nafter = "0 minutes"\n'
      + '[limits]\nbackfill = "3 days"\napprove = "first 200"\n'),
    birthday: rule(cut(one('long'), 2_000), 'birthday',
      'class = "marketing"\naudience = "customer"\n[trigger.anniversary]\nfield = "birthday"\n'),
    missed: rule(`${one('arabic')} ${one('jinja')}`, 'we-miss-you', 'class = "marketing"\naudience = "customer"\n'
      + '[trigger.lapsed]\ncontact = ["visit"]\nafter = "60 days"\n'),
    unseen: rule(`${one('nothing')}${one('tags')}`, 'birthday', 'class = "marketing"\naudience = "customer"\nenabled = false\n'
      + '[trigger.anniversary]\nfield = "joined_on"\n'),
  };
}

// A letter that has its values wherever Markdown could take them for more.
const EVERYTHING = `+++
subject = "For {{ customer.first_name | default('you') }}: {{ customer.attr.note | default('') }}"
+++
{% set c = customer %}{% set first = c.first_name | default('you') %}{% set note = c.attr.note | default('-') -%}
# {{ first }} {{ c.last_name | default('') }}

{{ note }}

Dear {{ c.salutation | default('') }} **{{ c.last_name | default('-') }}**, you came 12 times; {{ first }}: 34 times.

{{ note }}
{{ note }}

- {{ first }}
- {{ event.id }} is the order, of {{ event.attr.words | default('-') }}
- {{ c.tags | join(', ') }}

> {{ c.staff_name | default('-') }}

1. \`{{ first }}\`, **{{ note }}** _{{ note }}_

        {{ note }}

[to the shop](https://shop.thorn.example/?q={{ first }}&n={{ note }}) and
[{{ note }}](https://shop.thorn.example/), [what do you think]({{ links.opinion }}),
[your birthday]({{ links.birthday }})

{{ c.staff_name | default('') }}, {{ business.name }}
`;

function settings(mail) {
  return `[business]
name = "Thorn & Rose"
[schedule]
sync = "* * * * * *"
tick = "* * * * * *"
digest = "none"
[mail]
transport = "smtp"
[mail.smtp]
host = "127.0.0.1"
port = ${mail}
security = "none"
connections = 4
per_second = 200
[sending]
quiet_hours = "none"
caps = {}
[guard]
max_per_rule_per_day = 5000
max_share = "100%"
[console]
bind = "127.0.0.1:0"
login = true
[public]
bind = "127.0.0.1:0"
base_url = "https://care.thorn.example/letters"
[api]
bind = "127.0.0.1:0"
[[source]]
name = "customers"
kind = "csv"
path = "../data/customers.csv"
feeds = "customers"
types = { "attr.note" = "text" }
[[source]]
name = "orders"
kind = "csv"
path = "../data/events.csv"
feeds = "events"
types = { "attr.words" = "text" }
[[source]]
name = "tills"
kind = "csv"
path = "../data/tills"
feeds = "events"
[[source]]
name = "broken"
kind = "csv"
path = "../data/broken.csv"
feeds = "customers"
`;
}

// A mail server that answers with these texts, and keeps what it took.
export function relay(texts) {
  const took = [];
  const all = Object.values(texts).map((text) => cut(text.replace(/[\r\n]/g, ' '), 200));
  let turn = 0;
  const said = (code) => {
    const [one, other] = [all[turn % all.length], all[(turn + 1) % all.length]];
    turn += 1;
    return `${code}-${one}\r\n${code} 2.0.0 ${other}\r\n`;
  };
  const server = createServer((socket) => {
    let [text, to, body] = ['', '', null];
    const answer = (words) => socket.write(words);
    const line = (words) => {
      if (body !== null) {
        if (words !== '.') return void body.push(words.replace(/^\./, ''));
        if (!to.startsWith('later')) took.push({ to, text: body.join('\r\n') });
        body = null;
        return void answer(to.startsWith('later') ? said(451) : said(250));
      }
      const verb = words.slice(0, 4).toUpperCase();
      if (verb === 'RCPT') {
        to = words.replace(/^RCPT TO:<(.*)>.*$/i, '$1');
        answer(to.startsWith('refused') ? said(550) : said(250));
      } else if (verb === 'DATA') {
        body = [];
        answer('354 go\r\n');
      } else if (verb === 'QUIT') {
        answer('221 bye\r\n');
        socket.end();
      } else if (verb === 'EHLO') {
        answer(`250-relay ${all[0]}\r\n250-SMTPUTF8\r\n250 8BITMIME\r\n`);
      } else {
        answer('250 ok\r\n');
      }
    };
    socket.setEncoding('utf8');
    socket.on('error', () => {});
    socket.on('data', (more) => {
      text += more;
      for (let end = text.indexOf('\r\n'); end >= 0; end = text.indexOf('\r\n')) {
        const words = text.slice(0, end);
        text = text.slice(end + 2);
        line(words);
      }
    });
    answer(`220 relay ${all[1]}\r\n`);
  });
  return new Promise((done) => {
    server.listen(0, '127.0.0.1', () => done({ port: server.address().port, took, close: () => server.close() }));
  });
}

// Lays the business out and starts it. `told` runs a command of its own beside it.
export async function open(folder, fondly, texts) {
  const all = Object.entries(texts);
  mkdirSync(`${folder}/data/tills`, { recursive: true });
  // Beside the mail server above, which mustn't wait for it.
  const told = async (...args) => {
    const how = { cwd: folder, maxBuffer: 1 << 28, env: { ...process.env, NO_COLOR: '1' } };
    const ran = await run(fondly, args, how).catch((error) => error);
    must([undefined, 3].includes(ran.code), `fondly ${cut(args.join(' '), 80)} ends with ${ran.code}: ${ran.stderr}`);
    return ran.stdout;
  };
  await told('init', 'config');
  rmSync(`${folder}/config/rules`, { recursive: true });
  mkdirSync(`${folder}/config/rules`);
  const mail = await relay(texts);
  const write = (name, text) => writeFileSync(`${folder}/${name}`, text);
  write('config/local.toml', settings(mail.port));
  write('config/templates/everything.en.md', EVERYTHING);
  for (const [id, text] of Object.entries(rules(texts))) write(`config/rules/${id}.toml`, text);
  write('data/customers.csv', customers(all));
  write('data/events.csv', events(all));
  // Files that bear such names, and one whose columns do.
  for (const name of ['image', 'ansi', 'override', 'hebrew', 'heading']) {
    const file = texts[name].replace(/[/\0]/g, '_');
    write(`data/tills/${file}.csv`, table(['id', 'customer_id', 'kind', 'at'], [[texts.svg, texts.link, texts.hebrew, `${day(-9)} x`]]));
  }
  write('data/broken.csv', `${row(['image', 'ends', 'hebrew', 'override', 'ansi'].map((name) => texts[name]))}\n1,2,3,4,5\n`);
  write('password', 'four roses in a row');
  await told('console-user', 'add', 'נועה12', '--role', 'owner', '--password-file', 'password');
  await told('console-user', 'add', 'anna', '--role', 'owner', '--password-file', 'password');
  const token = (await told('token', 'add', 'shop', '--scope', 'events,customers')).match(/[A-Za-z0-9_-]{30,}/)[0];

  const log = `${folder}/run.log`;
  const daemon = spawn(fondly, ['run'], {
    cwd: folder, env: { ...process.env, FONDLY_LOG_FORMAT: 'json' }, stdio: ['ignore', 'ignore', 'pipe'],
  });
  process.on('exit', () => daemon.kill());
  daemon.stderr.pipe(createWriteStream(log));
  const lines = () => readFileSync(log, 'utf8').split('\n').filter((line) => line.startsWith('{'))
    .map((line) => JSON.parse(line));
  const door = async (words) => {
    const found = await until(words, () => {
      must(daemon.exitCode === null, `fondly runs: ${readFileSync(log, 'utf8').slice(-2000)}`);
      return lines().find((line) => JSON.stringify(line).includes(words));
    });
    return `http://${JSON.stringify(found).match(/"address":"([^"]*)"/)[1]}`;
  };
  await pause(100);
  const doors = {
    console: await door('the console is open'),
    pages: await door('customers can unsubscribe'),
    api: await door('other programs can send records'),
  };
  const close = async () => {
    daemon.kill();
    await new Promise((done) => daemon.once('exit', done));
    mail.close();
  };
  return { folder, told, took: mail.took, token, doors, lines, close, write };
}
