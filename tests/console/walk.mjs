// From the first look to a decision, as an owner does it, and then every page at two widths in light and
// dark: nothing is wider than the window, nothing comes from anywhere else, nothing is heavier than
// 100 KB, and axe finds no serious or critical barrier.
import { mkdirSync } from 'node:fs';
import { chrome, everywhere, must, until as look, wide, watch } from './look.mjs';

const [base, pictures] = process.argv.slice(2);
if (pictures) mkdirSync(pictures, { recursive: true });

const browser = await chrome();
const visitor = await browser.newContext({ viewport: { width: wide[0], height: wide[1] } });
visitor.setDefaultTimeout(30_000);
const page = await visitor.newPage();
const [elsewhere, refused] = [[], []];
watch(page, base, { elsewhere, refused });

async function go(path) {
  const answer = await page.goto(base + path);
  must(answer.ok(), `${path} is answered with ${answer.status()}`);
}

// Looks again until it is there: the daemon looks once a second.
const until = (path, words) => look(`${path} shows "${words}"`, async () => {
  await go(path);
  return (await page.locator('main').innerText()).includes(words);
});

// What stands in the frame with this title. No script runs in there, not even one of ours, so what it
// shows is asked for by its address once the frame has it.
async function letterShown(title) {
  const frame = page.locator(`iframe[title^="${title}"]`);
  must((await frame.getAttribute('sandbox')) === '', 'the frame allows nothing');
  const address = new URL(await frame.getAttribute('src'), base).href;
  await look('the frame shows the letter', () => page.frames().some((one) => one.url() === address));
  return (await page.request.get(address)).text();
}

await until('/', 'Birthday greeting');
await until('/held', 'Birthday greeting');
await go('/');
await page.getByRole('row', { name: /Ann Archer/ }).getByRole('link').first().click();
await page.waitForURL('**/ledger/*');
const entry = new URL(page.url()).pathname;
must((await letterShown('The letter')).includes('Happy birthday'), 'the letter can be read in its frame');
await page.getByRole('navigation').getByRole('link', { name: 'Held' }).click();
await page.getByRole('link', { name: 'Look', exact: true }).first().click();
await page.waitForURL('**/held/birthday/*');
const batch = new URL(page.url()).pathname;
must((await letterShown('The first letter')).includes('Happy birthday'), 'the first letter is shown');

// How good the records are: from the list of sources to what looks wrong, and as a file.
await page.getByRole('navigation').getByRole('link', { name: 'Sources' }).click();
await page.getByRole('link', { name: 'customers', exact: true }).click();
await page.waitForURL('**/sources/customers');
await until('/sources/customers', 'leads nowhere');
must((await page.locator('main').innerText()).includes('isn\'t an e-mail address'), 'why a record can\'t be used');
const file = await page.request.get(base + await page.getByRole('link', { name: 'CSV' }).first().getAttribute('href'));
must((await file.text()).startsWith('finding,customers,of,words,examples\n'), 'the report as a file');

// From a search to somebody for whom nothing came due: who they are, what they said, what comes and why.
await page.getByRole('navigation').getByRole('link', { name: 'Ledger' }).click();
await page.getByLabel('Customer').fill('c2@mail.example');
await page.getByRole('button', { name: 'Look' }).click();
await page.getByRole('link', { name: 'Customer Number2' }).click();
await page.waitForURL('**/customers/c2');
const known = await page.locator('main').innerText();
for (const words of ['A complaint is open', 'Born on', 'c2@mail.example', 'purchase']) {
  must(known.includes(words), `the page of a customer says "${words}": ${known}`);
}
// What customers say, from the navigation.
await page.getByRole('navigation').getByRole('link', { name: 'Opinions' }).click();
await page.waitForURL('**/opinions');
must((await page.locator('main').innerText()).includes('<b>Too many</b> letters'), 'what somebody said stays words');

// From the calendar to one of its days.
await until('/ahead', 'to go out');
const day = await page.locator('.calendar a').last().getAttribute('href');

const paths = {
  today: '/', ahead: '/ahead', day, ledger: '/ledger', entry, missing: '/missing', held: '/held', batch,
  rules: '/rules', rule: '/rules/birthday', sources: '/sources', source: '/sources/customers',
  customer: '/customers/c1', quiet: '/customers/c2', opinions: '/opinions', health: '/health', people: '/people', nobody: '/ledger?customer=nobody-of-this-name',
};
async function all(when) {
  for (const [name, path] of Object.entries(paths)) {
    await everywhere(page, `${name}-${when}`, pictures, () => go(path));
  }
}
await all('held');

await go(batch);
await page.getByRole('button', { name: /^Let .* go$/ }).click();
await page.waitForURL('**/held?said=approved');
must((await page.getByRole('status').innerText()).includes('They may go'), 'it is said that they may go');
await until('/ledger?outcome=sent', 'Ann Archer');
// The same by the form, as somebody looks who doesn't write addresses.
await page.getByRole('navigation').getByRole('link', { name: 'Ledger' }).click();
await page.getByLabel('Outcome').selectOption('sent');
await page.getByRole('button', { name: 'Look' }).click();
await page.waitForURL('**/ledger?*outcome=sent*');
await page.getByRole('table').getByRole('link').first().click();
must((await page.locator('.history').innerText()).includes('It went out.'), 'the history ends with it');
await go('/people');
must((await page.locator('main').innerText()).includes('let go'), 'who let them go is noted');
if (pictures) await all('sent');
must(elsewhere.length === 0, `nothing is asked of anybody else: ${elsewhere}`);
must(refused.length === 0, `the browser refused nothing: ${refused}`);
console.log(`walked through the console: ${Object.keys(paths).length} pages at 2 widths, in light and dark`);
await browser.close();
