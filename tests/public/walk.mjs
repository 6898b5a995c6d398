// As customers do it, from the links in letters that were really sent: no more letters, fewer or other
// ones, a birthday, an opinion; and what the business sees of each. Every page is looked at in two widths,
// in light and dark: nothing is wider than the window, nothing comes from anywhere else, nothing is heavier
// than 100 KB, and axe finds no serious or critical barrier.
import { execFileSync } from 'node:child_process';
import { mkdirSync, readFileSync, readdirSync, writeFileSync } from 'node:fs';
import { chrome, decoded, everywhere, must, pause, until, watch, wide } from './look.mjs';

const [base, fondly, pictures] = process.argv.slice(2);
if (pictures) mkdirSync(pictures, { recursive: true });

const told = (...args) => execFileSync(fondly, args, { encoding: 'utf8' });
// The text of the letters in the outbox whose names hold this.
function letters(mark) {
  const files = readdirSync('var/outbox').filter((name) => name.includes(mark)).sort();
  return files.map((name) => decoded(readFileSync(`var/outbox/${name}`, 'latin1')));
}
async function link(customer, page) {
  const [letter] = await until(`a letter to ${customer}`, () => {
    const found = letters(`_opinion_${customer}_`);
    return found.length > 0 && found;
  });
  const found = letter.match(new RegExp(`https://care\\.thorn\\.example(/letters/${page}/[0-9a-z.]+[0-9a-z])`));
  must(found, `the letter to ${customer} has a link to ${page}`);
  return found[1];
}
let visits = 3;
async function next(customer) {
  visits += 1;
  const at = new Date().toISOString();
  writeFileSync('data/events.csv', `id,customer_id,kind,at\n${visits},${customer},visit,${at}\n`);
  const entry = await until(`an outcome of visit ${visits}`, () => told('log', '--rule', 'opinion', '--format', 'json')
    .trim().split('\n').map((line) => JSON.parse(line))
    .find((one) => one.occasion === String(visits) && ['sent', 'skipped'].includes(one.outcome)));
  return entry;
}

const browser = await chrome();
const [elsewhere, refused] = [[], []];
async function visitor(locale) {
  const one = await browser.newContext({ viewport: { width: wide[0], height: wide[1] }, locale });
  one.setDefaultTimeout(30_000);
  const page = await one.newPage();
  // That a form couldn't be taken is an answer, too.
  watch(page, base, { elsewhere, refused }, (words) => words.includes('400 (Bad Request)'));
  return page;
}
const page = await visitor('en-GB');
async function go(path, on = page) {
  const answer = await on.goto(base + path);
  must(answer.ok(), `${path} is answered with ${answer.status()}`);
}
// Looks again for a while: an answer may be on its way.
async function says(words, on = page) {
  let shown = '';
  for (let n = 0; n < 60; n += 1) {
    shown = await on.locator('main').innerText().catch(() => '');
    if (shown.includes(words)) return;
    await pause(250);
  }
  must(false, `the page says "${words}", not:\n${shown}`);
}

let looks = 0;
async function look(name, on = page) {
  looks += await everywhere(on, name, pictures);
}

// Ann wants her letters in German, none when she stays away, and to be thought of tomorrow.
await go(await link('ann', 'p'));
await look('preferences');
await page.getByLabel('In which language?').selectOption({ label: 'Deutsch' });
await page.getByLabel('When we haven’t seen you for a while').uncheck();
await page.getByRole('button', { name: 'Save' }).click();
must((await page.getByRole('status').innerText()).includes('It is noted'), 'it is said that it is noted');
await look('preferences-noted');
must((await next('ann')).language === 'de', 'the next letter is in German');
const days = new Date(Date.now() + 24 * 3600 * 1000).toISOString().slice(8, 10).replace(/^0/, '');
const month = new Date(Date.now() + 24 * 3600 * 1000).toLocaleString('en-GB', { month: 'long', timeZone: 'UTC' });
await go(await link('ann', 'b'));
await look('birthday');
must(!told('forecast', '--days', '3', '--customer', 'ann', '--rule', 'birthday').includes('goes out'), 'no birthday yet');
await page.getByLabel('Day').selectOption('31');
await page.getByLabel('Month').selectOption('June');
await page.getByRole('button', { name: 'Save' }).click();
await says('There is no such day');
await look('birthday-wrong');
await page.getByLabel('Day').selectOption(days);
await page.getByLabel('Month').selectOption(month);
await page.getByRole('button', { name: 'Save' }).click();
await says(`${days} ${month}`);
await look('birthday-told');
const ahead = told('forecast', '--days', '3', '--customer', 'ann', '--rule', 'birthday');
must(ahead.includes('1 goes out: Ann (ann)'), `the birthday is in the forecast: ${ahead}`);

// Ann asks for a pause, by the keyboard, and ends it.
await go(await link('ann', 'p'));
await page.getByLabel('A pause?').focus();
await page.keyboard.press('ArrowDown');
await page.keyboard.press('ArrowDown');
await page.keyboard.press('Tab');
await page.keyboard.press('Enter');
await says('Still until ');
await look('preferences-paused');
must((await next('ann')).reason === 'customer-paused', 'the next letter is skipped for the pause');
await page.getByLabel('A pause?').selectOption({ label: 'No pause' });
await page.getByRole('button', { name: 'Save' }).click();
must((await next('ann')).outcome === 'sent', 'the one after the pause is sent');

// Bob is unhappy, and says so by the keyboard.
await go(await link('bob', 'o'));
await look('opinion');
await page.getByRole('button', { name: 'Send' }).focus();
await page.evaluate(() => document.querySelector('form').setAttribute('novalidate', ''));
await page.keyboard.press('Enter');
await says('Please choose one of the five faces');
await look('opinion-wrong');
await page.getByRole('radio', { name: 'So-so' }).focus();
await page.keyboard.press('Space');
await page.keyboard.press('ArrowLeft');
must(await page.getByRole('radio', { name: 'Bad', exact: true }).isChecked(), 'the arrow chose the face before');
await look('opinion-chosen');
await page.getByLabel('Would you like to tell us more?').fill('The roses were <b>brown</b>.\nTwice.');
await page.getByRole('button', { name: 'Send' }).click();
await says('We are sorry');
await look('opinion-sorry');
const [alert] = await until('a letter to the owner', () => {
  const found = letters('alert_complaint');
  return found.length > 0 && found;
});
must(alert.includes('> The roses were <b>brown</b>.') && alert.includes('fondly complaint close bob'), alert);
must(!alert.includes('<b>brown</b></p>'), 'what Bob wrote stays words');
must((await next('bob')).reason === 'complaint-open', 'marketing is silenced');
must(told('explain', 'bob', '--rule', 'missed').includes('a complaint of theirs is open'), 'and explained');
told('complaint', 'close', 'bob');
must((await next('bob')).outcome === 'sent', 'until the complaint is closed');

// Cat wants no more, then looks at the preferences, and comes back.
await go(await link('cat', 'u'));
await look('unsubscribe');
must((await next('cat')).outcome === 'sent', 'looking changes nothing');
await page.getByRole('button', { name: 'Unsubscribe' }).click();
await says('It is noted');
await look('unsubscribed');
must((await next('cat')).reason === 'suppressed', 'the next letter is skipped');
await go(await link('cat', 'p'));
await says('You get no letters from us');
await look('stopped');
await page.getByRole('button', { name: 'Write to me again' }).click();
await says('we will write to you again');
await look('back');
must((await next('cat')).outcome === 'sent', 'letters come again');

// The longer words of other languages.
for (const [locale, language] of [['de-DE', 'de'], ['fr-FR', 'fr']]) {
  const other = await visitor(locale);
  for (const [name, path] of [
    ['preferences', await link('ann', 'p')], ['birthday', await link('ann', 'b')],
    ['opinion', await link('ann', 'o')], ['unsubscribe', await link('ann', 'u')],
  ]) {
    await go(path, other);
    must(await other.evaluate(() => document.documentElement.lang) === language, `${name} speaks ${language}`);
    await look(`${name}-${language}`, other);
  }
}
must(elsewhere.length === 0, `nothing is asked of anybody else: ${elsewhere}`);
must(refused.length === 0, `the browser refused nothing: ${refused}`);
console.log(`walked through the customers' pages: ${looks} looks at 2 widths, in light and dark`);
await browser.close();
