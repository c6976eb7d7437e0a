// Charts by dygraphs, in the page's colours, with keys that do what a mouse does.
const CHARTS = [];
const TOUCH = matchMedia('(pointer: coarse)').matches;
const colour = name => getComputedStyle(document.documentElement).getPropertyValue('--' + name).trim();
const palette = n => Array.from({length: n}, (_, i) => colour('c' + (1 + i % 8)));
const asHtml = text => String(text).replace(/[&<>"']/g, c => `&#${c.charCodeAt(0)};`);

// Room that a label of the horizontal axis takes, in pixels.
const widthOf = chars => 10 + 7 * chars;
// Without those so near to the right edge that dygraphs would move their labels.
const inside = (ticks, chars, from, to, pixels) => ticks.filter(({v}) => (to - v) / (to - from) * pixels >= widthOf(chars) / 2 - 4);

// Whole numbers from `low` to `high`, as many as find room for `label(x)` of `chars` characters.
function ticksOf(label, chars, low, high) {
  return (from, to, pixels) => {
    const first = Math.max(low, Math.ceil(from)), last = Math.min(high, Math.floor(to));
    const most = Math.max(1, Math.floor(pixels / (8 + widthOf(chars))));
    const rough = (last - first + 1) / most, power = 10 ** Math.floor(Math.log10(Math.max(rough, 1)));
    const step = power * [1, 2, 5, 10].find(lead => lead * power >= rough);
    const ticks = [];
    for (let x = Math.ceil(first / step) * step; x <= last; x += step) ticks.push({v: x, label: asHtml(label(x))});
    return inside(ticks, chars, from, to, pixels);
  };
}

// The same for dates; of those with times of day the midnights, as days, where there are two or more.
function ticksOfDates(dates, chars) {
  return (from, to, pixels) => {
    const days = [];
    for (let x = Math.max(0, Math.ceil(from)); x <= Math.min(to, dates.length - 1); ++x) {
      if (/ 00:00:00$/.test(dates[x])) days.push(x);
    }
    if (days.length < 2) return ticksOf(x => shortDate(dates[x]), chars, 0, dates.length - 1)(from, to, pixels);
    const step = Math.ceil(days.length / Math.max(1, Math.floor(pixels / (8 + widthOf(10)))));
    return inside(days.filter((x, i) => i % step === 0).map(x => ({v: x, label: asHtml(dates[x].slice(0, -9))})), 10, from, to, pixels);
  };
}
const shortDate = date => date.replace(/^(.*\d\d:\d\d):00$/, '$1');

// A chart in `host`. spec: title (for readers of the screen), rows, labels, x(value) -> text, y: numberText or percentText,
// colours() -> [...], ticks (by default whole numbers) and chars of their labels, more(label, value, text) -> text after a value, and
// options of dygraphs. Gives {graph, host}.
function drawChart(host, spec) {
  const legend = make('div', {class: 'legend', 'aria-live': 'polite'});
  const place = make('div', {class: 'chart' + (spec.tall ? ' tall' : ''), tabindex: '0', role: 'group', 'aria-label': W.chartOf(spec.title)});
  host.append(place, legend);
  const ends = [spec.rows[0][0], spec.rows[spec.rows.length - 1][0]], chars = spec.chars || Math.max(...ends.map(x => String(spec.x(x)).length));
  const values = spec.rows.flatMap(row => row.slice(1)).flat().filter(known);
  const [low, high] = values.length ? [Math.min(...values), Math.max(...values)] : [0, 1], text = spec.y(low, high, true);
  const room = Math.min(76, 12 + 7 * Math.max(...[low, high, (2 * low + high) / 3].map(v => text(v).replace(/[^\x00-\xff]/g, '..').length)));
  spec.text = spec.y(low, high);
  // dygraphs draws nothing of one step alone: it has a scale between two.
  const alone = ends[0] === ends[1], nothing = spec.labels.slice(1).map(() => null);
  const rows = alone ? [[ends[0] - 1, ...nothing], spec.rows[0], [ends[0] + 1, ...nothing]] : spec.rows;
  const colours = () => ({colors: spec.colours(), gridLineColor: colour('line'), axisLineColor: colour('faint')});
  const {mousedown, dblclick} = Dygraph.defaultInteractionModel;
  const graph = new Dygraph(place, rows, Object.assign({
    labels: spec.labels, labelsDiv: legend, legend: 'always', hideOverlayOnMouseOut: !TOUCH, legendFormatter: data => legendOf(data, spec),
    // Without its touch handlers a finger on the chart scrolls the page, and a tap reads a value: it is a mouse that comes and,
    // in some browsers, goes at once.
    interactionModel: {mousedown, dblclick, willDestroyContextMyself: true},
    strokeWidth: 1.8, highlightCircleSize: 4, xRangePad: 6, yRangePad: 6, fillAlpha: Number(colour('band')), titleHeight: 0,
    axes: {
      x: {ticker: spec.ticks || ticksOf(spec.x, chars, ...ends), axisLabelWidth: widthOf(chars), pixelsPerLabel: 60},
      y: {axisLabelFormatter: (v, unit, option, drawn) => asHtml(spec.y(...drawn.yAxisRange(), true)(v)), axisLabelWidth: room},
    },
  }, colours(), spec.options || {}, alone ? {drawPoints: true, pointSize: 4} : {}));
  const chart = {graph, host, recolour: () => graph.updateOptions(
    Object.assign({fillAlpha: Number(colour('band'))}, colours(), spec.recoloured ? spec.recoloured() : {}))};
  place.addEventListener('keydown', event => chartKey(event, graph, rows));
  CHARTS.push(chart);
  return chart;
}

// Elements, since names come from the data.
function legendOf(data, spec) {
  const out = document.createDocumentFragment();
  if (known(data.x)) out.append(make('b', {}, String(spec.x(data.x))));
  for (const series of data.series) {
    if (!series.isVisible) continue;
    const dashed = spec.options && spec.options.series && (spec.options.series[series.label] || {}).strokePattern;
    const key = make('span', {class: 'key'});
    key.style.background = dashed ? `repeating-linear-gradient(to right, ${series.color} 0 4px, transparent 4px 7px)` : series.color;
    const value = known(data.x) && known(series.y) ? ' ' + spec.text(series.y) : '';
    const more = known(data.x) && spec.more ? spec.more(series.label, data.x, spec.text) : '';
    out.append(make('span', {}, key, series.label + value + more));
  }
  return out;
}

function zoom(graph, factor, shift = 0) {
  const [left, right] = graph.xAxisRange(), [low, high] = graph.xAxisExtremes();
  const width = Math.min((right - left) * factor, high - low);
  if (width < 2 && factor < 1) return;
  const middle = (left + right) / 2 + shift * (right - left);
  const from = Math.min(Math.max(middle - width / 2, low), high - width);
  graph.updateOptions({dateWindow: [from, from + width]});
}

function chartKey(event, graph, rows) {
  const side = event.key === 'ArrowLeft' ? -1 : event.key === 'ArrowRight' ? 1 : 0;
  if (side && event.shiftKey) zoom(graph, 1, side * 0.25);
  else if (side) {
    const at = graph.getSelection();
    graph.setSelection(at < 0 ? (side > 0 ? 0 : rows.length - 1) : Math.min(Math.max(at + side, 0), rows.length - 1));
  } else if (event.key === '+' || event.key === '=') zoom(graph, 0.5);
  else if (event.key === '-') zoom(graph, 2);
  else if (event.key === '0' || event.key === 'Escape') graph.resetZoom();
  else return;
  event.preventDefault();
}

// An element with attributes and children; texts are texts, never HTML.
function make(tag, attributes = {}, ...children) {
  const out = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) {
    if (value !== null && value !== undefined) out.setAttribute(name, value);
  }
  out.append(...children.filter(child => child !== null && child !== undefined));
  return out;
}

matchMedia('(prefers-color-scheme: dark)').addEventListener('change', () => CHARTS.forEach(chart => chart.recolour()));

// On paper: light, no wider than A4 and letter less margins, groups unfolded. A canvas that is given another size prints empty in
// Chromium, so charts are shown smaller and not drawn anew.
function onPaper(paper) {
  document.documentElement.classList.toggle('print', paper);
  for (const details of document.querySelectorAll('#errors details')) {
    if (paper && !details.open) details.dataset.folded = '';
    if (paper || 'folded' in details.dataset) details.open = paper;
    if (!paper) delete details.dataset.folded;
  }
  for (const chart of CHARTS) {
    const {style, clientWidth} = chart.host.querySelector('.chart');
    style.width = paper ? clientWidth + 'px' : '';
    style.zoom = paper ? Math.min(1, 640 / clientWidth) : '';
    chart.recolour();
  }
}
addEventListener('beforeprint', () => onPaper(true));
addEventListener('afterprint', () => onPaper(false));
