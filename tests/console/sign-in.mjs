// Signing in and out as an owner and as somebody who may only look, and how the pages tell of trouble: every
// page that the first walk doesn't come by, in two widths, in light and dark.
import { chrome, everywhere, must, until, watch } from './look.mjs';

const [base, pictures, password] = process.argv.slice(2);
const browser = await chrome();
const seen = { elsewhere: [], refused: [] };
let looks = 0;

async function visitor() {
  const context = await browser.newContext({ viewport: { width: 1280, height: 900 } });
  context.setDefaultTimeout(30_000);
  const page = await context.newPage();
  // That there is nothing, or that somebody may not come in, is an answer, too.
  watch(page, base, seen, (words) => /status of (403|404|429)/.test(words));
  return page;
}
const path = (page) => new URL(page.url()).pathname;
async function look(page, name) {
  looks += await everywhere(page, name, pictures);
}
async function signIn(page, name, words) {
  await page.getByLabel('Name').fill(name);
  await page.getByLabel('Password').fill(words);
  await page.getByRole('button', { name: 'Sign in' }).click();
  await page.waitForLoadState();
}
const text = (page) => page.locator('main').innerText();

// Whoever asks for a page is asked who they are, and then gets that page.
const anna = await visitor();
await anna.goto(`${base}/held`);
must(path(anna) === '/login', 'nobody sees anything before signing in');
await look(anna, 'sign-in');
await signIn(anna, 'anna', 'not her password');
must((await text(anna)).includes('don\'t belong together'), 'a wrong password is told');
await look(anna, 'sign-in-wrong');
await signIn(anna, 'anna', password);
must(path(anna) === '/held', 'she comes to where she wanted to go');
await until('a batch', async () => {
  await anna.goto(`${base}/held`);
  return (await text(anna)).includes('Our feast');
});
const batch = await anna.getByRole('link', { name: 'Look', exact: true }).first().getAttribute('href');
await anna.goto(`${base}/nothing-of-this-name`);
must((await text(anna)).includes('nothing here'), 'there is no such page');
await look(anna, 'nothing');

// Trouble stands on the first page, where it leads, and on the pages that it is about.
for (const [name, to, words] of [
  ['today', '/', 'can\'t be read'],
  ['health', '/health', 'can\'t be read'],
  ['sources', '/sources', 'can\'t be read'],
  ['source', '/sources/orders', 'can be read at the moment'],
  ['rules', '/rules', 'paused'],
  ['rule', '/rules/thanks', 'Paused since'],
  ['people', '/people', 'signed in'],
]) {
  await anna.goto(base + to);
  must((await text(anna)).includes(words), `${to} says "${words}", not ${await text(anna)}`);
  await look(anna, `${name}-trouble`);
}

// Whoever may only look sees the same, and can't decide.
const ben = await visitor();
await ben.goto(`${base}${batch}`);
await signIn(ben, 'ben', password);
must(path(ben) === batch, 'he sees the batch');
must((await text(ben)).includes('An owner decides'), 'and reads that an owner decides');
must(await ben.getByRole('button', { name: /go$|Send none/ }).count() === 0, 'there is nothing to press');
await look(ben, 'batch-viewer');

// Out is out.
await anna.getByRole('button', { name: 'Sign out' }).click();
await anna.waitForURL('**/login*');
await anna.goto(`${base}/held`);
must(path(anna) === '/login', 'she is out');
// And whoever goes on guessing has to wait.
for (let tries = 0; tries < 10 && await anna.getByLabel('Name').count() > 0; tries += 1) {
  await signIn(anna, 'anna', 'guessed');
}
must(await anna.getByLabel('Name').count() === 0, `there is nothing to fill in, but ${await text(anna)}`);
await look(anna, 'sign-in-wait');

must(seen.elsewhere.length === 0, `nothing is asked of anybody else: ${seen.elsewhere}`);
must(seen.refused.length === 0, `the browser refused nothing: ${seen.refused}`);
console.log(`signed in and out, with trouble: ${looks} looks at 2 widths, in light and dark`);
await browser.close();
