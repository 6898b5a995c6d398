// What somebody could write into a field: what is meant to become more than words, and what only looks odd
// and is some person's name. `harm` is what a script of theirs would call.

const far = '//evil.example';
// A sign that can't be seen in this file without its number.
const sign = (code) => String.fromCodePoint(code);
const zalgo = (marks) => ['Z', 'o', 'e'].map((letter) => letter + sign(0x301).repeat(marks)).join('');

// Right-to-left names as they are and have to stay, whatever stands beside them.
export const rightToLeft = ['נועה לוי', 'שָׁלוֹם', 'محمد العلي', 'ژاله رضایی'];

const hostile = {
  script: '<script>harm("script")</script>',
  image: '<img src=x onerror=harm("image")>',
  pixel: `<img src="${far}/pixel.gif" width=1>`,
  svg: '"><svg onload=harm("svg")>',
  attribute: '\' onmouseover=\'harm("over")\' autofocus onfocus=harm("focus") x="',
  style: '</style><style>*{display:none!important}</style>',
  ends: '</bdi></textarea></title></pre></select></iframe><script>harm("ends")</script>',
  comment: '--><script>harm("comment")</script><!--',
  frame: '<iframe srcdoc="<script>parent.harm(1)</script>"></iframe>',
  base: `<base href="http:${far}/"><a href=next>next</a>`,
  refresh: `<meta http-equiv=refresh content="0;url=http:${far}/">`,
  form: `<form action="http:${far}/"><button>Sign in</button></form>`,
  sheet: `<link rel=stylesheet href="${far}/a.css"><style>@import "${far}/b.css"</style>`,
  jinja: '{{ 7*7 }}{% for n in range(9) %}{{ self }}{% endfor %}{{ business.name|safe }}{# x',
  link: `[win](http:${far}/) ![p](http:${far}/p.gif) [r][r] <http:${far}>`,
  heading: `# Big **bold** _it_ \`code\` | a | b |\n\n[r]: http:${far}/\n\n---\n\n1. one`,
  javascript: '[x](javascript:harm("md")) javascript:harm("bare")',
  data: '[x](data:text/html,<script>parent.harm(2)</script>)',
  address: 'https://evil.example/win www.evil.example win@evil.example',
  escaped: '&lt;script&gt;harm("entity")&lt;/script&gt; &#60;b&#x3e; &amp;amp; &NewLine; &#8238;x',
  override: `Ann${sign(0x202e)}gpj.exe${sign(0x202d)} 12 of 34`,
  isolate: `Bea${sign(0x2067)} 12 (of) 34 ${sign(0x2066)}${sign(0x202b)}x${sign(0x200f)}`,
  closes: `Cat${sign(0x2069)}${sign(0x202c)}${sign(0x2069)} Cox`,
  unseen: `D${sign(0x200b)}o${sign(0x2060)}r${sign(0xfeff)}a${sign(0xad)}`,
  tags: `Eve${[...'evil'].map((c) => sign(0xe0000 + c.charCodeAt(0))).join('')}`,
  nothing: sign(0x200b) + sign(0x202e) + sign(0x2060),
  filler: sign(0x3164) + sign(0x115f),
  lines: 'Fay\r\nBcc: eve@evil.example\r\n\r\n<b>body</b>\r\n.\r\nMAIL FROM:<eve@evil.example>',
  controls: `Gus${sign(0)}A${sign(0x85)}B${sign(0x9b)}31mC${sign(0x8)}D${sign(0x7f)}`,
  separators: `Hal${sign(0x2028)}harm("line")${sign(0x2029)}x`,
  ansi: `${sign(27)}]0;owned${sign(7)}${sign(27)}[2J${sign(27)}[31mred${sign(27)}[8m`,
  long: 'W'.repeat(10_000),
  spaced: 'Maria del Carmen '.repeat(588),
  wide: sign(0xfdfd).repeat(300),
  zalgo: zalgo(500),
  some: zalgo(40).repeat(30),
  equals: '=HYPERLINK("http://evil.example/","Ann")',
  plus: '+1+cmd|\' /C calc\'!A0',
  minus: '-2+3+cmd|\' /C calc\'!A0',
  at: '@SUM(1+1)*cmd|\' /C calc\'!A0',
  cell: 'Ian;=1+1;"=2+2";\t=3+3',
  tab: '\t=4+4',
  fullwidth: `${sign(0xff1d)}1+1`,
  quotes: '"=1+1","=2+2',
};

// Names of people, who may be proud of them.
const people = {
  hebrew: rightToLeft[0],
  niqqud: rightToLeft[1],
  arabic: rightToLeft[2],
  persian: rightToLeft[3],
  hindi: 'प्रिया शर्मा',
  thai: 'กิตติ์ ใจดี',
  vietnamese: 'Nguyễn Thị Hương',
  family: `Kim ${sign(0x1f469)}${sign(0x200d)}${sign(0x1f467)}`,
  irish: 'Seán O\'Brien-Ó Súilleabháin',
};

// All of them, by name.
export const values = { ...hostile, ...people };
// What has to be readable as it is.
export const readable = people;
// The same number of people of whom nothing is odd.
export const tame = Object.fromEntries(Object.keys(values).map((name, n) => [name, `Tame Person${n}`]));

// No more than so many signs, and none of them half.
export const cut = (text, most) => [...text].slice(0, most).join('');
