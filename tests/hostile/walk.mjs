// Opens in a browser whatever shows what customers, files, mail servers and programs said: every page of the
// console, the letters in their frame and in a mail program, the customers' own pages, the owner's alerts and
// weekly letter; and looks at what the commands print and at the lists as files. First with people of whom
// nothing is odd, which says what may stand in each; then with all of `values.mjs`.
import { execFileSync } from 'node:child_process';
import { mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import {
  chrome, decoded, everywhere, fits, isLight, must, narrow, resize, until, wide,
} from './look.mjs';
import { isHarmless, isNoticed, isPlain, places, readsInOrder, trap } from './shown.mjs';
import { cut, readable, rightToLeft, tame, values } from './values.mjs';
import { open } from './world.mjs';

const [fondly, work, snapshots, pictures] = process.argv.slice(2);
if (pictures) mkdirSync(pictures, { recursive: true });
const began = Date.now();
const lap = (words) => { if (process.env.LAPS) console.error(`${Math.round((Date.now() - began) / 1000)} s: ${words}`); };

// The lists of ways that the tests keep, of which none may be forgotten.
const listed = (name, way) => [...readFileSync(`${snapshots}/ways-${name}.snap`, 'utf8').matchAll(way)].map((one) => one[1]);
const ways = listed('console', /^\| GET (\S+) \|/gm);
const doors = listed('public', /^\| GET \/(\w+)\/\{token\} \|/gm);
must(ways.length > 20 && doors.length > 3, `the lists of ways are there: ${ways} ${doors}`);
const wayOf = (path) => {
  const parts = path.replace(/\?.*/, '').split('/');
  const fit = (way) => way.split('/').length === parts.length
    && way.split('/').every((part, n) => part.startsWith('{') || part === parts[n]);
  return ways.find((way) => !way.includes('{') && fit(way)) ?? ways.find(fit);
};

const browser = await chrome();

// A page that notes what is asked of anybody else, and whatever the browser refuses.
async function visitor(base, more = {}) {
  const one = await browser.newContext({ viewport: { width: wide[0], height: wide[1] }, ...more });
  one.setDefaultTimeout(60_000);
  await one.addInitScript(trap);
  const page = await one.newPage();
  const trouble = [];
  page.on('request', (request) => {
    if (!request.url().startsWith(base)) trouble.push(`asks for ${request.url().slice(0, 200)}`);
  });
  page.on('dialog', (dialog) => { trouble.push(`a dialog: ${dialog.message()}`); dialog.dismiss(); });
  page.on('popup', (popup) => trouble.push(`a window: ${popup.url()}`));
  page.on('pageerror', (error) => trouble.push(`an error: ${error.message}`));
  page.on('download', (file) => trouble.push(`a download: ${file.url()}`));
  page.on('console', (message) => {
    const refused = / 40[034] /.test(` ${message.text().match(/status of (\d+)/)?.[1]} `);
    if (message.type() === 'error' && !refused) trouble.push(message.text());
  });
  const calm = (name) => must(trouble.length === 0, `${name} is calm: ${trouble.slice(0, 3)}`);
  return { page, calm, trouble };
}

// ---- the console

// Of many alike pages, so many are looked at: of entries, one for each customer and each outcome.
const MOST = { odd: { entries: 200, others: 14 }, tame: { entries: 12, others: 5 } };
const own = (to) => /^\/(?!\/)/.test(to) || to.startsWith('#');

// Every address on a page, and where it stands in a list of entries, what the row is about.
const linksOf = () => [...document.querySelectorAll('a[href],link[href],iframe[src]')].map((one) => {
  const tag = one.closest('tr')?.querySelector('.tag');
  const customer = one.closest('tr')?.querySelector('a[href^="/customers/"]');
  const row = [tag?.className, customer?.getAttribute('href')].filter((what) => what);
  return [one.getAttribute(one.localName === 'iframe' ? 'src' : 'href'), tag && customer ? row : []];
}).filter(([to]) => !to.startsWith('#'));

async function consolePages(world, known, odd) {
  const base = world.doors.console;
  const { page, calm } = await visitor(base);
  const got = (path) => page.goto(base + path, { waitUntil: 'load' });
  await got('/login?next=%22%3E%3Cscript%3Eharm(1)%3C/script%3E');
  await isHarmless(page, 'the login', { kinds: known, leads: own });
  const user = odd ? 'נועה12' : 'anna';
  await page.getByLabel('Name').fill(odd ? `${values.svg}` : 'nobody');
  await page.getByLabel('Password').fill('x');
  await page.getByRole('button').click();
  await page.getByRole('alert').waitFor();
  const kinds = new Set(await isHarmless(page, 'the login', { kinds: known, leads: own }));
  if (odd) await everywhere(page, 'login', pictures);
  await page.getByLabel('Name').fill(user);
  await page.getByLabel('Password').fill('four roses in a row');
  await page.getByRole('button').click();
  await page.getByRole('navigation', { name: 'Pages' }).waitFor();

  const seen = new Map([['/login', ['/login']]]);
  const waiting = ['/'];
  const queued = new Set(waiting);
  const files = [];
  const spots = new Map();
  const told = new Set();
  const most = MOST[odd ? 'odd' : 'tame'];
  let looks = 0;
  const add = (path) => {
    const way = wayOf(path);
    must(way, `${path} is one of the ways`);
    if (queued.has(path)) return;
    queued.add(path);
    waiting.push(path);
  };
  while (waiting.length > 0) {
    const path = waiting.shift();
    const way = wayOf(path);
    const before = seen.get(way) ?? [];
    if (before.length >= most[way.includes('{entry}') ? 'entries' : 'others']) continue;
    seen.set(way, [...before, path]);
    if (/\.(csv|css|svg)$/.test(way)) {
      if (before.length > 2) continue;
      const answer = await page.request.get(base + path);
      must(answer.ok(), `${path} is answered with ${answer.status()}`);
      if (way.endsWith('.csv')) files.push([path, await answer.text()]);
      continue;
    }
    const letter = way.endsWith('/letter');
    await until(`${path} is answered`, async () => {
      const answer = await got(path);
      must(answer.ok() || answer.status() === 503, `${path} is answered with ${answer.status()}`);
      return answer.ok();
    });
    // Its own frame's policy lets no script of ours in; it is looked at as a mail program shows it, below.
    if (letter) { calm(path); continue; }
    const name = `${way} of ${decodeURIComponent(path).slice(0, 60)}`;
    for (const kind of await isHarmless(page, name, { kinds: known, leads: own })) kinds.add(kind);
    for (const [to, row] of await page.evaluate(linksOf)) {
      // One entry of each customer, and of each outcome.
      const news = (odd ? row : row.slice(0, 1)).filter((what) => !told.has(what));
      if (wayOf(to) === '/ledger/{entry}' && row.length > 0 && news.length === 0) continue;
      if (wayOf(to) === '/ledger/{entry}') news.forEach((what) => told.add(what));
      add(to);
    }
    await resize(page, narrow, 'light');
    const spot = await places(page);
    if (!odd) {
      const known = spots.get(way) ?? spot;
      spots.set(way, Object.fromEntries(Object.entries(known).map(([what, top]) => [what,
        typeof top === 'number' ? Math.max(top, spot[what]) : top])));
    } else {
      const usual = world.spots.get(way);
      const near = spot.heading < usual.heading + 250 && spot.first < usual.first + 100
        && (spot.button === 1e6 || spot.button < usual.button + 500) && spot.height < usual.height + 400;
      must(near, `${name} is usable: ${JSON.stringify(spot)} where tame people have ${JSON.stringify(usual)}`);
      await fits(page, name);
      await isLight(page, name);
      await readsInOrder(page, name, rightToLeft);
      await resize(page, wide, 'light');
      await fits(page, name);
      await readsInOrder(page, name, rightToLeft);
      if (before.length === 0) {
        looks += await everywhere(page, `console${path.replace(/[^a-z0-9]+/gi, '-').slice(0, 60)}`, pictures);
      }
    }
    calm(name);
  }
  for (const way of ways) must(seen.has(way), `${way} was found by the pages' own links: ${[...seen.keys()]}`);
  const pages = [...seen.values()].flat().length;
  return { kinds, files, spots, pages, looks };
}

// ---- letters, as a mail program shows them

// Both parts of a message, and its head.
function opened({ to, text }) {
  const [head, body] = [text.slice(0, text.indexOf('\r\n\r\n')), text.slice(text.indexOf('\r\n\r\n'))];
  const boundary = head.match(/boundary="([^"]+)"/)[1];
  const parts = body.split(`--${boundary}`).slice(1, -1).map((part) => {
    const at = part.indexOf('\r\n\r\n');
    return { head: part.slice(0, at), body: part.slice(at + 4) };
  });
  must(parts.length === 2, `a letter to ${to} has two parts, not ${parts.length}`);
  const said = ({ head: how, body: words }) => {
    if (/quoted-printable/i.test(how)) return decoded(words);
    return /base64/i.test(how) ? Buffer.from(words, 'base64').toString('utf8') : words;
  };
  return { to, head, plain: said(parts[0]), html: said(parts[1]) };
}

const MAIL = 'http://mail.example/letter';
const leadsHome = (to) => /^(https:\/\/(shop|care)\.thorn\.example|http:\/\/127\.0\.0\.1:\d+)\//.test(to);

// A page that shows what it is given, and hears of nobody else.
async function mailbox() {
  const { page, ...more } = await visitor(MAIL);
  const show = { html: '' };
  await page.route('**/*', (route) => (route.request().url() === MAIL
    ? route.fulfill({ contentType: 'text/html; charset=utf-8', body: show.html }) : route.abort()));
  const open = async (html) => {
    show.html = html;
    await page.goto(MAIL);
  };
  return { page, open, ...more };
}

// Whether all of that would be noticed: the values as they are, in a page that takes them for markup.
async function wouldBeNoticed() {
  const { page, open, trouble } = await mailbox();
  await open(`<p>${Object.values(values).slice(0, 4).join('</p><p>')}</p><p>${rightToLeft[0]} 12 letters</p>`);
  await isNoticed(page, rightToLeft, trouble);
}

async function mailProgram(letters, known, odd) {
  const { page, open, calm } = await mailbox();
  const kinds = new Map();
  let n = 0;
  const sorts = {};
  for (const { sort, html, plain, head, to } of letters) {
    sorts[sort] = (sorts[sort] ?? 0) + 1;
    if (!odd && sorts[sort] > 12) continue;
    await open(html);
    const name = `the ${sort} to ${to} (${head.match(/Subject: (.{0,60})/)?.[1]})`;
    const found = await isHarmless(page, name, { kinds: known?.get(sort), leads: leadsHome });
    kinds.set(sort, new Set([...kinds.get(sort) ?? [], ...found]));
    if (odd) {
      for (const size of ['alert', 'digest'].includes(sort) ? [[700, 900], narrow] : [narrow]) {
        await resize(page, size, 'light');
        await fits(page, name);
        await readsInOrder(page, name, rightToLeft);
      }
      const height = await page.evaluate(() => document.documentElement.scrollHeight);
      must(sort === 'order' || height < 8_000, `${name} can be read on a phone: ${height} high`);
      isPlain(plain.replaceAll('\r\n', '\n'), `${name} as text`, /[\u2068\u2069]/);
      const headers = new Set([...head.matchAll(/^([A-Za-z-]+):/gm)].map(([, one]) => one.toLowerCase()));
      for (const one of ['bcc', 'cc']) must(!headers.has(one), `${name} has no ${one}`);
      n += 1;
      if (pictures) {
        for (const [size, scheme] of [[narrow, 'light'], [[700, 900], 'dark']]) {
          await resize(page, size, scheme);
          await page.screenshot({ path: `${pictures}/mail-${sort}-${n}-${size[0]}.png`, fullPage: true });
        }
      }
    }
    calm(name);
  }
  return kinds;
}

// ---- the pages behind the links of letters

const linkIn = ({ plain }, page) => {
  const found = plain.match(new RegExp(`https://care\\.thorn\\.example(/letters/${page}/[0-9a-z.]+[0-9a-z])`));
  must(found, `the letter has a link to ${page}: ${plain.slice(0, 2000)}`);
  return found[1];
};

async function customersPages(world, letters, known, odd) {
  const base = world.doors.pages;
  const language = odd ? '<script>harm(1)</script>, "de;q=--,\'; en' : 'en';
  const { page, calm } = await visitor(base, { extraHTTPHeaders: {
    'Accept-Language': language, 'User-Agent': odd ? values.svg : 'x', 'X-Request-Id': odd ? values.image : 'x',
  } });
  const kinds = new Set();
  const leads = (to) => to === '' || own(to) || to === 'mailto:anna@thorn.example';
  let looks = 0;
  const look = async (name, closely = false) => {
    await page.waitForLoadState('load');
    for (const kind of await isHarmless(page, name, { kinds: known, leads })) kinds.add(kind);
    if (odd) {
      await resize(page, narrow, 'light');
      await fits(page, name);
      await readsInOrder(page, name, rightToLeft);
      await resize(page, wide, 'light');
      if (closely) looks += await everywhere(page, `page-${name.replace(/[^a-z]+/gi, '-').slice(0, 40)}`, pictures);
    }
    calm(name);
  };
  const query = `?x=${encodeURIComponent(odd ? values.ends : 'x')}&lang=${encodeURIComponent(odd ? values.script : 'x')}`;
  const [first] = letters;
  for (const which of doors) {
    for (const path of [linkIn(first, which), `/letters/${which}/${encodeURIComponent(odd ? values.image : 'none')}`]) {
      const answer = await page.goto(base + path + query);
      must(answer.ok(), `${path} is answered with ${answer.status()}`);
      const id = answer.headers()['x-request-id'] ?? '';
      must(!/[<>]/.test(id), `the request's id is ours: ${id}`);
      await look(`page ${which}${path.includes('%') ? ' by a forged link' : ''}`, !path.includes('%'));
    }
  }
  // What a customer writes stays words, on the page that asks again as well.
  const said = odd ? ['script', 'ends', 'override', 'spaced', 'jinja', 'link', 'heading', 'hebrew', 'zalgo', 'ansi',
    'nothing', 'long'] : ['script', 'ends', 'spaced'];
  const told = [];
  for (const [n, name] of said.entries()) {
    const letter = letters[n % letters.length];
    const text = (odd ? values : tame)[name];
    await page.goto(base + linkIn(letter, 'o'));
    if (n % 3 === 0) {
      // Without a face.
      await page.evaluate(() => document.querySelector('form').setAttribute('novalidate', ''));
      await page.locator('textarea').fill(text);
      await page.getByRole('button').click();
      await page.locator('.wrong').waitFor();
      await look(`opinion asked again ${name}`, n === 0);
    }
    await page.locator('input[type=radio]').first().check({ force: true });
    await page.locator('textarea').fill(text);
    await page.getByRole('button').click();
    await page.waitForLoadState();
    await look(`opinion of ${name}`, n === 0);
    if (await page.locator('.wrong').count() === 0) told.push(name);
  }
  await page.goto(base + linkIn(first, 'p'));
  await page.locator('form button').first().click();
  await page.waitForLoadState();
  await look('chosen');
  await page.goto(base + linkIn(first, 'b'));
  await page.evaluate(() => document.querySelector('form').setAttribute('novalidate', ''));
  await page.getByRole('button').click();
  await page.locator('.wrong').waitFor();
  await look('birthday asked again');
  return { kinds, told, looks };
}

// ---- other programs

async function otherProgram(world, texts) {
  const send = async (path, body, more = {}) => {
    const headers = { Authorization: `Bearer ${world.token}`, 'Content-Type': 'application/json', ...more };
    const answer = await fetch(world.doors.api + path, { method: 'POST', headers, body });
    return { status: answer.status, id: answer.headers.get('x-request-id'), text: await answer.text() };
  };
  const all = Object.entries(texts);
  const people = all.map(([, text], n) => ({
    id: `${cut(text.replace(/\p{Cc}+/gu, ''), 20)}-api${n}`.trim(), first_name: text, last_name: text, language: text,
    staff_name: text, tags: [cut(text.replace(/\p{Cc}+/gu, ''), 190).trim()], attr: { note: text },
  }));
  const answer = await send('/api/customers', JSON.stringify(people), {
    'User-Agent': texts.script, 'X-Request-Id': texts.svg,
  });
  must([200, 201, 207].includes(answer.status), `records are taken: ${answer.status} ${answer.text.slice(0, 300)}`);
  must(!/[<>"]/.test(answer.id ?? ''), `the request's id is ours: ${answer.id}`);
  const bad = all.map(([, text], n) => ({ id: `api-bad${n}`, email: `${text} x`, first_name: text, [cut(text, 50)]: text }));
  must([207, 422].includes((await send('/api/customers', JSON.stringify(bad))).status), 'what can\'t be used is told');
  for (const half of ['\\ud800', '\\udc00\\ud800', 'Ann\\ud83d']) {
    const told = await send('/api/customers', `{"id": "half", "first_name": "${half}"}`);
    must(told.status === 422 || told.status === 400, `half a sign is refused: ${told.status} ${told.text}`);
  }
}

// ---- the commands, and lists as files

async function terminal(world) {
  const log = (await world.told('log', '--limit', '5000', '--format', 'json')).trim().split('\n').map((line) => JSON.parse(line));
  must(log.length > 100, `the ledger is there: ${log.length}`);
  const customers = [...new Set(log.filter((one) => one.rule === 'order').map((one) => one.customer))];
  const some = ['script', 'override', 'closes', 'ansi', 'controls', 'long', 'zalgo', 'hebrew', 'nothing', 'heading'];
  const of = (name) => customers.find((id) => id.startsWith([...values[name].replace(/\p{Cc}+/gu, ' ').trim()].slice(0, 150).join('')));
  const commands = [['log', '--limit', '1000'], ['quiet', '--all'], ['forecast', '--days', '7'], ['quarantine'], ['digest'],
    ['complaint', 'list'], ['results'], ['suppress', 'list'], ['sync', 'customers', '--report']];
  for (const name of some) {
    const id = of(name);
    if (!id) continue;
    commands.push(['explain', '--', id], ['preview', '--', 'order', id]);
    commands.push(['show', log.find((one) => one.rule === 'order' && one.customer === id).id]);
  }
  for (const outcome of ['rejected', 'deferred']) {
    for (const one of log.filter((entry) => entry.outcome === outcome)) commands.push(['show', one.id]);
  }
  for (const command of commands) {
    const out = await world.told(...command);
    const name = `fondly ${command.join(' ').slice(0, 60)}`;
    isPlain(out, name);
    must(command[0] === 'preview' || out.split('\n').every((line) => line.length < 4_200), `${name} has no line without end`);
  }
  const lists = [];
  for (const command of [['log', '--limit', '5000'], ['quiet', '--all'], ['forecast', '--days', '7'], ['quarantine'],
    ['explain', customers[0]], ['suppress', 'list']]) {
    lists.push([`fondly ${command[0]}`, await world.told(...command, '--format', 'csv')]);
    const json = (await world.told(...command, '--format', 'json')).trim();
    for (const line of json.split('\n').filter((one) => one)) JSON.parse(line);
  }
  return { commands: commands.length, lists };
}

// The cells of a file, as a program reads it whose lists have this sign between them. One that expects
// another than the comma sees quotes only at a cell's beginning.
function cells(text, between) {
  const all = [];
  let [cell, quoted] = ['', false];
  for (let at = 0; at < text.length; at += 1) {
    const sign = text[at];
    if (quoted) {
      if (sign !== '"') cell += sign;
      else if (text[at + 1] === '"') cell += text[at += 1];
      else quoted = false;
    } else if (sign === '"' && cell === '') quoted = true;
    else if (sign === between || sign === '\n' || sign === '\r') {
      all.push(cell);
      cell = '';
    } else cell += sign;
  }
  return [...all, cell];
}

function isNoFormula(files) {
  for (const [name, text] of files) {
    for (const between of [',', ';', '\t']) {
      const bad = cells(text, between).find((cell) => /^[" ]*[=+\-@\uff1d\uff0b\uff0d\uff20]/.test(cell));
      must(bad === undefined, `${name} has no formula where "${between}" stands between: ${bad?.slice(0, 200)}`);
    }
  }
}

// The same, asked of LibreOffice, where it is there.
function inASpreadsheet(files) {
  const folder = `${work}/sheets`;
  mkdirSync(folder, { recursive: true });
  files.forEach(([, text], n) => writeFileSync(`${folder}/list${n}.csv`, text));
  writeFileSync(`${folder}/planted.csv`, 'a,b\n1,=1+1\n');
  const names = [...files.keys()].map((n) => `${folder}/list${n}.csv`);
  for (const between of [44, 59]) {
    const filter = `Text - txt - csv (StarCalc):${between},34,76,1,,0,false,true,false,false,false,0,true`;
    try {
      execFileSync('soffice', [`-env:UserInstallation=file://${work}/office`, '--headless', `--infilter=${filter}`,
        '--convert-to', 'fods', '--outdir', `${folder}/${between}`, ...names, `${folder}/planted.csv`], { stdio: 'pipe' });
    } catch (error) {
      if (error.code === 'ENOENT') return false;
      throw error;
    }
    const formulas = (name) => [...readFileSync(`${folder}/${between}/${name}.fods`, 'utf8').matchAll(/table:formula="([^"]*)"/g)];
    if (between === 44) must(formulas('planted').length === 1, 'LibreOffice takes a formula for one');
    files.forEach(([file], n) => {
      const found = formulas(`list${n}`);
      must(found.length === 0, `LibreOffice finds no formula in ${file}: ${found[0]?.[1]}`);
    });
  }
  return true;
}

// ---- all of it

async function whole(name, texts, before) {
  const odd = before !== undefined;
  const folder = `${work}/${name}`;
  const world = await open(folder, fondly, texts);
  world.spots = before?.console.spots;
  const count = Object.keys(texts).length;
  await otherProgram(world, texts);
  const reached = () => new Set(world.took.map(({ to }) => to).filter((to) => /^c\d/.test(to)));
  await until('every customer has a letter', () => reached().size === count);
  lap(`${name}: letters`);
  const orders = () => world.took.map(opened).filter(({ head }) => /List-Id: <order\./.test(head));
  const byNumber = (n) => orders().find(({ to }) => to === `c${n}@mail.example`);
  const pages = await customersPages(world, [...Array(12).keys()].map(byNumber), before?.pages.kinds, odd);
  lap(`${name}: customers' pages`);
  const alerts = () => world.took.filter(({ text }) => /List-Id: <alert\./.test(text)).length;
  await until('the owner hears of what customers said', () => alerts() >= pages.told.length);
  // Away three times and more, so that it is told of.
  await until('the owner hears of the source', async () => /can.t be read/.test(await world.told('digest')));
  await world.told('digest', '--send');
  const came = (sort, more = /^/) => world.took.some(({ text }) => text.includes(`List-Id: <${sort}.`) && more.test(text));
  await until('the weekly letter', () => came('digest'));
  // A file that can't be a rule, by its name and by what stands in it.
  const title = odd ? `${texts.image} ${texts.override}` : 'Tame';
  const edit = `config/rules/${title.replace(/\//g, '_')}.toml`;
  const key = odd ? '<b>' : 'tame';
  world.write(edit, `title = ${JSON.stringify(title)}\n"${key}" = ${JSON.stringify(odd ? texts.ends : 'Tame')}\n`);
  await until('the owner hears of the edit', () => came('alert', /Subject:.*edit/i));
  lap(`${name}: alerts`);
  const seen = await consolePages(world, before?.console.kinds, odd);
  lap(`${name}: console`);
  rmSync(`${folder}/${edit}`);
  const letters = world.took.map(opened).map((one) => ({ ...one, sort: one.head.match(/List-Id: <([^.>]+)/)[1] }));
  const mail = await mailProgram(letters, before?.mail, odd);
  for (const sort of ['order', 'note', 'alert', 'digest']) must(mail.has(sort), `there is a letter of the sort ${sort}`);
  lap(`${name}: mail`);
  let more = {};
  if (odd) {
    // A name is shown as its owner writes it.
    for (const [person, text] of Object.entries(readable)) {
      const n = Object.keys(texts).indexOf(person);
      const { html, plain } = byNumber(n);
      must(html.includes(text.replaceAll('\'', '&#39;')) || html.includes(text), `${person} can be read in a letter`);
      must(plain.includes(text), `${person} can be read in a letter's text`);
    }
    const { commands, lists } = await terminal(world);
    lap('terminal');
    const files = [...seen.files, ...lists];
    isNoFormula(files);
    const office = inASpreadsheet(files);
    lap('lists');
    more = { commands, files: files.length, office };
  }
  await world.close();
  const bad = world.lines().filter((line) => /panicked/.test(JSON.stringify(line))
    || (line.level === 'ERROR' && !line.message.startsWith('an edit can\'t be used')));
  must(bad.length === 0, `nothing went wrong: ${JSON.stringify(bad[0])}`);
  return { console: seen, pages, mail, letters: letters.length, ...more };
}

await wouldBeNoticed();
const usual = await whole('tame', tame);
const found = await whole('odd', values, usual);
await browser.close();
console.log(`hostile data on ${found.console.pages} pages of the console and ${found.letters} letters, in `
  + `${found.commands} commands and ${found.files} lists: words everywhere, ${found.console.looks + found.pages.looks} `
  + `looks at 2 widths, in light and dark${found.office ? '' : '; LibreOffice wasn\'t there'}`);
