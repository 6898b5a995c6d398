// What the walks share: the browser, how long somebody waits for something, and what every page owes
// whoever looks at it in a window of any width, by day and by night.
import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { chromium } from 'playwright-core';

const axe = readFileSync(createRequire(import.meta.url).resolve('axe-core/axe.min.js'), 'utf8');
const MOST_BYTES = 100_000;

export const wide = [1280, 900];
export const narrow = [390, 844];

export function must(fine, words) {
  if (!fine) {
    console.error(`not so: ${words.slice(0, 700)}`);
    process.exit(1);
  }
}

export const pause = (milliseconds) => new Promise((done) => setTimeout(done, milliseconds));

// Looks again until there is something.
export async function until(words, look) {
  for (let n = 0; n < 240; n += 1) {
    const found = await look();
    if (found) return found;
    await pause(250);
  }
  return must(false, words);
}

// A browser that asks nobody but us for anything.
export function chrome() {
  return chromium.launch({
    executablePath: process.env.CHROMIUM ?? '/usr/bin/chromium',
    args: [
      '--no-sandbox', '--disable-gpu', '--disable-quic', '--no-first-run',
      '--disable-background-networking', '--disable-component-update', '--disable-sync',
    ],
  });
}

// Notes what a page asks of anybody but `base`, and what the browser complains of; but for what `fine`
// says is an answer, too.
export function watch(page, base, { elsewhere, refused }, fine = () => false) {
  page.on('request', (request) => {
    if (!request.url().startsWith(base)) elsewhere.push(request.url());
  });
  page.on('console', (message) => {
    if (message.type() === 'error' && !fine(message.text())) refused.push(message.text());
  });
}

// Decodes quoted-printable, as letters are written.
export function decoded(text) {
  const bytes = text.replace(/=\r?\n/g, '')
    .replace(/=([0-9A-F]{2})/g, (_, hex) => String.fromCharCode(parseInt(hex, 16)));
  return Buffer.from(bytes, 'latin1').toString('utf8');
}

export async function resize(page, [width, height], colorScheme) {
  await page.setViewportSize({ width, height });
  await page.emulateMedia({ colorScheme });
}

// Nothing is wider than the window.
export async function fits(page, name) {
  const [over, width] = await page.evaluate(() => [document.documentElement.scrollWidth - window.innerWidth,
    window.innerWidth]);
  must(over <= 0, `${name} fits into ${width} (${over} too wide)`);
}

// Nothing is heavier than 100 KB.
export async function isLight(page, name) {
  const weight = await page.evaluate(() => performance.getEntries()
    .reduce((sum, one) => sum + (one.encodedBodySize ?? 0), 0));
  must(weight > 0 && weight < MOST_BYTES, `${name} weighs less than 100 KB, not ${weight}`);
}

// Axe finds no serious or critical barrier.
export async function hasNoBarrier(page, name) {
  await page.evaluate(axe);
  const found = await page.evaluate(() => window.axe.run(document, { iframes: false }));
  const bad = found.violations.filter((one) => ['serious', 'critical'].includes(one.impact));
  must(bad.length === 0, `${name} has no barrier: ${JSON.stringify(
    bad.map((one) => [one.id, one.nodes[0].html, one.nodes[0].failureSummary]))}`);
}

// All of that in two widths, in light and dark; with a folder, as pictures. `show` brings the page up anew.
export async function everywhere(page, name, pictures, show = async () => {}) {
  let looks = 0;
  for (const size of [wide, narrow]) {
    for (const scheme of ['light', 'dark']) {
      const called = `${name} at ${size[0]} in ${scheme}`;
      await resize(page, size, scheme);
      await show();
      await fits(page, called);
      await isLight(page, called);
      await hasNoBarrier(page, called);
      if (pictures) await page.screenshot({ path: `${pictures}/${name}-${size[0]}-${scheme}.png`, fullPage: true });
      looks += 1;
    }
  }
  await page.setViewportSize({ width: wide[0], height: wide[1] });
  return looks;
}
