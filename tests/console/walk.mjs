// From the first look to a decision, as an owner does it, and then every page at two widths in light and
// dark: nothing is wider than the window, nothing comes from anywhere else, nothing is heavier than
// 100 KB, and axe finds no serious or critical barrier.
import { mkdirSync, readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { chromium } from 'playwright-core';

const [base, pictures] = process.argv.slice(2);
const axe = readFileSync(createRequire(import.meta.url).resolve('axe-core/axe.min.js'), 'utf8');
if (pictures) mkdirSync(pictures, { recursive: true });

function must(fine, words) {
  if (!fine) {
    console.error(`not so: ${words}`);
    process.exit(1);
  }
}

const chrome = await chromium.launch({
  executablePath: process.env.CHROMIUM ?? '/usr/bin/chromium',
  args: [
    '--no-sandbox', '--disable-gpu', '--disable-quic', '--no-first-run',
    '--disable-background-networking', '--disable-component-update', '--disable-sync',
  ],
});
const browser = await chrome.newContext({ viewport: { width: 1280, height: 900 } });
browser.setDefaultTimeout(30_000);
const page = await browser.newPage();
const elsewhere = [];
const refused = [];
page.on('request', (request) => {
  if (!request.url().startsWith(base)) elsewhere.push(request.url());
});
page.on('console', (message) => {
  if (message.type() === 'error') refused.push(message.text());
});

async function go(path) {
  const answer = await page.goto(base + path);
  must(answer.ok(), `${path} is answered with ${answer.status()}`);
}

// Looks again until it is there: the daemon looks once a second.
async function until(path, words) {
  for (let look = 0; look < 120; look += 1) {
    await go(path);
    if ((await page.locator('main').innerText()).includes(words)) return;
    await page.waitForTimeout(500);
  }
  must(false, `${path} shows "${words}"`);
}

// What stands in the frame with this title. No script runs in there, not even one of ours, so what it
// shows is asked for by its address once the frame has it.
async function letterShown(title) {
  const frame = page.locator(`iframe[title^="${title}"]`);
  must((await frame.getAttribute('sandbox')) === '', 'the frame allows nothing');
  const address = new URL(await frame.getAttribute('src'), base).href;
  for (let look = 0; look < 120 && !page.frames().some((one) => one.url() === address); look += 1) {
    await page.waitForTimeout(250);
  }
  must(page.frames().some((one) => one.url() === address), 'the frame shows the letter');
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

// From the calendar to one of its days.
await until('/ahead', 'to go out');
const day = await page.locator('.calendar a').last().getAttribute('href');

const paths = {
  today: '/', ahead: '/ahead', day, ledger: '/ledger', entry, missing: '/missing', held: '/held', batch,
  rules: '/rules', rule: '/rules/birthday', sources: '/sources', source: '/sources/customers',
  health: '/health', people: '/people', nobody: '/ledger?customer=nobody-of-this-name',
};
async function everywhere(when) {
  for (const [name, path] of Object.entries(paths)) {
    for (const [width, height] of [[1280, 900], [390, 844]]) {
      for (const colorScheme of ['light', 'dark']) {
        await page.setViewportSize({ width, height });
        await page.emulateMedia({ colorScheme });
        await go(path);
        const wide = await page.evaluate(() => document.documentElement.scrollWidth - window.innerWidth);
        must(wide <= 0, `${path} fits into ${width} (${wide} too wide)`);
        const weight = await page.evaluate(() => performance.getEntries()
          .reduce((sum, one) => sum + (one.encodedBodySize ?? 0), 0));
        must(weight < 100_000, `${path} weighs less than 100 KB, not ${weight}`);
        await page.evaluate(axe);
        const found = await page.evaluate(() => window.axe.run(document, { iframes: false }));
        const bad = found.violations.filter((one) => ['serious', 'critical'].includes(one.impact));
        must(bad.length === 0, `${path} at ${width} in ${colorScheme} has no barrier: ${JSON.stringify(
          bad.map((one) => [one.id, one.nodes[0].html, one.nodes[0].failureSummary]))}`);
        if (pictures) {
          await page.screenshot({ path: `${pictures}/${name}-${when}-${width}-${colorScheme}.png`, fullPage: true });
        }
      }
    }
  }
  await page.setViewportSize({ width: 1280, height: 900 });
}
await everywhere('held');

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
if (pictures) await everywhere('sent');
must(elsewhere.length === 0, `nothing is asked of anybody else: ${elsewhere}`);
must(refused.length === 0, `the browser refused nothing: ${refused}`);
console.log(`walked through the console: ${Object.keys(paths).length} pages at 2 widths, in light and dark`);
await chrome.close();
