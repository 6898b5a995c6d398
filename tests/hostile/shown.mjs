// What a page with somebody's words in it must not do, asked of the page itself.
import { must } from './look.mjs';

// What is put into every page before it comes up: what scripts in values would call.
export const trap = () => {
  window.harmed = [];
  window.harm = (what) => window.harmed.push(String(what));
  for (const ask of ['alert', 'confirm', 'prompt', 'open']) window[ask] = () => window.harmed.push(ask);
  document.addEventListener('securitypolicyviolation', (found) => {
    window.harmed.push(`${found.violatedDirective}: ${found.blockedURI} ${found.sample}`);
  });
};

// Every kind of element with every attribute it bears, and where links and forms lead.
const shape = () => {
  const [kinds, leads] = [new Set(), new Set()];
  for (const one of document.querySelectorAll('*')) {
    kinds.add(one.localName);
    for (const { name, value } of one.attributes) {
      kinds.add(`${one.localName} ${name}`);
      if (['href', 'src', 'action', 'formaction', 'data', 'cite', 'background'].includes(name)) leads.add(value);
    }
  }
  return { harmed: window.harmed, kinds: [...kinds], leads: [...leads] };
};

// Where a page can't be read from left to right, line by line. A name that is written from right to left
// counts as one sign, and so does whatever is kept apart from what stands around it, by `bdi` or by signs.
const misread = (names) => {
  const found = [];
  const range = document.createRange();
  const blocks = new Map();
  const walker = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
  for (let node = walker.nextNode(); node; node = walker.nextNode()) {
    const of = node.parentElement;
    if (!node.data.trim() || of.closest('svg,option,textarea,script,style,main>pre') || !of.checkVisibility()) continue;
    let block = of;
    while (getComputedStyle(block).display.startsWith('inline')) block = block.parentElement;
    if (!blocks.has(block)) blocks.set(block, []);
    blocks.get(block).push(node);
  }
  const turns = /[\u0590-\u08ff\u200e\u200f\u061c\u202a-\u202e\u2066-\u2069\ufb1d-\ufdff\ufe70-\ufefc]/;
  // What stands at this place of a text and belongs together, and how long it is.
  const together = (text, at) => {
    const apart = text[at] === '\u2068' ? text.indexOf('\u2069', at) - at + 1 : 0;
    return apart || (names.find((one) => text.startsWith(one, at)) ?? text[at]).length;
  };
  for (const [block, nodes] of blocks) {
    if (!turns.test(block.textContent)) continue;
    let last = null;
    let bdi = null;
    const next = (box, words) => {
      if (box.width < 0.5) return;
      const sameLine = last && Math.abs(box.bottom - last.bottom) < box.height / 2
        && box.height < last.height * 1.6 && last.height < box.height * 1.6;
      if (sameLine && box.left < last.left - 1) found.push(words);
      last = box;
    };
    for (const node of nodes) {
      const kept = node.parentElement.closest('bdi');
      if (kept) {
        if (kept !== bdi) for (const box of kept.getClientRects()) next(box, kept.textContent.slice(0, 60));
        bdi = kept;
        continue;
      }
      for (let at = 0; at < node.length;) {
        const length = together(node.data, at);
        range.setStart(node, at);
        range.setEnd(node, at + length);
        const lines = new Map();
        for (const box of range.getClientRects()) {
          const line = Math.round(box.bottom);
          const known = lines.get(line) ?? box;
          const left = Math.min(known.left, box.left);
          lines.set(line, new DOMRect(left, box.top, Math.max(known.right, box.right) - left, box.height));
        }
        const words = node.data.slice(Math.max(0, at - 20), at + length + 20);
        for (const box of lines.values()) next(box, words);
        at += length;
      }
    }
  }
  return found.slice(0, 3);
};

// Nothing ran, nothing stands in the page that isn't in the same pages of tame people, and every link leads
// where ours lead.
export async function isHarmless(page, name, { kinds, leads }) {
  const seen = await page.evaluate(shape);
  must(seen.harmed?.length === 0, `${name} runs nothing: ${seen.harmed}`);
  const strange = kinds ? seen.kinds.filter((kind) => !kinds.has(kind)) : [];
  must(strange.length === 0, `${name} holds nothing of anybody else's: ${strange}`);
  const away = seen.leads.filter((to) => !leads(to));
  must(away.length === 0, `${name} leads nowhere else: ${away}`);
  return seen.kinds;
}

// That a page that does all of it is noticed. `asked` is what it asked of others.
export async function isNoticed(page, names, asked) {
  const { harmed, leads, kinds } = await page.evaluate(shape);
  const turned = await page.evaluate(misread, names);
  must(harmed.length > 2 && kinds.includes('svg onload') && leads.some((to) => to.includes('//evil.example'))
    && turned.length > 0 && asked.some((one) => one.includes('evil.example')), 'what does harm is noticed: '
    + JSON.stringify({ harmed, leads, turned, asked }));
}

export async function readsInOrder(page, name, names) {
  const found = await page.evaluate(misread, names);
  must(found.length === 0, `${name} reads from left to right: ${JSON.stringify(found)}`);
}

// Its heading and what it is used with are where they are with tame people, more or less.
export const places = (page) => page.evaluate(() => {
  const top = (what) => {
    const all = [...document.querySelectorAll(what)].filter((one) => one.checkVisibility());
    return Math.min(...all.map((one) => one.getBoundingClientRect().top + window.scrollY), 1e6);
  };
  const heading = document.querySelector('h1').getBoundingClientRect();
  const tall = [...document.querySelectorAll('td,li,dd,p,h1,h2,h3,legend,label,bdi')]
    .map((one) => [one.getBoundingClientRect().height, one.textContent]);
  const [height, text] = tall.reduce((most, one) => (one[0] > most[0] ? one : most), [0, '']);
  return { heading: heading.height, first: heading.top, button: top('main button, main .button'), height, text };
});

// Nothing that would command a terminal, or turn round what stands there.
export function isPlain(text, name, alsoGood = /[]/) {
  const bad = /[\u0000-\u0008\u000b-\u001f\u007f-\u009f\u200e\u200f\u061c\u202a-\u202e\u2066-\u2069\u200b\u2060\ufeff\u2028\u2029]/u;
  const found = [...text].filter((sign) => bad.test(sign) && !alsoGood.test(sign));
  must(found.length === 0, `${name} is plain: ${found.slice(0, 5).map((sign) => sign.codePointAt(0).toString(16))}`
    + ` in ${JSON.stringify(text.split('\n').find((line) => found.some((sign) => line.includes(sign)))?.slice(0, 300))}`);
}
